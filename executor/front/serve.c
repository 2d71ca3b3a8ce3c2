#include "executor/front/serve.h"

#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/artifacts/artifact_store.h"
#include "executor/cluster/batches.h"
#include "executor/front/calls.h"
#include "executor/cluster/cancels.h"
#include "executor/cluster/leases.h"
#include "executor/cluster/checkpoints.h"
#include "executor/cluster/presence.h"
#include "executor/front/requests.h"
#include "executor/cluster/schedules.h"
#include "executor/front/serve_inner.h"
#include "executor/front/shed.h"
#include "queue/stream/leftovers.h"
#include "results/store.h"

#define CONNECT_TIMEOUT_MS 5000
#define DRAIN_POLL_MS      20
#define ENVELOPE_OVERHEAD  1024 /* headers and protocol line around an envelope */
#define CLOSE_TIMEOUT_MS   2000

/* Held counts those that run too: they must not use up the places of those that wait. */
static void maybe_take(struct serve *s)
{
    if (s->executor_up && s->named && s->cancels_known && s->intake)
        intake_want(s->intake, (int)(s->config->nats.prefetch + s->config->max_running));
}

/* A worker that takes no calls is still one for jobs. */
static void take_calls(struct serve *s)
{
    struct err e = {0};
    if (!s->draining && calls_open(s, &s->calls, &e))
        log_error("serve", "no calls are taken: %s", e.msg);
    calls_pause(s->calls, s->stuck || s->shedding);
}

static void maybe_ready(struct serve *s)
{
    if (!s->executor_up || !s->intake_ready || !s->named || !s->cancels_known || s->ready_told)
        return;
    s->ready_told = true;
    take_calls(s);
    presence_tell(s->presence);
    s->ev.ready(s->arg);
}

/* ---- the end of a custody ---- */

void serve_settle(struct serve *s, struct custody *c)
{
    turns_end(c);
    batches_settled(s->batches, c->tenant, c->id);
    if (c->delivery) {
        holding_end(s, c);
        intake_ack(s->intake, c->delivery);
        fault(F_JOB_ACKED);
        delivery_free(c->delivery);
    }
    custody_remove(&s->custodies, c);
}

void serve_hand_back(struct serve *s, struct custody *c, int64_t delay_ms)
{
    if (c->call) {
        calls_give_up(s->calls, c, "this worker drains");
        return;
    }
    turns_end(c);
    holding_end(s, c);
    intake_hand_back(s->intake, c->delivery, delay_ms);
    delivery_free(c->delivery);
    job_free(c->job);
    custody_remove(&s->custodies, c);
}

/* ---- jobs in (takein.c) ---- */

/* The streams are there now. */
static void maybe_tick(struct serve *s)
{
    struct schedules_options o = {
        .loop = s->loop, .config = s->config, .subjects = &s->subjects, .link = s->link};
    if (s->config->schedules && !s->schedules && !s->draining)
        s->schedules = schedules_open(&o);
}

static void on_intake_ready(void *arg)
{
    struct serve *s = arg;
    s->intake_ready = true;
    checkpoints_publish(s->checkpoints); /* whoever died before that */
    maybe_tick(s);
    maybe_ready(s);
}

static void on_later_gone(void *arg)
{
    struct serve *s = arg;
    if (s->intake_ready)
        intake_look(s->intake);
}

static void on_intake_failed(const struct err *why, void *arg)
{
    struct serve *s = arg;
    s->ev.failed(why, s->arg);
}

/* ---- executor's other events ---- */

static void on_up(void *arg)
{
    struct serve *s = arg;
    s->executor_up = true;
    maybe_take(s);
    maybe_ready(s);
}

static void on_failed(const struct err *why, void *arg)
{
    struct serve *s = arg;
    s->ev.failed(why, s->arg);
}

/* Nobody's script may run behind a jail that does not hold: also those that run now are killed and
 * handed back. */
static void on_unsafe(const struct err *why, void *arg)
{
    struct serve *s = arg;
    log_error("serve", "no more jobs are taken, those at hand go back to the queue");
    s->ev.unsafe(why, s->arg);
    serve_drain(s, 0);
}

static void on_stuck(const struct err *why, void *arg)
{
    struct serve *s = arg;
    s->stuck = true;
    intake_pause(s->intake, true);
    calls_pause(s->calls, true);
    presence_tell(s->presence);
    log_error("serve", "results cannot be written, no new jobs are taken: %s", why->msg);
}

static void on_unstuck(void *arg)
{
    struct serve *s = arg;
    s->stuck = false;
    intake_pause(s->intake, s->shedding);
    calls_pause(s->calls, s->shedding || s->draining);
    presence_tell(s->presence);
    log_warn("serve", "results can be written again");
}

/* Past its limit of memory: what is at hand goes on, no more is taken. */
static void on_shed(bool past, int64_t mb, void *arg)
{
    struct serve *s = arg;
    s->shedding = past;
    intake_pause(s->intake, s->stuck || past);
    calls_pause(s->calls, s->stuck || past || s->draining);
    requests_shed(s->requests, past);
    presence_tell(s->presence);
    if (past)
        log_error("serve",
                  "the worker has %" PRId64 " MB of memory in use (shed_at_mb %" PRId64
                  "): no new jobs are taken until it has less",
                  mb, s->config->shed_at_mb);
    else
        log_warn("serve", "the worker has %" PRId64 " MB in use: jobs are taken again", mb);
}

/* ---- retention ---- */

static void on_pruned(void *arg)
{
    struct serve *s = arg;
    s->pruning_waits = true;
    if (s->checkpoints)
        checkpoints_publish(s->checkpoints);
}

static void on_checkpoint_stored(void *arg)
{
    struct serve *s = arg;
    if (s->pruning_waits)
        executor_pruning_goes_on(s->executor);
    s->pruning_waits = false;
}

/* ---- among other workers ---- */

static void on_held(void *arg)
{
    struct serve *s = arg;
    s->named = true;
    maybe_take(s);
    maybe_ready(s);
}

/* Another worker has our name. What runs may end; its results are as good as any. */
static void on_refused(const struct err *why, void *arg)
{
    struct serve *s = arg;
    if (!s->named) {
        s->ev.failed(why, s->arg);
        return;
    }
    log_error("serve", "%s; no more jobs are taken", why->msg);
    s->ev.unsafe(why, s->arg);
    serve_drain(s, DRAIN_GRACE_MS);
}

/* ---- cancels of many ---- */

static void on_cancels_known(void *arg)
{
    struct serve *s = arg;
    s->cancels_known = true;
    maybe_take(s);
    maybe_ready(s);
}

static void on_cancels(void *arg)
{
    struct serve *s = arg;
    struct custody *c, *next;
    HASH_ITER(hh, s->custodies.by_key, c, next)
    {
        if (!c->attempt || !c->delivery ||
            !cancels_hold(s->cancels, c->tenant, c->id, c->delivery->published_at_us))
            continue;
        if (c->state == CUSTODY_STORING)
            c->cancelled = true; /* as soon as its event is stored */
        else
            executor_cancel(s->executor, c->attempt);
    }
    held_look_for_cancelled(s->held);
}

static bool is_cancelled(const char *tenant, const char *id, int64_t published_at_us, void *arg)
{
    struct serve *s = arg;
    return cancels_hold(s->cancels, tenant, id, published_at_us);
}

static void on_groups_there(void *arg)
{
    struct serve *s = arg;
    batches_there(s->batches);
}

static const struct cancels_events cancels_handlers = {
    .there = on_groups_there,
    .ready = on_cancels_known,
    .cancelled = on_cancels,
};

static void on_drain(int grace_ms, void *arg)
{
    struct serve *s = arg;
    s->ev.drain(grace_ms, s->arg);
}

static enum worker_state state_now(void *arg)
{
    const struct serve *s = arg;
    if (s->draining)
        return WORKER_DRAINING;
    if (!s->ready_told)
        return WORKER_STARTING;
    return s->stuck || s->shedding ? WORKER_STUCK : WORKER_TAKING;
}

static const struct presence_events presence_handlers = {
    .held = on_held,
    .refused = on_refused,
    .drain = on_drain,
    .state = state_now,
};

/* ---- connection ---- */

static void on_connected(void *arg)
{
    struct serve *s = arg;
    if (!s->intake) /* the first connection: serve_open() goes on by itself */
        return;
    log_info("serve", "connected to %s", link_url(s->link));
    executor_set_envelope_max(s->executor, (size_t)link_max_payload(s->link) - ENVELOPE_OVERHEAD);
    intake_resume(s->intake);
    if (s->leftovers)
        leftovers_look_soon(s->leftovers);
    later_resume(s->later);
    publish_again(s);
}

static void on_disconnected(const char *why, void *arg)
{
    (void)arg;
    log_warn("serve", "connection to NATS lost (%s); trying again", why);
}

static void on_closed(const char *why, void *arg)
{
    struct serve *s = arg;
    struct err e = {0};
    if (s->draining)
        return;
    err_set(&e, ERR_UNAVAILABLE, "the connection to NATS was closed for good: %s", why);
    s->ev.failed(&e, s->arg);
}

/* ---- life ---- */

static const struct link_events link_handlers = {
    .connected = on_connected,
    .disconnected = on_disconnected,
    .closed = on_closed,
};
static const struct executor_events executor_handlers = {
    .up = on_up,
    .failed = on_failed,
    .unsafe = on_unsafe,
    .output = live_output,
    .progress = live_progress,
    .may_start = turns_may_start,
    .started = holding_started,
    .retrying = holding_retrying,
    .committed = publish_committed,
    .stuck = on_stuck,
    .unstuck = on_unstuck,
    .pruned = on_pruned,
};
static const struct intake_events intake_handlers = {
    .job = takein_job,
    .ready = on_intake_ready,
    .failed = on_intake_failed,
};

static const struct later_events later_handlers = {.gone = on_later_gone};

static int open_parts(struct serve *s, const struct serve_options *o, struct err *e)
{
    struct executor_options eo = {
        .config = o->config,
        .engine = o->engine,
        .cgroup = o->cgroup,
        .worker = o->config->worker,
        .db_path = s->paths.db,
        .key_path = s->paths.key,
        .pub_path = s->paths.pub,
        .seal_path = s->paths.seal,
        .seal_pub_path = s->paths.seal_pub,
        .subjects = &s->subjects,
        .paths = &s->paths,
    };
    char name[128];
    snprintf(name, sizeof name, "isolane worker %s", o->config->worker);
    int rc = subjects_init(&s->subjects, &o->config->nats, e);
    if (!rc)
        rc = link_open(s->loop, &o->config->nats, name, CONNECT_TIMEOUT_MS, &link_handlers, s,
                       &s->link, e);
    if (!rc) {
        s->artifacts = artifact_store_buckets(s->loop, s->link, &s->subjects, o->config);
        eo.link = s->link;
        eo.artifacts = s->artifacts;
    }
    if (!rc)
        rc = executor_open(s->loop, &eo, &executor_handlers, s, &s->executor, e);
    if (!rc)
        rc = store_open(s->paths.db, STORE_READ, &s->store, e);
    if (!rc)
        rc = intake_open(s->loop, s->link, o->config, &s->subjects,
                         store_newest_stream_seq(s->store), &intake_handlers, s, &s->intake, e);
    if (!rc)
        rc = leftovers_open(s->loop, s->link, o->config, &s->subjects, takein_job, s, &s->leftovers,
                            e);
    if (!rc)
        rc = later_open(s->loop, s->link, &s->subjects, &later_handlers, s, &s->later, e);
    if (rc)
        return rc;
    struct requests_context rq = {
        .loop = s->loop,
        .config = o->config,
        .subjects = &s->subjects,
        .link = s->link,
        .executor = s->executor,
        .custodies = &s->custodies,
        .store = s->store,
    };
    struct presence_context pc = {
        .loop = s->loop,
        .config = o->config,
        .subjects = &s->subjects,
        .link = s->link,
        .executor = s->executor,
    };
    executor_set_envelope_max(s->executor, (size_t)link_max_payload(s->link) - ENVELOPE_OVERHEAD);
    const struct cancels_context cc = {.loop = s->loop,
                                       .link = s->link,
                                       .subjects = &s->subjects,
                                       .replicas = (int)o->config->nats.replicas};
    const struct checkpoints_context kc = {.loop = s->loop,
                                           .link = s->link,
                                           .subjects = &s->subjects,
                                           .store = s->store,
                                           .stored = on_checkpoint_stored,
                                           .arg = s};
    s->checkpoints = checkpoints_open(&kc);
    s->leases = leases_open(s->loop, s->link, o->config, &s->subjects);
    s->batches = ends_batches(s);
    s->cancels = cancels_open(&cc, &cancels_handlers, s);
    const struct held_context hc = {.loop = s->loop,
                                    .config = o->config,
                                    .subjects = &s->subjects,
                                    .link = s->link,
                                    .store = s->store,
                                    .cancelled = is_cancelled,
                                    .arg = s};
    s->held = rq.held = held_open(&hc);
    s->after = (struct after_context){
        .config = o->config, .subjects = &s->subjects, .link = s->link, .held = s->held};
    rc = requests_open(&rq, &s->requests, e);
    if (!rc)
        s->shed = shed_open(s->loop, o->config->shed_at_mb, on_shed, s);
    return rc ? rc : presence_open(&pc, &presence_handlers, s, &s->presence, e);
}

int serve_open(uv_loop_t *loop, const struct serve_options *o, const struct serve_events *ev,
               void *arg, struct serve **out, struct err *e)
{
    struct serve *s = mem_alloc(sizeof *s);
    s->loop = loop;
    s->config = o->config;
    s->paths = *o->paths;
    s->ev = *ev;
    s->arg = arg;
    list_init(&s->publishing);
    publish_open(s);
    uv_timer_init(loop, &s->drain_timer);
    s->drain_timer.data = s;
    s->timers = 2;
    int rc = open_parts(s, o, e);
    if (rc) {
        serve_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

static void give_back(struct attempt *a, void *arg)
{
    struct custody *c = attempt_tag(a);
    c->attempt = NULL;
    if (!c->sent) /* else its event is on the way: holding.c hands it back */
        serve_hand_back(arg, c, attempt_state(a) == ATTEMPT_PARKED ? attempt_due_in_ms(a) : 0);
}

static void on_drain_timer(uv_timer_t *t)
{
    struct serve *s = t->data;
    if (executor_stats(s->executor).running > 0 && clock_mono_us() >= s->drain_until_us)
        executor_abandon(s->executor, give_back, s);
    if (custody_count(&s->custodies) > 0 || s->drained_told)
        return;
    uv_timer_stop(&s->drain_timer);
    s->drained_told = true;
    s->ev.drained(s->arg);
}

void serve_drain(struct serve *s, int grace_ms)
{
    int64_t until_us = clock_mono_us() + (int64_t)grace_ms * 1000;
    if (!s->draining || until_us < s->drain_until_us)
        s->drain_until_us = until_us;
    if (!s->draining) {
        s->draining = true;
        intake_stop(s->intake);
        calls_pause(s->calls, true);
        later_stop(s->later);
        schedules_stop(s->schedules);
        batches_close(s->batches); /* another worker counts */
        s->batches = NULL;
        turns_drain(s);
        executor_drain(s->executor, give_back, s);
        presence_tell(s->presence);
    }
    uv_timer_start(&s->drain_timer, on_drain_timer, 0, DRAIN_POLL_MS);
}

static void on_timer_closed(uv_handle_t *h)
{
    struct serve *s = h->data;
    if (--s->timers == 0)
        free(s);
}

static void forget(struct attempt *a, void *arg)
{
    struct custody *c = attempt_tag(a);
    c->attempt = NULL;
    (void)arg;
}

void serve_close(struct serve *s)
{
    s->draining = s->closing = true;
    shed_close(s->shed);
    checkpoints_close(s->checkpoints);
    s->checkpoints = NULL;
    requests_close(s->requests);
    batches_close(s->batches);
    s->batches = NULL;
    presence_close(s->presence);
    cancels_close(s->cancels);
    held_close(s->held);
    s->cancels = NULL;
    s->held = s->after.held = NULL;
    schedules_close(s->schedules);
    if (s->executor) {
        executor_abandon(s->executor, forget, s);
        executor_close(s->executor);
    }
    calls_close(s->calls);
    leases_close(s->leases);
    artifact_store_free(s->artifacts);
    store_close(s->store);
    leftovers_close(s->leftovers);
    intake_close(s->intake);
    later_close(s->later);
    link_close(s->link, CLOSE_TIMEOUT_MS);
    struct custody *c, *next;
    HASH_ITER(hh, s->custodies.by_key, c, next)
    {
        c->lease = NULL; /* closed with all */
        job_free(c->job);
        delivery_free(c->delivery);
        custody_remove(&s->custodies, c);
    }
    uv_close((uv_handle_t *)&s->retry, on_timer_closed);
    uv_close((uv_handle_t *)&s->drain_timer, on_timer_closed);
}

struct executor_stats serve_stats(const struct serve *s)
{
    return executor_stats(s->executor);
}
