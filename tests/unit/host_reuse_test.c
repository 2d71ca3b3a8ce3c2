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
    breaks(w, done_line(9, FRAME_END_THREW, true), FRAME_REUSE_SCRIPT, "does not allow it");
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

/* ---- lines ---- */

/* A cell whose invocations wait in it: `wanted` of them are begun. */
struct lined_cell {
    struct seen s; /* first: it is the events' argument */
    int wanted, ends[8];
    int64_t began_us[8], cpu_us[8], ended_us[8];
};

static void on_line_done(struct cell *c, const struct cell_done *d, void *arg)
{
    struct lined_cell *l = arg;
    int n = l->s.done;
    on_done(c, d, arg);
    buf_addc(&l->s.value, ' ');
    l->ends[n] = d->end;
    l->cpu_us[n] = d->cpu_us;
    l->ended_us[n] = d->ended_at_us;
    if (d->stays && l->wanted-- > 0)
        l->began_us[n + 1] = cell_go_on(c);
}

static const struct cell_events line_events = {
    .ready = on_ready, .output = on_output, .call = on_call, .done = on_line_done, .gone = on_gone};

static int line_up(struct lined_cell *l, uint64_t id, const char *script, int64_t cpu_us)
{
    struct err e = {0};
    struct cell_invocation inv = numbered(id, script, FRAME_REUSE_AGAIN);
    inv.cpu_us = cpu_us;
    return cell_line_up(l->s.c, &inv, &e);
}

/* It has had its first invocation, and the second, which is small, is begun. */
static void open_line(struct world *w, struct lined_cell *l, int wanted, const char *script)
{
    struct err e = {0};
    memset(l, 0, sizeof *l);
    l->s.w = w;
    if (cell_fork(w->z, 1, false, &line_events, l, &l->s.c, &e))
        fail_msg("cell_fork: %s", e.msg);
    run_until(w, &l->s.ready, 1, "READY");
    begin(&l->s, 1, "value 1", FRAME_REUSE_SCRIPT);
    assert_false(cell_takes_more(l->s.c)); /* nothing waits behind the first */
    assert_int_equal(line_up(l, 5, "value 0", 0), ERR_UNAVAILABLE);
    run_until(w, &l->s.done, 1, "DONE");
    assert_false(cell_takes_more(l->s.c)); /* idle */
    l->wanted = wanted;
    begin(&l->s, 10, script, FRAME_REUSE_AGAIN);
}

static void a_line_is_begun_by_the_cell_itself(void **state)
{
    struct world *w = *state;
    struct lined_cell l;
    char large[FRAME_LINE_BYTES + 1] = "", text[40];
    memset(large, ' ', sizeof large - 1);
    open_line(w, &l, 5, "sleep 20\nprint a\nvalue 2");
    assert_int_equal(line_up(&l, 11, large, 0), ERR_LIMIT);
    for (uint64_t id = 12; id < 17; id++) {
        snprintf(text, sizeof text, "print %d\nsleep 1\nvalue %d", (int)id, (int)id);
        assert_int_equal(line_up(&l, id, text, 0), 0);
    }
    run_until(w, &l.s.done, 7, "all DONE");
    assert_string_equal(text_of(&l.s.value), "2 12 13 14 15 16 ");
    assert_string_equal(text_of(&l.s.out), "a\n12\n13\n14\n15\n16\n");
    for (int i = 2; i < 7; i++) {
        assert_true(l.cpu_us[i] >= 0);
        if (i < 6) /* where one ends the next begins */
            assert_int_equal(l.ended_us[i], l.began_us[i + 1]);
        assert_true(i < 3 || l.began_us[i] - l.began_us[i - 1] >= 1000);
    }
    assert_true(cell_takes_more(l.s.c) == false);
    begin(&l.s, 20, "value 3", FRAME_REUSE_AGAIN); /* it is idle again, as any */
    run_until(w, &l.s.done, 8, "DONE");
    cell_kill(l.s.c);
    run_until(w, &l.s.gone, 1, "its end");
    assert_null(l.s.g.breach);
    forget(&l.s);
}

static void a_line_has_an_end(void **state)
{
    struct world *w = *state;
    struct lined_cell l;
    open_line(w, &l, 0, "sleep 20\nvalue 2");
    for (uint64_t id = 11; id < 11 + FRAME_LINE_MAX; id++)
        assert_int_equal(line_up(&l, id, "value 1", 0), 0);
    assert_false(cell_takes_more(l.s.c));
    assert_int_equal(line_up(&l, 90, "value 1", 0), ERR_UNAVAILABLE);
    run_until(w, &l.s.gone, 1, "its end");
    forget(&l.s);
}

static void what_nobody_wants_of_a_line_is_not_heard_of(void **state)
{
    struct world *w = *state;
    struct lined_cell l;
    open_line(w, &l, 1, "sleep 20\nvalue 2");
    assert_int_equal(line_up(&l, 11, "value 3", 0), 0);
    assert_int_equal(line_up(&l, 12, "print never\nvalue 4", 0), 0);
    run_until(w, &l.s.gone, 1, "its end");
    assert_int_equal(l.s.done, 3); /* one of those two was wanted */
    assert_string_equal(text_of(&l.s.value), "2 3 ");
    assert_string_equal(text_of(&l.s.out), "");
    assert_null(l.s.g.breach); /* it did nothing wrong */
    forget(&l.s);
}

static void behind_one_that_does_not_stay_nothing_runs(void **state)
{
    static const char *const ends[] = {"segv", "exit 3", "sleep 20\nfatal 5 enough"};
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct lined_cell l;
        open_line(w, &l, 9, "sleep 20\nvalue 2");
        assert_int_equal(line_up(&l, 11, ends[i], 0), 0);
        assert_int_equal(line_up(&l, 12, "print never\nvalue 4", 0), 0);
        run_until(w, &l.s.gone, 1, ends[i]);
        assert_string_equal(text_of(&l.s.out), "");
        assert_true(l.s.done >= 2 && l.s.done <= 3);
        assert_null(l.s.g.breach);
        forget(&l.s);
    }
}

static void each_in_line_has_a_budget_of_its_own(void **state)
{
    struct world *w = *state;
    struct lined_cell l;
    open_line(w, &l, 9, "sleep 20\nvalue 2");
    assert_int_equal(line_up(&l, 11, "sleep 30\nvalue 3", 40000), 0);
    assert_int_equal(line_up(&l, 12, "spin", 40000), 0);
    assert_int_equal(line_up(&l, 13, "print never\nvalue 4", 40000), 0);
    run_until(w, &l.s.gone, 1, "its end");
    assert_int_equal(l.s.done, 4);
    assert_int_equal(l.s.d.stopped, STOP_CPU);
    assert_true(l.cpu_us[3] >= 40000 - 1000);
    assert_true(l.cpu_us[2] < 40000);
    assert_string_equal(text_of(&l.s.out), "");
    forget(&l.s);
}

/* Its DONE says that it used no time, or more than has passed, and ended before it began, or
 * tomorrow. */
static void a_cell_is_believed_within_bounds(void **state)
{
    static const uint64_t said[][2] = {{0, 0}, {UINT64_MAX, UINT64_MAX}, {1, UINT64_MAX}};
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        struct lined_cell l;
        char script[500];
        const struct frame_done d = {
            .end = FRAME_END_OK, .stays = 1, .cpu_us = said[i][0], .at_us = said[i][1]};
        int n = snprintf(script, sizeof script, "sleep 20\nframe %d 10 ", FRAME_DONE);
        for (size_t k = 0; k < sizeof d; k++)
            n += snprintf(script + n, sizeof script - (size_t)n, "%02x",
                          ((const unsigned char *)&d)[k]);
        int64_t t0 = clock_mono_us();
        open_line(w, &l, 9, script);
        assert_int_equal(line_up(&l, 11, "value 3", 0), 0);
        run_until(w, &l.s.gone, 1, "its end"); /* its own DONE follows, and is of another */
        int64_t passed = clock_mono_us() - t0;
        assert_non_null(l.s.g.breach);
        assert_int_equal(l.s.done, 2);
        assert_true(l.cpu_us[1] >= 0 && l.cpu_us[1] <= passed + 1000);
        assert_true(l.began_us[2] >= t0 && l.began_us[2] <= t0 + passed);
        forget(&l.s);
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
        cmocka_unit_test(a_line_is_begun_by_the_cell_itself),
        cmocka_unit_test(a_line_has_an_end),
        cmocka_unit_test(what_nobody_wants_of_a_line_is_not_heard_of),
        cmocka_unit_test(behind_one_that_does_not_stay_nothing_runs),
        cmocka_unit_test(each_in_line_has_a_budget_of_its_own),
        cmocka_unit_test(a_cell_is_believed_within_bounds),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("host_reuse", tests, set_up, tear_down);
}
