/* The fields of a job that say how often and when it runs: max_attempts, backoff, retry_on,
 * not_before, deadline, ttl_ms. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "queue/job/decoding.h"

#define MOMENT_MS_MAX 253402300799999 /* the end of the year 9999 */
#define MOMENT_TEXT   "RFC 3339 text (\"2026-11-21T09:57:00Z\") or milliseconds since 1970"

void read_attempts(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    int64_t n = 0;
    if (!jv_int(v, &n) || n < 1 || n > RETRY_ATTEMPTS_MAX)
        fault_at(d, "max_attempts: found %s; allowed: a whole number from 1 to %d", shown(v, found),
                 RETRY_ATTEMPTS_MAX);
    else
        d->job->retry.max_attempts = (int)n;
}

/* ---- backoff ---- */

static void read_backoff_ms(struct decoding *d, const char *name, const struct jv *v, int64_t *out)
{
    char found[FOUND_TEXT];
    int64_t ms = 0;
    if (!jv_int(v, &ms) || ms < 0 || ms > RETRY_DELAY_MS_MAX)
        fault_at(d, "backoff.%s: found %s; allowed: a whole number from 0 to %d (milliseconds)",
                 name, shown(v, found), RETRY_DELAY_MS_MAX);
    else
        *out = ms;
}

static void read_backoff_type(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    const char *s = jv_string(v, NULL);
    if (s && !strcmp(s, "fixed"))
        d->job->retry.type = BACKOFF_FIXED;
    else if (s && !strcmp(s, "exponential"))
        d->job->retry.type = BACKOFF_EXPONENTIAL;
    else
        fault_at(d, "backoff.type: found %s; allowed: \"fixed\", \"exponential\"", shown(v, found));
}

static void read_jitter(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    if (jv_type(v) != JV_NUMBER || jv_number(v) < 0 || jv_number(v) > 1)
        fault_at(d, "backoff.jitter: found %s; allowed: a number from 0 to 1", shown(v, found));
    else
        d->job->retry.jitter = jv_number(v);
}

static int read_backoff_field(const char *name, const struct jv *v, void *arg)
{
    struct decoding *d = arg;
    char found[FOUND_TEXT];
    if (!strcmp(name, "type"))
        read_backoff_type(d, v);
    else if (!strcmp(name, "delay_ms"))
        read_backoff_ms(d, name, v, &d->job->retry.delay_ms);
    else if (!strcmp(name, "max_ms"))
        read_backoff_ms(d, name, v, &d->job->retry.max_ms);
    else if (!strcmp(name, "jitter"))
        read_jitter(d, v);
    else
        fault_at(d, "backoff: unknown field '%s'; allowed: type, delay_ms, max_ms, jitter",
                 in_line(name, strlen(name), found));
    return 0;
}

void read_backoff(struct decoding *d, const struct jv *v)
{
    struct retry_policy *p = &d->job->retry;
    if (jv_type(v) != JV_OBJECT) {
        fault_at(d, "backoff: found %s; allowed: an object", jv_type_name(v));
        return;
    }
    jv_each(v, read_backoff_field, d);
    if (!jv_get(v, "max_ms") && p->max_ms < p->delay_ms)
        p->max_ms = p->delay_ms;
    if (p->max_ms < p->delay_ms)
        fault_at(d, "backoff.max_ms: found %" PRId64 "; allowed: delay_ms (%" PRId64 ") to %d",
                 p->max_ms, p->delay_ms, RETRY_DELAY_MS_MAX);
}

void read_retry_on(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    uint32_t outcomes = 0;
    if (jv_type(v) != JV_ARRAY) {
        fault_at(d, "retry_on: found %s; allowed: an array of outcomes", jv_type_name(v));
        return;
    }
    if (jv_count(v) > OUTCOMES) {
        fault_at(d, "retry_on: found %zu entries; allowed: at most %d", jv_count(v), OUTCOMES);
        return;
    }
    for (size_t i = 0; i < jv_count(v); i++) {
        const struct jv *item = jv_at(v, i);
        const char *name = jv_string(item, NULL);
        int o = name ? retry_outcome_by_name(name) : -1;
        if (o < 0)
            fault_at(d, "retry_on[%zu]: found %s; allowed: " RETRY_OUTCOMES_TEXT, i,
                     shown(item, found));
        else
            outcomes |= 1u << o;
    }
    d->job->retry.outcomes = outcomes;
}

/* ---- time ---- */

static void read_moment(struct decoding *d, const char *field, const struct jv *v, int64_t *out)
{
    char found[FOUND_TEXT];
    int64_t ms = 0, us = 0;
    const char *text = jv_string(v, NULL);
    if (text && clock_parse_time(text, &us) && us > 0)
        *out = us;
    else if (!text && jv_int(v, &ms) && ms > 0 && ms <= MOMENT_MS_MAX)
        *out = ms * 1000;
    else
        fault_at(d, "%s: found %s; allowed: " MOMENT_TEXT, field, shown(v, found));
}

void read_not_before(struct decoding *d, const struct jv *v)
{
    read_moment(d, "not_before", v, &d->job->not_before_us);
}

void read_deadline(struct decoding *d, const struct jv *v)
{
    read_moment(d, "deadline", v, &d->job->deadline_us);
}

void read_ttl(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    int64_t ms = 0;
    if (!jv_int(v, &ms) || ms < 1 || ms > JOB_TTL_MS_MAX)
        fault_at(d, "ttl_ms: found %s; allowed: a whole number from 1 to %" PRId64, shown(v, found),
                 JOB_TTL_MS_MAX);
    else
        d->job->ttl_ms = ms;
}

void check_times(struct decoding *d)
{
    const struct job *j = d->job;
    char from[CLOCK_RFC3339_LEN], to[CLOCK_RFC3339_LEN];
    if (!j->deadline_us || j->not_before_us < j->deadline_us)
        return;
    clock_rfc3339(j->not_before_us, from);
    clock_rfc3339(j->deadline_us, to);
    fault_at(d, "deadline: found %s; allowed: a time behind not_before (%s)", to, from);
}

int64_t job_deadline_us(const struct job *j, int64_t published_at_us)
{
    int64_t ttl_end_us = j->ttl_ms && published_at_us ? published_at_us + j->ttl_ms * 1000 : 0;
    if (!j->deadline_us || (ttl_end_us && ttl_end_us < j->deadline_us))
        return ttl_end_us;
    return j->deadline_us;
}

/* ---- the other way ---- */

static void encode_moment(struct jsonw *w, const char *name, int64_t us)
{
    char text[CLOCK_RFC3339_LEN];
    if (!us)
        return;
    clock_rfc3339(us, text);
    jsonw_kstr(w, name, text);
}

static void encode_backoff(struct jsonw *w, const struct retry_asked *r)
{
    char number[32];
    jsonw_name(w, "backoff");
    jsonw_object(w);
    if (r->type_given)
        jsonw_kstr(w, "type", r->v.type == BACKOFF_FIXED ? "fixed" : "exponential");
    jsonw_kint(w, "delay_ms", r->v.delay_ms);
    if (r->max_given)
        jsonw_kint(w, "max_ms", r->v.max_ms);
    if (r->jitter_given) {
        int n = snprintf(number, sizeof number, "%.6g", r->v.jitter);
        jsonw_name(w, "jitter");
        jsonw_raw(w, number, (size_t)n);
    }
    jsonw_object_end(w);
}

void encode_retry(struct jsonw *w, const struct retry_asked *r)
{
    if (r->v.max_attempts)
        jsonw_kint(w, "max_attempts", r->v.max_attempts);
    if (r->backoff_given)
        encode_backoff(w, r);
    if (r->outcomes_given) {
        jsonw_name(w, "retry_on");
        jsonw_array(w);
        for (int o = 0; o < OUTCOMES; o++)
            if (retry_wants(&r->v, (enum outcome)o))
                jsonw_str(w, outcome_name((enum outcome)o));
        jsonw_array_end(w);
    }
    encode_moment(w, "not_before", r->not_before_us);
    encode_moment(w, "deadline", r->deadline_us);
    if (r->ttl_ms)
        jsonw_kint(w, "ttl_ms", r->ttl_ms);
    if (r->concurrency_key)
        jsonw_kstr(w, "concurrency_key", r->concurrency_key);
    if (r->concurrency_limit)
        jsonw_kint(w, "concurrency_limit", r->concurrency_limit);
}
