/* How this works: a job that comes for the first time goes straight to the executor: nobody is
 * asked anything. One that was handed out before, or that comes out of ISOLANE_LATER, is looked up
 * first: does the results stream have its result (then only the ack is missing), and what does its
 * last event say (attempts used up on other workers, when the next is due)? */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/cluster/cancels.h"
#include "executor/front/events.h"
#include "executor/front/requests.h"
#include "executor/front/serve_inner.h"
#include "link/js.h"
#include "results/envelope.h"
#include "results/store.h"

#define NO_MESSAGE         404 /* status of a direct get that found none */
#define LOOK_TIMEOUT_MS    2000
/* Each time uses up one of max_deliver. A pull that is under way when results get stuck lasts 30 s,
 * so a job comes at most four times in one such spell. */
#define STUCK_HAND_BACK_MS 8000
#define CROSSING_MS        1000 /* a copy that comes before we heard that it was made */

/* The last time that the server hands it out, and nobody has brought it to an end: it does. */
static bool is_worn_out(const struct serve *s, const struct delivery *d, struct err *why)
{
    if (d->delivered < (uint64_t)s->config->nats.max_deliver)
        return false;
    err_set(
        why, ERR_LIMIT,
        "handed out %u times (nats.max_deliver) without an end: workers died with it, or handed "
        "it back",
        d->delivered);
    return true;
}

/* past: NULL, or what other workers did; its tries are taken over. */
static void submit(struct serve *s, struct custody *c, struct job *job, const struct err *refused,
                   struct event_past *past)
{
    struct attempt_facts facts = {
        .published_at_us = c->delivery->published_at_us,
        .stream_seq = c->delivery->stream_seq,
        .tag = c,
    };
    struct err worn_out = {0};
    int64_t wait_ms = holding_wait_ms(job, past ? past->retry_at_us : 0);
    if (past) {
        facts.used = past->used;
        facts.tries = past->tries;
    }
    if (!refused && is_worn_out(s, c->delivery, &worn_out))
        refused = &worn_out;
    bool cancelled = c->cancelled || requests_cancelled_early(s->requests, c->id) ||
                     cancels_hold(s->cancels, c->tenant, c->id, c->delivery->published_at_us);
    if (!refused && !cancelled && holding_is_long(s, c, wait_ms)) {
        holding_move_later(s, c, job->cls, clock_real_us() + wait_ms * 1000, facts.used);
        tries_free(&facts.tries);
        job_free(job);
        return;
    }
    facts.start_in_ms = wait_ms;
    c->state = CUSTODY_HELD;
    holding_tell(s, c, wait_ms ? "delayed" : "queued", facts.used, NULL, &facts.tries);
    /* A short job would be done before a request to stop reached it: cancelled ones never start. */
    if (refused || cancelled) {
        c->attempt = executor_refuse(s->executor, job, &facts, refused);
        return;
    }
    if (wait_ms > 0)
        holding_begin(s, c);
    c->attempt = executor_submit(s->executor, job, &facts);
}

/* ---- looking before running ---- */

/* A job that may not wait for others any more: submit() says how it ends. */
static bool is_doomed(const struct serve *s, struct custody *c)
{
    c->cancelled = requests_cancelled_early(s->requests, c->id) ||
                   cancels_hold(s->cancels, c->tenant, c->id, c->delivery->published_at_us);
    return c->cancelled || c->delivery->delivered >= (uint64_t)s->config->nats.max_deliver;
}

static struct job *take_job(struct custody *c)
{
    struct job *job = c->job;
    c->job = NULL;
    return job;
}

static void on_past(const struct js_message *found, const struct err *why, void *arg)
{
    struct custody *c = arg;
    struct serve *s = c->serve;
    struct event_past past = {0};
    c->sent = false;
    if (s->closing)
        return;
    if (s->draining) {
        serve_hand_back(s, c, 0);
        return;
    }
    if (!found && why->code != ERR_NOT_FOUND)
        log_warn("serve", "job %s: how far it was elsewhere is not known: %s", c->id, why->msg);
    bool known = found && event_read(found->m->data, found->m->len, &past);
    submit(s, c, take_job(c), NULL, known ? &past : NULL);
}

static void look_at_past(struct serve *s, struct custody *c)
{
    char subject[SUBJECT_MAX];
    struct err e = {0};
    subject_event(&s->subjects, c->tenant, c->id, subject);
    c->sent = true;
    if (s->config->events != EVENTS_OFF &&
        !js_get_last(s->link, s->subjects.events_stream, subject, on_past, c, &e))
        return;
    c->sent = false;
    submit(s, c, take_job(c), NULL, NULL);
}

void takein_go_on(struct serve *s, struct custody *c)
{
    if (c->delivery->delivered > 1 || c->delivery->carried_id)
        look_at_past(s, c);
    else
        submit(s, c, take_job(c), NULL, NULL);
}

/* A job whose id is its sequence, and a result under that id: is it this job's? Not when the jobs
 * stream was deleted and made again, and gives its sequences a second time. (In milliseconds: more
 * is lost in ISOLANE_LATER.) */
static bool is_result_of(const struct job *job, const struct delivery *d, const char *envelope,
                         size_t len)
{
    return !job_id_is_sequence(job->id) ||
           envelope_published_us(envelope, len) / 1000 == d->published_at_us / 1000;
}

/* … then the result of this one goes by "<sequence>@<time published>". */
static void rename_job(struct job *job, const struct delivery *d)
{
    char when[CLOCK_RFC3339_LEN], sequence[JOB_ID_MAX + 1];
    clock_rfc3339(d->published_at_us, when);
    memcpy(sequence, job->id, sizeof sequence);
    snprintf(job->id, sizeof job->id, "%.20s@%s", sequence, when);
    log_warn("serve",
             "job %s of tenant %s has the id of an older job, for the jobs stream gives its "
             "sequences again: its result is under %s",
             sequence, job->tenant, job->id);
}

static void take_in(struct serve *s, struct delivery *d, struct job *job,
                    const struct err *refused);

static void on_looked(struct link_msg *m, const struct err *why, void *arg)
{
    (void)why;
    struct custody *c = arg;
    struct serve *s = c->serve;
    c->sent = false;
    bool found = m && m->status == 0 && m->len > 0;
    if (found && !s->closing && !is_result_of(c->job, c->delivery, m->data, m->len)) {
        struct delivery *d = c->delivery;
        struct job *job = take_job(c);
        custody_remove(&s->custodies, c);
        rename_job(job, d);
        take_in(s, d, job, NULL);
    } else if (found) { /* another worker finished it before it could ack */
        job_free(take_job(c));
        held_finished(s->held, c->tenant, c->id);
        if (dead_says(m->data, m->len) && !s->closing) {
            custody_keep_envelope(c, m->data, m->len);
            dead_bury(s, c);
        } else {
            serve_settle(s, c);
        }
    } else if (s->draining || (c->delivery->leftover_of && !(m && m->status == NO_MESSAGE))) {
        serve_hand_back(s, c, 0);
    } else {
        look_at_past(s, c);
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
    c->sent = true;
    if (link_request(s->link, subject, NULL, 0, "", 0, LOOK_TIMEOUT_MS, on_looked, c, &e) == 0)
        return true;
    c->job = NULL;
    c->sent = false;
    return false;
}

void takein_end_known(struct serve *s, struct custody *c)
{
    struct job *job = take_job(c);
    if (!look_first(s, c, job)) {
        c->job = job;
        serve_hand_back(s, c, CROSSING_MS);
    }
}

/* The same (tenant, id) is here already. */
static void on_duplicate(struct serve *s, struct custody *c, struct delivery *d)
{
    if (!c->delivery) { /* a batch of that name ends: its result will be found */
        intake_hand_back(s->intake, d, CROSSING_MS);
        delivery_free(d);
    } else if (d->leftover_of) { /* it is being dealt with */
        delivery_free(d);
    } else if (c->delivery->stream_seq == d->stream_seq) {
        /* The same message again (our in-progress came too late, the server restarted): the newer
         * delivery's ack subject is the one that counts. */
        bool parked = c->parked;
        holding_end(s, c);
        delivery_free(c->delivery);
        c->delivery = d;
        if (parked)
            holding_begin(s, c);
    } else if (c->state == CUSTODY_MOVING) { /* the very copy that we wait to hear of */
        intake_hand_back(s->intake, d, CROSSING_MS);
        delivery_free(d);
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
    bool sequence = job_id_is_sequence(job->id);
    bool repeats = sequence && intake_sequences_repeat(s->intake);
    bool again = d->delivered > 1 || d->carried_id || repeats;
    /* An id that is the message's own first sequence cannot have a result: no need to ask the disk.
     * Nor for one that the recorder has never stored. */
    bool known =
        (again || (!sequence && executor_may_have_result(s->executor, job->tenant, job->id))) &&
        store_find(s->store, job->tenant, job->id, &stored, NULL) == 0;
    if (known && !is_result_of(job, d, stored.data, stored.len)) {
        buf_free(&stored);
        rename_job(job, d);
        take_in(s, d, job, refused);
        return;
    }
    struct custody *c = custody_add(&s->custodies, job->tenant, job->id);
    c->serve = s;
    c->delivery = d;
    if (known) {
        job_free(job);
        c->dead = dead_says(stored.data, stored.len);
        serve_publish_result(s, c, stored.data, stored.len);
    } else if (!refused && job->after_count && !d->leftover_of && !is_doomed(s, c)) {
        waiting_begin(s, c, job);
    } else if (refused || !again) {
        submit(s, c, job, refused, NULL);
    } else if (!look_first(s, c, job)) {
        if (d->leftover_of) { /* it ends only when nobody has a result */
            c->job = job;
            serve_hand_back(s, c, 0);
        } else {
            submit(s, c, job, NULL, NULL);
        }
    }
    buf_free(&stored);
}

/* A job that was read: into custody, unless it is there. */
static void take_in(struct serve *s, struct delivery *d, struct job *job, const struct err *refused)
{
    struct custody *known = custody_find(&s->custodies, job->tenant, job->id);
    if (known) {
        job_free(job);
        on_duplicate(s, known, d);
        return;
    }
    custody_begin(s, d, job, refused);
}

void takein_job(struct delivery *d, void *arg)
{
    struct serve *s = arg;
    char tenant[TENANT_NAME_MAX + 1];
    struct job_origin o = {.tenant = tenant,
                           .msg_id = d->msg_id,
                           .carried_id = d->carried_id,
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
    struct err e; /* set by what fails */
    int rc = job_decode(s->config, &o, d->data, d->len, &job, &e);
    fault(F_JOB_DECODED);
    take_in(s, d, job, rc ? &e : NULL);
}
