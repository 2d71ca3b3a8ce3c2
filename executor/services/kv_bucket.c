/* A tenant's key-value store as a NATS bucket (link/kv.h), which any NATS client with the rights
 * can read and write as well.
 *
 * How this works: a run keeps a handle on the bucket, and its first call makes sure that the bucket
 * is there (about what a call costs; a server lets questions to a bucket that is not there run into
 * their time-out). Each call is an `ask` that lives until it is answered or its run ends. Watches
 * are streams of lines; a script that reads slower than its keys change gets an error, not ever
 * more memory. */
#include "executor/services/kv_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "executor/services/world.h"
#include "queue/job/job.h"

#define WATCH_WAITING_MAX (256u << 10) /* lines that a script has not read */
#define MESSAGE_SPARE     1024         /* of a stored value: headers, subject */

struct watching {
    struct list node;
    struct kv_watch *watch;
    struct cell_stream *stream; /* NULL: it is over */
    char prefix[KV_KEY_MAX + 1];
    struct buf waiting;
};

/* Of a run. */
struct room {
    struct kv *kv;
    bool ready; /* the bucket is there */
    struct list watches;
    int watch_count;
};

struct ask {
    struct room *room;
    struct service_pending *pending;
    struct cell *cell; /* of the run */
    struct err early;  /* it failed before the call was handed in */
    enum kv_op op;
    char key[KV_KEY_MAX + 1];
    char *value;
    size_t len;
    uint64_t revision;
    int64_t expires_at_ms;
    /* list */
    struct kv_watch *listing;
    char prefix[KV_KEY_MAX + 1], **keys;
    int n, limit;
};

static const char room_key; /* its address */

static void watching_free(struct watching *w)
{
    list_remove(&w->node);
    kv_watch_free(w->watch);
    buf_free(&w->waiting);
    free(w);
}

static void room_end(void *state)
{
    struct room *room = state;
    struct list *n;
    while ((n = list_pop_front(&room->watches)))
        watching_free(LIST_ENTRY(n, struct watching, node));
    kv_free(room->kv);
}

static struct room *room_of(const struct service_call *c)
{
    const struct service_world *world = c->world;
    const struct nats_config *n = &world->config->nats;
    struct room *room = service_state(c->run, &room_key, sizeof *room, room_end);
    char bucket[KV_BUCKET_MAX + 1];
    if (room->kv)
        return room;
    subject_kv_bucket(world->subjects, attempt_job(c->attempt)->tenant, bucket, sizeof bucket);
    const struct kv_options o = {
        .bucket = bucket,
        .about = "what scripts keep with kv",
        .history = 1,
        .ttl_ms = n->kv_max_age_hours * 3600 * 1000,
        .max_bytes = n->kv_max_mb << 20,
        .max_value = KV_VALUE_MAX + MESSAGE_SPARE,
        .replicas = (int)n->replicas,
    };
    room->kv = kv_new(world->loop, world->link, &o);
    list_init(&room->watches);
    return room;
}

/* ---- answers ---- */

static void ask_free(struct ask *a)
{
    kv_watch_free(a->listing);
    for (int i = 0; i < a->n; i++)
        free(a->keys[i]);
    free(a->keys);
    free(a->value);
    free(a);
}

/* The run is over: its room goes with it, and answers that are under way come to nobody. */
static void on_cancel(void *arg)
{
    ask_free(arg);
}

static void answer(struct ask *a, struct buf *b)
{
    struct service_pending *p = a->pending;
    ask_free(a);
    service_answer(p, b->data, b->len);
    buf_free(b);
}

static void refuse(struct ask *a, const struct err *why)
{
    struct service_pending *p = a->pending;
    struct err full = *why;
    /* The server's words for a bucket without room. */
    if (why->code == ERR_PROTOCOL && strstr(why->msg, "maximum bytes"))
        err_set(&full, ERR_LIMIT, "kv: the tenant's store is full (nats.kv_max_mb): %.100s",
                why->msg);
    if (!p) {
        a->early = full;
        return;
    }
    ask_free(a);
    service_refuse(p, &full);
}

static void on_got(const struct kv_entry *entry, const struct err *why, void *arg)
{
    struct ask *a = arg;
    struct buf b = {0};
    if (entry)
        kv_write_entry(&b, entry);
    else if (why->code == ERR_NOT_FOUND)
        buf_adds(&b, "null");
    if (b.len)
        answer(a, &b);
    else
        refuse(a, why);
}

static void on_done(uint64_t revision, const struct err *why, void *arg)
{
    struct ask *a = arg;
    struct buf b = {0};
    if (why) {
        refuse(a, why);
        return;
    }
    kv_write_revision(&b, revision);
    answer(a, &b);
}

/* ---- list ---- */

static void list_is_done(struct ask *a, bool complete)
{
    struct buf b = {0};
    kv_write_keys(&b, a->keys, a->n, complete);
    answer(a, &b);
}

static void forget_listed(struct ask *a, const char *key)
{
    for (int i = 0; i < a->n; i++)
        if (!strcmp(a->keys[i], key)) {
            free(a->keys[i]);
            memmove(&a->keys[i], &a->keys[i + 1], (size_t)(--a->n - i) * sizeof *a->keys);
            return;
        }
}

static void on_listed(const struct kv_entry *entry, void *arg)
{
    struct ask *a = arg;
    bool expired = entry->expires_at_ms && entry->expires_at_ms <= clock_real_us() / 1000;
    if (strncmp(entry->key, a->prefix, strlen(a->prefix)) != 0)
        return;
    forget_listed(a, entry->key); /* one that changes meanwhile is told again */
    if (entry->deleted || expired)
        return;
    if (a->n == a->limit) {
        list_is_done(a, false);
        return;
    }
    a->keys[a->n++] = mem_strdup(entry->key);
}

static void on_list_current(void *arg)
{
    list_is_done(arg, true);
}

static void on_list_failed(const struct err *why, void *arg)
{
    refuse(arg, why);
}

/* The whole tokens of a prefix: what the server can choose by. */
static void pattern_of(const char *prefix, char out[KV_KEY_MAX + 2])
{
    const char *dot = strrchr(prefix, '.');
    snprintf(out, KV_KEY_MAX + 2, "%.*s>", dot ? (int)(dot - prefix) + 1 : 0, prefix);
}

static int list(struct ask *a, struct err *e)
{
    static const struct kv_watch_events ev = {on_listed, on_list_current, on_list_failed};
    char pattern[KV_KEY_MAX + 2];
    pattern_of(a->prefix, pattern);
    if (!a->keys)
        a->keys = mem_alloc((size_t)a->limit * sizeof *a->keys);
    return kv_watch(a->room->kv, pattern, &ev, a, &a->listing, e);
}

/* ---- watch ---- */

static void flush(struct watching *w)
{
    size_t n = cell_stream_room(w->stream);
    if (n > w->waiting.len)
        n = w->waiting.len;
    if (!n)
        return;
    cell_stream_write(w->stream, w->waiting.data, n);
    buf_consume(&w->waiting, n);
}

/* From here on nothing is told any more; the memory goes with the run. */
static void stop_watching(struct watching *w, const struct err *why)
{
    struct cell_stream *s = w->stream;
    w->stream = NULL;
    kv_watch_free(w->watch);
    w->watch = NULL;
    buf_free(&w->waiting);
    if (s && why)
        service_stream_refuse(s, why);
}

static void on_changed(const struct kv_entry *entry, void *arg)
{
    struct watching *w = arg;
    struct err slow;
    if (!w->stream || strncmp(entry->key, w->prefix, strlen(w->prefix)) != 0)
        return;
    kv_write_entry(&w->waiting, entry);
    buf_addc(&w->waiting, '\n');
    flush(w);
    if (w->waiting.len <= WATCH_WAITING_MAX)
        return;
    err_set(&slow, ERR_LIMIT, "kv.watch: %zu bytes of changes wait to be read; allowed: at most %u",
            w->waiting.len, WATCH_WAITING_MAX);
    stop_watching(w, &slow);
}

/* A line without an entry: what was there has been told. */
static void on_watch_current(void *arg)
{
    struct watching *w = arg;
    if (!w->stream)
        return;
    buf_adds(&w->waiting, "{}\n");
    flush(w);
}

static void on_watch_failed(const struct err *why, void *arg)
{
    stop_watching(arg, why);
}

static void on_writable(struct cell_stream *s, void *arg)
{
    (void)s;
    flush(arg);
}

static void on_closed(struct cell_stream *s, bool ok, const char *text, size_t len, void *arg)
{
    struct watching *w = arg;
    (void)s;
    (void)ok;
    (void)text;
    (void)len;
    w->stream = NULL;
    stop_watching(w, NULL);
}

static int watch(struct ask *a, struct err *e)
{
    static const struct cell_stream_events stream_events = {.writable = on_writable,
                                                            .closed = on_closed};
    static const struct kv_watch_events ev = {on_changed, on_watch_current, on_watch_failed};
    struct room *room = a->room;
    char pattern[KV_KEY_MAX + 2];
    if (room->watch_count >= KV_WATCHES_MAX)
        return err_set(e, ERR_LIMIT, "kv.watch: %d watches were begun; allowed: at most %d",
                       room->watch_count, KV_WATCHES_MAX);
    struct watching *w = mem_alloc(sizeof *w);
    snprintf(w->prefix, sizeof w->prefix, "%s", a->prefix);
    pattern_of(a->prefix, pattern);
    list_init(&w->node);
    w->stream = cell_stream_open(a->cell, "kv.watch", 0, &stream_events, w, e);
    int rc = w->stream ? 0 : e->code;
    if (!rc)
        rc = kv_watch(room->kv, pattern, &ev, w, &w->watch, e);
    if (rc) {
        cell_stream_close(w->stream, false, "kv.watch: cannot begin");
        watching_free(w);
        return rc;
    }
    list_push_back(&room->watches, &w->node);
    room->watch_count++;
    struct buf b = {0};
    buf_addf(&b, "{\"stream\":%llu}", (unsigned long long)cell_stream_number(w->stream));
    answer(a, &b);
    return 0;
}

/* ---- the way out ---- */

static int hand_in(struct ask *a, struct err *e)
{
    struct kv *kv = a->room->kv;
    switch (a->op) {
    case KV_GET:
        return kv_get(kv, a->key, on_got, a, e);
    case KV_PUT:
        return kv_put_until(kv, a->key, a->value, a->len, a->revision, a->expires_at_ms, on_done, a,
                            e);
    case KV_DELETE:
        return kv_delete(kv, a->key, a->revision, on_done, a, e);
    case KV_LIST:
        return list(a, e);
    default:
        return watch(a, e);
    }
}

static void on_bucket(const struct err *why, void *arg)
{
    struct ask *a = arg;
    struct err e = {0};
    if (why) {
        refuse(a, why);
        return;
    }
    a->room->ready = true;
    if (hand_in(a, &e))
        refuse(a, &e);
}

int kv_ask_bucket(const struct service_call *c, const struct kv_ask *ask, struct err *e)
{
    if (!link_is_up(c->world->link)) /* from here on failures are told later */
        return err_set(e, ERR_UNAVAILABLE, "kv: the worker has no connection to NATS");
    struct ask *a = mem_alloc(sizeof *a);
    a->room = room_of(c);
    a->cell = c->cell;
    a->op = ask->op;
    if (ask->key)
        snprintf(a->key, sizeof a->key, "%s", ask->key);
    if (ask->prefix)
        snprintf(a->prefix, sizeof a->prefix, "%s", ask->prefix);
    if (ask->value)
        a->value = mem_copy(ask->value, ask->len);
    a->len = ask->len;
    a->revision = ask->revision;
    a->expires_at_ms = ask->expires_at_ms;
    a->limit = ask->limit;
    int rc = 0;
    /* A watch answers at once, which must not be from within this call: it asks every time. */
    if (a->room->ready && a->op != KV_WATCH)
        rc = hand_in(a, e);
    else
        kv_ensure(a->room->kv, on_bucket, a);
    if (a->early.code)
        rc = err_set(e, a->early.code, "%s", a->early.msg);
    if (rc) {
        ask_free(a);
        return rc;
    }
    a->pending = service_later(c, on_cancel, a);
    return SERVICE_LATER;
}
