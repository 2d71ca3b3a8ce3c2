/* How this works. Each class has a puller: one inbox, and at most one pull request waiting at the
 * server, for as many jobs as the class may still hold. A job that comes is "held" until it is
 * acked, handed back or freed. The next pull is sent when the last one is used up and a good part
 * of what may be held is free: one request brings many jobs under load, and while the queue is
 * empty the waiting pull brings a lone job at once. Every pull has a reply subject of its own, so
 * that what the server says about an old one is not taken for news of the present one.
 *
 *   setting up ──► pulling ──► stopped
 *       ▲             │ streams or consumers gone
 *       └─────────────┘
 *
 * The server forgets pulls (lost connection, change of leader, restart): a pull that is not heard
 * of any more, although the server has to send a heartbeat every few seconds, is sent again.
 *
 * Bytes are bounded as well as jobs: a pull says how many the server may send. */
#include "queue/intake.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "link/acksubject.h"
#include "queue/later.h"
#include "queue/leftovers.h"
#include "queue/signature.h"
#include "queue/streams.h"

#define PULL_EXPIRES_US  30000000
#define HEARTBEAT_US     1000000
#define SILENCE_MAX_US   (2 * HEARTBEAT_US + 1000000) /* two heartbeats missed: the pull is lost */
#define NS_PER_US        ((int64_t)1000)
#define WATCH_MS         500
#define AGAIN_US         1000000  /* after a pull that ended at once, or a set-up that failed */
#define GONE_US          300000   /* from hearing that a stream is gone to making it again */
#define SAY_AGAIN_US     30000000 /* the same trouble is logged again after this */
#define SETUP_TRIES      3        /* without any answer, before the first success */
#define HELD_BYTES       ((int64_t)64 << 20) /* of one class; more when one message may be larger */
#define MESSAGE_OVERHEAD 8192 /* what the server counts beside the payload: subjects, headers */
#define REFILL_PART      4    /* pull when a quarter of what may be held is free */
#define PROGRESS_PART    3    /* in-progress every third of ack_wait */
/* Never without a delay: that is what nats-server writes down. A job handed back without one is
 * kept until its ack_wait is over when the server is restarted, as that of `up` is. */
#define HANDED_BACK      "-NAK {\"delay\":1000000}"
#define INBOX_RANDOM     12

struct puller {
    struct intake *intake;
    enum job_class cls;
    struct link_sub *sub;
    char inbox[80];                   /* "_INBOX.<random>.<class>" */
    char stream_subject[SUBJECT_MAX]; /* $JS.API.CONSUMER.MSG.NEXT.… */
    uint64_t pulls; /* number of the present pull: last token of its reply subject */
    bool waiting;   /* a pull is at the server */
    int left;       /* jobs it may still bring */
    int brought;    /* jobs it brought */
    int64_t sent_us, heard_us, not_before_us;
    int held;
    int64_t held_bytes;
};

/* One delivery in somebody's hands. */
struct intake_slot {
    struct list node;      /* in intake.held, oldest first */
    struct puller *puller; /* NULL: acked, handed back, or the intake is closed */
    struct link_msg *msg;
    int64_t since_us;
    bool aside; /* not counted by the puller */
};

enum intake_state { SETTING_UP, PULLING, STOPPED };

struct intake {
    uv_loop_t *loop;
    struct link *link;
    const struct config *config;
    struct subjects subjects;
    struct intake_events ev;
    void *arg;
    enum intake_state state;
    struct streams *setup; /* under way; NULL: none */
    bool ready_told, sequences_repeat;
    uint64_t used_seq; /* see intake_open() */
    int setups_unanswered;
    int64_t setup_again_us; /* 0: not planned */
    struct err trouble;     /* last logged */
    int64_t trouble_us;
    int want;
    struct puller pullers[CLASSES];
    struct list held;
    uv_timer_t watch, progress;
    int handles;
};

static void set_up(struct intake *i);

/* ---- trouble is told, not repeated twice a second ---- */

static void tell(struct intake *i, const struct err *why)
{
    int64_t now = clock_mono_us();
    if (!strcmp(i->trouble.msg, why->msg) && now - i->trouble_us < SAY_AGAIN_US)
        return;
    log_warn("queue", "%s; trying again", why->msg);
    i->trouble = *why;
    i->trouble_us = now;
}

/* ---- pulling ---- */

static int64_t largest_message(const struct intake *i)
{
    return link_max_payload(i->link) + MESSAGE_OVERHEAD;
}

static int64_t bytes_free(const struct puller *p)
{
    int64_t most = largest_message(p->intake);
    int64_t all = HELD_BYTES > most ? HELD_BYTES : most;
    return all - p->held_bytes;
}

static void pull(struct puller *p, int count, int64_t bytes)
{
    struct intake *i = p->intake;
    struct err e = {0};
    char body[160], reply[sizeof p->inbox + 24];
    int n = snprintf(body, sizeof body,
                     "{\"batch\":%d,\"max_bytes\":%" PRId64 ",\"expires\":%" PRId64
                     ",\"idle_heartbeat\":%" PRId64 "}",
                     count, bytes, PULL_EXPIRES_US * NS_PER_US, HEARTBEAT_US * NS_PER_US);
    snprintf(reply, sizeof reply, "%s.%" PRIu64, p->inbox, ++p->pulls);
    p->sent_us = p->heard_us = clock_mono_us();
    if (link_publish(i->link, p->stream_subject, reply, NULL, 0, body, (size_t)n, &e)) {
        p->not_before_us = p->sent_us + AGAIN_US;
        tell(i, &e);
        return;
    }
    p->waiting = true;
    p->left = count;
    p->brought = 0;
}

static void maybe_pull(struct puller *p)
{
    struct intake *i = p->intake;
    int room = i->want - p->held, least = i->want / REFILL_PART;
    int64_t bytes = bytes_free(p);
    if (i->state != PULLING || p->waiting || room < 1 || room < least ||
        bytes < largest_message(i) || !link_is_up(i->link) || clock_mono_us() < p->not_before_us)
        return;
    pull(p, room, bytes);
}

/* The server has done with the present pull. One that brought nothing and did not last is not sent
 * again at once. */
static void pull_ended(struct puller *p)
{
    int64_t now = clock_mono_us();
    p->waiting = false;
    if (!p->brought && now - p->sent_us < AGAIN_US)
        p->not_before_us = now + AGAIN_US;
    maybe_pull(p);
}

/* Not at once: nats-server 2.9 is still busy with taking the stream away when it tells us, and a
 * consumer that is made then may never hand out what comes first. Also whoever deleted it may make
 * it again himself. */
static void set_up_soon(struct intake *i)
{
    if (i->state != PULLING)
        return;
    i->state = SETTING_UP;
    i->setup_again_us = clock_mono_us() + GONE_US;
}

static void on_status(struct puller *p, const struct link_msg *m)
{
    struct intake *i = p->intake;
    const char *token = strrchr(m->subject, '.');
    const char *text = link_msg_header(m, "Description");
    struct err why;
    if (m->status == 503) { /* its subject is the subscription's: the number is not told */
        p->waiting = false;
        err_set(&why, ERR_UNAVAILABLE, "consumer of the class %s is gone", job_class_name(p->cls));
        tell(i, &why);
        set_up_soon(i);
        return;
    }
    if (!token || strtoull(token + 1, NULL, 10) != p->pulls || !p->waiting)
        return;
    p->heard_us = clock_mono_us();
    if (m->status == 100)
        return;
    if (m->status == 409 && text && strstr(text, "Consumer Deleted")) {
        p->waiting = false;
        set_up_soon(i);
        return;
    }
    /* 408 its time is over, 404 nothing there, 409 limits of bytes, of pulls, change of leader */
    if (m->status == 400) {
        err_set(&why, ERR_PROTOCOL, "the server refuses a pull: %.200s",
                text ? text : "bad request");
        tell(i, &why);
    }
    pull_ended(p);
}

/* ---- a job comes ---- */

static void back_at_once(struct intake *i, const char *ack_subject)
{
    struct err e = {0};
    if (link_publish(i->link, ack_subject, NULL, NULL, 0, HANDED_BACK, strlen(HANDED_BACK), &e))
        log_debug("queue", "cannot hand a job back: %s", e.msg);
}

/* Whoever may publish may send that header: it can make a job older, not younger. */
int64_t intake_first_published_us(const char *text, int64_t stored_us)
{
    if (!text || strlen(text) > 15 || strspn(text, "0123456789") != strlen(text))
        return stored_us;
    int64_t us = strtoll(text, NULL, 10) * 1000;
    return us > 0 && us < stored_us ? us : stored_us;
}

static struct delivery *take(struct puller *p, struct link_msg *m, const struct ack_facts *facts)
{
    struct intake *i = p->intake;
    struct delivery *d = mem_alloc(sizeof *d);
    struct intake_slot *s = mem_alloc(sizeof *s);
    const char *msg_id = link_msg_header(m, "Nats-Msg-Id");
    snprintf(d->subject, sizeof d->subject, "%s", m->subject);
    d->msg_id = msg_id ? mem_strdup(msg_id) : NULL;
    d->stream_seq = facts->stream_seq;
    d->delivered = facts->delivered > UINT32_MAX ? UINT32_MAX : (uint32_t)facts->delivered;
    d->published_at_us =
        intake_first_published_us(link_msg_header(m, PUBLISHED_HEADER), facts->stored_at_us);
    d->slot = s;
    s->msg = link_msg_keep(m);
    d->data = (char *)(uintptr_t)s->msg->data;
    d->len = s->msg->len;
    d->carried_id = link_msg_header(s->msg, LATER_ID_HEADER);
    d->signature = link_msg_header(s->msg, SIGNATURE_HEADER);
    d->signatures = d->signature ? link_msg_header_count(s->msg, SIGNATURE_HEADER) : 0;
    s->puller = p;
    s->since_us = clock_mono_us();
    if (d->stream_seq > i->used_seq) /* for a stream that is deleted while we run */
        i->used_seq = d->stream_seq;
    list_push_back(&i->held, &s->node);
    p->held++;
    p->held_bytes += (int64_t)d->len;
    return d;
}

static void on_message(struct link_msg *m, void *arg)
{
    struct puller *p = arg;
    struct intake *i = p->intake;
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
    if (i->state == STOPPED || p->held >= i->want) { /* of a pull that was given up as lost */
        back_at_once(i, m->reply);
        return;
    }
    struct delivery *d = take(p, m, &facts);
    i->ev.job(d, i->arg);
    maybe_pull(p);
}

/* ---- a job goes ---- */

/* Not ours any more; what it carries stays until delivery_free(). */
static void release(struct intake_slot *s)
{
    struct puller *p = s->puller;
    if (!p)
        return;
    s->puller = NULL;
    list_remove(&s->node);
    if (!s->aside) {
        p->held--;
        p->held_bytes -= (int64_t)s->msg->len;
    }
    maybe_pull(p);
}

void intake_set_aside(struct intake *i, struct delivery *d)
{
    (void)i;
    struct intake_slot *s = d->slot;
    if (!s || !s->puller || s->aside)
        return;
    s->aside = true;
    s->puller->held--;
    s->puller->held_bytes -= (int64_t)s->msg->len;
    maybe_pull(s->puller);
}

void intake_take_up(struct intake *i, struct delivery *d)
{
    (void)i;
    struct intake_slot *s = d->slot;
    if (!s || !s->puller || !s->aside)
        return;
    s->aside = false;
    s->puller->held++;
    s->puller->held_bytes += (int64_t)s->msg->len;
}

static void answer(struct intake *i, struct delivery *d, const char *text)
{
    struct err e = {0};
    if (!d->slot || !d->slot->puller)
        return;
    if (link_publish(i->link, d->slot->msg->reply, NULL, NULL, 0, text, strlen(text), &e))
        log_warn("queue", "job %" PRIu64 " will be delivered again: %s", d->stream_seq, e.msg);
    release(d->slot);
}

void intake_ack(struct intake *i, struct delivery *d)
{
    if (d->leftover_of)
        leftovers_remove(d->leftover_of, d->stream_seq);
    else
        answer(i, d, "+ACK");
}

void intake_hand_back(struct intake *i, struct delivery *d, int64_t delay_ms)
{
    char text[64] = HANDED_BACK;
    if (delay_ms > 0)
        snprintf(text, sizeof text, "-NAK {\"delay\":%" PRId64 "}", delay_ms * 1000 * NS_PER_US);
    answer(i, d, text);
}

void delivery_free(struct delivery *d)
{
    if (!d)
        return;
    if (d->slot) {
        release(d->slot);
        link_msg_free(d->slot->msg);
        free(d->slot);
    } else {
        struct leftovers *from = d->leftover_of;
        for (size_t k = 0; k < sizeof d->owned / sizeof *d->owned; k++)
            free(d->owned[k]);
        free(d->data);
        if (from)
            leftovers_freed(from);
    }
    free(d->msg_id);
    free(d);
}

/* ---- timers ---- */

static void on_watch(uv_timer_t *t)
{
    struct intake *i = t->data;
    int64_t now = clock_mono_us();
    if (i->setup_again_us && now >= i->setup_again_us && link_is_up(i->link))
        set_up(i);
    for (int k = 0; k < CLASSES; k++) {
        struct puller *p = &i->pullers[k];
        if (p->waiting && (now - p->heard_us > SILENCE_MAX_US ||
                           now - p->sent_us > PULL_EXPIRES_US + HEARTBEAT_US)) {
            log_info("queue", "pull for class %s is lost; sending it again",
                     job_class_name(p->cls));
            p->waiting = false;
        }
        maybe_pull(p);
    }
}

/* "I am still at it", for all that would otherwise run out before the next time. */
static void on_progress(uv_timer_t *t)
{
    struct intake *i = t->data;
    int64_t older_us = i->config->nats.ack_wait_ms * 1000 / PROGRESS_PART;
    int64_t now = clock_mono_us();
    if (!link_is_up(i->link))
        return;
    LIST_FOREACH(n, &i->held)
    {
        struct intake_slot *s = LIST_ENTRY(n, struct intake_slot, node);
        struct err e = {0};
        if (now - s->since_us < older_us / 2) /* and so are all behind it */
            break;
        if (link_publish(i->link, s->msg->reply, NULL, NULL, 0, "+WPI", 4, &e)) {
            tell(i, &e);
            break;
        }
    }
}

/* ---- set-up ---- */

static void on_set_up(const struct streams_end *end, void *arg)
{
    struct intake *i = arg;
    const struct err *why = end->why;
    i->setup = NULL;
    if (!why) {
        i->state = PULLING;
        i->sequences_repeat = end->sequences_repeat;
        i->setups_unanswered = 0;
        i->trouble.msg[0] = 0;
        for (int k = 0; k < CLASSES; k++) {
            if (end->made[k]) /* what waited at the one before is void, said or not */
                i->pullers[k].waiting = false;
            maybe_pull(&i->pullers[k]);
        }
        if (!i->ready_told) {
            i->ready_told = true;
            i->ev.ready(i->arg);
        }
        return;
    }
    if (why->code == ERR_TIMEOUT)
        i->setups_unanswered++;
    if (!i->ready_told && (!end->passing || i->setups_unanswered >= SETUP_TRIES)) {
        i->ev.failed(why, i->arg);
        return;
    }
    tell(i, why);
    i->setup_again_us = clock_mono_us() + AGAIN_US;
}

static void set_up(struct intake *i)
{
    if (i->state == STOPPED || i->setup)
        return;
    i->state = SETTING_UP;
    i->setup_again_us = 0;
    i->setup = streams_begin(i->link, i->config, &i->subjects, true, i->used_seq, on_set_up, i);
}

bool intake_sequences_repeat(const struct intake *i)
{
    return i->sequences_repeat;
}

void intake_look(struct intake *i)
{
    if (i->state == PULLING)
        set_up(i);
}

void intake_want(struct intake *i, int per_class)
{
    i->want = per_class;
    for (int k = 0; k < CLASSES; k++)
        maybe_pull(&i->pullers[k]);
}

void intake_resume(struct intake *i)
{
    for (int k = 0; k < CLASSES; k++) {
        struct puller *p = &i->pullers[k];
        p->waiting = false; /* the server forgot it with the connection */
        p->not_before_us = 0;
        maybe_pull(p);
    }
    if (i->state == SETTING_UP)
        set_up(i);
}

/* ---- life ---- */

static void open_puller(struct intake *i, enum job_class c, const char *random)
{
    struct puller *p = &i->pullers[c];
    char name[CONSUMER_NAME_MAX];
    consumer_name(c, name);
    p->intake = i;
    p->cls = c;
    snprintf(p->inbox, sizeof p->inbox, "_INBOX.%s.%s", random, job_class_name(c));
    snprintf(p->stream_subject, sizeof p->stream_subject, "$JS.API.CONSUMER.MSG.NEXT.%s.%s",
             i->subjects.jobs_stream, name);
}

static int subscribe(struct puller *p, struct err *e)
{
    char subject[sizeof p->inbox + 2];
    snprintf(subject, sizeof subject, "%s.*", p->inbox);
    return link_subscribe(p->intake->link, subject, NULL, 0, on_message, p, &p->sub, e);
}

int intake_open(uv_loop_t *loop, struct link *l, const struct config *c, const struct subjects *s,
                uint64_t used_seq, const struct intake_events *ev, void *arg, struct intake **out,
                struct err *e)
{
    struct intake *i = mem_alloc(sizeof *i);
    uint8_t random[INBOX_RANDOM];
    char text[INBOX_RANDOM * 2 + 1];
    int64_t progress_ms = c->nats.ack_wait_ms / PROGRESS_PART;
    int rc = crypto_init(e);
    i->loop = loop;
    i->link = l;
    i->config = c;
    i->subjects = *s;
    i->used_seq = used_seq;
    i->ev = *ev;
    i->arg = arg;
    list_init(&i->held);
    crypto_random(random, sizeof random);
    crypto_hex(random, sizeof random, text);
    uv_timer_init(loop, &i->watch);
    uv_timer_init(loop, &i->progress);
    i->watch.data = i->progress.data = i;
    i->handles = 2;
    for (int k = 0; k < CLASSES; k++)
        open_puller(i, (enum job_class)k, text);
    for (int k = 0; !rc && k < CLASSES; k++)
        rc = subscribe(&i->pullers[k], e);
    if (rc) {
        intake_close(i);
        return rc;
    }
    uv_timer_start(&i->watch, on_watch, WATCH_MS, WATCH_MS);
    uv_timer_start(&i->progress, on_progress, (uint64_t)progress_ms, (uint64_t)progress_ms);
    *out = i;
    set_up(i);
    return 0;
}

/* Makes the server look through its waiting pulls, which it does when it counts them for
 * CONSUMER.INFO. nats-server 2.9 finds out that a pull is void only when it has taken a job for it,
 * and a job that was handed back is then kept until its ack_wait is over. Nobody reads the answer.
 */
static void forget_pulls(struct puller *p)
{
    char subject[SUBJECT_MAX], name[CONSUMER_NAME_MAX];
    struct err e = {0};
    consumer_name(p->cls, name);
    snprintf(subject, sizeof subject, "$JS.API.CONSUMER.INFO.%s.%s",
             p->intake->subjects.jobs_stream, name);
    if (link_publish(p->intake->link, subject, p->inbox, NULL, 0, "", 0, &e))
        log_debug("queue", "waiting pulls are not looked through: %s", e.msg);
}

void intake_stop(struct intake *i)
{
    if (i->state == STOPPED)
        return;
    i->state = STOPPED;
    streams_cancel(i->setup);
    i->setup = NULL;
    /* Without an inbox the waiting pulls are void. What is under way already comes and goes back.
     */
    for (int k = 0; k < CLASSES; k++) {
        link_drain(i->pullers[k].sub);
        forget_pulls(&i->pullers[k]);
    }
}

static void on_timer_closed(uv_handle_t *h)
{
    struct intake *i = h->data;
    if (--i->handles == 0)
        free(i);
}

void intake_close(struct intake *i)
{
    if (!i)
        return;
    i->state = STOPPED;
    streams_cancel(i->setup);
    LIST_FOREACH(n, &i->held) /* their owners free them later */
    {
        list_remove(n);
        LIST_ENTRY(n, struct intake_slot, node)->puller = NULL;
    }
    for (int k = 0; k < CLASSES; k++)
        link_unsubscribe(i->pullers[k].sub);
    uv_close((uv_handle_t *)&i->watch, on_timer_closed);
    uv_close((uv_handle_t *)&i->progress, on_timer_closed);
}

struct ensuring {
    bool done;
    struct err why; /* code 0: all there */
};

static void on_ensured(const struct streams_end *end, void *arg)
{
    struct ensuring *w = arg;
    w->done = true;
    if (end->why)
        w->why = *end->why;
}

int intake_ensure_streams(uv_loop_t *loop, struct link *l, const struct config *c,
                          const struct subjects *s, struct err *e)
{
    struct ensuring w = {0};
    streams_begin(l, c, s, false, 0, on_ensured, &w);
    while (!w.done) /* the time-outs of its requests end this at the latest */
        uv_run(loop, UV_RUN_ONCE);
    if (w.why.code && e)
        *e = w.why;
    return w.why.code;
}
