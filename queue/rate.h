/* What a tenant may use up in a time, on one worker: jobs begun in a second (a token bucket), CPU
 * time in an hour (a sliding one, kept minute by minute). Times are microseconds of any clock that
 * does not go back. Pure bookkeeping; one thread. */
#pragma once

#include <stdint.h>

#include "config/config.h"

#define RATE_SLOTS 61 /* minutes: the hour, and the one that has begun */

struct rate {
    int64_t per_s, burst; /* per_s 0: no ceiling */
    int64_t tokens, full; /* millionths of a job */
    int64_t refilled_us;  /* up to when tokens were given */
    int64_t cpu_most_us;  /* 0: no ceiling */
    int64_t cpu_us;       /* sum of the slots */
    int64_t slot[RATE_SLOTS];
    int64_t minute; /* number of the newest slot's minute */
};

/* The bucket begins full. */
void rate_init(struct rate *r, const struct tenant *t, int64_t now_us);
/* Whether a tenant has such ceilings at all. */
static inline bool rate_is_set(const struct tenant *t)
{
    return t->jobs_per_s > 0 || t->cpu_s_per_hour > 0;
}

/* When the next job may begin: now_us, or later. */
int64_t rate_ready_us(struct rate *r, int64_t now_us);
/* One began; it did not begin after all. */
void rate_began(struct rate *r);
void rate_undo(struct rate *r);
/* CPU time was used, at_us at the latest; what is older than an hour does not count. */
void rate_used(struct rate *r, int64_t cpu_us, int64_t at_us, int64_t now_us);
