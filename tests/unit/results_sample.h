/* What the tests of results/ share: a folder of their own, a key, sample results, a shell. */
#pragma once

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "results/envelope.h"
#include "results/record.h"
#include "results/store.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static char test_dir[64];

static inline int make_test_dir(void **state)
{
    (void)state;
    struct err e;
    strcpy(test_dir, "/tmp/isolane-results-XXXXXX");
    return mkdtemp(test_dir) && !crypto_init(&e) ? 0 : -1;
}

/* Runs a shell command in the test's folder; its exit code. */
__attribute__((format(printf, 1, 2))) static inline int shell(const char *fmt, ...)
{
    struct buf b = {0};
    va_list ap;
    char cmd[8192];
    va_start(ap, fmt);
    vsnprintf(cmd, sizeof cmd, fmt, ap);
    va_end(ap);
    buf_addf(&b, "cd %s && { %s ; }", test_dir, cmd);
    int status = system(b.data);
    buf_free(&b);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline int remove_test_dir(void **state)
{
    (void)state;
    return shell("chmod -R u+rwx . && cd / && rm -rf %s", test_dir);
}

static inline const char *at(const char *name)
{
    static char path[8][PATH_MAX];
    static int turn;
    turn = (turn + 1) % 8;
    snprintf(path[turn], PATH_MAX, "%s/%s", test_dir, name);
    return path[turn];
}

static inline void make_key(struct sign_key *k, const char *name)
{
    char pub[80];
    struct err e;
    snprintf(pub, sizeof pub, "%s.pub", name);
    if (sign_key_open(at(name), at(pub), k, &e))
        fail_msg("%s", e.msg);
}

static const char *const sample_layers[] = {"userns", "mountns", "pidns", "seccomp", NULL};

/* A result with every member set; seq and prev are not. */
static inline struct result *sample_result(const char *id)
{
    struct result *r = result_new();
    r->id = mem_strdup(id);
    r->tenant = mem_strdup("ci");
    r->cls = "normal";
    r->state = "done";
    r->outcome = OUTCOME_THREW;
    r->value = mem_strdup("{\"n\":1.50}");
    r->value_len = strlen(r->value);
    r->out = mem_copy("hello\n\"w\xc3\xb6rld\"\0end", 18);
    r->out_len = 18;
    r->out_total = 18;
    r->err_out = mem_strdup("oops");
    r->err_out_len = 4;
    r->err_out_total = 1000;
    r->has_error = true;
    r->error_name = mem_strdup("TypeError");
    r->error_message = mem_strdup("x is not a function");
    r->error_stack = mem_strdup("TypeError: x\n    at script.mjs:3:7");
    r->error_line = 3;
    r->error_column = 7;
    r->cpu_us = 1234;
    r->wall_us = 45006789;
    r->heap_peak = 3456789;
    r->memory_peak = 12345678;
    r->attempts = 2;
    r->tries = mem_strdup("[{\"attempt\":1,\"outcome\":\"crashed\"}]");
    r->artifacts = mem_strdup("[{\"name\":\"a\",\"size\":1}]");
    r->published_at_us = 1795000000000001;
    r->started_at_us = 1795000000100000;
    r->finished_at_us = 1795000001999999;
    r->worker = mem_strdup("w1");
    r->engine = mem_strdup("v8 14.6.202.34");
    r->profile = "default";
    r->engine_flags = mem_strdup("--single-threaded");
    r->language = "typescript";
    r->transform = mem_strdup("{\"cached\":true}");
    r->egress = mem_strdup("{\"requests\":2}");
    r->reuse = "script";
    r->reuse_call = 3;
    r->limit_name = "cpu_ms";
    r->limit_value = 100;
    r->limit_used = 103;
    crypto_sha256_hex("key", 3, r->signed_by);
    r->permissions = mem_strdup("[\"eval\",\"net:api.example.com\"]");
    crypto_sha256_hex("set", 3, r->attest_set);
    r->attested_at_us = 1795000000000002;
    crypto_sha256_hex("script", 6, r->script_sha256);
    crypto_sha256_hex("input", 5, r->input_sha256);
    r->jail = 1 | 8;
    r->jail_names = sample_layers;
    r->stream_seq = 77;
    return r;
}

/* The barest result there can be: a job that never ran. */
static inline struct result *bare_result(const char *id)
{
    struct result *r = result_new();
    r->id = mem_strdup(id);
    r->tenant = mem_strdup("default");
    r->cls = "low";
    r->state = "done";
    r->outcome = OUTCOME_INVALID;
    return r;
}

/* Signs r as the next of a chain and gives the row that store_commit() takes. */
struct signed_row {
    struct result *r;
    struct buf statement, envelope;
    char hash[65];
    struct store_row row;
};

static inline void sign_next(struct signed_row *s, struct result *r, const struct sign_key *k,
                             uint64_t *seq, char prev[65])
{
    memset(s, 0, sizeof *s);
    s->r = r;
    r->seq = ++*seq;
    memcpy(r->prev, prev, 65);
    statement_encode(r, &s->statement);
    envelope_sign(k, s->statement.data, s->statement.len, &s->envelope);
    crypto_sha256_hex(s->statement.data, s->statement.len, s->hash);
    memcpy(prev, s->hash, 65);
    s->row = (struct store_row){.result = r,
                                .envelope = s->envelope.data,
                                .envelope_len = s->envelope.len,
                                .hash = s->hash};
}

static inline void signed_row_free(struct signed_row *s)
{
    result_free(s->r);
    buf_free(&s->statement);
    buf_free(&s->envelope);
}

/* Fills a database with rows j1..jn, alternating full and bare results. */
static inline void fill_store(struct store *db, int n, const struct sign_key *k)
{
    uint64_t seq;
    char prev[65], id[32];
    struct err e = {0};
    assert_int_equal(store_chain_head(db, &seq, prev, &e), 0);
    for (int i = 0; i < n; i++) {
        struct signed_row s;
        snprintf(id, sizeof id, "j%d", (int)seq + 1);
        sign_next(&s, seq % 2 ? bare_result(id) : sample_result(id), k, &seq, prev);
        if (store_commit(db, &s.row, 1, &e))
            fail_msg("%s", e.msg);
        signed_row_free(&s);
    }
}
