/* Cron expressions: when a schedule ticks. Pure functions, any thread; untrusted input (fuzz target
 * cron_fuzz.c, `make fuzz T=cron`).
 *
 *   minute hour day-of-month month day-of-week            five fields: at second 0
 *   second minute hour day-of-month month day-of-week     six
 *   @hourly @daily @midnight @weekly @monthly @yearly @annually
 *   @every 1h30m                                          units d h m s; 1 s to 366 days
 *
 * A field is a list (,) of `*`, `*` + `/n`, a value, a range a-b, a-b/n, or a/n (from a on); months
 * and days of the week also by their first three letters; day of the week 0 and 7 are Sunday; `L`
 * as a day of the month is its last. Case does not matter.
 *
 * Day rule, as in Vixie's cron and POSIX: when neither day field begins with `*`, a day that fits
 * either ticks; else it must fit both.
 *
 * When clocks change: an expression whose minute or hour begins with `*` follows real time; it
 * ticks in a repeated hour both times and finds nothing in a skipped one. Any other names times of
 * the day: those inside a skipped time tick once, together, at the moment the clock is put forward;
 * those inside a repeated time tick the first time only. `@every` knows no clock: it counts from an
 * anchor. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "queue/schedule/zone.h"

#define CRON_TEXT_MAX    256
#define CRON_EVERY_MAX_S ((int64_t)366 * 86400)

struct cron {
    int64_t every_s;           /* @every, else 0 and the fields below */
    uint64_t seconds, minutes; /* bit n: value n */
    uint32_t hours, days;      /* days: 1..31 */
    uint16_t months;           /* 1..12 */
    uint8_t weekdays;          /* 0 Sunday .. 6 */
    bool last_day;             /* L */
    bool any_day, any_weekday; /* the field begins with * */
    bool real_time;            /* minute or hour begins with * */
};

/* ERR_INVALID: field, found, allowed; also for days that never come (30 February). */
int cron_parse(const char *text, size_t len, struct cron *out, struct err *e);

/* The first tick after `after_s` (seconds since 1970 UTC), -1: none in the next 50 years. zone is
 * not looked at by @every, whose ticks are anchor_s + n * every_s with n >= 1. */
int64_t cron_next(const struct cron *c, const struct zone *zone, int64_t anchor_s, int64_t after_s);

/* The newest tick in (after_s, upto_s], -1: none. */
int64_t cron_newest(const struct cron *c, const struct zone *zone, int64_t anchor_s,
                    int64_t after_s, int64_t upto_s);

/* Whether any day fits, ever. */
bool cron_has_days(const struct cron *c);
