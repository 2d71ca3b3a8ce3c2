/* How often, when and after which outcomes a job is tried again (docs/protocol.md "Retries"). Pure
 * functions, any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/outcome.h"

#define RETRY_ATTEMPTS_MAX     100
#define RETRY_ATTEMPTS_DEFAULT 3
#define RETRY_DELAY_MS_MAX     86400000 /* a day */

enum backoff_type { BACKOFF_FIXED, BACKOFF_EXPONENTIAL };

struct retry_policy {
    int max_attempts;       /* 1..RETRY_ATTEMPTS_MAX, runs in all */
    enum backoff_type type; /* exponential: doubled after each attempt */
    int64_t delay_ms;       /* after the first attempt, 0..RETRY_DELAY_MS_MAX */
    int64_t max_ms;         /* of one wait, delay_ms..RETRY_DELAY_MS_MAX */
    double jitter;          /* 0..1: the share of a wait that is left to chance */
    uint32_t outcomes;      /* bits 1 << enum outcome */
};

/* 3 attempts, after crashes; half a second, doubled up to a minute, half of it left to chance. */
void retry_default(struct retry_policy *p);

/* The outcome a job may ask to be tried again after, by its name; -1: none of them. */
int retry_outcome_by_name(const char *name);
/* All of them: "threw, cpu_exceeded, …". */
#define RETRY_OUTCOMES_TEXT                                                                        \
    "threw, cpu_exceeded, wall_exceeded, heap_exceeded, memory_exceeded, output_exceeded, "        \
    "crashed, internal"

static inline bool retry_wants(const struct retry_policy *p, enum outcome o)
{
    return p->outcomes & (1u << o);
}

/* The wait behind attempt n (1..), milliseconds. chance: 0 <= chance < 1, from a generator. With
 * jitter j the wait lies between (1 - j) and 1 times the backoff; j = 1 is what is known as "full
 * jitter". */
int64_t retry_delay_ms(const struct retry_policy *p, int n, double chance);
