/* How an attempt ended, out of what the cell said, what the kernel said and what we asked for. Pure
 * functions: no state, any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/limits.h"
#include "config/outcome.h"
#include "sandbox/host/cell.h"

/* Why the supervisor ended an attempt, if it did. */
enum stop_reason { STOP_NONE, STOP_CPU, STOP_WALL, STOP_OUTPUT, STOP_CANCEL };

struct verdict {
    enum outcome outcome;
    bool lost;        /* the cell went with its zygote: run it again, it does not count */
    bool own_error;   /* name and message below are ours; otherwise take the cell's (done) */
    const char *name; /* static */
    char message[320];
};

/* done: NULL when the cell went without a DONE frame; gone: NULL when it has not gone yet. At least
 * one is given. cpu_us, wall_us: as measured by us. */
void verdict_reach(const struct cell_done *done, const struct cell_gone *gone,
                   enum stop_reason stopped, const struct limits *limits, int64_t cpu_us,
                   int64_t wall_us, struct verdict *out);
