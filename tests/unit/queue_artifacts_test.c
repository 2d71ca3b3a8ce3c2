/* The field "artifacts" of a job. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/job/job.h"

#define HASH "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static struct config *config;

static int load(void **state)
{
    (void)state;
    struct err e = {0};
    return crypto_init(&e) || config_load(NULL, &config, &e);
}

static int unload(void **state)
{
    (void)state;
    config_free(config);
    return 0;
}

static struct job *decode(const char *artifacts, const char *more, struct err *e)
{
    struct buf b = {0};
    struct job *job;
    const struct job_origin o = {.tenant = "default", .stream_seq = 7};
    buf_addf(&b, "{\"script\":\"1\",\"artifacts\":%s%s}", artifacts, more);
    e->code = 0;
    job_decode(config, &o, b.data, b.len, &job, e);
    buf_free(&b);
    return job;
}

static void refused(const char *artifacts, const char *says)
{
    struct err e;
    struct job *j = decode(artifacts, "", &e);
    assert_int_equal(e.code, ERR_INVALID);
    if (!strstr(e.msg, says))
        fail_msg("'%s' does not say '%s'", e.msg, says);
    job_free(j);
}

static void what_is_named_is_kept(void **state)
{
    (void)state;
    struct err e;
    struct job *j = decode("{\"in/a.csv\":{\"object\":\"x y\",\"sha256\":\"" HASH
                           "\",\"size\":3},\"b\":{\"sha256\":\"" HASH "\",\"size\":0}}",
                           "", &e);
    assert_int_equal(e.code, 0);
    assert_int_equal(j->artifact_count, 2);
    const struct job_artifact *a = job_artifact(j, "in/a.csv"), *b = job_artifact(j, "b");
    assert_string_equal(a->object, "x y");
    assert_string_equal(a->sha256, HASH);
    assert_int_equal(a->size, 3);
    assert_string_equal(b->object, "b"); /* its own name where none is given */
    assert_null(job_artifact(j, "c"));
    struct buf text = {0};
    const struct job_request r = {
        .script = "1", .script_len = 1, .artifacts = j->artifacts, .artifact_count = 2};
    job_encode(&r, &text);
    assert_non_null(strstr(text.data, "\"artifacts\":{\"in/a.csv\":{\"object\":\"x y\","));
    buf_free(&text);
    job_free(j);
    j = decode("{}", "", &e);
    assert_int_equal(e.code, 0);
    assert_int_equal(j->artifact_count, 0);
    job_free(j);
}

static void every_fault_is_named(void **state)
{
    (void)state;
    static const char *const names[] = {"",   "/a",       "a/",      "a//b", ".a",    "a/.b",
                                        "..", "a\\u0000", "\\u00e9", "a b",  "a/../b"};
    refused("[]", "artifacts: found array; allowed: an object");
    refused("{\"a\":1}", "artifacts.a: found 1; allowed: {\"object\"");
    refused("{\"a\":{\"size\":1}}", "artifacts.a.sha256: missing");
    refused("{\"a\":{\"sha256\":\"" HASH "\"}}", "artifacts.a.size: missing");
    refused("{\"a\":{\"sha256\":\"ABC\"}}", "artifacts.a.sha256: found \"ABC\"; allowed: 64");
    refused("{\"a\":{\"size\":-1}}", "artifacts.a.size: found -1; allowed: a number of bytes");
    refused("{\"a\":{\"size\":1.5}}", "artifacts.a.size: found 1.5");
    refused("{\"a\":{\"object\":\"a\\u0000b\"}}", "artifacts.a.object: found");
    refused("{\"a\":{\"object\":\"\"}}", "artifacts.a.object: found \"\"");
    refused("{\"a\":{\"path\":1}}", "artifacts.a: unknown field 'path'; allowed: object, sha256");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char text[200];
        snprintf(text, sizeof text, "{\"%s\":{\"sha256\":\"" HASH "\",\"size\":1}}", names[i]);
        if (strcmp(names[i], "a\\u0000")) /* no JSON reader of ours takes that in a name */
            refused(text, "artifacts: found the name");
    }
}

static void there_are_bounds(void **state)
{
    (void)state;
    struct buf b = {0};
    struct err e;
    for (int i = 0; i <= ARTIFACTS_MAX; i++)
        buf_addf(&b, "%s\"a%d\":{\"sha256\":\"" HASH "\",\"size\":1}", i ? "," : "{", i);
    buf_adds(&b, "}");
    refused(b.data, "artifacts: found 65; allowed: at most 64");
    buf_free(&b);
    static const char two[] = "{\"a\":{\"sha256\":\"" HASH "\",\"size\":1048576},\"b\":{\"sha256\":"
                              "\"" HASH "\",\"size\":1}}";
    struct job *j = decode(two, ",\"limits\":{\"artifacts_mb\":1}", &e);
    assert_non_null(strstr(e.msg, "artifacts.b.size: found 1; allowed: 1048576 bytes in all"));
    job_free(j);
    j = decode(two, ",\"limits\":{\"artifacts_mb\":2}", &e);
    assert_int_equal(e.code, 0);
    job_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_named_is_kept),
        cmocka_unit_test(every_fault_is_named),
        cmocka_unit_test(there_are_bounds),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, load, unload);
}
