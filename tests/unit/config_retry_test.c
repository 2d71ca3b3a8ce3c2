/* When and after what a job is tried again: pure arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "config/retry.h"

static void exponential_waits_double_up_to_the_bound(void **state)
{
    (void)state;
    const struct retry_policy p = {.type = BACKOFF_EXPONENTIAL, .delay_ms = 100, .max_ms = 1000};
    const int64_t expect[] = {100, 200, 400, 800, 1000, 1000};
    for (int n = 1; n <= 6; n++)
        assert_int_equal(retry_delay_ms(&p, n, 0.9), expect[n - 1]);
    assert_int_equal(retry_delay_ms(&p, RETRY_ATTEMPTS_MAX, 0), 1000);
}

static void fixed_waits_stay_the_same(void **state)
{
    (void)state;
    const struct retry_policy p = {.type = BACKOFF_FIXED, .delay_ms = 300, .max_ms = 60000};
    assert_int_equal(retry_delay_ms(&p, 1, 0), 300);
    assert_int_equal(retry_delay_ms(&p, 100, 0.5), 300);
}

static void jitter_takes_away_at_most_its_share(void **state)
{
    (void)state;
    struct retry_policy p = {
        .type = BACKOFF_FIXED, .delay_ms = 1000, .max_ms = 1000, .jitter = 0.5};
    assert_int_equal(retry_delay_ms(&p, 1, 0), 1000);
    assert_int_equal(retry_delay_ms(&p, 1, 0.5), 750);
    assert_in_range(retry_delay_ms(&p, 1, 0.999999), 500, 501);
    p.jitter = 1; /* full */
    assert_in_range(retry_delay_ms(&p, 1, 0.999999), 0, 1);
}

static void the_largest_waits_do_not_overflow(void **state)
{
    (void)state;
    const struct retry_policy p = {.type = BACKOFF_EXPONENTIAL,
                                   .delay_ms = RETRY_DELAY_MS_MAX - 1,
                                   .max_ms = RETRY_DELAY_MS_MAX};
    assert_int_equal(retry_delay_ms(&p, RETRY_ATTEMPTS_MAX, 0), RETRY_DELAY_MS_MAX);
    const struct retry_policy none = {.type = BACKOFF_EXPONENTIAL, .max_ms = 1000};
    assert_int_equal(retry_delay_ms(&none, RETRY_ATTEMPTS_MAX, 0), 0);
}

static void only_outcomes_worth_another_try_can_be_named(void **state)
{
    (void)state;
    struct retry_policy p;
    retry_default(&p);
    assert_true(retry_wants(&p, OUTCOME_CRASHED));
    assert_false(retry_wants(&p, OUTCOME_THREW));
    assert_int_equal(retry_outcome_by_name("threw"), OUTCOME_THREW);
    for (int o = 0; o < OUTCOMES; o++) {
        const char *name = outcome_name((enum outcome)o);
        if (o == OUTCOME_OK || o == OUTCOME_DENIED || o == OUTCOME_CANCELLED ||
            o == OUTCOME_INVALID)
            assert_int_equal(retry_outcome_by_name(name), -1);
        else
            assert_non_null(strstr(RETRY_OUTCOMES_TEXT, name));
    }
    assert_int_equal(retry_outcome_by_name("nothing"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exponential_waits_double_up_to_the_bound),
        cmocka_unit_test(fixed_waits_stay_the_same),
        cmocka_unit_test(jitter_takes_away_at_most_its_share),
        cmocka_unit_test(the_largest_waits_do_not_overflow),
        cmocka_unit_test(only_outcomes_worth_another_try_can_be_named),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
