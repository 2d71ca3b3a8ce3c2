#include "results/list.h"
#include "base/clock.h"
#include "base/mem.h"
#include "results/row.h"
#include "results/store_inner.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How this works: the filter becomes one SELECT with a parameter for each condition; what a person
 * typed is only ever bound, never part of the SQL. The walk is by seq (the primary key, or the
 * index on tenant and seq), in an archive by the order of archiving, so a cursor is one of these
 * numbers, and a page costs what it shows. */

#define CONDITIONS_MAX 12

struct conditions {
    struct buf sql;
    struct cell bound[CONDITIONS_MAX];
    int n;
};

static void add(struct conditions *c, const char *condition, struct cell value)
{
    CHECK(c->n < CONDITIONS_MAX);
    buf_addf(&c->sql, " %s %s ?%d", c->n ? "AND" : "WHERE", condition, c->n + 1);
    c->bound[c->n++] = value;
}

static void add_text(struct conditions *c, const char *condition, const char *text)
{
    if (text)
        add(c, condition, (struct cell){.type = CELL_TEXT, .p = text, .len = strlen(text)});
}

static void add_time(struct conditions *c, const char *condition, int64_t us,
                     char stamp[CLOCK_RFC3339_LEN])
{
    if (!us)
        return;
    clock_rfc3339(us, stamp);
    add_text(c, condition, stamp);
}

/* The least text behind every text that begins so: its last byte one higher. Ids are ASCII. */
static char *behind(const char *prefix)
{
    char *end = mem_strdup(prefix);
    size_t n = strlen(end);
    if (n)
        end[n - 1]++;
    return end;
}

int list_rows(struct store *s, const struct list_filter *f,
              int (*fn)(const struct store_row *row, void *arg), void *arg, struct err *e)
{
    struct conditions c = {0};
    char since[CLOCK_RFC3339_LEN], until[CLOCK_RFC3339_LEN], *prefix_end = NULL;
    struct stmt *st = NULL;
    const char *place = schema_place(store_version(s));
    schema_query(Q_LIST, store_version(s), &c.sql);
    add_text(&c, "tenant =", f->tenant);
    add_text(&c, "class =", f->cls);
    add_text(&c, "state =", f->state);
    add_text(&c, "outcome =", f->outcome);
    add_text(&c, "worker =", f->worker);
    if (f->failed)
        add_text(&c, "outcome <>", outcome_name(OUTCOME_OK));
    if (f->id_prefix && *f->id_prefix) {
        prefix_end = behind(f->id_prefix);
        add_text(&c, "id >=", f->id_prefix);
        add_text(&c, "id <", prefix_end);
    }
    add_time(&c, "finished_at >=", f->since_us, since);
    add_time(&c, "finished_at <", f->until_us, until);
    if (f->cursor)
        add(&c,
            store_is_archive(s) ? (f->oldest_first ? "n >" : "n <")
                                : (f->oldest_first ? "seq >" : "seq <"),
            (struct cell){.type = CELL_INT, .i = (int64_t)f->cursor});
    buf_addf(&c.sql, " ORDER BY %s %s LIMIT %d", place, f->oldest_first ? "ASC" : "DESC", f->limit);
    int rc = stmt_new(store_db(s), c.sql.data, &st, e);
    for (int i = 0; i < c.n && !rc; i++)
        stmt_bind(st, i + 1, &c.bound[i]);
    if (!rc)
        rc = store_walk(st, fn, arg, e);
    stmt_free(st);
    buf_free(&c.sql);
    free(prefix_end);
    return rc;
}

/* ---- times as people write them ---- */

static bool ago(const char *text, int64_t now_us, int64_t *out)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    char *end;
    long n = strtol(text, &end, 10);
    if (!isdigit((unsigned char)*text) || n < 0 || n > 100000 || !*end || end[1])
        return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (*end == units[i].unit) {
            *out = now_us - n * units[i].seconds * 1000000;
            return *out > 0;
        }
    return false;
}

bool list_time(const char *text, int64_t now_us, int64_t *out)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S",
                                        "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};
    if (ago(text, now_us, out))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct tm tm = {0};
        const char *end = strptime(text, forms[i], &tm);
        if (end && !*end) {
            *out = (int64_t)timegm(&tm) * 1000000;
            return *out > 0;
        }
    }
    return false;
}
