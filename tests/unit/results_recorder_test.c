/* recorder: order, duplicates, failures and their repair, closing. Threads and SQLite are real. */
#include "tests/unit/results_sample.h"

#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "results/fit.h"
#include "results/recorder.h"
#include "results/verify.h"
#include "tests/unit/lacking.h"

#define DEADLINE_US 20000000

static struct sign_key key;

static int setup(void **state)
{
    if (make_test_dir(state))
        return -1;
    log_set_level(LOG_OFF);
    make_key(&key, "w.key");
    return 0;
}

/* A loop with a recorder on it, and what it told. */
struct bench {
    uv_loop_t loop;
    uv_timer_t tick; /* keeps UV_RUN_ONCE from sleeping past the deadline */
    struct recorder *rec;
    const char *db;
    int committed, stuck, unstuck;
    int next_tag; /* tags must come back in order */
    uint64_t last_seq;
    struct err why;
    struct result *taken; /* the last result, kept */
    struct buf envelope;  /* of the last one */
};

static void on_committed(struct result **r, const char *envelope, size_t len, void *tag, void *arg)
{
    struct bench *b = arg;
    assert_int_equal((intptr_t)tag, b->next_tag++);
    if ((*r)->seq)
        assert_int_equal((*r)->seq, ++b->last_seq);
    buf_clear(&b->envelope);
    buf_add(&b->envelope, envelope, len);
    result_free(b->taken);
    b->taken = *r;
    *r = NULL;
    b->committed++;
}

static void on_stuck(const struct err *why, void *arg)
{
    struct bench *b = arg;
    b->stuck++;
    b->why = *why;
}

static void on_unstuck(void *arg)
{
    ((struct bench *)arg)->unstuck++;
}

static void on_tick(uv_timer_t *t)
{
    (void)t;
}

static bool as_worker; /* the next one opened: as one with many results to store */

static int try_open(struct bench *b, const char *db, size_t envelope_max, struct err *e)
{
    static const struct recorder_events ev = {
        .committed = on_committed, .stuck = on_stuck, .unstuck = on_unstuck};
    memset(b, 0, sizeof *b);
    b->db = db;
    uv_loop_init(&b->loop);
    uv_timer_init(&b->loop, &b->tick);
    uv_timer_start(&b->tick, on_tick, 10, 10);
    struct recorder_options o = {
        .db_path = at(db), .key = &key, .envelope_max = envelope_max, .many = as_worker};
    return recorder_open(&b->loop, &o, &ev, b, &b->rec, e);
}

static void open_bench(struct bench *b, const char *db)
{
    struct err e = {0};
    struct store *s;
    if (try_open(b, db, 0, &e))
        fail_msg("%s", e.msg);
    char prev[65];
    assert_int_equal(store_open(at(db), STORE_READ, &s, &e), 0);
    assert_int_equal(store_chain_head(s, &b->last_seq, prev, &e), 0);
    store_close(s);
}

static int close_bench_after(struct bench *b, int timeout_ms, struct err *e)
{
    int rc = recorder_close(b->rec, timeout_ms, e);
    uv_close((uv_handle_t *)&b->tick, NULL);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&b->loop), 0);
    result_free(b->taken);
    buf_free(&b->envelope);
    return rc;
}

static void close_bench(struct bench *b)
{
    struct err e = {0};
    if (close_bench_after(b, 10000, &e))
        fail_msg("%s", e.msg);
}

static void run_until(struct bench *b, const int *counter, int n)
{
    int64_t end = clock_mono_us() + DEADLINE_US;
    while (*counter < n) {
        if (clock_mono_us() > end)
            fail_msg("waited too long: %d of %d; %s", *counter, n, b->why.msg);
        uv_run(&b->loop, UV_RUN_ONCE);
    }
}

static void submit(struct bench *b, const char *id, int tag)
{
    recorder_submit(b->rec, sample_result(id), (void *)(intptr_t)tag);
}

static void check_db(const char *db, uint64_t rows)
{
    struct verify_report report;
    struct err e = {0};
    if (verify_db(at(db), &key, &report, NULL, NULL, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(report.checked, rows);
}

static void a_result_comes_back_durable_and_signed(void **state)
{
    (void)state;
    struct bench b;
    struct err e;
    open_bench(&b, "one.db");
    submit(&b, "job-1", 0);
    assert_int_equal(recorder_pending(b.rec), 1);
    run_until(&b, &b.committed, 1);
    assert_int_equal(recorder_pending(b.rec), 0);
    assert_int_equal(b.taken->seq, 1);
    assert_string_equal(b.taken->prev, ZEROS);
    assert_int_equal(verify_envelope(b.envelope.data, b.envelope.len, &key, &e), 0);
    check_db("one.db", 1); /* from outside, while the recorder is open */
    close_bench(&b);
    check_db("one.db", 1);
}

static void order_and_chain_hold_through_bursts_and_restarts(void **state)
{
    (void)state;
    int total = 0;
    for (int round = 0; round < 3; round++) {
        struct bench b;
        open_bench(&b, "many.db");
        for (int i = 0; i < 700; i++, total++) {
            char id[32];
            snprintf(id, sizeof id, "m%d", total);
            submit(&b, id, i);
            if (i % 97 == 0)
                run_until(&b, &b.committed, i); /* now lone, now many */
        }
        run_until(&b, &b.committed, 700);
        assert_int_equal(b.stuck, 0);
        close_bench(&b);
    }
    check_db("many.db", 2100);
}

/* Whatever is said about waiting jobs: a lone row is one commit, a flood shares its commits. */
static void commits_are_shared_only_when_rows_come_together(void **state)
{
    (void)state;
    for (int waiting = -1; waiting < 2; waiting++) {
        struct bench b;
        char name[32], id[32];
        snprintf(name, sizeof name, "share%d.db", waiting);
        open_bench(&b, name);
        if (waiting >= 0)
            recorder_set_waiting(b.rec, waiting);
        for (int i = 0; i < 20; i++) {
            snprintf(id, sizeof id, "lone%d", i);
            submit(&b, id, i);
            run_until(&b, &b.committed, i + 1);
        }
        assert_int_equal(recorder_commits(b.rec), 20);
        for (int i = 20; i < 220; i++) {
            snprintf(id, sizeof id, "many%d", i);
            submit(&b, id, i);
        }
        run_until(&b, &b.committed, 220);
        assert_in_range(recorder_commits(b.rec), 21, 120);
        close_bench(&b);
    }
}

static void closing_waits_for_what_is_submitted(void **state)
{
    (void)state;
    struct bench b;
    struct err e = {0};
    open_bench(&b, "close.db");
    for (int i = 0; i < 300; i++) {
        char id[32];
        snprintf(id, sizeof id, "c%d", i);
        submit(&b, id, i);
    }
    int rc = close_bench_after(&b, 10000, &e); /* events come from inside */
    assert_int_equal(rc, 0);
    assert_int_equal(b.committed, 300);
    check_db("close.db", 300);
    assert_int_equal(recorder_close(NULL, 0, NULL), 0);
}

static void a_job_keeps_its_first_result(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, "dup.db");
    submit(&b, "x", 0);
    run_until(&b, &b.committed, 1);
    char *first = mem_strdup(b.envelope.data);
    submit(&b, "x", 1); /* stored */
    run_until(&b, &b.committed, 2);
    assert_string_equal(b.envelope.data, first);
    assert_int_equal(b.taken->seq, 0);
    submit(&b, "y", 2); /* not held up */
    run_until(&b, &b.committed, 3);
    assert_int_equal(b.taken->seq, 2);
    struct result *other = bare_result("x"); /* the same id of another tenant is another job */
    recorder_submit(b.rec, other, (void *)3);
    run_until(&b, &b.committed, 4);
    assert_int_equal(b.taken->seq, 3);
    free(first);
    close_bench(&b);
    check_db("dup.db", 3);
}

static void twins_in_flight_give_one_row_too(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, "twins.db");
    for (int i = 0; i < 400; i++) {
        char id[32];
        snprintf(id, sizeof id, "t%d", i / 4); /* four of each, all in flight */
        submit(&b, id, i);
    }
    run_until(&b, &b.committed, 400);
    assert_int_equal(b.stuck, 0);
    close_bench(&b);
    check_db("twins.db", 100);
}

static void a_result_too_large_is_cut_before_it_is_signed(void **state)
{
    (void)state;
    struct bench b;
    struct err e = {0};
    assert_int_equal(try_open(&b, "large.db", 20000, &e), 0);
    for (int i = 0; i < 2; i++) {
        struct result *r = sample_result(i ? "wide" : "narrow");
        free(r->out);
        r->out = mem_alloc(100001);
        memset(r->out, 'x', 100000);
        r->out_len = r->out_total = 100000;
        recorder_submit(b.rec, r, (void *)(intptr_t)i);
        run_until(&b, &b.committed, i + 1);
        assert_in_range(b.envelope.len, 1, i ? 200000 : 20000);
        assert_int_equal(b.taken->out_cut, !i);
        recorder_set_envelope_max(b.rec, 0);
    }
    close_bench(&b);
    check_db("large.db", 2);
}

static void a_value_that_is_no_json_cannot_break_out(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, "value.db");
    struct result *r = sample_result("evil");
    r->outcome = OUTCOME_OK;
    free(r->value);
    r->value = mem_strdup("1,\"outcome\":\"forged\"");
    r->value_len = strlen(r->value);
    recorder_submit(b.rec, r, NULL);
    run_until(&b, &b.committed, 1);
    assert_int_equal(b.taken->outcome, OUTCOME_CRASHED);
    close_bench(&b);
    check_db("value.db", 1);
}

/* ---- failures ---- */

static void arm(const char *spec)
{
    setenv("ISOLANE_FAULT", spec, 1);
    fault_init();
    unsetenv("ISOLANE_FAULT");
}

static void fail_once_at(const char *spec, const char *db)
{
    struct bench b;
    arm(spec);
    open_bench(&b, db);
    for (int i = 0; i < 50; i++) {
        char id[32];
        snprintf(id, sizeof id, "f%d", i);
        submit(&b, id, i);
    }
    run_until(&b, &b.committed, 50);
    fault_armed = -1;
    assert_int_equal(b.stuck, 1);
    assert_int_equal(b.unstuck, 1);
    assert_non_null(strstr(b.why.msg, "fault point"));
    close_bench(&b);
    check_db(db, 50);
}

static void a_commit_that_fails_is_repeated(void **state)
{
    (void)state;
    fail_once_at("result_signed@20=error", "signed.db");
}

/* The rows are in, but the commit said no: they must not go in twice, nor block. */
static void a_commit_that_only_seemed_to_fail_is_noticed(void **state)
{
    (void)state;
    fail_once_at("result_committed@1=error", "committed.db");
}

static void a_foreign_lock_is_waited_for(void **state)
{
    (void)state;
    struct bench b;
    sqlite3 *db;
    open_bench(&b, "lock.db");
    assert_int_equal(sqlite3_open(at("lock.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    submit(&b, "a", 0);
    submit(&b, "b", 1);
    run_until(&b, &b.stuck, 1);
    assert_non_null(strstr(b.why.msg, "another program holds the file's lock"));
    assert_int_equal(b.committed, 0);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    run_until(&b, &b.committed, 2);
    assert_int_equal(b.stuck, 1);
    assert_int_equal(b.unstuck, 1);
    close_bench(&b);
    check_db("lock.db", 2);
}

static void a_second_worker_on_the_file_stops_us_not_the_chain(void **state)
{
    (void)state;
    struct bench a, b;
    struct err e = {0};
    open_bench(&a, "both.db");
    open_bench(&b, "both.db");
    submit(&a, "a", 0);
    run_until(&a, &a.committed, 1);
    submit(&b, "b", 0);
    run_until(&b, &b.stuck, 1);
    assert_int_equal(b.why.code, ERR_CONFLICT);
    assert_non_null(strstr(b.why.msg, "another process"));
    assert_int_equal(close_bench_after(&b, 50, &e), ERR_TIMEOUT);
    assert_non_null(strstr(e.msg, "1 results are not stored"));
    assert_non_null(strstr(e.msg, "another process"));
    assert_int_equal(b.committed, 0);
    submit(&a, "c", 1);
    run_until(&a, &a.committed, 2);
    close_bench(&a);
    open_bench(&b, "both.db"); /* the restart that the message asks for */
    submit(&b, "b", 0);
    run_until(&b, &b.committed, 1);
    close_bench(&b);
    check_db("both.db", 3);
}

static void what_cannot_be_opened_is_an_error(void **state)
{
    (void)state;
    struct bench b;
    struct err e = {0};
    assert_int_equal(shell("echo no database > text.db; mkdir dir.db"), 0);
    assert_int_equal(try_open(&b, "text.db", 0, &e), ERR_CORRUPT);
    uv_close((uv_handle_t *)&b.tick, NULL);
    uv_run(&b.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&b.loop), 0); /* nothing left on the loop */
    assert_int_equal(try_open(&b, "dir.db", 0, &e), ERR_IO);
    uv_close((uv_handle_t *)&b.tick, NULL);
    uv_run(&b.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&b.loop), 0);
}

/* ---- a real disk that is really full ---- */

enum { DISK_OK, DISK_NO_MOUNT = 90 };

static void fill_disk(void)
{
    char junk[4096];
    memset(junk, 'x', sizeof junk);
    int fd = open(at("disk/filler"), O_CREAT | O_WRONLY | O_APPEND, 0600);
    while (write(fd, junk, sizeof junk) > 0)
        ;
    close(fd);
}

/* In a child with a mount namespace of its own: a tmpfs of 600 kB, filled up behind the recorder's
 * back and emptied again. */
static int full_disk_child(void)
{
    struct bench b;
    if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mkdir(at("disk"), 0700) ||
        mount("tmpfs", at("disk"), "tmpfs", 0, "size=600k,mode=700"))
        return DISK_NO_MOUNT;
    open_bench(&b, "disk/full.db");
    submit(&b, "d0", 0);
    run_until(&b, &b.committed, 1);
    fill_disk();
    for (int i = 1; i < 20; i++) {
        char id[32];
        snprintf(id, sizeof id, "d%d", i);
        submit(&b, id, i);
    }
    run_until(&b, &b.stuck, 1);
    if (!strstr(b.why.msg, "free space on its disk"))
        return 1;
    int64_t until = clock_mono_us() + 400000; /* several tries in vain: told only once */
    while (clock_mono_us() < until)
        uv_run(&b.loop, UV_RUN_ONCE);
    if (b.stuck != 1 || b.unstuck)
        return 2;
    unlink(at("disk/filler"));
    run_until(&b, &b.committed, 20);
    if (b.unstuck != 1)
        return 3;
    close_bench(&b);
    check_db("disk/full.db", 20);
    return DISK_OK;
}

static void a_full_disk_loses_nothing(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(full_disk_child());
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == DISK_NO_MOUNT)
        SKIP_FOR("no tmpfs can be mounted here (needs root or user namespaces)");
    assert_int_equal(WEXITSTATUS(status), DISK_OK);
}

/* Copied beside commits while jobs wait, between commits while none does: the WAL stays about as
 * long as it was made, whatever comes, and nobody who reads meanwhile is in the way for good. */
static void the_wal_stays_short_under_load(void **state)
{
    (void)state;
    enum { ROWS = 6000, HALF = ROWS / 2, WAL = 9 << 20 };
    struct bench b;
    struct stat st;
    struct store *reader;
    struct err e = {0};
    as_worker = true;
    open_bench(&b, "short.db");
    as_worker = false;
    for (int i = 0; i < ROWS; i++) {
        char id[32];
        snprintf(id, sizeof id, "job-%d", i);
        if (i == HALF)
            run_until(&b, &b.committed, HALF);
        recorder_set_waiting(b.rec, i < HALF ? 1 : 0);
        submit(&b, id, i);
        if (i % 50 == 0)
            uv_run(&b.loop, UV_RUN_NOWAIT);
    }
    run_until(&b, &b.committed, ROWS);
    assert_int_equal(stat(at("short.db-wal"), &st), 0);
    assert_in_range(st.st_size, WAL, 5 * WAL);
    assert_int_equal(stat(at("short.db"), &st), 0);
    assert_true(st.st_size > WAL); /* copied, before anybody closes it */
    assert_int_equal(store_open(at("short.db"), STORE_READ, &reader, &e), 0);
    store_hold(reader); /* somebody looks, for long */
    assert_true(store_has(reader, "ci", "job-1"));
    for (int i = 0; i < ROWS; i++) {
        char id[32];
        snprintf(id, sizeof id, "late-%d", i);
        submit(&b, id, ROWS + i);
    }
    run_until(&b, &b.committed, 2 * ROWS);
    store_let_go(reader);
    store_close(reader);
    close_bench(&b);
    check_db("short.db", 2 * ROWS);
}

int main(void)
{
    static struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_comes_back_durable_and_signed),
        cmocka_unit_test(order_and_chain_hold_through_bursts_and_restarts),
        cmocka_unit_test(commits_are_shared_only_when_rows_come_together),
        cmocka_unit_test(closing_waits_for_what_is_submitted),
        cmocka_unit_test(a_job_keeps_its_first_result),
        cmocka_unit_test(twins_in_flight_give_one_row_too),
        cmocka_unit_test(a_result_too_large_is_cut_before_it_is_signed),
        cmocka_unit_test(a_value_that_is_no_json_cannot_break_out),
        cmocka_unit_test(a_commit_that_fails_is_repeated),
        cmocka_unit_test(a_commit_that_only_seemed_to_fail_is_noticed),
        cmocka_unit_test(a_foreign_lock_is_waited_for),
        cmocka_unit_test(a_second_worker_on_the_file_stops_us_not_the_chain),
        cmocka_unit_test(what_cannot_be_opened_is_an_error),
        cmocka_unit_test(the_wal_stays_short_under_load),
        cmocka_unit_test(a_full_disk_loses_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return RUN_OR_SKIP(tests, setup, remove_test_dir);
}
