#include "cli/client/bucket.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/mem.h"

#define READ_TIMEOUT_MS 5000

/* The newest that was told of a key. */
struct told {
    UT_hash_handle hh;
    struct kv_entry entry;
    char *key, *value;
};

struct reading {
    struct told *told; /* in the order in which they were told */
    bool done, late;
    struct err why; /* code 0: all there */
};

static void forget(struct reading *r, struct told *t)
{
    HASH_DEL(r->told, t);
    free(t->key);
    free(t->value);
    free(t);
}

static void on_entry(const struct kv_entry *entry, void *arg)
{
    struct reading *r = arg;
    struct told *t;
    HASH_FIND_STR(r->told, entry->key, t);
    if (t)
        forget(r, t);
    if (entry->deleted)
        return;
    t = mem_alloc(sizeof *t);
    t->entry = *entry;
    t->entry.key = t->key = mem_strdup(entry->key);
    t->entry.value = t->value = mem_copy(entry->value, entry->len);
    HASH_ADD_KEYPTR(hh, r->told, t->key, strlen(t->key), t);
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
    if (why->code != ERR_NOT_FOUND) /* nobody has made it yet */
        r->why = *why;
}

static void on_late(uv_timer_t *t)
{
    struct reading *r = t->data;
    r->late = true;
}

int bucket_read(struct client *c, struct kv *kv, const char *what, const char *pattern,
                void (*fn)(const struct kv_entry *entry, void *arg), void *arg, struct err *e)
{
    static const struct kv_watch_events handlers = {on_entry, on_current, on_failed};
    struct kv_watch *watch = NULL;
    struct reading r = {0};
    struct told *t, *next;
    uv_timer_t timer;
    int rc = kv_watch(kv, pattern, &handlers, &r, &watch, e);
    uv_timer_init(&c->loop, &timer);
    timer.data = &r;
    uv_timer_start(&timer, on_late, READ_TIMEOUT_MS, 0);
    while (!rc && !r.done && !r.late && !c->closed)
        uv_run(&c->loop, UV_RUN_ONCE);
    kv_watch_free(watch);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&c->loop, UV_RUN_NOWAIT); /* the timer is on our stack */
    if (!rc && !r.done)
        rc = err_set(e, ERR_TIMEOUT,
                     "%s at %s does not answer: is JetStream on, and may our login use $JS.API.>?",
                     what, link_url(c->link));
    if (!rc && r.why.code) {
        rc = r.why.code;
        if (e)
            *e = r.why;
    }
    HASH_ITER(hh, r.told, t, next)
    {
        if (!rc)
            fn(&t->entry, arg);
        forget(&r, t);
    }
    return rc;
}
