/* Cells that compile and run nothing: what they may say, and cells that offer V8's code where
 * nobody asked for it. On the fake engine, whose `code TEXT` stands for what V8 would make. */
#include "tests/unit/host_cells.h"

#define CODE_FRAME                                                                                 \
    "frame 14 7 626164" /* FRAME_CODE of the invocation, from a cell of its own will */

static void begin(struct seen *s, int source, const char *script)
{
    struct err e = {0};
    struct cell_invocation inv = invocation(script);
    inv.source = source;
    if (cell_invoke(s->c, &inv, &e))
        fail_msg("cell_invoke: %s", e.msg);
}

static void code_comes_before_the_end(void **state)
{
    static const int sources[] = {FRAME_COMPILE, FRAME_COMPILE_SCRIPT};
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        struct seen s;
        fork_ready(*state, &s);
        begin(&s, sources[i], "code made by V8");
        run_until(*state, &s.gone, 1, "its end");
        assert_int_equal(s.codes, 1);
        assert_string_equal(text_of(&s.code), "made by V8");
        assert_int_equal(s.done, 1);
        assert_int_equal(s.d.end, FRAME_END_OK);
        assert_null(s.g.breach);
        forget(&s);
    }
}

static void there_may_be_none(void **state)
{
    struct seen s;
    fork_ready(*state, &s);
    begin(&s, FRAME_COMPILE, "");
    run_until(*state, &s.gone, 1, "its end");
    assert_int_equal(s.codes, 0);
    assert_int_equal(s.done, 1);
    assert_null(s.g.breach);
    forget(&s);
}

/* A job cannot plant code, and who compiles can say nothing else. */
static void nothing_but_what_was_asked_for(void **state)
{
    static const struct {
        int source;
        const char *script;
    } attacks[] = {
        {FRAME_MODULE, CODE_FRAME},
        {FRAME_SCRIPT, CODE_FRAME},
        {FRAME_COMPILE, CODE_FRAME "\n" CODE_FRAME},
        {FRAME_COMPILE, "frame 14 8 626164"},            /* of another invocation */
        {FRAME_COMPILE, "frame 14 7 "},                  /* empty */
        {FRAME_COMPILE, "frame 3 7 0161"},               /* OUTPUT */
        {FRAME_COMPILE, "frame 5 1 020000006b767b7d"},   /* CALL */
        {FRAME_COMPILE, "frame 8 1 00000000010000006b"}, /* OPEN */
    };
    for (size_t i = 0; i < ARRAY_LEN(attacks); i++) {
        struct seen s;
        fork_ready(*state, &s);
        begin(&s, attacks[i].source, attacks[i].script);
        run_until(*state, &s.gone, 1, attacks[i].script);
        if (!s.g.breach)
            fail_msg("source %d, %s: was let through", attacks[i].source, attacks[i].script);
        assert_int_equal(s.done, 0);
        assert_true(s.codes <= 1);
        assert_int_equal(s.calls, 0);
        assert_int_equal(s.out.len, 0);
        forget(&s);
    }
}

/* It stands under a budget like any other. */
static void it_can_be_stopped(void **state)
{
    struct seen s;
    struct err e = {0};
    fork_ready(*state, &s);
    struct cell_invocation inv = invocation("spin");
    inv.source = FRAME_COMPILE;
    inv.cpu_us = 30000;
    assert_int_equal(cell_invoke(s.c, &inv, &e), 0);
    run_until(*state, &s.gone, 1, "its end");
    assert_int_equal(s.codes, 0);
    forget(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_comes_before_the_end),
        cmocka_unit_test(there_may_be_none),
        cmocka_unit_test(nothing_but_what_was_asked_for),
        cmocka_unit_test(it_can_be_stopped),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("host_code", tests, set_up, tear_down);
}
