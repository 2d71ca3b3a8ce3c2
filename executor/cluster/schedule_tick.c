/* How this works
 *
 * The bucket has one value a schedule, and in it last_tick: the newest tick that was started. A
 * tick t is due when t > last_tick and t <= now. Then, one tick of a schedule at a time:
 *
 *   READ ──► (LOOK in queue, LATER, results) ──► PUBLISH ──► ADVANCE ──► done
 *
 *   READ     the value and its revision, fresh; what is due of it now.
 *   PUBLISH  the job, id "<name>:<t>", to the jobs stream with the Nats-Msg-Id "<tenant>/<id>": the
 *            stream drops a second one within its duplicate window.
 *   ADVANCE  last_tick = t, on the revision that was read (compare and set).
 *
 * Why a tick is started exactly once. Let d be the duplicate window (2 min) and `late` the least of
 * one minute and d / 2.
 *  - Never lost: last_tick passes t only after the stream has confirmed t's job, or by the
 *    schedule's own policy. Whoever dies before ADVANCE leaves t due for all others.
 *  - Two at once: both publish, the stream keeps one; both advance, one revision is left, the other
 *    gets a conflict and reads again.
 *  - Died after PUBLISH, found within `late` of t: no one publishes t before t, so the first
 *    message is younger than d and the second one is dropped.
 *  - Died after PUBLISH, found later: the window may be over. A tick later than `late` is therefore
 *    looked for before it is published: in the queue from its beginning on, among the jobs that
 *    wait for a retry (ISOLANE_LATER), in what came to the queue meanwhile, in the results. A job
 *    goes queue → LATER → end of the queue, and leaves them only when its result is in the results
 *    stream, each step stored before the one before it is taken away: that order misses none. Two
 *    who look at the same time and find nothing publish within LOOK_GOOD_US < d of each other.
 *  - Died after ADVANCE: nothing is left to do.
 *  - An answer was lost: `started` remembers that t was confirmed, so only ADVANCE is done again.
 *  - Entry changed by a person meanwhile (paused, removed, replaced): the compare fails, it is read
 *    again, and the tick that was published stays `started`. A removed one is not made again.
 *  - Clocks: last_tick only grows. A clock put back waits; one put forward makes missed ticks.
 *    Between workers, clocks may differ by less than `late`.
 * What is left: one that was stopped between looking and sending for longer than d; a queue of more
 * than QUEUE_LOOKS_MAX messages of that tenant and class. Then a second message with the same id is
 * in the queue, and id and results stream still make it one result.
 * (Ticks of a schedule with jitter are late by their own moment, not by the bare tick.)
 *
 * To spare the server, a worker whose message was a duplicate lets the others go first the next
 * time (a fifth of a second at the most): in the end one does the work, the rest see last_tick
 * change.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/fault.h"
#include "base/jv.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/cluster/schedules_inner.h"
#include "link/js.h"
#include "queue/stream/later.h"

#define AGAIN_US        ((int64_t)1000000)
#define SOON_US         ((int64_t)20000) /* after a conflict: somebody was quicker */
#define BEHIND_LEAST_US 20000
#define BEHIND_MOST_US  200000
#define LOOK_GOOD_US    ((int64_t)20000000) /* what was not found may be published for so long */
#define QUEUE_LOOKS_MAX 4096
#define HEADERS_MAX     4096

/* The end of a tick's way. wait_us: until its schedule is looked at again. */
static void tick_end(struct tick *t, int64_t wait_us)
{
    struct schedules *o = t->o;
    struct entry *n = o ? schedules_find(o, t->key) : NULL;
    list_remove(&t->node);
    schedule_clear(&t->s);
    if (o)
        o->under_way--;
    if (n) {
        n->busy = false;
        n->not_before_us = wait_us ? clock_mono_us() + wait_us : 0;
        schedules_set_at(o, n);
    }
    free(t);
    if (o)
        schedules_wake(o);
}

static void tick_failed(struct tick *t, const char *doing, const struct err *why)
{
    if (link_is_up(t->o->o.link))
        log_warn("schedules", "%s: %s: %.500s; trying again", t->key, doing, why->msg);
    tick_end(t, AGAIN_US);
}

static void on_advanced(uint64_t revision, const struct err *why, void *arg)
{
    struct tick *t = arg;
    struct entry *n = schedules_find(t->o, t->key);
    if (why && why->code == ERR_CONFLICT) {
        tick_end(t, SOON_US);
        return;
    }
    if (why) {
        tick_failed(t, "last_tick is not stored", why);
        return;
    }
    fault(F_SCHEDULE_ADVANCED);
    if (n && n->revision <= revision) {
        n->revision = revision;
        n->s.last_tick_s = t->tick_s;
    }
    tick_end(t, 0);
}

static void advance(struct tick *t)
{
    struct buf b = {0};
    struct err e = {0};
    t->s.last_tick_s = t->tick_s;
    schedule_write(&t->s, &b);
    t->through_kv = true;
    int rc = kv_put(t->o->kv, t->key, b.data, b.len, t->revision, on_advanced, t, &e);
    buf_free(&b);
    if (rc)
        tick_failed(t, "last_tick is not stored", &e);
}

static void confirmed(struct tick *t)
{
    struct entry *n = schedules_find(t->o, t->key);
    if (n && n->started_s < t->tick_s)
        n->started_s = t->tick_s;
    advance(t);
}

static int64_t drawn_behind(void)
{
    uint32_t r;
    crypto_random(&r, sizeof r);
    return BEHIND_LEAST_US + (int64_t)(r % (BEHIND_MOST_US - BEHIND_LEAST_US));
}

static void on_published(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct tick *t = arg;
    if (!t->o) {
        tick_end(t, 0);
        return;
    }
    if (why) {
        tick_failed(t, "the queue does not take its job", why);
        return;
    }
    fault(F_SCHEDULE_PUBLISHED);
    struct entry *n = schedules_find(t->o, t->key);
    if (n)
        n->behind_us = duplicate ? drawn_behind() : 0;
    if (!duplicate)
        log_info("schedules", "%s: started %s (message %" PRIu64 ")", t->key, t->id, seq);
    confirmed(t);
}

static void look_in_queue(struct tick *t);

static void publish(struct tick *t)
{
    struct link_header unique = {"Nats-Msg-Id", t->unique};
    char subject[SUBJECT_MAX];
    struct buf b = {0};
    struct err e = {0};
    if (t->looked_us && clock_mono_us() - t->looked_us > LOOK_GOOD_US) {
        t->looked_us = clock_mono_us();
        t->queue_seq = 0;
        t->looks = 0;
        t->later_seen = false;
        look_in_queue(t);
        return;
    }
    subject_job(t->o->o.subjects, t->s.tenant, t->s.cls, subject);
    schedule_message(&t->s, t->id, &b);
    t->through_kv = false;
    int rc =
        js_publish(t->o->o.link, subject, &unique, 1, b.data, b.len, JS_ANY, on_published, t, &e);
    buf_free(&b);
    if (rc)
        tick_failed(t, "the queue does not take its job", &e);
}

/* ---- was a missed one started after all? ---- */

static void on_result(const struct js_message *found, const struct err *why, void *arg)
{
    struct tick *t = arg;
    if (!t->o)
        tick_end(t, 0);
    else if (found)
        confirmed(t);
    else if (why->code == ERR_NOT_FOUND)
        publish(t);
    else
        tick_failed(t, "cannot look for its result", why);
}

static void look_in_results(struct tick *t)
{
    char subject[SUBJECT_MAX];
    struct err e = {0};
    subject_result(t->o->o.subjects, t->s.tenant, t->id, subject);
    if (js_get_last(t->o->o.link, t->o->o.subjects->results_stream, subject, on_result, t, &e))
        tick_failed(t, "cannot look for its result", &e);
}

static void on_later(const struct js_message *found, const struct err *why, void *arg)
{
    struct tick *t = arg;
    if (!t->o) {
        tick_end(t, 0);
    } else if (found) {
        confirmed(t);
    } else if (why->code == ERR_NOT_FOUND) {
        t->later_seen = true;
        look_in_queue(t);
    } else {
        tick_failed(t, "cannot look for it among the jobs that wait", why);
    }
}

static void look_in_later(struct tick *t)
{
    char subject[SUBJECT_MAX];
    struct err e = {0};
    subject_later(t->o->o.subjects, t->s.tenant, t->id, subject);
    if (js_get_last(t->o->o.link, t->o->o.subjects->later_stream, subject, on_later, t, &e))
        tick_failed(t, "cannot look for it among the jobs that wait", &e);
}

/* hdrs of a stored message, base64: has it our Nats-Msg-Id, or is it our job moved back? */
static bool is_ours(const struct tick *t, const struct jv *message)
{
    size_t len = 0, n = 0;
    const char *text = jv_string(jv_get(message, "hdrs"), &len);
    char headers[HEADERS_MAX + 1], line[sizeof "\r\nNats-Msg-Id: \r\n" + sizeof t->unique];
    char moved[sizeof "\r\n" LATER_ID_HEADER ": \r\n" + sizeof t->id];
    if (!text || !crypto_unbase64(text, len, headers, HEADERS_MAX, &n))
        return false;
    snprintf(line, sizeof line, "\r\nNats-Msg-Id: %s\r\n", t->unique);
    snprintf(moved, sizeof moved, "\r\n" LATER_ID_HEADER ": %s\r\n", t->id);
    return memmem(headers, n, line, strlen(line)) || memmem(headers, n, moved, strlen(moved));
}

static void on_queued(const struct jv *doc, const struct err *why, void *arg)
{
    struct tick *t = arg;
    const struct jv *message = doc ? jv_get(doc, "message") : NULL;
    int64_t seq = 0;
    if (!t->o) {
        tick_end(t, 0);
    } else if (why && why->code == ERR_NOT_FOUND) { /* that was the last one */
        if (t->later_seen)
            look_in_results(t);
        else
            look_in_later(t);
    } else if (why) {
        tick_failed(t, "cannot look for it in the queue", why);
    } else if (!message || !jv_int(jv_get(message, "seq"), &seq) || seq < 1) {
        struct err e = {0};
        err_set(&e, ERR_PROTOCOL, "a stored message without a sequence");
        tick_failed(t, "cannot look for it in the queue", &e);
    } else if (is_ours(t, message)) {
        confirmed(t);
    } else {
        t->queue_seq = (uint64_t)seq + 1;
        look_in_queue(t);
    }
}

/* One message of its subject after the other. */
static void look_in_queue(struct tick *t)
{
    char verb[128], body[SUBJECT_MAX + 64], subject[SUBJECT_MAX];
    struct err e = {0};
    t->through_kv = false;
    if (t->looks++ >= QUEUE_LOOKS_MAX) {
        log_warn("schedules", "%s: more than %d jobs wait in front of %s; not looked further",
                 t->key, QUEUE_LOOKS_MAX, t->id);
        look_in_results(t);
        return;
    }
    subject_job(t->o->o.subjects, t->s.tenant, t->s.cls, subject);
    snprintf(verb, sizeof verb, "STREAM.MSG.GET.%s", t->o->o.subjects->jobs_stream);
    snprintf(body, sizeof body, "{\"seq\":%" PRIu64 ",\"next_by_subj\":\"%s\"}", t->queue_seq,
             subject);
    if (js_ask(t->o->o.link, verb, body, on_queued, t, &e))
        tick_failed(t, "cannot look for it in the queue", &e);
}

/* ---- reading ---- */

static void on_read(const struct kv_entry *entry, const struct err *why, void *arg)
{
    struct tick *t = arg;
    struct schedules *o = t->o;
    struct entry *n = schedules_find(o, t->key);
    struct schedule_due due;
    if (!entry && why->code != ERR_NOT_FOUND) {
        tick_failed(t, "cannot read it", why);
        return;
    }
    /* What is removed or bad is dealt with when the watch tells it. */
    if (!entry || !n || o->stopped ||
        schedule_read(t->key, entry->value, entry->len, entry->stored_at_us, &t->s, NULL) ||
        schedule_check_job(&t->s, o->o.config, NULL)) {
        tick_end(t, AGAIN_US);
        return;
    }
    t->revision = entry->revision;
    schedule_due(&t->s, o->o.now_us(), o->late_ms, &due);
    if (due.step == STEP_WAIT) {
        if (n->revision < entry->revision) {
            n->revision = entry->revision;
            n->s.last_tick_s = t->s.last_tick_s;
        }
        /* An older one than what the watch told: the replica that answered is behind. */
        tick_end(t, n->revision > entry->revision ? AGAIN_US : SOON_US);
        return;
    }
    t->tick_s = due.tick_s;
    schedule_tick_id(&t->s, t->tick_s, t->id);
    snprintf(t->unique, sizeof t->unique, "%s/%s", t->s.tenant, t->id);
    if (due.step == STEP_PASS_BY) {
        log_info("schedules", "%s: missed ticks up to %s are passed over (policy %s)", t->key,
                 t->id, schedule_missed_names[t->s.missed]);
        advance(t);
    } else if (t->tick_s <= n->started_s) {
        advance(t);
    } else if (due.missed) {
        t->looked_us = clock_mono_us();
        look_in_queue(t);
    } else {
        publish(t);
    }
}

void tick_begin(struct schedules *o, struct entry *n)
{
    struct tick *t = mem_alloc(sizeof *t);
    struct err e = {0};
    t->o = o;
    t->through_kv = true;
    strcpy(t->key, n->key);
    n->busy = true;
    o->under_way++;
    list_push_back(&o->ticks, &t->node);
    if (!kv_get(o->kv, t->key, on_read, t, &e))
        return;
    n->busy = false;
    n->not_before_us = clock_mono_us() + AGAIN_US;
    o->under_way--;
    list_remove(&t->node);
    free(t);
}

void tick_abandon(struct tick *t)
{
    t->o = NULL;
    if (t->through_kv)
        tick_end(t, 0);
}
