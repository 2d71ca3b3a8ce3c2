#include "link/obj_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

/* How this works
 *
 *   LOOKING ──► SENDING ──► DESCRIBING ──► OVER
 *      └───────────┴──────────────┴──── a refusal: what was sent is purged ──► OVER
 *
 * The object that stands under the name is looked up first: its chunks are purged when the new one
 * has taken its place. Chunks go out as they fill, at most OBJ_WINDOW without a confirmation; what
 * comes beyond that waits in `held`, which the caller bounds by waiting for `room`. */

enum put_state { LOOKING, SENDING, DESCRIBING, OVER };

struct obj_put {
    struct obj *o;
    enum put_state state;
    struct obj_info info;
    struct obj_put_events ev;
    void *arg;
    struct sha256 hash;
    char before[65]; /* nuid of the object that is replaced, "": none */
    struct buf held;
    size_t chunk;
    int in_flight;
    bool ended, wants_room;
    bool freed, busy; /* freed by its owner; an event is being told */
    bool failed;
    struct err why;
};

static void maybe_free(struct obj_put *p)
{
    if (!p->freed || p->busy || p->in_flight > 0 || p->state == LOOKING || p->state == DESCRIBING)
        return;
    struct obj *o = p->o;
    buf_free(&p->held);
    free(p);
    obj_let_go(o);
}

static void over(struct obj_put *p, const struct err *why)
{
    bool told = p->freed;
    p->state = OVER;
    if (why)
        obj_purge(p->o, p->info.nuid);
    else if (*p->before)
        obj_purge(p->o, p->before);
    p->busy = true;
    if (!told)
        p->ev.done(why ? NULL : &p->info, why, p->arg);
    p->busy = false;
    maybe_free(p);
}

static void fail(struct obj_put *p, const struct err *why)
{
    if (!p->failed)
        p->why = *why;
    p->failed = true;
}

static void step(struct obj_put *p);

static void on_chunk(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct obj_put *p = arg;
    (void)seq;
    (void)duplicate;
    p->in_flight--;
    if (why)
        fail(p, why);
    step(p);
}

static void on_described(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct obj_put *p = arg;
    (void)seq;
    (void)duplicate;
    over(p, why);
}

static void describe(struct obj_put *p)
{
    uint8_t digest[SHA256_LEN];
    struct err e = {0};
    crypto_sha256_end(&p->hash, digest);
    crypto_hex(digest, sizeof digest, p->info.sha256);
    p->state = DESCRIBING;
    if (obj_write_info(p->o, &p->info, on_described, p, &e))
        over(p, &e);
}

static void send_chunks(struct obj_put *p)
{
    char subject[SUBJECT_MAX];
    size_t at = 0;
    obj_chunk_subject(p->o, p->info.nuid, subject);
    while (!p->failed && p->in_flight < OBJ_WINDOW &&
           (p->held.len - at >= p->chunk || (p->ended && p->held.len > at))) {
        struct err e = {0};
        size_t n = p->held.len - at < p->chunk ? p->held.len - at : p->chunk;
        if (js_publish(p->o->link, subject, NULL, 0, p->held.data + at, n, JS_ANY, on_chunk, p,
                       &e)) {
            fail(p, &e);
            break;
        }
        p->in_flight++;
        p->info.chunks++;
        at += n;
    }
    buf_consume(&p->held, at);
}

static bool has_room(const struct obj_put *p)
{
    return p->held.len < p->chunk * OBJ_WINDOW;
}

/* The one place that moves it on. */
static void step(struct obj_put *p)
{
    if (p->state != SENDING)
        return;
    if (p->freed && !p->failed) {
        struct err e;
        err_set(&e, ERR_UNAVAILABLE, "the put was broken off");
        fail(p, &e);
    }
    send_chunks(p);
    if (p->failed) {
        if (p->in_flight == 0 && (p->ended || p->freed || p->wants_room))
            over(p, &p->why);
        return;
    }
    if (p->ended && p->held.len == 0 && p->in_flight == 0) {
        describe(p);
        return;
    }
    if (p->wants_room && has_room(p)) {
        p->wants_room = false;
        p->busy = true;
        p->ev.room(p->arg);
        p->busy = false;
        if (p->freed)
            step(p);
    }
}

static void on_before(const struct obj_info *info, const struct err *why, void *arg)
{
    struct obj_put *p = arg;
    p->state = SENDING;
    if (info && !info->deleted)
        strcpy(p->before, info->nuid);
    else if (why && why->code != ERR_NOT_FOUND && why->code != ERR_CORRUPT)
        fail(p, why);
    step(p);
}

int obj_put_begin(struct obj *o, const char *name, const struct obj_put_events *ev, void *arg,
                  struct obj_put **out, struct err *e)
{
    uint8_t random[OBJ_NUID_HEX / 2];
    struct obj_put *p = mem_alloc(sizeof *p);
    int64_t most = link_max_payload(o->link) / 2; /* room for subject and headers */
    p->o = o;
    p->ev = *ev;
    p->arg = arg;
    p->chunk = most > 0 && (size_t)most < OBJ_CHUNK ? (size_t)most : OBJ_CHUNK;
    crypto_random(random, sizeof random);
    crypto_hex(random, sizeof random, p->info.nuid);
    crypto_sha256_begin(&p->hash);
    int rc = obj_look_up(o, name, on_before, p, e);
    if (rc) {
        free(p);
        return rc;
    }
    strcpy(p->info.name, name);
    o->under_way++;
    *out = p;
    return 0;
}

bool obj_put_add(struct obj_put *p, const void *data, size_t len)
{
    CHECK(!p->ended && !p->freed);
    p->info.size += len;
    crypto_sha256_add(&p->hash, data, len);
    if (!p->failed)
        buf_add(&p->held, data, len);
    if (p->state == SENDING)
        send_chunks(p);
    p->wants_room = !p->failed && !has_room(p);
    return !p->wants_room;
}

void obj_put_end(struct obj_put *p)
{
    CHECK(!p->ended && !p->freed);
    p->ended = true;
    step(p);
}

void obj_put_free(struct obj_put *p)
{
    if (!p || p->freed)
        return;
    p->freed = true;
    if (p->state == SENDING && !p->busy && p->in_flight == 0)
        step(p);
    else
        maybe_free(p);
}
