/* Jobs with a concurrency_key: at most so many of them run at once in the cluster.
 *
 * How this works: a job asks for a place (leases.h) when its turn for a cell has come, not before,
 * so that no place is held by a job that waits for something else; what waits for a place is PARKED
 * and stands in nobody's way. With its place it comes in front of its tenant's jobs. The place is
 * given back when the run has ended. A run whose place is lost is killed and handed back: another
 * worker may have begun the next one.
 *
 * As all that waits here, such jobs are bounded; what is over goes to ISOLANE_LATER and comes
 * again. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "executor/cluster/leases.h"
#include "executor/front/serve_inner.h"

#define WAITING_A_KEY 64    /* jobs of this worker; more wait in ISOLANE_LATER … */
#define AGAIN_MS      20000 /* … for so long, and up to half as long again */
#define HAND_BACK_MS  1000

static void on_got(struct lease *x, void *arg)
{
    struct custody *c = arg;
    (void)x;
    if (attempt_state(c->attempt) == ATTEMPT_PARKED)
        executor_go_on(c->serve->executor, c->attempt);
}

static void move_away(struct serve *s, struct custody *c)
{
    enum job_class cls = attempt_job(c->attempt)->cls;
    int used = attempt_number(c->attempt);
    int64_t delay_ms = AGAIN_MS + (int64_t)(c->delivery->stream_seq % (AGAIN_MS / 2));
    executor_let_go(s->executor, c->attempt);
    c->attempt = NULL;
    holding_move_later(s, c, cls, clock_real_us() + delay_ms * 1000, used);
}

static void on_waits(struct lease *x, void *arg)
{
    struct custody *c = arg;
    struct serve *s = c->serve;
    if (lease_waiting(x) > WAITING_A_KEY || !holding_has_room(s, c))
        move_away(s, c);
    else
        holding_begin(s, c);
}

static void on_lost(struct lease *x, void *arg)
{
    struct custody *c = arg;
    struct serve *s = c->serve;
    (void)x;
    turns_end(c);
    if (!c->attempt || attempt_state(c->attempt) != ATTEMPT_RUNNING)
        return; /* it asks again at its turn */
    log_warn("serve", "job %s is stopped and handed back: its concurrency_key's place was lost",
             c->id);
    struct attempt *a = c->attempt;
    c->attempt = NULL;
    executor_take_away(s->executor, a);
    serve_hand_back(s, c, HAND_BACK_MS);
}

bool turns_may_start(struct attempt *a, void *serve)
{
    static const struct lease_events handlers = {on_got, on_waits, on_lost};
    struct serve *s = serve;
    struct custody *c = attempt_tag(a);
    const struct job *j = attempt_job(a);
    char key[LEASE_KEY_MAX + 1];
    if (!*j->concurrency_key || (c->lease && lease_held(c->lease)))
        return true;
    if (c->lease)
        return false;
    snprintf(key, sizeof key, "job.%s.%s", j->tenant, j->concurrency_key);
    c->lease = lease_ask(s->leases, key, j->concurrency_limit, &handlers, c);
    return false;
}

void turns_end(struct custody *c)
{
    lease_release(c->lease);
    c->lease = NULL;
}

void turns_drain(struct serve *s)
{
    struct custody *c, *next;
    HASH_ITER(hh, s->custodies.by_key, c, next)
    {
        if (!c->lease || lease_held(c->lease) || !c->attempt ||
            attempt_state(c->attempt) != ATTEMPT_PARKED)
            continue;
        executor_let_go(s->executor, c->attempt);
        c->attempt = NULL;
        serve_hand_back(s, c, 0);
    }
}
