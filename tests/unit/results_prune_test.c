/* Retention: what is removed, that the chain proves the rest, and every way to remove more unseen.
 */
#include "tests/unit/results_database.h"

#include <inttypes.h>
#include <uv.h>

#include "base/clock.h"
#include "base/log.h"
#include "results/janitor.h"
#include "results/prune.h"
#include "results/recorder.h"
#include "results/verify.h"

#define NOW_US      ((int64_t)1795000002000000) /* the samples finished just before */
#define DEADLINE_US (20 * 1000000)

static struct sign_key other_key;

static int setup(void **state)
{
    if (make_dir_and_key(state))
        return -1;
    log_set_level(LOG_OFF);
    make_key(&other_key, "other.key");
    return 0;
}

/* n results of these tenants in turn, a second apart, the last one at NOW_US. */
static void fill(const char *name, int n, const char *const *tenants, int tenant_count)
{
    struct store *s = open_store(name, STORE_WRITE);
    uint64_t seq;
    char prev[65], id[32];
    struct err e = {0};
    assert_int_equal(store_chain_head(s, &seq, prev, &e), 0);
    for (int i = 0; i < n; i++) {
        struct signed_row row;
        snprintf(id, sizeof id, "j%d", (int)seq + 1);
        struct result *r = sample_result(id);
        free(r->tenant);
        r->tenant = mem_strdup(tenants[i % tenant_count]);
        r->finished_at_us = NOW_US - (int64_t)(n - 1 - i) * 1000000;
        sign_next(&row, r, &key, &seq, prev);
        assert_int_equal(store_commit(s, &row.row, 1, &e), 0);
        signed_row_free(&row);
    }
    store_close(s);
}

static const char *const one[] = {"ci"}, *const two[] = {"ci", "web"};

/* Makes and carries out one plan, signed with k. Rows removed. */
static size_t prune_with(const char *name, const struct retention *r, size_t n, size_t most,
                         const struct sign_key *k)
{
    struct store *s = open_store(name, STORE_WRITE);
    struct prune_plan *plan;
    struct err e = {0};
    struct checkpoint c = {.worker = "w1"};
    struct buf statement = {0}, envelope = {0};
    char hash[65];
    if (prune_plan_make(s, r, n, NOW_US, most, &plan, &e))
        fail_msg("%s", e.msg);
    size_t removed = plan ? plan->n : 0;
    if (plan) {
        assert_int_equal(store_chain_head(s, &c.seq, c.prev, &e), 0);
        c.seq++;
        c.removed = plan->n;
        c.rows = prune_rows(&plan->after);
        c.runs = plan->after.n;
        memcpy(c.digest, plan->digest, sizeof c.digest);
        clock_rfc3339(NOW_US, c.at);
        checkpoint_encode(&c, &statement);
        envelope_sign(k, statement.data, statement.len, &envelope);
        crypto_sha256_hex(statement.data, statement.len, hash);
        struct checkpoint_row row = {c.seq, c.prev, hash, c.at, envelope.data, envelope.len};
        if (store_prune(s, plan, &row, &e))
            fail_msg("%s", e.msg);
        assert_int_equal(store_prune(s, plan, &row, &e), 0); /* told twice, done once */
    }
    prune_plan_free(plan);
    buf_free(&statement);
    buf_free(&envelope);
    store_close(s);
    return removed;
}

static size_t prune(const char *name, const struct retention *r, size_t n)
{
    return prune_with(name, r, n, 1000, &key);
}

static struct verify_report verified(const char *name)
{
    struct verify_report r;
    struct err e = {0};
    if (verify_db(at(name), &key, &r, NULL, NULL, &e))
        fail_msg("%s", e.msg);
    return r;
}

static void age_removes_what_is_older(void **state)
{
    (void)state;
    struct retention r = {.max_age_s = 30};
    fill("age.db", 100, one, 1);
    assert_int_equal(prune("age.db", &r, 1), 69); /* 30 s and less stay */
    struct verify_report v = verified("age.db");
    assert_int_equal(v.checked, 31);
    assert_int_equal(v.pruned, 69);
    assert_int_equal(v.last, 101); /* the checkpoint */
    assert_int_equal(prune("age.db", &r, 1), 0);
}

static void count_and_bytes_keep_the_newest(void **state)
{
    (void)state;
    struct retention rows = {.max_rows = 7}, bytes = {.max_bytes = 1};
    fill("count.db", 50, one, 1);
    assert_int_equal(prune("count.db", &rows, 1), 43);
    assert_int_equal(verified("count.db").checked, 7);
    /* The last row stays, whatever the bound: but the checkpoint is behind it now. */
    assert_int_equal(prune("count.db", &bytes, 1), 7);
    struct verify_report v = verified("count.db");
    assert_int_equal(v.checked, 0);
    assert_int_equal(v.pruned, 51); /* with the checkpoint before */
    fill("count.db", 3, one, 1);    /* and the chain goes on */
    assert_int_equal(verified("count.db").checked, 3);
    fill("newest.db", 5, one, 1);
    assert_int_equal(prune("newest.db", &bytes, 1), 4);
}

static void each_tenant_has_its_own_bounds(void **state)
{
    (void)state;
    struct retention r[] = {{.tenant = "web", .max_rows = 10}, {.tenant = "", .max_rows = 40}};
    fill("tenants.db", 100, two, 2); /* 50 each, in turn: a run for every row */
    assert_int_equal(prune("tenants.db", r, 2), 40 + 10);
    struct verify_report v = verified("tenants.db");
    assert_int_equal(v.checked, 50);
    assert_int_equal(v.pruned, 50);
    r[1].max_rows = 0; /* no bound for the others */
    assert_int_equal(prune("tenants.db", r, 2), 0);
    struct retention only_web = {.tenant = "web", .max_rows = 1};
    assert_int_equal(prune("tenants.db", &only_web, 1), 9);
    assert_int_equal(verified("tenants.db").checked, 41);
    r[0].max_rows = r[1].max_rows = 1;
    prune("tenants.db", r, 2);
    verified("tenants.db");
}

static void many_prunings_leave_one_run(void **state)
{
    (void)state;
    struct retention r = {.max_rows = 5};
    fill("often.db", 60, one, 1);
    size_t removed = 0, n, rounds = 0;
    while ((n = prune_with("often.db", &r, 1, 10, &key))) {
        assert_true(n <= 10);
        removed += n;
        rounds++;
        verified("often.db");
    }
    assert_int_equal(removed, 55);
    assert_int_equal(rounds, 6);
    struct store *s = open_store("often.db", STORE_WRITE);
    struct prune_runs runs;
    struct prune_run cp;
    char *envelope;
    size_t len;
    struct err e = {0};
    assert_int_equal(prune_read(s, &runs, &cp, &envelope, &len, &e), 0);
    assert_int_equal(runs.n, 2); /* rows 1 to 55, and the checkpoints behind row 60 */
    assert_int_equal(runs.v[0].last, 55);
    assert_int_equal(runs.v[1].first, 61);
    assert_int_equal(cp.first, 66);
    free(envelope);
    prune_runs_free(&runs);
    store_close(s);
}

static const struct {
    const char *sql, *says;
} forgeries[] = {
    {"DELETE FROM results WHERE seq = 25", "25 to 25 are missing"},
    {"DELETE FROM results WHERE seq = 21; UPDATE pruned SET last = 21", "checkpoint 31"},
    {"DELETE FROM results WHERE seq = 25; INSERT INTO pruned VALUES (25, 25, "
     "(SELECT hash FROM results WHERE seq = 24), (SELECT prev FROM results WHERE seq = 26))",
     "checkpoint 31"},
    {"DELETE FROM checkpoint", "1 to 20 are missing"},
    {"DELETE FROM pruned", "checkpoint 31"},
    {"UPDATE pruned SET hash = prev", "checkpoint 31"},
    {"UPDATE pruned SET hash = 'x'", "damaged"},
    {"UPDATE checkpoint SET seq = 32", "checkpoint 32"},
    {"UPDATE checkpoint SET prev = hash", "checkpoint 31"},
    {"UPDATE checkpoint SET hash = prev", "checkpoint 31"},
    {"UPDATE checkpoint SET envelope = (SELECT envelope FROM results WHERE seq = 22)",
     "checkpoint 31"},
    {"UPDATE checkpoint SET envelope = x'7b7d'", "checkpoint 31"},
};

static void nothing_else_can_go_missing(void **state)
{
    (void)state;
    struct retention r = {.max_rows = 10};
    fill("sound.db", 30, one, 1);
    assert_int_equal(prune("sound.db", &r, 1), 20);
    fill("sound.db", 5, one, 1);
    assert_int_equal(verified("sound.db").checked, 15);
    for (size_t i = 0; i < ARRAY_LEN(forgeries); i++) {
        struct verify_report v;
        struct err e = {0};
        assert_int_equal(shell("rm -f forged.db*; cp sound.db forged.db"), 0);
        sql("forged.db", forgeries[i].sql);
        int rc = verify_db(at("forged.db"), &key, &v, NULL, NULL, &e);
        if (!rc || !strstr(e.msg, forgeries[i].says))
            fail_msg("%s: %s", forgeries[i].sql, rc ? e.msg : "verified");
    }
}

static void a_checkpoint_by_another_key_covers_nothing(void **state)
{
    (void)state;
    struct retention r = {.max_rows = 3};
    struct verify_report v;
    struct err e = {0};
    fill("foreign.db", 10, one, 1);
    assert_int_equal(prune_with("foreign.db", &r, 1, 100, &other_key), 7);
    assert_int_equal(verify_db(at("foreign.db"), &key, &v, NULL, NULL, &e), ERR_CORRUPT);
    assert_int_equal(v.bad_seq, 11);
}

static void a_plan_that_is_out_of_date_is_refused(void **state)
{
    (void)state;
    struct retention r = {.max_rows = 3};
    fill("late.db", 10, one, 1);
    struct store *s = open_store("late.db", STORE_WRITE);
    struct prune_plan *plan;
    struct err e = {0};
    char zero[65] = ZEROS;
    assert_int_equal(prune_plan_make(s, &r, 1, NOW_US, 100, &plan, &e), 0);
    struct checkpoint_row row = {9, zero, zero, "2026", "x", 1};
    assert_int_equal(store_prune(s, plan, &row, &e), ERR_CONFLICT);
    assert_int_equal(store_count(s), 10);
    prune_plan_free(plan);
    store_close(s);
}

static void statements_read_back(void **state)
{
    (void)state;
    struct checkpoint c = {.seq = 7,
                           .prev = ZEROS,
                           .at = "2026-11-18T11:06:40.000001Z",
                           .worker = "w1",
                           .removed = 3,
                           .rows = 9,
                           .runs = 2,
                           .digest = ZEROS},
                      back;
    struct buf b = {0};
    struct err e = {0};
    checkpoint_encode(&c, &b);
    assert_int_equal(checkpoint_decode(b.data, b.len, &back, &e), 0);
    assert_memory_equal(&c, &back, sizeof c);
    for (size_t i = 0; i + 1 < b.len; i++) { /* cut anywhere: an error, no crash */
        assert_true(checkpoint_decode(b.data, i, &back, &e) < 0);
    }
    buf_clear(&b);
    struct result *r = sample_result("a");
    statement_encode(r, &b);
    assert_int_equal(checkpoint_decode(b.data, b.len, &back, &e), ERR_INVALID);
    result_free(r);
    buf_free(&b);
}

/* ---- the janitor, beside results that are being recorded ---- */

struct bench {
    uv_loop_t loop;
    struct recorder *rec;
    struct janitor *janitor;
    int committed, rounds;
    size_t removed;
    bool more;
};

static void on_committed(struct result **r, const char *envelope, size_t len, void *tag, void *arg)
{
    (void)r;
    (void)envelope;
    (void)len;
    (void)tag;
    ((struct bench *)arg)->committed++;
}

static void on_pruned(size_t rows, bool more, void *arg)
{
    struct bench *b = arg;
    b->rounds++;
    b->removed += rows;
    b->more = more;
    janitor_pruned(b->janitor, rows, more);
}

static void the_janitor_works_beside_the_recorder(void **state)
{
    (void)state;
    static const struct recorder_events ev = {.committed = on_committed, .pruned = on_pruned};
    struct retention r = {.max_rows = 100};
    struct bench b = {0};
    struct err e = {0};
    fill("busy.db", 1700, one, 1);
    uv_loop_init(&b.loop);
    struct recorder_options o = {.db_path = at("busy.db"), .key = &key};
    if (recorder_open(&b.loop, &o, &ev, &b, &b.rec, &e))
        fail_msg("%s", e.msg);
    struct janitor_options jo = {at("busy.db"), "w1", &r, 1, 10};
    janitor_open(&b.loop, &jo, b.rec, &b.janitor);
    int64_t end = clock_mono_us() + DEADLINE_US;
    for (int i = 0; i < 300 || b.rounds < 4 || b.more; i++) {
        char id[32];
        snprintf(id, sizeof id, "new%d", i);
        if (i < 300)
            recorder_submit(b.rec, sample_result(id), NULL);
        uv_run(&b.loop, i < 300 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
        assert_true(clock_mono_us() < end);
    }
    struct verify_report v = verified("busy.db"); /* while it runs */
    assert_true(v.pruned > 0);
    janitor_close(b.janitor);
    b.janitor = NULL;
    if (recorder_close(b.rec, 10000, &e))
        fail_msg("%s", e.msg);
    uv_run(&b.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&b.loop), 0);
    assert_int_equal(b.committed, 300);
    v = verified("busy.db");
    assert_int_equal(v.checked + b.removed, 2000);
    assert_true(v.checked < 500);
}

static void no_bounds_no_janitor(void **state)
{
    (void)state;
    struct janitor_options o = {.interval_ms = 10};
    struct janitor *j;
    janitor_open(NULL, &o, NULL, &j);
    assert_null(j);
    janitor_pruned(j, 1, true);
    janitor_close(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(age_removes_what_is_older),
        cmocka_unit_test(count_and_bytes_keep_the_newest),
        cmocka_unit_test(each_tenant_has_its_own_bounds),
        cmocka_unit_test(many_prunings_leave_one_run),
        cmocka_unit_test(nothing_else_can_go_missing),
        cmocka_unit_test(a_checkpoint_by_another_key_covers_nothing),
        cmocka_unit_test(a_plan_that_is_out_of_date_is_refused),
        cmocka_unit_test(statements_read_back),
        cmocka_unit_test(the_janitor_works_beside_the_recorder),
        cmocka_unit_test(no_bounds_no_janitor),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, remove_test_dir);
}
