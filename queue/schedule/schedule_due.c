/* What is due of a schedule at a moment. Everything follows from the schedule and the time: no
 * state but last_tick, which only ever grows, so a clock that is put back makes nothing tick twice
 * (it waits until the time has come again), and one that is put forward makes ticks that were
 * missed. */
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "queue/schedule/schedule.h"

#define US ((int64_t)1000000)

/* Ticks after this one count. */
static int64_t counted_from(const struct schedule *s)
{
    int64_t after = s->since_us / US;
    int64_t from = s->from_us ? (s->from_us + US - 1) / US - 1 : 0;
    after = from > after ? from : after;
    return s->last_tick_s > after ? s->last_tick_s : after;
}

static int64_t anchor_of(const struct schedule *s)
{
    return (s->from_us ? s->from_us : s->created_at_us) / US;
}

int64_t schedule_next(const struct schedule *s, int64_t after_s)
{
    int64_t least = counted_from(s);
    int64_t t = cron_next(&s->cron, s->zone, anchor_of(s), after_s > least ? after_s : least);
    return t < 0 || (s->until_us && t > s->until_us / US) ? SCHEDULE_NO_TICK : t;
}

/* By how much this tick is put off: drawn from its id, so every worker draws the same. */
static int64_t jitter_us(const struct schedule *s, int64_t tick_s)
{
    char id[JOB_ID_MAX + 1], hex[SHA256_HEX];
    uint64_t x = 0;
    if (!s->jitter_ms)
        return 0;
    schedule_tick_id(s, tick_s, id);
    crypto_sha256_hex(id, strlen(id), hex);
    for (int i = 0; i < 12; i++)
        x = x * 16 + (uint64_t)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
    return (int64_t)(x % ((uint64_t)s->jitter_ms * 1000 + 1));
}

/* More were missed than are made up for: the newest of those that are not. SCHEDULE_NO_TICK: all
 * may be started. */
static int64_t too_old(const struct schedule *s, int64_t first, int64_t upto)
{
    int64_t anchor = anchor_of(s), after = first - 1, t = first;
    for (int n = 1; n <= SCHEDULE_CATCH_UP; n++) {
        t = cron_next(&s->cron, s->zone, anchor, t);
        if (t < 0 || t > upto)
            return SCHEDULE_NO_TICK;
    }
    t = upto + 1;
    for (int n = 0; n <= SCHEDULE_CATCH_UP; n++)
        t = cron_newest(&s->cron, s->zone, anchor, after, t - 1);
    return t;
}

void schedule_due(const struct schedule *s, int64_t now_us, int64_t late_ms,
                  struct schedule_due *out)
{
    int64_t first = s->paused ? SCHEDULE_NO_TICK : schedule_next(s, 0);
    memset(out, 0, sizeof *out);
    out->step = STEP_WAIT;
    out->at_us = INT64_MAX;
    if (first < 0)
        return;
    out->at_us = first * US + jitter_us(s, first);
    if (out->at_us > now_us)
        return;
    int64_t missed_upto = (now_us - (late_ms + s->jitter_ms) * 1000) / US;
    if (s->until_us && missed_upto > s->until_us / US)
        missed_upto = s->until_us / US;
    out->step = STEP_START;
    out->tick_s = first;
    out->missed = out->at_us + late_ms * 1000 < now_us;
    if (first > missed_upto)
        return;
    if (s->missed == MISSED_ALL) {
        int64_t old = too_old(s, first, missed_upto);
        if (old >= 0) {
            out->step = STEP_PASS_BY;
            out->tick_s = old;
        }
        return;
    }
    out->tick_s = cron_newest(&s->cron, s->zone, anchor_of(s), first - 1, missed_upto);
    if (s->missed == MISSED_SKIP)
        out->step = STEP_PASS_BY;
}
