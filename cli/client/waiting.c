/* How this works: the result is published on a subject of its own, so waiting is a subscription. A
 * question to the workers goes out at the start (the result may be older than the subscription) and
 * every POLL_MS (the connection may have been lost at the wrong moment). Whichever is first wins.
 */
#include "cli/client/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jv.h"
#include "base/mem.h"

#define POLL_MS 2000

struct waiting {
    struct client *client;
    char tenant[TENANT_NAME_MAX + 1], id[JOB_ID_MAX + 1];
    struct link_sub *sub;
    struct lookup *lookup; /* under way, or NULL */
    uv_timer_t poll, deadline;
    int open_handles;
    struct buf envelope;
    bool late;
    char state[160]; /* last known */
};

static void take(struct waiting *w, const char *text, size_t len)
{
    if (!w->envelope.len)
        buf_add(&w->envelope, text, len);
}

static void on_published(struct link_msg *m, void *arg)
{
    if (m->status == 0 && m->len)
        take(arg, m->data, m->len);
}

static void remember_state(struct waiting *w, const struct answer *a)
{
    struct jv *doc = NULL;
    const char *state = NULL;
    if (a->kind == ANSWER_NONE) {
        snprintf(w->state, sizeof w->state, "unknown (no worker answers)");
        return;
    }
    if (!jv_parse(a->text, a->len, &doc, NULL) && jv_get(doc, "state"))
        state = jv_string(jv_get(doc, "state"), NULL);
    snprintf(w->state, sizeof w->state, "%.100s", state ? state : "unknown");
    jv_free(doc);
}

static void on_answer(const struct answer *a, void *arg)
{
    struct waiting *w = arg;
    w->lookup = NULL;
    if (a->kind == ANSWER_RESULT)
        take(w, a->text, a->len);
    else
        remember_state(w, a);
}

static void ask(uv_timer_t *t)
{
    struct waiting *w = t->data;
    struct err e;
    struct question q = {.tenant = *w->tenant ? w->tenant : NULL, .id = w->id};
    if (!w->lookup) /* a failure to ask is one poll missed, no more */
        lookup_start(w->client, &q, on_answer, w, &w->lookup, &e);
}

static void on_deadline(uv_timer_t *t)
{
    struct waiting *w = t->data;
    w->late = true;
}

int waiting_new(struct client *c, const char *tenant, const char *id, struct waiting **out,
                struct err *e)
{
    char subject[SUBJECT_MAX];
    struct waiting *w = mem_alloc(sizeof *w);
    CHECK(strlen(id) <= JOB_ID_MAX && (!tenant || strlen(tenant) <= TENANT_NAME_MAX));
    w->client = c;
    strcpy(w->id, id);
    strcpy(w->tenant, tenant ? tenant : "");
    strcpy(w->state, "unknown");
    uv_timer_init(&c->loop, &w->poll);
    uv_timer_init(&c->loop, &w->deadline);
    w->poll.data = w->deadline.data = w;
    w->open_handles = 2;
    subject_result(&c->subjects, tenant ? tenant : "*", id, subject);
    int rc = link_subscribe(c->link, subject, NULL, 0, on_published, w, &w->sub, e);
    if (rc) {
        waiting_free(w);
        return rc;
    }
    *out = w;
    return 0;
}

int waiting_run(struct waiting *w, int64_t timeout_ms, struct buf *out, struct err *e)
{
    struct client *c = w->client;
    uv_timer_start(&w->poll, ask, 0, POLL_MS);
    if (timeout_ms > 0)
        uv_timer_start(&w->deadline, on_deadline, (uint64_t)timeout_ms, 0);
    while (!w->envelope.len && !w->late && !c->closed)
        uv_run(&c->loop, UV_RUN_ONCE);
    uv_timer_stop(&w->poll);
    uv_timer_stop(&w->deadline);
    if (w->envelope.len) {
        buf_add(out, w->envelope.data, w->envelope.len);
        return 0;
    }
    if (c->closed)
        return err_set(e, ERR_UNAVAILABLE, "the connection to NATS was closed for good: %s",
                       c->closed_why);
    return err_set(e, ERR_TIMEOUT, "job '%s' has no result yet, its state is %s", w->id, w->state);
}

const char *waiting_state(const struct waiting *w)
{
    return w->state;
}

static void on_timer_closed(uv_handle_t *h)
{
    struct waiting *w = h->data;
    if (--w->open_handles == 0)
        free(w);
}

void waiting_free(struct waiting *w)
{
    if (!w)
        return;
    link_unsubscribe(w->sub);
    lookup_drop(w->lookup);
    buf_free(&w->envelope);
    uv_close((uv_handle_t *)&w->poll, on_timer_closed);
    uv_close((uv_handle_t *)&w->deadline, on_timer_closed);
}
