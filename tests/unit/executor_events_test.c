/* Events: what is told, and what another worker makes of the last one. Untrusted text on the way
 * back: whoever may publish on the subject wrote it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "executor/front/events.h"

static bool read_text(const char *text, struct event_past *past)
{
    return event_read(text, strlen(text), past);
}

static void an_event_is_read_back(void **state)
{
    (void)state;
    struct tries tries = {0};
    struct buf b = {0};
    struct event_past past;
    const struct one_try one = {.attempt = 2,
                                .outcome = OUTCOME_CRASHED,
                                .started_at_us = 1795000000000000,
                                .finished_at_us = 1795000000000001,
                                .worker = "w1"};
    tries_add(&tries, &one);
    const struct event v = {.id = "a",
                            .tenant = "ci",
                            .state = "retrying",
                            .worker = "w1",
                            .attempt = 2,
                            .outcome = "crashed",
                            .retry_at_us = 1795000001000000,
                            .tries = &tries};
    event_write(&v, &b);
    assert_true(event_read(b.data, b.len, &past));
    assert_int_equal(past.used, 2);
    assert_int_equal(past.retry_at_us, 1795000001000000);
    assert_int_equal(past.tries.n, 1);
    assert_string_equal(past.tries.json[0], tries.json[0]);
    tries_free(&past.tries);
    tries_free(&tries);
    buf_free(&b);
}

static void an_attempt_that_ran_when_its_worker_died_is_not_used_up(void **state)
{
    (void)state;
    struct event_past past;
    assert_true(read_text("{\"state\":\"running\",\"attempt\":3}", &past));
    assert_int_equal(past.used, 2);
    assert_false(read_text("{\"state\":\"running\",\"attempt\":1}", &past));
    assert_false(read_text("{\"state\":\"queued\"}", &past));
    assert_false(read_text("{\"state\":\"done\",\"attempt\":3}", &past));
}

static void what_is_no_event_says_nothing(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "x",
        "[]",
        "7",
        "null",
        "{}",
        "{\"state\":7,\"attempt\":1}",
        "{\"state\":\"retrying\"}",
        "{\"state\":\"retrying\",\"attempt\":0}",
        "{\"state\":\"retrying\",\"attempt\":101}",
        "{\"state\":\"retrying\",\"attempt\":-1}",
        "{\"state\":\"retrying\",\"attempt\":1.5}",
    };
    struct event_past past;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_false(read_text(wrong[i], &past));
        assert_int_equal(past.used, 0);
        assert_int_equal(past.tries.n, 0);
    }
    assert_true(
        read_text("{\"state\":\"retrying\",\"attempt\":1,\"retry_at\":\"x\",\"tries\":7}", &past));
    assert_int_equal(past.retry_at_us, 0);
    assert_int_equal(past.tries.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_read_back),
        cmocka_unit_test(an_attempt_that_ran_when_its_worker_died_is_not_used_up),
        cmocka_unit_test(what_is_no_event_says_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
