#include "config/retry.h"

#include <string.h>

static const uint32_t allowed = 1u << OUTCOME_THREW | 1u << OUTCOME_CPU_EXCEEDED |
                                1u << OUTCOME_WALL_EXCEEDED | 1u << OUTCOME_HEAP_EXCEEDED |
                                1u << OUTCOME_MEMORY_EXCEEDED | 1u << OUTCOME_OUTPUT_EXCEEDED |
                                1u << OUTCOME_CRASHED | 1u << OUTCOME_INTERNAL;

void retry_default(struct retry_policy *p)
{
    *p = (struct retry_policy){
        .max_attempts = RETRY_ATTEMPTS_DEFAULT,
        .type = BACKOFF_EXPONENTIAL,
        .delay_ms = 500,
        .max_ms = 60000,
        .jitter = 0.5,
        .outcomes = 1u << OUTCOME_CRASHED,
    };
}

int retry_outcome_by_name(const char *name)
{
    for (int o = 0; o < OUTCOMES; o++)
        if (allowed & (1u << o) && !strcmp(name, outcome_name((enum outcome)o)))
            return o;
    return -1;
}

int64_t retry_delay_ms(const struct retry_policy *p, int n, double chance)
{
    int64_t wait = p->delay_ms;
    if (p->type == BACKOFF_EXPONENTIAL)
        for (int i = 1; i < n && wait < p->max_ms; i++)
            wait *= 2; /* below 2 * RETRY_DELAY_MS_MAX: no overflow */
    if (wait > p->max_ms)
        wait = p->max_ms;
    return wait - (int64_t)((double)wait * p->jitter * chance);
}
