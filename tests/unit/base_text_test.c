/* buf, utf8, jsonw: building texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "base/utf8.h"

static void buffer_grows_and_is_always_terminated(void **state)
{
    (void)state;
    struct buf b = {0};
    for (int i = 0; i < 10000; i++) {
        buf_addc(&b, (char)('a' + i % 26));
        assert_int_equal(b.data[b.len], 0);
    }
    assert_int_equal(b.len, 10000);
    assert_int_equal(b.data[9999], 'a' + 9999 % 26);
    buf_free(&b);
    assert_null(b.data);
}

static void full_buffer_takes_nothing_more(void **state)
{
    (void)state;
    struct buf b = {.max = 5};
    buf_adds(&b, "abc");
    buf_adds(&b, "def"); /* would be six */
    assert_true(b.full);
    assert_string_equal(b.data, "abc");
    buf_adds(&b, "d"); /* would fit, but the text would have a hole */
    assert_string_equal(b.data, "abc");
    buf_clear(&b);
    assert_false(b.full);
    buf_adds(&b, "vwxyz");
    assert_false(b.full);
    assert_string_equal(b.data, "vwxyz");
    buf_free(&b);
    assert_int_equal(b.max, 5);
}

static void absurd_sizes_are_refused_not_wrapped_around(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_adds(&b, "x");
    buf_reserve(&b, SIZE_MAX);
    assert_true(b.full);
    buf_free(&b);
}

static void formatting_handles_short_and_long_texts(void **state)
{
    (void)state;
    struct buf b = {0};
    char big[2000];
    memset(big, 'y', sizeof big - 1);
    big[sizeof big - 1] = 0;
    for (size_t n = 508; n < 516; n++) { /* around the small buffer inside buf_addf */
        buf_clear(&b);
        buf_addf(&b, "%.*s", (int)n, big);
        assert_int_equal(b.len, n);
        assert_int_equal(strlen(b.data), n);
    }
    buf_clear(&b);
    buf_addf(&b, "%d-%s", 1, big);
    assert_int_equal(b.len, 2001);
    buf_free(&b);
    b.max = 1000;
    buf_addf(&b, "%s", big);
    assert_true(b.full);
    assert_int_equal(b.len, 0);
    buf_free(&b);
}

static void consume_and_take(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_consume(&b, 0);
    buf_adds(&b, "hello world");
    buf_consume(&b, 6);
    assert_string_equal(b.data, "world");
    size_t len;
    char *p = buf_take(&b, &len);
    assert_string_equal(p, "world");
    assert_int_equal(len, 5);
    assert_null(b.data);
    free(p);
    p = buf_take(&b, &len); /* an empty buffer gives an empty text */
    assert_string_equal(p, "");
    assert_int_equal(len, 0);
    free(p);
}

static void check_valid(const char *s, size_t len, size_t expect)
{
    /* An exact copy, so that a sanitizer sees a read past the end. */
    char *p = malloc(len ? len : 1);
    memcpy(p, s, len);
    assert_int_equal(utf8_valid_prefix(p, len), expect);
    free(p);
}

static void utf8_accepts_what_is_well_formed(void **state)
{
    (void)state;
    check_valid("", 0, 0);
    check_valid("plain ascii of more than eight bytes", 36, 36);
    check_valid("\0\x01\x7f", 3, 3);
    check_valid("\xc2\x80\xdf\xbf", 4, 4);
    check_valid("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 12, 12);
    check_valid("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8, 8);
}

static void utf8_refuses_what_is_not(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",             /* continuation alone */
        "\xc0\xaf",         /* overlong slash */
        "\xc1\xbf",         /* overlong */
        "\xe0\x9f\xbf",     /* overlong */
        "\xed\xa0\x80",     /* surrogate */
        "\xed\xbf\xbf",     /* surrogate */
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xf4\x90\x80\x80", /* above U+10FFFF */
        "\xf5\x80\x80\x80",
        "\xff",
        "\xfe",
        "\xe2\x82",     /* cut */
        "\xf0\x9f\x98", /* cut */
        "\xe2\x28\xa1", /* broken in the middle */
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char text[64] = "12345678abc";
        strcat(text, bad[i]);
        check_valid(text, strlen(text), 11);
    }
}

static void check_repaired(const char *in, size_t len, const char *expect)
{
    struct buf b = {0};
    utf8_add_repaired(&b, in, len);
    assert_string_equal(b.data, expect);
    buf_free(&b);
}

/* The examples of the Unicode standard, section 3.9 (tables 3-8 to 3-11): what Node shows too. */
static void utf8_repair_replaces_each_longest_start(void **state)
{
    (void)state;
#define R "\xef\xbf\xbd"
    check_repaired("abc", 3, "abc");
    check_repaired("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", 9, R R R R R R R R "A");
    check_repaired("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", 9, R R R R R R R R "A");
    check_repaired("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", 9, R R R R R "A" R R "B");
    check_repaired("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", 9, R R R R "A");
    check_repaired("x\xe2\x82", 3, "x" R);
    check_repaired("x\xf0\x9f\x98", 4, "x" R);
    check_repaired("x\xf0", 2, "x" R);
}

static void utf8_cut_never_ends_inside_a_character(void **state)
{
    (void)state;
    const char *s = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z"; /* 1 + 2 + 3 + 4 + 1 bytes */
    size_t expect[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t max = 0; max < ARRAY_LEN(expect); max++)
        assert_int_equal(utf8_cut(s, 11, max), expect[max]);
    assert_int_equal(utf8_cut("\x80\x80\x80\x80", 4, 2), 0);
}

static void json_writer_nests_and_separates(void **state)
{
    (void)state;
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "a", "x");
    jsonw_kint(&w, "b", INT64_MIN);
    jsonw_name(&w, "c");
    jsonw_array(&w);
    jsonw_bool(&w, true);
    jsonw_null(&w);
    jsonw_object(&w);
    jsonw_object_end(&w);
    jsonw_array(&w);
    jsonw_array_end(&w);
    jsonw_raw(&w, "1e400", 5);
    jsonw_array_end(&w);
    jsonw_kbool(&w, "d", false);
    jsonw_kstr(&w, "e", NULL);
    jsonw_object_end(&w);
    assert_string_equal(b.data, "{\"a\":\"x\",\"b\":-9223372036854775808,\"c\":[true,null,{},[],"
                                "1e400],\"d\":false,\"e\":null}");
    assert_true(jv_check(b.data, b.len));
    buf_free(&b);
}

static void check_string(const char *in, size_t len, const char *expect)
{
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_string(&w, in, len);
    assert_string_equal(b.data, expect);
    assert_true(jv_check(b.data, b.len));
    buf_free(&b);
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    check_string(NULL, 0, "\"\"");
    check_string("q\"b\\n\n\r\t", 8, "\"q\\\"b\\\\n\\n\\r\\t\"");
    check_string("\0\x1f\x7f", 3, "\"\\u0000\\u001f\\u007f\"");
    check_string("\xe2\x80\xa8|\xe2\x80\xa9|\xe2\x80\xaa", 11, "\"\\u2028|\\u2029|\xe2\x80\xaa\"");
    check_string("\xe2\x80", 2, "\"\xef\xbf\xbd\"");
    check_string("a\xff\"b", 4, "\"a\xef\xbf\xbd\\\"b\"");
    check_string("</script>", 9, "\"</script>\"");
}

/* The writer looks at eight bytes at once where it can: an escape must be found wherever it stands,
 * and what only resembles one must not. */
static void json_strings_are_escaped_at_any_place(void **state)
{
    (void)state;
    for (int c = 1; c < 0x80; c++) {
        for (size_t place = 0; place < 20 * 20; place++) {
            size_t len = 1 + place / 20, at = place % len;
            char in[21], expect[64], esc[8];
            memset(in, 'x', len);
            in[len] = 0;
            in[at] = (char)c;
            const char *known = strchr("\"\\\nn\rr\tt", c);
            if (c == '"' || c == '\\')
                snprintf(esc, sizeof esc, "\\%c", c);
            else if (c == '\n' || c == '\r' || c == '\t')
                snprintf(esc, sizeof esc, "\\%c", known[1]);
            else
                snprintf(esc, sizeof esc, c < 0x20 || c == 0x7f ? "\\u%04x" : "%c", (unsigned)c);
            snprintf(expect, sizeof expect, "\"%.*s%s%s\"", (int)at, in, esc, in + at + 1);
            check_string(in, len, expect);
        }
    }
    check_string("xxxxxx\xe2\x80\xa8xxxxxxxx", 17, "\"xxxxxx\\u2028xxxxxxxx\"");
    check_string("1234567\xe2\x82\xac\xe2\x80\xa9", 13, "\"1234567\xe2\x82\xac\\u2029\"");
}

/* What does not fit below the ceiling is left out whole, and the writer is told. */
static void json_stops_at_the_ceiling(void **state)
{
    (void)state;
    static const char whole[] = "{\"name\":\"text\",\"n\":1}";
    for (size_t max = 1; max < sizeof whole; max++) {
        struct buf b = {.max = max};
        struct jsonw w;
        jsonw_init(&w, &b);
        jsonw_object(&w);
        jsonw_kstr(&w, "name", "text");
        jsonw_kint(&w, "n", 1);
        jsonw_object_end(&w);
        assert_int_equal(b.full, max < sizeof whole - 1);
        assert_true(b.len <= max);
        assert_memory_equal(b.data, whole, b.len + !b.full);
        buf_free(&b);
    }
}

/* Whatever bytes go in, a JSON text comes out, and reading it gives the repaired bytes back. */
static void json_strings_survive_any_bytes(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        char in[24];
        size_t len = (size_t)round % sizeof in;
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525 + 1013904223;
            in[i] = (char)(seed >> 24);
        }
        struct buf text = {0}, fixed = {0};
        struct jsonw w;
        jsonw_init(&w, &text);
        jsonw_string(&w, in, len);
        utf8_add_repaired(&fixed, in, len);
        struct jv *v;
        struct err e;
        if (jv_parse(text.data, text.len, &v, &e))
            fail_msg("round %d: %s", round, e.msg);
        size_t got_len;
        const char *got = jv_string(v, &got_len);
        assert_int_equal(got_len, fixed.len);
        if (got_len)
            assert_memory_equal(got, fixed.data, got_len);
        jv_free(v);
        buf_free(&text);
        buf_free(&fixed);
    }
}

static void check_ms(int64_t us, const char *expect)
{
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_ms(&w, us);
    assert_string_equal(b.data, expect);
    assert_true(jv_check(b.data, b.len));
    buf_free(&b);
}

static void milliseconds_have_three_decimals(void **state)
{
    (void)state;
    check_ms(0, "0.000");
    check_ms(999, "0.999");
    check_ms(1000, "1.000");
    check_ms(INT64_MAX, "9223372036854775.807");
    check_ms(1234, "1.234");
    check_ms(7, "0.007");
    check_ms(-7, "-0.007");
    check_ms(-1234567, "-1234.567");
    check_ms(INT64_MIN, "-9223372036854775.808");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_grows_and_is_always_terminated),
        cmocka_unit_test(full_buffer_takes_nothing_more),
        cmocka_unit_test(absurd_sizes_are_refused_not_wrapped_around),
        cmocka_unit_test(formatting_handles_short_and_long_texts),
        cmocka_unit_test(consume_and_take),
        cmocka_unit_test(utf8_accepts_what_is_well_formed),
        cmocka_unit_test(utf8_refuses_what_is_not),
        cmocka_unit_test(utf8_repair_replaces_each_longest_start),
        cmocka_unit_test(utf8_cut_never_ends_inside_a_character),
        cmocka_unit_test(json_writer_nests_and_separates),
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(json_strings_are_escaped_at_any_place),
        cmocka_unit_test(json_stops_at_the_ceiling),
        cmocka_unit_test(json_strings_survive_any_bytes),
        cmocka_unit_test(milliseconds_have_three_decimals),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
