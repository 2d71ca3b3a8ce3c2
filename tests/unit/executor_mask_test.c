/* mask: every form in which a secret is looked for, made by other means than mask.c's; pieces of
 * any size; what stays JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/crypto.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "executor/attempt/mask.h"

static struct mask *mask_of(const char *value)
{
    return mask_new(&(struct mask_secret){value, strlen(value)}, 1);
}

static void expect(struct mask *m, const char *text, size_t len, const char *wanted)
{
    struct buf out = {0};
    bool masked = mask_text(m, text, len, &out);
    buf_adds(&out, "");
    assert_string_equal(out.data, wanted);
    assert_int_equal(masked, strlen(wanted) != len || memcmp(wanted, text, len) != 0);
    buf_free(&out);
}

static void check(const char *secret, const char *text, const char *wanted)
{
    struct mask *m = mask_of(secret);
    expect(m, text, strlen(text), wanted);
    mask_free(m);
}

static void as_it_is(void **state)
{
    (void)state;
    check("hunter2", "", "");
    check("hunter2", "nothing here", "nothing here");
    check("hunter2", "hunter2", "***");
    check("hunter2", "a hunter2, a hunter2.", "a ***, a ***.");
    check("hunter2", "hunterhunter2hunter", "hunter***hunter");
    check("hunter2", "hunter2hunter2", "***");
    check("hunter2", "hunter", "hunter");
    check("aaaaaa", "aaaaaaa b aaaaa", "*** b aaaaa");
    check("abcabcabd", "abcabcabcabd", "abc***");
    check("\xc3\xa4\xc3\xb6\xc3\xbc", "x\xc3\xa4\xc3\xb6\xc3\xbcy", "x***y");
}

static void what_overlaps_or_touches_is_one(void **state)
{
    (void)state;
    const struct mask_secret two[] = {{"abcdef", 6}, {"defghi", 6}, {"xxabcdefghiyy", 13}};
    struct mask *m = mask_new(two, 3);
    expect(m, "-abcdefghi-", 11, "-***-");
    expect(m, "-abcdefabcdef-", 14, "-***-");
    expect(m, "xxabcdefghi", 11, "xx***");
    expect(m, "xxabcdefghiyy", 13, "***");
    mask_free(m);
}

static void check_contains(const char *secret, const char *encoded)
{
    struct buf text = {0}, wanted = {0};
    buf_addf(&text, "<%s>", encoded);
    buf_adds(&wanted, "<***>");
    check(secret, text.data, wanted.data);
    buf_free(&text);
    buf_free(&wanted);
}

static void as_encodings_write_it(void **state)
{
    (void)state;
    static const char secret[] = "p\"a\\s/s\nw'o\trd\x01 +~ \xc3\xa4";
    static const char *const forms[] = {
        "p\\\"a\\\\s/s\\nw'o\\trd\\u0001 +~ \xc3\xa4",   /* JSON.stringify */
        "p\\\"a\\\\s\\/s\\nw'o\\trd\\u0001 +~ \xc3\xa4", /* PHP's json_encode */
        "p\"a\\\\s/s\\nw\\'o\\trd\\x01 +~ \xc3\xa4",     /* util.inspect, single quotes */
        "p\"a\\\\s/s\\nw'o\\trd\\x01 +~ \xc3\xa4",       /* util.inspect, back quotes */
        "702261"
        "5c732f730a77276f0972640120"
        "2b7e20c3a4",
        "7022615C732F730A77276F09726401202B7E20C3A4",
        "p%22a%5Cs%2Fs%0Aw'o%09rd%01%20%2B~%20%C3%A4", /* encodeURIComponent */
        "p%22a%5cs%2fs%0aw'o%09rd%01%20%2b~%20%c3%a4",
        "p%22a%5Cs%2Fs%0Aw%27o%09rd%01%20%2B~%20%C3%A4", /* RFC 3986 */
        "p%22a%5Cs%2Fs%0Aw%27o%09rd%01+%2B%7E+%C3%A4",   /* URLSearchParams */
        "cCJhXHMvcwp3J28JcmQBICt-IMOk",                  /* openssl base64, tr */
        "cCJhXHMvcwp3J28JcmQBICt+IMOk",
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        check_contains(secret, forms[i]);
}

/* Wherever the secret lies in what was encoded: what is left of it is at most a digit at each end.
 */
static void as_base64_at_every_place(void **state)
{
    (void)state;
    static const char secret[] = "tok_9f8e7d6c5b4a";
    struct mask *m = mask_of(secret);
    for (int before = 0; before < 7; before++)
        for (int after = 0; after < 7; after++) {
            char plain[64], text[128], url[128];
            struct buf out = {0};
            int n = snprintf(plain, sizeof plain, "%.*s%s%.*s", before, "prefix?", secret, after,
                             "suffix>");
            crypto_base64(plain, (size_t)n, text, sizeof text);
            crypto_base64url(plain, (size_t)n, url, sizeof url);
            assert_true(mask_text(m, text, strlen(text), &out));
            size_t most = (size_t)(before + after) * 4 / 3 + 8 + strlen(MASK_TEXT);
            assert_non_null(strstr(out.data, MASK_TEXT));
            assert_true(out.len <= most);
            buf_clear(&out);
            assert_true(mask_text(m, url, strlen(url), &out));
            assert_true(out.len <= most);
            buf_free(&out);
        }
    mask_free(m);
}

static void each_line_of_a_key_file(void **state)
{
    (void)state;
    static const char pem[] = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIDoT\r\n  "
                              "AbCdEfGhIjKl\nshort\n-----END PRIVATE KEY-----\n";
    check(pem, "key: MC4CAQAwBQYDK2VwBCIEIDoT.", "key: ***.");
    check(pem, "AbCdEfGhIjKl+short", "***+short");
    check(pem, pem, "***");
}

static void pieces_of_any_size_give_the_same(void **state)
{
    (void)state;
    const struct mask_secret two[] = {{"aabaab", 6}, {"abaabaabx", 9}};
    struct mask *m = mask_new(two, 2);
    unsigned seed = 1;
    for (int round = 0; round < 3000; round++) {
        char text[60];
        struct buf whole = {0}, parts = {0};
        struct mask_stream s = {0};
        size_t len = (size_t)rand_r(&seed) % sizeof text;
        for (size_t i = 0; i < len; i++)
            text[i] = "aaabbx"[rand_r(&seed) % 6];
        mask_text(m, text, len, &whole);
        for (size_t at = 0; at < len;) {
            size_t n = 1 + (size_t)rand_r(&seed) % (len - at);
            mask_feed(m, &s, text + at, n, &parts);
            assert_true(s.held.len <= 16); /* never more than a pattern's beginning */
            at += n;
        }
        mask_end(m, &s, &parts);
        assert_int_equal(s.taken, len);
        assert_int_equal(s.given, parts.len);
        assert_int_equal(whole.len, parts.len);
        if (whole.len)
            assert_memory_equal(whole.data, parts.data, whole.len);
        assert_true(whole.len <= len);
        mask_stream_free(&s);
        buf_free(&whole);
        buf_free(&parts);
    }
    mask_free(m);
}

static void what_cannot_be_a_secret_is_not_held_back(void **state)
{
    (void)state;
    struct mask *m = mask_of("hunter2");
    struct mask_stream s = {0};
    struct buf out = {0};
    mask_feed(m, &s, "password: hun", 13, &out);
    assert_string_equal(out.data, "password: ");
    mask_feed(m, &s, "dred", 4, &out);
    assert_string_equal(out.data, "password: hundred");
    mask_feed(m, &s, " hunter", 7, &out);
    assert_string_equal(out.data, "password: hundred ");
    mask_end(m, &s, &out);
    assert_string_equal(out.data, "password: hundred hunter");
    mask_stream_free(&s);
    buf_free(&out);
    mask_free(m);
}

static void check_json(const char *secret, const char *json, const char *wanted)
{
    struct mask *m = mask_of(secret);
    struct buf out = {0};
    mask_json(m, json, strlen(json), &out);
    assert_string_equal(out.data, wanted);
    assert_true(jv_check(out.data, out.len));
    buf_free(&out);
    mask_free(m);
}

static void json_stays_json(void **state)
{
    (void)state;
    check_json("hunter2", "{\"a\":\"hunter2\",\"b\":1}", "{\"a\":\"***\",\"b\":1}");
    check_json("hunter2", "{\"hunter2\":[\"x hunter2\"]}", "{\"***\":[\"x ***\"]}");
    check_json("hun\"ter2", "[\"hun\\\"ter2\"]", "[\"***\"]");
    check_json("123456", "{\"pin\":123456}", "\"***\"");
    check_json("123456", "\"123456\"", "\"***\"");
    check_json("\",\"b\":1", "{\"a\":\"1\",\"b\":1}", "\"***\"");
    check_json("nabcdef", "\"\\nabcdef\"", "\"***\"");
    check_json("hunter2", "[1, 2 ]", "[1, 2 ]");
}

/* The largest secret in the largest output, and a text made to be as like the secret as can be:
 * what is not linear would take minutes here. */
static void the_largest(void **state)
{
    (void)state;
    size_t len = 65536, text_len = (size_t)4 << 20;
    char *value = mem_alloc(len + 1), *text = mem_alloc(text_len);
    struct buf out = {.secret = true};
    memset(value, 'a', len);
    value[len - 1] = 'b';
    memset(text, 'a', text_len);
    memcpy(text + text_len - len, value, len);
    struct mask *m = mask_of(value);
    assert_true(mask_text(m, text, text_len, &out));
    assert_int_equal(out.len, text_len - len + 3);
    buf_clear(&out);
    text[text_len - 1] = 'a';
    assert_false(mask_text(m, text, text_len, &out));
    buf_clear(&out);
    mask_free(m);
    value[len - 1] = 'a';
    m = mask_of(value);
    assert_true(mask_text(m, text, text_len, &out));
    assert_int_equal(out.len, 3);
    mask_free(m);
    buf_free(&out);
    free(value);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_it_is),
        cmocka_unit_test(what_overlaps_or_touches_is_one),
        cmocka_unit_test(as_encodings_write_it),
        cmocka_unit_test(as_base64_at_every_place),
        cmocka_unit_test(each_line_of_a_key_file),
        cmocka_unit_test(pieces_of_any_size_give_the_same),
        cmocka_unit_test(what_cannot_be_a_secret_is_not_held_back),
        cmocka_unit_test(json_stays_json),
        cmocka_unit_test(the_largest),
    };
    struct err e;
    if (crypto_init(&e))
        return 1;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
