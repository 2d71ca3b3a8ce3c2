/* How this works
 *
 * source = a zygote and what we know about it. `current` forks; `next` is starting and takes over
 * when it is attested; `retiring` ones only wait for their last cell. A cell is a `slot`: in
 * `ready` or not, given to a taker or ours. slots and sources are freed in one place each
 * (slot_gone, source_maybe_free). */
#include "executor/cells/pool.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/cells/pool_inner.h"
#include "sandbox/jail/layers_for_test.h"
#include "sandbox/zygote/control.h"

#define RESTART_FIRST_MS 20   /* wait before a zygote that died is replaced … */
#define RESTART_MOST_MS  5000 /* … doubling up to this */
#define START_TRIES      4    /* failures in a row, none ever up: give up and say so */
#define FORK_TRIES       7    /* likewise of cells, none ever ready: a few seconds */
/* Age at which a zygote is replaced whose cell crashed: at once would let a tenant's jobs that
 * crash keep the worker busy with starting zygotes (some 100 ms of CPU each). */
#define CRASHED_AGE_US   1000000

static void pool_maybe_free(struct pool *p)
{
    if (!p->timer_closed || !list_empty(&p->sources))
        return;
    if (p->keep_fd)
        close(p->keep_fd);
    free(p);
}

static void source_maybe_free(struct source *s)
{
    if (!list_empty(&s->slots) || !(s->gone || s->retiring))
        return;
    struct pool *p = s->pool;
    if (p->current == s)
        p->current = NULL;
    if (p->next == s)
        p->next = NULL;
    list_remove(&s->node);
    zygote_free(s->z);
    free(s);
    pool_maybe_free(p);
}

/* ---- cells ---- */

void pool_slot_serves(struct slot *s)
{
    struct pool *p = s->source->pool;
    s->is_ready = true;
    p->stats.starting--;
    p->stats.ready++;
    list_push_back(&p->ready, &s->node);
}

static void slot_ready(struct cell *c, void *arg)
{
    (void)c;
    struct slot *s = arg;
    struct pool *p = s->source->pool;
    s->was_ready = true;
    p->fork_failures = 0;
    p->ever_ready = true;
    if (s->source->retiring || p->refused) { /* forked just before its zygote was replaced */
        cell_kill(s->cell);
    } else if (s->prober) {
        pool_probe_in(s);
    } else if (!s->source->attested) {
        list_push_back(&s->source->held, &s->node);
    } else {
        pool_slot_serves(s);
        p->ev.ready(p->arg);
    }
}

static void slot_output(struct cell *c, int stream, const char *text, size_t len, void *arg)
{
    struct slot *s = arg;
    if (s->ev)
        s->ev->output(c, stream, text, len, s->arg);
}

static void slot_call(struct cell *c, uint64_t call_id, const char *name, size_t name_len,
                      const char *json, size_t len, void *arg)
{
    struct slot *s = arg;
    if (s->ev)
        s->ev->call(c, call_id, name, name_len, json, len, s->arg);
}

static void slot_code(struct cell *c, const char *bytes, size_t len, void *arg)
{
    struct slot *s = arg;
    if (s->ev && s->ev->code)
        s->ev->code(c, bytes, len, s->arg);
}

static void slot_done(struct cell *c, const struct cell_done *d, void *arg)
{
    struct slot *s = arg;
    if (s->ev)
        s->ev->done(c, d, s->arg);
}

static void retire_current(struct pool *p, const char *why)
{
    if (!p->current || p->current->retiring || p->next || p->closing)
        return;
    log_info("pool", "replacing the zygote: %s", why);
    pool_start_source(p);
}

static int64_t back_off_us(int failures)
{
    int64_t wait_ms = (int64_t)RESTART_FIRST_MS << (failures < 8 ? failures : 8);
    return (wait_ms < RESTART_MOST_MS ? wait_ms : RESTART_MOST_MS) * 1000;
}

/* Where cells were ready before, what they lack now is lacking for a while: jobs wait for it. */
static bool never_serves(const struct pool *p)
{
    return p->fork_failures >= FORK_TRIES && !p->ever_ready;
}

/* The zygote cannot fork (pids.max, memory), or cells end before they are ready. Nobody would ask
 * again when nothing else happens, and asking at each turn would be a storm: the timer asks, or
 * gives up. */
static void hold_forks_back(struct pool *p, const struct cell_gone *g)
{
    if (p->fork_again_at_us)
        return; /* another of the same batch */
    p->fork_failures++;
    p->fork_again_at_us = clock_mono_us() + (never_serves(p) ? 0 : back_off_us(p->fork_failures));
    if (g->breach)
        err_set(&p->why_no_cell, ERR_UNAVAILABLE, "%s", g->breach);
    else if (g->denied_syscall >= 0)
        err_set(&p->why_no_cell, ERR_UNAVAILABLE, "system call %d was denied to it",
                g->denied_syscall);
    else if (g->reaped && WIFSIGNALED(g->status))
        err_set(&p->why_no_cell, ERR_UNAVAILABLE, "signal %d", WTERMSIG(g->status));
    else if (g->reaped)
        err_set(&p->why_no_cell, ERR_UNAVAILABLE, "exit status %d", WEXITSTATUS(g->status));
    else
        err_set(&p->why_no_cell, ERR_UNAVAILABLE, "it could not be forked");
    pool_arm_timer(p);
}

static void give_up(struct pool *p)
{
    struct err e = p->why_no_cell;
    err_wrap(&e, "%d times in a row a cell ended before it was ready, and none ever was",
             p->fork_failures);
    p->refused = true;
    pool_arm_timer(p);
    p->ev.failed(&e, p->arg);
}

/* It counts no longer among the cells that jobs have or will have. */
static void count_out(struct slot *s)
{
    struct pool_stats *stats = &s->source->pool->stats;
    if (s->counted_out)
        return;
    s->counted_out = true;
    if (s->taken) {
        stats->taken--;
        stats->given_us = clock_mono_us();
    } else if (s->is_ready) {
        stats->ready--;
    } else if (!s->prober) {
        stats->starting--;
    }
}

static void slot_gone(struct cell *c, const struct cell_gone *g, void *arg)
{
    struct slot *s = arg;
    struct source *source = s->source;
    struct pool *p = source->pool;
    /* None of these can plain JavaScript do: somebody may be looking for the way out, and learns
     * the layout of memory that all cells of a zygote share. */
    bool crashed = (g->reaped && WIFSIGNALED(g->status) && WTERMSIG(g->status) != SIGKILL) ||
                   g->denied_syscall >= 0 || g->breach;
    count_out(s);
    bool unused = !s->was_ready || (s->prober && !s->run && !s->reported);
    bool not_made = unused && !g->with_zygote && !source->retiring && !p->refused;
    if (not_made)
        hold_forks_back(p, g);
    if (not_made && s->prober)
        source->attest_due_us = p->fork_again_at_us;
    list_remove(&s->node);
    if (crashed)
        p->stats.crashed++;
    if (s->ev)
        s->ev->gone(c, g, s->arg); /* may close the pool: the slot keeps its source */
    list_remove(&s->every);
    cell_free(c);
    free(s);
    if (crashed && !source->crashed) {
        source->crashed = true;
        pool_arm_timer(p);
    }
    source_maybe_free(source);
}

static const struct cell_events slot_events = {
    .ready = slot_ready,
    .output = slot_output,
    .call = slot_call,
    .code = slot_code,
    .done = slot_done,
    .gone = slot_gone,
};

/* What cells it takes from that source: n for jobs, and with `prober` one more, the first. */
void pool_fork_cells(struct source *from, int n, bool awaited, bool prober)
{
    struct pool *p = from->pool;
    struct slot *slots[CONTROL_FORK_MAX];
    struct cell *cells[CONTROL_FORK_MAX];
    struct err e = {0};
    n += prober;
    if (n > CONTROL_FORK_MAX)
        n = CONTROL_FORK_MAX;
    for (int i = 0; i < n; i++) {
        slots[i] = mem_alloc(sizeof *slots[i]);
        slots[i]->source = from;
        list_init(&slots[i]->node);
    }
    if (cell_fork(from->z, n, awaited, &slot_events, NULL, cells, &e)) {
        log_debug("pool", "cannot ask for %d cells: %s", n, e.msg); /* `gone` follows */
        for (int i = 0; i < n; i++)
            free(slots[i]);
        return;
    }
    for (int i = 0; i < n; i++) {
        slots[i]->cell = cells[i];
        list_push_back(&from->slots, &slots[i]->every);
        cell_set_arg(cells[i], slots[i]);
    }
    slots[0]->prober = prober;
    p->stats.starting += n - prober;
    p->stats.forked += (uint64_t)n;
}
/* ---- for the executor ---- */

void pool_origin(struct cell *c, struct pool_origin *out)
{
    const struct slot *s = cell_arg(c);
    const struct zygote_info *i = zygote_info(s->source->z);
    memcpy(out->engine, i->engine, sizeof out->engine);
    memcpy(out->flags, i->flags, sizeof out->flags);
    out->layers = i->layers;
    out->attested_at_us = s->source->attested_at_us;
}

struct cell *pool_take(struct pool *p, const struct cell_events *ev, void *arg)
{
    struct list *n = list_pop_front(&p->ready);
    if (!n)
        return NULL;
    struct slot *s = LIST_ENTRY(n, struct slot, node);
    s->taken = true;
    s->ev = ev;
    s->arg = arg;
    p->stats.ready--;
    p->stats.taken++;
    return s->cell;
}

void pool_drop(struct cell *c)
{
    struct slot *s = cell_arg(c);
    s->ev = NULL;
}

void pool_hand(struct cell *c, const struct cell_events *ev, void *arg, bool resting)
{
    struct slot *s = cell_arg(c);
    s->ev = ev;
    s->arg = arg;
    s->resting = resting;
}

bool pool_may_rest(struct cell *c)
{
    const struct source *s = ((struct slot *)cell_arg(c))->source;
    const struct pool *p = s->pool;
    return p->current == s && !s->gone && !s->retiring && !s->crashed && !p->refused && !p->closing;
}

uint64_t pool_first_bytes(struct cell *c)
{
    return zygote_info(((struct slot *)cell_arg(c))->source->z)->cell_rss_bytes;
}

void pool_refill(struct pool *p, int running, int waiting, int recording)
{
    if (!p->current || !p->current->attested || p->current->gone || p->closing || p->refused ||
        p->fork_again_at_us)
        return;
    int have = p->stats.ready + p->stats.starting, target = p->size;
    /* A job that nobody waits behind, and its result up to the commit, have the processor to
     * themselves while half the pool stands. */
    if (running + recording > 0 && waiting == 0 && have >= (target + 1) / 2)
        return;
    int want = target - have - running;
    if (want <= 0 && have == 0 && (waiting > 0 || target > 1))
        want = 1; /* long jobs hold the whole pool: the next one should not wait for a fork */
    /* With more jobs than a whole pool would take, none of these will have time to warm up in. */
    if (want > 0)
        pool_fork_cells(p->current, want, waiting > have + target, false);
}

/* ---- zygotes ---- */

/* Its cells that no job has. */
void pool_kill_idle(struct source *s)
{
    LIST_FOREACH(n, &s->slots)
    {
        struct slot *slot = LIST_ENTRY(n, struct slot, every);
        if (!slot->taken || slot->resting) {
            pool_drop_run(slot);
            list_remove(&slot->node);
            count_out(slot); /* now, so that the next zygote is asked for as many */
            cell_kill(slot->cell);
        }
    }
}

static void retire(struct source *s)
{
    s->retiring = true;
    pool_kill_idle(s);
    source_maybe_free(s);
}

void pool_take_over(struct pool *p, struct source *s)
{
    struct source *old = p->current;
    p->next = NULL;
    p->current = s;
    if (old)
        retire(old);
}

static void source_up(struct zygote *z, void *arg)
{
    struct source *s = arg;
    struct pool *p = s->pool;
    const struct zygote_info *i = zygote_info(z);
    log_info("pool",
             "zygote %d up: profile %s, %u mappings, %llu kB private, %llu kB in huge pages",
             i->pid, profile_table[p->profile].name, i->mappings,
             (unsigned long long)i->private_dirty_bytes / 1024,
             (unsigned long long)i->huge_bytes / 1024);
    s->up = true;
    s->up_at_us = clock_mono_us();
    p->ever_up = true;
    p->failures = 0;
    p->stats.zygotes++;
    bool first = !p->current;
    bool leaky = p->config->jail == JAIL_PREFER && jail_off_entry(); /* false but in a test build */
    if (p->config->jail == JAIL_OFF || leaky)
        s->attested = p->ever_attested = true;
    else
        pool_fork_cells(s, first, false,
                        true); /* a job that waits for the first zygote has its cell at once */
    if (s->attested || first)
        pool_take_over(p, s);
    pool_arm_timer(p);
    if (s->attested)
        pool_refill(p, 0, 1, 0);
}

static void source_gone(struct zygote *z, const struct err *why, void *arg)
{
    (void)z;
    struct source *s = arg;
    struct pool *p = s->pool;
    s->gone = true;
    bool was_ours = p->current == s || p->next == s;
    if (p->current == s)
        p->current = NULL;
    if (p->next == s)
        p->next = NULL;
    if (was_ours && !p->closing) {
        p->failures++;
        if (!p->ever_up && (p->failures >= START_TRIES || why->code == ERR_UNAVAILABLE ||
                            why->code == ERR_DENIED || why->code == ERR_NOT_FOUND)) {
            p->ev.failed(why, p->arg);
        } else {
            log_warn("pool", "zygote gone (%s); starting another", why->msg);
            p->restart_at_us = clock_mono_us() + back_off_us(p->failures);
            pool_arm_timer(p);
        }
    }
    source_maybe_free(s);
}

static const struct zygote_events source_events = {.up = source_up, .gone = source_gone};

void pool_start_source(struct pool *p)
{
    const struct profile_info *profile = &profile_table[p->profile];
    struct zygote_options o = {.jail = p->config->jail,
                               .paths = &p->paths,
                               .v8_flags = profile->v8_flags,
                               .no_code = !profile->machine_code,
                               .preload = profile->tool,
                               .preload_mb = p->keep_fd ? p->keep_mb : profile->tool_mb,
                               .keep_fd = p->keep_fd,
                               .preload_quick = p->few_cells,
                               .few_cells = p->few_cells || profile->tool,
                               .cgroup = p->cgroup};
    struct source *s = mem_alloc(sizeof *s);
    struct err e = {0};
    s->pool = p;
    list_init(&s->node);
    list_init(&s->slots);
    list_init(&s->held);
    p->restart_at_us = 0;
    p->next = s;
    list_push_back(&p->sources, &s->node);
    if (zygote_start(p->loop, &o, &source_events, s, &s->z, &e))
        source_gone(NULL, &e, s);
}

/* The earlier of two times of which 0 is never. */
static int64_t earlier(int64_t a, int64_t b)
{
    return !a || (b && b < a) ? b : a;
}

/* 0: never. Not while a zygote that was to take over has just failed. */
static int64_t renewal_due_us(const struct pool *p)
{
    int64_t at = p->config->zygote_renew_s > 0
                     ? p->current->up_at_us + p->config->zygote_renew_s * 1000000
                     : 0;
    if (p->current->crashed)
        at = earlier(at, p->current->up_at_us + CRASHED_AGE_US);
    return at && at < p->restart_at_us ? p->restart_at_us : at;
}

static void attest_if_due(struct source *s, int64_t now)
{
    if (s && s->attest_due_us && now >= s->attest_due_us) {
        s->attest_due_us = 0; /* set again by the report */
        pool_fork_cells(s, 0, false, true);
    }
}

static void on_timer(uv_timer_t *t)
{
    struct pool *p = t->data;
    struct source *s = p->current;
    int64_t now = clock_mono_us();
    if (never_serves(p) && !p->refused) {
        give_up(p);
        return;
    }
    attest_if_due(s, now);
    attest_if_due(p->next, now);
    if (!s && !p->next && p->restart_at_us && now >= p->restart_at_us)
        pool_start_source(p);
    if (s && !p->next && renewal_due_us(p) && now >= renewal_due_us(p))
        retire_current(p, s->crashed ? "a cell of it crashed or broke a rule"
                                     : "it is as old as zygote_renew_s");
    if (p->fork_again_at_us && now >= p->fork_again_at_us) {
        p->fork_again_at_us = 0;
        pool_refill(p, p->stats.taken, 1, 0);
    }
    pool_arm_timer(p);
}

void pool_arm_timer(struct pool *p)
{
    if (p->closing)
        return;
    int64_t at = 0;
    if (p->refused) {
        at = 0;
    } else if (!p->current && !p->next) {
        at = p->restart_at_us;
    } else if (p->current) {
        at = earlier(p->current->attest_due_us, p->fork_again_at_us);
        if (p->next)
            at = earlier(at, p->next->attest_due_us);
        else
            at = earlier(at, renewal_due_us(p));
    } else {
        at = p->next->attest_due_us;
    }
    if (!at) {
        uv_timer_stop(&p->timer);
        return;
    }
    int64_t in_ms = (at - clock_mono_us()) / 1000 + 1;
    uv_timer_start(&p->timer, on_timer, in_ms > 0 ? (uint64_t)in_ms : 0, 0);
    uv_unref((uv_handle_t *)&p->timer);
}

struct pool *pool_open(uv_loop_t *loop, const struct pool_options *o, const struct pool_events *ev,
                       void *arg)
{
    struct pool *p = mem_alloc(sizeof *p);
    p->loop = loop;
    p->config = o->config;
    p->paths = *o->paths;
    p->profile = o->profile;
    p->size = o->size;
    p->keep_fd = o->keep_fd;
    p->keep_mb = o->keep_mb;
    p->few_cells = o->few_cells;
    p->cgroup = o->cgroup;
    p->ev = *ev;
    p->arg = arg;
    list_init(&p->sources);
    list_init(&p->ready);
    uv_timer_init(loop, &p->timer);
    p->timer.data = p;
    pool_start_source(p);
    return p;
}

const struct zygote_info *pool_zygote(const struct pool *p)
{
    return p->current && p->current->up ? zygote_info(p->current->z) : NULL;
}

struct pool_stats pool_stats(const struct pool *p)
{
    return p->stats;
}

static void on_closed(uv_handle_t *h)
{
    struct pool *p = h->data;
    p->timer_closed = true;
    pool_maybe_free(p);
}

void pool_close(struct pool *p)
{
    if (!p)
        return;
    p->closing = true;
    p->current = p->next = NULL;
    LIST_FOREACH(n, &p->sources)
    {
        struct source *s = LIST_ENTRY(n, struct source, node);
        s->retiring = true;
        /* Each cell's end frees its slot, the last slot its source, the last source the pool. */
        LIST_FOREACH(m, &s->slots)
        {
            pool_drop_run(LIST_ENTRY(m, struct slot, every));
            cell_kill(LIST_ENTRY(m, struct slot, every)->cell);
        }
        source_maybe_free(s);
    }
    uv_close((uv_handle_t *)&p->timer, on_closed);
}
