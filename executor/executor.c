/* How this works
 *
 *   executor_submit ─► backlog ─► executor_pump() ─► attempt in a cell ─► on_ended() ─► recorder
 *           │             ▲  ▲                 │ lost    │ to be tried again        │
 *           ▼ not yet     │  └─────────────────┘         ▼                           │
 *        parked ──────────┘ on_due()  ◄── executor_park() ── `retrying`   on_committed ◄┘
 *
 * executor_pump() is dispatch.c's, the only place that starts attempts.
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
#include "executor/cells/attest.h"
#include "executor/retention.h"
#include "executor/sources/toolchain.h"
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
    branches_refill(x->branches, x->recording);
}

void executor_refill(struct executor *x)
{
    uv_prepare_start(x->turn_done, on_turn_done);
}

/* ---- results ---- */

void executor_record(struct executor *x, struct attempt *a, struct result *r)
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
    attempt_set_recorded_bytes(a, r->out_len + r->err_out_len + r->value_len);
    x->recording_bytes += attempt_recorded_bytes(a);
    recorder_submit(x->recorder, r, a);
}

static void on_committed(struct result **r, const char *envelope, size_t len, void *tag, void *arg)
{
    struct executor *x = arg;
    struct attempt *a = tag;
    bool held_up = x->recording_bytes >= RECORDING_BYTES;
    x->recording--;
    x->recording_bytes -= attempt_recorded_bytes(a);
    x->ev.committed(a, *r, envelope, len, x->arg);
    attempt_free(a);
    if (held_up && x->recording_bytes < RECORDING_BYTES && !x->draining)
        executor_pump(x);
    else if (x->recording == 0)
        executor_refill(x);
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

void executor_pruning_goes_on(struct executor *x)
{
    janitor_pruned(x->janitor, x->pruned_rows, x->pruned_more);
}

static void on_pruned(size_t rows, bool more, void *arg)
{
    struct executor *x = arg;
    x->pruned_rows = rows;
    x->pruned_more = more;
    if (x->ev.pruned)
        x->ev.pruned(x->arg);
    else
        executor_pruning_goes_on(x);
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

void executor_set_aside(struct executor *x, struct backlog_entry *entry)
{
    list_push_back(&x->parked, &entry->node);
    x->parked_count++;
}

void executor_take_up(struct executor *x, struct backlog_entry *entry)
{
    list_remove(&entry->node);
    x->parked_count--;
    filesets_forget(attempt_of_entry(entry));
}

/* It waits for a cell: of its own profile, or of a tool's before. */
void executor_let_wait(struct executor *x, struct attempt *a, bool in_front)
{
    struct backlog_entry *entry = attempt_entry(a);
    entry->profile = toolchain_profile(x->tools, a);
    entry->reuse = attempt_job(a)->reuse != REUSE_NONE && entry->profile == attempt_job(a)->profile;
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
    executor_let_wait(x, a, false);
    executor_pump(x);
}

static void leave_cell(struct executor *x, struct backlog_entry *entry)
{
    list_remove(&entry->node);
    x->running_count--;
    x->running_of[entry->profile]--;
}

void executor_behind_end(struct executor *x)
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
        executor_record(x, a, r);
    } else if (attempt_state(a) == ATTEMPT_PARKED) {
        executor_set_aside(x, entry);
        if (x->ev.retrying)
            x->ev.retrying(a, x->arg);
        else
            attempt_park(a, attempt_backoff_ms(a));
    } else {
        executor_let_wait(x, a, true);
    }
    executor_behind_end(x);
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
        executor_record(x, a, r);
    else
        executor_let_wait(x, a, true);
    executor_behind_end(x);
}

static void on_late(struct attempt *a, void *arg)
{
    executor_cancel(arg, a); /* the result says what it was */
}

static const struct attempt_owner owner = {
    .output = on_output,
    .progress = on_progress,
    .ended = on_ended,
    .begins = executor_begins,
    .returned = executor_returned,
    .prepared = on_prepared,
    .due = on_due,
    .late = on_late,
};

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
        executor_set_aside(x, attempt_entry(a));
        attempt_park(a, facts->start_in_ms);
        return a;
    }
    executor_let_wait(x, a, false);
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
    executor_record(x, a, r);
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
    executor_record(x, a, r);
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
    if (attempt_state(a) == ATTEMPT_LINED)
        attempt_leave_line(a); /* it waits again */
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
        executor_record(x, a, r);
    } else if (attempt_state(a) == ATTEMPT_PARKED) {
        executor_take_up(x, attempt_entry(a));
        struct result *r = attempt_result_without_run(a, OUTCOME_CANCELLED, NULL);
        attempt_record(a);
        executor_record(x, a, r);
        executor_pump(x); /* it may have been the last */
    }
}

void executor_go_on(struct executor *x, struct attempt *a)
{
    executor_take_up(x, attempt_entry(a));
    attempt_go_on(a);
    executor_let_wait(x, a, true);
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
        executor_record(x, a, r);
    }
    executor_pump(x);
}

static void on_unsafe(const struct err *why, void *arg)
{
    struct executor *x = arg;
    x->ev.unsafe(why, x->arg);
}

/* ---- compile caches ---- */

static void on_compiled(const struct tenant *t, int64_t cpu_us, void *arg)
{
    struct executor *x = arg;
    int64_t now_us = clock_mono_us();
    backlog_used(x->backlog, t, cpu_us, now_us, now_us);
    executor_pump(x);
}

const struct codes_events executor_codes_handlers = {.ended = on_compiled};
const struct branches_events executor_branches_handlers = {.ready = on_ready, .unsafe = on_unsafe};
const struct recorder_events executor_recorder_handlers = {
    .committed = on_committed,
    .stuck = on_stuck,
    .unstuck = on_unstuck,
    .pruned = on_pruned,
};
const struct pools_events executor_pool_handlers = {
    .ready = on_ready, .failed = on_failed, .lacking = on_lacking, .unsafe = on_unsafe};
