/* How this works: the bucket is watched, so the table has every schedule as it is now, without its
 * job: only what is needed to know when. One timer; at a tick's time schedule_tick.c reads the
 * value and starts the job, and its head says why that happens exactly once. */
#include "executor/cluster/schedules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "executor/cluster/schedules_inner.h"
#include "queue/schedule/schedule_bucket.h"

#define TICKS_AT_ONCE 64
#define LOOK_MS       5000 /* the wall clock is looked at so often, it may be set */
#define OPEN_AGAIN_MS 10000

static void open_bucket(struct schedules *o);

static void let_go(struct schedules *o)
{
    if (o->closed && o->timer_closed)
        free(o);
}

struct entry *schedules_find(struct schedules *o, const char *key)
{
    struct entry *n;
    HASH_FIND_STR(o->by_key, key, n);
    return n;
}

/* ---- when ---- */

static void on_timer(uv_timer_t *t)
{
    struct schedules *o = t->data;
    if (o->state == BUCKET_MAKING)
        open_bucket(o);
    else
        schedules_wake(o);
}

void schedules_set_at(struct schedules *o, struct entry *n)
{
    struct schedule_due due;
    n->at_us = INT64_MAX;
    if (n->bad)
        return;
    schedule_due(&n->s, o->o.now_us(), o->late_ms, &due);
    n->at_us = due.step == STEP_WAIT ? due.at_us : 0;
    if (n->at_us > 0 && n->at_us != INT64_MAX)
        n->at_us += n->behind_us;
}

static void arm(struct schedules *o)
{
    int64_t now = o->o.now_us(), mono = clock_mono_us(), least_ms = LOOK_MS;
    struct entry *n, *next;
    if (o->state != BUCKET_WATCHED || o->stopped)
        return;
    if (HASH_COUNT(o->by_key) == 0) {
        uv_timer_stop(&o->timer);
        return;
    }
    HASH_ITER(hh, o->by_key, n, next)
    {
        if (n->busy || n->at_us == INT64_MAX)
            continue;
        int64_t us = n->at_us > now ? n->at_us - now : 0;
        if (n->not_before_us > mono && n->not_before_us - mono > us)
            us = n->not_before_us - mono;
        int64_t ms = us / 1000 + 1; /* never before its second */
        least_ms = ms < least_ms ? ms : least_ms;
    }
    uv_timer_start(&o->timer, on_timer, (uint64_t)least_ms, 0);
}

void schedules_wake(struct schedules *o)
{
    int64_t now = o->o.now_us(), mono = clock_mono_us();
    struct entry *n, *next;
    if (o->stopped || o->state != BUCKET_WATCHED)
        return;
    if (link_is_up(o->o.link))
        HASH_ITER(hh, o->by_key, n, next)
        {
            if (o->under_way >= TICKS_AT_ONCE)
                break;
            if (!n->busy && n->at_us <= now && n->not_before_us <= mono)
                tick_begin(o, n);
        }
    arm(o);
}

/* ---- the table ---- */

static void entry_remove(struct schedules *o, struct entry *n)
{
    HASH_DEL(o->by_key, n);
    schedule_clear(&n->s);
    free(n);
}

static void on_error_stored(uint64_t revision, const struct err *why, void *arg)
{
    (void)revision; /* it is in the log anyway */
    (void)why;
    (void)arg;
}

/* Into the entry too, for those who list schedules; not over what another worker said. */
static void store_error(struct schedules *o, struct entry *n, struct schedule *s,
                        const struct err *why)
{
    struct buf b = {0};
    struct err e = {0};
    if (*s->error)
        return;
    snprintf(s->error, sizeof s->error, "worker %.64s: %.300s", o->o.config->worker, why->msg);
    schedule_write(s, &b);
    if (kv_put(o->kv, n->key, b.data, b.len, n->revision, on_error_stored, NULL, &e))
        log_debug("schedules", "%s: %s", n->key, e.msg);
    buf_free(&b);
}

static void say_once(struct entry *n, const char *text)
{
    char cut[sizeof n->said];
    snprintf(cut, sizeof cut, "%s", text);
    if (!strcmp(cut, n->said))
        return;
    strcpy(n->said, cut);
    log_error("schedules", "%s does not tick: %s", n->key, text);
}

static struct entry *entry_for(struct schedules *o, const char *key)
{
    struct entry *n = schedules_find(o, key);
    if (n)
        return n;
    if (strlen(key) > SCHEDULE_KEY_MAX) {
        log_error("schedules", "an entry '%.100s' with a key over %d characters is left alone", key,
                  SCHEDULE_KEY_MAX);
        return NULL;
    }
    if (HASH_COUNT(o->by_key) >= SCHEDULES_MAX) {
        if (!o->full_told)
            log_error("schedules", "more than %d schedules: '%s' and those after it do not tick",
                      SCHEDULES_MAX, key);
        o->full_told = true;
        return NULL;
    }
    n = mem_alloc(sizeof *n);
    strcpy(n->key, key);
    n->started_s = SCHEDULE_NO_TICK;
    HASH_ADD_STR(o->by_key, key, n);
    return n;
}

static void on_entry(const struct kv_entry *entry, void *arg)
{
    struct schedules *o = arg;
    struct err e = {0};
    struct entry *n = entry->deleted ? schedules_find(o, entry->key) : entry_for(o, entry->key);
    if (!n)
        return;
    if (entry->deleted) {
        entry_remove(o, n);
        return;
    }
    if (entry->revision < n->revision) /* we know a newer one, that we stored */
        return;
    schedule_clear(&n->s);
    n->revision = entry->revision;
    n->bad = schedule_read(n->key, entry->value, entry->len, entry->stored_at_us, &n->s, &e) != 0;
    if (!n->bad && schedule_check_job(&n->s, o->o.config, &e)) {
        n->bad = true;
        say_once(n, e.msg);
        store_error(o, n, &n->s, &e);
    } else if (n->bad) {
        say_once(n, e.msg);
    } else {
        n->said[0] = 0;
    }
    schedule_drop_job(&n->s);
    schedules_set_at(o, n);
    arm(o);
}

static void forget_all(struct schedules *o)
{
    struct entry *n, *next;
    HASH_ITER(hh, o->by_key, n, next)
    entry_remove(o, n);
    o->full_told = false;
}

/* ---- the bucket ---- */

static void open_later(struct schedules *o, const struct err *why)
{
    if (!o->failed_told && link_is_up(o->o.link))
        log_warn("schedules",
                 "no schedules: %.500s (may our login use $KV.> and $JS.API.>? `schedules: false` "
                 "does without); trying again",
                 why->msg);
    o->failed_told = true;
    o->state = BUCKET_MAKING;
    if (!o->stopped)
        uv_timer_start(&o->timer, on_timer, OPEN_AGAIN_MS, 0);
}

static void on_watch_failed(const struct err *why, void *arg)
{
    struct schedules *o = arg;
    kv_watch_free(o->watch);
    o->watch = NULL;
    forget_all(o);
    open_later(o, why);
}

static void on_made(const struct err *why, void *arg)
{
    static const struct kv_watch_events handlers = {on_entry, NULL, on_watch_failed};
    struct schedules *o = arg;
    struct err e = {0};
    if (o->stopped)
        return;
    if (why) {
        open_later(o, why);
    } else if (kv_watch(o->kv, NULL, &handlers, o, &o->watch, &e)) {
        open_later(o, &e);
    } else {
        o->state = BUCKET_WATCHED;
        o->failed_told = false;
        arm(o);
    }
}

static void open_bucket(struct schedules *o)
{
    kv_ensure(o->kv, on_made, o);
}

/* ---- life ---- */

struct schedules *schedules_open(const struct schedules_options *so)
{
    struct schedules *o = mem_alloc(sizeof *o);
    o->o = *so;
    if (!o->o.now_us)
        o->o.now_us = clock_real_us;
    int64_t half = so->config->nats.duplicate_window_ms / 2;
    o->late_ms = half < SCHEDULE_LATE_MS ? half : SCHEDULE_LATE_MS;
    o->kv = schedule_bucket(so->loop, so->link, so->config, so->subjects);
    list_init(&o->ticks);
    uv_timer_init(so->loop, &o->timer);
    o->timer.data = o;
    open_bucket(o);
    return o;
}

void schedules_stop(struct schedules *o)
{
    if (!o || o->stopped)
        return;
    o->stopped = true;
    uv_timer_stop(&o->timer);
}

static void on_timer_closed(uv_handle_t *h)
{
    struct schedules *o = h->data;
    o->timer_closed = true;
    let_go(o);
}

void schedules_close(struct schedules *o)
{
    if (!o)
        return;
    schedules_stop(o);
    kv_watch_free(o->watch);
    kv_free(o->kv);
    LIST_FOREACH(node, &o->ticks)
    {
        struct tick *t = LIST_ENTRY(node, struct tick, node);
        list_remove(&t->node); /* the list goes before the answer comes */
        tick_abandon(t);
    }
    forget_all(o);
    o->closed = true;
    uv_close((uv_handle_t *)&o->timer, on_timer_closed);
}
