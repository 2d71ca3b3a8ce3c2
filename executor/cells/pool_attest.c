/* Attestation. The first cell of a zygote makes the escape attempts (attest.h); those that get
 * ready meanwhile are `held`, and count as starting until the report is in. Where there is a zygote
 * to go on with, the new one takes over only then. The timer repeats it in one more cell, which no
 * job misses. A report that does not come is asked for again (a cell may be killed by anybody); an
 * attempt that succeeded, or the last miss, ends this pool: `unsafe`. */
#include "base/clock.h"
#include "base/log.h"
#include "executor/cells/pool_inner.h"

#define ATTEST_TRIES 3 /* reports in a row that did not come */

/* No cell of this pool gets another job. */
static void refuse(struct pool *p, const struct err *why)
{
    if (p->refused)
        return;
    p->refused = true;
    log_error("pool", "%s", why->msg);
    LIST_FOREACH(n, &p->sources)
    {
        pool_kill_idle(LIST_ENTRY(n, struct source, node));
    }
    pool_arm_timer(p);
    if (p->ever_attested)
        p->ev.unsafe(why, p->arg);
    else
        p->ev.failed(why, p->arg);
}

static void attested(struct source *s, const struct attest_report *r)
{
    struct pool *p = s->pool;
    struct list *n;
    log_debug("pool", "zygote %d attested: %d attempts held, %d not tried", zygote_info(s->z)->pid,
              r->count[ATTEST_HELD], r->count[ATTEST_SKIPPED]);
    p->misses = 0;
    s->attested_at_us = clock_real_us();
    if (p->config->attest_interval_s > 0)
        s->attest_due_us = clock_mono_us() + p->config->attest_interval_s * 1000000;
    bool more = !list_empty(&s->held), takes_over = p->next == s;
    s->attested = p->ever_attested = true;
    if (takes_over)
        pool_take_over(p, s);
    while ((n = list_pop_front(&s->held)))
        pool_slot_serves(LIST_ENTRY(n, struct slot, node));
    pool_arm_timer(p);
    if (more)
        p->ev.ready(p->arg);
    if (takes_over)
        pool_refill(p, 0, 1, 0);
}

/* No report came; why is NULL when the cell was lost with its zygote. */
static void missed(struct source *s, const struct err *why)
{
    struct pool *p = s->pool;
    struct err e = {0};
    bool with_zygote = !why;
    if (p->closing || p->refused || s->retiring)
        return;
    if (with_zygote) {
        err_set(&e, ERR_UNAVAILABLE,
                "the jail is not attested: the zygote was lost while a cell of it made the escape "
                "attempts; no jobs are run here");
        why = &e;
    }
    if (++p->misses >= ATTEST_TRIES) {
        refuse(p, why);
        return;
    }
    log_warn("pool", "%s; trying again", why->msg);
    if (!with_zygote)
        pool_fork_cells(s, 0, false, true);
}

static void on_attest_ended(int rc, const struct attest_report *r, const struct err *why, void *arg)
{
    struct slot *slot = arg;
    struct source *s = slot->source;
    slot->run = NULL;
    slot->ev = NULL;
    slot->reported = true;
    if (rc == 0)
        attested(s, r);
    else if (rc == ERR_DENIED || rc == ERR_PROTOCOL)
        refuse(s->pool, why);
    else
        missed(s, why);
}

void pool_probe_in(struct slot *slot)
{
    struct source *s = slot->source;
    struct err e = {0};
    if (attest_begin(s->pool->loop, slot->cell, zygote_info(s->z)->layers, on_attest_ended, slot,
                     &slot->run, &e)) {
        cell_kill(slot->cell); /* it died meanwhile: `gone` follows, the timer tries again */
        return;
    }
    slot->ev = &attest_cell_events;
    slot->arg = slot->run;
}

void pool_drop_run(struct slot *s)
{
    attest_drop(s->run);
    s->run = NULL;
    s->reported = true;
    if (s->prober)
        s->ev = NULL;
}
