/* How this works: every worker hears `results.get`; the first that knows the job answers. Without
 * any worker the results stream answers for itself (JetStream direct get), so finished jobs stay
 * readable while nothing runs. */
#include "cli/client/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"

#define ASK_TIMEOUT_MS    3000
#define DIRECT_TIMEOUT_MS 1500 /* nats-server does not answer at all for a stream that is not */

struct lookup {
    struct client *client;
    char tenant[TENANT_NAME_MAX + 1], id[JOB_ID_MAX + 1];
    lookup_done done; /* NULL: dropped */
    void *arg;
};

static void finish(struct lookup *l, const struct answer *a)
{
    if (l->done)
        l->done(a, l->arg);
    free(l);
}

static void finish_none(struct lookup *l, int code, const char *text)
{
    struct answer a = {.kind = ANSWER_NONE};
    err_set(&a.why, code, "%s", text);
    finish(l, &a);
}

/* An envelope has a payload, a state a state, a refusal an error. */
static bool understand(const struct link_msg *m, struct answer *a)
{
    struct jv *doc = NULL;
    bool understood = true;
    *a = (struct answer){.text = m->data, .len = m->len};
    if (jv_parse(m->data, m->len, &doc, NULL))
        return false;
    if (jv_type(doc) != JV_OBJECT) {
        understood = false;
    } else if (jv_get(doc, "payload")) {
        a->kind = ANSWER_RESULT;
    } else if (jv_get(doc, "state") && jv_string(jv_get(doc, "state"), NULL)) {
        a->kind = ANSWER_STATE;
    } else if (jv_get(doc, "error") && jv_string(jv_get(doc, "error"), NULL)) {
        a->kind = ANSWER_NONE;
        err_set(&a->why, ERR_INVALID, "the worker answers: %s",
                jv_string(jv_get(doc, "error"), NULL));
    } else {
        understood = false;
    }
    jv_free(doc);
    return understood;
}

static void on_stream(struct link_msg *m, const struct err *why, void *arg)
{
    struct lookup *l = arg;
    struct answer a;
    struct err text;
    if (!m) {
        err_set(&text, ERR_UNAVAILABLE,
                "no worker answers, and the results stream %s does not either (%s): is a worker "
                "running at %s?",
                l->client->subjects.results_stream, why->msg, link_url(l->client->link));
        finish_none(l, ERR_UNAVAILABLE, text.msg);
    } else if (m->status == 0 && understand(m, &a) && a.kind == ANSWER_RESULT) {
        finish(l, &a);
    } else if (m->status == 0) {
        err_set(&text, ERR_PROTOCOL, "what the results stream has for job '%s' is no result",
                l->id);
        finish_none(l, ERR_PROTOCOL, text.msg);
    } else {
        err_set(
            &text, ERR_NOT_FOUND,
            "no worker answers, and the results stream has no result of job '%s' of tenant '%s'",
            l->id, l->tenant);
        finish_none(l, ERR_NOT_FOUND, text.msg);
    }
}

static void ask_stream(struct lookup *l)
{
    char subject[SUBJECT_MAX];
    struct err e = {0};
    const struct config *c = l->client->config;
    if (!*l->tenant) /* the stream's subject needs one */
        strcpy(l->tenant, c->tenant_count == 1 ? c->tenants[0].name : "default");
    subject_direct_get(&l->client->subjects, l->tenant, l->id, subject);
    if (link_request(l->client->link, subject, NULL, 0, "", 0, DIRECT_TIMEOUT_MS, on_stream, l, &e))
        finish_none(l, e.code, e.msg);
}

static void on_worker(struct link_msg *m, const struct err *why, void *arg)
{
    struct lookup *l = arg;
    struct answer a;
    (void)why; /* no responders, a time-out: the stream is asked whatever it was */
    if (!l->done)
        free(l);
    else if (m && m->status == 0 && understand(m, &a))
        finish(l, &a);
    else
        ask_stream(l);
}

int lookup_start(struct client *c, const struct question *q, lookup_done done, void *arg,
                 struct lookup **out, struct err *e)
{
    char subject[SUBJECT_MAX];
    struct buf b = {0};
    struct jsonw w;
    struct lookup *l = mem_alloc(sizeof *l);
    l->client = c;
    l->done = done;
    l->arg = arg;
    CHECK(strlen(q->id) <= JOB_ID_MAX && (!q->tenant || strlen(q->tenant) <= TENANT_NAME_MAX));
    strcpy(l->id, q->id);
    strcpy(l->tenant, q->tenant ? q->tenant : "");
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "id", q->id);
    if (q->tenant)
        jsonw_kstr(&w, "tenant", q->tenant);
    if (q->output)
        jsonw_kbool(&w, "output", true);
    if (q->output && q->from) {
        jsonw_name(&w, "from");
        jsonw_object(&w);
        jsonw_kint(&w, "stdout", (int64_t)q->from[0]);
        jsonw_kint(&w, "stderr", (int64_t)q->from[1]);
        jsonw_object_end(&w);
    }
    jsonw_object_end(&w);
    subject_results_get(&c->subjects, subject);
    int rc =
        link_request(c->link, subject, NULL, 0, b.data, b.len, ASK_TIMEOUT_MS, on_worker, l, e);
    buf_free(&b);
    if (rc) {
        free(l);
        return rc;
    }
    *out = l;
    return 0;
}

void lookup_drop(struct lookup *l)
{
    if (l)
        l->done = NULL;
}

struct sync {
    bool done;
    struct answer *out;
    struct buf *keep;
};

static void on_sync(const struct answer *a, void *arg)
{
    struct sync *s = arg;
    s->done = true;
    *s->out = *a;
    buf_clear(s->keep);
    buf_add(s->keep, a->text ? a->text : "", a->len);
    s->out->text = s->keep->data;
    s->out->len = s->keep->len;
}

int lookup_wait(struct client *c, const struct question *q, struct answer *out, struct buf *keep,
                struct err *e)
{
    struct sync s = {.out = out, .keep = keep};
    struct lookup *l;
    int rc = lookup_start(c, q, on_sync, &s, &l, e);
    if (rc)
        return rc;
    while (!s.done)
        uv_run(&c->loop, UV_RUN_ONCE);
    return 0;
}
