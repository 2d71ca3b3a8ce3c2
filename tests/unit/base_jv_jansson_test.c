/* jv_parse() beside jansson itself, on random texts: what the one takes and makes of it, the other
 * does too. (What is asked of jv by itself: base_jv_test.c.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/jv.h"
#include "base/mem.h"

static uint32_t random_below(uint32_t n)
{
    static uint32_t seed = 1;
    seed = seed * 1664525 + 1013904223;
    return (seed >> 16) % n;
}

/* A string of up to n pieces; one in some thousand is none that a string may hold. */
static void add_random_string(struct buf *out, int n)
{
    static const char *const pieces[] = {"n",    "\\n\\t\\/",      "\\\"",
                                         "\\\\", "\\u0000",        "\\u00e9\\u20AC",
                                         "]",    "\\ud83d\\ude00", "\xf0\x9f\x98\x80",
                                         ":",    "{\\\"a\\\":",    ", "};
    static const char *const bad[] = {"\\ud83d", "\xc3", "\\x", "\n"};
    buf_addc(out, '"');
    for (int i = 0; i < n; i++)
        buf_adds(out, random_below(3000) ? pieces[random_below(ARRAY_LEN(pieces))]
                                         : bad[random_below(ARRAY_LEN(bad))]);
    buf_addc(out, '"');
}

static int any_length(void)
{
    return (int)random_below(random_below(2) ? 10 : 400);
}

static void add_random_text(struct buf *out)
{
    static const char *const broken[] = {"]", "}", "\"", ",", "{", "1"};
    buf_adds(out, "{\"a\": ");
    add_random_string(out, any_length());
    buf_addf(out, ",\"name%0*u\" :[\"s\",", any_length(), random_below(2));
    add_random_string(out, any_length());
    buf_adds(out, random_below(10) ? "\n,{" : broken[random_below(ARRAY_LEN(broken))]);
    add_random_string(out, random_below(20) ? 2 : any_length());
    buf_adds(out, ":");
    add_random_string(out, any_length());
    buf_adds(out, ",\"z\":1}],\"name0\":2}");
}

/* jansson itself: true when it takes the text. What jv_parse() makes of it must be the same, to the
 * order of members and the sign of a zero. */
static bool read_as_jansson_reads(const struct buf *text)
{
    struct jv *v = NULL;
    struct err e = {0};
    struct buf dump = {0};
    json_t *expected = json_loadb(
        text->data, text->len,
        JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
    bool nul = memchr(text->data, 0, text->len) != NULL; /* jansson loses some */
    int rc = jv_parse(text->data, text->len, &v, &e);
    if ((rc == 0) != (expected && !nul) || (rc == 0 && !json_equal(expected, (json_t *)(void *)v)))
        fail_msg("%s: %s", rc ? e.msg : "taken as something else", text->data);
    if (rc == 0) {
        char *wanted = json_dumps(expected, JSON_COMPACT | JSON_ENCODE_ANY);
        jv_dump(v, &dump);
        if (wanted)
            assert_string_equal(dump.data, wanted);
        free(wanted);
    }
    buf_free(&dump);
    jv_free(v);
    json_decref(expected);
    return rc == 0;
}

/* Long strings do not pass through jansson: whatever they hold, the outcome is what it says. */
static void long_strings_are_read_as_jansson_reads_them(void **state)
{
    (void)state;
    struct buf text = {0};
    int taken = 0;
    for (int round = 0; round < 20000; round++) {
        buf_clear(&text);
        add_random_text(&text);
        taken += read_as_jansson_reads(&text);
    }
    assert_in_range(taken, 5000, 19000);
    buf_free(&text);
}

static const char *one_of(const char *const *words, size_t n)
{
    return words[random_below((uint32_t)n)];
}

static void add_random_value(struct buf *out, int depth)
{
    static const char *const scalars[] = {
        "true",
        "false",
        "null",
        "0",
        "-0",
        "7",
        "-12",
        "123456789012345",
        "1.5",
        "-0.0",
        "1e3",
        "1E-7",
        "1e999",
        "01",
        "-",
        "1.",
        ".5",
        "+1",
        "nul",
        "True",
        "NaN",
        "0e0",
        "1e-400",
        "9007199254740993",
        "1234567890123456",
        "-99999999999999",
        "100000000000000000000000000000000000000000000000000"
        "000000000000000000000000",
        "0.1000000000000000055511151231257827021181583404541015625"};
    static const char *const blanks[] = {"", "", "", " ", "\n\t", "\r "};
    static const char *const names[] = {"\"a\"",       "\"b\"",        "\"c\"", "\"d\"",
                                        "\"\\u0061\"", "\"\\n\"",      "\"\"",  "\"\xc3\xa9\"",
                                        "\"x\\\"\"",   "\"\\u0000z\"", "\"e\"", "\"\\ud800\""};
    uint32_t kind = random_below(depth > 0 ? 8 : 5);
    buf_adds(out, one_of(blanks, ARRAY_LEN(blanks)));
    if (kind < 3) /* the last ones, of which some are none, now and then */
        buf_adds(out, one_of(scalars, random_below(6) ? 8 : ARRAY_LEN(scalars)));
    else if (kind < 5)
        add_random_string(out, (int)random_below(6));
    uint32_t n = random_below(5);
    if (kind >= 5)
        buf_addc(out, kind == 5 ? '[' : '{');
    for (uint32_t i = 0; kind >= 5 && i < n; i++) {
        if (kind > 5) {
            buf_adds(out, one_of(blanks, ARRAY_LEN(blanks)));
            buf_adds(out, one_of(names + (random_below(4) ? i : 0), random_below(9) ? 4 : 8));
            buf_adds(out, one_of(blanks, ARRAY_LEN(blanks)));
            buf_addc(out, ':');
        }
        add_random_value(out, depth - 1);
        if (i + 1 < n)
            buf_addc(out, ',');
    }
    if (kind >= 5)
        buf_addc(out, kind == 5 ? ']' : '}');
    buf_adds(out, one_of(blanks, ARRAY_LEN(blanks)));
}

/* Whatever stands in a text, and with a byte changed, put in or left out. */
static void any_text_is_read_as_jansson_reads_it(void **state)
{
    (void)state;
    static const char bytes[] = "{}[]\",:\\u0 \n-.e\x01\xc3\xff";
    struct buf text = {0}, changed = {0};
    int taken = 0;
    for (int round = 0; round < 60000; round++) {
        buf_clear(&text);
        add_random_value(&text, 4);
        size_t at = random_below((uint32_t)text.len + 1);
        uint32_t how = random_below(6);
        buf_clear(&changed);
        buf_add(&changed, text.data, at);
        if (how < 2)
            buf_addc(&changed, bytes[random_below(sizeof bytes)]);
        if (how < 3 && at < text.len)
            at++;
        buf_add(&changed, text.data + at, text.len - at);
        taken += read_as_jansson_reads(&changed);
    }
    assert_in_range(taken, 15000, 50000);
    buf_free(&text);
    buf_free(&changed);
}

static void what_is_nested_deep_is_read_too(void **state)
{
    (void)state;
    struct buf text = {0};
    for (int depth = 1; depth < 3000; depth += depth < 80 ? 1 : 400) {
        buf_clear(&text);
        for (int i = 0; i < depth; i++)
            buf_adds(&text, i % 2 ? "{\"a\":" : "[");
        buf_adds(&text, "1");
        for (int i = depth; i-- > 0;)
            buf_addc(&text, i % 2 ? '}' : ']');
        assert_int_equal(read_as_jansson_reads(&text), depth <= JV_DEPTH_MAX);
    }
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_strings_are_read_as_jansson_reads_them),
        cmocka_unit_test(any_text_is_read_as_jansson_reads_it),
        cmocka_unit_test(what_is_nested_deep_is_read_too),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
