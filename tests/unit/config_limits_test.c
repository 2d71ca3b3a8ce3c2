#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "config/limits.h"

static const struct limits none;

static void the_table_is_in_itself_right(void **state)
{
    (void)state;
    for (int i = 0; i < LIMITS; i++) {
        const struct limit_info *l = &limit_table[i];
        assert_true(l->min >= 1);
        assert_true(l->fallback >= l->min && l->fallback <= l->ceiling);
        assert_true(l->ceiling <= l->most);
        assert_int_equal(limit_by_name(l->name), i);
    }
    assert_int_equal(limit_by_name("cpu"), -1);
}

static void what_is_asked_beats_the_default(void **state)
{
    (void)state;
    const struct limits asked = {.v = {[LIMIT_CPU_MS] = 7}};
    const struct limits defaults = {.v = {[LIMIT_CPU_MS] = 20, [LIMIT_WALL_MS] = 30}};
    struct limits out;
    assert_int_equal(limits_resolve(&asked, &defaults, &none, "t", &out, NULL), 0);
    assert_int_equal(out.v[LIMIT_CPU_MS], 7);
    assert_int_equal(out.v[LIMIT_WALL_MS], 30);
    assert_int_equal(out.v[LIMIT_HEAP_MB], limit_table[LIMIT_HEAP_MB].fallback);
}

static void over_the_ceiling_is_refused_in_full_words(void **state)
{
    (void)state;
    const struct limits asked = {.v = {[LIMIT_CPU_MS] = 90000}};
    const struct limits ceilings = {.v = {[LIMIT_CPU_MS] = 60000}};
    struct limits out;
    struct err e;
    assert_int_equal(limits_resolve(&asked, &none, &ceilings, "ci", &out, &e), ERR_INVALID);
    assert_string_equal(e.msg, "limits.cpu_ms: found 90000; allowed: 1 to 60000 (ceiling of tenant "
                               "'ci')");
}

static void under_the_floor_and_negative_are_refused(void **state)
{
    (void)state;
    const struct limits low = {.v = {[LIMIT_HEAP_MB] = 7}}, minus = {.v = {[LIMIT_WALL_MS] = -5}};
    struct limits out;
    struct err e;
    assert_int_equal(limits_resolve(&low, &none, &none, "t", &out, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "limits.heap_mb: found 7; allowed: 8 to 512"));
    assert_int_equal(limits_resolve(&minus, &none, &none, "t", &out, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "limits.wall_ms: found -5; allowed: 1 to"));
}

static void a_default_above_a_low_ceiling_is_cut(void **state)
{
    (void)state;
    const struct limits ceilings = {.v = {[LIMIT_CPU_MS] = 300}};
    struct limits out;
    assert_int_equal(limits_resolve(&none, &none, &ceilings, "t", &out, NULL), 0);
    assert_int_equal(out.v[LIMIT_CPU_MS], 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_in_itself_right),
        cmocka_unit_test(what_is_asked_beats_the_default),
        cmocka_unit_test(over_the_ceiling_is_refused_in_full_words),
        cmocka_unit_test(under_the_floor_and_negative_are_refused),
        cmocka_unit_test(a_default_above_a_low_ceiling_is_cut),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
