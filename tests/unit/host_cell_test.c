/* The life of a cell as the supervisor sees it; scripts in the fake engine's language. */
#include "sandbox/host/internal.h"
#include "tests/unit/host_cells.h"

static void a_job_runs_to_its_end(void **state)
{
    struct seen s;
    run_script(*state, &s, "print hello\nerror oops\nprint bye\nvalue {\"a\":[1,2]}");
    assert_int_equal(s.ready, 1);
    assert_int_equal(s.done, 1);
    assert_int_equal(s.gone, 1);
    assert_string_equal(text_of(&s.out), "hello\nbye\n");
    assert_string_equal(text_of(&s.err), "oops\n");
    assert_int_equal(s.d.end, FRAME_END_OK);
    assert_string_equal(text_of(&s.value), "{\"a\":[1,2]}");
    assert_int_equal(s.d.stdout_total, 10);
    assert_int_equal(s.d.stderr_total, 5);
    assert_int_equal(s.d.heap_peak, 12345);
    assert_true(s.g.reaped);
    assert_true(WIFEXITED(s.g.status) && WEXITSTATUS(s.g.status) == 0);
    assert_false(s.g.with_zygote);
    assert_null(s.g.breach);
    assert_int_equal(s.g.denied_syscall, -1);
    assert_int_equal(zygote_live_cells(((struct world *)*state)->z), 0);
    forget(&s);
}

/* What comes of one cell goes through the same memory as what comes of the next. */
static void what_a_cell_said_is_wiped(void **state)
{
    static const char *const scripts[] = {"print hidden\nvalue \"hidden\"", "throw hidden"};
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct seen s;
        run_script(w, &s, scripts[i]);
        assert_int_equal(s.done, 1);
        assert_null(memmem(zygote_scratch(w->z), SCRATCH_SIZE, "hidden", 6));
        forget(&s);
    }
}

static void the_job_reaches_the_cell_whole(void **state)
{
    static const struct {
        const char *what, *value;
    } fields[] = {{"id", "\"job-1\""},    {"tenant", "\"default\""},
                  {"name", "\"job.js\""}, {"input", "{\"n\":1}"},
                  {"env", "{}"},          {"attempt", "1"}};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct seen s;
        char script[32];
        snprintf(script, sizeof script, "echo %s", fields[i].what);
        run_script(*state, &s, script);
        assert_string_equal(text_of(&s.value), fields[i].value);
        forget(&s);
    }
}

static void an_error_is_told(void **state)
{
    struct seen s;
    run_script(*state, &s, "throw it broke");
    assert_int_equal(s.d.end, FRAME_END_THREW);
    assert_string_equal(text_of(&s.name), "Error");
    assert_string_equal(text_of(&s.message), "it broke");
    assert_int_equal(s.d.line, 1);
    assert_int_equal(s.d.column, 2);
    forget(&s);
}

static void ten_megabytes_of_input_arrive(void **state)
{
    struct seen s;
    struct err e = {0};
    size_t len = 10u << 20;
    char *input = mem_alloc(len + 1);
    memset(input, 'x', len);
    fork_ready(*state, &s);
    struct cell_invocation inv = invocation("print start\necho id");
    inv.input = input;
    inv.input_len = len;
    assert_int_equal(cell_invoke(s.c, &inv, &e), 0);
    free(input); /* was copied */
    run_until(*state, &s.gone, 1, "the cell's end");
    assert_int_equal(s.d.end, FRAME_END_OK);
    assert_string_equal(text_of(&s.value), "\"job-1\"");
    forget(&s);
}

static void more_input_than_a_frame_is_refused(void **state)
{
    struct seen s;
    struct err e = {0};
    fork_ready(*state, &s);
    struct cell_invocation inv = invocation("print x");
    inv.input_len = (size_t)FRAME_INVOKE_MAX + 1;
    assert_int_equal(cell_invoke(s.c, &inv, &e), ERR_LIMIT);
    assert_non_null(strstr(e.msg, "input"));
    cell_kill(s.c);
    run_until(*state, &s.gone, 1, "the cell's end");
}

static void output_is_never_lost_for_lack_of_credit(void **state)
{
    struct seen s;
    /* 40,000 lines of 21 bytes: six times the credit that a cell begins with. */
    run_script(*state, &s, "repeat 40000 aaaaaaaaaabbbbbbbbbb\nvalue 1");
    assert_int_equal(s.d.end, FRAME_END_OK);
    assert_int_equal(s.out.len, 40000 * 21);
    assert_int_equal(s.d.stdout_total, 40000 * 21);
    assert_memory_equal(s.out.data + s.out.len - 21, "aaaaaaaaaabbbbbbbbbb\n", 21);
    forget(&s);
}

static void output_ends_at_its_budget(void **state)
{
    struct seen s;
    struct err e = {0};
    fork_ready(*state, &s);
    struct cell_invocation inv = invocation("repeat 1000 aaaaaaaaaabbbbbbbbbb");
    inv.output_bytes = 1000;
    assert_int_equal(cell_invoke(s.c, &inv, &e), 0);
    run_until(*state, &s.gone, 1, "the cell's end");
    assert_int_equal(s.d.end, FRAME_END_OUTPUT);
    assert_int_equal(s.out.len, 1000);
    assert_int_equal(s.d.stdout_total, 48 * 21); /* what it tried to print, counted */
    forget(&s);
}

static void a_value_over_its_limit_is_told(void **state)
{
    struct seen s;
    struct err e = {0};
    fork_ready(*state, &s);
    struct cell_invocation inv = invocation("value 1234567890");
    inv.value_bytes = 9;
    assert_int_equal(cell_invoke(s.c, &inv, &e), 0);
    run_until(*state, &s.gone, 1, "the cell's end");
    assert_int_equal(s.d.end, FRAME_END_OUTPUT);
    assert_int_equal(s.value.len, 0);
    assert_non_null(strstr(text_of(&s.message), "larger than"));
    forget(&s);
}

static void a_value_that_is_no_json_is_the_scripts_error(void **state)
{
    static const char *const values[] = {"value {\"a\":", "value [1,]", "value [1] 2"};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct seen s;
        run_script(*state, &s, values[i]);
        assert_int_equal(s.d.end, FRAME_END_THREW);
        assert_string_equal(text_of(&s.name), "TypeError");
        assert_non_null(strstr(text_of(&s.message), "cannot be kept"));
        assert_null(s.g.breach);
        forget(&s);
    }
}

static void texts_that_are_no_utf8_are_repaired(void **state)
{
    struct seen s;
    run_script(*state, &s, "throw a\xff\xc3(b");
    assert_string_equal(text_of(&s.message), "a\xef\xbf\xbd\xef\xbf\xbd(b");
    forget(&s);
}

static void calls_are_answered(void **state)
{
    struct seen s;
    fork_ready(*state, &s);
    invoke(&s, "call kv.get {\"k\":1}\nprint after\nvalue 3");
    run_until(*state, &s.calls, 1, "the call");
    assert_string_equal(s.call_name, "kv.get");
    assert_string_equal(s.call_json, "{\"k\":1}");
    struct err e = {0};
    assert_int_equal(cell_reply(s.c, s.call_id + 1, true, "1", 1, &e), ERR_NOT_FOUND);
    assert_int_equal(cell_reply(s.c, s.call_id, false, "{\"message\":\"no\"}", 16, &e), 0);
    assert_int_equal(cell_reply(s.c, s.call_id, true, "1", 1, &e), ERR_NOT_FOUND);
    run_until(*state, &s.gone, 1, "the cell's end");
    assert_string_equal(text_of(&s.out), "reply 1 refused {\"message\":\"no\"}\nafter\n");
    forget(&s);
}

static void as_many_calls_as_allowed_are_answered(void **state)
{
    struct seen s;
    fork_ready(*state, &s);
    s.answer = true;
    invoke(&s, "calls 256 kv.get 5\nvalue 1");
    run_until(*state, &s.gone, 1, "the cell's end");
    assert_int_equal(s.calls, 256);
    assert_int_equal(s.d.end, FRAME_END_OK);
    assert_non_null(strstr(text_of(&s.out), "reply 256 ok"));
    forget(&s);
}

static void notes_come_without_a_number(void **state)
{
    struct seen s;
    run_script(*state, &s, "note progress {\"f\":0.5}\nvalue 1");
    assert_int_equal(s.notes, 1);
    assert_string_equal(s.call_name, "progress");
    assert_string_equal(s.call_json, "{\"f\":0.5}");
    forget(&s);
}

static void timers_wait_in_the_cell(void **state)
{
    struct seen s;
    int64_t t0 = clock_mono_us();
    run_script(*state, &s, "print a\nsleep 30\nprint b\nsleep 30\nvalue 1");
    assert_true(clock_mono_us() - t0 >= 60000);
    assert_string_equal(text_of(&s.out), "a\nb\n");
    forget(&s);
}

static void output_is_sent_when_the_cell_waits(void **state)
{
    struct seen s;
    fork_ready(*state, &s);
    invoke(&s, "print now\nsleep 3600000");
    while (s.out.len == 0)
        uv_run(&((struct world *)*state)->loop, UV_RUN_ONCE);
    assert_string_equal(text_of(&s.out), "now\n");
    cell_kill(s.c);
    run_until(*state, &s.gone, 1, "the cell's end");
    forget(&s);
}

/* Until the job has had that much of a processor: on a busy machine long after it began. */
static void run_for_cpu_us(void *state, const struct seen *s, int64_t us)
{
    int64_t before = cell_cpu_us(s->c), t0 = clock_mono_us();
    while (cell_cpu_us(s->c) < before + us && clock_mono_us() - t0 < WAIT_US)
        run_for_ms(state, 5);
    assert_true(cell_cpu_us(s->c) >= before + us);
}

static void held_output_comes_on_request(void **state)
{
    struct seen s;
    fork_ready(*state, &s);
    invoke(&s, "print early\nspin");
    run_for_cpu_us(*state, &s, 20000);
    assert_int_equal(s.out.len, 0); /* the script computes: nothing made it send */
    cell_flush(s.c);
    for (int64_t t0 = clock_mono_us(); s.out.len == 0 && clock_mono_us() - t0 < WAIT_US;)
        run_for_ms(*state, 5);
    assert_string_equal(text_of(&s.out), "early\n");
    cell_kill(s.c);
    run_until(*state, &s.gone, 1, "the cell's end");
    forget(&s);
}

static void a_script_that_computes_is_stopped(void **state)
{
    struct seen s;
    fork_ready(*state, &s);
    invoke(&s, "print early\nspin");
    run_for_cpu_us(*state, &s, 20000);
    cell_terminate(s.c);
    cell_terminate(s.c);
    run_until(*state, &s.gone, 1, "the cell's end");
    assert_int_equal(s.d.end, FRAME_END_TERMINATED);
    assert_string_equal(text_of(&s.out), "early\n");
    assert_true(s.d.cpu_us >= 20000);
    forget(&s);
}

static void a_script_that_waits_is_stopped(void **state)
{
    struct seen s;
    fork_ready(*state, &s);
    invoke(&s, "sleep 3600000");
    run_for_ms(*state, 50);
    cell_terminate(s.c);
    run_until(*state, &s.gone, 1, "the cell's end");
    assert_int_equal(s.d.end, FRAME_END_TERMINATED);
    assert_true(s.d.cpu_us < 40000);
    forget(&s);
}

static void cpu_time_is_read_while_it_runs(void **state)
{
    struct seen s;
    fork_ready(*state, &s);
    invoke(&s, "spin");
    run_for_cpu_us(*state, &s, 20000);
    cell_kill(s.c);
    run_until(*state, &s.gone, 1, "the cell's end");
    assert_true(s.g.cpu_us >= 20000);
    forget(&s);
}

static void a_killed_cell_is_gone_by_that_signal(void **state)
{
    struct seen s;
    fork_ready(*state, &s);
    assert_true(cell_pid(s.c) > 0);
    assert_int_equal(kill(cell_pid(s.c), 0), 0);
    invoke(&s, "spin");
    cell_kill(s.c);
    run_until(*state, &s.gone, 1, "the cell's end");
    assert_int_equal(s.done, 0);
    assert_true(s.g.reaped && WIFSIGNALED(s.g.status) && WTERMSIG(s.g.status) == SIGKILL);
    assert_null(s.g.breach);
}

static void a_cell_killed_before_it_was_ready_goes_too(void **state)
{
    struct seen s;
    fork_one(*state, &s);
    cell_kill(s.c);
    run_until(*state, &s.gone, 1, "the cell's end");
    assert_int_equal(s.ready, 0);
}

static void an_exit_status_is_told(void **state)
{
    struct seen s;
    run_script(*state, &s, "exit 9");
    assert_int_equal(s.done, 0);
    assert_true(s.g.reaped && WIFEXITED(s.g.status) && WEXITSTATUS(s.g.status) == 9);
}

static void a_crash_shows_its_signal_and_keeps_the_output(void **state)
{
    static const struct {
        const char *script;
        int signal;
    } crashes[] = {{"print before\nsegv", SIGSEGV},
                   {"print before\nabort", SIGABRT},
                   {"print before\nud2", SIGILL}};
    for (size_t i = 0; i < ARRAY_LEN(crashes); i++) {
        struct seen s;
        run_script(*state, &s, crashes[i].script);
        assert_int_equal(s.done, 0);
        assert_string_equal(text_of(&s.out), "before\n");
        assert_true(s.g.reaped && WIFSIGNALED(s.g.status));
        assert_int_equal(WTERMSIG(s.g.status), crashes[i].signal);
        assert_false(WCOREDUMP(s.g.status));
        assert_null(s.g.breach);
        forget(&s);
    }
}

static void a_denied_system_call_is_named(void **state)
{
    struct seen s;
    run_script(*state, &s, "print before\nsyscall 257");
    assert_int_equal(s.done, 0);
    assert_int_equal(s.g.denied_syscall, 257);
    assert_string_equal(jail_syscall_name(257), "openat");
    assert_string_equal(text_of(&s.out), "before\n");
    assert_null(s.g.breach);
    forget(&s);
}

static void last_words_keep_the_output(void **state)
{
    struct seen s;
    run_script(*state, &s, "print before\nfatal 4 heap is full"); /* FRAME_END_MEMORY */
    assert_int_equal(s.done, 1);
    assert_int_equal(s.d.end, FRAME_END_MEMORY);
    assert_string_equal(text_of(&s.message), "heap is full");
    assert_string_equal(text_of(&s.out), "before\n");
    forget(&s);
}

static void memory_has_a_last_limit(void **state)
{
    struct seen s;
    run_script(*state, &s, "hog 20\nvalue 1"); /* 64 MB allowed */
    assert_int_equal(s.d.end, FRAME_END_OK);
    assert_true(s.d.memory_peak >= 20u << 20 && s.d.memory_peak < 40u << 20);
    forget(&s);
    run_script(*state, &s, "hog 400\nvalue 1");
    assert_int_equal(s.d.end, FRAME_END_MEMORY);
    forget(&s);
}

static void a_cell_that_is_not_ready_takes_no_job(void **state)
{
    struct seen s;
    struct err e = {0};
    struct cell_invocation inv = invocation("value 1");
    fork_one(*state, &s);
    assert_int_equal(cell_invoke(s.c, &inv, &e), ERR_UNAVAILABLE);
    run_until(*state, &s.ready, 1, "READY");
    invoke(&s, "sleep 3600000");
    assert_int_equal(cell_invoke(s.c, &inv, &e), ERR_UNAVAILABLE);
    cell_kill(s.c);
    run_until(*state, &s.gone, 1, "the cell's end");
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
    const struct CMUnitTest tests[] = {
        T(a_job_runs_to_its_end),
        T(what_a_cell_said_is_wiped),
        T(the_job_reaches_the_cell_whole),
        T(an_error_is_told),
        T(ten_megabytes_of_input_arrive),
        T(more_input_than_a_frame_is_refused),
        T(output_is_never_lost_for_lack_of_credit),
        T(output_ends_at_its_budget),
        T(a_value_over_its_limit_is_told),
        T(a_value_that_is_no_json_is_the_scripts_error),
        T(texts_that_are_no_utf8_are_repaired),
        T(calls_are_answered),
        T(as_many_calls_as_allowed_are_answered),
        T(notes_come_without_a_number),
        T(timers_wait_in_the_cell),
        T(output_is_sent_when_the_cell_waits),
        T(held_output_comes_on_request),
        T(a_script_that_computes_is_stopped),
        T(a_script_that_waits_is_stopped),
        T(cpu_time_is_read_while_it_runs),
        T(a_killed_cell_is_gone_by_that_signal),
        T(a_cell_killed_before_it_was_ready_goes_too),
        T(an_exit_status_is_told),
        T(a_crash_shows_its_signal_and_keeps_the_output),
        T(a_denied_system_call_is_named),
        T(last_words_keep_the_output),
        T(memory_has_a_last_limit),
        T(a_cell_that_is_not_ready_takes_no_job),
    };
    unsetenv("ISOLANE_ENGINE_DIR"); /* these scripts are in the fake engine's language */
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
