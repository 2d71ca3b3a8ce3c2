/* Artifacts in the tenants' buckets of the object store (link/obj.h). A bucket is made, when it is
 * not there, before the first that this worker writes into it; what is written meanwhile waits. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/artifacts/artifact_store_inner.h"
#include "link/obj.h"

struct bucket {
    char tenant[TENANT_NAME_MAX + 1];
    struct obj *obj;
    bool ensured, ensuring;
    struct list waiting; /* writes, until it is there */
    UT_hash_handle hh;
};

struct buckets {
    struct artifact_store base;
    uv_loop_t *loop;
    struct link *link;
    const struct subjects *subjects;
    const struct config *config;
    struct bucket *by_tenant;
};

static struct bucket *bucket_of(struct buckets *s, const char *tenant)
{
    struct bucket *b;
    char name[OBJ_BUCKET_MAX + 1];
    const struct nats_config *n = &s->config->nats;
    HASH_FIND_STR(s->by_tenant, tenant, b);
    if (b)
        return b;
    b = mem_alloc(sizeof *b);
    snprintf(b->tenant, sizeof b->tenant, "%s", tenant);
    subject_artifacts_bucket(s->subjects, tenant, name, sizeof name);
    const struct obj_options o = {
        .bucket = name,
        .about = "artifacts of Isolane's jobs",
        .ttl_ms = n->artifacts_max_age_hours * 3600000,
        .max_bytes = n->artifacts_max_mb << 20,
        .replicas = (int)n->replicas,
    };
    b->obj = obj_new(s->loop, s->link, &o);
    list_init(&b->waiting);
    HASH_ADD_STR(s->by_tenant, tenant, b);
    return b;
}

static void free_buckets(struct artifact_store *base)
{
    struct buckets *s = (struct buckets *)base;
    struct bucket *b, *next;
    HASH_ITER(hh, s->by_tenant, b, next)
    {
        CHECK(list_empty(&b->waiting));
        HASH_DEL(s->by_tenant, b);
        obj_free(b->obj);
        free(b);
    }
    free(s);
}

/* ---- reading ---- */

struct bucket_read {
    struct artifact_read base;
    struct artifact_read_events ev;
    void *arg;
    uint64_t size;
    struct obj_get *get;
};

static void on_found(const struct obj_info *info, void *arg)
{
    struct bucket_read *r = arg;
    struct err e = {0};
    if (info->size == r->size)
        return;
    err_set(&e, ERR_CORRUPT, "the object '%s' has %" PRIu64 " bytes, not %" PRIu64, info->name,
            info->size, r->size);
    r->ev.done(NULL, &e, r->arg);
}

static void on_data(const char *data, size_t len, void *arg)
{
    struct bucket_read *r = arg;
    r->ev.data(data, len, r->arg);
}

static void on_read(const struct obj_info *info, const struct err *why, void *arg)
{
    struct bucket_read *r = arg;
    r->ev.done(info ? info->sha256 : NULL, why, r->arg);
}

static const struct artifact_ops ops;

static int read_bucket(struct artifact_store *s, const char *tenant, const char *object,
                       uint64_t size, const struct artifact_read_events *ev, void *arg,
                       struct artifact_read **out, struct err *e)
{
    static const struct obj_get_events events = {on_found, on_data, on_read};
    struct bucket_read *r = mem_alloc(sizeof *r);
    r->base.ops = &ops;
    r->ev = *ev;
    r->arg = arg;
    r->size = size;
    int rc =
        obj_get_begin(bucket_of((struct buckets *)s, tenant)->obj, object, &events, r, &r->get, e);
    if (rc) {
        free(r);
        return rc;
    }
    *out = &r->base;
    return 0;
}

static void pause_read(struct artifact_read *base, bool paused)
{
    obj_get_pause(((struct bucket_read *)base)->get, paused);
}

static void free_read(struct artifact_read *base)
{
    struct bucket_read *r = (struct bucket_read *)base;
    obj_get_free(r->get);
    free(r);
}

/* ---- writing ---- */

struct bucket_write {
    struct artifact_write base;
    struct artifact_write_events ev;
    void *arg;
    struct list node; /* of bucket.waiting */
    struct obj *obj;
    char object[ARTIFACT_OBJECT_MAX];
    struct obj_put *put; /* NULL: the bucket is being made */
    struct buf early;    /* came meanwhile: what one window lets through */
    bool ended;
};

static void on_room(void *arg)
{
    struct bucket_write *w = arg;
    w->ev.room(w->arg);
}

static void on_written(const struct obj_info *info, const struct err *why, void *arg)
{
    struct bucket_write *w = arg;
    w->ev.done(info ? info->sha256 : NULL, why, w->arg);
}

static int begin_put(struct bucket_write *w, struct err *e)
{
    static const struct obj_put_events events = {on_room, on_written};
    return obj_put_begin(w->obj, w->object, &events, w, &w->put, e);
}

static void begin_late(struct bucket_write *w, const struct err *why)
{
    struct err e = {0};
    if (!why && begin_put(w, &e))
        why = &e;
    if (why) {
        w->ev.done(NULL, why, w->arg);
        return;
    }
    bool waits = w->early.len > 0;
    bool room = !waits || obj_put_add(w->put, w->early.data, w->early.len);
    buf_free(&w->early);
    if (w->ended)
        obj_put_end(w->put);
    else if (waits && room)
        w->ev.room(w->arg);
}

static void on_ensured(const struct err *why, void *arg)
{
    struct bucket *b = arg;
    struct list *node;
    b->ensuring = false;
    b->ensured = !why;
    while ((node = list_pop_front(&b->waiting)))
        begin_late(LIST_ENTRY(node, struct bucket_write, node), why);
}

static int write_bucket(struct artifact_store *s, const char *tenant, const char *object,
                        const struct artifact_write_events *ev, void *arg,
                        struct artifact_write **out, struct err *e)
{
    struct bucket *b = bucket_of((struct buckets *)s, tenant);
    struct bucket_write *w = mem_alloc(sizeof *w);
    w->base.ops = &ops;
    w->ev = *ev;
    w->arg = arg;
    w->obj = b->obj;
    snprintf(w->object, sizeof w->object, "%s", object);
    list_init(&w->node);
    if (b->ensured) {
        int rc = begin_put(w, e);
        if (rc) {
            free(w);
            return rc;
        }
    } else {
        list_push_back(&b->waiting, &w->node);
        if (!b->ensuring) {
            b->ensuring = true;
            obj_ensure(b->obj, on_ensured, b);
        }
    }
    *out = &w->base;
    return 0;
}

static bool add(struct artifact_write *base, const char *data, size_t len)
{
    struct bucket_write *w = (struct bucket_write *)base;
    if (w->put)
        return obj_put_add(w->put, data, len);
    buf_add(&w->early, data, len);
    return false;
}

static void end(struct artifact_write *base)
{
    struct bucket_write *w = (struct bucket_write *)base;
    w->ended = true;
    if (w->put)
        obj_put_end(w->put);
}

static void free_write(struct artifact_write *base)
{
    struct bucket_write *w = (struct bucket_write *)base;
    list_remove(&w->node);
    obj_put_free(w->put);
    buf_free(&w->early);
    free(w);
}

static void on_removed(const struct err *why, void *arg)
{
    (void)arg;
    if (why)
        log_debug("artifacts", "an artifact of a run that did not count stays behind: %s",
                  why->msg);
}

static void remove_object(struct artifact_store *s, const char *tenant, const char *object)
{
    struct err e = {0};
    if (obj_delete(bucket_of((struct buckets *)s, tenant)->obj, object, on_removed, NULL, &e))
        on_removed(&e, NULL);
}

static const struct artifact_ops ops = {
    .free = free_buckets,
    .read = read_bucket,
    .pause = pause_read,
    .read_free = free_read,
    .write = write_bucket,
    .add = add,
    .end = end,
    .write_free = free_write,
    .remove = remove_object,
};

struct artifact_store *artifact_store_buckets(uv_loop_t *loop, struct link *l,
                                              const struct subjects *s, const struct config *c)
{
    struct buckets *b = mem_alloc(sizeof *b);
    b->base.ops = &ops;
    b->loop = loop;
    b->link = l;
    b->subjects = s;
    b->config = c;
    return &b->base;
}
