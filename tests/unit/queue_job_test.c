/* Decoding of jobs: what is taken, what is refused and in which words, under which id. */
#include "tests/unit/queue_job.h"

/* ---- what is taken ---- */

static void test_the_least(void **state)
{
    (void)state;
    assert_int_equal(decode("{\"script\":\"1\"}"), 0);
    assert_string_equal(job->id, "42");
    assert_string_equal(job->tenant, "default");
    assert_int_equal(job->cls, CLASS_NORMAL);
    assert_int_equal(job->source, JOB_MODULE);
    assert_string_equal(job->name, "script.mjs");
    assert_string_equal(job->script, "1");
    assert_int_equal(job->script_len, 1);
    assert_string_equal(job->input, "null");
    assert_string_equal(job->env, "{}");
    assert_int_equal(job->retry.max_attempts, 3);
    for (int i = 0; i < LIMITS; i++)
        assert_int_equal(job->limits.v[i], limit_table[i].fallback);
    assert_string_equal(job->script_sha256,
                        "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b");
    assert_string_equal(job->input_sha256,
                        "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b");
}

static void test_every_field(void **state)
{
    (void)state;
    assert_int_equal(decode("{\"id\":\"a-1\",\"script\":\"x\",\"type\":\"script\",\"name\":\"b "
                            "c.js\",\"input\":[1, "
                            "2.50,1e400],\"env\":{\"A\":\"1\",\"b_2\":\"\"},\"limits\":{\"cpu_ms\":"
                            "7,\"output_kb\":9},"
                            "\"reuse\":\"none\",\"profile\":\"default\",\"max_attempts\":100}"),
                     ERR_INVALID); /* 1e400 is no number that a script could be given */
    assert_string_equal(job->id, "a-1");
    assert_int_equal(decode("{\"id\":\"a-1\",\"script\":\"x\",\"type\":\"script\",\"name\":\"b "
                            "c.js\",\"input\":[1, "
                            "2.50,1e40],\"env\":{\"A\":\"1\",\"b_2\":\"\"},\"limits\":{\"cpu_ms\":"
                            "7,\"output_kb\":9},"
                            "\"reuse\":\"none\",\"profile\":\"default\",\"max_attempts\":100}"),
                     0);
    assert_int_equal(job->source, JOB_SCRIPT);
    assert_string_equal(job->name, "b c.js");
    assert_string_equal(job->input, "[1, 2.50,1e40]"); /* byte for byte */
    assert_string_equal(job->env, "{\"A\":\"1\",\"b_2\":\"\"}");
    assert_int_equal(job->limits.v[LIMIT_CPU_MS], 7);
    assert_int_equal(job->limits.v[LIMIT_OUTPUT_KB], 9);
    assert_int_equal(job->limits.v[LIMIT_HEAP_MB], limit_table[LIMIT_HEAP_MB].fallback);
    assert_int_equal(job->retry.max_attempts, 100);
}

static void test_names_of_fields_may_be_escaped(void **state)
{
    (void)state;
    assert_int_equal(decode("{\"s\\u0063ript\":\"1\",\"\\u0069nput\":{\"a\":[true]}}"), 0);
    assert_string_equal(job->input, "{\"a\":[true]}");
}

static void test_script_keeps_its_bytes(void **state)
{
    (void)state;
    assert_int_equal(decode("{\"script\":\"a\\u0000b\\n\xc3\xa4\"}"), 0);
    assert_int_equal(job->script_len, 6);
    assert_memory_equal(job->script, "a\0b\n\xc3\xa4", 7);
}

static void test_input_may_be_any_json(void **state)
{
    (void)state;
    const char *values[] = {"null",         "true", "-0", "1.10",          "\"\"",
                            "\"a\\u0041\"", "[]",   "{}", "{\"input\":1}", "[ [ ] ]"};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        char text[128];
        snprintf(text, sizeof text, "{\"input\" : %s , \"script\":\"1\"}", values[i]);
        assert_int_equal(decode(text), 0);
        assert_string_equal(job->input, values[i]);
    }
}

/* ---- ids ---- */

static void test_where_the_id_comes_from(void **state)
{
    (void)state;
    const char *with = "{\"id\":\"mine\",\"script\":\"1\"}", *without = "{\"script\":\"1\"}";
    assert_int_equal(decode_as("default", "header-1", with, strlen(with)), 0);
    assert_string_equal(job->id, "mine");
    assert_int_equal(decode_as("default", "header-1", without, strlen(without)), 0);
    assert_string_equal(job->id, "header-1");
    assert_int_equal(decode_as("default", "not valid!", without, strlen(without)), 0);
    assert_string_equal(job->id, "42");
    assert_int_equal(decode_as("default", "777", without, strlen(without)), 0);
    assert_string_equal(job->id, "42"); /* another message's sequence */
}

static void test_bad_ids(void **state)
{
    (void)state;
    refused("{\"id\":\"a b\",\"script\":\"1\"}", "id: found \"a b\"; allowed: 1 to 128 of");
    assert_string_equal(job->id, "42");
    refused("{\"id\":\"\",\"script\":\"1\"}", "id: found \"\"; allowed:");
    refused("{\"id\":\"a.\",\"script\":\"1\"}", "id: found");
    refused("{\"id\":\"a..b\",\"script\":\"1\"}", "id: found");
    refused("{\"id\":\"a\\u0000\",\"script\":\"1\"}", "id: found");
    refused("{\"id\":\"123\",\"script\":\"1\"}",
            "id: found \"123\"; ids of digits alone are reserved for stream sequences");
    refused("{\"id\":7,\"script\":\"1\"}", "id: found 7; allowed:");
    refused("{\"script\":\"1\",\"emitted\":1}", "emitted: found 1; allowed: an object");
    refused("{\"script\":\"1\",\"emitted\":{\"by\":\"a b\"}}",
            "emitted.by: found \"a b\"; allowed: the id of a job");
    refused("{\"script\":\"1\",\"emitted\":{\"depth\":0}}",
            "emitted.depth: found 0; allowed: a whole number from 1 to 8");
    refused("{\"script\":\"1\",\"emitted\":{\"x\":0}}", "emitted: unknown field 'x'");
    refused("{\"id\":null,\"script\":\"1\"}", "id: found null; allowed:");
    refused("{\"id\":[\"a\"],\"script\":\"1\"}", "id: found array; allowed:");
}

/* The result `invalid` must be found where the publisher looks for it. */
static void test_an_invalid_job_keeps_its_id(void **state)
{
    (void)state;
    refused("{\"script\":5,\"id\":\"mine\"}", "script: found number");
    assert_string_equal(job->id, "mine");
    refused("{\"nonsense\":1,\"script\":\"1\",\"id\":\"mine\",\"input\":7}", "unknown field");
    assert_string_equal(job->id, "mine");
    assert_string_equal(job->script, "1");
    assert_string_equal(job->input, "7");
    assert_string_not_equal(job->script_sha256, "");
    refused("{\"id\":\"mine\",\"script\":\"1\",\"script\":\"2\"}", "job: not valid JSON");
    assert_string_equal(job->id, "mine");
    refused("{\"id\":\"mine\",\"script\":", "job: not valid JSON");
    assert_string_equal(job->id, "42");
}

static void test_too_large(void **state)
{
    (void)state;
    int64_t kb = config->job_max_kb;
    struct buf b = {0};
    config->job_max_kb = 1;
    buf_adds(&b, "{\"id\":\"big\",\"script\":\"1");
    while (b.len < 1022)
        buf_addc(&b, ' ');
    buf_adds(&b, "\"}");
    assert_int_equal(decode(b.data), 0); /* 1024 bytes */
    b.len -= 2;
    buf_adds(&b, " \"}");
    refused(b.data, "job: found 1025 bytes; allowed: at most 1024 (job_max_kb)");
    assert_string_equal(job->id, "big");
    buf_addc(&b, '}');
    refused(b.data, "job: found 1026 bytes");
    assert_string_equal(job->id, "42"); /* no JSON: nothing in it is believed */
    buf_free(&b);
    config->job_max_kb = kb;
}

/* ---- what is refused ---- */

static void test_no_object(void **state)
{
    (void)state;
    refused("", "job: found an empty message; allowed: a JSON object with \"script\"");
    refused("hello", "job: not valid JSON: line 1, column 5: invalid token");
    refused("{\"script\":\"1\"} x", "job: not valid JSON: line 1");
    refused("[]", "job: found array; allowed: an object with \"script\"");
    refused("\"script\"", "job: found string; allowed: an object");
    refused("null", "job: found null; allowed: an object");
    refused("{}", "script: missing; allowed: a string");
}

static void test_bytes_that_are_no_utf8(void **state)
{
    (void)state;
    refused("{\"script\":\"\xff\"}", "job: found invalid UTF-8 at byte 11; allowed:");
    refused("{\"script\":\"\xc3\"}", "job: found invalid UTF-8 at byte 11; allowed:");
    refused("{\"script\":\"\xed\xa0\x80\"}", "job: found invalid UTF-8 at byte 11; allowed:");
}

static void test_a_nul_byte_is_no_json(void **state)
{
    (void)state;
    static const char text[] = "{\"script\":\"1\",\"input\":true\0}";
    assert_int_equal(decode_as("default", NULL, text, sizeof text - 1), ERR_INVALID);
    assert_string_equal(e.msg, "job: not valid JSON: a NUL byte at offset 26");
}

static void test_deep_nesting(void **state)
{
    (void)state;
    size_t deep = 100000;
    char *text = mem_alloc(2 * deep + 64);
    strcpy(text, "{\"script\":\"1\",\"input\":");
    size_t at = strlen(text);
    memset(text + at, '[', deep);
    memset(text + at + deep, ']', deep);
    text[at + 2 * deep] = '}';
    refused(text, "job: not valid JSON");
    free(text);
}

static void test_unknown_fields(void **state)
{
    (void)state;
    refused("{\"script\":\"1\",\"limit\":{}}", "unknown field 'limit'; did you mean 'limits'?");
    refused("{\"script\":\"1\",\"Script\":\"1\"}",
            "unknown field 'Script'; did you mean 'script'?");
    refused(
        "{\"script\":\"1\",\"zzz\":1}",
        "unknown field 'zzz'; allowed: id, script, files, main, language, check, typescript, "
        "type, name, input, env, limits, max_attempts, backoff, retry_on, not_before, "
        "deadline, ttl_ms, after, on_failure, concurrency_key, concurrency_limit, reuse, profile, "
        "permissions");
    refused("{\"script\":\"1\",\"a\\nb\\u0007c\":1}", "unknown field 'a b c'; allowed:");
    refused("{\"script\":\"1\",\"limits\":{\"cpu\":1}}",
            "limits: unknown field 'cpu'; allowed: cpu_ms, wall_ms, heap_mb, memory_mb, output_kb; "
            "did you mean 'cpu_ms'?");
}

static void test_wrong_values(void **state)
{
    (void)state;
    refused("{\"script\":\"\"}", "script: found an empty text; allowed: 1 to 8388608 bytes");
    refused("{\"script\":null}", "script: found null; allowed: a string");
    refused("{\"script\":\"1\",\"type\":\"wasm\"}",
            "type: found \"wasm\"; allowed: \"module\", \"script\"");
    refused("{\"script\":\"1\",\"name\":\"\"}", "name: found \"\"; allowed: 1 to 255 bytes");
    refused("{\"script\":\"1\",\"name\":\"a\\nb\"}", "name: found \"a\\nb\"; allowed:");
    refused("{\"script\":\"1\",\"reuse\":\"process\"}",
            "reuse: found \"process\"; allowed: \"none\", \"tenant\", \"script\"");
    refused("{\"script\":\"1\",\"reuse\":\"script\",\"type\":\"script\"}",
            "reuse: found \"script\" with type \"script\"; allowed: with type \"module\"");
    refused("{\"script\":\"1\",\"profile\":1}",
            "profile: found 1; allowed: \"default\", \"jitless\"");
    refused("{\"script\":\"1\",\"concurrency_key\":\"a.b\"}",
            "concurrency_key: found \"a.b\"; allowed: 1 to 64 of A-Z a-z 0-9 _ = -");
    refused("{\"script\":\"1\",\"concurrency_key\":\"a\\u0000\"}", "concurrency_key: found ");
    refused("{\"script\":\"1\",\"concurrency_key\":\"a\",\"concurrency_limit\":101}",
            "concurrency_limit: found 101; allowed: a whole number from 1 to 100");
    refused("{\"script\":\"1\",\"max_attempts\":0}",
            "max_attempts: found 0; allowed: a whole number from 1 to 100");
    refused("{\"script\":\"1\",\"max_attempts\":1.5}", "max_attempts: found 1.5; allowed:");
    refused("{\"script\":\"1\",\"max_attempts\":\"3\"}", "max_attempts: found \"3\"; allowed:");
}

static void test_retries(void **state)
{
    (void)state;
    assert_int_equal(decode("{\"script\":\"1\"}"), 0);
    assert_int_equal(job->retry.type, BACKOFF_EXPONENTIAL);
    assert_int_equal(job->retry.outcomes, 1u << OUTCOME_CRASHED);
    assert_int_equal(
        decode("{\"script\":\"1\",\"backoff\":{\"type\":\"fixed\",\"delay_ms\":120000,"
               "\"jitter\":0.25},\"retry_on\":[\"threw\",\"cpu_exceeded\",\"threw\"]}"),
        0);
    assert_int_equal(job->retry.type, BACKOFF_FIXED);
    assert_int_equal(job->retry.delay_ms, 120000);
    assert_int_equal(job->retry.max_ms, 120000); /* raised: it was not given */
    assert_true(job->retry.jitter == 0.25);
    assert_int_equal(job->retry.outcomes, 1u << OUTCOME_THREW | 1u << OUTCOME_CPU_EXCEEDED);
    assert_int_equal(decode("{\"script\":\"1\",\"retry_on\":[]}"), 0);
    assert_int_equal(job->retry.outcomes, 0);
    refused("{\"script\":\"1\",\"backoff\":5}", "backoff: found number; allowed: an object");
    refused("{\"script\":\"1\",\"backoff\":{\"type\":\"linear\"}}",
            "backoff.type: found \"linear\"; allowed: \"fixed\", \"exponential\"");
    refused("{\"script\":\"1\",\"backoff\":{\"delay_ms\":-1}}",
            "backoff.delay_ms: found -1; allowed:");
    refused("{\"script\":\"1\",\"backoff\":{\"max_ms\":86400001}}",
            "backoff.max_ms: found 86400001; allowed: a whole number from 0 to 86400000");
    refused("{\"script\":\"1\",\"backoff\":{\"delay_ms\":20,\"max_ms\":10}}",
            "backoff.max_ms: found 10; allowed: delay_ms (20) to 86400000");
    refused("{\"script\":\"1\",\"backoff\":{\"jitter\":1.5}}",
            "backoff.jitter: found 1.5; allowed: a number from 0 to 1");
    refused("{\"script\":\"1\",\"backoff\":{\"delay\":1}}",
            "backoff: unknown field 'delay'; allowed:");
    refused("{\"script\":\"1\",\"retry_on\":\"threw\"}",
            "retry_on: found string; allowed: an array");
    refused(
        "{\"script\":\"1\",\"retry_on\":[\"threw\",\"ok\"]}",
        "retry_on[1]: found \"ok\"; allowed: threw, cpu_exceeded, wall_exceeded, heap_exceeded, "
        "memory_exceeded, output_exceeded, crashed, internal");
    refused("{\"script\":\"1\",\"retry_on\":[1]}", "retry_on[0]: found 1; allowed:");
}

static void test_times(void **state)
{
    (void)state;
    assert_int_equal(decode("{\"script\":\"1\"}"), 0);
    assert_int_equal(job->not_before_us, 0);
    assert_int_equal(job_deadline_us(job, 1000000), 0);
    assert_int_equal(decode("{\"script\":\"1\",\"not_before\":\"2001-09-09T01:46:40Z\","
                            "\"deadline\":1000000001500,\"ttl_ms\":1000}"),
                     0);
    assert_int_equal(job->not_before_us, 1000000000000000);
    assert_int_equal(job_deadline_us(job, 999999990000000), 999999991000000); /* the ttl's end */
    assert_int_equal(job_deadline_us(job, 1000000001000000), 1000000001500000);
    assert_int_equal(job_deadline_us(job, 0), 1000000001500000);
    refused("{\"script\":\"1\",\"not_before\":\"tomorrow\"}",
            "not_before: found \"tomorrow\"; allowed: RFC 3339 text");
    refused("{\"script\":\"1\",\"deadline\":-5}", "deadline: found -5; allowed: RFC 3339 text");
    refused("{\"script\":\"1\",\"deadline\":null}", "deadline: found null; allowed:");
    refused("{\"script\":\"1\",\"ttl_ms\":0}",
            "ttl_ms: found 0; allowed: a whole number from 1 to");
    refused("{\"script\":\"1\",\"not_before\":2000,\"deadline\":1000}",
            "deadline: found 1970-01-01T00:00:01.000000Z; allowed: a time behind not_before");
}

static void test_long_values_are_cut(void **state)
{
    (void)state;
    char text[4096];
    snprintf(text, sizeof text, "{\"script\":\"1\",\"type\":\"%0*d\"}", 3000, 0);
    assert_int_equal(decode(text), ERR_INVALID);
    assert_true(strlen(e.msg) < 150);
    assert_non_null(strstr(e.msg, "000…; allowed:"));
    snprintf(text, sizeof text, "{\"script\":\"1\",\"%0*d\":1}", 3000, 0);
    assert_int_equal(decode(text), ERR_INVALID);
    assert_non_null(strstr(e.msg, "000…'; allowed:"));
}

static void test_environment(void **state)
{
    (void)state;
    refused("{\"script\":\"1\",\"env\":[]}", "env: found array; allowed: an object of strings");
    refused("{\"script\":\"1\",\"env\":{\"A\":1}}", "env.A: found 1; allowed: a string");
    refused("{\"script\":\"1\",\"env\":{\"\":\"1\"}}", "env: found a name of 0 bytes; allowed:");
    refused("{\"script\":\"1\",\"env\":{\"A=B\":\"1\"}}", "env: found a name of 3 bytes; allowed:");
    struct buf b = {0};
    buf_adds(&b, "{\"script\":\"1\",\"env\":{");
    for (int i = 0; i <= JOB_ENV_MAX; i++)
        buf_addf(&b, "%s\"V%d\":\"\"", i ? "," : "", i);
    buf_adds(&b, "}}");
    refused(b.data, "env: found 257 variables; allowed: at most 256");
    buf_free(&b);
}

static void test_limits(void **state)
{
    (void)state;
    refused("{\"script\":\"1\",\"limits\":5}", "limits: found number; allowed: an object");
    refused("{\"script\":\"1\",\"limits\":{\"cpu_ms\":-5}}",
            "limits.cpu_ms: found -5; allowed: a whole number from 1 to 60000");
    refused("{\"script\":\"1\",\"limits\":{\"cpu_ms\":0}}", "limits.cpu_ms: found 0; allowed:");
    refused("{\"script\":\"1\",\"limits\":{\"cpu_ms\":1.5}}", "limits.cpu_ms: found 1.5; allowed:");
    refused("{\"script\":\"1\",\"limits\":{\"cpu_ms\":\"9\"}}",
            "limits.cpu_ms: found \"9\"; allowed:");
    refused("{\"script\":\"1\",\"limits\":{\"cpu_ms\":1e30}}",
            "limits.cpu_ms: found 1e+30; allowed:");
    refused("{\"script\":\"1\",\"limits\":{\"cpu_ms\":60001}}",
            "limits.cpu_ms: found 60001; allowed: 1 to 60000 (ceiling of tenant 'default')");
}

static void test_unknown_tenant(void **state)
{
    (void)state;
    const char *text = "{\"id\":\"mine\",\"script\":\"1\"}";
    assert_int_equal(decode_as("nobody", NULL, text, strlen(text)), ERR_INVALID);
    assert_non_null(strstr(e.msg, "tenant: found 'nobody'"));
    assert_null(strstr(e.msg, "default")); /* other tenants are nobody's business */
    assert_string_equal(job->tenant, "nobody");
    assert_string_equal(job->id, "mine");
}

/* ---- the other way ---- */

static void test_encode_is_decoded(void **state)
{
    (void)state;
    struct buf b = {0};
    struct job_request r = {.id = "x-1",
                            .name = "f.js",
                            .source = JOB_SCRIPT,
                            .script = "a\0\"\n",
                            .script_len = 4,
                            .input = "{\"n\":1.50}",
                            .env = "{\"A\":\"b\"}"};
    r.limits.v[LIMIT_HEAP_MB] = 32;
    job_encode(&r, &b);
    assert_int_equal(decode_as("default", NULL, b.data, b.len), 0);
    assert_string_equal(job->id, "x-1");
    assert_string_equal(job->name, "f.js");
    assert_int_equal(job->source, JOB_SCRIPT);
    assert_int_equal(job->script_len, 4);
    assert_memory_equal(job->script, "a\0\"\n", 4);
    assert_string_equal(job->input, "{\"n\":1.50}");
    assert_string_equal(job->env, "{\"A\":\"b\"}");
    assert_int_equal(job->limits.v[LIMIT_HEAP_MB], 32);
    b.len = 0;
    struct job_request least = {.script = "1", .script_len = 1};
    job_encode(&least, &b);
    assert_string_equal(b.data, "{\"script\":\"1\"}");
    buf_free(&b);
    job_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_least),
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_names_of_fields_may_be_escaped),
        cmocka_unit_test(test_script_keeps_its_bytes),
        cmocka_unit_test(test_input_may_be_any_json),
        cmocka_unit_test(test_where_the_id_comes_from),
        cmocka_unit_test(test_bad_ids),
        cmocka_unit_test(test_an_invalid_job_keeps_its_id),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_no_object),
        cmocka_unit_test(test_bytes_that_are_no_utf8),
        cmocka_unit_test(test_a_nul_byte_is_no_json),
        cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_unknown_fields),
        cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_retries),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_long_values_are_cut),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_unknown_tenant),
        cmocka_unit_test(test_encode_is_decoded),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
