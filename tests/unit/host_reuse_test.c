/* Cells that have more than one invocation: honest ones, and those that answer for another one,
 * speak when nobody has asked, or stay where they may not. On the fake engine. */
#include "tests/unit/host_cells.h"

static struct cell_invocation numbered(uint64_t id, const char *script, int reuse)
{
    struct cell_invocation inv = invocation(script);
    inv.id = id;
    inv.reuse = reuse;
    return inv;
}

static void begin(struct seen *s, uint64_t id, const char *script, int reuse)
{
    struct err e = {0};
    const struct cell_invocation inv = numbered(id, script, reuse);
    buf_clear(&s->out);
    buf_clear(&s->value);
    if (cell_invoke(s->c, &inv, &e))
        fail_msg("cell_invoke: %s", e.msg);
}

/* A line for the fake engine: DONE of that invocation. */
static const char *done_line(uint64_t id, int end, bool stays)
{
    static char text[400];
    const struct frame_done d = {.end = (uint32_t)end, .stays = stays};
    int n = snprintf(text, sizeof text, "frame %d %llu ", FRAME_DONE, (unsigned long long)id);
    for (size_t i = 0; i < sizeof d; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%02x", ((const unsigned char *)&d)[i]);
    return text;
}

static void one_cell_has_several(void **state)
{
    struct world *w = *state;
    struct seen s;
    char script[40];
    fork_ready(w, &s);
    for (int i = 1; i <= 5; i++) {
        snprintf(script, sizeof script, "print %d\nvalue %d", i, i * 10);
        begin(&s, (uint64_t)i * 1000, script, FRAME_REUSE_TENANT);
        run_until(w, &s.done, i, "DONE");
        assert_true(s.d.stays);
        assert_int_equal(atoi(text_of(&s.out)), i);
        assert_int_equal(atoi(text_of(&s.value)), i * 10);
        assert_true(s.d.cpu_us >= 0);
        assert_int_equal(s.gone, 0);
    }
    begin(&s, 6000, "value 6", FRAME_REUSE_NONE); /* the last */
    run_until(w, &s.gone, 1, "its end");
    assert_int_equal(s.done, 6);
    assert_false(s.d.stays);
    assert_true(s.g.reaped && WIFEXITED(s.g.status) && WEXITSTATUS(s.g.status) == 0);
    forget(&s);
}

static void an_idle_cell_can_be_killed_and_can_die(void **state)
{
    struct world *w = *state;
    struct seen s;
    for (int by_us = 0; by_us < 2; by_us++) {
        fork_ready(w, &s);
        begin(&s, 7, "value 1", FRAME_REUSE_SCRIPT);
        run_until(w, &s.done, 1, "DONE");
        if (by_us)
            cell_kill(s.c);
        else
            kill(cell_pid(s.c), SIGKILL);
        run_until(w, &s.gone, 1, "its end");
        assert_null(s.g.breach);
        forget(&s);
    }
}

static void one_that_was_asked_to_stop_does_not_stay(void **state)
{
    struct world *w = *state;
    struct seen s;
    fork_ready(w, &s);
    begin(&s, 7, "spin", FRAME_REUSE_TENANT);
    cell_stop(s.c, STOP_CANCEL);
    run_until(w, &s.gone, 1, "its end");
    assert_int_equal(s.done, 1);
    assert_false(s.d.stays);
    assert_int_equal(s.d.end, FRAME_END_TERMINATED);
    forget(&s);
}

static void a_late_reply_is_nobodys(void **state)
{
    struct world *w = *state;
    struct seen s;
    struct err e = {0};
    fork_ready(w, &s);
    /* The script asks and ends without waiting. */
    begin(&s, 7, "frame 5 1 0100000061\nvalue 1", FRAME_REUSE_TENANT);
    run_until(w, &s.done, 1, "DONE");
    assert_int_equal(s.calls, 1);
    assert_int_equal(cell_reply(s.c, s.call_id, true, "1", 1, &e), ERR_UNAVAILABLE);
    begin(&s, 9, "sleep 5\nvalue 2", FRAME_REUSE_TENANT);
    assert_int_equal(cell_reply(s.c, s.call_id, true, "1", 1, &e), ERR_NOT_FOUND);
    run_until(w, &s.done, 2, "DONE");
    assert_string_equal(text_of(&s.value), "2");
    cell_kill(s.c);
    run_until(w, &s.gone, 1, "its end");
    forget(&s);
}

/* The second invocation's script breaks the protocol. */
static void breaks(struct world *w, const char *script, int reuse, const char *what)
{
    struct seen s;
    fork_ready(w, &s);
    begin(&s, 7, "value 1", FRAME_REUSE_TENANT);
    run_until(w, &s.done, 1, "DONE");
    begin(&s, 9, script, reuse);
    run_until(w, &s.gone, 1, script);
    if (!s.g.breach || !strstr(s.g.breach, what))
        fail_msg("breach is '%s', not '%s': %s", s.g.breach, what, script);
    forget(&s);
}

static void it_speaks_for_the_present_invocation_alone(void **state)
{
    struct world *w = *state;
    breaks(w, done_line(7, FRAME_END_OK, true), FRAME_REUSE_TENANT, "another invocation");
    breaks(w, done_line(7, FRAME_END_OK, false), FRAME_REUSE_NONE, "another invocation");
    breaks(w, done_line(10, FRAME_END_OK, true), FRAME_REUSE_TENANT, "another invocation");
    breaks(w, "frame 3 7 0161", FRAME_REUSE_TENANT, "another invocation");       /* OUTPUT */
    breaks(w, "frame 6 7 0100000061", FRAME_REUSE_TENANT, "another invocation"); /* NOTE */
}

static void it_stays_only_where_it_may(void **state)
{
    struct world *w = *state;
    breaks(w, done_line(9, FRAME_END_OK, true), FRAME_REUSE_NONE, "without being asked");
    breaks(w, done_line(9, FRAME_END_HEAP, true), FRAME_REUSE_TENANT, "does not allow it");
    breaks(w, done_line(9, FRAME_END_TERMINATED, true), FRAME_REUSE_TENANT, "does not allow it");
}

/* It ends its invocation, stays, and goes on talking: either in the same breath or as an idle cell.
 */
static void an_idle_cell_is_silent(void **state)
{
    static const char *const more[] = {"print x\nsleep 50", "frame 6 9 0100000061\nsleep 50",
                                       "frame 5 1 0100000061\nsleep 50", "frame 1 0 \nsleep 50",
                                       "value 2"};
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(more); i++) {
        struct seen s;
        char script[600];
        snprintf(script, sizeof script, "%s\n%s", done_line(7, FRAME_END_OK, true), more[i]);
        fork_ready(w, &s);
        begin(&s, 7, script, FRAME_REUSE_TENANT);
        run_until(w, &s.gone, 1, script);
        assert_non_null(s.g.breach);
        assert_true(strstr(s.g.breach, "not allowed in this state") ||
                    strstr(s.g.breach, "said more behind"));
        forget(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_cell_has_several),
        cmocka_unit_test(an_idle_cell_can_be_killed_and_can_die),
        cmocka_unit_test(one_that_was_asked_to_stop_does_not_stay),
        cmocka_unit_test(a_late_reply_is_nobodys),
        cmocka_unit_test(it_speaks_for_the_present_invocation_alone),
        cmocka_unit_test(it_stays_only_where_it_may),
        cmocka_unit_test(an_idle_cell_is_silent),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("host_reuse", tests, set_up, tear_down);
}
