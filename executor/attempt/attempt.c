#include "executor/attempt/attempt.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spare.h"
#include "executor/attempt/attempt_inner.h"
#include "executor/attempt/environment.h"
#include "executor/cells/pool.h"
#include "executor/services/artifacts.h"

#define LATE_MS      5     /* older than this: a long job, its output is sent as it comes */
#define LINE_MS      15    /* so long after that, others do not wait in its cell any more */
#define TICK_MS      50    /* what a cell holds back of its output is asked for so often */
#define LATE_LOOK_MS 60000 /* a deadline is looked at so often: clocks jump */
#define LOST_MAX     5     /* runs lost with their zygote before the job ends `internal` */

static _Thread_local struct spare spare; /* of attempts that are freed */

/* ---- a deadline passes before the job begins ---- */

static void on_late(uv_timer_t *t);

void attempt_watch_deadline(struct attempt *a)
{
    if (!a->deadline_us)
        return;
    int64_t left_ms = (a->deadline_us - clock_real_us() + 999) / 1000;
    left_ms = left_ms < 0 ? 0 : left_ms > LATE_LOOK_MS ? LATE_LOOK_MS : left_ms;
    uv_timer_start(&a->timer, on_late, (uint64_t)left_ms, 0);
}

static void on_late(uv_timer_t *t)
{
    struct attempt *a = t->data;
    if (attempt_is_late(a))
        a->owner->late(a, a->arg);
    else
        attempt_watch_deadline(a);
}

struct attempt *attempt_new(uv_loop_t *loop, struct job *job, const struct attempt_facts *facts,
                            const struct attempt_owner *owner, void *arg)
{
    struct attempt *a = spare_alloc(&spare, sizeof *a);
    a->state = facts->start_in_ms > 0 ? ATTEMPT_PARKED : ATTEMPT_WAITING;
    a->job = job;
    a->facts = *facts;
    a->number = facts->used;
    a->deadline_us = job_deadline_us(job, facts->published_at_us);
    a->owner = owner;
    a->arg = arg;
    a->entry.cls = job->cls;
    list_init(&a->entry.node);
    service_run_begin(&a->services);
    uv_timer_init(loop, &a->timer);
    a->timer.data = a;
    if (a->state == ATTEMPT_WAITING)
        attempt_watch_deadline(a);
    return a;
}

void attempt_move(struct attempt *a, enum attempt_state to)
{
    static const bool legal[ATTEMPT_STATES][ATTEMPT_STATES] = {
        [ATTEMPT_WAITING] = {[ATTEMPT_PREPARING] = true,
                             [ATTEMPT_LINED] = true,
                             [ATTEMPT_RUNNING] = true,
                             [ATTEMPT_PARKED] = true,
                             [ATTEMPT_RECORDING] = true},
        [ATTEMPT_PREPARING] = {[ATTEMPT_WAITING] = true, [ATTEMPT_RECORDING] = true},
        [ATTEMPT_LINED] = {[ATTEMPT_WAITING] = true, [ATTEMPT_RUNNING] = true},
        [ATTEMPT_RUNNING] =
            {[ATTEMPT_WAITING] = true, [ATTEMPT_PARKED] = true, [ATTEMPT_RECORDING] = true},
        [ATTEMPT_PARKED] = {[ATTEMPT_WAITING] = true, [ATTEMPT_RECORDING] = true},
    };
    CHECK(legal[a->state][to]);
    a->state = to;
}

void attempt_record(struct attempt *a)
{
    uv_timer_stop(&a->timer); /* of a wait */
    attempt_move(a, ATTEMPT_RECORDING);
}

/* ---- a run ends ---- */

void attempt_close_secrets(struct attempt *a)
{
    for (int i = 0; i < 2; i++)
        mask_stream_free(&a->streams[i].masking);
    if (a->secrets != a->facts.secrets)
        secrets_free(a->secrets);
    a->secrets = NULL;
}

/* keep: the cell is fit for another job, if there is a place for it. */
static void forget_run(struct attempt *a, bool keep)
{
    cell_stream_end_all(a->cell);
    service_run_end(&a->services);
    attempt_close_secrets(a);
    uv_timer_stop(&a->timer);
    if (a->stay) {
        warm_done(a->stay, keep);
    } else {
        pool_drop(a->cell);
        if (keep) /* it would wait for ever */
            cell_kill(a->cell);
    }
    a->stay = NULL;
    a->cell = NULL;
}

/* Those of an archive are had again when its turn comes: nothing large is kept while it waits. */
static void drop_files(struct attempt *a)
{
    if (!a->job->archive)
        return;
    job_drop_files(a->job);
    a->preparing.ready = false;
    a->files.times = 0;
}

static void run_again(struct attempt *a, enum attempt_state to)
{
    forget_run(a, false);
    attempt_forget_output(a);
    drop_files(a);
    attempt_move(a, to);
    if (to == ATTEMPT_WAITING)
        attempt_watch_deadline(a);
    a->owner->ended(a, NULL, a->arg);
}

/* Whether there is another attempt behind this run; then it is noted, and how long to wait. */
static bool plan_retry(struct attempt *a, const struct result *r)
{
    const struct retry_policy *p = &a->job->retry;
    if (a->number >= p->max_attempts)
        return false;
    uint32_t random;
    crypto_random(&random, sizeof random);
    a->backoff_ms = retry_delay_ms(p, a->number, (double)random / 4294967296.0);
    if (a->deadline_us && r->finished_at_us + a->backoff_ms * 1000 >= a->deadline_us)
        return false; /* it could not start any more */
    const struct one_try one = {
        .attempt = a->number,
        .outcome = r->outcome,
        .error_name = r->has_error ? r->error_name : NULL,
        .error_message = r->error_message,
        .started_at_us = r->started_at_us,
        .finished_at_us = r->finished_at_us,
        .worker = a->facts.worker,
        .cpu_us = r->cpu_us,
        .wall_us = r->wall_us,
    };
    tries_add(&a->facts.tries, &one);
    a->last_outcome = r->outcome;
    return true;
}

static void end_run(struct attempt *a, const struct cell_done *d, const struct cell_gone *g)
{
    /* What the watch saw is earlier than what the loop hears of, and a killed script has ended by
     * then: the kernel takes its time to clear up behind it. */
    int64_t ended_us = d ? d->ended_at_us : g->ended_at_us;
    int64_t wall_us = (ended_us ? ended_us : clock_mono_us()) - a->started_us;
    int64_t cpu_us = d ? d->cpu_us : g->cpu_us;
    a->cpu_us = cpu_us;
    struct verdict v;
    attempt_end_output(a);
    verdict_reach(d, g, &a->job->limits, cpu_us, wall_us, &v);
    if (v.outcome == OUTCOME_CANCELLED && a->stopped_late) {
        v.name = "DeadlineExceeded";
        snprintf(v.message, sizeof v.message, "the job's deadline passed while it ran");
    }
    if (v.lost && ++a->lost <= LOST_MAX) {
        a->number--; /* this run does not count */
        run_again(a, ATTEMPT_WAITING);
        return;
    }
    bool may_repeat = retry_wants(&a->job->retry, v.outcome);
    struct result *r = attempt_make_result(a, &v, d, g, cpu_us, wall_us);
    if (may_repeat && plan_retry(a, r)) {
        log_info("attempt", "job %s: attempt %d of %d: %s, again in %lld ms", a->job->id, a->number,
                 a->job->retry.max_attempts, outcome_name(v.outcome), (long long)a->backoff_ms);
        result_free(r);
        a->lost = 0;
        a->has_clock = false;
        run_again(a, ATTEMPT_PARKED);
        return;
    }
    if (may_repeat)
        r->state = "dead";
    artifacts_keep(&a->services);
    forget_run(a, d && d->stays && v.outcome == OUTCOME_OK);
    attempt_move(a, ATTEMPT_RECORDING);
    a->owner->ended(a, r, a->arg);
}

/* ---- live output (budgets: sandbox/host/watch.c) ---- */

static void on_timer(uv_timer_t *t)
{
    struct attempt *a = t->data;
    bool first = !a->late;
    int64_t next_ms = TICK_MS;
    if (first) {
        a->late = true;
        fault(F_JOB_RUNNING);
    }
    if (first && a->stay && warm_has_line(a->stay))
        next_ms = LINE_MS;
    else if (a->stay)
        warm_break_line(a->stay); /* they waited for a moment, not for this */
    for (int i = 0; i < 2; i++)
        attempt_tell(a, i + 1, true);
    cell_flush(a->cell);
    if (a->deadline_mono_us) {
        int64_t left_ms = (a->deadline_mono_us - clock_mono_us() + 999) / 1000;
        if (left_ms <= 0 && !a->stopped_late) {
            a->stopped_late = true;
            cell_stop(a->cell, STOP_CANCEL);
        } else if (left_ms > 0 && left_ms < next_ms) {
            next_ms = left_ms;
        }
    }
    uv_timer_start(t, on_timer, (uint64_t)next_ms, 0);
}

/* ---- what the cell tells ---- */

static void on_done(struct cell *c, const struct cell_done *d, void *arg)
{
    (void)c;
    struct attempt *a = arg;
    fault(F_RESULT_FRAMED);
    end_run(a, d, NULL);
}

static void on_gone(struct cell *c, const struct cell_gone *g, void *arg)
{
    (void)c;
    struct attempt *a = arg;
    end_run(a, NULL, g);
}

const struct cell_events attempt_cell_events = {
    .output = attempt_printed,
    .call = attempt_called,
    .done = on_done,
    .gone = on_gone,
};

/* ---- the executor's side ---- */

static uint32_t frame_permissions(const struct permissions *p)
{
    return (p->flag[PERMISSION_EVAL] ? FRAME_ALLOW_EVAL : 0u) |
           (p->flag[PERMISSION_WASM] ? FRAME_ALLOW_WASM : 0u) |
           (p->flag[PERMISSION_SAB] ? FRAME_ALLOW_SAB : 0u);
}

int attempt_open_secrets(struct attempt *a, const struct seal_key *key, const struct tenant *t,
                         struct err *e)
{
    CHECK(a->state == ATTEMPT_WAITING);
    attempt_close_secrets(a); /* of a start that found its cell dead */
    a->secrets = a->facts.secrets;
    return a->secrets ? 0 : secrets_open(key, t, a->job, &a->secrets, e);
}

const struct warm_key *attempt_warm_key(struct attempt *a)
{
    struct buf env = {0};
    if (a->job->reuse == REUSE_NONE)
        return NULL;
    if (!a->keyed) {
        size_t len;
        const char *text = environment_of(a->job, &env, &len);
        if (!a->granted.data)
            permissions_json(&a->job->permissions, &a->granted);
        warm_key_of(a->job, &a->granted, text, len, &a->key);
        buf_free(&env);
        a->keyed = true;
    }
    return &a->key;
}

static int frame_reuse(const struct job *j, const struct warm_cell *stay)
{
    switch (j->reuse) {
    case REUSE_TENANT:
        return FRAME_REUSE_TENANT;
    case REUSE_SCRIPT:
        return stay && warm_call(stay) > 1 ? FRAME_REUSE_AGAIN : FRAME_REUSE_SCRIPT;
    default:
        return FRAME_REUSE_NONE;
    }
}

void attempt_invocation(struct attempt *a, struct warm_cell *stay, int reuse, struct buf *env,
                        struct buf *grants, struct cell_invocation *out)
{
    const struct job *j = a->job;
    const int64_t *limit = j->limits.v;
    bool again = reuse == FRAME_REUSE_AGAIN; /* it has the code */
    size_t env_len;
    const char *env_text = environment_of(j, env, &env_len);
    if (a->secrets)
        secrets_grants(a->secrets, grants);
    *out = (struct cell_invocation){
        .id = stay ? warm_invocation(stay) : 1,
        .reuse = reuse,
        .source = j->source == JOB_MODULE ? FRAME_MODULE : FRAME_SCRIPT,
        .attempt = (uint32_t)a->number + 1,
        .clock_us = (uint32_t)j->permissions.clock_us,
        .permissions = frame_permissions(&j->permissions),
        .heap_bytes = (uint64_t)limit[LIMIT_HEAP_MB] << 20,
        .memory_bytes = (uint64_t)limit[LIMIT_MEMORY_MB] << 20,
        .output_bytes = (uint64_t)limit[LIMIT_OUTPUT_KB] << 10,
        .value_bytes = (uint64_t)limit[LIMIT_OUTPUT_KB] << 10,
        .cpu_us = limit[LIMIT_CPU_MS] * 1000,
        .wall_us = limit[LIMIT_WALL_MS] * 1000,
        .job_id = j->id,
        .tenant = j->tenant,
        .name = j->name,
        .script = again ? NULL : j->script,
        .script_len = again ? 0 : j->script_len,
        .input = j->input,
        .input_len = j->input_len,
        .env = env_text,
        .env_len = env_len,
        .grants = grants->data,
        .grants_len = grants->len,
        .parents = j->parents,
        .parents_len = j->parents_len,
        .files = j->files,
        .files_len = again ? 0 : j->files_len,
    };
}

void attempt_begin(struct attempt *a, int64_t started_us)
{
    attempt_move(a, ATTEMPT_RUNNING);
    a->call = a->stay ? warm_call(a->stay) : 1;
    pool_origin(a->cell, &a->origin);
    a->number++;
    a->started_us = started_us;
    a->started_real_us = clock_real_us() - (clock_mono_us() - started_us);
    a->late = a->stopped_late = false;
    a->deadline_mono_us =
        a->deadline_us ? a->started_us + (a->deadline_us - a->started_real_us) : 0;
    for (int i = 0; i < 2; i++)
        a->streams[i].kept.max = (size_t)a->job->limits.v[LIMIT_OUTPUT_KB] << 10;
    uv_timer_start(&a->timer, on_timer, LATE_MS, 0);
    fault(F_JOB_DISPATCHED);
}

int attempt_start(struct attempt *a, struct cell *c, struct warm_cell *stay, struct code_text code,
                  struct err *e)
{
    struct buf env = {0}, grants = {0};
    struct cell_invocation inv;
    attempt_invocation(a, stay, frame_reuse(a->job, stay), &env, &grants, &inv);
    inv.code = code.data;
    inv.code_len = code.len;
    inv.kept = code.kept;
    if (code.kept) { /* its cell has the source */
        inv.script = inv.files = NULL;
        inv.script_len = inv.files_len = 0;
    }
    int64_t started_us = clock_mono_us();
    int rc = cell_invoke(c, &inv, e);
    buf_free(&env);
    buf_free(&grants);
    if (rc)
        return rc;
    a->cell = c;
    a->stay = stay;
    if (stay)
        warm_began(stay);
    attempt_begin(a, started_us);
    return 0;
}

static void on_due(uv_timer_t *t)
{
    struct attempt *a = t->data;
    /* A loop's timer counts from the turn's beginning and can be early by what the turn took. */
    int64_t left_us = a->due_mono_us - clock_mono_us();
    if (left_us > 0) {
        uv_timer_start(t, on_due, (uint64_t)(left_us + 999) / 1000, 0);
        return;
    }
    attempt_move(a, ATTEMPT_WAITING);
    attempt_watch_deadline(a);
    a->owner->due(a, a->arg);
}

void attempt_park(struct attempt *a, int64_t delay_ms)
{
    CHECK(a->state == ATTEMPT_PARKED);
    a->has_clock = true;
    a->due_mono_us = clock_mono_us() + delay_ms * 1000;
    uv_timer_start(&a->timer, on_due, (uint64_t)(delay_ms > 0 ? delay_ms : 0), 0);
}

void attempt_hold(struct attempt *a)
{
    attempt_move(a, ATTEMPT_PARKED);
    a->has_clock = false;
    attempt_watch_deadline(a);
}

void attempt_go_on(struct attempt *a)
{
    CHECK(a->state == ATTEMPT_PARKED);
    uv_timer_stop(&a->timer);
    attempt_move(a, ATTEMPT_WAITING);
    attempt_watch_deadline(a);
}

int64_t attempt_backoff_ms(const struct attempt *a)
{
    return a->backoff_ms;
}

bool attempt_has_clock(const struct attempt *a)
{
    return a->has_clock;
}

int64_t attempt_due_in_ms(const struct attempt *a)
{
    int64_t left_us = a->due_mono_us - clock_mono_us();
    return left_us > 0 ? left_us / 1000 : 0;
}

const struct tries *attempt_tries(const struct attempt *a)
{
    return &a->facts.tries;
}

enum outcome attempt_last_outcome(const struct attempt *a)
{
    return a->last_outcome;
}

bool attempt_is_late(const struct attempt *a)
{
    return a->deadline_us && clock_real_us() >= a->deadline_us;
}

void attempt_cancel(struct attempt *a)
{
    CHECK(a->state == ATTEMPT_RUNNING);
    cell_stop(a->cell, STOP_CANCEL);
}

void attempt_abandon(struct attempt *a)
{
    CHECK(a->state == ATTEMPT_RUNNING);
    cell_kill(a->cell);
    forget_run(a, false);
    attempt_move(a, ATTEMPT_WAITING);
}

enum attempt_state attempt_state(const struct attempt *a)
{
    return a->state;
}

struct job *attempt_job(const struct attempt *a)
{
    return a->job;
}

void *attempt_tag(const struct attempt *a)
{
    return a->facts.tag;
}

int attempt_number(const struct attempt *a)
{
    return a->number;
}

void attempt_set_recorded_bytes(struct attempt *a, size_t bytes)
{
    a->recorded_bytes = bytes;
}

size_t attempt_recorded_bytes(const struct attempt *a)
{
    return a->recorded_bytes;
}

int64_t attempt_cpu_us(const struct attempt *a)
{
    return a->cpu_us > 0 ? a->cpu_us : 0;
}

int64_t attempt_started_us(const struct attempt *a)
{
    return a->started_real_us;
}

const struct pool_origin *attempt_origin(const struct attempt *a)
{
    return &a->origin;
}

int attempt_count_fetch(struct attempt *a)
{
    return ++a->files.times;
}

const struct secrets *attempt_secrets(const struct attempt *a)
{
    return a->secrets;
}

struct backlog_entry *attempt_entry(struct attempt *a)
{
    return &a->entry;
}

struct attempt *attempt_of_entry(struct backlog_entry *x)
{
    return CONTAINER_OF(x, struct attempt, entry);
}

static void on_closed(uv_handle_t *h)
{
    spare_free(&spare, h->data);
}

void attempt_free(struct attempt *a)
{
    if (!a)
        return;
    CHECK(a->state != ATTEMPT_RUNNING && a->state != ATTEMPT_PREPARING &&
          a->state != ATTEMPT_LINED);
    filesets_forget(a);
    attempt_close_secrets(a);
    secrets_free(a->facts.secrets);
    job_free(a->job);
    tries_free(&a->facts.tries);
    buf_free(&a->granted);
    for (int i = 0; i < 2; i++)
        buf_free(&a->streams[i].kept);
    uv_close((uv_handle_t *)&a->timer, on_closed);
}
