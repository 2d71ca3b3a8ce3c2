#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_real_us(void)
{
    return read_us(CLOCK_REALTIME);
}

/* RFC 3339 has four digits for the year: what lies outside is shown as the nearest that fits. */
#define YEAR_0000 ((int64_t)-62167219200 * 1000000)
#define YEAR_9999 ((int64_t)253402300800 * 1000000 - 1)

/* n digits and what stands behind them. By hand: a result has seven stamps, and printf() would be a
 * good part of what writing one costs. */
static void digits(char *out, int v, int n, char behind)
{
    out[n] = behind;
    while (n-- > 0) {
        out[n] = (char)('0' + v % 10);
        v /= 10;
    }
}

/* "2026-11-21T08:57:00." of a second. Kept by each thread: the stamps of a result, and those of the
 * next, are mostly of one second, and gmtime_r() takes a lock and reckons with the calendar. */
static const char *text_of(time_t second)
{
    static _Thread_local char text[21];
    static _Thread_local time_t of;
    if (*text && of == second)
        return text;
    struct tm t;
    gmtime_r(&second, &t);
    digits(text, t.tm_year + 1900, 4, '-');
    digits(text + 5, t.tm_mon + 1, 2, '-');
    digits(text + 8, t.tm_mday, 2, 'T');
    digits(text + 11, t.tm_hour, 2, ':');
    digits(text + 14, t.tm_min, 2, ':');
    digits(text + 17, t.tm_sec, 2, '.');
    of = second;
    return text;
}

void clock_rfc3339(int64_t real_us, char out[CLOCK_RFC3339_LEN])
{
    real_us = real_us < YEAR_0000 ? YEAR_0000 : real_us > YEAR_9999 ? YEAR_9999 : real_us;
    int64_t part_us = real_us % 1000000;
    if (part_us < 0) /* before 1970: the second below, the part above it */
        part_us += 1000000;
    memcpy(out, text_of((time_t)((real_us - part_us) / 1000000)), 20);
    digits(out + 20, (int)part_us, 6, 'Z');
    out[27] = 0;
}

bool clock_parse_rfc3339(const char *text, int64_t *real_us)
{
    struct tm tm = {0};
    int us = 0;
    char again[CLOCK_RFC3339_LEN];
    if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                        &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &us) != 7)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *real_us = (int64_t)timegm(&tm) * 1000000 + us;
    clock_rfc3339(*real_us, again);
    return !strcmp(again, text);
}

/* Exactly `digits` digits of at most `max`; moves *s behind them. */
static bool take_number(const char **s, int digits, int min, int max, int *out)
{
    int v = 0;
    for (int i = 0; i < digits; i++) {
        if ((*s)[i] < '0' || (*s)[i] > '9')
            return false;
        v = v * 10 + ((*s)[i] - '0');
    }
    *s += digits;
    *out = v;
    return v >= min && v <= max;
}

static bool take_char(const char **s, const char *any)
{
    if (!**s || !strchr(any, **s))
        return false;
    (*s)++;
    return true;
}

static bool take_fraction(const char **s, int64_t *us)
{
    int64_t unit = 100000;
    const char *from = *s;
    for (; **s >= '0' && **s <= '9'; (*s)++, unit /= 10)
        *us += (**s - '0') * unit;
    return *s > from;
}

/* "Z", "+01:00"; seconds east of UTC. */
static bool take_offset(const char **s, int *east)
{
    int h, m;
    if (take_char(s, "Zz"))
        return true;
    int sign = **s == '-' ? -1 : 1;
    if (!take_char(s, "+-") || !take_number(s, 2, 0, 23, &h) || !take_char(s, ":") ||
        !take_number(s, 2, 0, 59, &m))
        return false;
    *east = sign * (h * 3600 + m * 60);
    return true;
}

bool clock_parse_time(const char *s, int64_t *real_us)
{
    int year, month, day, hour, minute, second, east = 0;
    int64_t us = 0;
    if (!take_number(&s, 4, 0, 9999, &year) || !take_char(&s, "-") ||
        !take_number(&s, 2, 1, 12, &month) || !take_char(&s, "-") ||
        !take_number(&s, 2, 1, 31, &day) || !take_char(&s, "Tt ") ||
        !take_number(&s, 2, 0, 23, &hour) || !take_char(&s, ":") ||
        !take_number(&s, 2, 0, 59, &minute) || !take_char(&s, ":") ||
        !take_number(&s, 2, 0, 59, &second))
        return false;
    if (take_char(&s, ".") && !take_fraction(&s, &us))
        return false;
    if (!take_offset(&s, &east) || *s)
        return false;
    struct tm t = {.tm_year = year - 1900,
                   .tm_mon = month - 1,
                   .tm_mday = day,
                   .tm_hour = hour,
                   .tm_min = minute,
                   .tm_sec = second};
    int64_t at = (int64_t)timegm(&t);
    if (t.tm_mday != day) /* 31 April: timegm() has made 1 May of it */
        return false;
    *real_us = (at - east) * 1000000 + us;
    return true;
}
