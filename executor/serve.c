#include "executor/serve.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/cancels.h"
#include "executor/custody.h"
#include "executor/presence.h"
#include "executor/requests.h"
#include "queue/intake.h"
#include "results/store.h"

#define CONNECT_TIMEOUT_MS 5000
#define PUBACK_TIMEOUT_MS  5000
#define RETRY_MS           500 /* before results without a PubAck are sent again */
#define LOOK_TIMEOUT_MS    2000
#define PROGRESS_EVERY_US  100000 /* at most one progress message per job in this time */
#define DRAIN_POLL_MS      20
#define ENVELOPE_OVERHEAD  1024 /* headers and protocol line around an envelope */
#define STUCK_HAND_BACK_MS 2000
#define CLOSE_TIMEOUT_MS   2000

struct serve {
    uv_loop_t *loop;
    const struct config *config;
    struct data_paths paths;
    struct serve_events ev;
    void *arg;
    struct subjects subjects;
    struct link *link;
    struct intake *intake;
    struct executor *executor;
    struct store *store; /* read handle of the loop thread */
    struct requests *requests;
    struct presence *presence;
    struct cancels *cancels;
    struct custody_table custodies;
    struct list publishing;
    uv_timer_t retry, drain_timer;
    int timers; /* of these two, not closed yet: freed with the last */
    int64_t drain_until_us;
    bool executor_up, intake_ready, named, cancels_known; /* jobs are taken with all of them */
    bool ready_told, stuck, draining, drained_told;
};

/* Held counts those that run too: they must not use up the places of those that wait. */
static void maybe_take(struct serve *s)
{
    if (s->executor_up && s->named && s->cancels_known && s->intake)
        intake_want(s->intake, (int)(s->config->nats.prefetch + s->config->max_running));
}

static void maybe_ready(struct serve *s)
{
    if (!s->executor_up || !s->intake_ready || !s->named || !s->cancels_known || s->ready_told)
        return;
    s->ready_told = true;
    presence_tell(s->presence);
    s->ev.ready(s->arg);
}

/* ---- the end of a custody ---- */

static void settle(struct serve *s, struct custody *c)
{
    fault(F_RESULT_PUBLISHED);
    intake_ack(s->intake, c->delivery);
    fault(F_JOB_ACKED);
    delivery_free(c->delivery);
    custody_remove(&s->custodies, c);
}

static void hand_back(struct serve *s, struct custody *c, int64_t delay_ms)
{
    intake_hand_back(s->intake, c->delivery, delay_ms);
    delivery_free(c->delivery);
    job_free(c->job);
    custody_remove(&s->custodies, c);
}

/* ---- results out ---- */

static void arm_retry(struct serve *s);

/* PubAck: {"stream":…,"seq":…} or {"error":{"err_code":10071,…}}: the subject has its message
 * already. */
static bool puback_settles(const struct link_msg *m)
{
    if (!m || m->status != 0)
        return false;
    if (!memmem(m->data, m->len, "\"error\"", 7))
        return true;
    if (memmem(m->data, m->len, "10071", 5))
        return true;
    log_warn("serve", "results stream refuses a result: %.*s", (int)m->len, m->data);
    return false;
}

static void on_puback(struct link_msg *m, const struct err *why, void *arg)
{
    struct custody *c = arg;
    struct serve *s = c->serve;
    c->sent = false;
    if (puback_settles(m)) {
        settle(s, c);
        return;
    }
    if (why)
        log_debug("serve", "result of %s not confirmed: %s", c->id, why->msg);
    arm_retry(s);
}

static void publish(struct serve *s, struct custody *c)
{
    static const struct link_header once = {"Nats-Expected-Last-Subject-Sequence", "0"};
    char subject[SUBJECT_MAX];
    struct err e = {0};
    subject_result(&s->subjects, c->tenant, c->id, subject);
    c->sent = true;
    if (link_request(s->link, subject, &once, 1, c->envelope, c->envelope_len, PUBACK_TIMEOUT_MS,
                     on_puback, c, &e)) {
        c->sent = false;
        log_debug("serve", "result of %s: %s", c->id, e.msg);
        arm_retry(s);
    }
}

static void publish_again(struct serve *s)
{
    if (!link_is_up(s->link)) {
        arm_retry(s);
        return;
    }
    LIST_FOREACH(n, &s->publishing)
    {
        struct custody *c = LIST_ENTRY(n, struct custody, node);
        if (!c->sent)
            publish(s, c);
    }
}

static void on_retry(uv_timer_t *t)
{
    publish_again(t->data);
}

static void arm_retry(struct serve *s)
{
    if (!uv_is_active((uv_handle_t *)&s->retry))
        uv_timer_start(&s->retry, on_retry, RETRY_MS, 0);
}

static void start_publishing(struct serve *s, struct custody *c, const char *envelope, size_t len)
{
    c->state = CUSTODY_PUBLISHING;
    c->attempt = NULL;
    c->envelope = mem_copy(envelope, len);
    c->envelope_len = len;
    list_push_back(&s->publishing, &c->node);
    publish(s, c);
}

static void on_committed(struct attempt *a, const struct result *r, const char *envelope,
                         size_t len, void *arg)
{
    struct serve *s = arg;
    (void)r;
    presence_done(s->presence);
    start_publishing(s, attempt_tag(a), envelope, len);
}

/* ---- live output and progress ---- */

static void on_output(struct attempt *a, int stream, uint64_t offset, const char *text, size_t len,
                      void *arg)
{
    struct serve *s = arg;
    struct custody *c = attempt_tag(a);
    if (!s->config->live_logs)
        return;
    char subject[SUBJECT_MAX];
    struct buf b = {0};
    struct jsonw w;
    struct err e = {0};
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "stream", stream == FRAME_STDOUT ? "stdout" : "stderr");
    jsonw_kint(&w, "attempt", attempt_number(a));
    jsonw_kint(&w, "offset", (int64_t)offset);
    jsonw_name(&w, "data");
    jsonw_string(&w, text, len);
    jsonw_object_end(&w);
    subject_logs(&s->subjects, c->tenant, c->id, subject);
    if (link_publish(s->link, subject, NULL, NULL, 0, b.data, b.len, &e))
        log_debug("serve", "live output of %s: %s", c->id, e.msg);
    buf_free(&b);
}

static void on_progress(struct attempt *a, double fraction, const char *text, void *arg)
{
    struct serve *s = arg;
    struct custody *c = attempt_tag(a);
    int64_t now = clock_mono_us();
    if (fraction < 1 && now - c->progress_at_us < PROGRESS_EVERY_US)
        return;
    c->progress_at_us = now;
    char subject[SUBJECT_MAX], when[CLOCK_RFC3339_LEN], number[32];
    struct buf b = {0};
    struct jsonw w;
    struct err e = {0};
    clock_rfc3339(clock_real_us(), when);
    int n = snprintf(number, sizeof number, "%.6g", fraction);
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_name(&w, "fraction");
    jsonw_raw(&w, number, (size_t)n);
    jsonw_kstr(&w, "text", text);
    jsonw_kstr(&w, "at", when);
    jsonw_object_end(&w);
    subject_progress(&s->subjects, c->tenant, c->id, subject);
    if (link_publish(s->link, subject, NULL, NULL, 0, b.data, b.len, &e))
        log_debug("serve", "progress of %s: %s", c->id, e.msg);
    buf_free(&b);
}

/* ---- jobs in ---- */

static void submit(struct serve *s, struct custody *c, struct job *job, const struct err *refused)
{
    struct attempt_facts facts = {
        .published_at_us = c->delivery->published_at_us,
        .stream_seq = c->delivery->stream_seq,
        .tag = c,
    };
    int64_t wait_us = job->not_before_us - clock_real_us();
    if (job->not_before_us && wait_us > 0)
        facts.start_in_ms = (wait_us + 999) / 1000;
    c->state = CUSTODY_HELD;
    /* A short job would be done before a request to stop reached it: cancelled ones never start. */
    if (refused || requests_cancelled_early(s->requests, c->id) ||
        cancels_hold(s->cancels, c->tenant, c->id, c->delivery->published_at_us))
        c->attempt = executor_refuse(s->executor, job, &facts, refused);
    else
        c->attempt = executor_submit(s->executor, job, &facts);
}

static void on_looked(struct link_msg *m, const struct err *why, void *arg)
{
    (void)why;
    struct custody *c = arg;
    struct serve *s = c->serve;
    struct job *job = c->job;
    c->job = NULL;
    if (m && m->status == 0 && m->len > 0) { /* another worker finished it before it could ack */
        job_free(job);
        settle(s, c);
    } else if (s->draining) {
        c->job = job;
        hand_back(s, c, 0);
    } else {
        submit(s, c, job, NULL);
    }
}

/* A message that was handed out before: its worker may have published the result and died before
 * the ack. The results stream knows. */
static bool look_first(struct serve *s, struct custody *c, struct job *job)
{
    char subject[SUBJECT_MAX];
    struct err e = {0};
    subject_direct_get(&s->subjects, c->tenant, c->id, subject);
    c->state = CUSTODY_LOOKING;
    c->job = job;
    if (link_request(s->link, subject, NULL, 0, "", 0, LOOK_TIMEOUT_MS, on_looked, c, &e) == 0)
        return true;
    c->job = NULL;
    return false;
}

/* The same (tenant, id) is here already. */
static void on_duplicate(struct serve *s, struct custody *c, struct delivery *d)
{
    if (c->delivery->stream_seq == d->stream_seq) {
        /* The same message again (our in-progress came too late, the server restarted): the newer
         * delivery's ack subject is the one that counts. */
        delivery_free(c->delivery);
        c->delivery = d;
    } else {
        log_info("serve", "job %s was published twice; one run, one result", c->id);
        intake_ack(s->intake, d);
        delivery_free(d);
    }
}

static void custody_begin(struct serve *s, struct delivery *d, struct job *job,
                          const struct err *refused)
{
    struct buf stored = {0};
    struct custody *c = custody_add(&s->custodies, job->tenant, job->id);
    c->serve = s;
    c->delivery = d;
    /* An id that is the message's own first sequence cannot have a result: no need to ask the disk.
     */
    bool may_be_known = d->delivered > 1 || !job_id_is_sequence(job->id);
    if (may_be_known && store_find(s->store, job->tenant, job->id, &stored, NULL) == 0) {
        job_free(job);
        start_publishing(s, c, stored.data, stored.len);
    } else if (refused || d->delivered <= 1 || !look_first(s, c, job)) {
        submit(s, c, job, refused);
    }
    buf_free(&stored);
}

static void on_job(struct delivery *d, void *arg)
{
    struct serve *s = arg;
    char tenant[TENANT_NAME_MAX + 1];
    struct job_origin o = {.tenant = tenant,
                           .msg_id = d->msg_id,
                           .stream_seq = d->stream_seq,
                           .signature = d->signature,
                           .signatures = d->signatures};
    fault(F_JOB_RECEIVED);
    if (s->draining || s->stuck) {
        intake_hand_back(s->intake, d, s->draining ? 0 : STUCK_HAND_BACK_MS);
        delivery_free(d);
        return;
    }
    if (!subject_parse_job(&s->subjects, d->subject, tenant, sizeof tenant, &o.cls)) {
        /* Only a tenant token that cannot be a name comes here: there is no subject to answer on.
         */
        log_warn("serve", "dropped a job on subject '%s': no valid tenant name in it", d->subject);
        intake_ack(s->intake, d);
        delivery_free(d);
        return;
    }
    struct job *job = NULL;
    struct err e = {0};
    int rc = job_decode(s->config, &o, d->data, d->len, &job, &e);
    fault(F_JOB_DECODED);
    struct custody *known = custody_find(&s->custodies, job->tenant, job->id);
    if (known) {
        job_free(job);
        on_duplicate(s, known, d);
        return;
    }
    custody_begin(s, d, job, rc ? &e : NULL);
}

static void on_intake_ready(void *arg)
{
    struct serve *s = arg;
    s->intake_ready = true;
    maybe_ready(s);
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
    presence_tell(s->presence);
    log_error("serve", "results cannot be written, no new jobs are taken: %s", why->msg);
}

static void on_unstuck(void *arg)
{
    struct serve *s = arg;
    s->stuck = false;
    presence_tell(s->presence);
    log_warn("serve", "results can be written again");
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
        if (c->attempt && cancels_hold(s->cancels, c->tenant, c->id, c->delivery->published_at_us))
            executor_cancel(s->executor, c->attempt);
    }
}

static const struct cancels_events cancels_handlers = {
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
    return s->stuck ? WORKER_STUCK : WORKER_TAKING;
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
    .output = on_output,
    .progress = on_progress,
    .committed = on_committed,
    .stuck = on_stuck,
    .unstuck = on_unstuck,
};
static const struct intake_events intake_handlers = {
    .job = on_job,
    .ready = on_intake_ready,
    .failed = on_intake_failed,
};

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
    };
    char name[128];
    snprintf(name, sizeof name, "isolane worker %s", o->config->worker);
    int rc = subjects_init(&s->subjects, &o->config->nats, e);
    if (!rc)
        rc = link_open(s->loop, &o->config->nats, name, CONNECT_TIMEOUT_MS, &link_handlers, s,
                       &s->link, e);
    if (!rc)
        rc = executor_open(s->loop, &eo, &executor_handlers, s, &s->executor, e);
    if (!rc)
        rc = store_open(s->paths.db, STORE_READ, &s->store, e);
    if (!rc)
        rc = intake_open(s->loop, s->link, o->config, &s->subjects, &intake_handlers, s, &s->intake,
                         e);
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
    s->cancels = cancels_open(&cc, &cancels_handlers, s);
    rc = requests_open(&rq, &s->requests, e);
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
    uv_timer_init(loop, &s->retry);
    uv_timer_init(loop, &s->drain_timer);
    s->retry.data = s->drain_timer.data = s;
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
    hand_back(arg, c, 0);
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
    (void)a;
    (void)arg;
}

void serve_close(struct serve *s)
{
    s->draining = true;
    requests_close(s->requests);
    presence_close(s->presence);
    cancels_close(s->cancels);
    s->cancels = NULL;
    if (s->executor) {
        executor_abandon(s->executor, forget, s);
        executor_close(s->executor);
    }
    store_close(s->store);
    intake_close(s->intake);
    link_close(s->link, CLOSE_TIMEOUT_MS);
    struct custody *c, *next;
    HASH_ITER(hh, s->custodies.by_key, c, next)
    {
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
