#include "queue/rate.h"

#include <string.h>

#define TOKEN     ((int64_t)1000000)
#define MINUTE_US ((int64_t)60000000)

void rate_init(struct rate *r, const struct tenant *t, int64_t now_us)
{
    *r = (struct rate){
        .per_s = t->jobs_per_s,
        .burst = t->jobs_burst,
        .full = t->jobs_burst * TOKEN,
        .tokens = t->jobs_burst * TOKEN,
        .refilled_us = now_us,
        .cpu_most_us = t->cpu_s_per_hour * 1000000,
        .minute = now_us / MINUTE_US,
    };
}

/* per_s jobs a second are per_s millionths of a job a microsecond. */
static void refill(struct rate *r, int64_t now_us)
{
    int64_t lacking = r->full - r->tokens, us = now_us - r->refilled_us;
    if (us <= 0)
        return;
    r->refilled_us = now_us;
    r->tokens += us > lacking / r->per_s ? lacking : us * r->per_s;
}

/* Minutes that are over for an hour are forgotten. */
static void forget(struct rate *r, int64_t now_us)
{
    int64_t minute = now_us / MINUTE_US, gone = minute - r->minute;
    if (gone <= 0)
        return;
    for (int64_t i = 1; i <= gone && i <= RATE_SLOTS; i++) {
        int64_t *slot = &r->slot[(r->minute + i) % RATE_SLOTS];
        r->cpu_us -= *slot;
        *slot = 0;
    }
    r->minute = minute;
}

/* When so many minutes are forgotten that the sum is below the ceiling. */
static int64_t cpu_ready_us(struct rate *r, int64_t now_us)
{
    forget(r, now_us);
    int64_t left = r->cpu_us;
    if (left < r->cpu_most_us)
        return now_us;
    for (int64_t i = 1; i <= RATE_SLOTS; i++) {
        left -= r->slot[(r->minute + i) % RATE_SLOTS];
        if (left < r->cpu_most_us)
            return (r->minute + i) * MINUTE_US;
    }
    return (r->minute + RATE_SLOTS) * MINUTE_US;
}

int64_t rate_ready_us(struct rate *r, int64_t now_us)
{
    int64_t ready = now_us;
    if (r->per_s) {
        refill(r, now_us);
        if (r->tokens < TOKEN)
            ready = now_us + (TOKEN - r->tokens + r->per_s - 1) / r->per_s;
    }
    if (r->cpu_most_us) {
        int64_t cpu = cpu_ready_us(r, now_us);
        if (cpu > ready)
            ready = cpu;
    }
    return ready;
}

void rate_began(struct rate *r)
{
    if (r->per_s)
        r->tokens -= TOKEN;
}

void rate_undo(struct rate *r)
{
    if (!r->per_s)
        return;
    r->tokens += TOKEN;
    if (r->tokens > r->full)
        r->tokens = r->full;
}

void rate_used(struct rate *r, int64_t cpu_us, int64_t at_us, int64_t now_us)
{
    int64_t minute = at_us / MINUTE_US;
    forget(r, now_us);
    if (minute > r->minute)
        minute = r->minute;
    if (cpu_us <= 0 || minute <= r->minute - RATE_SLOTS)
        return;
    r->slot[(minute % RATE_SLOTS + RATE_SLOTS) % RATE_SLOTS] += cpu_us;
    r->cpu_us += cpu_us;
}
