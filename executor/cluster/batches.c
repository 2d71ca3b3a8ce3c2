/* How this works: every worker follows the records of batches (ISOLANE_GROUPS). While any is open,
 * all ask for one lease; who has it counts them all (batches_count.c), COUNTING_MAX at a time, the
 * rest in turn. Nothing of a count is kept: whoever gets the lease next counts anew from the
 * results stream, so a worker that dies takes nothing along.
 *
 * That a batch has exactly one result does not rest on the lease: the results stream takes one
 * message for each subject. The order is: row committed → result published → record marked. A
 * worker that dies before the publishing leaves a row that it publishes when it counts again, or
 * that stays its own; one that dies before the marking leaves a record that is open, and the next
 * one to look finds the result and marks it. */
#include "executor/cluster/batches_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/fault.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/log.h"
#include "base/mem.h"

#define TICK_MS      1000
#define COUNTING_MAX 64     /* followed at once: a consumer each */
#define OPEN_MAX     100000 /* known here; of more, those come to it that are told later */
#define RECORD_MAX   4096
#define FOLLOW_BATCH 256
#define LEASE_KEY    "batches"
#define INBOX_RANDOM 12

struct batch *batch_find(const struct batches *b, const char *key)
{
    struct batch *x = NULL;
    HASH_FIND_STR(b->open, key, x);
    return x;
}

void batches_maybe_free(struct batches *b)
{
    if (b->closed && b->timer_closed && b->under_way == 0)
        free(b);
}

static bool counts_here(const struct batches *b)
{
    return b->lease && lease_held(b->lease);
}

static void drop(struct batches *b, struct batch *x)
{
    batch_stop(x);
    HASH_DEL(b->open, x);
    free(x);
}

/* ---- how many run: the one that counts asks all ---- */

struct tally {
    struct batches *batches;
    bool any;
};

static struct batch *batch_of_job(const struct batches *b, const char *tenant, const char *id)
{
    char key[BATCH_KEY_TEXT];
    size_t n = strcspn(id, ".");
    if (!id[n] || !batch_id_valid(id, n))
        return NULL;
    snprintf(key, sizeof key, "%s/%.*s", tenant, (int)n, id);
    return batch_find(b, key);
}

static void on_running(const char *tenant, const char *id, void *arg)
{
    struct tally *t = arg;
    struct batch *x = batch_of_job(t->batches, tenant, id);
    if (!x)
        return;
    x->running_now++;
    t->any = true;
}

/* Another worker counts: what runs here. */
static void on_asked(struct link_msg *m, void *arg)
{
    struct batches *b = arg;
    struct tally t = {.batches = b};
    struct buf body = {0};
    struct jsonw w;
    struct err e = {0};
    if (!m->reply || m->status || counts_here(b) || !b->open)
        return;
    b->ctx.each_running(on_running, &t, b->ctx.arg);
    if (!t.any)
        return;
    jsonw_init(&w, &body);
    jsonw_object(&w);
    for (struct batch *x = b->open; x; x = x->hh.next) {
        if (x->running_now) {
            jsonw_text_name(&w, x->key, strlen(x->key));
            jsonw_int(&w, x->running_now);
        }
        x->running_now = 0;
    }
    jsonw_object_end(&w);
    if (link_publish(b->ctx.link, m->reply, NULL, NULL, 0, body.data, body.len, &e))
        log_debug("batches", "cannot answer: %s", e.msg);
    buf_free(&body);
}

static int add_answer(const char *key, const struct jv *v, void *arg)
{
    struct batch *x = batch_find(arg, key);
    int64_t n = 0;
    if (x && jv_int(v, &n) && n > 0 && n <= x->jobs)
        x->running_now += (int)n;
    return 0;
}

static void on_answer(struct link_msg *m, void *arg)
{
    struct jv *doc = NULL;
    if (!m->status && !jv_parse(m->data, m->len, &doc, NULL) && jv_type(doc) == JV_OBJECT)
        jv_each(doc, add_answer, arg);
    jv_free(doc);
}

static void ask_for_running(struct batches *b)
{
    struct tally t = {.batches = b};
    char subject[SUBJECT_MAX];
    struct err e = {0};
    b->ctx.each_running(on_running, &t, b->ctx.arg);
    subject_batches_running(b->ctx.subjects, subject);
    if (link_publish(b->ctx.link, subject, b->inbox, NULL, 0, "", 0, &e))
        log_debug("batches", "cannot ask what runs: %s", e.msg);
}

/* ---- who counts ---- */

static void on_got(struct lease *x, void *arg)
{
    struct batches *b = arg;
    (void)x;
    for (struct batch *one = b->open; one && b->counting < COUNTING_MAX; one = one->hh.next)
        if (one->state == BATCH_OPEN)
            batch_begin(one);
}

static void on_waits(struct lease *x, void *arg)
{
    (void)x; /* another worker counts */
    (void)arg;
}

static void on_lost(struct lease *x, void *arg)
{
    struct batches *b = arg;
    lease_release(x);
    b->lease = NULL; /* the next tick asks again */
    for (struct batch *one = b->open; one; one = one->hh.next)
        batch_stop(one);
}

static void on_tick(uv_timer_t *t)
{
    static const struct lease_events handlers = {on_got, on_waits, on_lost};
    struct batches *b = t->data;
    struct batch *x, *next;
    if (!b->open) {
        uv_timer_stop(t);
        lease_release(b->lease);
        b->lease = NULL;
        return;
    }
    if (!b->lease)
        b->lease = lease_ask(b->ctx.leases, LEASE_KEY, 1, &handlers, b);
    HASH_ITER(hh, b->open, x, next)
    {
        if (x->state == BATCH_MARKING)
            batch_mark(x);
        else if (x->state == BATCH_OPEN && counts_here(b) && b->counting < COUNTING_MAX)
            batch_begin(x);
        else
            batch_tick(x);
    }
    if (b->counting)
        ask_for_running(b);
}

/* ---- records ---- */

static bool read_record(const struct follow_message *m, int64_t *jobs, bool *ended)
{
    struct jv *doc = NULL;
    bool good = m->m->len <= RECORD_MAX && !jv_parse(m->m->data, m->m->len, &doc, NULL) &&
                jv_type(doc) == JV_OBJECT && jv_int(jv_get(doc, "jobs"), jobs) && *jobs >= 1 &&
                *jobs <= BATCH_JOBS_MAX;
    if (good)
        *ended = jv_is_true(jv_get(doc, "ended"));
    jv_free(doc);
    return good;
}

static void on_record(const struct follow_message *m, void *arg)
{
    struct batches *b = arg;
    char tenant[TENANT_NAME_MAX + 1], key[BATCH_KEY_TEXT];
    const char *id = NULL;
    int64_t jobs = 0;
    bool ended = false;
    if (!subject_parse_id(b->ctx.subjects, "batches", m->m->subject, tenant, sizeof tenant, &id) ||
        !batch_id_valid(id, strlen(id)) || !read_record(m, &jobs, &ended)) {
        log_warn("batches", "the record on '%.200s' is none: allowed: {\"jobs\": 1 to %d}",
                 m->m->subject, BATCH_JOBS_MAX);
        return;
    }
    snprintf(key, sizeof key, "%s/%s", tenant, id);
    struct batch *x = batch_find(b, key);
    if (ended) {
        if (x && x->state != BATCH_ENDING)
            drop(b, x);
        return;
    }
    if (!x && HASH_COUNT(b->open) >= OPEN_MAX)
        return;
    if (!x) {
        x = mem_alloc(sizeof *x);
        x->all = b;
        memcpy(x->key, key, sizeof key);
        snprintf(x->tenant, sizeof x->tenant, "%s", tenant);
        snprintf(x->id, sizeof x->id, "%s", id);
        HASH_ADD_STR(b->open, key, x);
    }
    x->jobs = jobs;
    x->stored_at_us = m->stored_at_us;
    if (!uv_is_active((uv_handle_t *)&b->tick))
        uv_timer_start(&b->tick, on_tick, 0, TICK_MS);
}

static void on_failed(const struct err *why, void *arg)
{
    struct batches *b = arg;
    log_debug("batches", "records cannot be followed: %s", why->msg);
    follow_close(b->records); /* cancels.c follows the same stream: batches_there() comes again */
    b->records = NULL;
}

void batches_there(struct batches *b)
{
    static const struct follow_events handlers = {.message = on_record, .failed = on_failed};
    char filter[SUBJECT_MAX];
    struct err e = {0};
    if (!b || b->records)
        return;
    subject_batch(b->ctx.subjects, "*", "*", filter);
    const struct follow_options o = {.stream = b->ctx.subjects->groups_stream,
                                     .filter = filter,
                                     .last_each = true,
                                     .batch = FOLLOW_BATCH};
    if (follow_open(b->ctx.loop, b->ctx.link, &o, &handlers, b, &b->records, &e))
        log_warn("batches", "records cannot be followed: %s", e.msg);
}

void batches_settled(struct batches *b, const char *tenant, const char *id)
{
    char key[BATCH_KEY_TEXT];
    if (!b || !b->open)
        return;
    snprintf(key, sizeof key, "%s/%s", tenant, id);
    struct batch *x = batch_find(b, key);
    if (!x || x->state != BATCH_ENDING)
        return;
    fault(F_BATCH_PUBLISHED);
    x->state = BATCH_MARKING;
    batch_mark(x);
}

/* ---- life ---- */

struct batches *batches_open(const struct batches_context *ctx)
{
    struct batches *b = mem_alloc(sizeof *b);
    uint8_t random[INBOX_RANDOM];
    char text[INBOX_RANDOM * 2 + 1], subject[SUBJECT_MAX];
    struct err e = {0};
    b->ctx = *ctx;
    uv_timer_init(ctx->loop, &b->tick);
    uv_unref((uv_handle_t *)&b->tick);
    b->tick.data = b;
    crypto_random(random, sizeof random);
    crypto_hex(random, sizeof random, text);
    snprintf(b->inbox, sizeof b->inbox, "_INBOX.%s", text);
    subject_batches_running(ctx->subjects, subject);
    if (link_subscribe(ctx->link, subject, NULL, 0, on_asked, b, &b->asked_sub, &e) ||
        link_subscribe(ctx->link, b->inbox, NULL, 0, on_answer, b, &b->answer_sub, &e))
        log_warn("batches", "what runs of a batch will not be known: %s", e.msg);
    return b;
}

static void on_timer_closed(uv_handle_t *t)
{
    struct batches *b = t->data;
    b->timer_closed = true;
    batches_maybe_free(b);
}

void batches_close(struct batches *b)
{
    struct batch *x, *next;
    if (!b)
        return;
    b->closed = true;
    HASH_ITER(hh, b->open, x, next)
    {
        drop(b, x);
    }
    lease_release(b->lease);
    follow_close(b->records);
    link_unsubscribe(b->asked_sub);
    link_unsubscribe(b->answer_sub);
    uv_close((uv_handle_t *)&b->tick, on_timer_closed);
}
