/* Which job gets which cell: the only place that starts attempts. It runs when a job comes, a cell
 * gets ready or an attempt ends.
 *
 * A job with `reuse` takes a cell that stayed behind a job of its kind (warm.h), or a fresh one of
 * the pool that will stay behind it, or waits for one that is about to be done: where it may, in
 * that cell's line. Where the idle ones are all of other kinds, jobs with `reuse` wait for the pool
 * like the others. */
#include "base/clock.h"
#include "base/log.h"
#include "executor/executor_inner.h"
#include "executor/sources/toolchain.h"

static void put_back(struct executor *x, struct backlog_entry *entry)
{
    backlog_not_begun(x->backlog, entry->tenant);
    backlog_add_front(x->backlog, entry);
}

/* A job whose secrets cannot be had ends here. True: it did. */
static bool refuse_without_secrets(struct executor *x, struct attempt *a)
{
    struct backlog_entry *entry = attempt_entry(a);
    struct err e; /* set by what fails */
    if (!attempt_open_secrets(a, x->seal, entry->tenant, &e))
        return false;
    backlog_not_begun(x->backlog, entry->tenant);
    x->waiting--;
    struct result *r = attempt_result_without_run(a, OUTCOME_INVALID, &e);
    attempt_record(a);
    executor_record(x, a, r);
    return true;
}

static void end_invalid(struct executor *x, struct attempt *a, const struct err *why)
{
    struct result *r = attempt_result_without_run(
        a, why->code == ERR_INVALID ? OUTCOME_INVALID : OUTCOME_INTERNAL, why);
    if (why->code != ERR_INVALID)
        r->state = "dead";
    attempt_record(a);
    executor_record(x, a, r);
}

/* True: it does not start now. Its files are on their way, or want to be transformed first, or
 * cannot be had. */
static bool unpacks(struct executor *x, struct attempt *a)
{
    struct backlog_entry *entry = attempt_entry(a);
    struct err e; /* set by what fails */
    int rc = 0;
    if (!job_wants_files(attempt_job(a)))
        return false;
    bool here = filesets_take(x->filesets, a, &rc, &e);
    if (here && !rc && toolchain_profile(x->tools, a) == entry->profile)
        return false;
    backlog_not_begun(x->backlog, entry->tenant);
    x->waiting--;
    if (rc) {
        end_invalid(x, a, &e);
    } else if (here) {
        executor_let_wait(x, a, true);
    } else {
        attempt_hold(a);
        executor_set_aside(x, entry);
        filesets_fetch(x->filesets, a);
    }
    return true;
}

void executor_files_done(struct attempt *a, const struct err *why, void *arg)
{
    struct executor *x = arg;
    struct err e = {0};
    int rc = 0;
    executor_take_up(x, attempt_entry(a));
    if (!why && attempt_count_fetch(a) > 1) /* the first time they did not stay until its turn */
        filesets_take(x->filesets, a, &rc, &e);
    if (why || rc) {
        end_invalid(x, a, why ? why : &e);
    } else {
        attempt_go_on(a);
        executor_let_wait(x, a, true);
    }
    executor_pump(x);
}

/* Taken out of the backlog. */
static void record_late(struct executor *x, struct backlog_entry *entry)
{
    struct attempt *a = attempt_of_entry(entry);
    backlog_not_begun(x->backlog, entry->tenant);
    x->waiting--;
    struct result *r = attempt_result_without_run(a, OUTCOME_CANCELLED, NULL);
    attempt_record(a);
    executor_record(x, a, r);
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
    executor_set_aside(x, entry);
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
    executor_let_wait(x, a, true);
    return true;
}

static void on_wake(uv_timer_t *t)
{
    executor_behind_end(t->data);
}

void executor_pump_soon(struct executor *x)
{
    uv_timer_start(x->wake, on_wake, 0, 0);
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

/* No more at once: only lines take jobs. */
static bool is_full(const struct executor *x)
{
    return x->running_count >= x->config->max_running;
}

/* A cell that stayed behind a job of its kind, or a fresh one. *stay: its place among those that
 * stay, NULL where it has none. *line: it is busy, the job has to wait in its line. *kept: its
 * zygote has compiled the source. */
static struct cell *find_cell(struct executor *x, struct attempt *a, bool prepares,
                              struct warm_cell **stay, bool *line, bool *kept)
{
    *line = *kept = false;
    const struct backlog_entry *entry = attempt_entry(a);
    const struct warm_key *key = prepares ? NULL : attempt_warm_key(a);
    const struct cell_events *ev = prepares ? &toolchain_cell_events : &attempt_cell_events;
    *stay = key && !is_full(x) ? warm_take(x->warm, key, ev, a) : NULL;
    if (*stay)
        return warm_cell(*stay);
    if (key && (is_full(x) || warm_is_quick(x->warm, key))) {
        *stay = attempt_may_line_up(a) ? warm_line(x->warm, key) : NULL;
        *line = *stay != NULL;
        return *stay ? warm_cell(*stay) : NULL;
    }
    if (is_full(x))
        return NULL;
    struct cell *c =
        prepares || key ? NULL : branches_take(x->branches, attempt_job(a), entry->tenant, ev, a);
    *kept = c != NULL;
    if (c)
        return c;
    c = pools_take(x->pools, entry->profile, ev, a);
    if (c && key)
        *stay = warm_enter(x->warm, key, entry->tenant, entry->profile, c);
    return c;
}

static void runs(struct executor *x, struct attempt *a)
{
    struct backlog_entry *entry = attempt_entry(a);
    x->running_count++;
    x->running_of[entry->profile]++;
    list_push_back(&x->running, &entry->node);
}

void executor_begins(struct attempt *a, void *arg)
{
    struct executor *x = arg;
    x->lined--;
    backlog_leaves_line(x->backlog, attempt_entry(a)->tenant, true);
    runs(x, a);
    if (x->ev.started)
        x->ev.started(a, x->arg);
}

void executor_returned(struct attempt *a, void *arg)
{
    struct executor *x = arg;
    x->lined--;
    backlog_leaves_line(x->backlog, attempt_entry(a)->tenant, false);
    executor_let_wait(x, a, true);
    executor_pump_soon(x);
}

/* Taken out of the backlog: false when there is no cell for it after all. */
static bool start(struct executor *x, struct backlog_entry *entry, bool prepares)
{
    struct attempt *a = attempt_of_entry(entry);
    struct warm_cell *stay;
    bool line;
    struct code_text code = {0};
    struct cell *c = find_cell(x, a, prepares, &stay, &line, &code.kept);
    struct err e; /* set by what fails */
    if (!c || (line && attempt_line_up(a, stay, &e))) {
        put_back(x, entry);
        return false;
    }
    if (line) {
        x->waiting--;
        x->lined++;
        backlog_lines_up(x->backlog, entry->tenant);
        return true;
    }
    if (!prepares && !code.kept &&
        !(stay && warm_call(stay) > 1)) /* one that stays has compiled it */
        code = codes_for(x->codes, attempt_job(a), entry->tenant, c);
    if (prepares ? toolchain_start(a, c, &e) : attempt_start(a, c, stay, code, &e)) {
        log_debug("executor", "cell refused a job: %s", e.msg); /* it died: gone soon, another */
        if (stay) {
            warm_done(stay, false);
        } else {
            pool_drop(c);
            cell_kill(c);
        }
        put_back(x, entry);
        return true;
    }
    x->waiting--;
    runs(x, a);
    if (x->ev.started && !prepares)
        x->ev.started(a, x->arg);
    return true;
}

/* False when there is no cell for the job that is next. */
static bool start_next(struct executor *x, struct backlog_entry *entry)
{
    struct attempt *a = attempt_of_entry(entry);
    bool prepares = entry->profile != attempt_job(a)->profile;
    if (attempt_is_late(a))
        record_late(x, entry);
    else if (prepares ? !moves_on(x, a)
                      : !unpacks(x, a) && !put_off(x, a) && !refuse_without_secrets(x, a))
        return start(x, entry, prepares);
    return true;
}

void executor_pump(struct executor *x)
{
    bool mismatch = false; /* those that stay are not for the job that is next */
    if (!x->pools || x->draining)
        return;
    codes_pump(x->codes, x->pools);
    while (x->recording_bytes < RECORDING_BYTES) {
        bool full = is_full(x);
        unsigned ready = full ? 0 : pools_ready(x->pools), idle = warm_room(x->warm);
        if (!full)
            idle |= warm_idle(x->warm);
        if (mismatch)
            idle = 0;
        struct backlog_entry *entry =
            ready | idle ? backlog_next(x->backlog, BACKLOG_CELLS(ready, idle), clock_mono_us())
                         : NULL;
        if ((ready | idle) && !entry)
            wake_later(x);
        if (!entry)
            break;
        if (start_next(x, entry))
            continue;
        if (mismatch)
            break;
        mismatch = true;
    }
    recorder_set_waiting(x->recorder, x->waiting + x->lined);
    if (x->last && x->running_count == 0 && x->waiting + x->lined == 0 && x->parked_count == 0)
        executor_close_pools(x);
    else
        executor_refill(x);
}
