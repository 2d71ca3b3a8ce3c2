/* The fields "files" and "main": what is taken and in which order it is kept, which file runs, what
 * is refused and in which words, and the hash that stands for all of them. */
#include "tests/unit/queue_job.h"

#include "base/pack.h"

static void taken(const char *text)
{
    if (decode(text))
        fail_msg("for %s: %s", text, e.msg);
}

static void holds(const char *path, const char *data, size_t len)
{
    struct pack_file f;
    assert_true(pack_find(job->files, job->files_len, path, strlen(path), &f));
    assert_int_equal(f.data_len, len);
    assert_memory_equal(f.data, data, len);
}

static void files_are_kept_in_the_order_of_their_paths(void **state)
{
    (void)state;
    size_t count;
    taken("{\"main\":\"src/b.mjs\",\"files\":{\"src/b.mjs\":\"import './a.mjs'\",\"z\":\"\","
          "\"src/a.mjs\":\"1\\u0000\",\"a b/ü.wasm\":{\"base64\":\"AGFzbf8=\"}}}");
    assert_true(pack_check(job->files, job->files_len, &count));
    assert_int_equal(count, 4);
    holds("src/a.mjs", "1\0", 2);
    holds("a b/ü.wasm", "\0asm\xff", 5);
    holds("z", "", 0);
    assert_string_equal(job->main, "src/b.mjs");
    assert_string_equal(job->name, "src/b.mjs");
    assert_string_equal(job->script, "");
}

static void the_file_that_runs(void **state)
{
    (void)state;
    static const struct {
        const char *files, *main;
    } cases[] = {
        {"\"index.js\":\"\",\"main.mjs\":\"\"", "index.js"},
        {"\"index.js\":\"\",\"index.mjs\":\"\"", "index.mjs"},
        {"\"main.ts\":\"\",\"lib.js\":\"\"", "main.ts"},
        {"\"deep/only.mjs\":\"\"", "deep/only.mjs"},
        {"\"index.js\":\"\",\"a.js\":\"\",\"package.json\":\"{\\\"main\\\":\\\"./a.js\\\"}\"",
         "a.js"},
        {"\"index.js\":\"\",\"a.js\":\"\",\"package.json\":\"{\\\"main\\\":\\\"./b.js\\\"}\"",
         "index.js"},
        {"\"a.js\":\"\",\"b.js\":\"\",\"package.json\":\"{\\\"exports\\\":\\\"./b.js\\\",\\\"main\\"
         "\":\\\"a.js\\\"}\"",
         "b.js"},
        {"\"a.js\":\"\",\"b.js\":\"\",\"package.json\":\"{\\\"exports\\\":{\\\".\\\":{\\\"node\\\":"
         "\\\"./a.js\\\",\\\"import\\\":{\\\"default\\\":\\\"./b.js\\\"}}}}\"",
         "b.js"},
        {"\"index.js\":\"\",\"package.json\":\"no JSON\"", "index.js"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        snprintf(text, sizeof text, "{\"files\":{%s}}", cases[i].files);
        taken(text);
        assert_string_equal(job->main, cases[i].main);
        assert_string_equal(job->name, cases[i].main);
    }
}

static void what_is_refused(void **state)
{
    (void)state;
    refused("{\"files\":[]}", "files: found array; allowed: an object of paths");
    refused("{\"files\":{}}", "files: found 0 files; allowed: 1 to 4096");
    refused("{\"files\":{\"a\":1}}", "files[\"a\"]: found 1; allowed: a string, or {\"base64\"");
    refused("{\"files\":{\"a\":{}}}", "files[\"a\"]: found an object; allowed: a string, or");
    refused("{\"files\":{\"a\":{\"base64\":\"\",\"x\":1}}}", "files[\"a\"]: found an object;");
    refused("{\"files\":{\"a\":{\"base64\":7}}}", "files[\"a\"]: found an object;");
    refused("{\"files\":{\"a\":{\"base64\":\"a b\"}}}", "files[\"a\"].base64: found what is no");
    static const char *const paths[] = {"",     "/a",   "a/",     "a//b",     "./a", "a/./b",
                                        "../a", "a/..", "a\\\\b", "a\\u0001", ".",   ".."};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char text[128];
        snprintf(text, sizeof text, "{\"files\":{\"%s\":\"\"}}", paths[i]);
        refused(text, "files: found the path '");
    }
    refused("{\"files\":{\"a\":\"\",\"a\":\"\"}}", "job: ");
    refused("{\"files\":{\"a\":\"\",\"b\":\"\"}}", "main: missing; allowed: the path of one of");
    refused("{\"files\":{\"a\":\"\"},\"main\":\"b\"}", "main: found \"b\"; allowed: the path of");
    refused("{\"files\":{\"a\":\"\"},\"main\":7}", "main: found 7; allowed: the path of one");
    refused("{\"files\":{\"a\":\"\"},\"main\":\"../a\"}", "main: found \"../a\"; allowed");
    refused("{\"script\":\"1\",\"main\":\"a\"}", "main: found without files; allowed: with");
    refused("{\"files\":{\"a\":\"\"},\"script\":\"1\"}", "script: found together with files;");
    refused("{\"files\":{\"a\":\"\"},\"type\":\"module\"}", "type: found together with files;");
    refused("{\"files\":{\"a\":\"\"},\"name\":\"x\"}", "name: found together with files;");
    refused("{}", "script: missing; allowed: a string with the script's text, or files");
}

static void paths_and_counts_are_bounded(void **state)
{
    (void)state;
    struct buf b = {0};
    for (int over = 0; over < 2; over++) {
        buf_clear(&b);
        buf_addf(&b, "{\"files\":{\"%0*d\":\"\"}}", PACK_PATH_MAX + over, 7);
        if (over)
            refused(b.data, "files: found the path '0000");
        else
            taken(b.data);
        buf_clear(&b);
        buf_adds(&b, "{\"main\":\"1\",\"files\":{");
        for (int i = 0; i < JOB_FILES_MAX + over; i++)
            buf_addf(&b, "%s\"%d\":\"\"", i ? "," : "", i);
        buf_adds(&b, "}}");
        if (over)
            refused(b.data, "files: found 4097 files; allowed: 1 to 4096");
        else
            taken(b.data);
    }
    buf_free(&b);
}

static void the_hash_is_what_sha256sum_says(void **state)
{
    (void)state;
    char first[SHA256_HEX];
    /* printf 'main  b.mjs\n%s  a.txt\n%s  b.mjs\n' of their sums | sha256sum */
    taken("{\"main\":\"b.mjs\",\"files\":{\"b.mjs\":\"2\",\"a.txt\":\"1\"}}");
    assert_string_equal(job->script_sha256,
                        "7126591ff72b964d598da19914789d79721c7c039ee594d99f3325d425938c58");
    memcpy(first, job->script_sha256, sizeof first);
    taken("{\"files\":{\"a.txt\":{\"base64\":\"MQ==\"},\"b.mjs\":\"2\"},\"main\":\"b.mjs\"}");
    assert_string_equal(job->script_sha256, first);
    taken("{\"main\":\"a.txt\",\"files\":{\"b.mjs\":\"2\",\"a.txt\":\"1\"}}");
    assert_string_not_equal(job->script_sha256, first);
}

static void what_a_publisher_sends_is_what_is_read(void **state)
{
    (void)state;
    struct buf pack = {0}, text = {0};
    pack_add(&pack, "a \"b\"", 5, "\xff\x00", 2);
    pack_add(&pack, "m.mjs", 5, "'ü'\n", 5);
    const struct job_request r = {
        .id = "x", .files = pack.data, .files_len = pack.len, .main = "m.mjs"};
    job_encode(&r, &text);
    taken(text.data);
    assert_int_equal(job->files_len, pack.len);
    assert_memory_equal(job->files, pack.data, pack.len);
    assert_string_equal(job->main, "m.mjs");
    buf_free(&pack);
    buf_free(&text);
}

/* What a cell would take its INVOKE frame apart by. */
static void a_pack_that_is_not_one_is_seen(void **state)
{
    (void)state;
    struct buf b = {0};
    size_t count;
    assert_true(pack_check(NULL, 0, &count));
    assert_int_equal(count, 0);
    pack_add(&b, "b", 1, "12", 2);
    assert_true(pack_check(b.data, b.len, &count));
    for (size_t cut = 1; cut < b.len; cut++)
        assert_false(pack_check(b.data, cut, &count));
    pack_add(&b, "a", 1, "", 0); /* out of order */
    assert_false(pack_check(b.data, b.len, &count));
    buf_clear(&b);
    pack_add(&b, "b", 1, "", 0);
    pack_add(&b, "b", 1, "", 0); /* twice */
    assert_false(pack_check(b.data, b.len, &count));
    buf_clear(&b);
    pack_add(&b, "../b", 4, "", 0);
    assert_false(pack_check(b.data, b.len, &count));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_kept_in_the_order_of_their_paths),
        cmocka_unit_test(the_file_that_runs),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(paths_and_counts_are_bounded),
        cmocka_unit_test(the_hash_is_what_sha256sum_says),
        cmocka_unit_test(what_a_publisher_sends_is_what_is_read),
        cmocka_unit_test(a_pack_that_is_not_one_is_seen),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
