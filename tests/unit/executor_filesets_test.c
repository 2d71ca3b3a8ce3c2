/* Files of archives on their way to jobs: one fetch for many, few at once, what is asked for again,
 * what ends the job, who leaves early. The store is made here and answers when it is told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/buf.h"
#include "base/mem.h"
#include "config/config.h"
#include "executor/artifacts/artifact_store_inner.h"
#include "executor/attempt/attempt_inner.h"
#include "executor/sources/filesets.h"
#include "queue/job/archive.h"

#define READS 8

struct read {
    struct artifact_read base;
    struct fake *store;
    struct artifact_read_events ev;
    void *arg;
    char object[64];
    bool open;
};

struct fake {
    struct artifact_store base;
    uv_loop_t loop;
    struct config *config;
    struct filesets *sets;
    struct read reads[READS];
    int begun, told, failed;
    struct err why;
};

static const struct artifact_ops ops;

static int begin(struct artifact_store *s, const char *tenant, const char *object, uint64_t size,
                 const struct artifact_read_events *ev, void *arg, struct artifact_read **out,
                 struct err *e)
{
    struct fake *f = (struct fake *)s;
    struct read *r = &f->reads[f->begun++];
    (void)tenant, (void)size, (void)e;
    assert_true(f->begun <= READS);
    *r = (struct read){.base.ops = &ops, .store = f, .ev = *ev, .arg = arg, .open = true};
    snprintf(r->object, sizeof r->object, "%s", object);
    *out = &r->base;
    return 0;
}

static void close_read(struct artifact_read *base)
{
    ((struct read *)base)->open = false;
}

static const struct artifact_ops ops = {.read = begin, .read_free = close_read};

static void on_done(struct attempt *a, const struct err *why, void *arg)
{
    struct fake *f = arg;
    (void)a;
    if (why) {
        f->failed++;
        f->why = *why;
    } else {
        f->told++;
    }
}

/* A tar of one file, index.mjs; n makes it another. */
static void tar_of(int n, struct buf *out)
{
    char h[512] = {0}, text[16];
    unsigned sum = 0;
    strcpy(h, "index.mjs");
    snprintf(text, sizeof text, "%08d", n);
    strcpy(h + 124, "00000000010");
    h[156] = '0';
    memcpy(h + 257, "ustar\00000", 8);
    memset(h + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)h[i];
    snprintf(h + 148, 8, "%06o", sum);
    buf_add(out, h, 512);
    memset(h, 0, sizeof h);
    memcpy(h, text, 8);
    buf_add(out, h, 512);
    memset(h, 0, sizeof h);
    buf_add(out, h, 512);
    buf_add(out, h, 512);
}

static struct attempt *attempt_for(const char *tenant, int n)
{
    struct attempt *a = mem_alloc(sizeof *a);
    struct buf tar = {0};
    tar_of(n, &tar);
    a->state = ATTEMPT_PARKED;
    a->job = mem_alloc(sizeof *a->job);
    strcpy(a->job->tenant, tenant);
    a->job->archive = mem_alloc(sizeof *a->job->archive);
    a->job->archive->object = mem_strdup("object");
    a->job->archive->size = (int64_t)tar.len;
    crypto_sha256_hex(tar.data, tar.len, a->job->archive->sha256);
    a->job->input = mem_strdup("null");
    buf_free(&tar);
    return a;
}

static void drop(struct attempt *a)
{
    filesets_forget(a);
    job_free(a->job);
    free(a);
}

/* The store gives the tar of that number. */
static void give(struct fake *f, int read, int n)
{
    struct read *r = &f->reads[read];
    struct buf tar = {0};
    char hex[SHA256_HEX];
    tar_of(n, &tar);
    crypto_sha256_hex(tar.data, tar.len, hex);
    r->ev.data(tar.data, 700, r->arg);
    r->ev.data(tar.data + 700, tar.len - 700, r->arg);
    r->ev.done(hex, NULL, r->arg);
    buf_free(&tar);
}

static void refuse(struct fake *f, int read, int code)
{
    struct err e = {0};
    err_set(&e, code, "no");
    f->reads[read].ev.done(NULL, &e, f->reads[read].arg);
}

static void run_until(struct fake *f, const int *count, int n)
{
    while (*count < n)
        uv_run(&f->loop, UV_RUN_ONCE);
}

static bool take(struct fake *f, struct attempt *a)
{
    int rc = 0;
    struct err e = {0};
    return filesets_take(f->sets, a, &rc, &e) && !rc;
}

static int set_up(void **state)
{
    struct fake *f = mem_alloc(sizeof *f);
    struct err e = {0};
    f->base.ops = &ops;
    assert_int_equal(crypto_init(&e), 0);
    assert_int_equal(config_load(NULL, &f->config, &e), 0);
    uv_loop_init(&f->loop);
    f->sets = filesets_new(&f->loop, f->config, &f->base, on_done, f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fake *f = *state;
    filesets_free(f->sets);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    config_free(f->config);
    free(f);
    return 0;
}

static void one_fetch_for_all_that_wait(void **state)
{
    struct fake *f = *state;
    struct attempt *a = attempt_for("default", 1), *b = attempt_for("default", 1);
    struct attempt *other = attempt_for("other", 1);
    assert_false(take(f, a));
    filesets_fetch(f->sets, a);
    filesets_fetch(f->sets, b);
    assert_int_equal(f->begun, 1);
    give(f, 0, 1);
    assert_int_equal(f->told, 0);
    run_until(f, &f->told, 2);
    assert_false(filesets_is_waiting(a));
    assert_true(take(f, a) && take(f, b));
    assert_string_equal(a->job->main, "index.mjs");
    assert_string_equal(a->job->script_sha256, b->job->script_sha256);
    assert_false(take(f, other)); /* another tenant's */
    drop(a);
    drop(b);
    drop(other);
}

static void few_are_on_their_way_at_once(void **state)
{
    struct fake *f = *state;
    struct attempt *a[4];
    for (int i = 0; i < 4; i++) {
        a[i] = attempt_for("default", i);
        filesets_fetch(f->sets, a[i]);
    }
    assert_int_equal(f->begun, FILESETS_AT_ONCE);
    drop(a[0]); /* who leaves makes room */
    assert_false(f->reads[0].open);
    assert_int_equal(f->begun, 3);
    give(f, 1, 1);
    run_until(f, &f->told, 1);
    assert_int_equal(f->begun, 4);
    give(f, 2, 2);
    give(f, 3, 3);
    run_until(f, &f->told, 3);
    for (int i = 1; i < 4; i++) {
        assert_true(take(f, a[i]));
        drop(a[i]);
    }
}

static void a_store_that_does_not_answer_is_asked_again(void **state)
{
    struct fake *f = *state;
    struct attempt *a = attempt_for("default", 1);
    filesets_fetch(f->sets, a);
    refuse(f, 0, ERR_TIMEOUT);
    run_until(f, &f->begun, 2);
    assert_int_equal(f->failed, 0);
    give(f, 1, 1);
    run_until(f, &f->told, 1);
    assert_true(take(f, a));
    drop(a);
}

static void what_never_will_be_there_ends_the_job(void **state)
{
    struct fake *f = *state;
    struct attempt *a = attempt_for("default", 1), *b = attempt_for("default", 2);
    filesets_fetch(f->sets, a);
    filesets_fetch(f->sets, b);
    refuse(f, 0, ERR_NOT_FOUND);
    give(f, 1, 3);                  /* another's bytes */
    assert_int_equal(f->failed, 0); /* in a turn of its own */
    run_until(f, &f->failed, 2);
    assert_int_equal(f->why.code, ERR_INVALID);
    assert_non_null(strstr(f->why.msg, "the job names 2048 and "));
    drop(a);
    drop(b);
}

static void who_waits_may_leave_at_any_time(void **state)
{
    struct fake *f = *state;
    struct attempt *a = attempt_for("default", 1), *b = attempt_for("default", 1);
    filesets_fetch(f->sets, a);
    filesets_fetch(f->sets, b);
    drop(a);
    assert_true(f->reads[0].open);
    give(f, 0, 1);
    drop(b); /* while it is unpacked: thrown away */
    struct attempt *c = attempt_for("default", 2);
    filesets_fetch(f->sets, c);
    refuse(f, 1, ERR_TIMEOUT);
    drop(c); /* in a pause */
    assert_int_equal(f->told + f->failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_fetch_for_all_that_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(few_are_on_their_way_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_that_does_not_answer_is_asked_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_never_will_be_there_ends_the_job, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_waits_may_leave_at_any_time, set_up, tear_down),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
