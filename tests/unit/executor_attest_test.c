/* What a report of escape attempts has to look like, and what is made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "executor/cells/attest.h"

#define ALL ((1u << LAYERS) - 1)

/* A report in which each attempt was held; row i is `instead` when that is given. */
static void report(struct buf *b, int i, const char *instead)
{
    buf_clear(b);
    for (int k = 0; k < JAIL_PROBE_COUNT; k++) {
        buf_adds(b, k ? "," : "[");
        if (instead && k == i)
            buf_adds(b, instead);
        else if (jail_probes[k].layer == LAYER_SECCOMP)
            buf_addf(b, "\"seccomp %d\"", jail_probes[k].call);
        else
            buf_adds(b, "\"errno 1\"");
    }
    buf_adds(b, "]");
}

static int judge(const struct buf *b, uint32_t layers, struct attest_report *r, struct err *e)
{
    memset(e, 0, sizeof *e);
    return attest_judge(b->data, b->len, layers, r, e);
}

static int first_of(int layer)
{
    int i = 0;
    while (jail_probes[i].layer != layer)
        i++;
    return i;
}

static void test_all_held(void **state)
{
    (void)state;
    struct buf b = {0};
    struct attest_report r;
    struct err e;
    report(&b, 0, NULL);
    assert_int_equal(judge(&b, ALL, &r, &e), 0);
    assert_int_equal(r.count[ATTEST_HELD], JAIL_PROBE_COUNT);
    assert_true(b.len <= JAIL_PROBE_REPORT_MAX);
    buf_free(&b);
}

/* Whatever row it is: a success is named, with the layer that had to stop it. */
static void test_each_success_is_named(void **state)
{
    (void)state;
    struct buf b = {0};
    struct attest_report r;
    struct err e;
    for (int i = 0; i < JAIL_PROBE_COUNT; i++) {
        char name[80], layer[80];
        report(&b, i, "\"nothing\"");
        assert_int_equal(judge(&b, ALL, &r, &e), ERR_DENIED);
        snprintf(name, sizeof name, "escape attempt %s,", jail_probes[i].name);
        snprintf(layer, sizeof layer, "by layer %s;", jail_probe_layer(&jail_probes[i]));
        assert_non_null(strstr(e.msg, name));
        assert_non_null(strstr(e.msg, layer));
        assert_int_equal(r.count[ATTEST_ESCAPED], 1);
    }
    buf_free(&b);
}

static void test_the_layer_itself_must_hold(void **state)
{
    (void)state;
    struct buf b = {0};
    struct attest_report r;
    struct err e;
    int call = first_of(LAYER_SECCOMP), code = first_of(PROBE_PROCESS);
    report(&b, call, "\"errno 2\"");
    assert_int_equal(judge(&b, ALL, &r, &e), ERR_DENIED);
    assert_non_null(strstr(e.msg, "No such file or directory"));
    report(&b, call, "\"seccomp 39\""); /* getpid: not what it tried */
    assert_int_equal(judge(&b, ALL, &r, &e), ERR_DENIED);
    report(&b, code, "\"seccomp 0\"");
    assert_int_equal(judge(&b, ALL, &r, &e), ERR_DENIED);
    buf_free(&b);
}

static void test_a_layer_that_is_not_in_force_is_not_judged(void **state)
{
    (void)state;
    struct buf b = {0};
    struct attest_report r;
    struct err e;
    uint32_t layers = ALL & ~(1u << LAYER_RLIMITS);
    int i = first_of(LAYER_RLIMITS);
    for (int k = 0; k < 2; k++) {
        report(&b, i, k ? "\"skipped\"" : "\"nothing\"");
        assert_int_equal(judge(&b, layers, &r, &e), 0);
        assert_int_equal(r.row[i].end, ATTEST_SKIPPED);
    }
    assert_int_equal(judge(&b, ALL, &r, &e), ERR_PROTOCOL); /* skipped, though it is in force */
    report(&b, first_of(PROBE_PROCESS), "\"skipped\"");
    assert_int_equal(judge(&b, layers, &r, &e), ERR_PROTOCOL);
    buf_free(&b);
}

static void test_malformed_reports(void **state)
{
    (void)state;
    static const char *const rows[] = {"\"seccomp\"",
                                       "\"seccomp \"",
                                       "\"seccomp x\"",
                                       "\"seccomp 12345678901\"",
                                       "\"errno 0\"",
                                       "\"errno -1\"",
                                       "\"nothing 0\"",
                                       "\"held\"",
                                       "\"\"",
                                       "null",
                                       "[\"seccomp 2\"]",
                                       "2",
                                       "\"errno  1\"",
                                       "\"skipped.\"",
                                       "{\"by\":\"seccomp\"}",
                                       "\"seccomp 2\",\"seccomp 2\"",
                                       "\"errno 1\\n\"",
                                       "\"nothing\\u0000\""};
    static const char *const wholes[] = {"", "[]", "{}", "[", "\"seccomp 2\"", "null"};
    struct buf b = {0};
    struct attest_report r;
    struct err e;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        report(&b, 7, rows[i]);
        if (judge(&b, ALL, &r, &e) != ERR_PROTOCOL)
            fail_msg("taken: %s", rows[i]);
    }
    for (size_t i = 0; i < sizeof wholes / sizeof wholes[0]; i++) {
        buf_clear(&b);
        buf_adds(&b, wholes[i]);
        if (judge(&b, ALL, &r, &e) != ERR_PROTOCOL)
            fail_msg("taken: %s", wholes[i]);
    }
    buf_free(&b);
}

/* Recomputed here as a third party would: lines of name, layer, what; SHA-256. */
static void test_the_hash_is_of_the_text(void **state)
{
    (void)state;
    struct buf text = {0};
    char hex[SHA256_HEX];
    int lines = 0;
    attest_set_text(&text);
    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    assert_int_equal(lines, JAIL_PROBE_COUNT);
    static const char first[] = "open_file\tseccomp\topen(\"/etc/passwd\", O_RDONLY)\n";
    assert_memory_equal(text.data, first, sizeof first - 1);
    crypto_sha256_hex(text.data, text.len, hex);
    assert_string_equal(attest_set_hash(), hex);
    buf_free(&text);
}

static void test_names_are_unique(void **state)
{
    (void)state;
    for (int i = 0; i < JAIL_PROBE_COUNT; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(jail_probes[i].name, jail_probes[k].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_held),
        cmocka_unit_test(test_each_success_is_named),
        cmocka_unit_test(test_the_layer_itself_must_hold),
        cmocka_unit_test(test_a_layer_that_is_not_in_force_is_not_judged),
        cmocka_unit_test(test_malformed_reports),
        cmocka_unit_test(test_the_hash_is_of_the_text),
        cmocka_unit_test(test_names_are_unique),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (crypto_init(NULL))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
