#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/nearest.h"

static const char *const words[] = {"submit", "result", "run",     "cancel",
                                    "verify", "up",     "nats_url"};

static const char *guess(const char *word)
{
    struct nearest n = {.word = word};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        nearest_try(&n, words[i]);
    return n.best;
}

static void finds_a_slip_of_the_finger(void **state)
{
    (void)state;
    assert_string_equal(guess("submti"), "submit");
    assert_string_equal(guess("sumbit"), "submit");
    assert_string_equal(guess("reslt"), "result");
    assert_string_equal(guess("Verify"), "verify");
    assert_string_equal(guess("nats-url"), "nats_url");
    assert_string_equal(guess("uq"), "up");
}

static void finds_a_word_not_ended(void **state)
{
    (void)state;
    assert_string_equal(guess("can"), "cancel");
}

static void finds_nothing_for_what_is_like_nothing(void **state)
{
    (void)state;
    char longest[200];
    memset(longest, 'u', sizeof longest);
    longest[sizeof longest - 1] = 0;
    assert_null(guess("frobnicate"));
    assert_null(guess(""));
    assert_null(guess(longest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_slip_of_the_finger),
        cmocka_unit_test(finds_a_word_not_ended),
        cmocka_unit_test(finds_nothing_for_what_is_like_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
