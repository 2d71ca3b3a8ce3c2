/* A job's TypeScript on its way to a tool and back: what the tool is given, what is believed of its
 * answer, what of the job changes. And the cache in between: bounds, and entries on disk that are
 * not what they should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/pack.h"
#include "executor/sources/transform.h"

static struct config *config;
static struct job *job;

static void decode(const char *text)
{
    struct job_origin o = {.tenant = "default", .cls = CLASS_NORMAL, .stream_seq = 42};
    struct err e = {0};
    job_free(job);
    if (job_decode(config, &o, text, strlen(text), &job, &e))
        fail_msg("for %s: %s", text, e.msg);
}

static int set_up(void **state)
{
    (void)state;
    struct err why = {0};
    return crypto_init(&why) || config_load(NULL, &config, &why) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    job_free(job);
    config_free(config);
    return 0;
}

static void input_is(enum transform_step s, const char *expected)
{
    struct buf b = {0};
    transform_input(job, s, &b);
    assert_string_equal(b.data, expected);
    buf_free(&b);
}

static void a_tool_gets_the_sources(void **state)
{
    (void)state;
    decode("{\"script\":\"1 as 2\",\"name\":\"a.ts\"}");
    input_is(TRANSFORM_FAST,
             "{\"files\":[{\"name\":\"a.ts\",\"text\":\"1 as 2\"}],\"script\":false,"
             "\"check\":false}");
    decode("{\"script\":\"1\",\"language\":\"tsx\",\"name\":\"job\",\"type\":\"script\","
           "\"typescript\":{\"jsx\":\"automatic\"}}");
    assert_true(transform_needs_compiler(job));
    input_is(TRANSFORM_COMPILE, "{\"files\":[{\"name\":\"job.tsx\",\"text\":\"1\"}],\"script\":"
                                "true,\"check\":false,\"options\":{\"jsx\":\"automatic\"}}");
    decode("{\"main\":\"a.ts\",\"files\":{\"a.ts\":\"A\",\"b.js\":\"B\",\"c.d.ts\":\"C\","
           "\"d.mts\":\"D\",\"e.txt\":\"E\"}}");
    assert_false(transform_needs_compiler(job));
    input_is(TRANSFORM_FAST, "{\"files\":[{\"name\":\"a.ts\",\"text\":\"A\"},{\"name\":\"d.mts\","
                             "\"text\":\"D\"}],\"script\":false,\"check\":false}");
    input_is(TRANSFORM_CHECK,
             "{\"files\":[{\"name\":\"a.ts\",\"text\":\"A\"},{\"name\":\"b.js\",\"text\":\"B\"},"
             "{\"name\":\"c.d.ts\",\"text\":\"C\"},{\"name\":\"d.mts\",\"text\":\"D\"}],"
             "\"script\":false,\"check\":true,\"main\":\"a.ts\"}");
}

static enum transform_answer answer(enum transform_step s, const char *json, struct buf *codes,
                                    struct transform_error *x)
{
    return transform_read(job, s, json, strlen(json), codes, x);
}

static void what_was_made_takes_the_place_of_the_sources(void **state)
{
    (void)state;
    struct buf codes = {0};
    struct transform_error x = {0};
    struct pack_file f;
    decode("{\"main\":\"a.ts\",\"files\":{\"a.ts\":\"A\",\"b.js\":\"B\",\"z.ts\":\"Z\"}}");
    assert_int_equal(
        answer(TRANSFORM_FAST, "{\"files\":[{\"code\":\"aa\"},{\"code\":\"zz\"}]}", &codes, &x),
        TRANSFORM_DONE);
    assert_true(transform_apply(job, codes.data, codes.len));
    assert_true(pack_find(job->files, job->files_len, "a.ts", 4, &f));
    assert_memory_equal(f.data, "aa", 2);
    assert_true(pack_find(job->files, job->files_len, "b.js", 4, &f));
    assert_memory_equal(f.data, "B", 1);
    assert_true(pack_find(job->files, job->files_len, "z.ts", 4, &f));
    assert_memory_equal(f.data, "zz", 2);
    buf_clear(&codes);
    decode("{\"script\":\"S\",\"name\":\"../odd name.ts\"}");
    assert_false(transform_apply(job, "x", 1));
    assert_int_equal(answer(TRANSFORM_FAST, "{\"files\":[{\"code\":\"\"}]}", &codes, &x),
                     TRANSFORM_DONE);
    assert_true(transform_apply(job, codes.data, codes.len));
    assert_int_equal(job->script_len, 0);
    buf_free(&codes);
    /* of a job with other files */
    struct buf other = {0};
    pack_add(&other, "q.ts", 4, "q", 1);
    decode("{\"main\":\"a.ts\",\"files\":{\"a.ts\":\"A\",\"z.ts\":\"Z\"}}");
    assert_false(transform_apply(job, other.data, other.len));
    assert_true(pack_find(job->files, job->files_len, "a.ts", 4, &f));
    assert_memory_equal(f.data, "A", 1);
    buf_free(&other);
}

static void an_error_is_read_within_bounds(void **state)
{
    (void)state;
    struct buf codes = {0};
    struct transform_error x = {0};
    decode("{\"script\":\"1 as 2\",\"name\":\"a.ts\"}");
    assert_int_equal(answer(TRANSFORM_FAST,
                            "{\"error\":{\"name\":\"SyntaxError\",\"message\":\"no\",\"stack\":"
                            "\"s\",\"line\":3,\"column\":-4}}",
                            &codes, &x),
                     TRANSFORM_WRONG);
    assert_string_equal(x.name, "SyntaxError");
    assert_string_equal(x.message, "no");
    assert_string_equal(x.stack, "s");
    assert_int_equal(x.line, 3);
    assert_int_equal(x.column, 0);
    transform_error_free(&x);
    assert_int_equal(
        answer(TRANSFORM_CHECK,
               "{\"error\":{\"name\":\"E\",\"message\":\"no\",\"line\":1e300,\"column\":\"1\"}}",
               &codes, &x),
        TRANSFORM_WRONG);
    assert_null(x.stack);
    assert_int_equal(x.line, 0);
    transform_error_free(&x);
}

static void what_no_tool_says_is_nonsense(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "1",
        "null",
        "[]",
        "{}",
        "{\"files\":[]}",
        "{\"files\":{}}",
        "{\"files\":[{\"code\":1}]}",
        "{\"files\":[{\"code\":\"a\"},{\"code\":\"b\"}]}",
        "{\"error\":{}}",
        "{\"error\":{\"name\":\"E\"}}",
        "{\"error\":{\"message\":\"m\"}}",
        "{\"needs\":1}",
    };
    struct transform_error x = {0};
    decode("{\"script\":\"1 as 2\",\"name\":\"a.ts\"}");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct buf codes = {0};
        assert_int_equal(answer(TRANSFORM_FAST, texts[i], &codes, &x), TRANSFORM_NONSENSE);
        assert_null(x.name);
        buf_free(&codes);
    }
    struct buf codes = {0};
    assert_int_equal(answer(TRANSFORM_FAST, "{\"needs\":\"typescript\"}", &codes, &x),
                     TRANSFORM_NEEDS_COMPILER);
    assert_int_equal(answer(TRANSFORM_COMPILE, "{\"needs\":\"typescript\"}", &codes, &x),
                     TRANSFORM_NONSENSE);
    assert_int_equal(answer(TRANSFORM_CHECK, "{\"files\":[]}", &codes, &x), TRANSFORM_DONE);
    assert_int_equal(codes.len, 0);
}

static struct transform_key key_of(const char *text, enum transform_step s, const char *version)
{
    struct transform_key k;
    decode(text);
    transform_key_of(job, s, version, &k);
    return k;
}

static void keys_differ_where_what_comes_out_may(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"script\":\"1\",\"name\":\"a.ts\"}",
        "{\"script\":\"2\",\"name\":\"a.ts\"}",
        "{\"script\":\"1\",\"name\":\"b.ts\"}",
        "{\"script\":\"1\",\"name\":\"a.tsx\"}",
        "{\"script\":\"1\",\"name\":\"a.ts\",\"type\":\"script\"}",
        "{\"script\":\"1\",\"name\":\"a.ts\",\"typescript\":{\"jsx\":\"classic\"}}",
        "{\"main\":\"a.ts\",\"files\":{\"a.ts\":\"1\"}}",
        "{\"main\":\"a.ts\",\"files\":{\"a.ts\":\"1\",\"b.ts\":\"\"}}",
    };
    struct transform_key k[ARRAY_LEN(texts) + 2], again = key_of(texts[0], TRANSFORM_FAST, "v");
    size_t n = 0;
    for (; n < ARRAY_LEN(texts); n++)
        k[n] = key_of(texts[n], TRANSFORM_FAST, "v");
    k[n++] = key_of(texts[0], TRANSFORM_COMPILE, "v");
    k[n++] = key_of(texts[0], TRANSFORM_FAST, "w");
    assert_memory_equal(&k[0], &again, sizeof again);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(&k[i], &k[j], sizeof again);
    /* files that no tool looks at count for nothing */
    struct transform_key more = key_of(
        "{\"main\":\"a.ts\",\"files\":{\"a.ts\":\"1\",\"b.txt\":\"x\"}}", TRANSFORM_FAST, "v");
    assert_memory_equal(&k[6], &more, sizeof more);
    /* so does which file runs, but to a check: it takes the tsconfig.json beside it */
    static const char *const mains[] = {
        "{\"main\":\"a.ts\",\"files\":{\"a.ts\":\"1\",\"b/b.ts\":\"\"}}",
        "{\"main\":\"b/b.ts\",\"files\":{\"a.ts\":\"1\",\"b/b.ts\":\"\"}}",
    };
    for (int s = 0; s < TRANSFORM_STEPS; s++) {
        struct transform_key a = key_of(mains[0], (enum transform_step)s, "v");
        struct transform_key b = key_of(mains[1], (enum transform_step)s, "v");
        assert_int_equal(memcmp(&a, &b, sizeof a) != 0, s == TRANSFORM_CHECK);
    }
}

/* ---- the cache ---- */

static struct transform_key number(int i)
{
    struct transform_key k = {{0}};
    memcpy(k.v + 8, &i, sizeof i); /* all in one bucket */
    return k;
}

static bool has(struct transform_cache *c, int i, const char *text)
{
    struct transform_key k = number(i);
    size_t len = 0;
    const char *data = transform_cache_get(c, &k, &len);
    return data && len == strlen(text) && !memcmp(data, text, len);
}

static void put(struct transform_cache *c, int i, const char *text)
{
    struct transform_key k = number(i);
    transform_cache_put(c, &k, text, strlen(text));
}

static void the_least_recently_used_goes_first(void **state)
{
    (void)state;
    struct transform_cache *c = transform_cache_new(NULL, 30, 0);
    put(c, 1, "1234567890");
    put(c, 2, "abcdefghij");
    put(c, 3, "ABCDEFGHIJ");
    assert_true(has(c, 1, "1234567890"));
    put(c, 4, "");
    put(c, 5, "x");
    assert_true(has(c, 1, "1234567890"));
    assert_false(has(c, 2, "abcdefghij"));
    assert_true(has(c, 3, "ABCDEFGHIJ"));
    assert_true(has(c, 4, ""));
    put(c, 3, "new");
    assert_true(has(c, 3, "new"));
    assert_int_equal(transform_cache_stats(c).entries, 4);
    assert_int_equal(transform_cache_stats(c).bytes, 14);
    transform_cache_free(c);
}

static int files_in(const char *folder)
{
    DIR *d = opendir(folder);
    int n = 0;
    for (struct dirent *f; d && (f = readdir(d));)
        n += f->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static void what_is_on_disk_is_found_by_the_next(void **state)
{
    (void)state;
    char parent[] = "/tmp/isolane-transforms-XXXXXX", folder[64], command[96];
    assert_non_null(mkdtemp(parent));
    snprintf(folder, sizeof folder, "%s/a/b", parent);
    struct transform_cache *c = transform_cache_new(folder, 0, 0);
    assert_int_equal(access(folder, F_OK), -1); /* not before there is something */
    put(c, 1, "one");
    put(c, 2, "");
    transform_cache_free(c);
    assert_int_equal(files_in(folder), 2);
    c = transform_cache_new(folder, 0, 0);
    assert_true(has(c, 1, "one"));
    assert_true(has(c, 2, ""));
    assert_false(has(c, 3, ""));
    transform_cache_free(c);
    /* over the bound the oldest go */
    c = transform_cache_new(folder, 0, 2000);
    char text[200];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    for (int i = 10; i < 40; i++)
        put(c, i, text);
    assert_in_range(files_in(folder), 3, 7);
    transform_cache_free(c);
    c = transform_cache_new(folder, 0, 2000);
    assert_true(has(c, 39, text));
    assert_false(has(c, 1, "one"));
    transform_cache_free(c);
    snprintf(command, sizeof command, "rm -r %s", parent);
    assert_int_equal(system(command), 0);
}

static void an_entry_that_is_not_right_is_none(void **state)
{
    (void)state;
    char folder[] = "/tmp/isolane-transforms-XXXXXX", path[128], hex[SHA256_HEX], *good;
    struct transform_key k = number(1);
    size_t len;
    assert_non_null(mkdtemp(folder));
    crypto_hex(k.v, sizeof k.v, hex);
    snprintf(path, sizeof path, "%s/%s", folder, hex);
    struct transform_cache *c = transform_cache_new(folder, 0, 0);
    put(c, 1, "one");
    transform_cache_free(c);
    assert_int_equal(fs_read_file(path, 1000, &good, &len, NULL), 0);
    for (size_t i = 0; i <= len; i++) { /* a bit turned in each byte; cut short at each; longer */
        char bad[200];
        memcpy(bad, good, len);
        bad[i] = i < len ? (char)(good[i] ^ 1) : 'x';
        for (int cut = 0; cut < 2; cut++) {
            if (cut && i == len)
                continue;
            assert_int_equal(fs_write_file(path, cut ? good : bad, cut ? i : len + (i == len), 0600,
                                           false, NULL),
                             0);
            c = transform_cache_new(folder, 0, 0);
            assert_false(has(c, 1, "one"));
            assert_int_equal(access(path, F_OK), -1);
            transform_cache_free(c);
        }
    }
    free(good);
    /* a folder that cannot be made: memory alone */
    snprintf(path, sizeof path, "%s/file", folder);
    assert_int_equal(fs_write_file(path, "", 0, 0600, false, NULL), 0);
    c = transform_cache_new(path, 0, 0);
    put(c, 1, "one");
    assert_true(has(c, 1, "one"));
    transform_cache_free(c);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tool_gets_the_sources),
        cmocka_unit_test(what_was_made_takes_the_place_of_the_sources),
        cmocka_unit_test(an_error_is_read_within_bounds),
        cmocka_unit_test(what_no_tool_says_is_nonsense),
        cmocka_unit_test(keys_differ_where_what_comes_out_may),
        cmocka_unit_test(the_least_recently_used_goes_first),
        cmocka_unit_test(what_is_on_disk_is_found_by_the_next),
        cmocka_unit_test(an_entry_that_is_not_right_is_none),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
