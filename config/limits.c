#include "config/limits.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

/* `most` of output_kb is what a DONE frame can carry of a value (sandbox/frame.h); of heap_mb what
 * V8 takes with full pointers before its own bookkeeping dominates; of the times one day. */
const struct limit_info limit_table[LIMITS] = {
    [LIMIT_CPU_MS] = {.name = "cpu_ms",
                      .help = "CPU time of the attempt, milliseconds",
                      .fallback = 1000,
                      .min = 1,
                      .ceiling = 60000,
                      .most = 86400000},
    [LIMIT_WALL_MS] = {.name = "wall_ms",
                       .help = "time from dispatch to the end, milliseconds",
                       .fallback = 10000,
                       .min = 1,
                       .ceiling = 600000,
                       .most = 86400000},
    [LIMIT_HEAP_MB] = {.name = "heap_mb",
                       .help = "JavaScript heap, MiB",
                       .fallback = 64,
                       .min = 8,
                       .ceiling = 512,
                       .most = 4096},
    [LIMIT_MEMORY_MB] = {.name = "memory_mb",
                         .help = "all memory of the attempt, the heap included, MiB",
                         .fallback = 256,
                         .min = 32,
                         .ceiling = 1024,
                         .most = 16384},
    [LIMIT_OUTPUT_KB] = {.name = "output_kb",
                         .help = "stdout and stderr together, and the value's JSON, KiB",
                         .fallback = 256,
                         .min = 1,
                         .ceiling = 4096,
                         .most = 16384},
    [LIMIT_ARTIFACTS_MB] = {.name = "artifacts_mb",
                            .help = "artifacts that it reads, and those that it puts, MiB",
                            .fallback = 64,
                            .min = 1,
                            .ceiling = 1024,
                            .most = 1048576},
};

int limit_by_name(const char *name)
{
    for (int i = 0; i < LIMITS; i++)
        if (!strcmp(name, limit_table[i].name))
            return i;
    return -1;
}

int limits_resolve(const struct limits *asked, const struct limits *defaults,
                   const struct limits *ceilings, const char *tenant, struct limits *out,
                   struct err *e)
{
    struct limits r;
    for (int i = 0; i < LIMITS; i++) {
        const struct limit_info *info = &limit_table[i];
        int64_t ceiling = ceilings->v[i] ? ceilings->v[i] : info->ceiling;
        r.v[i] = asked->v[i];
        if (!r.v[i])
            r.v[i] = defaults->v[i] ? defaults->v[i] : info->fallback;
        /* A default above a lowered ceiling is nobody's request: the ceiling is what they get. */
        if (!asked->v[i] && r.v[i] > ceiling)
            r.v[i] = ceiling;
        if (r.v[i] < info->min || r.v[i] > ceiling)
            return err_set(e, ERR_INVALID,
                           "limits.%s: found %" PRId64 "; allowed: %" PRId64 " to %" PRId64
                           " (ceiling of tenant '%s')",
                           info->name, r.v[i], info->min, ceiling, tenant);
    }
    *out = r;
    return 0;
}
