/* known: no job that has a result is ever taken for a new one, whether its row was there before,
 * was read later or is committed meanwhile; and most new jobs are told as new. */
#include "tests/unit/results_database.h"

#include <sched.h>
#include <uv.h>

#include "base/clock.h"
#include "results/known.h"
#include "results/recorder.h"

#define ROWS        2500 /* more than are read at once */
#define DEADLINE_US 20000000

static void await_whole(bool (*may_have)(const void *of, const char *tenant, const char *id),
                        const void *of)
{
    int64_t until = clock_mono_us() + DEADLINE_US;
    while (may_have(of, "ci", "never published")) {
        assert_true(clock_mono_us() < until);
        sched_yield();
    }
}

static bool of_known(const void *of, const char *tenant, const char *id)
{
    return known_may_have(of, tenant, id);
}

static bool of_recorder(const void *of, const char *tenant, const char *id)
{
    return recorder_may_have(of, tenant, id);
}

static struct known *open_known(const char *db)
{
    struct known *k = NULL;
    struct err e = {0};
    if (known_open(at(db), &k, &e))
        fail_msg("%s", e.msg);
    return k;
}

/* Rows j0 to j<ROWS - 1> of tenant ci, in one commit. */
static void fill_at_once(struct store *s)
{
    static struct signed_row made[ROWS];
    static struct store_row rows[ROWS];
    uint64_t seq;
    char prev[65], id[32];
    struct err e = {0};
    assert_int_equal(store_chain_head(s, &seq, prev, &e), 0);
    for (int i = 0; i < ROWS; i++) {
        snprintf(id, sizeof id, "j%d", i);
        sign_next(&made[i], sample_result(id), &key, &seq, prev);
        rows[i] = made[i].row;
    }
    assert_int_equal(store_commit(s, rows, ROWS, &e), 0);
    for (int i = 0; i < ROWS; i++)
        signed_row_free(&made[i]);
}

static void rows_of_before_are_known_and_others_are_not(void **state)
{
    (void)state;
    struct store *s = open_store("before.db", STORE_WRITE);
    char id[32];
    int taken_for_known = 0;
    fill_at_once(s);
    struct known *k = open_known("before.db");
    await_whole(of_known, k);
    for (int i = 0; i < ROWS; i++) {
        snprintf(id, sizeof id, "j%d", i);
        assert_true(known_may_have(k, "ci", id));
        taken_for_known += known_may_have(k, "other", id);
    }
    assert_true(taken_for_known < ROWS / 50);
    known_close(k);
    store_close(s);
}

static void until_all_is_read_everything_may_be_known(void **state)
{
    (void)state;
    struct known *k = open_known("there is none.db");
    assert_true(known_may_have(k, "ci", "never published"));
    known_add(k, "ci", "j1");
    assert_true(known_may_have(k, "ci", "never published")); /* it could not be read */
    assert_true(known_may_have(NULL, "ci", "never published"));
    known_close(k);
    known_close(NULL);
}

static void what_is_added_is_known(void **state)
{
    (void)state;
    store_close(open_store("added.db", STORE_WRITE));
    struct known *k = open_known("added.db");
    known_add(k, "ci", "early");
    await_whole(of_known, k);
    assert_true(known_may_have(k, "ci", "early"));
    assert_false(known_may_have(k, "ci", "late"));
    known_add(k, "ci", "late");
    assert_true(known_may_have(k, "ci", "late"));
    assert_false(known_may_have(k, "late", "ci"));
    known_close(k);
}

static void a_reading_that_is_not_done_is_given_up(void **state)
{
    (void)state;
    known_close(open_known("before.db"));
}

/* ---- in a recorder ---- */

struct told {
    uv_loop_t loop;
    uint64_t seq;
    int committed;
};

static void on_committed(struct result **r, const char *envelope, size_t len, void *tag, void *arg)
{
    struct told *t = arg;
    (void)envelope;
    (void)tag;
    assert_true(len > 0);
    t->seq = (*r)->seq;
    t->committed++;
}

static uint64_t stored_as(struct told *t, struct recorder *rec, const char *id)
{
    int before = t->committed;
    recorder_submit(rec, sample_result(id), NULL);
    while (t->committed == before)
        uv_run(&t->loop, UV_RUN_ONCE);
    return t->seq;
}

static void a_recorder_that_knows_still_finds_each_duplicate(void **state)
{
    (void)state;
    static const struct recorder_events ev = {.committed = on_committed};
    struct recorder *rec = NULL;
    struct told t = {0};
    struct err e = {0};
    struct store *s = open_store("recorder.db", STORE_WRITE);
    fill_store(s, 3, &key);
    store_close(s);
    uv_loop_init(&t.loop);
    struct recorder_options o = {.db_path = at("recorder.db"), .key = &key, .many = true};
    assert_int_equal(recorder_open(&t.loop, &o, &ev, &t, &rec, &e), 0);
    await_whole(of_recorder, rec);
    assert_int_equal(stored_as(&t, rec, "j3"), 0); /* of before */
    assert_int_equal(stored_as(&t, rec, "new"), 4);
    assert_true(recorder_may_have(rec, "ci", "new"));
    assert_int_equal(stored_as(&t, rec, "new"), 0); /* of now */
    assert_int_equal(stored_as(&t, rec, "newer"), 5);
    assert_int_equal(recorder_close(rec, 10000, &e), 0);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&t.loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_before_are_known_and_others_are_not),
        cmocka_unit_test(until_all_is_read_everything_may_be_known),
        cmocka_unit_test(what_is_added_is_known),
        cmocka_unit_test(a_reading_that_is_not_done_is_given_up),
        cmocka_unit_test(a_recorder_that_knows_still_finds_each_duplicate),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_dir_and_key, remove_test_dir);
}
