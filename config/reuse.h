/* What is left of a job for the next one of its tenant: the field `reuse` of a job, and the bounds
 * of the cells that stay for it (executor/cells/warm.h). */
#pragma once

#include <stdint.h>

enum reuse {
    REUSE_NONE,   /* nothing: a fresh process */
    REUSE_TENANT, /* the process, with a fresh context */
    REUSE_SCRIPT, /* the live context: the exported function is called again */
    REUSES
};

extern const char *const reuse_names[REUSES + 1]; /* "none", "tenant", "script", NULL */
#define REUSE_ALLOWED "\"none\", \"tenant\", \"script\""

/* Index of the mode of that name, or -1. */
int reuse_by_name(const char *name);

#define REUSE_ALL ((1u << REUSES) - 1)

struct warm_config {
    int64_t cells; /* of a worker, 0: jobs that ask for re-use run in fresh ones, default 32 */
    int64_t tenant_cells; /* of one tenant, default 16 */
    int64_t memory_mb;    /* of all of them together, beyond what a fresh cell has, default 512 */
    int64_t idle_s;       /* without a job, default 60 */
    int64_t max_age_s;    /* default 600 */
    int64_t max_calls;    /* jobs in one cell, default 100000 */
};
