/* What is told of a job's state, and how a worker that gets a job of another knows how far it was
 * (docs/protocol.md "Events"). Text only: who publishes it is holding.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "executor/attempt/tries.h"

struct event {
    const char *id, *tenant, *state, *worker;
    int attempt;               /* 0: none yet */
    const char *outcome;       /* of that attempt, or of the result; NULL: none */
    int64_t retry_at_us;       /* real time, 0: none */
    const struct tries *tries; /* NULL: none; always told where there are some */
};

/* Stamped with the present time. */
void event_write(const struct event *v, struct buf *out);

/* What the last event of a job says about what was done with it. */
struct event_past {
    int used; /* attempts */
    int64_t retry_at_us;
    struct tries tries; /* tries_free() */
};

/* False: it is no event of ours, or says nothing of attempts; *out is empty then. */
bool event_read(const char *text, size_t len, struct event_past *out);
