#include "cli/client/schedules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/client/bucket.h"
#include "queue/schedule/schedule_bucket.h"

static struct kv *bucket(struct client *c)
{
    return schedule_bucket(&c->loop, c->link, c->config, &c->subjects);
}

/* ---- reading ---- */

struct reading {
    struct client *client;
    struct stored_list *out;
};

static void on_entry(const struct kv_entry *entry, void *arg)
{
    struct reading *r = arg;
    struct stored_list *l = r->out;
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 16;
        l->v = mem_grow(l->v, (size_t)l->cap * sizeof *l->v);
    }
    struct stored_schedule *x = &l->v[l->n++];
    memset(x, 0, sizeof *x);
    x->key = mem_strdup(entry->key);
    x->json = mem_copy(entry->value, entry->len);
    x->len = entry->len;
    x->revision = entry->revision;
    x->bad = schedule_read(entry->key, entry->value, entry->len, entry->stored_at_us, &x->s,
                           &x->why) != 0;
    if (!x->bad && config_tenant(r->client->config, x->s.tenant))
        schedule_check_job(&x->s, r->client->config, &x->why);
}

static int by_key(const void *a, const void *b)
{
    const struct stored_schedule *x = a, *y = b;
    return strcmp(x->key, y->key);
}

int schedules_read(struct client *c, const char *tenant, const char *name, struct stored_list *out,
                   struct err *e)
{
    char pattern[SCHEDULE_KEY_MAX + 1], what[SUBJECT_MAX];
    struct kv *kv = bucket(c);
    struct reading r = {.client = c, .out = out};
    memset(out, 0, sizeof *out);
    if (tenant)
        schedule_key(tenant, name ? name : ">", pattern);
    snprintf(what, sizeof what, "the bucket of schedules %s", c->subjects.schedules_bucket);
    int rc = bucket_read(c, kv, what, tenant ? pattern : NULL, on_entry, &r, e);
    kv_free(kv);
    if (out->n > 1)
        qsort(out->v, (size_t)out->n, sizeof *out->v, by_key);
    return rc;
}

void schedules_free(struct stored_list *l)
{
    for (int i = 0; i < l->n; i++) {
        schedule_clear(&l->v[i].s);
        free(l->v[i].key);
        free(l->v[i].json);
    }
    free(l->v);
    memset(l, 0, sizeof *l);
}

/* ---- writing ---- */

struct writing {
    bool done;
    struct err why; /* code 0: done */
};

static void on_made(const struct err *why, void *arg)
{
    struct writing *w = arg;
    w->done = true;
    if (why)
        w->why = *why;
}

static void on_written(uint64_t revision, const struct err *why, void *arg)
{
    (void)revision;
    on_made(why, arg);
}

/* Every request ends by itself; on a connection that is gone for good kv_free() takes the call
 * away. */
static int finish(struct client *c, const struct writing *w, struct err *e)
{
    while (!w->done && !c->closed)
        uv_run(&c->loop, UV_RUN_ONCE);
    if (!w->done)
        return err_set(e, ERR_UNAVAILABLE, "the connection to NATS was closed: %s", c->closed_why);
    if (w->why.code)
        *e = w->why;
    return w->why.code;
}

int schedules_put(struct client *c, const struct schedule *s, uint64_t revision, struct err *e)
{
    struct kv *kv = bucket(c);
    struct writing made = {0}, written = {0};
    struct buf b = {0};
    char key[SCHEDULE_KEY_MAX + 1];
    int64_t most = link_max_payload(c->link);
    schedule_key(s->tenant, s->name, key);
    schedule_write(s, &b);
    int rc = 0;
    if (b.len > SCHEDULE_VALUE_MAX || (most > 0 && b.len > (size_t)most))
        rc =
            err_set(e, ERR_LIMIT, "the schedule is %zu bytes; allowed: at most %lld", b.len,
                    (long long)(most > 0 && most < SCHEDULE_VALUE_MAX ? most : SCHEDULE_VALUE_MAX));
    if (!rc) {
        kv_ensure(kv, on_made, &made);
        rc = finish(c, &made, e);
    }
    if (!rc)
        rc = kv_put(kv, key, b.data, b.len, revision, on_written, &written, e);
    if (!rc)
        rc = finish(c, &written, e);
    kv_free(kv);
    buf_free(&b);
    return rc;
}

int schedules_delete(struct client *c, const char *key, uint64_t revision, struct err *e)
{
    struct kv *kv = bucket(c);
    struct writing w = {0};
    int rc = kv_delete(kv, key, revision, on_written, &w, e);
    if (!rc)
        rc = finish(c, &w, e);
    kv_free(kv);
    return rc;
}
