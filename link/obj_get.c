#include "link/obj_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "link/follow.h"

#define CHUNKS_AT_ONCE 8
#define LISTED_AT_ONCE 256

/* ---- bytes ---- */

struct obj_get {
    struct obj *o;
    struct obj_info info;
    struct obj_get_events ev;
    void *arg;
    struct sha256 hash;
    uint64_t size, chunks; /* told so far */
    struct follow *follow;
    struct buf held; /* came while it was paused */
    bool looking, over, freed, busy, paused;
};

static void get_maybe_free(struct obj_get *g)
{
    if (!g->freed || g->looking || g->busy)
        return;
    struct obj *o = g->o;
    follow_close(g->follow);
    buf_free(&g->held);
    free(g);
    obj_let_go(o);
}

static void get_over(struct obj_get *g, const struct err *why)
{
    g->over = true;
    follow_close(g->follow);
    g->follow = NULL;
    g->busy = true;
    if (!g->freed)
        g->ev.done(why ? NULL : &g->info, why, g->arg);
    g->busy = false;
    get_maybe_free(g);
}

static void get_check(struct obj_get *g)
{
    uint8_t digest[SHA256_LEN];
    char hex[SHA256_HEX];
    struct err e = {0};
    crypto_sha256_end(&g->hash, digest);
    crypto_hex(digest, sizeof digest, hex);
    if (g->size != g->info.size)
        err_set(&e, ERR_CORRUPT,
                "object %s: its chunks have %" PRIu64 " bytes; it should have %" PRIu64,
                g->info.name, g->size, g->info.size);
    else if (*g->info.sha256 && strcmp(hex, g->info.sha256))
        err_set(&e, ERR_CORRUPT, "object %s: its bytes have the SHA-256 %s; it should be %s",
                g->info.name, hex, g->info.sha256);
    strcpy(g->info.sha256, hex);
    get_over(g, e.code ? &e : NULL);
}

static void on_chunk(const struct follow_message *m, void *arg)
{
    struct obj_get *g = arg;
    if (g->over)
        return;
    g->chunks++;
    g->size += m->m->len;
    crypto_sha256_add(&g->hash, m->m->data, m->m->len);
    if (g->size > g->info.size) {
        get_check(g);
        return;
    }
    if (g->paused)
        buf_add(&g->held, m->m->data, m->m->len);
    else
        g->ev.data(m->m->data, m->m->len, g->arg);
    if (g->chunks == g->info.chunks && !g->paused)
        get_check(g);
}

void obj_get_pause(struct obj_get *g, bool paused)
{
    if (g->over || g->paused == paused)
        return;
    g->paused = paused;
    if (paused) {
        if (g->follow)
            follow_pause(g->follow, true);
        return;
    }
    if (g->held.len > 0) {
        struct buf told = g->held; /* `data` may pause again */
        g->held = (struct buf){0};
        g->ev.data(told.data, told.len, g->arg);
        buf_free(&told);
    }
    if (g->paused)
        return;
    if (g->follow && g->chunks == g->info.chunks)
        get_check(g);
    else if (g->follow)
        follow_pause(g->follow, false);
}

static void on_end(void *arg)
{
    struct obj_get *g = arg;
    struct err e = {0};
    if (g->over || g->chunks == g->info.chunks) /* or all are here, some of them held */
        return;
    err_set(&e, ERR_CORRUPT, "object %s: only %" PRIu64 " of its %" PRIu64 " chunks are there",
            g->info.name, g->chunks, g->info.chunks);
    get_over(g, &e);
}

static void on_get_failed(const struct err *why, void *arg)
{
    struct obj_get *g = arg;
    if (!g->over)
        get_over(g, why);
}

static void on_info(const struct obj_info *info, const struct err *why, void *arg)
{
    static const struct follow_events handlers = {on_chunk, on_end, on_get_failed};
    struct obj_get *g = arg;
    struct err e = {0};
    char subject[SUBJECT_MAX];
    g->looking = false;
    if (g->freed) {
        get_maybe_free(g);
        return;
    }
    if (why) {
        get_over(g, why);
        return;
    }
    g->info = *info;
    g->busy = true;
    if (g->ev.found)
        g->ev.found(&g->info, g->arg);
    g->busy = false;
    if (g->freed) {
        get_maybe_free(g);
        return;
    }
    if (info->chunks == 0) {
        get_check(g);
        return;
    }
    obj_chunk_subject(g->o, info->nuid, subject);
    struct follow_options o = {.stream = g->o->stream, .filter = subject, .batch = CHUNKS_AT_ONCE};
    if (follow_open(g->o->loop, g->o->link, &o, &handlers, g, &g->follow, &e))
        get_over(g, &e);
    else if (g->paused)
        follow_pause(g->follow, true);
}

int obj_get_begin(struct obj *o, const char *name, const struct obj_get_events *ev, void *arg,
                  struct obj_get **out, struct err *e)
{
    struct obj_get *g = mem_alloc(sizeof *g);
    g->o = o;
    g->ev = *ev;
    g->arg = arg;
    g->looking = true;
    crypto_sha256_begin(&g->hash);
    int rc = obj_get_info(o, name, on_info, g, e);
    if (rc) {
        free(g);
        return rc;
    }
    o->under_way++;
    *out = g;
    return 0;
}

void obj_get_free(struct obj_get *g)
{
    if (!g || g->freed)
        return;
    g->freed = true;
    get_maybe_free(g);
}

/* ---- names ---- */

struct obj_list {
    struct obj *o;
    struct obj_list_events ev;
    void *arg;
    struct follow *follow;
    bool over, freed, busy;
};

static void list_maybe_free(struct obj_list *l)
{
    if (!l->freed || l->busy)
        return;
    struct obj *o = l->o;
    follow_close(l->follow);
    free(l);
    obj_let_go(o);
}

static void list_over(struct obj_list *l, const struct err *why)
{
    if (l->over)
        return;
    l->over = true;
    l->busy = true;
    l->ev.done(why, l->arg);
    l->busy = false;
    list_maybe_free(l);
}

static void on_listed(const struct follow_message *m, void *arg)
{
    struct obj_list *l = arg;
    struct obj_info info;
    struct err e;
    /* What another client wrote wrongly is not listed: it cannot be read either. */
    if (l->over || obj_read_info(m->m->data, m->m->len, m->stored_at_us, &info, &e) || info.deleted)
        return;
    l->ev.entry(&info, l->arg);
}

static void on_all_listed(void *arg)
{
    list_over(arg, NULL);
}

static void on_list_failed(const struct err *why, void *arg)
{
    list_over(arg, why);
}

int obj_list_begin(struct obj *o, const struct obj_list_events *ev, void *arg,
                   struct obj_list **out, struct err *e)
{
    static const struct follow_events handlers = {on_listed, on_all_listed, on_list_failed};
    char filter[SUBJECT_MAX];
    struct obj_list *l = mem_alloc(sizeof *l);
    l->o = o;
    l->ev = *ev;
    l->arg = arg;
    snprintf(filter, sizeof filter, "$O.%s.M.>", o->bucket);
    struct follow_options options = {
        .stream = o->stream, .filter = filter, .last_each = true, .batch = LISTED_AT_ONCE};
    int rc = follow_open(o->loop, o->link, &options, &handlers, l, &l->follow, e);
    if (rc) {
        free(l);
        return rc;
    }
    o->under_way++;
    *out = l;
    return 0;
}

void obj_list_free(struct obj_list *l)
{
    if (!l || l->freed)
        return;
    l->freed = true;
    list_maybe_free(l);
}
