/* Results of batches, inside the NATS front-end: they take the way of every result (row committed,
 * then published), in a custody without a message. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "executor/cluster/batches.h"
#include "executor/front/serve_inner.h"
#include "results/store.h"

static void on_end(const struct batch_end *end, void *arg)
{
    struct serve *s = arg;
    struct buf stored = {0};
    if (custody_find(&s->custodies, end->tenant, end->id))
        return; /* a job of that name: its result settles the batch */
    struct custody *c = custody_add(&s->custodies, end->tenant, end->id);
    c->serve = s;
    if (store_find(s->store, end->tenant, end->id, &stored, NULL) == 0) {
        serve_publish_result(s, c, stored.data, stored.len);
    } else {
        struct attempt_facts facts = {.published_at_us = end->published_at_us, .tag = c};
        struct job *job = mem_alloc(sizeof *job);
        snprintf(job->id, sizeof job->id, "%s", end->id);
        snprintf(job->tenant, sizeof job->tenant, "%s", end->tenant);
        job->cls = CLASS_NORMAL;
        c->state = CUSTODY_HELD;
        c->attempt = executor_record_value(s->executor, job, &facts, end->outcome, end->value,
                                           end->value_len, end->error_name, end->error_message);
    }
    buf_free(&stored);
}

static void each_running(void (*fn)(const char *tenant, const char *id, void *arg), void *fn_arg,
                         void *arg)
{
    const struct serve *s = arg;
    for (const struct custody *c = s->custodies.by_key; c; c = c->hh.next)
        if (c->attempt && attempt_state(c->attempt) == ATTEMPT_RUNNING)
            fn(c->tenant, c->id, fn_arg);
}

struct batches *ends_batches(struct serve *s)
{
    const struct batches_context ctx = {.loop = s->loop,
                                        .config = s->config,
                                        .subjects = &s->subjects,
                                        .link = s->link,
                                        .leases = s->leases,
                                        .end = on_end,
                                        .each_running = each_running,
                                        .arg = s};
    return batches_open(&ctx);
}
