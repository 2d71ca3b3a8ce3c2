/* err, list, clock, mem, spare, short texts: the small parts of the ground floor. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/spare.h"
#include "base/text.h"

static void error_carries_code_and_text(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(err_set(&e, ERR_LIMIT, "field %s: found %d", "x", 7), ERR_LIMIT);
    assert_int_equal(e.code, ERR_LIMIT);
    assert_string_equal(e.msg, "field x: found 7");
}

static void error_without_a_place_to_put_it_is_fine(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_DENIED, "x"), ERR_DENIED);
    errno = ENOENT;
    assert_int_equal(err_errno(NULL, "x"), ERR_IO);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(err_wrap(NULL, "x"), ERR_IO);
}

static void system_error_ends_in_the_words_of_the_system(void **state)
{
    (void)state;
    struct err e;
    errno = EACCES;
    assert_int_equal(err_errno(&e, "cannot open %s", "/x"), ERR_IO);
    assert_string_equal(e.msg, "cannot open /x: Permission denied");
    assert_int_equal(errno, EACCES);
}

static void wrapping_puts_context_in_front_and_keeps_the_code(void **state)
{
    (void)state;
    struct err e;
    err_set(&e, ERR_CORRUPT, "row 3");
    assert_int_equal(err_wrap(&e, "verify %s", "a.db"), ERR_CORRUPT);
    assert_string_equal(e.msg, "verify a.db: row 3");
}

static void a_message_is_one_line_whatever_it_quotes(void **state)
{
    (void)state;
    struct err e;
    err_set(&e, ERR_INVALID, "found '%s'", "1\r\n\x1b[31m\x7f");
    assert_string_equal(e.msg, "found '1???[31m?'");
    err_wrap(&e, "in %s", "a\nb");
    assert_string_equal(e.msg, "in a?b: found '1???[31m?'");
}

static void long_messages_are_cut_not_overrun(void **state)
{
    (void)state;
    struct err e;
    char big[5000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    err_set(&e, ERR_INVALID, "%s", big);
    assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
    for (int i = 0; i < 100; i++)
        err_wrap(&e, "layer %d", i);
    assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
    assert_memory_equal(e.msg, "layer 99: layer 98: ", 20);
    err_wrap(&e, "%s", big);
    assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
    errno = EIO;
    err_errno(&e, "%s", big);
    assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
}

struct item {
    int n;
    struct list node;
};

static void list_keeps_order_and_survives_double_removal(void **state)
{
    (void)state;
    struct list head;
    list_init(&head);
    assert_true(list_empty(&head));
    assert_null(list_pop_front(&head));
    struct item it[4] = {{.n = 0}, {.n = 1}, {.n = 2}, {.n = 3}};
    list_push_back(&head, &it[1].node);
    list_push_back(&head, &it[2].node);
    list_push_front(&head, &it[0].node);
    list_push_back(&head, &it[3].node);
    list_remove(&it[2].node);
    list_remove(&it[2].node);
    int expect[] = {0, 1, 3}, i = 0;
    LIST_FOREACH(l, &head)
    {
        struct item *x = LIST_ENTRY(l, struct item, node);
        assert_int_equal(x->n, expect[i++]);
        list_remove(l); /* the body may remove what it stands on */
    }
    assert_int_equal(i, 3);
    assert_true(list_empty(&head));
}

static void list_pops_from_the_front(void **state)
{
    (void)state;
    struct list head;
    list_init(&head);
    struct item a = {.n = 1}, b = {.n = 2};
    list_push_back(&head, &a.node);
    list_push_back(&head, &b.node);
    assert_ptr_equal(list_pop_front(&head), &a.node);
    assert_true(list_empty(&a.node));
    assert_ptr_equal(list_pop_front(&head), &b.node);
    assert_null(list_pop_front(&head));
}

static void check_stamp(int64_t us, const char *expect)
{
    char s[CLOCK_RFC3339_LEN];
    clock_rfc3339(us, s);
    assert_string_equal(s, expect);
}

static void stamps_are_rfc_3339_in_utc(void **state)
{
    (void)state;
    setenv("TZ", "America/New_York", 1);
    check_stamp(0, "1970-01-01T00:00:00.000000Z");
    check_stamp(1, "1970-01-01T00:00:00.000001Z");
    check_stamp(1000000000123456, "2001-09-09T01:46:40.123456Z");
    check_stamp(951782400000000, "2000-02-29T00:00:00.000000Z");
    check_stamp(951782400999999, "2000-02-29T00:00:00.999999Z"); /* of the same second, */
    check_stamp(951782401000000, "2000-02-29T00:00:01.000000Z"); /* and of the next */
    check_stamp(951782400000001, "2000-02-29T00:00:00.000001Z");
}

static void stamps_before_1970_and_out_of_range_stay_well_formed(void **state)
{
    (void)state;
    check_stamp(-1, "1969-12-31T23:59:59.999999Z");
    check_stamp(-1000000, "1969-12-31T23:59:59.000000Z");
    check_stamp(INT64_MIN, "0000-01-01T00:00:00.000000Z");
    check_stamp(INT64_MAX, "9999-12-31T23:59:59.999999Z");
}

static void check_parsed(const char *text, int64_t expect)
{
    int64_t us = 0;
    assert_true(clock_parse_time(text, &us));
    assert_int_equal(us, expect);
}

static void rfc_3339_is_read_with_any_offset(void **state)
{
    (void)state;
    setenv("TZ", "America/New_York", 1);
    check_parsed("1970-01-01T00:00:00Z", 0);
    check_parsed("2001-09-09T01:46:40.123456Z", 1000000000123456);
    check_parsed("2001-09-09t03:46:40.1234569+02:00", 1000000000123456);
    check_parsed("2001-09-08 20:16:40.5-05:30", 1000000000500000);
    check_parsed("2000-02-29T00:00:00z", 951782400000000);
}

static void what_is_no_rfc_3339_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "2026",
        "2026-11-21",
        "2026-11-21T09:57:00",
        "2026-11-21T09:57Z",
        "2026-13-01T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T09:60:00Z",
        "2026-11-21T09:57:00.Z",
        "2026-11-21T09:57:00Z ",
        " 2026-11-21T09:57:00Z",
        "2026-11-21T09:57:00+1:00",
        "2026-11-21T09:57:00+0100",
        "2026-11-21T09:57:00+24:00",
        "26-11-21T09:57:00Z",
        "2026-1-21T09:57:00Z",
        "+026-11-21T09:57:00Z",
    };
    int64_t us;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (clock_parse_time(wrong[i], &us))
            fail_msg("'%s' was taken for a time", wrong[i]);
}

static void monotonic_clock_does_not_go_back(void **state)
{
    (void)state;
    int64_t last = clock_mono_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_us();
        assert_true(now >= last);
        last = now;
    }
    assert_true(clock_real_us() > 1700000000000000); /* microseconds, not milliseconds */
}

static void memory_is_zeroed_and_copies_end_in_a_nul(void **state)
{
    (void)state;
    unsigned char *p = mem_alloc(100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    free(p);
    free(mem_alloc(0));
    char *c = mem_copy("abc", 2);
    assert_string_equal(c, "ab");
    free(c);
    c = mem_copy(NULL, 0);
    assert_string_equal(c, "");
    free(c);
}

static void memory_that_comes_again_is_zeroed(void **state)
{
    (void)state;
    for (size_t size = 8; size < 4096; size += 8) {
        unsigned char *p = mem_alloc(size);
        memset(p, 0xff, size);
        free(p);
        p = mem_alloc(size);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        free(p);
    }
}

static void spare_blocks_come_again_zeroed_and_are_not_kept_without_end(void **state)
{
    (void)state;
    enum { SIZE = 40, BLOCKS = SPARE_MAX + 20 };
    struct spare s = {0};
    unsigned char *p[BLOCKS];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            p[i] = spare_alloc(&s, SIZE);
            for (int k = 0; k < SIZE; k++)
                assert_int_equal(p[i][k], 0);
            memset(p[i], i, SIZE);
        }
        assert_int_equal(s.count, 0);
        for (int i = 0; i < BLOCKS; i++) /* none was given twice */
            for (int k = 0; k < SIZE; k++)
                assert_int_equal(p[i][k], (unsigned char)i);
        for (int i = 0; i < BLOCKS; i++)
            spare_free(&s, p[i]);
        assert_true(s.count <= SPARE_MAX);
    }
    spare_free(&s, NULL);
    size_t kept = s.count;
    for (size_t i = 0; i < kept; i++)
        free(spare_alloc(&s, SIZE));
    assert_null(s.first);
}

static void short_texts_are_those_of_printf(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0,          1,    9,   10,         15,        16,
                                       4294967295, 1000, 255, UINT64_MAX, INT64_MAX, 90};
    char made[64], wanted[64];
    const char *end = made + sizeof made;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        char *at = text_add_u64(text_add(text_add(made, end, "a"), end, "."), end, numbers[i]);
        at = text_add_hex(text_add(at, end, "-"), end, numbers[i]);
        snprintf(wanted, sizeof wanted, "a.%llu-%llx", (unsigned long long)numbers[i],
                 (unsigned long long)numbers[i]);
        assert_string_equal(made, wanted);
        assert_ptr_equal(at, made + strlen(wanted));
    }
    for (size_t cap = 1; cap <= 8; cap++) { /* cut off, and nothing behind is written to */
        memset(made, '#', sizeof made);
        end = made + cap;
        char *at = text_add_u64(text_add(made, end, "abc"), end, 1234);
        snprintf(wanted, cap, "abc1234");
        assert_string_equal(made, wanted);
        assert_ptr_equal(at, made + strlen(made));
        assert_int_equal(made[cap], '#');
        text_copy(made, cap, "longer than that");
        snprintf(wanted, cap, "longer than that");
        assert_string_equal(made, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_carries_code_and_text),
        cmocka_unit_test(error_without_a_place_to_put_it_is_fine),
        cmocka_unit_test(system_error_ends_in_the_words_of_the_system),
        cmocka_unit_test(wrapping_puts_context_in_front_and_keeps_the_code),
        cmocka_unit_test(a_message_is_one_line_whatever_it_quotes),
        cmocka_unit_test(long_messages_are_cut_not_overrun),
        cmocka_unit_test(list_keeps_order_and_survives_double_removal),
        cmocka_unit_test(list_pops_from_the_front),
        cmocka_unit_test(stamps_are_rfc_3339_in_utc),
        cmocka_unit_test(stamps_before_1970_and_out_of_range_stay_well_formed),
        cmocka_unit_test(rfc_3339_is_read_with_any_offset),
        cmocka_unit_test(what_is_no_rfc_3339_is_refused),
        cmocka_unit_test(monotonic_clock_does_not_go_back),
        cmocka_unit_test(memory_is_zeroed_and_copies_end_in_a_nul),
        cmocka_unit_test(memory_that_comes_again_is_zeroed),
        cmocka_unit_test(spare_blocks_come_again_zeroed_and_are_not_kept_without_end),
        cmocka_unit_test(short_texts_are_those_of_printf),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
