/* jv: reading JSON, and the two functions that work on its text. Texts from outside are hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/jv.h"
#include "base/mem.h"

static struct jv *parse(const char *text)
{
    struct jv *v = NULL;
    struct err e;
    if (jv_parse(text, strlen(text), &v, &e))
        fail_msg("%s: %s", text, e.msg);
    return v;
}

static void members_and_elements_are_found(void **state)
{
    (void)state;
    struct jv *v = parse("{\"b\":[1,\"x\",null],\"a\":{\"c\":true}}");
    assert_int_equal(jv_type(v), JV_OBJECT);
    assert_int_equal(jv_count(v), 2);
    const struct jv *b = jv_get(v, "b");
    assert_int_equal(jv_count(b), 3);
    int64_t n;
    assert_true(jv_int(jv_at(b, 0), &n));
    assert_int_equal(n, 1);
    size_t len;
    assert_string_equal(jv_string(jv_at(b, 1), &len), "x");
    assert_int_equal(len, 1);
    assert_string_equal(jv_type_name(jv_at(b, 2)), "null");
    assert_true(jv_is_true(jv_get(jv_get(v, "a"), "c")));
    jv_free(v);
}

static void what_is_not_there_is_null_all_the_way(void **state)
{
    (void)state;
    struct jv *v = parse("[1]");
    const struct jv *none = jv_get(v, "x");
    int64_t n;
    assert_null(none);
    assert_null(jv_at(v, 1));
    assert_null(jv_get(none, "y"));
    assert_int_equal(jv_type(none), JV_NULL);
    assert_string_equal(jv_type_name(none), "null");
    assert_false(jv_int(none, &n));
    assert_null(jv_string(none, NULL));
    assert_false(jv_is_true(none));
    assert_int_equal(jv_count(none), 0);
    jv_free(v);
    jv_free(NULL);
}

static int collect(const char *name, const struct jv *v, void *arg)
{
    (void)v;
    strcat(arg, name);
    return strcmp(name, "stop") ? 0 : 42;
}

static void each_goes_in_the_order_of_the_text_until_told_to_stop(void **state)
{
    (void)state;
    char names[64] = "";
    struct jv *v = parse("{\"z\":1,\"a\":2,\"m\":3}");
    assert_int_equal(jv_each(v, collect, names), 0);
    assert_string_equal(names, "zam");
    jv_free(v);
    names[0] = 0;
    v = parse("{\"z\":1,\"stop\":2,\"m\":3}");
    assert_int_equal(jv_each(v, collect, names), 42);
    assert_string_equal(names, "zstop");
    jv_free(v);
}

static void integers_are_taken_only_where_they_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t n;
    } t[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"5.0", true, 5},
        {"1e3", true, 1000},
        {"9007199254740991", true, 9007199254740991},
        {"-9007199254740991", true, -9007199254740991},
        {"9007199254740993", false, 0}, /* a double makes ...992 of it */
        {"9007199254740992", false, 0},
        {"99999999999999999999999999", false, 0},
        {"1e300", false, 0},
        {"0.5", false, 0},
        {"\"5\"", false, 0},
        {"true", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct jv *v = parse(t[i].text);
        int64_t n = 0;
        if (jv_int(v, &n) != t[i].ok || n != t[i].n)
            fail_msg("%s gave %lld", t[i].text, (long long)n);
        jv_free(v);
    }
}

static const char *const malformed[] = {
    "",          " ",
    "{",         "}",
    "[",         "]",
    "[1",        "[1,",
    "[1,]",      "[,1]",
    "[1 2]",     "{\"a\"}",
    "{\"a\":}",  "{\"a\":1,}",
    "{,}",       "{a:1}",
    "{'a':1}",   "{\"a\" 1}",
    "{1:2}",     "[}",
    "{]",        "[1}",
    "nul",       "True",
    "tru",       "truee",
    "+1",        "01",
    "-",         "-a",
    "1.",        ".5",
    "1e",        "1e+",
    "0x10",      "NaN",
    "Infinity",  "\"",
    "\"\\\"",    "\"\\x\"",
    "\"\\u12\"", "\"\\u12g4\"",
    "\"a\nb\"",  "\"\t\"",
    "\"\xff\"",  "\"\xed\xa0\x80\"",
    "1 1",       "{} {}",
    "[] x",      "// c\n1",
    "[1] // c",  "\xef\xbb\xbf[]",
    "\x0b[]",
};

static void malformed_texts_are_refused_in_one_readable_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
        struct jv *v = NULL;
        struct err e = {0};
        if (jv_parse(malformed[i], strlen(malformed[i]), &v, &e) != ERR_INVALID)
            fail_msg("taken: '%s'", malformed[i]);
        assert_null(v);
        assert_non_null(strstr(e.msg, "line "));
        for (const char *p = e.msg; *p; p++)
            assert_in_range((unsigned char)*p, 0x20, 0x7e);
        if (jv_check(malformed[i], strlen(malformed[i])))
            fail_msg("jv_check took: '%s'", malformed[i]);
    }
    assert_false(jv_check("1\0", 2));
    assert_false(jv_check("\0", 1));
    assert_false(jv_check("\"\\\0\"", 4));
    assert_false(jv_check(NULL, 0));
}

static void names_given_twice_are_refused_also_when_spelt_differently(void **state)
{
    (void)state;
    struct jv *v;
    assert_int_equal(jv_parse("{\"a\":1,\"a\":2}", 13, &v, NULL), ERR_INVALID);
    assert_int_equal(jv_parse("{\"a\":1,\"\\u0061\":2}", 18, &v, NULL), ERR_INVALID);
}

static char *nested(int depth, const char *open, const char *inner, const char *close)
{
    struct buf b = {0};
    for (int i = 0; i < depth; i++)
        buf_adds(&b, open);
    buf_adds(&b, inner);
    for (int i = 0; i < depth; i++)
        buf_adds(&b, close);
    return buf_take(&b, NULL);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    static const struct {
        int depth;
        bool ok;
    } t[] = {{JV_DEPTH_MAX, true}, {JV_DEPTH_MAX + 1, false}, {1000000, false}};
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        char *a = nested(t[i].depth, "[", "", "]");
        char *o = nested(t[i].depth, "{\"a\":", "0", "}");
        struct jv *v = NULL;
        assert_int_equal(jv_parse(a, strlen(a), &v, NULL) == 0, t[i].ok);
        jv_free(v);
        assert_int_equal(jv_check(a, strlen(a)), t[i].ok);
        assert_int_equal(jv_check(o, strlen(o)), t[i].ok);
        free(a);
        free(o);
    }
    for (int depth = JV_INNER_DEPTH_MAX; depth <= JV_INNER_DEPTH_MAX + 1; depth++) {
        char *a = nested(depth, "[", "", "]");
        assert_int_equal(jv_check_inner(a, strlen(a)), depth == JV_INNER_DEPTH_MAX);
        free(a);
    }
}

static const char *const good[] = {
    "0",
    "-0",
    "-12.5e+10",
    "1E-7",
    "0.0",
    "0e5",
    "null",
    "true",
    "false",
    "\"\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
    "\"\xc3\xa9\xf0\x9f\x98\x80\"",
    "[]",
    "{}",
    " [ ] ",
    "\t{\n}\r",
    "[[],{},[{}]]",
    "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":\"}\"}",
    "[\"]\",\"[\",\"\\\\\",\"\\\"\"]",
    "{\"\":0}",
    " { \"a\" : 1 , \"b\" : [ 1 , 2 ] } ",
};

static void checking_agrees_with_parsing_on_good_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        jv_free(parse(good[i]));
        if (!jv_check(good[i], strlen(good[i])))
            fail_msg("refused: %s", good[i]);
    }
}

/* What V8's JSON.stringify() writes and jansson refuses. */
static void checking_takes_what_a_script_may_return(void **state)
{
    (void)state;
    static const char *const t[] = {"\"\\ud800\"", "{\"\\u0000\":1}", "[\"\\udfff\\ud800\"]",
                                    "1e400", "{\"a\":1,\"a\":2}"};
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        if (!jv_check(t[i], strlen(t[i])))
            fail_msg("refused: %s", t[i]);
}

/* Random texts of JSON's own characters: the two must agree, but for what the test above lists. */
static void checking_agrees_with_parsing_on_random_texts(void **state)
{
    (void)state;
    static const char *const words[] = {
        "{", "}",  "[",  "]", ",", ":", "\"a\"", "\"b\"",  "1",  "-2.5",    "true", "null",
        " ", "\"", "\\", "e", ".", "0", "\"\\n", "\"\\u0", "41", "{\"a\":", "[1",   "\n"};
    uint32_t seed = 7;
    int taken = 0;
    for (int round = 0; round < 200000; round++) {
        char text[64] = "";
        int n = 1 + round % 7;
        for (int i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            strcat(text, words[(seed >> 16) % ARRAY_LEN(words)]);
        }
        struct jv *v = NULL;
        struct err e;
        bool parsed = jv_parse(text, strlen(text), &v, &e) == 0;
        if (parsed != jv_check(text, strlen(text)) &&
            !(strstr(e.msg, "duplicate") || strstr(e.msg, "NUL byte") || strstr(e.msg, "overflow")))
            fail_msg("'%s': %s", text, parsed ? "parsed" : e.msg);
        taken += parsed;
        jv_free(v);
    }
    assert_in_range(taken, 1000, 199999);
}

static void check_raw(const char *text, const char *name, const char *expect)
{
    size_t len = strlen(text), got_len = 0;
    char *exact = malloc(len ? len : 1); /* no NUL behind: a sanitizer sees a read past the end */
    memcpy(exact, text, len);
    const char *got = NULL;
    bool found = jv_raw_member(exact, len, name, &got, &got_len);
    if (found != (expect != NULL))
        fail_msg("%s in %s: %s", name, text, found ? "found" : "not found");
    if (expect) {
        assert_int_equal(got_len, strlen(expect));
        assert_memory_equal(got, expect, got_len);
    }
    free(exact);
}

static void raw_members_are_given_byte_for_byte(void **state)
{
    (void)state;
    check_raw("{\"a\":1.50}", "a", "1.50");
    check_raw("{\"a\":12345678901234567890123}", "a", "12345678901234567890123");
    check_raw(" {\n\"x\" : 0 , \"a\" :\t-1E+2 ,\"b\":2} ", "a", "-1E+2");
    check_raw("{\"a\":[1, {\"b\": \"]}\"} ,3] ,\"c\":0}", "a", "[1, {\"b\": \"]}\"} ,3]");
    check_raw("{\"a\":\"\\\"}\\\\\"}", "a", "\"\\\"}\\\\\"");
    check_raw("{\"a\":\"\",\"b\":\"\\\\\"}", "b", "\"\\\\\"");
    check_raw("{\"a\":null}", "a", "null");
    check_raw("{\"\":7}", "", "7");
}

static void only_members_of_the_top_object_are_found(void **state)
{
    (void)state;
    check_raw("{\"x\":{\"input\":1}}", "input", NULL);
    check_raw("{\"x\":{\"input\":1},\"input\":2}", "input", "2");
    check_raw("{\"x\":\"\\\"input\\\":1\",\"input\":2}", "input", "2");
    check_raw("{\"x\":\"input\"}", "input", NULL);
    check_raw("{\"x\":[\"input\",{\"input\":3}],\"input\":4}", "input", "4");
    check_raw("{\"xinput\":1,\"inputx\":2,\"inpu\":3}", "input", NULL);
    check_raw("[\"input\",1]", "input", NULL);
    check_raw("\"input\"", "input", NULL);
    check_raw("{}", "input", NULL);
    check_raw("{\"input\\u0000\":1}", "input", NULL);
}

static void a_name_written_with_escapes_is_not_found_literally(void **state)
{
    (void)state;
    check_raw("{\"\\u0069nput\":1}", "input", NULL);
    check_raw("{\"in\\\\put\":1}", "in\\put", NULL);
    struct jv *v = parse("{\"\\u0069nput\":1}"); /* the way out that the contract names */
    assert_non_null(jv_get(v, "input"));
    jv_free(v);
}

/* Every prefix of a text, and every text with one byte changed: nothing outside is read (asan), and
 * what is returned lies inside. */
static void raw_member_stays_inside_whatever_it_is_given(void **state)
{
    (void)state;
    const char *text = "{\"k\\\"\":\"a\\\\\",\"input\":[{\"x\":\"\\u0041\"},-1.5e3,null],\"z\":{}}";
    size_t len = strlen(text);
    static const char changes[] = "{}[]\",:\\ \0x";
    for (size_t cut = 0; cut <= len; cut++) {
        for (size_t at = 0; at < (cut ? cut : 1); at++) {
            for (size_t c = 0; c < sizeof changes; c++) {
                char *exact = malloc(cut ? cut : 1);
                memcpy(exact, text, cut);
                if (cut)
                    exact[at] = changes[c];
                const char *got = exact;
                size_t got_len = 0;
                if (jv_raw_member(exact, cut, "input", &got, &got_len)) {
                    assert_true(got >= exact && got_len > 0);
                    assert_true(got + got_len <= exact + cut);
                }
                (void)jv_check(exact, cut);
                free(exact);
            }
        }
    }
}

/* Strings are read eight bytes at a time: what must be seen is seen at each place in them. */
static void nothing_in_a_string_is_overlooked_wherever_it_stands(void **state)
{
    (void)state;
    for (size_t len = 1; len < 40; len++) {
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 0x80; c++) {
                char text[64];
                text[0] = '"';
                memset(text + 1, 'n', len); /* behind a backslash: an escape */
                text[1 + at] = (char)c;
                text[1 + len] = '"';
                bool fine = c >= 0x20 && c != '"' && !(c == '\\' && at == len - 1);
                if (jv_check(text, len + 2) != fine)
                    fail_msg("byte %#x at %zu of %zu: %s", (unsigned)c, at, len,
                             fine ? "refused" : "taken");
            }
        }
    }
}

static void a_quote_ends_a_string_behind_an_even_number_of_backslashes(void **state)
{
    (void)state;
    for (int n = 0; n < 20; n++) {
        char slashes[32], text[128];
        memset(slashes, '\\', (size_t)n);
        slashes[n] = 0;
        snprintf(text, sizeof text, "{\"a\":\"x%s\",\"input\":1%s}", slashes, n % 2 ? "\"" : "");
        check_raw(text, "input", n % 2 ? NULL : "1");
    }
}

static void dumping_gives_compact_json_back(void **state)
{
    (void)state;
    struct buf b = {0};
    struct jv *v = parse("{ \"a\" : [ true , \"\\u00e9\\n\" ] , \"b\" : { } }");
    jv_dump(v, &b);
    assert_string_equal(b.data, "{\"a\":[true,\"\xc3\xa9\\n\"],\"b\":{}}");
    buf_free(&b);
    jv_free(v);
}

static void strings_may_hold_nul_bytes(void **state)
{
    (void)state;
    struct jv *v = parse("\"a\\u0000b\"");
    size_t len;
    const char *s = jv_string(v, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(s, "a\0b", 3);
    jv_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_and_elements_are_found),
        cmocka_unit_test(what_is_not_there_is_null_all_the_way),
        cmocka_unit_test(each_goes_in_the_order_of_the_text_until_told_to_stop),
        cmocka_unit_test(integers_are_taken_only_where_they_are_exact),
        cmocka_unit_test(malformed_texts_are_refused_in_one_readable_line),
        cmocka_unit_test(names_given_twice_are_refused_also_when_spelt_differently),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(checking_agrees_with_parsing_on_good_texts),
        cmocka_unit_test(checking_takes_what_a_script_may_return),
        cmocka_unit_test(checking_agrees_with_parsing_on_random_texts),
        cmocka_unit_test(raw_members_are_given_byte_for_byte),
        cmocka_unit_test(nothing_in_a_string_is_overlooked_wherever_it_stands),
        cmocka_unit_test(a_quote_ends_a_string_behind_an_even_number_of_backslashes),
        cmocka_unit_test(only_members_of_the_top_object_are_found),
        cmocka_unit_test(a_name_written_with_escapes_is_not_found_literally),
        cmocka_unit_test(raw_member_stays_inside_whatever_it_is_given),
        cmocka_unit_test(dumping_gives_compact_json_back),
        cmocka_unit_test(strings_may_hold_nul_bytes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
