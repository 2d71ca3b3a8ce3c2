/* How this works: the next time of the day that fits is found on the calendar, without any zone
 * ("wall": seconds since 1970 as a clock on the wall counts them). It becomes an instant with the
 * offset in force where the search begins. Does the offset change before that instant, the search
 * goes on from the change: that is the only place where skipped and repeated times are thought of.
 * The zone is only asked for offsets, so changes are found by probing and halving. */
#include "queue/schedule/cron.h"

#include "base/mem.h"

#define DAY_S      ((int64_t)86400)
#define PROBE_S    ((int64_t)6 * 3600) /* no zone changes its clocks twice in such a time */
#define SEARCH_S   (50 * 366 * DAY_S)
#define MOVE_MAX_S (DAY_S + 2 * 3600) /* the most that clocks were ever moved at once: a day */
#define NEVER      ((int64_t)-1)
#define LATEST_S   ((int64_t)253402300799) /* the end of year 9999 */

/* ---- the calendar ---- */

struct date {
    int64_t year;
    int month, day; /* from 1 */
};

/* Howard Hinnant's civil_from_days: eras of 400 years that begin on 1 March. */
static struct date date_of(int64_t days)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    return (struct date){.year = yoe + era * 400 + (month <= 2),
                         .month = month,
                         .day = (int)(doy - (153 * mp + 2) / 5 + 1)};
}

static int days_in(int month, int64_t year)
{
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month == 2)
        return leap ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static bool day_fits(const struct cron *c, int64_t days)
{
    struct date d = date_of(days);
    int weekday = (int)(((days + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    if (!(c->months >> d.month & 1))
        return false;
    bool day = (c->days >> d.day & 1) || (c->last_day && d.day == days_in(d.month, d.year));
    bool of_week = c->weekdays >> weekday & 1;
    return c->any_day || c->any_weekday ? day && of_week : day || of_week;
}

/* The lowest set bit from `from` on, -1: none. */
static int bit_from(uint64_t bits, int from)
{
    bits = from > 63 ? 0 : bits >> from << from;
    return bits ? __builtin_ctzll(bits) : -1;
}

/* The first second of a day that fits, from `from` on. -1: none. */
static int64_t time_from(const struct cron *c, int64_t from)
{
    int hour = (int)(from / 3600), minute = (int)(from / 60 % 60), second = (int)(from % 60);
    int s = bit_from(c->seconds, second);
    if (s < 0) {
        minute++;
        s = bit_from(c->seconds, 0);
    }
    int m = bit_from(c->minutes, minute);
    if (m != minute)
        s = bit_from(c->seconds, 0);
    if (m < 0) {
        hour++;
        m = bit_from(c->minutes, 0);
    }
    int h = bit_from(c->hours, hour);
    if (h != hour) {
        s = bit_from(c->seconds, 0);
        m = bit_from(c->minutes, 0);
    }
    return h < 0 || h > 23 ? NEVER : h * 3600 + m * 60 + s;
}

/* The first wall time from `wall` on that fits, NEVER: none up to `until`. */
static int64_t wall_from(const struct cron *c, int64_t wall, int64_t until)
{
    int64_t days = wall / DAY_S, from = wall % DAY_S;
    for (; days * DAY_S <= until; days++, from = 0) {
        if (!day_fits(c, days))
            continue;
        int64_t t = time_from(c, from);
        if (t != NEVER)
            return days * DAY_S + t;
    }
    return NEVER;
}

bool cron_has_days(const struct cron *c)
{
    const int64_t begin = 10957; /* 2000-01-01; the calendar repeats after 400 years */
    for (int64_t d = begin; d < begin + 146097; d++)
        if (day_fits(c, d))
            return true;
    return false;
}

/* ---- the zone ---- */

/* The first instant in (from, to] whose offset is not that of `from`. NEVER: none. */
static int64_t change_in(const struct zone *z, int64_t from, int64_t to)
{
    int64_t offset = zone_offset(z, from), same = from;
    while (same < to) {
        int64_t probe = same + PROBE_S < to ? same + PROBE_S : to;
        if (zone_offset(z, probe) == offset) {
            same = probe;
            continue;
        }
        while (probe - same > 1) {
            int64_t middle = same + (probe - same) / 2;
            if (zone_offset(z, middle) == offset)
                same = middle;
            else
                probe = middle;
        }
        return probe;
    }
    return NEVER;
}

/* How far the wall clock had come at any time before `at`: later than at `at` itself just after it
 * was put back. */
static int64_t highest_wall(const struct zone *z, int64_t at)
{
    int64_t highest = at + zone_offset(z, at);
    int64_t from = at > MOVE_MAX_S ? at - MOVE_MAX_S : 0;
    for (int64_t x; (x = change_in(z, from, at)) != NEVER; from = x) {
        int64_t before = x - 1 + zone_offset(z, x - 1);
        highest = before > highest ? before : highest;
    }
    return highest;
}

static int64_t next_by_calendar(const struct cron *c, const struct zone *z, int64_t after)
{
    int64_t at = after, offset = zone_offset(z, at), until = after + SEARCH_S;
    int64_t wall = (c->real_time ? at + offset : highest_wall(z, at)) + 1;
    if (wall < 0) /* west of Greenwich in 1970 */
        wall = 0;
    while (at < until) {
        int64_t w = wall_from(c, wall, until + DAY_S);
        if (w == NEVER)
            return NEVER;
        /* Nothing fits before w: what changes well before it need not be looked at. */
        if (w - offset - at > 2 * MOVE_MAX_S) {
            at = w - offset - MOVE_MAX_S;
            offset = zone_offset(z, at);
        }
        int64_t change = change_in(z, at, w - offset);
        if (change == NEVER)
            return w - offset;
        int64_t before = change + offset, now = change + zone_offset(z, change);
        if (!c->real_time && w < now)
            return change; /* skipped: once, at the end of the gap */
        wall = c->real_time || now > before ? now : before;
        if (wall < w && !c->real_time)
            wall = w;
        at = change;
        offset = now - change;
    }
    return NEVER;
}

int64_t cron_next(const struct cron *c, const struct zone *zone, int64_t anchor_s, int64_t after_s)
{
    if (after_s < 0)
        after_s = 0;
    if (after_s > LATEST_S)
        return NEVER;
    if (!c->every_s)
        return next_by_calendar(c, zone, after_s);
    int64_t n = after_s < anchor_s ? 1 : (after_s - anchor_s) / c->every_s + 1;
    int64_t next = anchor_s + n * c->every_s;
    return next - after_s > SEARCH_S ? NEVER : next;
}

int64_t cron_newest(const struct cron *c, const struct zone *zone, int64_t anchor_s,
                    int64_t after_s, int64_t upto_s)
{
    /* "Is there a tick in (s, upto]?" is true up to just before the newest, then false. */
    int64_t yes = after_s < 0 ? 0 : after_s, no = upto_s, found = NEVER;
    int64_t t = cron_next(c, zone, anchor_s, yes);
    if (t == NEVER || t > upto_s)
        return NEVER;
    for (found = t; no - yes > 1;) {
        int64_t middle = yes + (no - yes) / 2;
        t = cron_next(c, zone, anchor_s, middle);
        if (t != NEVER && t <= upto_s) {
            yes = middle;
            found = t;
        } else {
            no = middle;
        }
    }
    return found;
}
