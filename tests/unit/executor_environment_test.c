/* Which of the worker's variables a job sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "executor/attempt/environment.h"

static void seen(const char *own, const char *names, const char *words)
{
    struct job j = {.env = (char *)(uintptr_t)own, .env_len = strlen(own)};
    struct buf b = {0};
    for (const char *p = names; *p;) {
        size_t n = strcspn(p, " ");
        assert_true(permission_add(&j.permissions.list[PERMISSION_ENV], p, n));
        p += n + (p[n] == ' ');
    }
    size_t len;
    const char *text = environment_of(&j, &b, &len);
    assert_int_equal(len, strlen(words));
    assert_memory_equal(text, words, len);
    buf_free(&b);
    permissions_free(&j.permissions);
}

static void only_what_is_named_and_set(void **state)
{
    (void)state;
    setenv("ISOLANE_TEST_A", "one \"quoted\"", 1);
    setenv("ISOLANE_TEST_B", "", 1);
    setenv("ISOLANE_TEST_BAD", "\xff", 1);
    unsetenv("ISOLANE_TEST_C");
    seen("{}", "", "{}");
    seen("{\"X\":\"1\"}", "", "{\"X\":\"1\"}");
    seen("{}", "ISOLANE_TEST_A ISOLANE_TEST_B ISOLANE_TEST_C",
         "{\"ISOLANE_TEST_A\":\"one \\\"quoted\\\"\",\"ISOLANE_TEST_B\":\"\"}");
    seen("{}", "ISOLANE_TEST_C ISOLANE_TEST_BAD", "{}");
    seen("{\"X\":\"1\"}", "ISOLANE_TEST_C", "{\"X\":\"1\"}");
}

static void the_jobs_own_wins(void **state)
{
    (void)state;
    setenv("ISOLANE_TEST_A", "worker", 1);
    seen("{\"X\":\"1\",\"Y\":\"\\n\"}", "ISOLANE_TEST_A ISOLANE_TEST_A",
         "{\"ISOLANE_TEST_A\":\"worker\",\"X\":\"1\",\"Y\":\"\\n\"}");
    seen("{\"ISOLANE_TEST_A\":\"job\"}", "ISOLANE_TEST_A", "{\"ISOLANE_TEST_A\":\"job\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_named_and_set),
        cmocka_unit_test(the_jobs_own_wins),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
