/* How long a tenant's results are kept in the worker's database: one table of the bounds there are.
 * What any of them gives up is removed, oldest first (results/prune.h). */
#pragma once

#include <stdint.h>

enum retention_bound { RETAIN_AGE_HOURS, RETAIN_ROWS, RETAIN_MB, RETENTION_BOUNDS };

struct retention_info {
    const char *name; /* "max_age_hours" */
    int64_t most;     /* the least is 0: no such bound, the default */
};
extern const struct retention_info retention_table[RETENTION_BOUNDS];

struct retain {
    int64_t v[RETENTION_BOUNDS]; /* 0: no bound */
};
