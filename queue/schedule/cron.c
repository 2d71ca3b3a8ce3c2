#include "queue/schedule/cron.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

enum { SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

static const struct field {
    const char *name, *allowed;
    int min, max;
    const char *const *names; /* of the values from min on */
    int name_count;
} fields[FIELDS] = {
    {"second", "0 to 59", 0, 59, NULL, 0},
    {"minute", "0 to 59", 0, 59, NULL, 0},
    {"hour", "0 to 23", 0, 23, NULL, 0},
    {"day of month", "1 to 31, L", 1, 31, NULL, 0},
    {"month", "1 to 12, jan to dec", 1, 12, month_names, 12},
    {"day of week", "0 to 7, sun to sat", 0, 7, day_names, 7},
};

static const struct {
    const char *name, *means;
} nicknames[] = {
    {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

/* The text as an error shows it: printable ASCII, cut. */
#define SHOWN 48
static const char *shown(const char *s, size_t len, char out[SHOWN + 4])
{
    size_t n = len < SHOWN ? len : SHOWN;
    for (size_t i = 0; i < n; i++)
        out[i] = s[i] < 0x20 || s[i] > 0x7e ? '?' : s[i];
    strcpy(out + n, n < len ? "..." : "");
    return out;
}

static int wrong(const struct field *f, const char *s, size_t len, struct err *e)
{
    char text[SHOWN + 4];
    return err_set(e, ERR_INVALID,
                   "cron: %s: found '%s'; allowed: %s, and of these lists a,b, ranges a-b, steps "
                   "*/n and a-b/n",
                   f->name, shown(s, len, text), f->allowed);
}

/* ---- one field ---- */

/* A number of at most four digits or a name; moves *s on. False: neither. */
static bool read_value(const struct field *f, const char **s, const char *end, int *out)
{
    const char *p = *s;
    int v = 0;
    while (p < end && isdigit((unsigned char)*p) && p - *s < 4)
        v = v * 10 + (*p++ - '0');
    if (p > *s) {
        *s = p;
        *out = v;
        return v >= f->min && v <= f->max;
    }
    for (int i = 0; i < f->name_count; i++)
        if (end - p >= 3 && !strncasecmp(p, f->names[i], 3)) {
            *s = p + 3;
            *out = f->min + i;
            return true;
        }
    return false;
}

static bool read_step(const char **s, const char *end, int most, int *step)
{
    const char *p = *s;
    int v = 0;
    while (p < end && isdigit((unsigned char)*p) && p - *s < 4)
        v = v * 10 + (*p++ - '0');
    bool ok = p > *s && v >= 1 && v <= most;
    *s = p;
    *step = v;
    return ok;
}

/* One entry of a list into bits: "*", "5", "1-5", each with "/n" behind it. */
static int read_entry(const struct field *f, const char *s, size_t len, uint64_t *bits,
                      struct err *e)
{
    const char *p = s, *end = s + len;
    int from, to, step = 1;
    bool single = false;
    if (p < end && *p == '*') {
        p++;
        from = f->min;
        to = f == &fields[WEEKDAY] ? 6 : f->max;
    } else {
        if (!read_value(f, &p, end, &from))
            return wrong(f, s, len, e);
        to = from;
        single = p == end || *p != '-';
        if (!single) {
            p++;
            if (!read_value(f, &p, end, &to))
                return wrong(f, s, len, e);
            if (f == &fields[WEEKDAY] && to == 0 && from > 0)
                to = 7; /* fri-sun */
        }
    }
    if (p < end && *p == '/') {
        p++;
        if (!read_step(&p, end, f->max, &step))
            return err_set(e, ERR_INVALID,
                           "cron: %s: found a step that is none in its field; allowed: 1 to %d",
                           f->name, f->max);
        if (single)
            to = f == &fields[WEEKDAY] ? 6 : f->max;
    }
    if (p != end)
        return wrong(f, s, len, e);
    if (from > to)
        return err_set(e, ERR_INVALID,
                       "cron: %s: found a range from %d down to %d; allowed: upwards (two ranges "
                       "with a comma do the same)",
                       f->name, from, to);
    for (int v = from; v <= to; v += step)
        *bits |= UINT64_C(1) << (f == &fields[WEEKDAY] ? v % 7 : v);
    return 0;
}

static int read_field(const struct field *f, const char *s, size_t len, struct cron *c,
                      uint64_t *bits, struct err *e)
{
    const char *end = s + len;
    for (const char *p = s;; p++) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        size_t n = (size_t)((comma ? comma : end) - p);
        if (f == &fields[DAY] && n == 1 && (*p == 'L' || *p == 'l')) {
            c->last_day = true;
        } else if (n == 0) {
            return wrong(f, s, len, e);
        } else {
            int rc = read_entry(f, p, n, bits, e);
            if (rc)
                return rc;
        }
        if (!comma)
            return 0;
        p = comma;
    }
}

/* ---- the whole ---- */

/* "1h30m" */
static int read_every(const char *s, size_t len, struct cron *c, struct err *e)
{
    static const struct {
        char letter;
        int64_t s;
    } units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
    char text[SHOWN + 4];
    const char *p = s, *end = s + len;
    size_t unit = 0;
    int64_t total = 0;
    bool ok = p < end;
    while (ok && p < end) {
        int64_t v = 0;
        const char *digits = p;
        while (p < end && isdigit((unsigned char)*p) && p - digits < 9)
            v = v * 10 + (*p++ - '0');
        while (unit < ARRAY_LEN(units) && p < end && units[unit].letter != tolower((int)*p))
            unit++;
        ok = p > digits && p < end && unit < ARRAY_LEN(units);
        if (ok)
            total += v * units[unit++].s;
        p++;
    }
    if (!ok || total < 1 || total > CRON_EVERY_MAX_S)
        return err_set(e, ERR_INVALID,
                       "cron: @every: found '%s'; allowed: as in 30s, 5m, 1h30m, 7d; 1 s to 366 d",
                       shown(s, len, text));
    c->every_s = total;
    return 0;
}

static bool blank(char ch)
{
    return ch == ' ' || ch == '\t';
}

/* Splits at blanks. How many; `most` + 1: more than that. */
static int split(const char *s, size_t len, const char *words[], size_t lens[], int most)
{
    int n = 0;
    for (size_t i = 0; i < len;) {
        size_t begin = i;
        if (blank(s[i])) {
            i++;
            continue;
        }
        while (i < len && !blank(s[i]))
            i++;
        if (n == most)
            return most + 1;
        words[n] = s + begin;
        lens[n++] = i - begin;
    }
    return n;
}

static int read_fields(const char *words[], const size_t lens[], int n, struct cron *c,
                       struct err *e)
{
    uint64_t bits[FIELDS] = {[SECOND] = n == FIELDS ? 0 : 1};
    int first = FIELDS - n;
    for (int i = 0; i < n; i++) {
        const struct field *f = &fields[first + i];
        int rc = read_field(f, words[i], lens[i], c, &bits[first + i], e);
        if (rc)
            return rc;
    }
    c->seconds = bits[SECOND];
    c->minutes = bits[MINUTE];
    c->hours = (uint32_t)bits[HOUR];
    c->days = (uint32_t)bits[DAY];
    c->months = (uint16_t)bits[MONTH];
    c->weekdays = (uint8_t)bits[WEEKDAY];
    c->any_day = *words[DAY - first] == '*';
    c->any_weekday = *words[WEEKDAY - first] == '*';
    c->real_time = *words[MINUTE - first] == '*' || *words[HOUR - first] == '*';
    if (!cron_has_days(c))
        return err_set(e, ERR_INVALID,
                       "cron: found a day that never comes; allowed: days that one of the months "
                       "has (as 29 in feb, every fourth year)");
    return 0;
}

static int read_nickname(const char *words[], const size_t lens[], int n, struct cron *c,
                         struct err *e)
{
    char text[SHOWN + 4];
    if (n == 2 && lens[0] == 6 && !strncasecmp(words[0], "@every", 6))
        return read_every(words[1], lens[1], c, e);
    for (size_t i = 0; n == 1 && i < ARRAY_LEN(nicknames); i++)
        if (strlen(nicknames[i].name) == lens[0] &&
            !strncasecmp(nicknames[i].name, words[0], lens[0]))
            return cron_parse(nicknames[i].means, strlen(nicknames[i].means), c, e);
    return err_set(e, ERR_INVALID,
                   "cron: found '%s'; allowed: @hourly, @daily, @midnight, @weekly, @monthly, "
                   "@yearly, @annually, or @every with an interval as in 30s",
                   shown(words[0], lens[0], text));
}

int cron_parse(const char *text, size_t len, struct cron *out, struct err *e)
{
    const char *words[FIELDS];
    size_t lens[FIELDS];
    memset(out, 0, sizeof *out);
    if (len > CRON_TEXT_MAX)
        return err_set(e, ERR_INVALID, "cron: found %zu characters; allowed: at most %d", len,
                       CRON_TEXT_MAX);
    int n = split(text, len, words, lens, FIELDS);
    if (n > 0 && n <= FIELDS && *words[0] == '@')
        return read_nickname(words, lens, n, out, e);
    if (n != FIELDS && n != FIELDS - 1)
        return err_set(e, ERR_INVALID,
                       "cron: found %s%d fields; allowed: 5 (minute, hour, day of month, month, "
                       "day of week), or 6 with the second in front",
                       n > FIELDS ? "more than " : "", n > FIELDS ? FIELDS : n);
    return read_fields(words, lens, n, out, e);
}
