#include "executor/cluster/presence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/jv.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/cluster/question.h"
#include "executor/cluster/registry.h"
#include "results/sign_key.h"
#include "sandbox/jail/jail.h"

struct presence {
    struct presence_context ctx;
    struct presence_events ev;
    void *arg;
    struct registry *registry;
    struct link_sub *drain_sub;
    uint64_t done;
};

static void layers_text(uint32_t layers, char *out, size_t cap)
{
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_array(&w);
    for (int i = 0; i < LAYERS; i++)
        if (layers & (1u << i))
            jsonw_str(&w, jail_layer_name((enum jail_layer)i));
    jsonw_array_end(&w);
    CHECK(b.len < cap);
    memcpy(out, b.data, b.len + 1);
    buf_free(&b);
}

static void fill(struct worker_entry *w, void *arg)
{
    struct presence *p = arg;
    const struct zygote_info *z = executor_zygote(p->ctx.executor);
    const struct executor_stats stats = executor_stats(p->ctx.executor);
    w->state = p->ev.state(p->arg);
    w->running = stats.running;
    w->waiting = stats.waiting;
    w->max_running = p->ctx.config->max_running;
    w->cells_ready = stats.pool.ready;
    w->cells_starting = stats.pool.starting;
    w->cells_taken = stats.pool.taken;
    w->code_hits = (int64_t)stats.codes.hits;
    w->code_misses = (int64_t)stats.codes.misses;
    w->code_kb = (int64_t)(stats.codes.bytes >> 10);
    w->branches = stats.branches.up;
    w->branch_jobs = (int64_t)stats.branches.taken;
    w->done = (int64_t)p->done;
    const struct sign_key *key = executor_key(p->ctx.executor);
    snprintf(w->keyid, sizeof w->keyid, "%s", key->keyid);
    crypto_base64(key->pub, sizeof key->pub, w->key, sizeof w->key);
    if (z) {
        snprintf(w->engine, sizeof w->engine, "%s", z->engine);
        layers_text(z->layers, w->jail, sizeof w->jail);
    }
}

static void on_held(void *arg)
{
    struct presence *p = arg;
    p->ev.held(p->arg);
}

static void on_refused(const struct err *why, void *arg)
{
    struct presence *p = arg;
    p->ev.refused(why, p->arg);
}

/* ---- asked to drain ---- */

/* {"timeout_s": 0 to 86400}, or nothing. */
static int read_request(const struct link_msg *m, int *grace_ms, struct err *e)
{
    struct jv *doc = NULL;
    int64_t s = DRAIN_GRACE_MS / 1000;
    if (m->len > QUESTION_MAX)
        return err_set(e, ERR_INVALID, "request: found %zu bytes; allowed: at most %d", m->len,
                       QUESTION_MAX);
    int rc = m->len ? jv_parse(m->data, m->len, &doc, e) : 0;
    if (rc)
        return err_wrap(e, "request");
    const struct jv *v = doc && jv_type(doc) == JV_OBJECT ? jv_get(doc, "timeout_s") : NULL;
    if (doc && jv_type(doc) != JV_OBJECT)
        rc = err_set(e, ERR_INVALID, "request: found %s; allowed: an object", jv_type_name(doc));
    else if (v && (!jv_int(v, &s) || s < 0 || s > DRAIN_GRACE_MOST_S))
        rc = err_set(e, ERR_INVALID, "timeout_s: allowed: a whole number from 0 to %d",
                     DRAIN_GRACE_MOST_S);
    *grace_ms = (int)s * 1000;
    jv_free(doc);
    return rc;
}

static void answer(const struct presence *p, const struct link_msg *m, const struct err *why)
{
    const struct executor_stats stats = executor_stats(p->ctx.executor);
    struct buf b = {0};
    struct jsonw w;
    struct err e = {0};
    if (!m->reply)
        return;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    if (why) {
        jsonw_kstr(&w, "error", why->msg);
    } else {
        jsonw_kstr(&w, "worker", p->ctx.config->worker);
        jsonw_kstr(&w, "instance", registry_instance(p->registry));
        jsonw_kstr(&w, "state", worker_state_name(WORKER_DRAINING));
        jsonw_kint(&w, "running", stats.running);
        jsonw_kint(&w, "waiting", stats.waiting);
    }
    jsonw_object_end(&w);
    if (link_publish(p->ctx.link, m->reply, NULL, NULL, 0, b.data, b.len, &e))
        log_debug("presence", "answer to a drain: %s", e.msg);
    buf_free(&b);
}

static void on_drain(struct link_msg *m, void *arg)
{
    struct presence *p = arg;
    struct err e = {0};
    int grace_ms = 0;
    if (m->status)
        return;
    if (read_request(m, &grace_ms, &e)) {
        answer(p, m, &e);
        return;
    }
    answer(p, m, NULL);
    p->ev.drain(grace_ms, p->arg);
}

/* ---- life ---- */

int presence_open(const struct presence_context *ctx, const struct presence_events *ev, void *arg,
                  struct presence **out, struct err *e)
{
    static const struct registry_events handlers = {fill, on_held, on_refused};
    const struct config *c = ctx->config;
    struct presence *p = mem_alloc(sizeof *p);
    char subject[SUBJECT_MAX];
    p->ctx = *ctx;
    p->ev = *ev;
    p->arg = arg;
    *out = p;
    if (!c->nats.heartbeat_s) {
        ev->held(arg);
        return 0;
    }
    struct registry_options o = {
        .bucket = ctx->subjects->workers_bucket,
        .worker = c->worker,
        .heartbeat_ms = c->nats.heartbeat_s * 1000,
        .replicas = (int)c->nats.replicas,
    };
    subject_drain(ctx->subjects, c->worker, subject);
    int rc = link_subscribe(ctx->link, subject, NULL, 0, on_drain, p, &p->drain_sub, e);
    if (!rc)
        p->registry = registry_open(ctx->loop, ctx->link, &o, &handlers, p);
    return rc;
}

void presence_tell(struct presence *p)
{
    if (p)
        registry_tell(p->registry);
}

void presence_done(struct presence *p)
{
    if (p)
        p->done++;
}

void presence_close(struct presence *p)
{
    if (!p)
        return;
    link_unsubscribe(p->drain_sub);
    registry_close(p->registry);
    free(p);
}
