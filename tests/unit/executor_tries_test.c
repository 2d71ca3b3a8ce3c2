/* What is noted of runs before the last: bounded, and the same after a way through an event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "executor/attempt/tries.h"

static struct one_try sample(int attempt)
{
    return (struct one_try){
        .attempt = attempt,
        .outcome = OUTCOME_THREW,
        .error_name = "Error",
        .error_message = "no",
        .started_at_us = 1795000000000001,
        .finished_at_us = 1795000000000002,
        .worker = "w1",
        .cpu_us = 1500,
        .wall_us = 2500,
    };
}

static char *text_of(const struct tries *t)
{
    struct buf b = {0};
    tries_write(t, &b);
    return buf_take(&b, NULL);
}

static void each_member_is_there(void **state)
{
    (void)state;
    struct tries t = {0};
    struct one_try one = sample(1);
    tries_add(&t, &one);
    one = sample(2);
    one.error_name = NULL;
    tries_add(&t, &one);
    char *text = text_of(&t);
    assert_string_equal(
        text,
        "[{\"attempt\":1,\"outcome\":\"threw\",\"error\":{\"name\":\"Error\",\"message\":\"no\"},"
        "\"started_at\":\"2026-11-18T11:06:40.000001Z\",\"finished_at\":"
        "\"2026-11-18T11:06:40.000002Z\",\"worker\":\"w1\",\"cpu_ms\":1.500,\"wall_ms\":2.500},"
        "{\"attempt\":2,\"outcome\":\"threw\",\"error\":null,"
        "\"started_at\":\"2026-11-18T11:06:40.000001Z\",\"finished_at\":"
        "\"2026-11-18T11:06:40.000002Z\",\"worker\":\"w1\",\"cpu_ms\":1.500,\"wall_ms\":2.500}]");
    free(text);
    tries_free(&t);
    text = text_of(&t);
    assert_string_equal(text, "[]");
    free(text);
}

static void the_last_are_kept_and_texts_are_cut(void **state)
{
    (void)state;
    struct tries t = {0};
    char *long_text = mem_alloc(100001);
    memset(long_text, '"', 100000); /* each becomes two bytes of JSON */
    for (int i = 1; i <= 100; i++) {
        struct one_try one = sample(i);
        one.error_name = one.error_message = long_text;
        tries_add(&t, &one);
    }
    assert_int_equal(t.n, TRIES_MAX);
    assert_non_null(strstr(t.json[0], "\"attempt\":81,"));
    assert_non_null(strstr(t.json[TRIES_MAX - 1], "\"attempt\":100,"));
    char *text = text_of(&t);
    assert_in_range(strlen(text), 1, 20000);
    free(text);
    free(long_text);
    tries_free(&t);
}

static void they_survive_an_event(void **state)
{
    (void)state;
    struct tries t = {0}, again = {0};
    for (int i = 1; i <= 3; i++) {
        struct one_try one = sample(i);
        tries_add(&t, &one);
    }
    char *text = text_of(&t);
    struct jv *doc = NULL;
    assert_int_equal(jv_parse(text, strlen(text), &doc, NULL), 0);
    tries_restore(&again, doc);
    jv_free(doc);
    assert_int_equal(again.n, 3);
    char *text_again = text_of(&again);
    assert_string_equal(text_again, text);
    free(text_again);
    free(text);
    tries_free(&t);
    tries_free(&again);
}

#define GOOD                                                                                       \
    "{\"attempt\":1,\"outcome\":\"crashed\",\"error\":null,\"started_at\":\"2026-11-18T11:06:"     \
    "40Z\","                                                                                       \
    "\"finished_at\":\"2026-11-18T11:06:40Z\",\"worker\":\"w\",\"cpu_ms\":1,\"wall_ms\":1}"

static void what_is_no_try_of_ours_is_left_out(void **state)
{
    (void)state;
    static const char text[] = "[1,\"x\",null,[],{\"attempt\":1}," GOOD "]";
    struct tries t = {0};
    struct jv *doc = NULL;
    assert_int_equal(jv_parse(text, strlen(text), &doc, NULL), 0);
    tries_restore(&t, doc);
    assert_int_equal(t.n, 1);
    tries_restore(&t, NULL);
    tries_restore(&t, jv_at(doc, 0));
    assert_int_equal(t.n, 1);
    jv_free(doc);
    tries_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_member_is_there),
        cmocka_unit_test(the_last_are_kept_and_texts_are_cut),
        cmocka_unit_test(they_survive_an_event),
        cmocka_unit_test(what_is_no_try_of_ours_is_left_out),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
