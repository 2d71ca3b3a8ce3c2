/* What a job makes of the results it waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "executor/cluster/parents.h"
#include "results/envelope.h"
#include "tests/unit/results_sample.h"

static char *ids[] = {(char *)(uintptr_t) "a", (char *)(uintptr_t) "b.2"};
static const struct job child = {.after = ids, .after_count = 2};

static void take(struct parents *p, int i, enum outcome o, const char *value, size_t len)
{
    struct buf statement = {0}, envelope = {0};
    struct sign_key key;
    struct result *r = bare_result(p->v[i].id);
    make_key(&key, "parents.key");
    r->outcome = o;
    if (value) {
        free(r->value);
        r->value = mem_copy(value, len);
        r->value_len = len;
    }
    if (o != OUTCOME_OK && !r->has_error) {
        r->has_error = true;
        r->error_name = mem_strdup("Error");
        r->error_message = mem_strdup("no");
    }
    r->seq = 1;
    memset(r->prev, '0', 64);
    statement_encode(r, &statement);
    envelope_sign(&key, statement.data, statement.len, &envelope);
    parents_take(p, i, envelope.data, envelope.len);
    result_free(r);
    buf_free(&statement);
    buf_free(&envelope);
}

static void says(const struct parents *p, enum on_failure how, bool late, enum parents_say expected)
{
    struct parents_end end = {0};
    assert_int_equal(parents_judge(p, how, late, &end), expected);
}

static void test_all_ok(void **state)
{
    (void)state;
    struct parents *p = parents_new(&child);
    struct buf b = {0};
    says(p, ON_FAILURE_SKIP, false, PARENTS_WAIT);
    take(p, 1, OUTCOME_OK, "{\"n\":1.0}", 9);
    says(p, ON_FAILURE_RUN, false, PARENTS_WAIT);
    take(p, 0, OUTCOME_OK, "null", 4);
    says(p, ON_FAILURE_SKIP, false, PARENTS_READY);
    says(p, ON_FAILURE_SKIP, true, PARENTS_READY);
    parents_json(p, &b);
    assert_string_equal(b.data, "{\"a\":{\"outcome\":\"ok\",\"value\":null},"
                                "\"b.2\":{\"outcome\":\"ok\",\"value\":{\"n\":1.0}}}");
    buf_free(&b);
    parents_free(p);
}

static void test_one_fails(void **state)
{
    (void)state;
    struct parents *p = parents_new(&child);
    struct parents_end end = {0};
    take(p, 1, OUTCOME_THREW, NULL, 0);
    assert_int_equal(parents_judge(p, ON_FAILURE_SKIP, false, &end), PARENTS_END);
    assert_int_equal(end.outcome, OUTCOME_CANCELLED);
    assert_string_equal(end.name, "ParentFailed");
    assert_string_equal(end.text, "job 'b.2', which this one waited for, ended threw");
    assert_int_equal(parents_judge(p, ON_FAILURE_FAIL, false, &end), PARENTS_END);
    assert_int_equal(end.outcome, OUTCOME_THREW);
    says(p, ON_FAILURE_RUN, false, PARENTS_WAIT);
    assert_int_equal(parents_judge(p, ON_FAILURE_RUN, true, &end), PARENTS_END);
    assert_string_equal(end.name, "ParentMissing");
    assert_non_null(strstr(end.text, "1 of 2 jobs before it have a result, 'a' has none"));
    take(p, 0, OUTCOME_OK, "1", 1);
    says(p, ON_FAILURE_RUN, true, PARENTS_READY);
    parents_free(p);
}

static void test_large_values_are_left_out(void **state)
{
    (void)state;
    struct parents *p = parents_new(&child);
    struct buf b = {0};
    size_t len = PARENT_VALUE_MAX + 1;
    char *value = mem_alloc(len);
    memset(value, 'x', len);
    value[0] = value[len - 1] = '"';
    take(p, 0, OUTCOME_OK, value, len);
    value[len - 2] = '"';
    take(p, 1, OUTCOME_OK, value, len - 1);
    assert_true(p->v[0].truncated);
    assert_null(p->v[0].value);
    assert_false(p->v[1].truncated);
    assert_int_equal(p->v[1].value_len, PARENT_VALUE_MAX);
    parents_json(p, &b);
    assert_non_null(strstr(b.data, "\"a\":{\"outcome\":\"ok\",\"value\":null,\"truncated\":true}"));
    buf_free(&b);
    free(value);
    parents_free(p);
}

static void test_what_is_no_result_counts_as_internal(void **state)
{
    (void)state;
    struct parents *p = parents_new(&child);
    parents_take(p, 0, "{}", 2);
    assert_true(p->v[0].known);
    assert_false(p->v[0].ok);
    assert_string_equal(p->v[0].outcome, "internal");
    says(p, ON_FAILURE_SKIP, false, PARENTS_END);
    parents_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_ok),
        cmocka_unit_test(test_one_fails),
        cmocka_unit_test(test_large_values_are_left_out),
        cmocka_unit_test(test_what_is_no_result_counts_as_internal),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
