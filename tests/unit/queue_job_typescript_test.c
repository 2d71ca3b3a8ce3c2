/* The fields "language", "check" and "typescript": what a job is in, what is refused and in which
 * words, what a tenant with strict_ts takes. */
#include "tests/unit/queue_job.h"

static void taken(const char *text, enum job_language language, bool transforms, const char *name)
{
    if (decode(text))
        fail_msg("for %s: %s", text, e.msg);
    assert_int_equal(job->language, language);
    assert_int_equal(job->transforms, transforms);
    assert_string_equal(job->name, name);
}

static void a_name_says_what_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum job_language language;
    } names[] = {
        {"a.ts", JOB_TYPESCRIPT},    {"a/b.mts", JOB_TYPESCRIPT}, {"x.cts", JOB_TYPESCRIPT},
        {"a.tsx", JOB_TSX},          {"a.d.ts", JOB_JAVASCRIPT},  {"a.d.mts", JOB_JAVASCRIPT},
        {"a.d.cts", JOB_JAVASCRIPT}, {"d.ts", JOB_TYPESCRIPT},    {".ts", JOB_JAVASCRIPT},
        {"ts", JOB_JAVASCRIPT},      {"a.TS", JOB_JAVASCRIPT},    {"a.ts.js", JOB_JAVASCRIPT},
        {"", JOB_JAVASCRIPT},
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_int_equal(job_language_of(names[i].name, strlen(names[i].name)), names[i].language);
}

static void a_script_is_in_what_it_says_or_is_called(void **state)
{
    (void)state;
    taken("{\"script\":\"1\"}", JOB_JAVASCRIPT, false, "script.mjs");
    taken("{\"script\":\"1\",\"name\":\"a.ts\"}", JOB_TYPESCRIPT, true, "a.ts");
    taken("{\"script\":\"1\",\"language\":\"typescript\"}", JOB_TYPESCRIPT, true, "script.ts");
    taken("{\"script\":\"1\",\"language\":\"tsx\",\"type\":\"script\"}", JOB_TSX, true,
          "script.tsx");
    taken("{\"script\":\"1\",\"language\":\"javascript\",\"name\":\"a.ts\"}", JOB_JAVASCRIPT, false,
          "a.ts");
    taken("{\"main\":\"a.js\",\"files\":{\"a.js\":\"1\",\"b.ts\":\"1\"}}", JOB_JAVASCRIPT, true,
          "a.js");
    taken("{\"main\":\"a.js\",\"files\":{\"a.js\":\"1\",\"b.d.ts\":\"1\",\"c.ts\":\"\"}}",
          JOB_JAVASCRIPT, false, "a.js"); /* of which nothing is to be done */
    taken("{\"main\":\"a.tsx\",\"files\":{\"a.tsx\":\"1\"}}", JOB_TSX, true, "a.tsx");
}

static void options_are_kept_as_they_came(void **state)
{
    (void)state;
    taken("{\"script\":\"1\",\"name\":\"a.tsx\",\"check\":true,\"typescript\":{\"jsx\":"
          "\"automatic\",\"jsx_import_source\":\"@a/b-c\",\"experimental_decorators\":true}}",
          JOB_TSX, true, "a.tsx");
    assert_true(job->check);
    assert_string_equal(job->typescript, "{\"jsx\":\"automatic\",\"jsx_import_source\":\"@a/b-c\","
                                         "\"experimental_decorators\":true}");
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    refused("{\"script\":\"1\",\"language\":7}",
            "language: found 7; allowed: \"javascript\", \"typescript\", \"tsx\"");
    refused("{\"language\":\"tsx\",\"files\":{\"a.js\":\"1\"}}", "language: found together with");
    refused("{\"script\":\"1\",\"name\":\"a.ts\",\"check\":\"yes\"}",
            "check: found \"yes\"; allowed: true, false");
    refused("{\"script\":\"1\",\"check\":true}", "check: found true; allowed: with TypeScript");
    refused("{\"script\":\"1\",\"typescript\":{\"jsx\":\"react\"}}",
            "typescript.jsx: found \"react\"; allowed: \"classic\", \"automatic\"");
    refused("{\"script\":\"1\",\"typescript\":{\"jsx_factory\":\"h(1)\"}}",
            "typescript.jsx_factory: found \"h(1)\"; allowed: a name as h");
    refused("{\"script\":\"1\",\"typescript\":{\"jsx_factory\":\"\"}}",
            "typescript.jsx_factory: found \"\"");
    refused("{\"script\":\"1\",\"typescript\":{\"jsx_factory\":\"a\\u0000b\"}}",
            "typescript.jsx_factory: found");
    refused("{\"script\":\"1\",\"typescript\":{\"experimental_decorators\":1}}",
            "typescript.experimental_decorators: found 1; allowed: true, false");
    refused("{\"script\":\"1\",\"typescript\":{\"target\":\"es5\"}}",
            "typescript: unknown field 'target'; allowed: jsx, jsx_factory");
    refused("{\"main\":\"a.js\",\"files\":{\"a.js\":\"1\",\"b.ts\":{\"base64\":\"MP8=\"}}}",
            "files[\"b.ts\"]: found invalid UTF-8 at byte 1; allowed: TypeScript text");
}

static void no_more_than_8_mib(void **state)
{
    (void)state;
    struct buf b = {.max = JOB_TYPESCRIPT_MAX + 1000};
    config->job_max_kb = 65536;
    buf_adds(&b, "{\"name\":\"a.ts\",\"script\":\"");
    for (size_t i = 0; i < JOB_TYPESCRIPT_MAX; i++)
        buf_addc(&b, ' ');
    buf_adds(&b, "\"}");
    assert_int_equal(decode(b.data), 0);
    b.len -= 2;
    buf_adds(&b, " \"}");
    refused(b.data, "script: found 8388609 bytes of TypeScript; allowed: at most 8388608");
    buf_free(&b);
    config->job_max_kb = 8192;
}

static void strict_ts_takes_typescript_alone(void **state)
{
    (void)state;
    config->tenants[0].strict_ts = true;
    refused("{\"script\":\"1\"}",
            "language: found \"javascript\"; allowed: \"typescript\", \"tsx\"");
    refused("{\"script\":\"1\",\"name\":\"a.ts\",\"language\":\"javascript\"}", "language: found");
    taken("{\"script\":\"1\",\"name\":\"a.ts\"}", JOB_TYPESCRIPT, true, "a.ts");
    refused("{\"main\":\"a.ts\",\"files\":{\"a.ts\":\"1\",\"b.jsx\":\"1\"}}",
            "files[\"b.jsx\"]: found JavaScript; allowed: .ts, .mts, .cts, .tsx");
    taken("{\"main\":\"a.ts\",\"files\":{\"a.ts\":\"1\",\"b.json\":\"1\",\"c.wasm\":\"\","
          "\"node_modules/x/i.js\":\"1\",\"lib/node_modules/y.cjs\":\"1\"}}",
          JOB_TYPESCRIPT, true, "a.ts");
    refused("{\"main\":\"a.ts\",\"files\":{\"a.ts\":\"1\",\"my_node_modules/x.js\":\"1\"}}",
            "files[\"my_node_modules/x.js\"]: found JavaScript");
    config->tenants[0].strict_ts = false;
}

static void what_a_publisher_asks_is_decoded(void **state)
{
    (void)state;
    struct buf b = {0};
    struct job_request r = {
        .name = "job", .script = "1", .script_len = 1, .language = "typescript", .check = true};
    job_encode(&r, &b);
    taken(b.data, JOB_TYPESCRIPT, true, "job");
    assert_true(job->check);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_says_what_it_is),
        cmocka_unit_test(a_script_is_in_what_it_says_or_is_called),
        cmocka_unit_test(options_are_kept_as_they_came),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(no_more_than_8_mib),
        cmocka_unit_test(strict_ts_takes_typescript_alone),
        cmocka_unit_test(what_a_publisher_asks_is_decoded),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
