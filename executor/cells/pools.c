/* How this works: an array with a place for each profile; NULL where no pool is open. A pool that
 * was closed frees itself in the loop's close callbacks and tells nothing any more, so another may
 * stand in its place at once.
 *
 * A pool beside the first is smaller (a zygote with two cells takes some 42 MB): BESIDE
 * cells wait in it, which is enough for all that are alone, and busy ones are forked as jobs come.
 * A timer that keeps nobody awake closes it when it has had nothing to do for profile_idle_s. One
 * that fails is closed by the timer too, for it tells so from its own depths. */
#include "executor/cells/pools.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define BESIDE 2 /* cells kept ready in a pool that is not the first */

struct place {
    struct pools *all;
    enum profile profile;
    struct pool *pool;
    int64_t used_us; /* when it was last seen to have something to do */
    int waiting;     /* jobs, as of the last pools_refill() */
    bool failed;
    struct err why;
    uint64_t zygotes, forked, crashed; /* of pools closed before */
};

struct pools {
    uv_loop_t *loop;
    struct pool_options options;
    struct engine_paths paths;
    struct pools_events ev;
    void *arg;
    struct place place[PROFILES];
    uv_timer_t timer;
    bool closing;
};

static void on_ready(void *arg)
{
    struct place *at = arg;
    at->all->ev.ready(at->all->arg);
}

static void on_timer(uv_timer_t *t);

static void close_place(struct place *at)
{
    struct pool_stats s = pool_stats(at->pool);
    at->zygotes += s.zygotes;
    at->forked += s.forked;
    at->crashed += s.crashed;
    pool_close(at->pool);
    at->pool = NULL;
}

static void on_failed(const struct err *why, void *arg)
{
    struct place *at = arg;
    struct pools *ps = at->all;
    if (at->profile == ps->options.profile) {
        ps->ev.failed(why, ps->arg);
    } else if (why->code == ERR_DENIED || why->code == ERR_PROTOCOL) {
        ps->ev.unsafe(why, ps->arg); /* the jail holds for one profile and not for the other */
    } else {
        at->failed = true;
        at->why = *why;
        uv_ref((uv_handle_t *)&ps->timer);
        uv_timer_start(&ps->timer, on_timer, 0, 0);
    }
}

static void take_leave(struct place *at)
{
    at->failed = false;
    close_place(at);
    at->all->ev.lacking(at->profile, &at->why, at->all->arg);
}

static void on_unsafe(const struct err *why, void *arg)
{
    struct place *at = arg;
    at->all->ev.unsafe(why, at->all->arg);
}

static const struct pool_events handlers = {
    .ready = on_ready, .failed = on_failed, .unsafe = on_unsafe};

/* ---- idle ---- */

static bool may_idle(const struct pools *ps, const struct place *at)
{
    const struct config *c = ps->options.config;
    bool kept = at->profile == ps->options.profile ||
                (at->profile == PROFILE_TOOLCHAIN && c->toolchain == TOOLCHAIN_READY);
    return at->pool && !kept && c->profile_idle_s > 0;
}

static int64_t idle_at_us(const struct pools *ps, const struct place *at)
{
    int64_t given_us = pool_stats(at->pool).given_us; /* a job may have ended since used_us */
    return (given_us > at->used_us ? given_us : at->used_us) +
           ps->options.config->profile_idle_s * 1000000;
}

static void arm_timer(struct pools *ps);

static void on_timer(uv_timer_t *t)
{
    struct pools *ps = t->data;
    int64_t now = clock_mono_us();
    for (int p = 0; p < PROFILES; p++) {
        struct place *at = &ps->place[p];
        if (at->failed)
            take_leave(at);
        if (!may_idle(ps, at))
            continue;
        if (pool_stats(at->pool).taken > 0 || at->waiting > 0)
            at->used_us = now;
        if (now < idle_at_us(ps, at))
            continue;
        log_info("pools", "profile %s has had no job for %lld s: its cells are given up",
                 profile_table[p].name, (long long)ps->options.config->profile_idle_s);
        close_place(at);
    }
    arm_timer(ps);
}

static void arm_timer(struct pools *ps)
{
    int64_t first = 0;
    for (int p = 0; p < PROFILES; p++)
        if (may_idle(ps, &ps->place[p]) && (!first || idle_at_us(ps, &ps->place[p]) < first))
            first = idle_at_us(ps, &ps->place[p]);
    if (!first || ps->closing) {
        uv_timer_stop(&ps->timer);
        return;
    }
    int64_t in_ms = (first - clock_mono_us()) / 1000 + 1;
    uv_timer_start(&ps->timer, on_timer, in_ms > 0 ? (uint64_t)in_ms : 0, 0);
    uv_unref((uv_handle_t *)&ps->timer);
}

/* ---- for the executor ---- */

void pools_need(struct pools *ps, enum profile p)
{
    struct place *at = &ps->place[p];
    struct pool_options o = ps->options;
    at->used_us = clock_mono_us();
    if (at->pool || ps->closing)
        return;
    o.profile = p;
    o.paths = &ps->paths;
    o.size = (int)ps->options.config->pool;
    if (p != ps->options.profile && o.size > BESIDE)
        o.size = BESIDE;
    at->pool = pool_open(ps->loop, &o, &handlers, at);
    arm_timer(ps);
}

struct pools *pools_open(uv_loop_t *loop, const struct pool_options *o,
                         const struct pools_events *ev, void *arg)
{
    struct pools *ps = mem_alloc(sizeof *ps);
    ps->loop = loop;
    ps->options = *o;
    ps->paths = *o->paths;
    ps->ev = *ev;
    ps->arg = arg;
    uv_timer_init(loop, &ps->timer);
    ps->timer.data = ps;
    for (int p = 0; p < PROFILES; p++) {
        ps->place[p].all = ps;
        ps->place[p].profile = (enum profile)p;
    }
    pools_need(ps, o->profile);
    if (o->config->toolchain == TOOLCHAIN_READY && !o->few_cells)
        pools_need(ps, PROFILE_TOOLCHAIN);
    return ps;
}

unsigned pools_ready(const struct pools *ps)
{
    unsigned set = 0;
    for (int p = 0; p < PROFILES; p++)
        if (ps->place[p].pool && pool_stats(ps->place[p].pool).ready > 0)
            set |= 1u << p;
    return set;
}

struct cell *pools_take(struct pools *ps, enum profile p, const struct cell_events *ev, void *arg)
{
    ps->place[p].used_us = clock_mono_us();
    return ps->place[p].pool ? pool_take(ps->place[p].pool, ev, arg) : NULL;
}

void pools_refill(struct pools *ps, const int running[PROFILES], const int waiting[PROFILES],
                  int recording)
{
    for (int p = 0; p < PROFILES; p++) {
        ps->place[p].waiting = waiting[p];
        if (ps->place[p].pool && !ps->place[p].failed)
            pool_refill(ps->place[p].pool, running[p], waiting[p], recording);
    }
}

const struct zygote_info *pools_zygote(const struct pools *ps)
{
    const struct pool *first = ps->place[ps->options.profile].pool;
    const struct zygote_info *z = first ? pool_zygote(first) : NULL;
    for (int p = 0; p < PROFILES && !z; p++)
        z = ps->place[p].pool ? pool_zygote(ps->place[p].pool) : NULL;
    return z;
}

struct pool_stats pools_stats(const struct pools *ps)
{
    struct pool_stats sum = {0};
    for (int p = 0; p < PROFILES; p++) {
        const struct place *at = &ps->place[p];
        struct pool_stats s = at->pool ? pool_stats(at->pool) : (struct pool_stats){0};
        sum.ready += s.ready;
        sum.starting += s.starting;
        sum.taken += s.taken;
        sum.zygotes += s.zygotes + at->zygotes;
        sum.forked += s.forked + at->forked;
        sum.crashed += s.crashed + at->crashed;
    }
    return sum;
}

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

void pools_close(struct pools *ps)
{
    if (!ps)
        return;
    ps->closing = true;
    for (int p = 0; p < PROFILES; p++)
        pool_close(ps->place[p].pool);
    uv_close((uv_handle_t *)&ps->timer, on_closed);
}
