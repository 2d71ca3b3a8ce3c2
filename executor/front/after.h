/* A job with `after` that came from the jobs stream: looks up the results of the jobs it waits for
 * and says whether it runs, waits (held.h) or ends. Loop thread only. */
#pragma once

#include "executor/front/custody.h"
#include "executor/cluster/held.h"
#include "executor/cluster/parents.h"

struct after_context {
    const struct config *config;
    const struct subjects *subjects;
    struct link *link;
    struct held *held;
};

/* One of these is called for each after_begin(), from the loop; `holding` beside it. */
struct after_events {
    void (*ready)(struct custody *c); /* c->job->parents is set */
    void (*ended)(struct custody *c, const struct parents_end *how);
    void (*holding)(struct custody *c); /* held or failed follows; it may come back before */
    void (*held)(struct custody *c);    /* it waits in the stream: ack, forget */
    /* It has a result already, published by another worker. */
    void (*known)(struct custody *c);
    /* Not now: hand it back. ERR_LIMIT: too many jobs wait. */
    void (*failed)(struct custody *c, const struct err *why);
};

/* c->job is the job; c must live until the event. ctx and ev are kept. */
void after_begin(const struct after_context *ctx, const struct after_events *ev, struct custody *c);
