/* kill -9 at any moment and at each fault point: what was reported as committed is there, and the
 * chain is whole. The worker is this program again, started with the argument "worker". */
#include "tests/unit/results_sample.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "base/clock.h"
#include "base/fault.h"
#include "results/recorder.h"
#include "results/verify.h"

#define IN_FLIGHT 64
#define REPORT_FD 3

/* ---- the worker ---- */

struct worker {
    struct recorder *rec;
    int round, next;
};

static void submit_next(struct worker *w)
{
    char id[32];
    snprintf(id, sizeof id, "r%d-%d", w->round, w->next);
    recorder_submit(w->rec, w->next % 3 ? sample_result(id) : bare_result(id),
                    (void *)(intptr_t)w->next);
    w->next++;
}

static void on_committed(struct result **r, const char *envelope, size_t len, void *tag, void *arg)
{
    (void)r;
    (void)envelope;
    (void)len;
    int n = (int)(intptr_t)tag;
    if (write(REPORT_FD, &n, sizeof n) != sizeof n)
        _exit(9);
    submit_next(arg);
}

static void on_stuck(const struct err *why, void *arg)
{
    (void)arg;
    fprintf(stderr, "%s\n", why->msg);
    _exit(8);
}

static void on_unstuck(void *arg)
{
    (void)arg;
}

static int work(const char *dir, int round, int in_flight)
{
    static const struct recorder_events ev = {
        .committed = on_committed, .stuck = on_stuck, .unstuck = on_unstuck};
    struct worker w = {.round = round};
    struct sign_key key;
    struct err e = {0};
    uv_loop_t *loop = uv_default_loop();
    char path[3][128];
    static const char *const names[] = {"w.key", "w.key.pub", "crash.db"};
    for (int i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%s/%s", dir, names[i]);
    fault_init();
    struct recorder_options o = {.db_path = path[2], .key = &key};
    if (sign_key_open(path[0], path[1], &key, &e) || recorder_open(loop, &o, &ev, &w, &w.rec, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        return 7;
    }
    recorder_set_waiting(w.rec, round % 2); /* with and without lingering */
    for (int i = 0; i < in_flight; i++)
        submit_next(&w);
    return uv_run(loop, UV_RUN_DEFAULT);
}

/* ---- the tests ---- */

static struct sign_key key;
static int round_no;
static uint64_t rows_before;

static int setup(void **state)
{
    if (make_test_dir(state))
        return -1;
    make_key(&key, "w.key");
    return 0;
}

static pid_t start(const char *fault, int in_flight, int *report)
{
    int fd[2];
    char round[16], flight[16];
    assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
    snprintf(round, sizeof round, "%d", ++round_no);
    snprintf(flight, sizeof flight, "%d", in_flight);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fd[1], REPORT_FD);
        if (fault)
            setenv("ISOLANE_FAULT", fault, 1);
        execl("/proc/self/exe", "worker", "worker", test_dir, round, flight, NULL);
        _exit(6);
    }
    close(fd[1]);
    *report = fd[0];
    return pid;
}

/* Collects reports into seen[] until end of file or until kill_after_us have passed (then kills).
 */
static int collect(pid_t pid, int report, int64_t kill_after_us, bool *seen, int cap)
{
    int64_t end = clock_mono_us() + kill_after_us;
    bool alive = true;
    int reported = 0;
    for (;;) {
        int64_t left = end - clock_mono_us();
        struct pollfd p = {.fd = report, .events = POLLIN};
        if (alive && left <= 0) {
            kill(pid, SIGKILL);
            alive = false;
        }
        if (alive && poll(&p, 1, (int)(left / 1000) + 1) == 0)
            continue;
        int n[512];
        ssize_t got = read(report, n, sizeof n); /* whole numbers: written four bytes at a time */
        if (got <= 0)
            break;
        for (size_t i = 0; i < (size_t)got / sizeof n[0]; i++) {
            assert_in_range(n[i], 0, cap - 1);
            assert_false(seen[n[i]]);
            seen[n[i]] = true;
            reported++;
        }
    }
    close(report);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        fail_msg("the worker ended by itself: %d", WEXITSTATUS(status));
    return reported;
}

/* Everything that was reported is in the file, and nothing in it is out of order. */
static uint64_t check(const bool *seen, int cap)
{
    struct verify_report r;
    struct err e = {0};
    struct store *s;
    if (rows_before == 0 && (store_open(at("crash.db"), STORE_READ, &s, &e) == ERR_NOT_FOUND ||
                             strstr(e.msg, "is empty"))) { /* killed while it made the file */
        for (int i = 0; i < cap; i++)
            assert_false(seen[i]);
        return 0;
    }
    if (rows_before == 0)
        store_close(s);
    if (verify_db(at("crash.db"), &key, &r, NULL, NULL, &e))
        fail_msg("round %d: %s", round_no, e.msg);
    assert_int_equal(store_open(at("crash.db"), STORE_READ, &s, &e), 0);
    for (int i = 0; i < cap; i++) {
        char id[32];
        snprintf(id, sizeof id, "r%d-%d", round_no, i);
        if (seen[i] && !store_has(s, NULL, id))
            fail_msg("%s was reported and is lost", id);
    }
    store_close(s);
    uint64_t fresh = r.checked - rows_before;
    rows_before = r.checked;
    return fresh;
}

#define CAP 200000
static bool seen[CAP];

static int crash(const char *fault, int in_flight, int64_t kill_after_us, uint64_t *rows)
{
    int report;
    memset(seen, 0, sizeof seen);
    pid_t pid = start(fault, in_flight, &report);
    int reported = collect(pid, report, kill_after_us, seen, CAP);
    *rows = check(seen, CAP);
    assert_true(*rows >= (uint64_t)reported);
    assert_true(*rows <= (uint64_t)(reported + in_flight));
    return reported;
}

static void killed_at_any_moment_it_loses_nothing_reported(void **state)
{
    (void)state;
    uint64_t rows, all = 0;
    uint32_t seed = (uint32_t)getpid();
    /* Sixteen, and more where a slow machine has hardly begun when it is killed. */
    for (int i = 0; i < 16 || (all <= 100 && i < 400); i++) {
        seed = seed * 1664525 + 1013904223;
        if (i % 4 == 0) { /* four crashes upon each other, then a new file: verifying takes time */
            assert_int_equal(shell("rm -f crash.db*"), 0);
            rows_before = 0;
        }
        crash(NULL, i % 4 ? IN_FLIGHT : 1, 3000 + (seed >> 8) % 80000, &rows);
        all += rows;
    }
    assert_true(all > 100);
}

static void killed_after_signing_the_row_is_not_there(void **state)
{
    (void)state;
    uint64_t rows;
    assert_int_equal(crash("result_signed@1", 1, 20000000, &rows), 0);
    assert_int_equal(rows, 0);
    assert_int_equal(crash("result_signed@10", 1, 20000000, &rows), 9);
    assert_int_equal(rows, 9);
    crash("result_signed@500", IN_FLIGHT, 20000000, &rows);
    assert_in_range(rows, 500 - IN_FLIGHT, 499);
}

static void killed_after_the_commit_the_row_is_there(void **state)
{
    (void)state;
    uint64_t rows;
    assert_int_equal(crash("result_committed@1", 1, 20000000, &rows), 0);
    assert_int_equal(rows, 1);
    assert_int_equal(crash("result_committed@10", 1, 20000000, &rows), 9);
    assert_int_equal(rows, 10);
    int reported = crash("result_committed@20", IN_FLIGHT, 20000000, &rows);
    assert_true(rows >
                (uint64_t)reported); /* durable, not told: the job comes again and is found */
}

int main(int argc, char **argv)
{
    if (argc == 5 && !strcmp(argv[1], "worker"))
        return work(argv[2], atoi(argv[3]), atoi(argv[4]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_moment_it_loses_nothing_reported),
        cmocka_unit_test(killed_after_signing_the_row_is_not_there),
        cmocka_unit_test(killed_after_the_commit_the_row_is_there),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, remove_test_dir);
}
