/* What the tests of a job's fields share: the default configuration, the job that was decoded last
 * and what was said about it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "queue/job/job.h"

static struct config *config;
static struct job *job;
static struct err e;

static inline int decode_as(const char *tenant, const char *msg_id, const char *text, size_t len)
{
    struct job_origin o = {
        .tenant = tenant, .cls = CLASS_NORMAL, .msg_id = msg_id, .stream_seq = 42};
    job_free(job);
    job = NULL;
    memset(&e, 0, sizeof e);
    /* Of exact size: reading behind it is found by the sanitizer. */
    char *exact = malloc(len ? len : 1);
    memcpy(exact, text, len);
    int rc = job_decode(config, &o, exact, len, &job, &e);
    free(exact);
    assert_non_null(job);
    assert_int_equal(rc, e.code);
    assert_true(job_id_valid(job->id, strlen(job->id)));
    return rc;
}

static inline int decode(const char *text)
{
    return decode_as("default", NULL, text, strlen(text));
}

static inline void refused(const char *text, const char *words)
{
    assert_int_equal(decode(text), ERR_INVALID);
    if (strncmp(e.msg, words, strlen(words)) != 0)
        fail_msg("for %s: found \"%s\", not \"%s…\"", text, e.msg, words);
}

static inline int set_up(void **state)
{
    (void)state;
    struct err why = {0};
    if (crypto_init(&why) || config_load(NULL, &config, &why)) {
        fprintf(stderr, "%s\n", why.msg);
        return -1;
    }
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    job_free(job);
    config_free(config);
    return 0;
}
