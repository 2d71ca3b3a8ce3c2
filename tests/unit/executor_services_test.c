/* Host services whose answers come later, and what services keep for a run: against a real cell
 * (fake engine) and an attempt of which nothing but its name is used. */
#include "executor/services/service.h"
#include "tests/unit/host_cells.h"

static int cancelled;

static void on_cancel(void *arg)
{
    assert_ptr_equal(arg, &cancelled);
    cancelled++;
}

/* A script that waits for the answers to two calls. */
struct scene {
    struct seen s;
    struct service_run run;
    struct attempt *attempt;
    struct service_call first, second;
};

static void begin(struct world *w, struct scene *x)
{
    static const struct attempt_owner owner = {0};
    static const struct attempt_facts facts = {0};
    struct job *job = mem_alloc(sizeof *job);
    cancelled = 0;
    memset(x, 0, sizeof *x);
    snprintf(job->id, sizeof job->id, "job-1");
    x->attempt = attempt_new(&w->loop, job, &facts, &owner, NULL);
    service_run_begin(&x->run);
    fork_ready(w, &x->s);
    invoke(&x->s, "calls 2 anything\nvalue 1");
    run_until(w, &x->s.calls, 2, "both calls");
    x->second = (struct service_call){.attempt = x->attempt,
                                      .run = &x->run,
                                      .cell = x->s.c,
                                      .call_id = x->s.call_id,
                                      .json = "{}",
                                      .len = 2};
    x->first = x->second;
    x->first.call_id--;
}

static void end(struct world *w, struct scene *x)
{
    if (!x->s.gone)
        cell_kill(x->s.c);
    run_until(w, &x->s.gone, 1, "the cell's end");
    service_run_end(&x->run);
    attempt_free(x->attempt);
    forget(&x->s);
}

static void answers_come_in_any_order(void **state)
{
    struct world *w = *state;
    struct scene x;
    const struct err why = {.code = ERR_NOT_FOUND, .msg = "there is no \"x\""};
    begin(w, &x);
    struct service_pending *a = service_later(&x.first, on_cancel, &cancelled);
    struct service_pending *b = service_later(&x.second, on_cancel, &cancelled);
    service_refuse(b, &why);
    service_answer(a, "", 0);
    run_until(w, &x.s.gone, 1, "the script's end");
    assert_string_equal(
        text_of(&x.s.out),
        "reply 2 refused {\"name\":\"NotFound\",\"message\":\"there is no \\\"x\\\"\"}\n"
        "reply 1 ok null\n");
    end(w, &x);
    assert_int_equal(cancelled, 0);
}

static void a_run_that_ends_cancels_what_is_owed_once(void **state)
{
    struct world *w = *state;
    struct scene x;
    begin(w, &x);
    service_later(&x.first, on_cancel, &cancelled);
    service_answer(service_later(&x.second, on_cancel, &cancelled), "5", 1);
    cell_kill(x.s.c);
    run_until(w, &x.s.gone, 1, "the cell's end");
    assert_int_equal(cancelled, 0);
    service_run_end(&x.run);
    assert_int_equal(cancelled, 1);
    service_run_end(&x.run);
    assert_int_equal(cancelled, 1);
    end(w, &x);
}

static void an_answer_too_long_is_an_error(void **state)
{
    struct world *w = *state;
    struct scene x;
    char *text = mem_alloc(FRAME_REPLY_MAX + 1);
    memset(text, '1', FRAME_REPLY_MAX + 1);
    begin(w, &x);
    service_answer(service_later(&x.first, on_cancel, &cancelled), text, FRAME_REPLY_MAX + 1);
    service_answer(service_later(&x.second, on_cancel, &cancelled), text, FRAME_REPLY_MAX);
    run_until(w, &x.s.gone, 1, "the script's end");
    assert_non_null(strstr(text_of(&x.s.out), "reply 1 refused {\"name\":\"BudgetExceeded\""));
    assert_non_null(strstr(text_of(&x.s.out), "reply 2 ok 11111"));
    free(text);
    end(w, &x);
}

static void a_note_is_not_answered(void **state)
{
    struct world *w = *state;
    struct scene x;
    begin(w, &x);
    x.first.call_id = 0;
    assert_null(service_later(&x.first, on_cancel, &cancelled));
    end(w, &x);
    assert_int_equal(cancelled, 0);
}

static int ended;

static void on_end(void *kept)
{
    assert_int_equal(*(int *)kept, 42);
    ended++;
}

static void what_a_service_keeps_lives_as_long_as_the_run(void **state)
{
    (void)state;
    static const char key, other;
    struct service_run run;
    ended = 0;
    service_run_begin(&run);
    assert_null(service_state_find(&run, &key));
    int *kept = service_state(&run, &key, sizeof *kept, on_end);
    assert_int_equal(*kept, 0);
    *kept = 42;
    assert_ptr_equal(service_state(&run, &key, sizeof *kept, on_end), kept);
    assert_ptr_not_equal(service_state(&run, &other, 1, NULL), kept);
    service_run_end(&run);
    assert_int_equal(ended, 1);
    assert_null(service_state_find(&run, &key));
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
    const struct CMUnitTest tests[] = {
        T(answers_come_in_any_order),
        T(a_run_that_ends_cancels_what_is_owed_once),
        T(an_answer_too_long_is_an_error),
        T(a_note_is_not_answered),
        T(what_a_service_keeps_lives_as_long_as_the_run),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
