/* How this works. A puller has at most one pull request waiting at the server. While its tenant is
 * idle that is a probe: it brings the first jobs at once, and is small enough that the probes of
 * all tenants together are no more than what one may hold. When the probe is used up, the tenant is
 * active, and the next pulls ask for its share: what may be held, by weight among those that are
 * active. A pull beyond the probe's size is short-lived, so that what it may still bring does not
 * keep others from theirs. With one tenant, probe and share are the same: everything.
 *
 * The next pull is sent when the last one is used up and a good part of what may be held is free:
 * one request brings many jobs under load. Every pull has a reply subject of its own, so that what
 * the server says about an old one is not taken for news of the present one.
 *
 * The server forgets pulls (lost connection, change of leader, restart): one that is not heard of
 * any more, although the server has to send heartbeats, is sent again.
 *
 * Bytes are bounded as well as jobs: a pull says how many the server may send. */
#include "queue/stream/puller.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define PROBE_EXPIRES_US 30000000
#define LARGE_EXPIRES_US 2000000
#define LARGE_BEAT_US    1000000 /* at most half of its time: the server's rule */
#define SILENCE_SPARE_US 1000000 /* beside two heartbeats */
#define NS_PER_US        ((int64_t)1000)
#define ACTIVE_US        200000              /* without a job for so long: not active */
#define AGAIN_US         1000000             /* after a pull that ended at once */
#define HELD_BYTES       ((int64_t)64 << 20) /* of one class; more when one message may be larger */
#define MESSAGE_OVERHEAD 8192 /* what the server counts beside the payload: subjects, headers */
#define REFILL_PART      4    /* pull when a quarter of what may be held is free */

/* ---- how many ---- */

static int at_least_one(int64_t n)
{
    return n < 1 ? 1 : (int)n;
}

static int probe(const struct puller *p)
{
    return at_least_one(p->quota->want * p->weight / p->quota->weight_all);
}

static int share(const struct puller *p)
{
    int64_t others = p->quota->weight_active - (p->active ? p->weight : 0);
    return at_least_one(p->quota->want * p->weight / (p->weight + others));
}

static int64_t largest_message(const struct puller *p)
{
    return link_max_payload(p->link) + MESSAGE_OVERHEAD;
}

static int64_t bytes_most(const struct puller *p)
{
    int64_t most = largest_message(p);
    return HELD_BYTES > most ? HELD_BYTES : most;
}

/* Jobs it may ask for at this moment, 0: it has to wait. */
static int room(const struct puller *p)
{
    const struct quota *q = p->quota;
    if (p->limited) {
        int left = p->limited - p->held;
        return left < 1 || left < p->limited / REFILL_PART ? 0 : left;
    }
    int wants = share(p) - p->held, first = probe(p);
    int all = 2 * q->want - q->held - q->promised;
    int least = first - p->held > all ? first - p->held : all;
    int n = wants < least ? wants : least;
    int enough = (share(p) < least + p->held ? share(p) : least + p->held) / REFILL_PART;
    return n < 1 || n < enough ? 0 : n;
}

/* Bytes it may ask for at this moment, 0: it has to wait. One message always, where it holds none.
 */
static int64_t bytes_room(const struct puller *p)
{
    int64_t largest = largest_message(p), left = bytes_most(p) - p->quota->held_bytes;
    if (left >= largest)
        return left;
    return p->held == 0 && p->quota->held_bytes < 2 * bytes_most(p) ? largest : 0;
}

bool puller_is_full(const struct puller *p)
{
    const struct quota *q = p->quota;
    if (p->limited)
        return p->held >= 2 * p->limited || (p->held > 0 && q->held_bytes > 2 * bytes_most(p));
    return p->held >= q->want || (p->held >= probe(p) && q->held >= 2 * q->want) ||
           (p->held > 0 && q->held_bytes > 2 * bytes_most(p));
}

/* It ends with the next look only (puller_watch()): between two pulls a busy tenant may hold
 * nothing for a moment. */
static void set_active(struct puller *p, bool active)
{
    if (active == p->active || p->limited)
        return;
    p->active = active;
    p->quota->weight_active += active ? p->weight : -p->weight;
}

static void promise(struct puller *p, int n)
{
    p->quota->promised += n - p->promised;
    p->promised = n;
}

/* ---- pulling ---- */

static void pull(struct puller *p, int count, int64_t bytes)
{
    struct err e = {0};
    char body[160], reply[sizeof p->inbox + 24];
    bool large = !p->limited && count > probe(p);
    int64_t beat_us = large && p->heartbeat_us > LARGE_BEAT_US ? LARGE_BEAT_US : p->heartbeat_us;
    p->expires_us = large ? LARGE_EXPIRES_US : PROBE_EXPIRES_US;
    int n = snprintf(body, sizeof body,
                     "{\"batch\":%d,\"max_bytes\":%" PRId64 ",\"expires\":%" PRId64
                     ",\"idle_heartbeat\":%" PRId64 "}",
                     count, bytes, p->expires_us * NS_PER_US, beat_us * NS_PER_US);
    snprintf(reply, sizeof reply, "%s.%" PRIu64, p->inbox, ++p->pulls);
    p->sent_us = p->heard_us = clock_mono_us();
    if (link_publish(p->link, p->pull_subject, reply, NULL, 0, body, (size_t)n, &e)) {
        p->not_before_us = p->sent_us + AGAIN_US;
        p->owner->trouble(&e, p->arg);
        return;
    }
    p->waiting = true;
    p->left = count;
    p->brought = 0;
    promise(p, large ? count : 0);
}

void puller_go_on(struct puller *p)
{
    if (p->waiting || !p->ready || !p->quota->want || !p->owner->pulling(p->arg) ||
        !link_is_up(p->link) || clock_mono_us() < p->not_before_us)
        return;
    int count = room(p);
    int64_t bytes = count ? bytes_room(p) : 0;
    if (bytes)
        pull(p, count, bytes);
}

void puller_forget(struct puller *p)
{
    p->waiting = false;
    p->not_before_us = 0;
    promise(p, 0);
}

/* The server has done with the present pull. One that brought nothing and did not last is not sent
 * again at once. */
static void pull_ended(struct puller *p)
{
    int64_t now = clock_mono_us();
    puller_forget(p);
    if (!p->brought && now - p->sent_us < AGAIN_US)
        p->not_before_us = now + AGAIN_US;
    puller_go_on(p);
}

static void on_status(struct puller *p, const struct link_msg *m)
{
    const char *token = strrchr(m->subject, '.');
    const char *text = link_msg_header(m, "Description");
    struct err why;
    if (m->status == 503) { /* its subject is the subscription's: the number is not told */
        puller_forget(p);
        err_set(&why, ERR_UNAVAILABLE, "consumer %s is gone", p->name);
        p->owner->trouble(&why, p->arg);
        p->owner->gone(p, p->arg);
        return;
    }
    if (!token || strtoull(token + 1, NULL, 10) != p->pulls || !p->waiting)
        return;
    p->heard_us = clock_mono_us();
    if (m->status == 100)
        return;
    if (m->status == 409 && text && strstr(text, "Consumer Deleted")) {
        puller_forget(p);
        p->owner->gone(p, p->arg);
        return;
    }
    /* 408 its time is over, 404 nothing there, 409 limits of bytes, of pulls, change of leader */
    if (m->status == 400) {
        err_set(&why, ERR_PROTOCOL, "the server refuses a pull: %.200s",
                text ? text : "bad request");
        p->owner->trouble(&why, p->arg);
    }
    pull_ended(p);
}

static void on_message(struct link_msg *m, void *arg)
{
    struct puller *p = arg;
    struct ack_facts facts;
    if (m->status) {
        on_status(p, m);
        return;
    }
    if (!m->reply || !ack_subject_parse(m->reply, &facts)) {
        log_warn("queue", "dropped a message on '%s' that is no delivery of JetStream", m->subject);
        return;
    }
    p->heard_us = clock_mono_us();
    p->brought++;
    if (p->waiting && --p->left == 0)
        p->waiting = false;
    if (p->promised)
        promise(p, p->left);
    p->owner->job(p, m, &facts, p->arg);
}

/* ---- what is held ---- */

void puller_took(struct puller *p, int64_t bytes)
{
    p->held++;
    p->held_bytes += bytes;
    p->quota->held += !p->limited;
    p->quota->held_bytes += bytes;
    p->used_us = clock_mono_us();
    set_active(p, true);
}

void puller_gave(struct puller *p, int64_t bytes)
{
    p->held--;
    p->held_bytes -= bytes;
    p->quota->held -= !p->limited;
    p->quota->held_bytes -= bytes;
    puller_go_on(p);
}

/* ---- life ---- */

void puller_watch(struct puller *p, int64_t now_us, int64_t heartbeat_us)
{
    int64_t silence = 2 * p->heartbeat_us + SILENCE_SPARE_US;
    if (p->waiting && (now_us - p->heard_us > silence ||
                       now_us - p->sent_us > p->expires_us + SILENCE_SPARE_US)) {
        log_info("queue", "pull of %s is lost; sending it again", p->name);
        puller_forget(p);
    }
    if (!p->waiting)
        p->heartbeat_us = heartbeat_us;
    if (p->held == 0 && now_us - p->used_us > ACTIVE_US)
        set_active(p, false);
    puller_go_on(p);
}

int puller_open(struct puller *p, const char *inbox, const struct subjects *s, struct err *e)
{
    char subject[sizeof p->inbox + 2];
    consumer_name(&p->consumer, p->name);
    snprintf(p->inbox, sizeof p->inbox, "%s", inbox);
    snprintf(subject, sizeof subject, "%s.*", p->inbox);
    snprintf(p->pull_subject, sizeof p->pull_subject, "$JS.API.CONSUMER.MSG.NEXT.%s.%s",
             s->jobs_stream, p->name);
    if (p->limited)
        p->weight = 0; /* of no share */
    p->quota->weight_all += p->weight;
    p->used_us = clock_mono_us();
    return link_subscribe(p->link, subject, NULL, 0, on_message, p, &p->sub, e);
}

void puller_close(struct puller *p)
{
    link_unsubscribe(p->sub);
    p->sub = NULL;
    p->ready = false;
    puller_forget(p);
    set_active(p, false);
    p->quota->weight_all -= p->weight;
    p->weight = 0;
}

/* Without an inbox the waiting pull is void. What is under way already still comes. Asking for
 * CONSUMER.INFO makes the server look through its waiting pulls: nats-server 2.9 finds out that one
 * is void only when it has taken a job for it, and a job that was handed back is then kept until
 * its ack_wait is over. Nobody reads the answer. */
void puller_stop(struct puller *p, const struct subjects *s)
{
    char subject[SUBJECT_MAX];
    struct err e = {0};
    link_drain(p->sub);
    if (!p->waiting)
        return;
    snprintf(subject, sizeof subject, "$JS.API.CONSUMER.INFO.%s.%s", s->jobs_stream, p->name);
    if (link_publish(p->link, subject, p->inbox, NULL, 0, "", 0, &e))
        log_debug("queue", "waiting pulls are not looked through: %s", e.msg);
}
