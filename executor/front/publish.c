/* Results out: published until the results stream confirms each, then acked.
 *
 * How this works: a result is published at once, and again when no PubAck came. Whoever listens to
 * the subject hears it each time, so nothing is sent again before the stream's leader has said that
 * it is there (STREAM.INFO), and where it is and does not confirm, ever more slowly.
 *
 * What waits is bounded: FLYING_BYTES are sent and not confirmed, KEPT_BYTES of envelopes are kept
 * in memory; the rest is read from the database, where it is durable, when its turn has come. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "executor/cluster/batches.h"
#include "executor/front/calls.h"
#include "executor/cluster/presence.h"
#include "executor/front/serve_inner.h"
#include "results/store.h"

#define PUBACK_TIMEOUT_MS 5000
#define ASK_TIMEOUT_MS    1000
#define RETRY_MS          500 /* before results without a PubAck are looked at again … */
#define SLOWER_MOST       4   /* … doubled so often at the most */
#define SAID_US           INT64_C(5000000) /* between two words on refused results */
#define KEPT_BYTES        ((size_t)32 << 20)
#define FLYING_BYTES      ((size_t)32 << 20)

static void say_refused(struct serve *s, const struct link_msg *m)
{
    int64_t now = clock_mono_us();
    s->refused++;
    if (s->refused_said_us && now - s->refused_said_us < SAID_US)
        return;
    log_warn("serve", "results stream refuses a result (%" PRIu64 " times so far): %.*s",
             s->refused, (int)m->len, m->data);
    s->refused_said_us = now;
}

/* PubAck: {"stream":…,"seq":…} or {"error":{"err_code":10071,…}}: the subject has its message
 * already. */
static bool puback_settles(struct serve *s, const struct link_msg *m)
{
    if (!m || m->status != 0)
        return false;
    if (!memmem(m->data, m->len, "\"error\"", 7))
        return true;
    if (memmem(m->data, m->len, "10071", 5))
        return true;
    say_refused(s, m);
    return false;
}

static void forget_envelope(struct serve *s, struct custody *c)
{
    if (c->kept)
        s->kept_bytes -= c->envelope_len;
    c->kept = false;
}

static void on_puback(struct link_msg *m, const struct err *why, void *arg)
{
    struct custody *c = arg;
    struct serve *s = c->serve;
    c->sent = false;
    s->flying_bytes -= c->envelope_len;
    if (puback_settles(s, m)) {
        fault(F_RESULT_PUBLISHED);
        s->doubt = false;
        s->unconfirmed = 0;
        held_finished(s->held, c->tenant, c->id);
        list_remove(&c->node);
        forget_envelope(s, c);
        if (c->dead)
            dead_bury(s, c);
        else
            serve_settle(s, c);
        if (s->behind && !s->closing)
            publish_again(s);
        return;
    }
    if (why)
        log_debug("serve", "result of %s not confirmed: %s", c->id, why->msg);
    if (why && why->code == ERR_UNAVAILABLE && link_is_up(s->link))
        intake_look(s->intake); /* nobody takes results: is the stream gone? */
    s->doubt = true;
    s->unconfirmed++;
    serve_try_again(s);
}

static void send_result(struct serve *s, struct custody *c, const char *envelope)
{
    const struct link_header headers[] = {{"Nats-Expected-Last-Subject-Sequence", "0"},
                                          {RESULT_OUTCOME_HEADER, c->outcome}};
    char subject[SUBJECT_MAX];
    struct err e; /* set by what fails */
    subject_result(&s->subjects, c->tenant, c->id, subject);
    c->sent = true;
    s->flying_bytes += c->envelope_len;
    if (link_request_many(s->link, subject, headers, *c->outcome ? 2 : 1, envelope, c->envelope_len,
                          PUBACK_TIMEOUT_MS, on_puback, c, &e)) {
        c->sent = false;
        s->flying_bytes -= c->envelope_len;
        log_debug("serve", "result of %s: %s", c->id, e.msg);
        s->behind = true;
        serve_try_again(s);
    }
}

/* False: no more now. */
static bool send_again(struct serve *s, struct custody *c)
{
    struct buf stored = {0};
    struct err e = {0};
    if (s->flying_bytes >= FLYING_BYTES)
        return false;
    if (c->envelope) {
        send_result(s, c, c->envelope);
        return c->sent;
    }
    bool read = store_find(s->store, c->tenant, c->id, &stored, &e) == 0;
    if (read) {
        c->envelope_len = stored.len;
        send_result(s, c, stored.data);
    } else {
        log_warn("serve", "the result of %s is not published yet: %s", c->id, e.msg);
        serve_try_again(s);
    }
    buf_free(&stored);
    return c->sent;
}

static void send_all_again(struct serve *s)
{
    s->behind = false;
    LIST_FOREACH(n, &s->publishing)
    {
        struct custody *c = LIST_ENTRY(n, struct custody, node);
        if (c->sent || c->state != CUSTODY_PUBLISHING)
            continue;
        if (!send_again(s, c)) {
            s->behind = true;
            break;
        }
    }
}

/* ---- is the stream there? ---- */

static void on_info(struct link_msg *m, const struct err *why, void *arg)
{
    struct serve *s = arg;
    s->asking = false;
    if (s->closing)
        return;
    if (m && m->status == 0 && !memmem(m->data, m->len, "\"error\"", 7)) {
        s->doubt = false;
        send_all_again(s);
        return;
    }
    log_debug("serve", "the results stream does not answer%s%s", why ? ": " : "",
              why ? why->msg : "");
    if (m && m->status == 0) /* it is not there */
        intake_look(s->intake);
    serve_try_again(s);
}

static void ask_stream(struct serve *s)
{
    char subject[SUBJECT_MAX];
    struct err e = {0};
    if (s->asking)
        return;
    s->asking = true;
    snprintf(subject, sizeof subject, "$JS.API.STREAM.INFO.%s", s->subjects.results_stream);
    if (link_request(s->link, subject, NULL, 0, "", 0, ASK_TIMEOUT_MS, on_info, s, &e)) {
        s->asking = false;
        serve_try_again(s);
    }
}

/* ---- again ---- */

void publish_again(struct serve *s)
{
    if (!link_is_up(s->link)) {
        serve_try_again(s);
        return;
    }
    LIST_FOREACH(n, &s->publishing)
    {
        struct custody *c = LIST_ENTRY(n, struct custody, node);
        if (c->sent)
            continue;
        if (c->state == CUSTODY_STORING)
            holding_store_event(s, c);
        else if (c->state == CUSTODY_BURYING)
            dead_bury(s, c);
    }
    if (s->doubt)
        ask_stream(s);
    else
        send_all_again(s);
}

static void on_retry(uv_timer_t *t)
{
    publish_again(t->data);
}

void serve_try_again(struct serve *s)
{
    int slower = s->unconfirmed < SLOWER_MOST ? s->unconfirmed : SLOWER_MOST;
    if (!uv_is_active((uv_handle_t *)&s->retry))
        uv_timer_start(&s->retry, on_retry, (uint64_t)RETRY_MS << (slower > 1 ? slower - 1 : 0), 0);
}

void publish_open(struct serve *s)
{
    uv_timer_init(s->loop, &s->retry);
    s->retry.data = s;
}

/* ---- a result ---- */

void serve_publish_result(struct serve *s, struct custody *c, const char *envelope, size_t len)
{
    c->state = CUSTODY_PUBLISHING;
    c->attempt = NULL;
    c->envelope_len = len;
    c->kept = !c->dead && s->kept_bytes + len <= KEPT_BYTES;
    if (c->kept || c->dead)
        custody_keep_envelope(c, envelope, len);
    if (c->kept)
        s->kept_bytes += len;
    if (!*c->outcome && !parents_outcome(envelope, len, c->outcome))
        log_debug("serve", "the result of %s does not say its outcome", c->id);
    list_push_back(&s->publishing, &c->node);
    if (!s->doubt && s->flying_bytes < FLYING_BYTES) {
        send_result(s, c, envelope);
        return;
    }
    s->behind = true;
    serve_try_again(s);
}

void publish_committed(struct attempt *a, const struct result *r, const char *envelope, size_t len,
                       void *arg)
{
    struct serve *s = arg;
    struct custody *c = attempt_tag(a);
    presence_done(s->presence);
    if (c->call) {
        calls_answer(s->calls, c, envelope, len);
        return;
    }
    if (!c->delivery)
        fault(F_BATCH_COMMITTED);
    turns_end(c);
    text_copy(c->outcome, sizeof c->outcome, outcome_name(r->outcome));
    c->dead = !strcmp(r->state, "dead");
    holding_tell(s, c, r->state, r->attempts, outcome_name(r->outcome), attempt_tries(a));
    serve_publish_result(s, c, envelope, len);
}
