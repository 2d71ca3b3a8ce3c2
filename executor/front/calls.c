#include "executor/front/calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/front/serve_inner.h"
#include "queue/job/signature.h"
#include "results/store.h"

#define QUEUE_GROUP "isolane-call"
#define ASKERS_MAX  64 /* of one call: the same id, asked for again */

/* Whoever waits for a call's result: subjects, one after another with their NULs. */
struct call {
    struct buf askers;
    int n;
};

struct calls {
    struct serve *s;
    struct link_sub *sub; /* NULL: paused */
    int in_hand;
    char prefix[24]; /* of ids that are made here: unlike those of any other worker, or start */
    uint64_t last;
};

/* ---- answers ---- */

static void answer(struct calls *k, const char *to, const char *data, size_t len)
{
    struct err e = {0};
    if (link_publish(k->s->link, to, NULL, NULL, 0, data, len, &e))
        log_debug("calls", "cannot answer: %s", e.msg);
}

/* code: "busy" (ask again, or another worker), "refused" (asking again is of no use). */
static void answer_error(struct calls *k, const char *to, const char *code, const char *why)
{
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "error", why);
    jsonw_kstr(&w, "code", code);
    jsonw_object_end(&w);
    answer(k, to, b.data, b.len);
    buf_free(&b);
}

static void add_asker(struct call *call, const char *reply)
{
    buf_add(&call->askers, reply, strlen(reply) + 1);
    call->n++;
}

static void answer_all(struct calls *k, const struct call *call, const char *envelope, size_t len,
                       const char *why)
{
    for (size_t at = 0; at < call->askers.len; at += strlen(call->askers.data + at) + 1) {
        if (envelope)
            answer(k, call->askers.data + at, envelope, len);
        else
            answer_error(k, call->askers.data + at, "busy", why);
    }
}

static void forget(struct calls *k, struct custody *c)
{
    buf_free(&c->call->askers);
    free(c->call);
    c->call = NULL;
    k->in_hand--;
    custody_remove(&k->s->custodies, c);
}

void calls_answer(struct calls *k, struct custody *c, const char *envelope, size_t len)
{
    answer_all(k, c->call, envelope, len, NULL);
    forget(k, c);
}

void calls_give_up(struct calls *k, struct custody *c, const char *why)
{
    answer_all(k, c->call, NULL, 0, why);
    forget(k, c);
}

/* ---- calls in ---- */

/* What only the queue can do. */
static const char *queue_alone(const struct job *j)
{
    return j->after_count        ? "after"
           : j->not_before_us    ? "not_before"
           : *j->concurrency_key ? "concurrency_key"
                                 : NULL;
}

static int signatures_of(const struct link_msg *m, const char **first)
{
    *first = link_msg_header(m, SIGNATURE_HEADER);
    return *first ? link_msg_header_count(m, SIGNATURE_HEADER) : 0;
}

/* The id is in use: its result, or its call that is under way. True: that was the answer. */
static bool answer_known(struct calls *k, const struct job *j, const char *reply)
{
    struct serve *s = k->s;
    struct custody *c = custody_find(&s->custodies, j->tenant, j->id);
    struct buf stored = {0};
    if (c && c->call && c->call->n < ASKERS_MAX)
        add_asker(c->call, reply);
    else if (c)
        answer_error(k, reply, "refused", "id: found that of a job that is under way here");
    else if (executor_may_have_result(s->executor, j->tenant, j->id) &&
             !store_find(s->store, j->tenant, j->id, &stored, NULL))
        answer(k, reply, stored.data, stored.len);
    else
        return false;
    buf_free(&stored);
    return true;
}

static void begin(struct calls *k, struct job *job, const char *reply, const struct err *refused)
{
    struct serve *s = k->s;
    struct custody *c = custody_add(&s->custodies, job->tenant, job->id);
    struct attempt_facts facts = {.published_at_us = clock_real_us(), .tag = c};
    c->serve = s;
    c->state = CUSTODY_HELD;
    c->call = mem_alloc(sizeof *c->call);
    add_asker(c->call, reply);
    k->in_hand++;
    job->retry.max_attempts = 1; /* who asked may ask again */
    c->attempt = refused ? executor_refuse(s->executor, job, &facts, refused)
                         : executor_submit(s->executor, job, &facts);
}

static void take(struct calls *k, const struct link_msg *m, const char *tenant)
{
    char id[JOB_ID_MAX + 1];
    const char *msg_id = link_msg_header(m, "Nats-Msg-Id");
    struct job_origin o = {.tenant = tenant, .cls = CLASS_HIGH, .msg_id = msg_id};
    struct job *job = NULL;
    struct err e = {0};
    o.signatures = signatures_of(m, &o.signature);
    if (!msg_id) {
        snprintf(id, sizeof id, "%s%" PRIu64, k->prefix, ++k->last);
        o.carried_id = id;
    }
    int rc = job_decode(k->s->config, &o, m->data, m->len, &job, &e);
    const char *alone = rc ? NULL : queue_alone(job);
    if (alone)
        rc = err_set(&e, ERR_INVALID, "%s: found in a call; allowed: in jobs of the queue", alone);
    if (rc && job_id_is_sequence(job->id)) { /* nothing of it is believed, not even an id */
        answer_error(k, m->reply, "refused", e.msg);
        job_free(job);
    } else if (strncmp(job->id, k->prefix, strlen(k->prefix)) != 0 &&
               answer_known(k, job, m->reply)) {
        job_free(job);
    } else {
        begin(k, job, m->reply, rc ? &e : NULL);
    }
}

static void on_call(struct link_msg *m, void *arg)
{
    struct calls *k = arg;
    struct serve *s = k->s;
    char tenant[TENANT_NAME_MAX + 1], why[128];
    if (!m->reply || m->status)
        return; /* nobody would hear the answer */
    if (!subject_parse_call(&s->subjects, m->subject, tenant, sizeof tenant)) {
        answer_error(k, m->reply, "refused", "tenant: the subject's last part is no name of one");
    } else if (s->draining || s->stuck || s->shedding) {
        answer_error(k, m->reply, "busy",
                     s->stuck      ? "results cannot be written here"
                     : s->draining ? "this worker drains"
                                   : "this worker is short of memory");
    } else if (k->in_hand >= s->config->nats.max_calls) {
        snprintf(why, sizeof why, "found %d calls in hand; allowed: %" PRId64 " (nats.max_calls)",
                 k->in_hand, s->config->nats.max_calls);
        answer_error(k, m->reply, "busy", why);
    } else {
        take(k, m, tenant);
    }
}

/* ---- life ---- */

static int subscribe(struct calls *k, struct err *e)
{
    char subject[SUBJECT_MAX];
    subject_call(&k->s->subjects, "*", subject);
    return link_subscribe(k->s->link, subject, QUEUE_GROUP, 0, on_call, k, &k->sub, e);
}

int calls_open(struct serve *s, struct calls **out, struct err *e)
{
    uint8_t random[8];
    *out = NULL;
    if (!s->config->nats.max_calls)
        return 0;
    struct calls *k = mem_alloc(sizeof *k);
    k->s = s;
    crypto_random(random, sizeof random);
    memcpy(k->prefix, "call-", 5);
    crypto_hex(random, sizeof random, k->prefix + 5);
    strcat(k->prefix, "-");
    int rc = subscribe(k, e);
    if (rc) {
        free(k);
        return rc;
    }
    *out = k;
    return 0;
}

void calls_pause(struct calls *k, bool paused)
{
    struct err e = {0};
    if (!k || paused == !k->sub)
        return;
    if (paused) {
        link_unsubscribe(k->sub);
        k->sub = NULL;
    } else if (subscribe(k, &e)) {
        log_error("calls", "no more calls are taken: %s", e.msg);
    }
}

void calls_close(struct calls *k)
{
    if (!k)
        return;
    link_unsubscribe(k->sub);
    struct custody *c, *next;
    HASH_ITER(hh, k->s->custodies.by_key, c, next)
    {
        if (c->call)
            calls_give_up(k, c, "this worker ends");
    }
    free(k);
}
