/* How this works: a job waits before its time, or between two attempts. A short wait passes here:
 * the delivery stays in our hands (in-progress keeps it), but is not counted among those held, so
 * that it takes no other job's place; PARKED_MAX and PARKED_BYTES bound them. A long one passes in
 * ISOLANE_LATER, and our delivery is acked when that has the job.
 *
 * Between attempts the order is: event stored (attempts used, what went wrong) → wait. So whoever
 * gets the job next, after our death too, goes on counting. While the event cannot be stored for
 * want of a connection the job waits for it; where the stream refuses it, the job goes on without.
 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "executor/front/events.h"
#include "executor/front/serve_inner.h"
#include "link/js.h"

#define BEGUN_BYTES  (16u << 10) /* of a message; larger ones count until they are settled */
#define EARLY_MS     5000        /* a job before its first run is waited for here for so long … */
#define BETWEEN_MS   30000       /* … and one between two attempts */
#define PARKED_MAX   1024
#define PARKED_BYTES ((int64_t)64 << 20)
#define REFUSED_MS   60000 /* handed back for so long where ISOLANE_LATER does not take it */

/* ---- waiting here ---- */

int64_t holding_wait_ms(const struct job *job, int64_t retry_at_us)
{
    int64_t until_us = job->not_before_us > retry_at_us ? job->not_before_us : retry_at_us;
    int64_t left_us = until_us ? until_us - clock_real_us() : 0;
    return left_us > 0 ? (left_us + 999) / 1000 : 0;
}

bool holding_has_room(const struct serve *s, const struct custody *c)
{
    return c->parked ||
           (s->parked < PARKED_MAX && s->parked_bytes + (int64_t)c->delivery->len <= PARKED_BYTES);
}

bool holding_is_long(const struct serve *s, const struct custody *c, int64_t wait_ms)
{
    return wait_ms > EARLY_MS || (wait_ms > 0 && !holding_has_room(s, c));
}

void holding_begin(struct serve *s, struct custody *c)
{
    if (c->parked)
        return;
    c->parked = true;
    s->parked++;
    s->parked_bytes += (int64_t)c->delivery->len;
    intake_set_aside(s->intake, c->delivery);
}

void holding_end(struct serve *s, struct custody *c)
{
    if (!c->parked)
        return;
    c->parked = false;
    s->parked--;
    s->parked_bytes -= (int64_t)c->delivery->len;
    intake_take_up(s->intake, c->delivery);
}

/* A result takes some milliseconds until it is durable and published, in which hundreds of short
 * jobs could run: what has begun does not keep others from being fetched. */
static void make_room(struct serve *s, struct custody *c)
{
    const int64_t most = 2 * s->config->nats.prefetch + s->config->max_running;
    if (c->delivery->len <= BEGUN_BYTES && custody_count(&s->custodies) < most)
        intake_set_aside(s->intake, c->delivery);
}

void holding_started(struct attempt *a, void *serve)
{
    struct serve *s = serve;
    struct custody *c = attempt_tag(a);
    holding_end(serve, c);
    if (c->delivery) {
        intake_runs(s->intake, c->delivery);
        make_room(s, c);
    }
    holding_tell(serve, c, "running", attempt_number(a), NULL, attempt_tries(a));
}

/* ---- waiting in ISOLANE_LATER ---- */

static void on_moved(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct custody *c = arg;
    struct serve *s = c->serve;
    (void)seq;
    (void)duplicate; /* moved before by who died behind that */
    c->sent = false;
    if (s->closing)
        return;
    if (!why) {
        fault(F_JOB_LATER);
        serve_settle(s, c);
        return;
    }
    int64_t left_ms = (c->retry_at_us - clock_real_us()) / 1000;
    log_warn("serve", "job %s goes back to the queue: %s", c->id, why->msg);
    serve_hand_back(s, c, left_ms > REFUSED_MS ? REFUSED_MS : left_ms);
}

void holding_move_later(struct serve *s, struct custody *c, enum job_class cls, int64_t due_us,
                        int used)
{
    const struct later_job j = {
        .tenant = c->tenant,
        .id = c->id,
        .cls = cls,
        .due_us = due_us,
        .attempts = used,
        .delivery = c->delivery,
    };
    struct err e = {0};
    turns_end(c);
    c->state = CUSTODY_MOVING;
    c->retry_at_us = due_us;
    c->sent = true;
    if (later_put(s->link, &s->subjects, &j, on_moved, c, &e))
        on_moved(0, false, &e, c);
}

/* ---- between two attempts ---- */

static void drop_attempt(struct serve *s, struct custody *c)
{
    if (c->attempt)
        executor_let_go(s->executor, c->attempt);
    c->attempt = NULL;
}

/* What other workers must know is stored, or cannot be. */
static void wait_now(struct serve *s, struct custody *c)
{
    int64_t left_us = c->retry_at_us - clock_real_us();
    int64_t left_ms = left_us > 0 ? (left_us + 999) / 1000 : 0;
    list_remove(&c->node);
    if (s->draining || !c->attempt) {
        drop_attempt(s, c);
        serve_hand_back(s, c, left_ms);
        return;
    }
    c->state = CUSTODY_HELD;
    if (c->cancelled) {
        executor_cancel(s->executor, c->attempt);
    } else if (left_ms > BETWEEN_MS || !holding_has_room(s, c)) {
        enum job_class cls = attempt_job(c->attempt)->cls;
        int used = attempt_number(c->attempt);
        drop_attempt(s, c);
        holding_move_later(s, c, cls, c->retry_at_us, used);
    } else {
        holding_begin(s, c);
        executor_park(s->executor, c->attempt, left_ms);
    }
}

static void on_stored(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct custody *c = arg;
    struct serve *s = c->serve;
    (void)seq;
    (void)duplicate;
    c->sent = false;
    if (s->closing)
        return;
    bool passing = why && c->attempt && (why->code == ERR_TIMEOUT || !link_is_up(s->link));
    if (passing && !s->draining) {
        serve_try_again(s);
        return;
    }
    fault(F_EVENT_STORED);
    if (why)
        log_warn("serve", "job %s: where another worker gets it, it counts its attempts anew: %s",
                 c->id, why->msg);
    wait_now(s, c);
}

static void write_event(const struct serve *s, const struct custody *c, const char *state,
                        int attempt, const char *outcome, int64_t retry_at_us,
                        const struct tries *tries, struct buf *out)
{
    const struct event v = {
        .id = c->id,
        .tenant = c->tenant,
        .state = state,
        .worker = s->config->worker,
        .attempt = attempt,
        .outcome = outcome,
        .retry_at_us = retry_at_us,
        .tries = tries,
    };
    event_write(&v, out);
}

void holding_store_event(struct serve *s, struct custody *c)
{
    char subject[SUBJECT_MAX];
    struct buf b = {0};
    struct err e = {0};
    write_event(s, c, "retrying", attempt_number(c->attempt),
                outcome_name(attempt_last_outcome(c->attempt)), c->retry_at_us,
                attempt_tries(c->attempt), &b);
    subject_event(&s->subjects, c->tenant, c->id, subject);
    c->sent = true;
    if (js_publish(s->link, subject, NULL, 0, b.data, b.len, JS_ANY, on_stored, c, &e))
        on_stored(0, false, &e, c);
    buf_free(&b);
}

void holding_retrying(struct attempt *a, void *serve)
{
    struct serve *s = serve;
    struct custody *c = attempt_tag(a);
    turns_end(c);
    c->retry_at_us = clock_real_us() + attempt_backoff_ms(a) * 1000;
    c->state = CUSTODY_STORING;
    list_push_back(&s->publishing, &c->node);
    if (s->config->events == EVENTS_OFF)
        wait_now(s, c);
    else
        holding_store_event(s, c);
}

void holding_tell(struct serve *s, struct custody *c, const char *state, int attempt,
                  const char *outcome, const struct tries *tries)
{
    if (s->config->events != EVENTS_ALL)
        return;
    char subject[SUBJECT_MAX];
    struct buf b = {0};
    struct err e = {0};
    write_event(s, c, state, attempt, outcome, 0, tries, &b);
    subject_event(&s->subjects, c->tenant, c->id, subject);
    if (link_publish(s->link, subject, NULL, NULL, 0, b.data, b.len, &e))
        log_debug("serve", "event of %s: %s", c->id, e.msg);
    buf_free(&b);
}
