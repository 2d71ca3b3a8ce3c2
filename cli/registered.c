#include "cli/registered.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "link/kv.h"

#define READ_TIMEOUT_MS 5000

struct reading {
    struct registered_list *out;
    bool done, late;
    struct err why; /* code 0: all there */
};

static void on_entry(const struct kv_entry *entry, void *arg)
{
    struct reading *r = arg;
    struct registered_list *l = r->out;
    struct worker_entry w;
    if (entry->deleted || worker_entry_read(entry->value, entry->len, &w, NULL))
        return; /* written by who knows whom */
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 16;
        l->v = mem_grow(l->v, (size_t)l->cap * sizeof *l->v);
    }
    int64_t age_ms = (clock_real_us() - entry->stored_at_us) / 1000;
    l->v[l->n++] = (struct registered){
        .entry = w,
        .json = mem_copy(entry->value, entry->len),
        .len = entry->len,
        .age_ms = age_ms > 0 ? age_ms : 0,
        .silent = age_ms > WORKER_SILENT * w.heartbeat_ms,
    };
}

static void on_current(void *arg)
{
    struct reading *r = arg;
    r->done = true;
}

static void on_failed(const struct err *why, void *arg)
{
    struct reading *r = arg;
    r->done = true;
    if (why->code != ERR_NOT_FOUND) /* no registry: no worker has come yet */
        r->why = *why;
}

static void on_late(uv_timer_t *t)
{
    struct reading *r = t->data;
    r->late = true;
}

static int by_name(const void *a, const void *b)
{
    const struct registered *x = a, *y = b;
    return strcmp(x->entry.worker, y->entry.worker);
}

int registered_read(struct client *c, const char *name, struct registered_list *out, struct err *e)
{
    static const struct kv_watch_events handlers = {on_entry, on_current, on_failed};
    struct kv_options o = {.bucket = c->subjects.workers_bucket};
    struct kv *kv = kv_new(&c->loop, c->link, &o);
    struct kv_watch *watch = NULL;
    struct reading r = {.out = out};
    uv_timer_t timer;
    memset(out, 0, sizeof *out);
    int rc = kv_watch(kv, name, &handlers, &r, &watch, e);
    uv_timer_init(&c->loop, &timer);
    timer.data = &r;
    uv_timer_start(&timer, on_late, READ_TIMEOUT_MS, 0);
    while (!rc && !r.done && !r.late && !c->closed)
        uv_run(&c->loop, UV_RUN_ONCE);
    kv_watch_free(watch);
    kv_free(kv);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&c->loop, UV_RUN_NOWAIT); /* the timer is on our stack */
    if (!rc && !r.done)
        rc = err_set(e, ERR_TIMEOUT,
                     "the registry %s at %s does not answer: is JetStream on, and may our login "
                     "use $JS.API.>?",
                     c->subjects.workers_bucket, link_url(c->link));
    if (!rc && r.why.code) {
        rc = r.why.code;
        if (e)
            *e = r.why;
    }
    if (out->n > 1)
        qsort(out->v, (size_t)out->n, sizeof *out->v, by_name);
    return rc;
}

void registered_free(struct registered_list *l)
{
    for (int i = 0; i < l->n; i++)
        free(l->v[i].json);
    free(l->v);
    memset(l, 0, sizeof *l);
}
