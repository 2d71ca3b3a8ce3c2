/* How an attempt ended, out of what the cell said, what the kernel said and what we asked for. Pure
 * functions: no state, any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/limits.h"
#include "config/outcome.h"
#include "sandbox/host/cell.h"

struct verdict {
    enum outcome outcome;
    bool lost;        /* the cell went with its zygote: run it again, it does not count */
    bool own_error;   /* name and message below are ours; otherwise take the cell's (done) */
    const char *name; /* static */
    char message[320];
    enum limit limit; /* the budget that was used up; LIMITS: none */
    int64_t used;     /* of it, in its own unit, see verdict_used() */
};

/* What the result says was used of a limit that ended the run, out of µs or bytes: whole
 * milliseconds to the nearest, whole MiB or KiB upwards, and never less than the limit (a request
 * that was refused is in no figure of the process). */
int64_t verdict_used(enum limit l, int64_t limit, uint64_t us_or_bytes);

/* done: NULL when the cell went without a DONE frame; gone: NULL when it has not gone yet. At least
 * one is given. cpu_us, wall_us: as measured by us. */
void verdict_reach(const struct cell_done *done, const struct cell_gone *gone,
                   const struct limits *limits, int64_t cpu_us, int64_t wall_us,
                   struct verdict *out);
