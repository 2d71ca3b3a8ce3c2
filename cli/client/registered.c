#include "cli/client/registered.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/client/bucket.h"

static void on_entry(const struct kv_entry *entry, void *arg)
{
    struct registered_list *l = arg;
    struct worker_entry w;
    struct err e = {0};
    if (worker_entry_read(entry->value, entry->len, &w, &e)) { /* written by who knows whom */
        l->unread++;
        err_set(&l->why, e.code, "entry '%s': %.400s", entry->key, e.msg);
        return;
    }
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

static int by_name(const void *a, const void *b)
{
    const struct registered *x = a, *y = b;
    return strcmp(x->entry.worker, y->entry.worker);
}

int registered_read(struct client *c, const char *name, struct registered_list *out, struct err *e)
{
    struct kv_options o = {.bucket = c->subjects.workers_bucket};
    struct kv *kv = kv_new(&c->loop, c->link, &o);
    char what[SUBJECT_MAX];
    memset(out, 0, sizeof *out);
    snprintf(what, sizeof what, "the registry %s", c->subjects.workers_bucket);
    int rc = bucket_read(c, kv, what, name, on_entry, out, e);
    kv_free(kv);
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
