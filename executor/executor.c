/* How this works
 *
 *   executor_submit ─► backlog ─► executor_pump() ─► attempt in a cell ─► on_ended() ─► recorder
 *           │             ▲  ▲                 │ lost    │ to be tried again        │
 *           ▼ not yet     │  └─────────────────┘         ▼                           │
 *        parked ──────────┘ on_due()  ◄── executor_park() ── `retrying`   on_committed ◄┘
 *
 * executor_pump() is the only place that starts attempts. It runs when a job comes, a cell gets
 * ready or an attempt ends.
 *
 * The pool is refilled behind that and behind commits, once a turn of the loop, when everything
 * that the turn has to send is sent (a uv_prepare comes behind the uv_idle in which link/ writes):
 * on a busy machine the zygote takes the processor for half a millisecond. While half the pool
 * stands and no job waits for a cell, a result that is being signed and committed goes first too.
 */
#include "executor/executor_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/attest.h"
#include "executor/retention.h"
#include "executor/toolchain.h"
#include "results/envelope.h"

static void on_turn_done(uv_prepare_t *h)
{
    struct executor *x = h->data;
    uv_prepare_stop(h);
    /* no job will want another cell */
    bool enough = x->last && x->waiting == 0 && x->parked_count == 0;
    if (!x->pools || x->draining || enough)
        return;
    int waiting[PROFILES];
    for (int p = 0; p < PROFILES; p++)
        waiting[p] = backlog_count_of(x->backlog, (enum profile)p);
    pools_refill(x->pools, x->running_of, waiting, x->recording);
}

static void refill(struct executor *x)
{
    uv_prepare_start(x->turn_done, on_turn_done);
}

/* ---- results ---- */

static void record(struct executor *x, struct attempt *a, struct result *r)
{
    const struct zygote_info *z = executor_zygote(x);
    const struct pool_origin *ran = attempt_origin(a);
    r->worker = mem_strdup(x->worker);
    r->engine = mem_strdup(r->attempts > 0 ? ran->engine : z ? z->engine : "");
    r->engine_flags = r->attempts > 0 ? mem_strdup(ran->flags) : NULL;
    r->jail = r->attempts > 0 ? ran->layers : 0;
    r->jail_names = x->jail_names;
    if (r->attempts > 0 && ran->attested_at_us) {
        memcpy(r->attest_set, attest_set_hash(), sizeof r->attest_set);
        r->attested_at_us = ran->attested_at_us;
    }
    x->recording++;
    recorder_submit(x->recorder, r, a);
}

static void on_committed(struct result **r, const char *envelope, size_t len, void *tag, void *arg)
{
    struct executor *x = arg;
    struct attempt *a = tag;
    x->recording--;
    x->ev.committed(a, *r, envelope, len, x->arg);
    attempt_free(a);
    if (x->recording == 0)
        refill(x);
}

static void on_stuck(const struct err *why, void *arg)
{
    struct executor *x = arg;
    x->ev.stuck(why, x->arg);
}

static void on_unstuck(void *arg)
{
    struct executor *x = arg;
    x->ev.unstuck(x->arg);
}

static void on_pruned(size_t rows, bool more, void *arg)
{
    struct executor *x = arg;
    janitor_pruned(x->janitor, rows, more);
}

/* ---- attempts ---- */

static bool on_output(struct attempt *a, int stream, uint64_t offset, const char *text, size_t len,
                      bool live, void *arg)
{
    struct executor *x = arg;
    if (!live && !x->eager_output)
        return false;
    x->ev.output(a, stream, offset, text, len, x->arg);
    return true;
}

static void on_progress(struct attempt *a, double fraction, const char *text, void *arg)
{
    struct executor *x = arg;
    x->ev.progress(a, fraction, text, x->arg);
}

static void set_aside(struct executor *x, struct backlog_entry *entry)
{
    list_push_back(&x->parked, &entry->node);
    x->parked_count++;
}

void executor_take_up(struct executor *x, struct backlog_entry *entry)
{
    list_remove(&entry->node);
    x->parked_count--;
}

/* It waits for a cell: of its own profile, or of a tool's before. */
static void let_wait(struct executor *x, struct attempt *a, bool in_front)
{
    struct backlog_entry *entry = attempt_entry(a);
    entry->profile = toolchain_profile(x->tools, a);
    if (in_front)
        backlog_add_front(x->backlog, entry);
    else
        backlog_add(x->backlog, entry);
    x->waiting++;
    if (x->pools)
        pools_need(x->pools, entry->profile);
}

static void on_due(struct attempt *a, void *arg)
{
    struct executor *x = arg;
    executor_take_up(x, attempt_entry(a));
    let_wait(x, a, false);
    executor_pump(x);
}

static void leave_cell(struct executor *x, struct backlog_entry *entry)
{
    list_remove(&entry->node);
    x->running_count--;
    x->running_of[entry->profile]--;
}

static void behind_end(struct executor *x)
{
    if (x->draining) {
        executor_give_back_waiting(x);
        executor_give_back_parked(x, true);
    } else {
        executor_pump(x);
    }
}

static void on_ended(struct attempt *a, struct result *r, void *arg)
{
    struct executor *x = arg;
    struct backlog_entry *entry = attempt_entry(a);
    leave_cell(x, entry);
    int64_t now_us = clock_mono_us();
    backlog_ended(x->backlog, entry->tenant);
    backlog_used(x->backlog, entry->tenant, attempt_cpu_us(a), now_us, now_us);
    if (r) {
        record(x, a, r);
    } else if (attempt_state(a) == ATTEMPT_PARKED) {
        set_aside(x, entry);
        if (x->ev.retrying)
            x->ev.retrying(a, x->arg);
        else
            attempt_park(a, attempt_backoff_ms(a));
    } else {
        let_wait(x, a, true);
    }
    behind_end(x);
}

/* The job has not begun yet, but what was done for it counts as its tenant's. */
static void on_prepared(struct attempt *a, struct result *r, int64_t cpu_us, void *arg)
{
    struct executor *x = arg;
    struct backlog_entry *entry = attempt_entry(a);
    leave_cell(x, entry);
    int64_t now_us = clock_mono_us();
    backlog_not_begun(x->backlog, entry->tenant);
    backlog_used(x->backlog, entry->tenant, cpu_us, now_us, now_us);
    if (r)
        record(x, a, r);
    else
        let_wait(x, a, true);
    behind_end(x);
}

static void on_late(struct attempt *a, void *arg)
{
    executor_cancel(arg, a); /* the result says what it was */
}

static const struct attempt_owner owner = {
    .output = on_output,
    .progress = on_progress,
    .ended = on_ended,
    .prepared = on_prepared,
    .due = on_due,
    .late = on_late,
};

static void put_back(struct executor *x, struct backlog_entry *entry)
{
    backlog_not_begun(x->backlog, entry->tenant);
    backlog_add_front(x->backlog, entry);
}

/* A job whose secrets cannot be had ends here. True: it did. */
static bool refuse_without_secrets(struct executor *x, struct attempt *a)
{
    struct backlog_entry *entry = attempt_entry(a);
    struct err e = {0};
    if (!attempt_open_secrets(a, x->seal, entry->tenant, &e))
        return false;
    backlog_not_begun(x->backlog, entry->tenant);
    x->waiting--;
    struct result *r = attempt_result_without_run(a, OUTCOME_INVALID, &e);
    attempt_record(a);
    record(x, a, r);
    return true;
}

/* Taken out of the backlog. */
static void record_late(struct executor *x, struct backlog_entry *entry)
{
    struct attempt *a = attempt_of_entry(entry);
    backlog_not_begun(x->backlog, entry->tenant);
    x->waiting--;
    struct result *r = attempt_result_without_run(a, OUTCOME_CANCELLED, NULL);
    attempt_record(a);
    record(x, a, r);
}

/* True: the front-end has something to do before it starts. */
static bool put_off(struct executor *x, struct attempt *a)
{
    struct backlog_entry *entry = attempt_entry(a);
    if (!x->ev.may_start || x->ev.may_start(a, x->arg))
        return false;
    backlog_not_begun(x->backlog, entry->tenant);
    x->waiting--;
    attempt_hold(a);
    set_aside(x, entry);
    return true;
}

/* What another job has had done meanwhile need not be done again: it waits for its next cell. */
static bool moves_on(struct executor *x, struct attempt *a)
{
    struct backlog_entry *entry = attempt_entry(a);
    if (toolchain_profile(x->tools, a) == entry->profile)
        return false;
    backlog_not_begun(x->backlog, entry->tenant);
    x->waiting--;
    let_wait(x, a, true);
    return true;
}

static void on_wake(uv_timer_t *t)
{
    executor_pump(t->data);
}

/* A tenant at its ceiling: nothing else may happen until it may go on. */
static void wake_later(struct executor *x)
{
    int64_t at_us = backlog_wake_us(x->backlog), now_us = clock_mono_us();
    if (at_us == INT64_MAX)
        uv_timer_stop(x->wake);
    else
        uv_timer_start(x->wake, on_wake,
                       at_us > now_us ? (uint64_t)(at_us - now_us + 999) / 1000 : 0, 0);
}

void executor_pump(struct executor *x)
{
    if (!x->pools)
        return;
    if (x->draining)
        return;
    while (x->running_count < x->config->max_running) {
        unsigned ready = pools_ready(x->pools);
        struct backlog_entry *entry =
            ready ? backlog_next(x->backlog, ready, clock_mono_us()) : NULL;
        if (ready && !entry)
            wake_later(x);
        if (!entry)
            break;
        struct attempt *a = attempt_of_entry(entry);
        if (attempt_is_late(a)) {
            record_late(x, entry);
            continue;
        }
        bool prepares = entry->profile != attempt_job(a)->profile;
        if (prepares ? moves_on(x, a) : put_off(x, a) || refuse_without_secrets(x, a))
            continue;
        struct cell *c = pools_take(x->pools, entry->profile,
                                    prepares ? &toolchain_cell_events : &attempt_cell_events, a);
        struct err e = {0};
        if (!c) {
            put_back(x, entry);
            break;
        }
        if (prepares
                ? toolchain_start(a, c, &e)
                : attempt_start(a, c, &e)) { /* it died in the pool and is gone soon: another */
            log_debug("executor", "cell refused a job: %s", e.msg);
            pool_drop(c);
            cell_kill(c);
            put_back(x, entry);
            continue;
        }
        x->waiting--;
        x->running_count++;
        x->running_of[entry->profile]++;
        list_push_back(&x->running, &entry->node);
        if (x->ev.started && !prepares)
            x->ev.started(a, x->arg);
    }
    recorder_set_waiting(x->recorder, x->waiting);
    if (x->last && x->running_count == 0 && x->waiting == 0 && x->parked_count == 0) {
        pools_close(x->pools);
        x->pools = NULL;
    } else {
        refill(x);
    }
}

static struct attempt *take_in(struct executor *x, struct job *job,
                               const struct attempt_facts *facts)
{
    struct attempt_facts own = *facts;
    own.worker = x->worker;
    own.world = &x->world;
    struct attempt *a = attempt_new(x->loop, job, &own, &owner, x);
    attempt_entry(a)->tenant = config_tenant(x->config, job->tenant);
    return a;
}

struct attempt *executor_submit(struct executor *x, struct job *job,
                                const struct attempt_facts *facts)
{
    struct attempt *a = take_in(x, job, facts);
    CHECK(attempt_entry(a)->tenant); /* job_decode() refuses unknown tenants */
    if (attempt_state(a) == ATTEMPT_PARKED) {
        set_aside(x, attempt_entry(a));
        attempt_park(a, facts->start_in_ms);
        return a;
    }
    let_wait(x, a, false);
    executor_pump(x);
    return a;
}

struct attempt *executor_refuse(struct executor *x, struct job *job,
                                const struct attempt_facts *facts, const struct err *why)
{
    struct attempt *a = take_in(x, job, facts);
    enum outcome o = !why                       ? OUTCOME_CANCELLED
                     : why->code == ERR_INVALID ? OUTCOME_INVALID
                                                : OUTCOME_INTERNAL;
    struct result *r = attempt_result_without_run(a, o, why);
    if (o == OUTCOME_INTERNAL)
        r->state = "dead";
    attempt_record(a);
    record(x, a, r);
    return a;
}

struct attempt *executor_record_value(struct executor *x, struct job *job,
                                      const struct attempt_facts *facts, enum outcome o,
                                      const char *value, size_t value_len, const char *name,
                                      const char *message)
{
    struct attempt *a = take_in(x, job, facts);
    struct result *r = attempt_result_without_run(a, OUTCOME_CANCELLED, NULL);
    r->outcome = o;
    r->value = value ? mem_copy(value, value_len) : NULL;
    r->value_len = value_len;
    free(r->error_name);
    free(r->error_message);
    r->has_error = name != NULL;
    r->error_name = name ? mem_strdup(name) : NULL;
    r->error_message = name ? mem_strdup(message) : NULL;
    attempt_record(a);
    record(x, a, r);
    return a;
}

struct attempt *executor_end_without_run(struct executor *x, struct job *job,
                                         const struct attempt_facts *facts, enum outcome o,
                                         const char *name, const char *message)
{
    return executor_record_value(x, job, facts, o, NULL, 0, name, message);
}

void executor_cancel(struct executor *x, struct attempt *a)
{
    if (attempt_state(a) == ATTEMPT_RUNNING) {
        attempt_cancel(a);
    } else if (attempt_state(a) == ATTEMPT_PREPARING) {
        toolchain_stop(a);
        struct result *r = attempt_result_without_run(a, OUTCOME_CANCELLED, NULL);
        attempt_record(a);
        on_prepared(a, r, 0, x);
    } else if (attempt_state(a) == ATTEMPT_WAITING) {
        backlog_remove(x->backlog, attempt_entry(a));
        x->waiting--;
        struct result *r = attempt_result_without_run(a, OUTCOME_CANCELLED, NULL);
        attempt_record(a);
        record(x, a, r);
    } else if (attempt_state(a) == ATTEMPT_PARKED) {
        executor_take_up(x, attempt_entry(a));
        struct result *r = attempt_result_without_run(a, OUTCOME_CANCELLED, NULL);
        attempt_record(a);
        record(x, a, r);
        executor_pump(x); /* it may have been the last */
    }
}

void executor_go_on(struct executor *x, struct attempt *a)
{
    executor_take_up(x, attempt_entry(a));
    attempt_go_on(a);
    let_wait(x, a, true);
    executor_pump(x);
}

void executor_take_away(struct executor *x, struct attempt *a)
{
    struct backlog_entry *entry = attempt_entry(a);
    attempt_abandon(a);
    list_remove(&entry->node);
    backlog_ended(x->backlog, entry->tenant);
    x->running_count--;
    x->running_of[entry->profile]--;
    attempt_free(a);
    executor_pump(x);
}

void executor_park(struct executor *x, struct attempt *a, int64_t delay_ms)
{
    (void)x;
    attempt_park(a, delay_ms);
}

void executor_let_go(struct executor *x, struct attempt *a)
{
    CHECK(attempt_state(a) == ATTEMPT_PARKED);
    executor_take_up(x, attempt_entry(a));
    attempt_free(a);
}

/* ---- pool ---- */

static void on_ready(void *arg)
{
    struct executor *x = arg;
    if (!x->up) {
        x->up = true;
        x->ev.up(x->arg);
    }
    executor_pump(x);
}

static void on_failed(const struct err *why, void *arg)
{
    struct executor *x = arg;
    x->ev.failed(why, x->arg);
}

/* Its jobs would wait for ever. */
static void on_lacking(enum profile p, const struct err *why, void *arg)
{
    struct executor *x = arg;
    struct err e = *why;
    struct backlog_entry *entry;
    err_wrap(&e, "profile %s cannot be had on this worker", profile_table[p].name);
    log_error("executor", "%s", e.msg);
    while (!x->draining && (entry = backlog_withdraw(x->backlog, p))) {
        struct attempt *a = attempt_of_entry(entry);
        x->waiting--;
        struct result *r = attempt_result_without_run(a, OUTCOME_INTERNAL, &e);
        attempt_record(a);
        record(x, a, r);
    }
    executor_pump(x);
}

static void on_unsafe(const struct err *why, void *arg)
{
    struct executor *x = arg;
    x->ev.unsafe(why, x->arg);
}

const struct recorder_events executor_recorder_handlers = {
    .committed = on_committed,
    .stuck = on_stuck,
    .unstuck = on_unstuck,
    .pruned = on_pruned,
};
const struct pools_events executor_pool_handlers = {
    .ready = on_ready, .failed = on_failed, .lacking = on_lacking, .unsafe = on_unsafe};
