/* A schedule as it is stored, and what is due of it under each policy, with clocks that jump. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "queue/schedule/schedule.h"

#define US  ((int64_t)1000000)
#define JOB "\"job\":{\"script\":\"export default 1\"}"

static int64_t instant(const char *text)
{
    struct tm tm = {0};
    assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm));
    return (int64_t)timegm(&tm);
}

static struct schedule taken(const char *value)
{
    struct schedule s;
    struct err e = {0};
    if (schedule_read("ci.nightly", value, strlen(value), instant("2026-11-21T10:00:00Z") * US, &s,
                      &e))
        fail_msg("%s: %s", value, e.msg);
    return s;
}

static void reading(void **state)
{
    struct schedule s = taken("{\"cron\":\"*/5 * * * *\"," JOB "}");
    (void)state;
    assert_string_equal(s.tenant, "ci");
    assert_string_equal(s.name, "nightly");
    assert_string_equal(s.zone_name, "UTC");
    assert_int_equal(s.cls, CLASS_NORMAL);
    assert_int_equal(s.missed, MISSED_ONCE);
    assert_int_equal(s.created_at_us, instant("2026-11-21T10:00:00Z") * US);
    assert_int_equal(s.since_us, s.created_at_us);
    assert_int_equal(s.last_tick_s, SCHEDULE_NO_TICK);
    schedule_clear(&s);
    s = taken("{\"cron\":\"@every 7s\",\"zone\":\"Asia/Kathmandu\",\"class\":\"low\",\"missed\":"
              "\"all\",\"paused\":true,\"jitter_ms\":250,\"from\":\"2026-12-01T00:00:00Z\","
              "\"until\":\"2026-12-02T00:00:00.500000Z\",\"last_tick\":\"2026-11-21T10:00:07Z\","
              "\"error\":null," JOB "}");
    assert_int_equal(s.cls, CLASS_LOW);
    assert_int_equal(s.missed, MISSED_ALL);
    assert_true(s.paused);
    assert_int_equal(s.jitter_ms, 250);
    assert_int_equal(s.until_us, instant("2026-12-02T00:00:00Z") * US + 500000);
    assert_int_equal(s.last_tick_s, instant("2026-11-21T10:00:07Z"));

    struct buf a = {0}, b = {0};
    struct schedule again;
    schedule_write(&s, &a);
    assert_int_equal(schedule_read("ci.nightly", a.data, a.len, 0, &again, NULL), 0);
    schedule_write(&again, &b);
    assert_string_equal(a.data, b.data);
    schedule_clear(&again);
    buf_clear(&a);
    schedule_message(&s, "nightly:20261121T100000Z", &a);
    assert_string_equal(a.data,
                        "{\"id\":\"nightly:20261121T100000Z\",\"script\":\"export default 1\"}");
    char id[JOB_ID_MAX + 1];
    schedule_tick_id(&s, instant("2026-11-21T10:00:00Z"), id);
    assert_string_equal(id, "nightly:20261121T100000Z");
    assert_true(job_id_valid(id, strlen(id)));
    schedule_clear(&s);
    buf_free(&a);
    buf_free(&b);
}

static void refusals(void **state)
{
    static const struct {
        const char *key, *value, *says;
    } cases[] = {
        {"nightly", "{}", "key: found 'nightly'; allowed: <tenant>.<name>"},
        {"ci.", "{}", "key: found 'ci.'"},
        {"ci.a/b", "{}", "key: found 'ci.a/b'"},
        {"ci.a..b", "{}", "key: found"},
        {"c i.a", "{}", "key: found"},
        {"ci.a", "{", ""},
        {"ci.a", "[]", "found array; allowed: an object"},
        {"ci.a", "{}", "cron: found none"},
        {"ci.a", "{\"cron\":\"* * * * *\"}", "job: found none"},
        {"ci.a", "{\"cron\":5," JOB "}", "cron: found 5; allowed: a string"},
        {"ci.a", "{\"cron\":\"61 * * * *\"," JOB "}", "cron: minute: found '61'"},
        {"ci.a", "{\"cron\":\"* * * * *\",\"zone\":\"Mars/X\"," JOB "}", "zone: found \"Mars/X\""},
        {"ci.a", "{\"cron\":\"* * * * *\",\"zone\":\"UTC\\u0000x\"," JOB "}", "zone: found"},
        {"ci.a", "{\"class\":\"urgent\"}", "class: found \"urgent\"; allowed: \"high\""},
        {"ci.a", "{\"missed\":\"never\"}", "missed: found \"never\"; allowed: \"once\""},
        {"ci.a", "{\"paused\":1}", "paused: found 1; allowed: true, false"},
        {"ci.a", "{\"jitter_ms\":-1}", "jitter_ms: found -1; allowed: a whole number from 0"},
        {"ci.a", "{\"jitter_ms\":3600001}", "jitter_ms: found 3600001"},
        {"ci.a", "{\"from\":\"tomorrow\"}", "from: found \"tomorrow\"; allowed: a time"},
        {"ci.a", "{\"last_tick\":\"2026-13-01T00:00:00Z\"}", "last_tick: found"},
        {"ci.a", "{\"crom\":\"x\"}", "found an unknown field; allowed: 'cron'?"},
        {"ci.a", "{\"whatever\":\"x\"}", "found an unknown field; allowed: cron, zone"},
        {"ci.a", "{\"job\":{\"id\":\"x\",\"script\":\"1\"}}", "job.id: found one; allowed: none"},
        {"ci.a", "{\"job\":{\"after\":[\"x\"],\"script\":\"1\"}}", "job.after: found one"},
        {"ci.a", "{\"job\":{}}", "job: found object; allowed: a job"},
        {"ci.a", "{\"job\":[]}", "job: found array"},
        {"ci.a",
         "{\"cron\":\"@daily\",\"from\":\"2026-12-02T00:00:00Z\",\"until\":\"2026-12-01T00:00:"
         "00Z\"," JOB "}",
         "until: found a time before `from`"},
    };
    struct schedule s;
    struct err e;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        memset(&e, 0, sizeof e);
        int rc = schedule_read(cases[i].key, cases[i].value, strlen(cases[i].value), 0, &s, &e);
        if (rc != ERR_INVALID || !strstr(e.msg, cases[i].says))
            fail_msg("%s %s: %s", cases[i].key, cases[i].value, e.msg);
        schedule_clear(&s);
    }
}

/* ---- what is due ---- */

static struct schedule every_minute(enum schedule_missed missed, const char *last_tick)
{
    struct schedule s = taken("{\"cron\":\"* * * * *\"," JOB "}");
    s.missed = missed;
    s.last_tick_s = last_tick ? instant(last_tick) : SCHEDULE_NO_TICK;
    return s;
}

static struct schedule_due due_at(const struct schedule *s, const char *now)
{
    struct schedule_due d;
    schedule_due(s, instant(now) * US, SCHEDULE_LATE_MS, &d);
    return d;
}

static void expect(struct schedule_due d, enum schedule_step step, const char *tick, bool missed)
{
    assert_int_equal(d.step, step);
    assert_int_equal(d.tick_s, instant(tick));
    assert_int_equal(d.missed, missed);
}

static void on_time(void **state)
{
    struct schedule s = every_minute(MISSED_ONCE, NULL);
    (void)state;
    struct schedule_due d = due_at(&s, "2026-11-21T10:00:59Z");
    assert_int_equal(d.step, STEP_WAIT);
    assert_int_equal(d.at_us, instant("2026-11-21T10:01:00Z") * US);
    expect(due_at(&s, "2026-11-21T10:01:00Z"), STEP_START, "2026-11-21T10:01:00Z", false);
    /* Late, but no later than is still in time: each of them. */
    expect(due_at(&s, "2026-11-21T10:02:00Z"), STEP_START, "2026-11-21T10:01:00Z", false);
    s.last_tick_s = instant("2026-11-21T10:01:00Z");
    expect(due_at(&s, "2026-11-21T10:02:01Z"), STEP_START, "2026-11-21T10:02:00Z", false);
    s.paused = true;
    d = due_at(&s, "2026-11-21T10:05:00Z");
    assert_int_equal(d.step, STEP_WAIT);
    assert_int_equal(d.at_us, INT64_MAX);
    schedule_clear(&s);
}

static void missed(void **state)
{
    const char *last = "2026-11-21T10:05:00Z", *now = "2026-11-21T12:00:30Z";
    (void)state;
    struct schedule s = every_minute(MISSED_ONCE, last);
    expect(due_at(&s, now), STEP_START, "2026-11-21T11:59:00Z", true);
    s.last_tick_s = instant("2026-11-21T11:59:00Z");
    expect(due_at(&s, now), STEP_START, "2026-11-21T12:00:00Z", false);
    schedule_clear(&s);

    s = every_minute(MISSED_SKIP, last);
    expect(due_at(&s, now), STEP_PASS_BY, "2026-11-21T11:59:00Z", true);
    schedule_clear(&s);

    /* 114 were missed: 14 are passed over, 100 started, the oldest first. */
    s = every_minute(MISSED_ALL, last);
    expect(due_at(&s, now), STEP_PASS_BY, "2026-11-21T10:19:00Z", true);
    s.last_tick_s = instant("2026-11-21T10:19:00Z");
    int started = 0;
    for (struct schedule_due d; (d = due_at(&s, now)).step == STEP_START; started++) {
        assert_int_equal(d.tick_s, s.last_tick_s + 60);
        s.last_tick_s = d.tick_s;
    }
    assert_int_equal(started, SCHEDULE_CATCH_UP + 1); /* and the one in time */
    schedule_clear(&s);
}

/* Years of a schedule that ticks each second. */
static void missed_for_long(void **state)
{
    struct schedule s = taken("{\"cron\":\"* * * * * *\",\"missed\":\"all\","
                              "\"created_at\":\"2006-01-01T00:00:00Z\","
                              "\"since\":\"2006-01-01T00:00:00Z\"," JOB "}");
    (void)state;
    expect(due_at(&s, "2026-11-21T12:00:00Z"), STEP_PASS_BY, "2026-11-21T11:57:20Z", true);
    s.missed = MISSED_ONCE;
    expect(due_at(&s, "2026-11-21T12:00:00Z"), STEP_START, "2026-11-21T11:59:00Z", true);
    schedule_clear(&s);
}

static void clock_put_back(void **state)
{
    struct schedule s = every_minute(MISSED_ALL, "2026-11-21T12:00:00Z");
    (void)state;
    struct schedule_due d = due_at(&s, "2026-11-21T11:00:00Z");
    assert_int_equal(d.step, STEP_WAIT);
    assert_int_equal(d.at_us, instant("2026-11-21T12:01:00Z") * US);
    schedule_clear(&s);
}

/* A clock that walks about at random, for a day of real minutes: every tick is started at most once
 * and in order. */
static void clock_at_random(void **state)
{
    (void)state;
    for (int policy = 0; policy < MISSED_POLICIES; policy++) {
        struct schedule s = every_minute((enum schedule_missed)policy, NULL);
        uint32_t x = 12345;
        int64_t now = instant("2026-11-21T10:00:00Z"), newest = SCHEDULE_NO_TICK;
        int started = 0;
        for (int i = 0; i < 5000; i++) {
            struct schedule_due d;
            x = x * 1664525 + 1013904223;
            now += (int64_t)(x >> 16) % 400 - 150;
            schedule_due(&s, now * US, SCHEDULE_LATE_MS, &d);
            if (d.step == STEP_WAIT)
                continue;
            assert_true(d.tick_s > newest && d.tick_s <= now);
            newest = s.last_tick_s = d.tick_s;
            started += d.step == STEP_START;
        }
        assert_true(started > 100);
        schedule_clear(&s);
    }
}

static void from_until_since(void **state)
{
    struct schedule s = every_minute(MISSED_ALL, NULL);
    (void)state;
    s.from_us = instant("2026-11-21T10:10:00Z") * US;
    s.until_us = instant("2026-11-21T10:11:30Z") * US;
    assert_int_equal(due_at(&s, "2026-11-21T10:05:00Z").at_us, s.from_us);
    expect(due_at(&s, "2026-11-21T10:10:00Z"), STEP_START, "2026-11-21T10:10:00Z", false);
    s.last_tick_s = instant("2026-11-21T10:10:00Z");
    expect(due_at(&s, "2026-11-22T10:00:00Z"), STEP_START, "2026-11-21T10:11:00Z", true);
    s.last_tick_s = instant("2026-11-21T10:11:00Z");
    assert_int_equal(due_at(&s, "2026-11-22T10:00:00Z").at_us, INT64_MAX);
    assert_int_equal(schedule_next(&s, 0), SCHEDULE_NO_TICK);
    schedule_clear(&s);
    /* What was due while it was paused is nobody's any more. */
    s = every_minute(MISSED_ALL, "2026-11-21T10:05:00Z");
    s.since_us = instant("2026-11-21T11:00:00Z") * US + 1;
    expect(due_at(&s, "2026-11-21T11:01:10Z"), STEP_START, "2026-11-21T11:01:00Z", false);
    schedule_clear(&s);
}

/* The same delay on every worker, within its bound, not the same for every tick; and a tick that is
 * late by its own delay is looked for before it is started again. */
static void jitter(void **state)
{
    struct schedule s = every_minute(MISSED_ONCE, NULL);
    int64_t seen = -1;
    bool differ = false;
    (void)state;
    s.jitter_ms = 30000;
    for (int i = 0; i < 20; i++) {
        int64_t tick = schedule_next(&s, 0);
        struct schedule_due d;
        schedule_due(&s, tick * US - 1, SCHEDULE_LATE_MS, &d);
        assert_int_equal(d.step, STEP_WAIT);
        int64_t delay = d.at_us - tick * US;
        assert_true(delay >= 0 && delay <= 30000000);
        differ |= seen >= 0 && seen != delay;
        seen = delay;
        schedule_due(&s, d.at_us, SCHEDULE_LATE_MS, &d);
        assert_int_equal(d.step, STEP_START);
        assert_false(d.missed);
        schedule_due(&s, tick * US + delay + 60 * US + 1, SCHEDULE_LATE_MS, &d);
        assert_true(d.missed);
        s.last_tick_s = tick;
    }
    assert_true(differ);
    schedule_clear(&s);
}

/* ---- whether its job can be started ---- */

static void jobs(void **state)
{
    struct job_key key = {.keyid = "00"};
    struct tenant tenants[] = {{.name = "ci", .weight = 1},
                               {.name = "keyed", .job_keys = &key, .job_key_count = 1}};
    struct config c = {.job_max_kb = 64, .tenants = tenants, .tenant_count = 2};
    struct schedule s = taken("{\"cron\":\"@daily\"," JOB "}");
    struct err e = {0};
    (void)state;
    for (int i = 0; i < LIMITS; i++) {
        tenants[0].defaults.v[i] = limit_table[i].fallback;
        tenants[0].ceilings.v[i] = limit_table[i].ceiling;
    }
    assert_int_equal(schedule_check_job(&s, &c, &e), 0);
    strcpy(s.tenant, "keyed");
    assert_int_equal(schedule_check_job(&s, &c, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "takes only signed jobs"));
    strcpy(s.tenant, "other");
    assert_int_equal(schedule_check_job(&s, &c, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "job: tenant: found 'other'"));
    schedule_clear(&s);
    s = taken("{\"cron\":\"@daily\",\"job\":{\"script\":\"1\",\"limits\":{\"cpu_ms\":0}}}");
    assert_int_equal(schedule_check_job(&s, &c, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "job: limits.cpu_ms: found 0"));
    schedule_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading),         cmocka_unit_test(refusals),
        cmocka_unit_test(on_time),         cmocka_unit_test(missed),
        cmocka_unit_test(missed_for_long), cmocka_unit_test(clock_put_back),
        cmocka_unit_test(clock_at_random), cmocka_unit_test(from_until_since),
        cmocka_unit_test(jitter),          cmocka_unit_test(jobs),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (crypto_init(NULL))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
