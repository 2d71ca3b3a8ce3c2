#include "queue/schedule/schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "queue/job/job.h"

const char *const schedule_missed_names[] = {"once", "skip", "all", NULL};

#define LATEST_US INT64_C(253402300799000000) /* the end of year 9999 */

bool schedule_name_valid(const char *name)
{
    size_t len = strlen(name);
    return len >= 1 && len <= SCHEDULE_NAME_MAX && name[0] != '.' && name[len - 1] != '.' &&
           !strstr(name, "..") &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") == len;
}

void schedule_key(const char *tenant, const char *name, char out[SCHEDULE_KEY_MAX + 1])
{
    snprintf(out, SCHEDULE_KEY_MAX + 1, "%s.%s", tenant, name);
}

/* ---- reading ---- */

struct reading {
    struct schedule *s;
    const char *text;
    size_t len;
    struct err *e;
    int rc;
};

/* The value as an error shows it: short, in one line of ASCII. */
#define SHOWN 64
static const char *shown(const struct jv *v, char out[SHOWN])
{
    struct buf b = {0};
    enum jv_type t = jv_type(v);
    if (t == JV_OBJECT || t == JV_ARRAY || (t == JV_STRING && strlen(jv_string(v, NULL)) > 40))
        return t == JV_STRING ? "a long string" : jv_type_name(v);
    if (t == JV_NUMBER) {
        snprintf(out, SHOWN, "%.15g", jv_number(v));
        return out;
    }
    jv_dump(v, &b);
    size_t n = b.len < SHOWN - 1 ? b.len : SHOWN - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = b.data[i] < 0x20 || b.data[i] > 0x7e ? '?' : b.data[i];
    out[n] = 0;
    buf_free(&b);
    return out;
}

static void bad(struct reading *r, const char *field, const struct jv *v, const char *allowed)
{
    char found[SHOWN];
    r->rc =
        err_set(r->e, ERR_INVALID, "%s: found %s; allowed: %s", field, shown(v, found), allowed);
}

static const char *text_of(struct reading *r, const char *field, const struct jv *v, size_t most)
{
    size_t len = 0;
    const char *s = jv_string(v, &len);
    if (s && len <= most && strlen(s) == len)
        return s;
    char allowed[64];
    snprintf(allowed, sizeof allowed, "a string of at most %zu bytes", most);
    bad(r, field, v, allowed);
    return NULL;
}

static void read_cron(struct reading *r, const char *field, const struct jv *v)
{
    const char *s = text_of(r, field, v, CRON_TEXT_MAX);
    if (!s)
        return;
    r->rc = cron_parse(s, strlen(s), &r->s->cron, r->e);
    strcpy(r->s->cron_text, s);
}

static void read_zone(struct reading *r, const char *field, const struct jv *v)
{
    const char *s = text_of(r, field, v, ZONE_NAME_MAX);
    if (!s)
        return;
    r->rc = zone_open(s, &r->s->zone, r->e);
    strcpy(r->s->zone_name, s);
}

static void read_class(struct reading *r, const char *field, const struct jv *v)
{
    const char *s = jv_string(v, NULL);
    int c = s ? job_class_by_name(s) : -1;
    if (c < 0)
        bad(r, field, v, "\"high\", \"normal\", \"low\"");
    else
        r->s->cls = (enum job_class)c;
}

static void read_missed(struct reading *r, const char *field, const struct jv *v)
{
    const char *s = jv_string(v, NULL);
    for (int i = 0; s && i < MISSED_POLICIES; i++)
        if (!strcmp(s, schedule_missed_names[i])) {
            r->s->missed = (enum schedule_missed)i;
            return;
        }
    bad(r, field, v, "\"once\", \"skip\", \"all\"");
}

static void read_paused(struct reading *r, const char *field, const struct jv *v)
{
    if (jv_type(v) != JV_BOOL)
        bad(r, field, v, "true, false");
    r->s->paused = jv_is_true(v);
}

static void read_jitter(struct reading *r, const char *field, const struct jv *v)
{
    if (!jv_int(v, &r->s->jitter_ms) || r->s->jitter_ms < 0 ||
        r->s->jitter_ms > SCHEDULE_JITTER_MAX)
        bad(r, field, v, "a whole number from 0 to 3600000");
}

/* With or without microseconds; null: not given. */
static void read_time(struct reading *r, const char *field, const struct jv *v, int64_t *out)
{
    const char *s = jv_string(v, NULL);
    char full[CLOCK_RFC3339_LEN];
    if (jv_type(v) == JV_NULL)
        return;
    if (s && strlen(s) == 20 && s[19] == 'Z') {
        snprintf(full, sizeof full, "%.19s.000000Z", s);
        s = full;
    }
    int64_t us = 0;
    if (!clock_parse_rfc3339(s, &us) || us < 0 || us > LATEST_US)
        bad(r, field, v, "a time as in \"2026-11-21T10:00:00Z\", or null");
    else
        *out = us;
}

static void read_created(struct reading *r, const char *field, const struct jv *v)
{
    read_time(r, field, v, &r->s->created_at_us);
}
static void read_since(struct reading *r, const char *field, const struct jv *v)
{
    read_time(r, field, v, &r->s->since_us);
}
static void read_from(struct reading *r, const char *field, const struct jv *v)
{
    read_time(r, field, v, &r->s->from_us);
}
static void read_until(struct reading *r, const char *field, const struct jv *v)
{
    read_time(r, field, v, &r->s->until_us);
}
static void read_last_tick(struct reading *r, const char *field, const struct jv *v)
{
    int64_t us = -1;
    read_time(r, field, v, &us);
    r->s->last_tick_s = us < 0 ? SCHEDULE_NO_TICK : us / 1000000;
}

static void read_error(struct reading *r, const char *field, const struct jv *v)
{
    const char *s = jv_type(v) == JV_NULL ? "" : text_of(r, field, v, SCHEDULE_ERROR_MAX - 1);
    if (s)
        strcpy(r->s->error, s);
}

static void read_job(struct reading *r, const char *field, const struct jv *v)
{
    const char *raw;
    size_t len;
    struct buf b = {0};
    if (jv_type(v) != JV_OBJECT || jv_count(v) == 0) {
        bad(r, field, v, "a job, an object with \"script\"");
        return;
    }
    if (jv_get(v, "id")) {
        r->rc = err_set(r->e, ERR_INVALID,
                        "job.id: found one; allowed: none, each tick's job gets the id "
                        "<name>:<time of the tick>");
        return;
    }
    if (jv_get(v, "after")) {
        r->rc = err_set(r->e, ERR_INVALID,
                        "job.after: found one; allowed: none, every tick would wait for the same "
                        "jobs");
        return;
    }
    if (jv_raw_member(r->text, r->len, field, &raw, &len)) {
        r->s->job = mem_copy(raw, len);
        r->s->job_len = len;
    } else { /* the name was written with escapes */
        jv_dump(v, &b);
        r->s->job = buf_take(&b, &r->s->job_len);
    }
}

static const struct field {
    const char *name;
    void (*read)(struct reading *r, const char *field, const struct jv *v);
} fields[] = {
    {"cron", read_cron},     {"zone", read_zone},           {"class", read_class},
    {"missed", read_missed}, {"paused", read_paused},       {"jitter_ms", read_jitter},
    {"from", read_from},     {"until", read_until},         {"created_at", read_created},
    {"since", read_since},   {"last_tick", read_last_tick}, {"error", read_error},
    {"job", read_job},
};

static int read_field(const char *name, const struct jv *v, void *arg)
{
    struct reading *r = arg;
    struct nearest n = {.word = name};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (!strcmp(name, fields[i].name)) {
            fields[i].read(r, name, v);
            return r->rc;
        }
        nearest_try(&n, fields[i].name);
    }
    if (n.best)
        r->rc = err_set(r->e, ERR_INVALID, "found an unknown field; allowed: '%s'?", n.best);
    else
        r->rc = err_set(r->e, ERR_INVALID,
                        "found an unknown field; allowed: cron, zone, class, missed, paused, "
                        "jitter_ms, from, until, created_at, since, last_tick, error, job");
    return r->rc;
}

static int read_key(const char *key, struct schedule *s, struct err *e)
{
    const char *dot = strchr(key, '.');
    size_t n = dot ? (size_t)(dot - key) : 0;
    if (!dot || n > TENANT_NAME_MAX)
        return err_set(e, ERR_INVALID, "key: found '%.80s'; allowed: <tenant>.<name>", key);
    memcpy(s->tenant, key, n);
    if (!tenant_name_valid(s->tenant) || !schedule_name_valid(dot + 1))
        return err_set(e, ERR_INVALID,
                       "key: found '%.80s'; allowed: <tenant>.<name>, the name 1 to %d of A-Z a-z "
                       "0-9 _ . -",
                       key, SCHEDULE_NAME_MAX);
    strcpy(s->name, dot + 1);
    return 0;
}

/* What fields mean together. */
static int complete(struct schedule *s, struct err *e)
{
    if (!*s->cron_text)
        return err_set(e, ERR_INVALID, "cron: found none; allowed: as in \"*/5 * * * *\"");
    if (!s->job)
        return err_set(e, ERR_INVALID,
                       "job: found none; allowed: a job, an object with \"script\"");
    if (s->from_us && s->until_us && s->until_us < s->from_us)
        return err_set(e, ERR_INVALID, "until: found a time before `from`; allowed: later ones");
    if (!s->zone) {
        strcpy(s->zone_name, "UTC");
        return zone_open("UTC", &s->zone, e);
    }
    return 0;
}

int schedule_read(const char *key, const char *value, size_t len, int64_t stored_at_us,
                  struct schedule *out, struct err *e)
{
    struct reading r = {.s = out, .text = value, .len = len, .e = e};
    struct jv *doc = NULL;
    memset(out, 0, sizeof *out);
    out->cls = CLASS_NORMAL;
    out->last_tick_s = SCHEDULE_NO_TICK;
    out->created_at_us = out->since_us = stored_at_us;
    int rc = read_key(key, out, e);
    if (rc)
        return rc;
    if (len > SCHEDULE_VALUE_MAX)
        return err_set(e, ERR_INVALID, "found %zu bytes; allowed: at most %d", len,
                       SCHEDULE_VALUE_MAX);
    rc = jv_parse(value, len, &doc, e);
    if (!rc && jv_type(doc) != JV_OBJECT)
        rc = err_set(e, ERR_INVALID, "found %s; allowed: an object", jv_type_name(doc));
    if (!rc)
        rc = jv_each(doc, read_field, &r);
    jv_free(doc);
    return rc ? rc : complete(out, e);
}

void schedule_drop_job(struct schedule *s)
{
    free(s->job);
    s->job = NULL;
    s->job_len = 0;
}

void schedule_clear(struct schedule *s)
{
    schedule_drop_job(s);
    zone_free(s->zone);
    s->zone = NULL;
}

/* ---- writing ---- */

static void write_time(struct jsonw *w, const char *name, int64_t us, bool given)
{
    char text[CLOCK_RFC3339_LEN];
    clock_rfc3339(us, text);
    jsonw_kstr(w, name, given ? text : NULL);
}

void schedule_write(const struct schedule *s, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_kstr(&w, "cron", s->cron_text);
    jsonw_kstr(&w, "zone", s->zone_name);
    jsonw_kstr(&w, "class", job_class_name(s->cls));
    jsonw_kstr(&w, "missed", schedule_missed_names[s->missed]);
    jsonw_kbool(&w, "paused", s->paused);
    jsonw_kint(&w, "jitter_ms", s->jitter_ms);
    write_time(&w, "from", s->from_us, s->from_us != 0);
    write_time(&w, "until", s->until_us, s->until_us != 0);
    write_time(&w, "created_at", s->created_at_us, true);
    write_time(&w, "since", s->since_us, true);
    write_time(&w, "last_tick", s->last_tick_s * 1000000, s->last_tick_s >= 0);
    jsonw_kstr(&w, "error", *s->error ? s->error : NULL);
    jsonw_name(&w, "job");
    jsonw_raw(&w, s->job, s->job_len);
    jsonw_object_end(&w);
}

/* ---- its jobs ---- */

void schedule_tick_id(const struct schedule *s, int64_t tick_s, char out[JOB_ID_MAX + 1])
{
    struct tm tm;
    time_t t = (time_t)tick_s;
    char when[32] = "";
    if (gmtime_r(&t, &tm))
        strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &tm);
    snprintf(out, JOB_ID_MAX + 1, "%s:%s", s->name, when);
}

void schedule_message(const struct schedule *s, const char *id, struct buf *out)
{
    CHECK(s->job_len > 2 && s->job[0] == '{'); /* schedule_read() takes no empty object */
    buf_adds(out, "{\"id\":\"");
    buf_adds(out, id);
    buf_adds(out, "\",");
    buf_add(out, s->job + 1, s->job_len - 1);
}

int schedule_check_job(const struct schedule *s, const struct config *c, struct err *e)
{
    const struct tenant *t = config_tenant(c, s->tenant);
    struct job_origin o = {.tenant = s->tenant, .cls = s->cls, .stream_seq = 1};
    struct job *job = NULL;
    struct buf message = {0};
    char id[JOB_ID_MAX + 1];
    if (t && t->job_key_count > 0)
        return err_set(e, ERR_INVALID,
                       "tenant '%s' takes only signed jobs (job_keys), and a signature stands for "
                       "one id: no schedule can start jobs for it; let something that has the key "
                       "submit them",
                       s->tenant);
    schedule_tick_id(s, 0, id);
    schedule_message(s, id, &message);
    int rc = job_decode(c, &o, message.data, message.len, &job, e);
    job_free(job);
    buf_free(&message);
    return rc ? err_wrap(e, "job") : 0;
}
