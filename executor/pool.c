/* How this works
 *
 * source = a zygote and what we know about it. `current` forks; `next` is starting and takes over
 * when it is up; `retiring` ones only wait for their last cell. A cell is a `slot`: in `ready` or
 * not, given to a taker or ours. slots and sources are freed in one place each (slot_gone,
 * source_maybe_free). */
#include "executor/pool.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "sandbox/zygote/control.h"

#define RESTART_FIRST_MS 20   /* wait before a zygote that died is replaced … */
#define RESTART_MOST_MS  5000 /* … doubling up to this */
#define START_TRIES      4    /* failures in a row, none ever up: give up and say so */

struct source {
    struct pool *pool;
    struct zygote *z;
    struct list node;  /* in pool->sources */
    struct list slots; /* every cell of it that exists */
    bool up, gone, retiring;
    int64_t up_at_us;
};

struct slot {
    struct source *source;
    struct cell *cell;
    struct list node;  /* in pool->ready, or in no list */
    struct list every; /* in source->slots */
    bool is_ready, taken;
    const struct cell_events *ev; /* the taker's */
    void *arg;
};

struct pool {
    uv_loop_t *loop;
    const struct config *config;
    struct engine_paths paths;
    struct cgroup *cgroup;
    struct pool_events ev;
    void *arg;
    struct list sources;
    struct source *current, *next;
    struct list ready;
    struct pool_stats stats;
    uv_timer_t timer; /* restart, renewal or forks again, whichever comes first */
    int64_t restart_at_us;
    int failures;
    int64_t fork_again_at_us; /* 0: forks are not held back */
    int fork_failures;        /* in a row */
    bool few_cells, ever_up, closing, timer_closed;
};

static void start_source(struct pool *p);
static void arm_timer(struct pool *p);

static void pool_maybe_free(struct pool *p)
{
    if (p->timer_closed && list_empty(&p->sources))
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

static void slot_ready(struct cell *c, void *arg)
{
    (void)c;
    struct slot *s = arg;
    struct pool *p = s->source->pool;
    s->is_ready = true;
    p->fork_failures = 0;
    p->stats.starting--;
    p->stats.ready++;
    if (s->source->retiring) { /* forked just before its zygote was replaced */
        cell_kill(s->cell);
        return;
    }
    list_push_back(&p->ready, &s->node);
    p->ev.ready(p->arg);
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
    start_source(p);
}

static int64_t back_off_us(int failures)
{
    int64_t wait_ms = (int64_t)RESTART_FIRST_MS << (failures < 8 ? failures : 8);
    return (wait_ms < RESTART_MOST_MS ? wait_ms : RESTART_MOST_MS) * 1000;
}

/* The zygote cannot fork (pids.max, memory), or cells end before they are ready. Nobody would ask
 * again when nothing else happens, and asking at each turn would be a storm: the timer asks. */
static void hold_forks_back(struct pool *p)
{
    if (p->fork_again_at_us)
        return; /* another of the same batch */
    p->fork_again_at_us = clock_mono_us() + back_off_us(++p->fork_failures);
    arm_timer(p);
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
    if (s->taken)
        p->stats.taken--;
    else if (s->is_ready)
        p->stats.ready--;
    else
        p->stats.starting--;
    if (!s->taken && !s->is_ready && !g->with_zygote && !source->retiring)
        hold_forks_back(p);
    list_remove(&s->node);
    list_remove(&s->every);
    if (crashed)
        p->stats.crashed++;
    if (s->ev)
        s->ev->gone(c, g, s->arg);
    cell_free(c);
    free(s);
    if (crashed && source == p->current)
        retire_current(p, "a cell of it crashed or broke a rule");
    source_maybe_free(source);
}

static const struct cell_events slot_events = {
    .ready = slot_ready,
    .output = slot_output,
    .call = slot_call,
    .done = slot_done,
    .gone = slot_gone,
};

static void fork_cells(struct pool *p, int n)
{
    struct slot *slots[CONTROL_FORK_MAX];
    struct cell *cells[CONTROL_FORK_MAX];
    struct err e = {0};
    if (n > CONTROL_FORK_MAX)
        n = CONTROL_FORK_MAX;
    for (int i = 0; i < n; i++) {
        slots[i] = mem_alloc(sizeof *slots[i]);
        slots[i]->source = p->current;
        list_init(&slots[i]->node);
    }
    if (cell_fork(p->current->z, n, &slot_events, NULL, cells, &e)) {
        log_debug("pool", "cannot ask for %d cells: %s", n, e.msg); /* `gone` follows */
        for (int i = 0; i < n; i++)
            free(slots[i]);
        return;
    }
    for (int i = 0; i < n; i++) {
        slots[i]->cell = cells[i];
        list_push_back(&p->current->slots, &slots[i]->every);
        cell_set_arg(cells[i], slots[i]);
    }
    p->stats.starting += n;
    p->stats.forked += (uint64_t)n;
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

void pool_refill(struct pool *p, int running, int waiting, int recording)
{
    if (!p->current || !p->current->up || p->current->gone || p->closing || p->fork_again_at_us)
        return;
    int have = p->stats.ready + p->stats.starting, target = (int)p->config->pool;
    /* A job that nobody waits behind, and its result up to the commit, have the processor to
     * themselves while half the pool stands. */
    if (running + recording > 0 && waiting == 0 && have >= (target + 1) / 2)
        return;
    int want = target - have - running;
    if (want <= 0 && have == 0 && (waiting > 0 || target > 1))
        want = 1; /* long jobs hold the whole pool: the next one should not wait for a fork */
    if (want > 0)
        fork_cells(p, want);
}

/* ---- zygotes ---- */

static void retire(struct pool *p, struct source *s)
{
    s->retiring = true;
    LIST_FOREACH(n, &p->ready)
    {
        struct slot *slot = LIST_ENTRY(n, struct slot, node);
        if (slot->source == s) {
            list_remove(&slot->node);
            cell_kill(slot->cell);
        }
    }
    source_maybe_free(s);
}

static void source_up(struct zygote *z, void *arg)
{
    struct source *s = arg;
    struct pool *p = s->pool;
    const struct zygote_info *i = zygote_info(z);
    log_info("pool", "zygote %d up: %u mappings, %llu kB private, %llu kB in huge pages", i->pid,
             i->mappings, (unsigned long long)i->private_dirty_bytes / 1024,
             (unsigned long long)i->huge_bytes / 1024);
    s->up = true;
    s->up_at_us = clock_mono_us();
    p->ever_up = true;
    p->failures = 0;
    p->stats.zygotes++;
    if (p->next == s) {
        struct source *old = p->current;
        p->next = NULL;
        p->current = s;
        if (old)
            retire(p, old);
    }
    arm_timer(p);
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
            arm_timer(p);
        }
    }
    source_maybe_free(s);
}

static const struct zygote_events source_events = {.up = source_up, .gone = source_gone};

static void start_source(struct pool *p)
{
    struct zygote_options o = {.jail = p->config->jail,
                               .paths = &p->paths,
                               .few_cells = p->few_cells,
                               .cgroup = p->cgroup};
    struct source *s = mem_alloc(sizeof *s);
    struct err e = {0};
    s->pool = p;
    list_init(&s->node);
    list_init(&s->slots);
    p->restart_at_us = 0;
    p->next = s;
    list_push_back(&p->sources, &s->node);
    if (zygote_start(p->loop, &o, &source_events, s, &s->z, &e))
        source_gone(NULL, &e, s);
}

static void on_timer(uv_timer_t *t)
{
    struct pool *p = t->data;
    int64_t now = clock_mono_us();
    if (!p->current && !p->next && p->restart_at_us && now >= p->restart_at_us)
        start_source(p);
    else if (p->current && !p->next && p->config->zygote_renew_s > 0 &&
             now >= p->current->up_at_us + p->config->zygote_renew_s * 1000000)
        retire_current(p, "it is as old as zygote_renew_s");
    if (p->fork_again_at_us && now >= p->fork_again_at_us) {
        p->fork_again_at_us = 0;
        pool_refill(p, p->stats.taken, 1, 0);
    }
    arm_timer(p);
}

static void arm_timer(struct pool *p)
{
    if (p->closing)
        return;
    int64_t at = 0;
    if (!p->current && !p->next)
        at = p->restart_at_us;
    else if (p->current && !p->next && p->config->zygote_renew_s > 0)
        at = p->current->up_at_us + p->config->zygote_renew_s * 1000000;
    if (p->fork_again_at_us && (!at || p->fork_again_at_us < at))
        at = p->fork_again_at_us;
    if (!at) {
        uv_timer_stop(&p->timer);
        return;
    }
    int64_t in_ms = (at - clock_mono_us()) / 1000 + 1;
    uv_timer_start(&p->timer, on_timer, in_ms > 0 ? (uint64_t)in_ms : 0, 0);
    uv_unref((uv_handle_t *)&p->timer);
}

int pool_open(uv_loop_t *loop, const struct config *c, const struct engine_paths *paths,
              bool few_cells, struct cgroup *cgroup, const struct pool_events *ev, void *arg,
              struct pool **out, struct err *e)
{
    (void)e;
    struct pool *p = mem_alloc(sizeof *p);
    p->loop = loop;
    p->config = c;
    p->paths = *paths;
    p->few_cells = few_cells;
    p->cgroup = cgroup;
    p->ev = *ev;
    p->arg = arg;
    list_init(&p->sources);
    list_init(&p->ready);
    uv_timer_init(loop, &p->timer);
    p->timer.data = p;
    *out = p;
    start_source(p);
    return 0;
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
            cell_kill(LIST_ENTRY(m, struct slot, every)->cell);
        }
        source_maybe_free(s);
    }
    uv_close((uv_handle_t *)&p->timer, on_closed);
}
