/* Jobs that wait for others, inside the NATS front-end: what after.h says is done here. */
#include <stdlib.h>

#include "base/log.h"
#include "executor/executor.h"
#include "executor/front/requests.h"
#include "executor/front/serve_inner.h"

#define NOT_NOW_MS 2000 /* before a job that cannot wait in its stream comes again … */
#define HELD_TRIES 5    /* … and how often, when the stream is full */

static struct job *take_job(struct custody *c)
{
    struct job *job = c->job;
    c->job = NULL;
    return job;
}

static struct attempt_facts facts_of(struct custody *c)
{
    return (struct attempt_facts){
        .published_at_us = c->delivery->published_at_us,
        .stream_seq = c->delivery->stream_seq,
        .tag = c,
    };
}

/* True: nothing is to be done any more; or it was done. */
static bool is_over(struct custody *c)
{
    struct serve *s = c->serve;
    c->sent = false;
    if (s->closing)
        return true;
    if (!s->draining)
        return false;
    serve_hand_back(s, c, 0);
    return true;
}

static void on_ready(struct custody *c)
{
    if (!is_over(c))
        takein_go_on(c->serve, c);
}

static void on_ended(struct custody *c, const struct parents_end *how)
{
    struct attempt_facts facts = facts_of(c);
    if (is_over(c))
        return;
    if (c->cancelled) {
        takein_go_on(c->serve, c);
        return;
    }
    c->state = CUSTODY_HELD;
    c->attempt = executor_end_without_run(c->serve->executor, take_job(c), &facts, how->outcome,
                                          how->name, how->text);
}

/* From here on another worker may put it back: what comes is no duplicate. */
static void on_holding(struct custody *c)
{
    c->state = CUSTODY_MOVING;
}

static void on_held(struct custody *c)
{
    struct serve *s = c->serve;
    c->sent = false;
    if (s->closing)
        return;
    if (c->cancelled) { /* it comes back at once, and ends then */
        requests_remember(s->requests, c->id);
        held_release(s->held, c->tenant, c->id);
    }
    job_free(take_job(c));
    serve_settle(s, c);
}

static void on_known(struct custody *c)
{
    if (!is_over(c))
        takein_end_known(c->serve, c);
}

static void on_failed(struct custody *c, const struct err *why)
{
    struct serve *s = c->serve;
    struct attempt_facts facts = facts_of(c);
    if (is_over(c))
        return;
    log_warn("serve", "job %s, which waits for others: %s", c->id, why->msg);
    if (why->code == ERR_LIMIT && c->delivery->delivered >= HELD_TRIES) {
        c->state = CUSTODY_HELD;
        c->attempt = executor_refuse(s->executor, take_job(c), &facts, why);
    } else {
        serve_hand_back(s, c, NOT_NOW_MS);
    }
}

void waiting_begin(struct serve *s, struct custody *c, struct job *job)
{
    static const struct after_events handlers = {
        .ready = on_ready,
        .ended = on_ended,
        .holding = on_holding,
        .held = on_held,
        .known = on_known,
        .failed = on_failed,
    };
    c->state = CUSTODY_LOOKING;
    c->job = job;
    c->sent = true;
    after_begin(&s->after, &handlers, c);
}
