/* Cron expressions: what is refused and why, and when each ticks, against instants that were worked
 * out by hand; with clocks that change in Berlin (an hour), New York, Lord Howe (half an hour) and
 * Cairo (at midnight). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/mem.h"
#include "queue/schedule/cron.h"

static int64_t instant(const char *text)
{
    struct tm tm = {0};
    assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm));
    return (int64_t)timegm(&tm);
}

static const char *text_of(int64_t at, char out[32])
{
    struct tm tm;
    time_t t = (time_t)at;
    if (at < 0)
        return "never";
    gmtime_r(&t, &tm);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return out;
}

static struct cron parsed(const char *text)
{
    struct cron c;
    struct err e = {0};
    if (cron_parse(text, strlen(text), &c, &e))
        fail_msg("%s: %s", text, e.msg);
    return c;
}

/* ---- when it ticks ---- */

#define UTC    "UTC"
#define BERLIN "Europe/Berlin"       /* 2026: +2 from 03-29T01:00Z, +1 from 10-25T01:00Z */
#define YORK   "America/New_York"    /* 2026: -4 from 03-08T07:00Z, -5 from 11-01T06:00Z */
#define HOWE   "Australia/Lord_Howe" /* 2026: +10:30 from 04-04T15:00Z, +11 from 10-03T15:30Z */
#define NEPAL  "Asia/Kathmandu"      /* +5:45 */
#define CAIRO  "Africa/Cairo"        /* 2026: +3 from 04-23T22:00Z, +2 from 10-29T21:00Z */

static const struct {
    const char *cron, *zone, *after;
    const char *ticks[6];
} cases[] = {
    /* plain */
    {"* * * * *", UTC, "2026-11-21T10:00:00Z", {"2026-11-21T10:01:00Z", "2026-11-21T10:02:00Z"}},
    {"* * * * *", UTC, "2026-11-21T10:00:59Z", {"2026-11-21T10:01:00Z"}},
    {"*/15 * * * *",
     UTC,
     "2026-11-21T10:07:00Z",
     {"2026-11-21T10:15:00Z", "2026-11-21T10:30:00Z", "2026-11-21T10:45:00Z",
      "2026-11-21T11:00:00Z"}},
    {"5/20 * * * *",
     UTC,
     "2026-11-21T10:00:00Z",
     {"2026-11-21T10:05:00Z", "2026-11-21T10:25:00Z", "2026-11-21T10:45:00Z",
      "2026-11-21T11:05:00Z"}},
    {"10-20/5 3 * * *",
     UTC,
     "2026-11-21T03:10:00Z",
     {"2026-11-21T03:15:00Z", "2026-11-21T03:20:00Z", "2026-11-22T03:10:00Z"}},
    {"0 9-17/4 * * MON-FRI",
     UTC,
     "2026-11-20T13:00:00Z", /* a Friday */
     {"2026-11-20T17:00:00Z", "2026-11-23T09:00:00Z"}},
    {"0 0 * * sat,sun",
     UTC,
     "2026-11-20T12:00:00Z",
     {"2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-28T00:00:00Z"}},
    {"0 0 * * 7", UTC, "2026-11-20T12:00:00Z", {"2026-11-22T00:00:00Z"}},
    {"0 0 * * fri-sun",
     UTC,
     "2026-11-16T00:00:00Z",
     {"2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z",
      "2026-11-27T00:00:00Z"}},
    {"0 0 * * */2",
     UTC,
     "2026-11-21T12:00:00Z",
     {"2026-11-22T00:00:00Z", "2026-11-24T00:00:00Z", "2026-11-26T00:00:00Z",
      "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"}},
    {"30 12 1 JAN,jul *",
     UTC,
     "2026-11-21T00:00:00Z",
     {"2027-01-01T12:30:00Z", "2027-07-01T12:30:00Z"}},
    {"0 0 31 * *",
     UTC,
     "2026-11-21T00:00:00Z",
     {"2026-12-31T00:00:00Z", "2027-01-31T00:00:00Z", "2027-03-31T00:00:00Z"}},
    {"0 0 29 2 *", UTC, "2026-11-21T00:00:00Z", {"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
    {"0 0 29 2 *", UTC, "2096-03-01T00:00:00Z", {"2104-02-29T00:00:00Z"}},
    {"0 0 L * *",
     UTC,
     "2026-11-21T00:00:00Z",
     {"2026-11-30T00:00:00Z", "2026-12-31T00:00:00Z", "2027-01-31T00:00:00Z",
      "2027-02-28T00:00:00Z"}},
    {"0 0 15,L 2 *",
     UTC,
     "2028-01-01T00:00:00Z",
     {"2028-02-15T00:00:00Z", "2028-02-29T00:00:00Z", "2029-02-15T00:00:00Z"}},
    {"59 23 31 12 *",
     UTC,
     "2026-12-31T23:58:59Z",
     {"2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"}},
    {"0 0 1 1 *", UTC, "2026-01-01T00:00:00Z", {"2027-01-01T00:00:00Z"}},
    {"0 0 1 1 *", UTC, "2025-12-31T23:59:59Z", {"2026-01-01T00:00:00Z"}},
    {"23 0-20/2 * * *",
     UTC,
     "2026-11-21T18:23:00Z",
     {"2026-11-21T20:23:00Z", "2026-11-22T00:23:00Z"}},
    {"  0\t0 * * *  ", UTC, "2026-11-21T00:00:00Z", {"2026-11-22T00:00:00Z"}},
    /* day of month and day of week: either, unless one begins with * */
    {"0 0 13 * 5",
     UTC,
     "2026-11-01T00:00:00Z",
     {"2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z",
      "2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z"}},
    {"0 0 */2 * 1",
     UTC,
     "2026-11-01T00:00:00Z",
     {"2026-11-09T00:00:00Z", "2026-11-23T00:00:00Z", "2026-12-07T00:00:00Z"}},
    {"0 0 1-7 * */7",
     UTC,
     "2026-11-02T00:00:00Z",
     {"2026-12-06T00:00:00Z", "2027-01-03T00:00:00Z"}},
    {"0 0 L * 0",
     UTC,
     "2026-11-21T00:00:00Z",
     {"2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z", "2026-11-30T00:00:00Z"}},
    /* seconds */
    {"*/20 * * * * *",
     UTC,
     "2026-11-21T10:00:00Z",
     {"2026-11-21T10:00:20Z", "2026-11-21T10:00:40Z", "2026-11-21T10:01:00Z"}},
    {"5,10 59 23 * * *",
     UTC,
     "2026-11-21T23:59:05Z",
     {"2026-11-21T23:59:10Z", "2026-11-22T23:59:05Z"}},
    {"59 59 23 31 12 *",
     UTC,
     "2026-12-31T23:59:58Z",
     {"2026-12-31T23:59:59Z", "2027-12-31T23:59:59Z"}},
    {"30 * 5 * * *", UTC, "2026-11-21T05:59:30Z", {"2026-11-22T05:00:30Z"}},
    /* nicknames */
    {"@hourly", UTC, "2026-11-21T10:00:00Z", {"2026-11-21T11:00:00Z"}},
    {"@daily", UTC, "2026-11-21T10:00:00Z", {"2026-11-22T00:00:00Z"}},
    {"@midnight", BERLIN, "2026-11-21T10:00:00Z", {"2026-11-21T23:00:00Z"}},
    {"@Weekly", UTC, "2026-11-21T10:00:00Z", {"2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"}},
    {"@monthly", UTC, "2026-11-21T10:00:00Z", {"2026-12-01T00:00:00Z"}},
    {"@yearly", UTC, "2026-11-21T10:00:00Z", {"2027-01-01T00:00:00Z"}},
    {"@annually", NEPAL, "2026-11-21T10:00:00Z", {"2026-12-31T18:15:00Z"}},
    /* zones that keep their time */
    {"0 9 * * *", NEPAL, "2026-11-21T00:00:00Z", {"2026-11-21T03:15:00Z", "2026-11-22T03:15:00Z"}},
    {"0 * * * *", NEPAL, "2026-11-21T00:00:00Z", {"2026-11-21T00:15:00Z", "2026-11-21T01:15:00Z"}},
    {"0 0 1 * *", NEPAL, "2026-11-21T00:00:00Z", {"2026-11-30T18:15:00Z"}},
    {"0 9 * * MON", YORK, "2026-11-21T00:00:00Z", {"2026-11-23T14:00:00Z"}},
    {"0 20 * * *", YORK, "2026-11-21T00:59:59Z", {"2026-11-21T01:00:00Z", "2026-11-22T01:00:00Z"}},
    {"0 9 * * *", "Etc/GMT+5", "2026-11-21T00:00:00Z", {"2026-11-21T14:00:00Z"}},
    /* Berlin, forward: 02:00 to 03:00 are not there on 2026-03-29 */
    {"30 2 * * *",
     BERLIN,
     "2026-03-28T00:00:00Z",
     {"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
    {"0,15,30 2 * * *",
     BERLIN,
     "2026-03-28T02:00:00Z",
     {"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z", "2026-03-30T00:15:00Z"}},
    {"30 2,3 * * *",
     BERLIN,
     "2026-03-28T12:00:00Z",
     {"2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"}},
    {"0 2,3 * * *",
     BERLIN,
     "2026-03-28T12:00:00Z",
     {"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z", "2026-03-30T01:00:00Z"}},
    {"0 3 * * *", BERLIN, "2026-03-28T12:00:00Z", {"2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"}},
    {"*/30 * * * *",
     BERLIN,
     "2026-03-29T00:15:00Z",
     {"2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z",
      "2026-03-29T02:00:00Z"}},
    {"30 * * * *",
     BERLIN,
     "2026-03-29T00:00:00Z",
     {"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"}},
    {"*/30 2 * * *",
     BERLIN,
     "2026-03-28T02:00:00Z",
     {"2026-03-30T00:00:00Z", "2026-03-30T00:30:00Z"}},
    {"30 2 29 3 *",
     BERLIN,
     "2026-01-01T00:00:00Z",
     {"2026-03-29T01:00:00Z", "2027-03-29T00:30:00Z"}},
    {"30 2 * * *", BERLIN, "2026-03-29T00:59:59Z", {"2026-03-29T01:00:00Z"}},
    {"30 2 * * *", BERLIN, "2026-03-29T01:00:00Z", {"2026-03-30T00:30:00Z"}},
    /* Berlin, back: 02:00 to 03:00 come twice on 2026-10-25 */
    {"30 2 * * *",
     BERLIN,
     "2026-10-24T12:00:00Z",
     {"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
    {"30 2 * * *", BERLIN, "2026-10-25T00:30:00Z", {"2026-10-26T01:30:00Z"}},
    {"30 2 * * *", BERLIN, "2026-10-25T01:10:00Z", {"2026-10-26T01:30:00Z"}},
    {"0 2 * * *", BERLIN, "2026-10-24T12:00:00Z", {"2026-10-25T00:00:00Z", "2026-10-26T01:00:00Z"}},
    {"0 3 * * *", BERLIN, "2026-10-24T12:00:00Z", {"2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"}},
    {"0 2,3 * * *",
     BERLIN,
     "2026-10-24T12:00:00Z",
     {"2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"}},
    {"30 * * * *",
     BERLIN,
     "2026-10-24T23:45:00Z",
     {"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"}},
    {"*/30 2 * * *",
     BERLIN,
     "2026-10-24T12:00:00Z",
     {"2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z",
      "2026-10-25T01:30:00Z", "2026-10-26T01:00:00Z"}},
    {"0 */2 * * *",
     BERLIN,
     "2026-10-24T21:00:00Z",
     {"2026-10-24T22:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z",
      "2026-10-25T03:00:00Z"}},
    /* New York */
    {"30 2 * * *", YORK, "2026-03-07T12:00:00Z", {"2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"}},
    {"30 1 * * *", YORK, "2026-10-31T12:00:00Z", {"2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"}},
    {"*/30 1 * * *",
     YORK,
     "2026-10-31T12:00:00Z",
     {"2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z", "2026-11-01T06:00:00Z",
      "2026-11-01T06:30:00Z", "2026-11-02T06:00:00Z"}},
    {"0 12 * * *", YORK, "2026-03-07T16:00:00Z", {"2026-03-07T17:00:00Z", "2026-03-08T16:00:00Z"}},
    {"30 2 * * *", YORK, "2045-03-11T12:00:00Z", {"2045-03-12T07:00:00Z"}},
    /* Lord Howe: half an hour, 02:00 to 02:30 skipped, 01:30 to 02:00 twice */
    {"15 2 * * *", HOWE, "2026-10-03T00:00:00Z", {"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}},
    {"30 2 * * *", HOWE, "2026-10-03T00:00:00Z", {"2026-10-03T15:30:00Z", "2026-10-04T15:30:00Z"}},
    {"45 1 * * *", HOWE, "2026-04-04T00:00:00Z", {"2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"}},
    {"*/15 * * * *",
     HOWE,
     "2026-04-04T14:30:00Z",
     {"2026-04-04T14:45:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:15:00Z",
      "2026-04-04T15:30:00Z"}},
    {"0 * * * *",
     HOWE,
     "2026-04-04T13:30:00Z",
     {"2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z", "2026-04-04T16:30:00Z"}},
    /* Cairo: midnight itself is skipped, 23:00 to 24:00 come twice */
    {"0 0 * * *", CAIRO, "2026-04-23T12:00:00Z", {"2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"}},
    {"30 23 * * *",
     CAIRO,
     "2026-10-29T12:00:00Z",
     {"2026-10-29T20:30:00Z", "2026-10-30T21:30:00Z"}},
    {"0 0 * * *", CAIRO, "2026-10-29T12:00:00Z", {"2026-10-29T22:00:00Z", "2026-10-30T22:00:00Z"}},
    {"30 23 29 10 *", CAIRO, "2026-10-29T20:30:00Z", {"2027-10-29T21:30:00Z"}},
    /* a day that was not there: Samoa went over the date line on 2011-12-30 */
    {"0 12 30 12 *",
     "Pacific/Apia",
     "2011-12-01T00:00:00Z",
     {"2011-12-30T10:00:00Z", "2012-12-29T22:00:00Z"}},
};

static void ticks(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cron c = parsed(cases[i].cron);
        struct zone *z;
        char found[32];
        assert_int_equal(zone_open(cases[i].zone, &z, NULL), 0);
        int64_t at = instant(cases[i].after);
        for (int k = 0; k < 6 && cases[i].ticks[k]; k++) {
            int64_t next = cron_next(&c, z, 0, at);
            if (next != instant(cases[i].ticks[k]))
                fail_msg("'%s' in %s after %s: tick %d is %s, not %s", cases[i].cron, cases[i].zone,
                         cases[i].after, k, text_of(next, found), cases[i].ticks[k]);
            /* As seen from a second before it, and as the newest up to it. */
            assert_int_equal(cron_next(&c, z, 0, next - 1), next);
            assert_int_equal(cron_newest(&c, z, 0, instant(cases[i].after), next), next);
            at = next;
        }
        zone_free(z);
    }
    assert_true(ARRAY_LEN(cases) >= 60);
}

static void every(void **state)
{
    struct cron c = parsed("@every 1h30m");
    int64_t anchor = instant("2026-11-21T10:00:07Z");
    (void)state;
    assert_int_equal(cron_next(&c, NULL, anchor, anchor - 100000), anchor + 5400);
    assert_int_equal(cron_next(&c, NULL, anchor, anchor), anchor + 5400);
    assert_int_equal(cron_next(&c, NULL, anchor, anchor + 5399), anchor + 5400);
    assert_int_equal(cron_next(&c, NULL, anchor, anchor + 5400), anchor + 10800);
    assert_int_equal(cron_newest(&c, NULL, anchor, anchor, anchor + 5399), -1);
    assert_int_equal(cron_newest(&c, NULL, anchor, anchor, anchor + 20000), anchor + 16200);
    assert_int_equal(parsed("@every 30s").every_s, 30);
    assert_int_equal(parsed("@EVERY 2d3h4m5s").every_s, 2 * 86400 + 3 * 3600 + 4 * 60 + 5);
}

/* A second's schedule that nobody looked at for years costs no more than others. */
static void newest_of_many(void **state)
{
    struct cron c = parsed("* * 3 * * *");
    struct zone *z;
    int64_t from = instant("2020-01-01T00:00:00Z");
    (void)state;
    assert_int_equal(zone_open(BERLIN, &z, NULL), 0);
    assert_int_equal(cron_newest(&c, z, 0, from, instant("2026-11-21T10:00:00Z")),
                     instant("2026-11-21T02:59:59Z"));
    assert_int_equal(cron_newest(&c, z, 0, from, from), -1);
    assert_int_equal(cron_newest(&c, z, 0, from, from - 5), -1);
    zone_free(z);
}

/* ---- what is refused ---- */

static const struct {
    const char *text, *says;
} refused[] = {
    {"", "found 0 fields; allowed: 5 (minute, hour, day of month, month, day of week), or 6"},
    {"* * * *", "found 4 fields"},
    {"* * * * * * *", "found more than 6 fields"},
    {"60 * * * *", "minute: found '60'; allowed: 0 to 59"},
    {"* 24 * * *", "hour: found '24'; allowed: 0 to 23"},
    {"* * 0 * *", "day of month: found '0'; allowed: 1 to 31, L"},
    {"* * 32 * *", "day of month: found '32'"},
    {"* * * 13 *", "month: found '13'; allowed: 1 to 12, jan to dec"},
    {"* * * * 8", "day of week: found '8'; allowed: 0 to 7, sun to sat"},
    {"60 * * * * *", "second: found '60'"},
    {"* * * * foo", "day of week: found 'foo'"},
    {"* * * janx *", "month: found 'janx'"},
    {"jan * * * *", "minute: found 'jan'"},
    {"-1 * * * *", "minute: found '-1'"},
    {"1- * * * *", "minute: found '1-'"},
    {"1-2-3 * * * *", "minute: found '1-2-3'"},
    {"1,,2 * * * *", "minute: found '1,,2'"},
    {"1, * * * *", "minute: found '1,'"},
    {"** * * * *", "minute: found '**'"},
    {"*/0 * * * *", "minute: found a step that is none in its field; allowed: 1 to 59"},
    {"*/60 * * * *", "minute: found a step"},
    {"*/ * * * *", "minute: found a step"},
    {"*/5/5 * * * *", "minute: found '*/5/5'"},
    {"5-1 * * * *", "minute: found a range from 5 down to 1; allowed: upwards"},
    {"0 0 * * fri-mon", "day of week: found a range from 5 down to 1"},
    {"0 0 * * L", "day of week: found 'L'"},
    {"0 0 ? * *", "day of month: found '?'"},
    {"0 0 LW * *", "day of month: found 'LW'"},
    {"0 0 30 2 *", "found a day that never comes"},
    {"0 0 31 4,6,9,11 *", "found a day that never comes"},
    {"99999999999999999999 * * * *", "minute: found '99999999999999999999'"},
    {"@reboot", "found '@reboot'; allowed: @hourly, @daily"},
    {"@daily x", "found '@daily'"},
    {"@every", "found '@every'"},
    {"@every 0s", "@every: found '0s'; allowed: as in 30s, 5m, 1h30m, 7d; 1 s to 366 d"},
    {"@every 5", "@every: found '5'"},
    {"@every 5m5h", "@every: found '5m5h'"},
    {"@every 5m5m", "@every: found '5m5m'"},
    {"@every 367d", "@every: found '367d'"},
    {"@every 9999999999s", "@every: found '9999999999s'"},
    {"@every 1.5h", "@every: found '1.5h'"},
    {"\x01\x7f * * * *", "minute: found '\?\?'"},
};

static void refusals(void **state)
{
    char long_text[CRON_TEXT_MAX + 2];
    struct cron c;
    struct err e;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        memset(&e, 0, sizeof e);
        assert_int_equal(cron_parse(refused[i].text, strlen(refused[i].text), &c, &e), ERR_INVALID);
        if (!strstr(e.msg, refused[i].says) || !strstr(e.msg, "allowed: "))
            fail_msg("'%s': %s", refused[i].text, e.msg);
    }
    memset(long_text, '*', sizeof long_text);
    assert_int_equal(cron_parse(long_text, sizeof long_text, &c, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "found 258 characters; allowed: at most 256"));
}

static void zones(void **state)
{
    static const char *const none[] = {
        "",     "Europe", "Nowhere/X",           "CET-1", "+01:00",    "../../etc/passwd",
        "/UTC", "a//b",   "posix/Europe/Berlin", ":UTC",  "tzdata.zi", "right/UTC",
        "zone", "UTC\nx", "zone1970.tab"};
    struct zone *z;
    struct err e;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        memset(&e, 0, sizeof e);
        if (zone_open(none[i], &z, &e) != ERR_INVALID || !strstr(e.msg, "allowed: "))
            fail_msg("'%s' is taken for a zone", none[i]);
    }
    assert_int_equal(zone_open("Africa/Cairo", &z, NULL), 0);
    assert_int_equal(zone_offset(z, instant("2026-07-01T00:00:00Z")), 3 * 3600);
    assert_int_equal(zone_offset(z, instant("2026-12-01T00:00:00Z")), 2 * 3600);
    zone_free(z);
    assert_int_equal(zone_open("America/New_York", &z, NULL), 0);
    assert_int_equal(zone_offset(z, instant("2090-07-01T00:00:00Z")), -4 * 3600);
    zone_free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks),    cmocka_unit_test(every), cmocka_unit_test(newest_of_many),
        cmocka_unit_test(refusals), cmocka_unit_test(zones),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
