/* How this works
 *
 *   executor_submit ─► backlog ─► pump() ─► attempt in a cell ─► on_ended() ─► recorder
 *           │             ▲  ▲                 │ lost    │ to be tried again        │
 *           ▼ not yet     │  └─────────────────┘         ▼                           │
 *        parked ──────────┘ on_due()  ◄── executor_park() ── `retrying`   on_committed ◄┘
 *
 * pump() is the only place that starts attempts. It runs when a job comes, a cell gets ready or an
 * attempt ends.
 *
 * The pool is refilled behind that and behind commits, once a turn of the loop, when everything
 * that the turn has to send is sent (a uv_prepare comes behind the uv_idle in which link/ writes):
 * on a busy machine the zygote takes the processor for half a millisecond. While half the pool
 * stands and no job waits for a cell, a result that is being signed and committed goes first too.
 */
#include "executor/executor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/attest.h"
#include "executor/retention.h"
#include "queue/backlog.h"
#include "results/envelope.h"
#include "results/recorder.h"
#include "sandbox/jail/jail.h"

#define CLOSE_WAIT_MS 10000

struct executor {
    uv_loop_t *loop;
    const struct config *config;
    char *worker;
    bool eager_output;
    struct executor_events ev;
    void *arg;
    struct sign_key key;
    struct seal_key *seal; /* guarded; NULL: none */
    struct recorder *recorder;
    struct janitor *janitor; /* NULL: everything is kept */
    struct backlog *backlog;
    struct pools *pools;     /* NULL once they were closed: see executor_last() */
    uv_prepare_t *turn_done; /* active: a refill is due */
    struct list running;     /* backlog entries of attempts in cells */
    struct list parked;      /* likewise, of those whose time has not come */
    int waiting, running_count, parked_count, recording;
    int running_of[PROFILES];
    bool up, draining, last;
    void (*back)(struct attempt *a, void *arg); /* draining: takes what will not run here */
    void *back_arg;
    const char *jail_names[LAYERS + 1];
};

static void pump(struct executor *x);
static void give_back_waiting(struct executor *x);
static void give_back_parked(struct executor *x, bool clocked);

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

static void take_up(struct executor *x, struct backlog_entry *entry)
{
    list_remove(&entry->node);
    x->parked_count--;
}

static void on_due(struct attempt *a, void *arg)
{
    struct executor *x = arg;
    take_up(x, attempt_entry(a));
    backlog_add(x->backlog, attempt_entry(a));
    x->waiting++;
    if (x->pools)
        pools_need(x->pools, attempt_entry(a)->profile);
    pump(x);
}

static void on_ended(struct attempt *a, struct result *r, void *arg)
{
    struct executor *x = arg;
    struct backlog_entry *entry = attempt_entry(a);
    list_remove(&entry->node);
    x->running_count--;
    x->running_of[entry->profile]--;
    backlog_ended(x->backlog, entry->tenant);
    if (r) {
        record(x, a, r);
    } else if (attempt_state(a) == ATTEMPT_PARKED) {
        set_aside(x, entry);
        if (x->ev.retrying)
            x->ev.retrying(a, x->arg);
        else
            attempt_park(a, attempt_backoff_ms(a));
    } else {
        x->waiting++;
        backlog_add_front(x->backlog, entry);
        if (x->pools)
            pools_need(x->pools, entry->profile);
    }
    if (x->draining) {
        give_back_waiting(x);
        give_back_parked(x, true);
    } else {
        pump(x);
    }
}

static const struct attempt_owner owner = {
    .output = on_output,
    .progress = on_progress,
    .ended = on_ended,
    .due = on_due,
};

static void put_back(struct executor *x, struct backlog_entry *entry)
{
    backlog_ended(x->backlog, entry->tenant);
    backlog_add_front(x->backlog, entry);
}

/* A job whose secrets cannot be had ends here. True: it did. */
static bool refuse_without_secrets(struct executor *x, struct attempt *a)
{
    struct backlog_entry *entry = attempt_entry(a);
    struct err e = {0};
    if (!attempt_open_secrets(a, x->seal, entry->tenant, &e))
        return false;
    backlog_ended(x->backlog, entry->tenant);
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
    backlog_ended(x->backlog, entry->tenant);
    x->waiting--;
    struct result *r = attempt_result_without_run(a, OUTCOME_CANCELLED, NULL);
    attempt_record(a);
    record(x, a, r);
}

static void pump(struct executor *x)
{
    if (!x->pools)
        return;
    if (x->draining)
        return;
    while (x->running_count < x->config->max_running) {
        unsigned ready = pools_ready(x->pools);
        struct backlog_entry *entry = ready ? backlog_next(x->backlog, ready) : NULL;
        if (!entry)
            break;
        struct attempt *a = attempt_of_entry(entry);
        if (attempt_is_late(a)) {
            record_late(x, entry);
            continue;
        }
        if (refuse_without_secrets(x, a))
            continue;
        struct cell *c = pools_take(x->pools, entry->profile, &attempt_cell_events, a);
        struct err e = {0};
        if (!c) {
            put_back(x, entry);
            break;
        }
        if (attempt_start(a, c,
                          &e)) { /* the cell died in the pool: it is gone soon, take another */
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
        if (x->ev.started)
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
    struct attempt *a = attempt_new(x->loop, job, &own, &owner, x);
    attempt_entry(a)->tenant = config_tenant(x->config, job->tenant);
    attempt_entry(a)->profile = job->profile;
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
    backlog_add(x->backlog, attempt_entry(a));
    x->waiting++;
    if (x->pools)
        pools_need(x->pools, attempt_entry(a)->profile);
    pump(x);
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

struct attempt *executor_end_without_run(struct executor *x, struct job *job,
                                         const struct attempt_facts *facts, enum outcome o,
                                         const char *name, const char *message)
{
    struct attempt *a = take_in(x, job, facts);
    struct result *r = attempt_result_without_run(a, OUTCOME_CANCELLED, NULL);
    r->outcome = o;
    free(r->error_name);
    free(r->error_message);
    r->error_name = mem_strdup(name);
    r->error_message = mem_strdup(message);
    attempt_record(a);
    record(x, a, r);
    return a;
}

void executor_cancel(struct executor *x, struct attempt *a)
{
    if (attempt_state(a) == ATTEMPT_RUNNING) {
        attempt_cancel(a);
    } else if (attempt_state(a) == ATTEMPT_WAITING) {
        backlog_remove(x->backlog, attempt_entry(a));
        x->waiting--;
        struct result *r = attempt_result_without_run(a, OUTCOME_CANCELLED, NULL);
        attempt_record(a);
        record(x, a, r);
    } else if (attempt_state(a) == ATTEMPT_PARKED) {
        take_up(x, attempt_entry(a));
        struct result *r = attempt_result_without_run(a, OUTCOME_CANCELLED, NULL);
        attempt_record(a);
        record(x, a, r);
        pump(x); /* it may have been the last */
    }
}

void executor_park(struct executor *x, struct attempt *a, int64_t delay_ms)
{
    (void)x;
    attempt_park(a, delay_ms);
}

void executor_let_go(struct executor *x, struct attempt *a)
{
    CHECK(attempt_state(a) == ATTEMPT_PARKED);
    take_up(x, attempt_entry(a));
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
    pump(x);
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
    pump(x);
}

static void on_unsafe(const struct err *why, void *arg)
{
    struct executor *x = arg;
    x->ev.unsafe(why, x->arg);
}

/* ---- life ---- */

/* A cell takes two descriptors here; the soft limit is often 1024. */
static void allow_many_files(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

static const struct recorder_events recorder_handlers = {
    .committed = on_committed,
    .stuck = on_stuck,
    .unstuck = on_unstuck,
    .pruned = on_pruned,
};
static const struct pools_events pool_handlers = {
    .ready = on_ready, .failed = on_failed, .lacking = on_lacking, .unsafe = on_unsafe};

static void free_handle(uv_handle_t *h)
{
    free(h);
}

int executor_open(uv_loop_t *loop, const struct executor_options *o,
                  const struct executor_events *ev, void *arg, struct executor **out, struct err *e)
{
    struct executor *x = mem_alloc(sizeof *x);
    x->loop = loop;
    x->config = o->config;
    x->worker = mem_strdup(o->worker);
    x->eager_output = o->eager_output;
    x->ev = *ev;
    x->arg = arg;
    list_init(&x->running);
    list_init(&x->parked);
    x->turn_done = mem_alloc(sizeof *x->turn_done);
    uv_prepare_init(loop, x->turn_done);
    x->turn_done->data = x;
    allow_many_files();
    secrets_guard_process();
    for (int i = 0; i < LAYERS; i++)
        x->jail_names[i] = jail_layer_name((enum jail_layer)i);
    x->backlog = backlog_new(o->config);
    struct recorder_options ro = {.db_path = o->db_path, .key = &x->key, .envelope_max = 0};
    const struct pool_options po = {.config = o->config,
                                    .paths = o->engine,
                                    .profile = o->profile,
                                    .few_cells = o->few_jobs,
                                    .cgroup = o->cgroup};
    /* First the pool: its zygote starts while key and database are opened. */
    x->pools = pools_open(loop, &po, &pool_handlers, x);
    int rc = sign_key_open(o->key_path, o->pub_path, &x->key, e);
    if (!rc && o->seal_path) {
        x->seal = crypto_guarded(sizeof *x->seal);
        rc = seal_key_open(o->seal_path, o->seal_pub_path, x->seal, e);
    }
    if (!rc)
        rc = recorder_open(loop, &ro, &recorder_handlers, x, &x->recorder, e);
    if (rc) {
        pools_close(x->pools); /* tells nothing any more */
        uv_close((uv_handle_t *)x->turn_done, free_handle);
        recorder_close(x->recorder, 0, NULL);
        backlog_free(x->backlog);
        sign_key_wipe(&x->key);
        crypto_guarded_free(x->seal);
        free(x->worker);
        free(x);
        return rc;
    }
    x->janitor = retention_open(loop, o->config, o->db_path, x->worker, x->recorder);
    *out = x;
    return 0;
}

/* A tenant at its max_running hides its jobs from backlog_next(): this runs again as its attempts
 * end. */
static void give_back_waiting(struct executor *x)
{
    struct backlog_entry *entry;
    while ((entry = backlog_next(x->backlog, BACKLOG_ALL_PROFILES))) {
        backlog_ended(x->backlog, entry->tenant);
        struct attempt *a = attempt_of_entry(entry);
        x->waiting--;
        x->back(a, x->back_arg);
        attempt_free(a);
    }
}

void executor_last(struct executor *x)
{
    x->last = true;
    pump(x);
}

/* clocked: only those that wait for a clock, not for the front-end. */
static void give_back_parked(struct executor *x, bool clocked)
{
    LIST_FOREACH(n, &x->parked)
    {
        struct attempt *a = attempt_of_entry(LIST_ENTRY(n, struct backlog_entry, node));
        if (clocked && !attempt_has_clock(a))
            continue;
        take_up(x, attempt_entry(a));
        x->back(a, x->back_arg);
        attempt_free(a);
    }
}

void executor_drain(struct executor *x, void (*back)(struct attempt *, void *), void *arg)
{
    x->draining = true;
    x->back = back;
    x->back_arg = arg;
    give_back_waiting(x);
    give_back_parked(x, true);
}

void executor_abandon(struct executor *x, void (*back)(struct attempt *, void *), void *arg)
{
    x->draining = true;
    struct list *n;
    while ((n = list_pop_front(&x->running))) {
        struct backlog_entry *entry = LIST_ENTRY(n, struct backlog_entry, node);
        struct attempt *a = attempt_of_entry(entry);
        attempt_abandon(a);
        backlog_ended(x->backlog, entry->tenant);
        x->running_count--;
        x->running_of[entry->profile]--;
        back(a, arg);
        attempt_free(a);
    }
    executor_drain(x, back, arg);
    give_back_parked(x, false);
}

struct executor_stats executor_stats(const struct executor *x)
{
    return (struct executor_stats){
        .waiting = x->waiting,
        .running = x->running_count,
        .parked = x->parked_count,
        .recording = x->recording,
        .pool = x->pools ? pools_stats(x->pools) : (struct pool_stats){0},
    };
}

const struct zygote_info *executor_zygote(const struct executor *x)
{
    return x->pools ? pools_zygote(x->pools) : NULL;
}

const struct sign_key *executor_key(const struct executor *x)
{
    return &x->key;
}

void executor_set_envelope_max(struct executor *x, size_t bytes)
{
    recorder_set_envelope_max(x->recorder, bytes);
}

void executor_close(struct executor *x)
{
    if (!x)
        return;
    CHECK(x->waiting == 0 && x->running_count == 0 && x->parked_count == 0);
    struct err e = {0};
    janitor_close(x->janitor);
    x->janitor = NULL;
    if (recorder_close(x->recorder, CLOSE_WAIT_MS, &e))
        log_error("executor", "results not committed: %s", e.msg);
    uv_close((uv_handle_t *)x->turn_done, free_handle);
    pools_close(x->pools);
    backlog_free(x->backlog);
    sign_key_wipe(&x->key);
    crypto_guarded_free(x->seal);
    free(x->worker);
    free(x);
}
