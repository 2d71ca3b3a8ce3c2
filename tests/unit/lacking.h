/* Tests that this machine lacks something for, and says so in a way that TAP takes as skipped: the
 * name of such a test ends in "# SKIP <what is lacking>". skip() of cmocka 1.1.5 prints "not ok".
 * Behind cmocka.h.
 *
 *     static void openssl_signs(void **state)
 *     {
 *         if (shell("command -v openssl >/dev/null"))
 *             SKIP_FOR("no openssl");
 *         …
 *     static struct CMUnitTest tests[] = {…};
 *     return RUN_OR_SKIP(tests, set_up, tear_down);
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct CMUnitTest *lacking_rows;
static size_t lacking_count;

/* cmocka prints a test's name when the test has ended. */
static inline void lacking_note(const char *test, const char *what)
{
    for (size_t i = 0; i < lacking_count; i++) {
        size_t cap = strlen(test) + strlen(what) + 16;
        char *name = strcmp(lacking_rows[i].name, test) == 0 ? malloc(cap) : NULL;
        if (name) {
            snprintf(name, cap, "%s # SKIP %s", test, what);
            lacking_rows[i].name = name; /* for good: the table is the program's */
            return;
        }
    }
    fail_msg("%s is in no table of RUN_OR_SKIP()", test);
}

/* In the test itself. */
#define SKIP_FOR(what)                                                                             \
    do {                                                                                           \
        lacking_note(__func__, what);                                                              \
        return;                                                                                    \
    } while (0)

#define RUN_OR_SKIP(tests, set_up, tear_down)                                                      \
    (lacking_rows = (tests), lacking_count = sizeof(tests) / sizeof *(tests),                      \
     cmocka_run_group_tests(tests, set_up, tear_down))
