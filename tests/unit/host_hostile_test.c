/* A cell that was taken over and says what it likes: every breach ends that cell and no other.
 * Scripts in the fake engine's language, which can write any bytes into the socket. */
#include "tests/unit/host_cells.h"

/* Runs a script that breaks the protocol; `what` must stand in the breach. */
static void breaks_with(void **state, const char *script, const char *what)
{
    struct seen s;
    run_script(*state, &s, script);
    assert_int_equal(s.gone, 1);
    if (!s.g.breach)
        fail_msg("no breach: %s", script);
    if (!strstr(s.g.breach, what))
        fail_msg("breach is '%s', not '%s': %s", s.g.breach, what, script);
    assert_true(s.g.reaped);
    assert_false(s.g.with_zygote);
    assert_int_equal(((struct world *)*state)->gone, 0);
    forget(&s);
}

static void unknown_frames(void **state)
{
    breaks_with(state, "frame 0 7\nspin", "unknown type");
    breaks_with(state, "frame 15 7\nspin", "unknown type");
    breaks_with(state, "frame 65535 7 00\nspin", "unknown type");
    breaks_with(state, "raw ffffffffffffffffffffffffffffffff\nspin", "unknown type");
}

static void frames_of_the_other_side(void **state)
{
    breaks_with(state, "frame 4 7 01000000\nspin", "only the other side"); /* CREDIT */
    breaks_with(state, "frame 7 1 01000000\nspin", "only the other side"); /* REPLY */
    breaks_with(state, "frame 2 7 00\nspin", "only the other side");       /* INVOKE */
}

static void lengths_out_of_bounds(void **state)
{
    breaks_with(state, "frame 1 0 00\nspin", "longer than"); /* READY has none */
    breaks_with(state, "frame 3 7 01\nspin", "shorter");     /* OUTPUT without text */
    breaks_with(state, "frame 12 7 01\nspin", "shorter");    /* DONE */
    /* Headers alone: OUTPUT of 16 kB + 2, DONE of 4 GB, CALL of 1 MB. */
    breaks_with(state, "raw 02400000030000000700000000000000\nspin", "longer than");
    breaks_with(state, "raw ffffffff0c0000000700000000000000\nspin", "longer than");
    breaks_with(state, "raw 00001000050000000100000000000000\nspin", "longer than");
}

static void flags_that_are_not_defined(void **state)
{
    breaks_with(state,
                "raw 02000000030001000700000000000000"
                "0161\nspin",
                "flags");
}

static void frames_out_of_state(void **state)
{
    breaks_with(state, "frame 1 0\nspin", "not allowed in this state"); /* READY again */
}

static void frames_of_another_invocation(void **state)
{
    breaks_with(state, "frame 3 8 0161\nspin", "another invocation");
    breaks_with(state, "frame 6 8 0100000061\nspin", "another invocation");
}

static void output_of_no_stream(void **state)
{
    breaks_with(state, "frame 3 7 0361\nspin", "neither stdout nor stderr");
    breaks_with(state, "frame 3 7 0061\nspin", "neither stdout nor stderr");
}

static void noise(void **state)
{
    breaks_with(state, "print start\nflood 64\nspin", "unknown type"); /* zeroes: type 0 */
}

static void calls_that_make_no_sense(void **state)
{
    breaks_with(state, "frame 5 0 0100000061\nspin", "without a number");
    breaks_with(state, "frame 5 1 0000000061\nspin", "name is not");
    breaks_with(state, "frame 5 1 ffffffff61\nspin", "name is not");
    breaks_with(state, "frame 5 1 02000000610a\nspin", "name is not"); /* a newline in it */
    breaks_with(state, "frame 5 1 0100000061\nframe 5 1 0100000061\nspin", "in flight");
}

static void more_calls_than_allowed(void **state)
{
    struct buf script = {0};
    for (int i = 1; i <= (int)FRAME_CALLS_MAX + 1; i++)
        buf_addf(&script, "frame 5 %d 0100000061\n", i);
    buf_adds(&script, "spin");
    breaks_with(state, script.data, "too many host calls");
    buf_free(&script);
}

static void streams_that_make_no_sense(void **state)
{
    breaks_with(state, "frame 9 1 61\nspin", "not open");         /* DATA */
    breaks_with(state, "frame 10 1 01000000\nspin", "never was"); /* WINDOW */
    breaks_with(state, "frame 11 1 01000000\nspin", "never was"); /* CLOSE */
    breaks_with(state, "frame 8 0 000000000100000061\nspin", "not above");
    breaks_with(state, "frame 8 1 000000000200000061\nspin", "kind is not");
    breaks_with(state, "frame 8 3 000000000100000061\nframe 8 3 000000000100000061\nspin",
                "not above");
    breaks_with(state, "frame 8 2 000000000100000061\nspin", "number of the supervisor's");
    breaks_with(state, "frame 8 1 000000000100000061\nframe 9 1 61\nspin", "not open");
}

static void a_stream_of_an_unknown_kind_is_refused(void **state)
{
    struct seen s;
    fork_ready(*state, &s);
    s.answer = true;
    /* OPEN; then WINDOW and CLOSE, which may cross our CLOSE; then something that waits for us, so
     * that the cell has read our CLOSE when it ends. */
    invoke(&s, "frame 8 5 000000000100000061\nframe 10 5 01000000\nframe 11 5 01000000\n"
               "call echo 1\nvalue 2");
    run_until(*state, &s.gone, 1, "the cell's end");
    assert_null(s.g.breach);
    assert_int_equal(s.d.end, FRAME_END_OK);
    assert_string_equal(text_of(&s.value), "2");
    forget(&s);
}

static void dones_that_make_no_sense(void **state)
{
/* end line column value name message stack pad, then seven figures */
#define FIGURES                                                                                    \
    "0000000000000000000000000000000000000000000000000000000000000000"                             \
    "000000000000000000000000000000000000000000000000"
#define DONE(end, lens, rest)                                                                      \
    "frame 12 7 " end "0000000000000000" lens "00000000" FIGURES rest "\nspin"
    breaks_with(state, DONE("00000000", "00000000000000000000000000000000", ""), "unknown end");
    breaks_with(state, DONE("63000000", "00000000000000000000000000000000", ""), "unknown end");
    breaks_with(state, DONE("01000000", "01000000000000000000000000000000", ""), "do not add up");
    breaks_with(state, DONE("01000000", "00000000000000000000000000000000", "31"), "do not add up");
    breaks_with(state, DONE("01000000", "ffffffff020000000000000000000000", "31"), "do not add up");
    breaks_with(state, DONE("02000000", "01000000000000000000000000000000", "31"), "and an error");
}

static void a_done_larger_than_the_invocation_allows(void **state)
{
    /* Header alone: 16 MB, which frame_table allows and this invocation (1 MB) does not. */
    breaks_with(state, "raw 000000010c0000000700000000000000\nspin", "larger than the invocation");
}

static void nothing_counts_after_done(void **state)
{
    struct seen s;
    run_script(*state, &s,
               DONE("01000000", "01000000000000000000000000000000", "37") "\nframe 3 7 0161");
    assert_int_equal(s.done, 1);
    assert_string_equal(text_of(&s.value), "7");
    assert_int_equal(s.gone, 1);
    forget(&s);
}

static void a_cell_that_stays_after_done_is_killed(void **state)
{
    struct seen s;
    int64_t t0 = clock_mono_us();
    run_script(*state, &s, DONE("01000000", "00000000000000000000000000000000", ""));
    assert_int_equal(s.done, 1);
    assert_true(WIFSIGNALED(s.g.status) && WTERMSIG(s.g.status) == SIGKILL);
    assert_true(clock_mono_us() - t0 < WAIT_US / 4);
    forget(&s);
}

static void figures_are_bounded(void **state)
{
    struct seen s;
    run_script(*state, &s,
               "frame 12 7 01000000"
               "0000000000000000"
               "00000000000000000000000000000000"
               "00000000"
               "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
               "ffffffffffffffffffffffffffffffffffffffffffffffff");
    assert_int_equal(s.done, 1);
    assert_true(s.d.heap_peak <= UINT64_C(1) << 50 && s.d.stdout_total <= UINT64_C(1) << 50);
    assert_true(s.d.over_bytes <= UINT64_C(1) << 50);
    forget(&s);
}

static void a_lie_about_a_denied_call_ends_the_cell(void **state)
{
    struct seen s;
    run_script(*state, &s, "frame 13 7 ffffffff\nspin");
    assert_int_equal(s.done, 0);
    assert_true(s.g.denied_syscall >= 0);
    assert_null(jail_syscall_name((uint32_t)s.g.denied_syscall));
    forget(&s);
}

static void a_cell_that_hangs_up_is_killed(void **state)
{
    struct seen s;
    run_script(*state, &s, "syscall 3\nspin"); /* close() is denied … */
    assert_int_equal(s.g.denied_syscall, 3);
    forget(&s);
    struct world *w = *state;
    struct world off;
    struct err e = {0};
    open_world(&off); /* … but not where there is no filter */
    off.paths = w->paths;
    assert_int_equal(start_zygote(&off, JAIL_OFF, NULL, &e), 0);
    run_until(&off, &off.up, 1, "UP");
    run_script(&off, &s, "print a\nclose\nspin");
    assert_int_equal(s.done, 0);
    assert_true(WIFSIGNALED(s.g.status) && WTERMSIG(s.g.status) == SIGKILL);
    forget(&s);
    close_world(&off);
}

static void a_flood_does_not_stop_the_others(void **state)
{
    struct seen flood, other;
    struct world *w = *state;
    fork_ready(w, &flood);
    fork_ready(w, &other);
    /* Calls without end, none of which we answer, are a breach; notes without end are not. */
    struct buf script = {0};
    for (int i = 0; i < 2000; i++)
        buf_adds(&script, "note a 1\n");
    for (int i = 0; i < 6; i++) { /* grows to 128,000 notes */
        char *copy = mem_copy(script.data, script.len);
        buf_add(&script, copy, script.len);
        free(copy);
    }
    invoke(&flood, script.data);
    invoke(&other, "sleep 20\nvalue 1");
    run_until(w, &other.gone, 1, "the other cell's end");
    assert_int_equal(other.d.end, FRAME_END_OK);
    run_until(w, &flood.gone, 1, "the flood's end");
    assert_int_equal(flood.notes, 128000);
    forget(&flood);
    forget(&other);
    buf_free(&script);
}

static void a_cell_that_does_not_read_is_bounded(void **state)
{
    struct seen s;
    struct err e = {0};
    size_t len = FRAME_CALL_MAX;
    char *reply = mem_alloc(len);
    memset(reply, ' ', len);
    fork_ready(*state, &s);
    struct buf script = {0};
    for (int i = 1; i <= (int)FRAME_CALLS_MAX; i++)
        buf_addf(&script, "frame 5 %d 0100000061\n", i);
    buf_adds(&script, "deaf");
    invoke(&s, script.data);
    run_until(*state, &s.calls, FRAME_CALLS_MAX, "the calls");
    int refused = 0;
    for (uint64_t id = 1; id <= FRAME_CALLS_MAX; id++)
        refused += cell_reply(s.c, id, true, reply, len, &e) != 0;
    assert_int_equal(refused, 0); /* 16 MB wait for it, and no more can */
    assert_int_equal(cell_reply(s.c, 1, true, reply, len, &e), ERR_NOT_FOUND);
    cell_kill(s.c);
    run_until(*state, &s.gone, 1, "the cell's end");
    free(reply);
    buf_free(&script);
    forget(&s);
}

static void a_stopped_cell_can_be_killed(void **state)
{
    struct seen s;
    fork_ready(*state, &s);
    invoke(&s, "print a\nstop\nvalue 1");
    run_for_ms(*state, 50);
    assert_int_equal(s.done, 0);
    cell_kill(s.c);
    run_until(*state, &s.gone, 1, "the cell's end");
    forget(&s);
}

static void a_cell_cannot_signal_others(void **state)
{
    struct seen s;
    run_script(*state, &s, "syscall 234 self\nvalue 1"); /* tgkill(self, self, 0) */
    assert_int_equal(s.d.end, FRAME_END_OK);
    assert_string_equal(text_of(&s.out), "syscall 234 gave 0\n");
    forget(&s);
    run_script(*state, &s, "syscall 234\nvalue 1"); /* tgkill(0, 0, 0) */
    assert_int_equal(s.g.denied_syscall, 234);
    forget(&s);
    run_script(*state, &s, "syscall 62 self\nvalue 1"); /* kill(self) */
    assert_int_equal(s.g.denied_syscall, 62);
    forget(&s);
}

static void common_ways_out_are_denied(void **state)
{
    static const struct {
        int nr;
        const char *name;
    } calls[] = {{2, "open"},
                 {257, "openat"},
                 {437, "openat2"},
                 {41, "socket"},
                 {42, "connect"},
                 {56, "clone"},
                 {57, "fork"},
                 {58, "vfork"},
                 {435, "clone3"},
                 {59, "execve"},
                 {322, "execveat"},
                 {101, "ptrace"},
                 {310, "process_vm_readv"},
                 {425, "io_uring_setup"},
                 {321, "bpf"},
                 {250, "keyctl"},
                 {323, "userfaultfd"},
                 {434, "pidfd_open"},
                 {438, "pidfd_getfd"},
                 {319, "memfd_create"},
                 {46, "sendmsg"},
                 {47, "recvmsg"},
                 {157, "prctl"},
                 {317, "seccomp"},
                 {272, "unshare"},
                 {308, "setns"},
                 {165, "mount"},
                 {13, "rt_sigaction"},
                 {16, "ioctl"},
                 {9999, NULL}};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        struct seen s;
        char script[32];
        snprintf(script, sizeof script, "syscall %d", calls[i].nr);
        run_script(*state, &s, script);
        assert_int_equal(s.g.denied_syscall, calls[i].nr);
        const char *name = jail_syscall_name((uint32_t)calls[i].nr);
        if (calls[i].name)
            assert_string_equal(name, calls[i].name);
        else
            assert_null(name);
        forget(&s);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
    const struct CMUnitTest tests[] = {
        T(unknown_frames),
        T(frames_of_the_other_side),
        T(lengths_out_of_bounds),
        T(flags_that_are_not_defined),
        T(frames_out_of_state),
        T(frames_of_another_invocation),
        T(output_of_no_stream),
        T(noise),
        T(calls_that_make_no_sense),
        T(more_calls_than_allowed),
        T(streams_that_make_no_sense),
        T(a_stream_of_an_unknown_kind_is_refused),
        T(dones_that_make_no_sense),
        T(a_done_larger_than_the_invocation_allows),
        T(nothing_counts_after_done),
        T(a_cell_that_stays_after_done_is_killed),
        T(figures_are_bounded),
        T(a_lie_about_a_denied_call_ends_the_cell),
        T(a_cell_that_hangs_up_is_killed),
        T(a_flood_does_not_stop_the_others),
        T(a_cell_that_does_not_read_is_bounded),
        T(a_stopped_cell_can_be_killed),
        T(a_cell_cannot_signal_others),
        T(common_ways_out_are_denied),
    };
    unsetenv("ISOLANE_ENGINE_DIR"); /* these scripts are in the fake engine's language */
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
