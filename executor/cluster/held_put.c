/* A job comes to wait: copy, then entry, then it may be acked. */
#include "executor/cluster/held_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "queue/job/signature.h"

#define NUMBER_TEXT 24

struct putting {
    struct held *held;
    char tenant[TENANT_NAME_MAX + 1], id[JOB_ID_MAX + 1];
    struct buf entry;
    js_done cb;
    void *arg;
};

static void put_end(struct putting *p, const struct err *why)
{
    struct held *h = p->held;
    p->cb(why, p->arg);
    buf_free(&p->entry);
    free(p);
    h->under_way--;
    held_maybe_free(h);
}

/* The stream says "maximum messages exceeded" and the like. */
static const struct err *full(const struct err *why, struct err *e)
{
    *e = *why;
    if (strstr(why->msg, "maximum"))
        err_set(e, ERR_LIMIT,
                "too many jobs wait for others (nats.max_held, nats.max_queued_mb): %.200s",
                why->msg);
    return e;
}

static void on_entry_stored(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct putting *p = arg;
    struct held *h = p->held;
    struct err e;
    (void)duplicate;
    if (why) {
        put_end(p, full(why, &e));
        return;
    }
    fault(F_WAIT_STORED);
    struct entry *x =
        h->closed ? NULL : held_add(h, p->tenant, p->id, seq, p->entry.data, p->entry.len);
    if (!x && !h->closed) { /* told by the stream before: check it all the same */
        char key[NAME_TEXT];
        held_key(key, p->tenant, p->id);
        x = held_find(h, key);
    }
    if (x)
        held_check(h, x);
    put_end(p, NULL);
}

static void on_copy_stored(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct putting *p = arg;
    struct held *h = p->held;
    char subject[SUBJECT_MAX];
    struct err e = {0};
    (void)seq;
    (void)duplicate;
    if (why) {
        put_end(p, full(why, &e));
        return;
    }
    fault(F_COPY_STORED);
    subject_waits(h->ctx.subjects, p->tenant, p->id, subject);
    if (js_publish(h->ctx.link, subject, NULL, 0, p->entry.data, p->entry.len, JS_ANY,
                   on_entry_stored, p, &e))
        put_end(p, &e);
}

static void write_entry(struct buf *out, const struct delivery *d, const struct job *j,
                        int64_t until_us)
{
    struct jsonw w;
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_kstr(&w, "class", job_class_name(j->cls));
    jsonw_kint(&w, "published", d->published_at_us / 1000);
    jsonw_kint(&w, "until", (until_us + 999) / 1000);
    jsonw_kbool(&w, "anyway", j->on_failure == ON_FAILURE_RUN);
    jsonw_name(&w, "after");
    jsonw_array(&w);
    for (int i = 0; i < j->after_count; i++)
        jsonw_str(&w, j->after[i]);
    jsonw_array_end(&w);
    jsonw_object_end(&w);
}

int held_put(struct held *h, const struct delivery *d, const struct job *j, int64_t until_us,
             js_done cb, void *arg, struct err *e)
{
    char subject[SUBJECT_MAX], published[NUMBER_TEXT];
    struct link_header headers[2];
    int n = 0;
    if (!h->there)
        return err_set(e, ERR_UNAVAILABLE, "the stream %s is not there yet",
                       h->ctx.subjects->held_stream);
    struct putting *p = mem_alloc(sizeof *p);
    p->held = h;
    snprintf(p->tenant, sizeof p->tenant, "%s", j->tenant);
    snprintf(p->id, sizeof p->id, "%s", j->id);
    p->cb = cb;
    p->arg = arg;
    write_entry(&p->entry, d, j, until_us);
    snprintf(published, sizeof published, "%" PRId64, d->published_at_us / 1000);
    headers[n++] = (struct link_header){PUBLISHED_HEADER, published};
    if (d->signature)
        headers[n++] = (struct link_header){SIGNATURE_HEADER, d->signature};
    subject_held(h->ctx.subjects, j->tenant, j->id, subject);
    h->under_way++;
    int rc =
        js_publish(h->ctx.link, subject, headers, n, d->data, d->len, JS_ANY, on_copy_stored, p, e);
    if (rc) {
        h->under_way--;
        buf_free(&p->entry);
        free(p);
    }
    return rc;
}
