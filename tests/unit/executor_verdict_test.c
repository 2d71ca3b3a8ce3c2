/* What an attempt's end is called, for every way it can end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "executor/attempt/verdict.h"

static const struct limits limits = {
    .v = {[LIMIT_CPU_MS] = 100,
          [LIMIT_WALL_MS] = 1000,
          [LIMIT_HEAP_MB] = 64,
          [LIMIT_MEMORY_MB] = 128,
          [LIMIT_OUTPUT_KB] = 16},
};

static struct verdict of_done(int end, enum stop_reason stopped)
{
    struct cell_done d = {.end = end, .value = "", .name = "", .message = "boom", .stack = ""};
    d.message_len = end == FRAME_END_INTERNAL ? 4 : 0;
    struct verdict v;
    d.stopped = stopped;
    verdict_reach(&d, NULL, &limits, 101400, 2000, &v);
    return v;
}

static struct verdict of_gone(const struct cell_gone *g, enum stop_reason stopped)
{
    struct verdict v;
    struct cell_gone gone = *g;
    gone.stopped = stopped;
    verdict_reach(NULL, &gone, &limits, 5000, 6000, &v);
    return v;
}

static void test_done_frames(void **state)
{
    (void)state;
    static const struct {
        int end;
        enum stop_reason stopped;
        enum outcome outcome;
        bool own_error;
    } rows[] = {
        {FRAME_END_OK, STOP_NONE, OUTCOME_OK, false},
        {FRAME_END_OK, STOP_CANCEL, OUTCOME_OK, false}, /* it was quicker than the request */
        {FRAME_END_THREW, STOP_NONE, OUTCOME_THREW, false},
        {FRAME_END_HEAP, STOP_NONE, OUTCOME_HEAP_EXCEEDED, true},
        {FRAME_END_MEMORY, STOP_NONE, OUTCOME_MEMORY_EXCEEDED, true},
        {FRAME_END_OUTPUT, STOP_NONE, OUTCOME_OUTPUT_EXCEEDED, true},
        {FRAME_END_TERMINATED, STOP_CPU, OUTCOME_CPU_EXCEEDED, true},
        {FRAME_END_TERMINATED, STOP_WALL, OUTCOME_WALL_EXCEEDED, true},
        {FRAME_END_TERMINATED, STOP_OUTPUT, OUTCOME_OUTPUT_EXCEEDED, true},
        {FRAME_END_TERMINATED, STOP_CANCEL, OUTCOME_CANCELLED, true},
        {FRAME_END_TERMINATED, STOP_NONE, OUTCOME_CRASHED, true},
        {FRAME_END_INTERNAL, STOP_NONE, OUTCOME_INTERNAL, true},
        {99, STOP_NONE, OUTCOME_CRASHED, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct verdict v = of_done(rows[i].end, rows[i].stopped);
        assert_int_equal(v.outcome, rows[i].outcome);
        assert_int_equal(v.own_error, rows[i].own_error);
        assert_false(v.lost);
    }
}

static void test_messages_name_limit_and_use(void **state)
{
    (void)state;
    struct verdict v = of_done(FRAME_END_TERMINATED, STOP_CPU);
    assert_string_equal(v.name, "BudgetExceeded");
    assert_string_equal(v.message, "cpu_ms: the limit of 100 was reached (used 101)");
    assert_int_equal(v.limit, LIMIT_CPU_MS);
    assert_int_equal(v.used, 101);
    struct cell_done d = {.end = FRAME_END_HEAP, .heap_peak = (66u << 20) + 1};
    verdict_reach(&d, NULL, &limits, 0, 0, &v);
    assert_string_equal(v.message, "heap_mb: the limit of 64 was reached (used 67)");
    d = (struct cell_done){.end = FRAME_END_OUTPUT, .stdout_total = 16384, .stderr_total = 1};
    verdict_reach(&d, NULL, &limits, 0, 0, &v);
    assert_string_equal(v.message, "output_kb: the limit of 16 was reached (used 17)");
    d = (struct cell_done){.end = FRAME_END_OUTPUT, .stdout_total = 10, .over_bytes = 20 << 10};
    verdict_reach(&d, NULL, &limits, 0, 0, &v);
    assert_string_equal(v.message,
                        "output_kb: the limit of 16 was reached by the job's value (used 20)");
    v = of_done(FRAME_END_OK, STOP_NONE);
    assert_int_equal(v.limit, LIMITS);
}

static void test_used_is_in_the_limits_unit_and_never_below_it(void **state)
{
    (void)state;
    assert_int_equal(verdict_used(LIMIT_CPU_MS, 100, 103499), 103);
    assert_int_equal(verdict_used(LIMIT_CPU_MS, 100, 103500), 104);
    assert_int_equal(verdict_used(LIMIT_WALL_MS, 100, 99700), 100);
    assert_int_equal(verdict_used(LIMIT_HEAP_MB, 8, 9u << 20), 9);
    assert_int_equal(verdict_used(LIMIT_MEMORY_MB, 32, (33u << 20) + 1), 34);
    assert_int_equal(verdict_used(LIMIT_OUTPUT_KB, 8, 8193), 9);
    /* a huge request that was refused: nothing was used, the limit was reached all the same */
    assert_int_equal(verdict_used(LIMIT_MEMORY_MB, 32, 0), 32);
}

static void test_gone_cells(void **state)
{
    (void)state;
    struct cell_gone g = {.reaped = true, .status = SIGSEGV, .denied_syscall = -1};
    struct verdict v = of_gone(&g, STOP_NONE);
    assert_int_equal(v.outcome, OUTCOME_CRASHED);
    assert_non_null(strstr(v.message, "SIGSEGV"));

    g.status = SIGSYS;
    assert_int_equal(of_gone(&g, STOP_NONE).outcome, OUTCOME_DENIED);

    g = (struct cell_gone){.reaped = true, .status = 7 << 8, .denied_syscall = -1};
    v = of_gone(&g, STOP_NONE);
    assert_int_equal(v.outcome, OUTCOME_CRASHED);
    assert_non_null(strstr(v.message, "exit status 7"));

    g = (struct cell_gone){.denied_syscall = SYS_openat};
    v = of_gone(&g, STOP_NONE);
    assert_int_equal(v.outcome, OUTCOME_DENIED);
    assert_non_null(strstr(v.message, "openat"));

    g = (struct cell_gone){.denied_syscall = -1, .breach = "OUTPUT beyond its credit"};
    v = of_gone(&g, STOP_CPU); /* a breach is told even where a budget was used up */
    assert_int_equal(v.outcome, OUTCOME_CRASHED);
    assert_non_null(strstr(v.message, "beyond its credit"));
}

static void test_killed_at_a_limit_is_that_limit(void **state)
{
    (void)state;
    struct cell_gone g = {.reaped = true, .status = SIGKILL, .denied_syscall = -1};
    assert_int_equal(of_gone(&g, STOP_CPU).outcome, OUTCOME_CPU_EXCEEDED);
    assert_int_equal(of_gone(&g, STOP_WALL).outcome, OUTCOME_WALL_EXCEEDED);
    assert_int_equal(of_gone(&g, STOP_CANCEL).outcome, OUTCOME_CANCELLED);
    assert_int_equal(of_gone(&g, STOP_NONE).outcome, OUTCOME_CRASHED);
}

static void test_lost_with_its_zygote_is_not_the_jobs_fault(void **state)
{
    (void)state;
    struct cell_gone g = {.with_zygote = true, .denied_syscall = -1};
    struct verdict v = of_gone(&g, STOP_NONE);
    assert_true(v.lost);
    v = of_gone(&g, STOP_CANCEL); /* but a job that was to end anyway is not run again */
    assert_false(v.lost);
    assert_int_equal(v.outcome, OUTCOME_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_done_frames),
        cmocka_unit_test(test_messages_name_limit_and_use),
        cmocka_unit_test(test_used_is_in_the_limits_unit_and_never_below_it),
        cmocka_unit_test(test_gone_cells),
        cmocka_unit_test(test_killed_at_a_limit_is_that_limit),
        cmocka_unit_test(test_lost_with_its_zygote_is_not_the_jobs_fault),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
