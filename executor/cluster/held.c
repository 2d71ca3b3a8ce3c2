/* How this works
 *
 * Two messages a job, in one stream that keeps the newest of each subject:
 *   isolane.held.<tenant>.<id>   the job's message as it was published, byte for byte
 *   isolane.waits.<tenant>.<id>  which jobs it waits for, until when (small: every worker follows
 *                                these and keeps them in a table, found by what is waited for)
 *
 * Held:      copy stored → entry stored → the delivery is acked → the entry is checked.
 * Put back:  copy published to the jobs stream → confirmed → copy and entry deleted.
 * There the job is looked up like one that comes for the first time (after.c): the results stream
 * alone decides whether it runs; this file only has to see to it that a job which is ready is put
 * back at least once, soon. Whoever publishes a result checks the entries that wait for it; an
 * entry is checked by asking the results stream.
 *
 * Every order of events:
 * - The result was there before the job came: after.c saw it.
 * - It comes between that look and the entry: whoever stored the entry checks it once it is
 *   confirmed, so a result stored before is found.
 * - It comes behind the entry, published by a worker that has not yet been told of the entry: when
 *   it is told, its own database has the result (a row is durable before it is published), and it
 *   checks the entry.
 * - Two parents end at once on two workers: each asks the results stream behind its own confirmed
 *   publish, so the later of the two finds both. Both may put the job back: the same Nats-Msg-Id.
 * - A worker is killed between copy and entry: the delivery was not acked and comes again.
 *   Between entry and ack: it comes again, and waits or runs; then held_forget() takes the copy
 *   away, and what was put back meanwhile finds a result, or its twin in custody.
 *   Between result and check, or between put back and deletion: sweep() of any worker. Put back a
 *   second time within the duplicate window it is dropped by the server, later it finds its result.
 * - A replica of the server answers from the past: an entry is dropped only after MISSES answers
 *   that it is gone; a parent that is not seen is asked for again by sweep().
 * - The same id is published twice: the later copy replaces the earlier; an entry stands for
 *   whichever copy is there.
 * - What is waited for never comes (a cycle, too): at `until` the job is put back in any case, and
 *   after.c ends it. */
#include "executor/cluster/held_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/cluster/parents.h"
#include "queue/job/signature.h"
#include "results/store.h"

#define FOLLOW_BATCH 256
#define SWEEP_MS     1000
#define SWEEP_LEAST  16  /* entries looked at in one sweep … */
#define SWEEP_PART   64  /* … or that part of all … */
#define SWEEP_MOST   256 /* … up to this */
#define MISSES       3

void held_maybe_free(struct held *h)
{
    if (h->closed && h->timer_closed && h->under_way == 0)
        free(h);
}

/* ---- one entry is checked ---- */

/* An answer finds its entry by name and sequence: it may be gone or replaced meanwhile. */
struct step {
    struct held *held;
    char key[NAME_TEXT];
    uint64_t seq;      /* of the entry */
    int parent;        /* index of the edge asked for */
    uint64_t copy_seq; /* of the copy that was put back */
};

static struct step *step_new(struct held *h, const struct entry *x)
{
    struct step *s = mem_alloc(sizeof *s);
    s->held = h;
    memcpy(s->key, x->key, sizeof s->key);
    s->seq = x->seq;
    h->under_way++;
    return s;
}

/* Ends a step: its entry, or NULL. *h is gone when this was the last of a closed one. */
static struct entry *step_end(struct step *s, struct held **h)
{
    struct entry *x = s->held->closed ? NULL : held_find(s->held, s->key);
    *h = s->held;
    s->held->under_way--;
    if (x && x->seq != s->seq)
        x = NULL;
    if (s->held->closed) {
        held_maybe_free(s->held);
        *h = NULL;
    }
    free(s);
    return x;
}

static void check_ended(struct held *h, struct entry *x)
{
    x->busy = false;
    if (x->again)
        held_check(h, x);
}

static void on_deleted(const struct jv *doc, const struct err *why, void *arg)
{
    (void)doc;
    (void)arg;
    if (why && why->code != ERR_NOT_FOUND)
        log_debug("held", "a message is not deleted: %s", why->msg);
}

static void delete_message(struct held *h, uint64_t seq)
{
    char verb[128], body[64];
    struct err e = {0};
    snprintf(verb, sizeof verb, "STREAM.MSG.DELETE.%s", h->ctx.subjects->held_stream);
    snprintf(body, sizeof body, "{\"seq\":%" PRIu64 ",\"no_erase\":true}", seq);
    if (js_ask(h->ctx.link, verb, body, on_deleted, NULL, &e))
        log_debug("held", "a message is not deleted: %s", e.msg);
}

static void on_put_back(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct step *s = arg;
    uint64_t copy_seq = s->copy_seq, entry_seq = s->seq;
    struct held *h;
    (void)seq;
    (void)duplicate; /* another worker was quicker */
    struct entry *x = step_end(s, &h);
    if (!h)
        return;
    if (why) { /* the queue is full, or no connection: sweep() tries again */
        log_debug("held", "a job is not put back yet: %s", why->msg);
        if (x)
            x->busy = false;
        return;
    }
    fault(F_HELD_PUT_BACK);
    delete_message(h, copy_seq);
    delete_message(h, entry_seq);
    if (x)
        held_drop(h, x);
}

static void on_copy(const struct js_message *found, const struct err *why, void *arg)
{
    struct step *s = arg;
    struct held *h;
    struct entry *x = step_end(s, &h);
    struct link_header headers[3];
    char subject[SUBJECT_MAX], unique[SUBJECT_MAX];
    struct err e = {0};
    int n = 0;
    if (!x)
        return;
    if (!found) {
        x->busy = false;
        if (why->code == ERR_NOT_FOUND && ++x->copy_misses >= MISSES) { /* another put it back */
            delete_message(h, x->seq);
            held_drop(h, x);
        }
        return;
    }
    x->copy_misses = 0;
    snprintf(unique, sizeof unique, "%s/held/%" PRIu64, x->key, found->seq);
    headers[n++] = (struct link_header){"Nats-Msg-Id", unique};
    for (size_t i = 0; i < 2; i++) {
        const char *name = i ? PUBLISHED_HEADER : SIGNATURE_HEADER;
        const char *value = link_msg_header(found->m, name);
        if (value)
            headers[n++] = (struct link_header){name, value};
    }
    subject_job(h->ctx.subjects, x->tenant, x->cls, subject);
    struct step *next = step_new(h, x);
    next->copy_seq = found->seq;
    if (js_publish(h->ctx.link, subject, headers, n, found->m->data, found->m->len, JS_ANY,
                   on_put_back, next, &e)) {
        x->busy = false;
        step_end(next, &h);
    }
}

static void put_back(struct held *h, struct entry *x)
{
    char subject[SUBJECT_MAX];
    struct err e = {0};
    struct step *s = step_new(h, x);
    subject_held(h->ctx.subjects, x->tenant, x->id, subject);
    if (js_get_last(h->ctx.link, h->ctx.subjects->held_stream, subject, on_copy, s, &e)) {
        x->busy = false;
        step_end(s, &h);
    }
}

static void on_parent(const struct js_message *found, const struct err *why, void *arg)
{
    struct step *s = arg;
    struct held *h;
    int parent = s->parent;
    char outcome[24];
    struct entry *x = step_end(s, &h);
    if (!x)
        return;
    if (!found) {
        if (why->code != ERR_NOT_FOUND)
            log_debug("held", "%s: %s", x->key, why->msg);
        check_ended(h, x);
        return;
    }
    x->edges[parent].known = true;
    bool ok = parents_outcome(found->m->data, found->m->len, outcome) && strcmp(outcome, "ok") == 0;
    if (!ok && !x->runs_anyway)
        x->release_now = true;
    x->busy = false;
    held_check(h, x);
}

/* Asks for one parent after the other until one has no result; puts the job back when all have. */
void held_check(struct held *h, struct entry *x)
{
    char subject[SUBJECT_MAX];
    struct err e = {0};
    int i = 0;
    if (x->busy) {
        x->again = true;
        return;
    }
    x->busy = true;
    x->again = false;
    while (i < x->n && x->edges[i].known)
        i++;
    if (i == x->n || x->release_now || clock_real_us() >= x->until_us ||
        h->ctx.cancelled(x->tenant, x->id, x->published_at_us, h->ctx.arg)) {
        put_back(h, x);
        return;
    }
    struct step *s = step_new(h, x);
    s->parent = i;
    const char *id = strchr(x->edges[i].awaited->key, '/') + 1;
    subject_result(h->ctx.subjects, x->tenant, id, subject);
    if (js_get_last(h->ctx.link, h->ctx.subjects->results_stream, subject, on_parent, s, &e)) {
        x->busy = false;
        step_end(s, &h);
    }
}

/* ---- those that other workers put back, and all that went wrong ---- */

static void on_still_there(const struct js_message *found, const struct err *why, void *arg)
{
    struct step *s = arg;
    struct held *h;
    struct entry *x = step_end(s, &h);
    if (!x)
        return;
    x->busy = false;
    if (!found && why->code == ERR_NOT_FOUND && ++x->misses >= MISSES) {
        held_drop(h, x);
        return;
    }
    if (found)
        x->misses = 0;
    held_check(h, x);
}

static void sweep_one(struct held *h, struct entry *x)
{
    char subject[SUBJECT_MAX];
    struct err e = {0};
    if (x->busy)
        return;
    struct step *s = step_new(h, x);
    x->busy = true;
    subject_waits(h->ctx.subjects, x->tenant, x->id, subject);
    if (js_get_last(h->ctx.link, h->ctx.subjects->held_stream, subject, on_still_there, s, &e)) {
        x->busy = false;
        step_end(s, &h);
    }
}

static void sweep(uv_timer_t *t)
{
    struct held *h = t->data;
    int count = (int)HASH_COUNT(h->entries), n = count / SWEEP_PART;
    if (count == 0) {
        uv_timer_stop(t);
        return;
    }
    if (!link_is_up(h->ctx.link))
        return;
    n = n < SWEEP_LEAST ? SWEEP_LEAST : n > SWEEP_MOST ? SWEEP_MOST : n;
    for (int i = 0; i < n && i < count; i++) {
        struct list *first = list_pop_front(&h->all);
        list_push_back(&h->all, first);
        sweep_one(h, LIST_ENTRY(first, struct entry, node));
    }
}

void held_sweep_on(struct held *h)
{
    if (!uv_is_active((uv_handle_t *)&h->sweep))
        uv_timer_start(&h->sweep, sweep, SWEEP_MS, SWEEP_MS);
}

/* ---- entries come ---- */

static bool one_is_ours(const struct held *h, const struct entry *x)
{
    for (int i = 0; i < x->n; i++)
        if (store_has(h->ctx.store, x->tenant, strchr(x->edges[i].awaited->key, '/') + 1))
            return true;
    return false;
}

static void on_entry(const struct follow_message *m, void *arg)
{
    struct held *h = arg;
    char tenant[TENANT_NAME_MAX + 1];
    const char *id;
    if (!subject_parse_waits(h->ctx.subjects, m->m->subject, tenant, sizeof tenant, &id))
        return;
    struct entry *x = held_add(h, tenant, id, m->seq, m->m->data, m->m->len);
    if (x &&
        (one_is_ours(h, x) || h->ctx.cancelled(x->tenant, x->id, x->published_at_us, h->ctx.arg)))
        held_check(h, x);
}

static void on_failed(const struct err *why, void *arg)
{
    struct held *h = arg;
    log_warn("held", "jobs that wait for others cannot be followed: %s; trying again", why->msg);
    follow_close(h->follow);
    h->follow = NULL;
    groups_stream_lost(h->stream);
}

static void on_there(void *arg)
{
    static const struct follow_events handlers = {.message = on_entry, .failed = on_failed};
    struct held *h = arg;
    char filter[SUBJECT_MAX];
    struct err e = {0};
    subject_waits(h->ctx.subjects, "*", ">", filter);
    const struct follow_options o = {
        .stream = h->ctx.subjects->held_stream, .filter = filter, .batch = FOLLOW_BATCH};
    h->there = true;
    if (follow_open(h->ctx.loop, h->ctx.link, &o, &handlers, h, &h->follow, &e))
        groups_stream_lost(h->stream);
}

/* ---- asked by others ---- */

void held_finished(struct held *h, const char *tenant, const char *id)
{
    char key[NAME_TEXT];
    struct awaited *a = NULL;
    if (!h || !h->entries)
        return;
    held_key(key, tenant, id);
    HASH_FIND_STR(h->awaited, key, a);
    if (!a)
        return;
    LIST_FOREACH(n, &a->edges)
    {
        held_check(h, LIST_ENTRY(n, struct edge, node)->entry);
    }
}

static void on_forgotten(const struct js_message *found, const struct err *why, void *arg)
{
    struct held *h = arg;
    (void)why;
    if (found && !h->closed)
        delete_message(h, found->seq);
    h->under_way--;
    held_maybe_free(h);
}

void held_forget(struct held *h, const char *tenant, const char *id)
{
    char subject[SUBJECT_MAX], key[NAME_TEXT];
    struct err e = {0};
    held_key(key, tenant, id);
    struct entry *x = held_find(h, key);
    if (x)
        held_drop(h, x);
    for (int i = 0; i < 2; i++) {
        if (i)
            subject_held(h->ctx.subjects, tenant, id, subject);
        else
            subject_waits(h->ctx.subjects, tenant, id, subject);
        h->under_way++;
        if (js_get_last(h->ctx.link, h->ctx.subjects->held_stream, subject, on_forgotten, h, &e))
            h->under_way--;
    }
}

static struct entry *find_id(const struct held *h, const char *tenant, const char *id)
{
    char key[NAME_TEXT];
    if (tenant) {
        held_key(key, tenant, id);
        return held_find(h, key);
    }
    for (struct entry *x = h->entries; x; x = x->hh.next)
        if (!strcmp(x->id, id))
            return x;
    return NULL;
}

bool held_has(const struct held *h, const char *tenant, const char *id)
{
    return find_id(h, tenant, id) != NULL;
}

bool held_release(struct held *h, const char *tenant, const char *id)
{
    struct entry *x = find_id(h, tenant, id);
    if (!x)
        return false;
    x->release_now = true;
    held_check(h, x);
    return true;
}

void held_look_for_cancelled(struct held *h)
{
    LIST_FOREACH(n, &h->all)
    {
        struct entry *x = LIST_ENTRY(n, struct entry, node);
        if (h->ctx.cancelled(x->tenant, x->id, x->published_at_us, h->ctx.arg))
            held_check(h, x);
    }
}

/* ---- life ---- */

struct held *held_open(const struct held_context *ctx)
{
    struct held *h = mem_alloc(sizeof *h);
    char copies[SUBJECT_MAX], entries[SUBJECT_MAX], config[1024 + 2 * SUBJECT_MAX];
    const struct nats_config *c = &ctx->config->nats;
    h->ctx = *ctx;
    list_init(&h->all);
    uv_timer_init(ctx->loop, &h->sweep);
    h->sweep.data = h;
    subject_held(ctx->subjects, "*", ">", copies);
    subject_waits(ctx->subjects, "*", ">", entries);
    snprintf(config, sizeof config,
             "{\"name\":\"%s\",\"subjects\":[\"%s\",\"%s\"],\"retention\":\"limits\","
             "\"storage\":\"file\",\"discard\":\"new\",\"max_msgs_per_subject\":1,"
             "\"max_msgs\":%" PRId64 ",\"max_bytes\":%" PRId64
             ",\"num_replicas\":%d,\"allow_direct\":true}",
             ctx->subjects->held_stream, copies, entries, 2 * c->max_held, c->max_queued_mb << 20,
             (int)c->replicas);
    h->stream =
        groups_stream_open(ctx->loop, ctx->link, ctx->subjects->held_stream, config, on_there, h);
    return h;
}

static void on_timer_closed(uv_handle_t *t)
{
    struct held *h = t->data;
    h->timer_closed = true;
    held_maybe_free(h);
}

void held_close(struct held *h)
{
    struct entry *x, *next;
    if (!h)
        return;
    h->closed = true;
    follow_close(h->follow);
    groups_stream_close(h->stream);
    HASH_ITER(hh, h->entries, x, next)
    {
        held_drop(h, x);
    }
    uv_close((uv_handle_t *)&h->sweep, on_timer_closed);
}
