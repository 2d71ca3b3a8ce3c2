/* --max-attempts, --retry-on, --backoff, --not-before, --deadline, --ttl of submit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/patience.h"

/* cli/command.h has a function of that name; cmocka a macro. */
#include <cmocka.h>

#define NOW_US ((int64_t)1795000000000000)

static void refused(struct patience p, const char *words)
{
    struct retry_asked r;
    struct err e = {0};
    assert_int_equal(patience_read(&p, NOW_US, &r, &e), ERR_INVALID);
    if (!strstr(e.msg, words))
        fail_msg("'%s' does not say '%s'", e.msg, words);
}

static void what_is_not_given_is_not_asked_for(void **state)
{
    (void)state;
    const struct patience p = {0};
    struct retry_asked r;
    struct buf b = {0};
    assert_int_equal(patience_read(&p, NOW_US, &r, NULL), 0);
    const struct job_request q = {.script = "1", .script_len = 1, .retry = &r};
    job_encode(&q, &b);
    assert_string_equal(b.data, "{\"script\":\"1\"}");
    buf_free(&b);
}

static void everything_becomes_the_jobs_fields(void **state)
{
    (void)state;
    const struct patience p = {
        .max_attempts = 5,
        .retry_on = "threw,crashed",
        .backoff = "fixed,100,2000,0.25",
        .not_before = "+90s",
        .deadline = "2027-01-01T00:00:00+01:00",
        .ttl = "2h",
    };
    struct retry_asked r;
    struct buf b = {0};
    assert_int_equal(patience_read(&p, NOW_US, &r, NULL), 0);
    const struct job_request q = {.script = "1", .script_len = 1, .retry = &r};
    job_encode(&q, &b);
    assert_string_equal(
        b.data,
        "{\"script\":\"1\",\"max_attempts\":5,\"backoff\":{\"type\":\"fixed\",\"delay_ms\":100,"
        "\"max_ms\":2000,\"jitter\":0.25},\"retry_on\":[\"threw\",\"crashed\"],"
        "\"not_before\":\"2026-11-18T11:08:10.000000Z\","
        "\"deadline\":\"2026-12-31T23:00:00.000000Z\",\"ttl_ms\":7200000}");
    buf_free(&b);
}

static void retry_on_none_is_an_empty_list(void **state)
{
    (void)state;
    const struct patience p = {.retry_on = "none", .backoff = "exponential"};
    struct retry_asked r;
    struct buf b = {0};
    assert_int_equal(patience_read(&p, NOW_US, &r, NULL), 0);
    const struct job_request q = {.script = "1", .script_len = 1, .retry = &r};
    job_encode(&q, &b);
    assert_string_equal(b.data,
                        "{\"script\":\"1\",\"backoff\":{\"type\":\"exponential\",\"delay_ms\":500},"
                        "\"retry_on\":[]}");
    buf_free(&b);
}

static void wrong_options_are_named(void **state)
{
    (void)state;
    static const char *const backoffs[] = {
        "",           "linear",        "fixed,",      "fixed,x",         "fixed,-1",
        "fixed,10,5", "fixed,1,2,1.1", "fixed,1,2,x", "fixed,1,2,0.5,6", "fixed,86400001"};
    for (size_t i = 0; i < ARRAY_LEN(backoffs); i++)
        refused((struct patience){.backoff = backoffs[i]}, "--backoff: found '");
    static const char *const moments[] = {"", "+", "+5", "+5y", "5m", "+0s", "2026-11-21", "now"};
    for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
        refused((struct patience){.not_before = moments[i]}, "--not-before: found '");
        refused((struct patience){.deadline = moments[i]}, "--deadline: found '");
    }
    static const char *const spans[] = {"", "s", "5", "0s", "-5s", "+5s", "367d", "1.5h"};
    for (size_t i = 0; i < ARRAY_LEN(spans); i++)
        refused((struct patience){.ttl = spans[i]}, "--ttl: found '");
    refused((struct patience){.retry_on = "threw,"}, "--retry-on: found ''; allowed: threw");
    refused((struct patience){.retry_on = "denied"}, "--retry-on: found 'denied'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_is_not_asked_for),
        cmocka_unit_test(everything_becomes_the_jobs_fields),
        cmocka_unit_test(retry_on_none_is_an_empty_list),
        cmocka_unit_test(wrong_options_are_named),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
