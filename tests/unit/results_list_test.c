/* list: what a filter finds, page by page, and times as people write them. */
#include "tests/unit/results_sample.h"

#include "base/clock.h"
#include "results/list.h"

static struct sign_key key;

static int setup(void **state)
{
    struct store *s;
    struct err e = {0};
    if (make_test_dir(state))
        return -1;
    make_key(&key, "w.key");
    if (store_open(at("r.db"), STORE_WRITE, &s, &e))
        return -1;
    fill_store(s, 21, &key); /* j1, j3, …: ci, threw, normal; j2, j4, …: default, invalid, low */
    store_close(s);
    return 0;
}

struct seen {
    int n;
    uint64_t first, last;
};

static int see(const struct store_row *row, void *arg)
{
    struct seen *seen = arg;
    if (!seen->n++)
        seen->first = row->result->seq;
    seen->last = row->result->seq;
    return 0;
}

static struct seen list(struct list_filter f)
{
    struct store *s;
    struct seen seen = {0};
    struct err e = {0};
    if (!f.limit)
        f.limit = 100;
    if (store_open(at("r.db"), STORE_READ, &s, &e) || list_rows(s, &f, see, &seen, &e))
        fail_msg("%s", e.msg);
    store_close(s);
    return seen;
}

static void each_condition_narrows(void **state)
{
    (void)state;
    assert_int_equal(list((struct list_filter){0}).n, 21);
    assert_int_equal(list((struct list_filter){.tenant = "ci"}).n, 11);
    assert_int_equal(list((struct list_filter){.outcome = "invalid"}).n, 10);
    assert_int_equal(list((struct list_filter){.cls = "low", .tenant = "ci"}).n, 0);
    assert_int_equal(list((struct list_filter){.worker = "w1"}).n, 11);
    assert_int_equal(list((struct list_filter){.failed = true}).n, 21);
    assert_int_equal(list((struct list_filter){.id_prefix = "j1"}).n, 11); /* j1, j10 to j19 */
    assert_int_equal(list((struct list_filter){.id_prefix = "j%"}).n, 0);
    assert_int_equal(list((struct list_filter){.tenant = "x' OR '1'='1"}).n, 0);
    assert_int_equal(list((struct list_filter){.since_us = 1795000000000000}).n, 11);
    assert_int_equal(list((struct list_filter){.until_us = 1795000000000000}).n, 0);
}

static void pages_join(void **state)
{
    (void)state;
    struct seen page = list((struct list_filter){.limit = 8});
    assert_int_equal(page.first, 21);
    assert_int_equal(page.last, 14);
    page = list((struct list_filter){.limit = 8, .cursor = page.last});
    assert_int_equal(page.first, 13);
    page = list((struct list_filter){.limit = 8, .oldest_first = true});
    assert_int_equal(page.first, 1);
    page = list((struct list_filter){.limit = 100, .oldest_first = true, .cursor = page.last});
    assert_int_equal(page.first, 9);
    assert_int_equal(page.n, 13);
}

static void times_are_dates_or_ages(void **state)
{
    (void)state;
    const int64_t now = 1795000000000000;
    static const char *const wrong[] = {"",
                                        "x",
                                        "5",
                                        "m",
                                        "-5m",
                                        "5mm",
                                        "1e3s",
                                        "2026",
                                        "2026-13-01",
                                        "2026-11-21T",
                                        "99999999999d",
                                        "2026-11-21 10:00",
                                        "2026-11-21T10:00x"};
    int64_t us = 0;
    assert_true(list_time("15m", now, &us));
    assert_int_equal(us, now - 900000000);
    assert_true(list_time("2h", now, &us) && us == now - 7200000000);
    assert_true(list_time("7d", now, &us) && us == now - 604800000000);
    assert_true(list_time("2026-11-18", now, &us) && us == 1794960000000000);
    assert_true(list_time("2026-11-18T11:06:40Z", now, &us) && us == now);
    assert_true(list_time("2026-11-18T11:06", now, &us) && us == now - 40000000);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (list_time(wrong[i], now, &us))
            fail_msg("'%s' was taken for a time", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_condition_narrows),
        cmocka_unit_test(pages_join),
        cmocka_unit_test(times_are_dates_or_ages),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, remove_test_dir);
}
