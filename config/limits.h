/* The budget of one attempt: one table of the limits there are, with default, floor and the highest
 * ceiling an operator may give. Everything that reads, checks or prints a limit walks this table.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

enum limit {
    LIMIT_CPU_MS,       /* CPU time of the cell, user + system */
    LIMIT_WALL_MS,      /* from dispatch to the end */
    LIMIT_HEAP_MB,      /* JavaScript heap (MiB) */
    LIMIT_MEMORY_MB,    /* all memory that the job makes the cell take (MiB), the heap included */
    LIMIT_OUTPUT_KB,    /* stdout + stderr (KiB); also the most that the value's JSON may take */
    LIMIT_ARTIFACTS_MB, /* artifacts that it reads, together; and those that a run puts (MiB) */
    LIMITS
};

struct limits {
    int64_t v[LIMITS]; /* 0: not given */
};

struct limit_info {
    const char *name; /* the field's name in job and config: "cpu_ms" */
    const char *help; /* one line for --help and docs */
    int64_t fallback; /* when neither job nor config say */
    int64_t min;      /* lowest that makes sense */
    int64_t ceiling;  /* default ceiling of a tenant */
    int64_t most;     /* highest ceiling a config may set */
};

extern const struct limit_info limit_table[LIMITS];

/* Index of the limit of that name, or -1. */
int limit_by_name(const char *name);

/* Fills what `asked` leaves open from `defaults`, and checks each against floor and ceiling.
 * ERR_INVALID names the limit, what was asked and what is allowed:
 * "limits.cpu_ms: found 90000; allowed: 1 to 60000 (ceiling of tenant 'ci')". */
int limits_resolve(const struct limits *asked, const struct limits *defaults,
                   const struct limits *ceilings, const char *tenant, struct limits *out,
                   struct err *e);
