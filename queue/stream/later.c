/* How this works: one pull waits at the server. What it brings and is not due yet goes back with a
 * delay, in steps of at most an hour, so that a clock that was set is noticed; what is due is
 * published to the jobs stream and acked when that has confirmed it. The consumer hands out without
 * bound, so nothing runs out. One batch is under way at a time: the next pull goes out when all of
 * the last one are dealt with, which bounds memory. */
#include "queue/stream/later.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "link/acksubject.h"
#include "queue/job/signature.h"
#include "queue/stream/streams.h"

#define BATCH          32
#define BATCH_BYTES    ((int64_t)8 << 20) /* more where one message may be larger */
#define OVERHEAD       8192
#define EXPIRES_US     30000000
#define HEARTBEAT_US   5000000
#define SILENCE_MAX_US (2 * HEARTBEAT_US + 2000000)
#define WATCH_MS       200
#define AGAIN_US       1000000 /* after a pull that ended at once, or a stream that is not there */
#define STEP_MS        3600000
#define REFUSED_MS     1000 /* the jobs stream would not take it: tried again then */
#define NUMBER_TEXT    24

struct later {
    uv_loop_t *loop;
    struct link *link;
    struct subjects subjects;
    struct later_events ev;
    void *arg;
    struct link_sub *sub;
    char inbox[64];
    uint64_t pulls;
    bool waiting, stopped, closed;
    int left;   /* messages the pull may still bring */
    int moving; /* publishes under way */
    int64_t sent_us, heard_us, not_before_us;
    uv_timer_t watch;
    bool watch_closed;
};

static int64_t number_of(const struct link_msg *m, const char *header, int64_t most)
{
    const char *text = link_msg_header(m, header);
    if (!text || strspn(text, "0123456789") != strlen(text) || !*text || strlen(text) > 18)
        return 0;
    int64_t n = strtoll(text, NULL, 10);
    return n > most ? most : n;
}

/* ---- in ---- */

int later_put(struct link *l, const struct subjects *s, const struct later_job *j, js_stored cb,
              void *arg, struct err *e)
{
    const struct delivery *d = j->delivery;
    char subject[SUBJECT_MAX], unique[SUBJECT_MAX], due[NUMBER_TEXT], published[NUMBER_TEXT],
        attempts[NUMBER_TEXT];
    struct link_header headers[8];
    int n = 0;
    int64_t due_ms = (j->due_us + 999) / 1000;
    subject_later(s, j->tenant, j->id, subject);
    snprintf(due, sizeof due, "%" PRId64, due_ms);
    snprintf(published, sizeof published, "%" PRId64, d->published_at_us / 1000);
    snprintf(attempts, sizeof attempts, "%d", j->attempts);
    /* By its place in the jobs stream: a second try of this one is dropped, nothing else. */
    snprintf(unique, sizeof unique, "%" PRIu64 "/%s/%s/%s", d->stream_seq, j->tenant, j->id, due);
    headers[n++] = (struct link_header){"Nats-Msg-Id", unique};
    headers[n++] = (struct link_header){LATER_DUE_HEADER, due};
    headers[n++] = (struct link_header){LATER_CLASS_HEADER, job_class_name(j->cls)};
    headers[n++] = (struct link_header){LATER_ID_HEADER, j->id};
    headers[n++] = (struct link_header){PUBLISHED_HEADER, published};
    if (j->attempts)
        headers[n++] = (struct link_header){LATER_ATTEMPT_HEADER, attempts};
    if (d->signature)
        headers[n++] = (struct link_header){SIGNATURE_HEADER, d->signature};
    return js_publish(l, subject, headers, n, d->data, d->len, JS_ANY, cb, arg, e);
}

/* ---- out ---- */

static void pull(struct later *m)
{
    char body[160], subject[SUBJECT_MAX], reply[sizeof m->inbox + NUMBER_TEXT];
    struct err e = {0};
    int64_t now = clock_mono_us(), most = link_max_payload(m->link) + OVERHEAD;
    if (m->waiting || m->moving || m->stopped || now < m->not_before_us || !link_is_up(m->link))
        return;
    int n = snprintf(body, sizeof body,
                     "{\"batch\":%d,\"max_bytes\":%" PRId64 ",\"expires\":%" PRId64
                     ",\"idle_heartbeat\":%" PRId64 "}",
                     BATCH, most > BATCH_BYTES ? most : BATCH_BYTES, (int64_t)EXPIRES_US * 1000,
                     (int64_t)HEARTBEAT_US * 1000);
    snprintf(subject, sizeof subject, "$JS.API.CONSUMER.MSG.NEXT.%s.%s", m->subjects.later_stream,
             MOVER_NAME);
    snprintf(reply, sizeof reply, "%s.%" PRIu64, m->inbox, ++m->pulls);
    m->sent_us = m->heard_us = now;
    m->left = BATCH;
    if (link_publish(m->link, subject, reply, NULL, 0, body, (size_t)n, &e))
        m->not_before_us = now + AGAIN_US;
    else
        m->waiting = true;
}

static void answer(struct later *m, const char *ack_subject, const char *text)
{
    struct err e = {0};
    if (link_publish(m->link, ack_subject, NULL, NULL, 0, text, strlen(text), &e))
        log_debug("later", "a job that waits will be handed out again: %s", e.msg);
}

static void put_off(struct later *m, const char *ack_subject, int64_t delay_ms)
{
    char text[64];
    snprintf(text, sizeof text, "-NAK {\"delay\":%" PRId64 "}",
             (delay_ms < STEP_MS ? delay_ms : STEP_MS) * 1000000);
    answer(m, ack_subject, text);
}

struct move {
    struct later *later;
    char *ack_subject;
};

static void maybe_free(struct later *m)
{
    if (m->closed && m->watch_closed && m->moving == 0)
        free(m);
}

static void on_moved(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct move *v = arg;
    struct later *m = v->later;
    (void)seq;
    (void)duplicate; /* it was moved before, by who died behind that */
    m->moving--;
    if (!m->closed) {
        if (why) {
            log_warn("later", "a job is due and cannot be queued: %s; trying again", why->msg);
            put_off(m, v->ack_subject, REFUSED_MS);
        } else {
            fault(F_JOB_DUE);
            answer(m, v->ack_subject, "+ACK");
        }
        pull(m);
    }
    free(v->ack_subject);
    free(v);
    maybe_free(m);
}

int later_publish(struct link *l, const struct subjects *s, const struct link_msg *m,
                  const char *from, uint64_t seq, js_stored cb, void *arg, struct err *e)
{
    char tenant[TENANT_NAME_MAX + 1], subject[SUBJECT_MAX], unique[SUBJECT_MAX];
    const char *id, *class_name = link_msg_header(m, LATER_CLASS_HEADER);
    int cls = class_name ? job_class_by_name(class_name) : -1;
    if (cls < 0 || !subject_parse_id(s, "later", from, tenant, sizeof tenant, &id))
        return err_set(e, ERR_INVALID, "no worker has put the message on %s there", from);
    const char *carried[] = {PUBLISHED_HEADER, LATER_ATTEMPT_HEADER, LATER_DUE_HEADER,
                             SIGNATURE_HEADER};
    struct link_header headers[2 + ARRAY_LEN(carried)];
    int n = 0;
    snprintf(unique, sizeof unique, "later/%" PRIu64 "/%s/%s", seq, tenant, id);
    headers[n++] = (struct link_header){"Nats-Msg-Id", unique};
    headers[n++] = (struct link_header){LATER_ID_HEADER, id};
    for (size_t i = 0; i < ARRAY_LEN(carried); i++) {
        const char *value = link_msg_header(m, carried[i]);
        if (value)
            headers[n++] = (struct link_header){carried[i], value};
    }
    subject_job(s, tenant, (enum job_class)cls, subject);
    return js_publish(l, subject, headers, n, m->data, m->len, JS_ANY, cb, arg, e);
}

static void move(struct later *m, struct link_msg *msg, uint64_t seq)
{
    struct move *v = mem_alloc(sizeof *v);
    struct err e = {0};
    v->later = m;
    v->ack_subject = mem_strdup(msg->reply);
    m->moving++;
    int rc = later_publish(m->link, &m->subjects, msg, msg->subject, seq, on_moved, v, &e);
    if (rc == ERR_INVALID) {
        log_warn("later", "dropped: %s", e.msg);
        answer(m, msg->reply, "+TERM");
        m->moving--;
        free(v->ack_subject);
        free(v);
    } else if (rc) {
        on_moved(0, false, &e, v);
    }
}

static void on_status(struct later *m, const struct link_msg *msg)
{
    const char *token = strrchr(msg->subject, '.');
    bool gone = msg->status == 503;
    int64_t now = clock_mono_us();
    if (!gone && (!token || strtoull(token + 1, NULL, 10) != m->pulls || !m->waiting))
        return;
    m->heard_us = now;
    if (msg->status == 100)
        return;
    const char *text = link_msg_header(msg, "Description");
    gone |= msg->status == 409 && text && strstr(text, "Consumer Deleted");
    m->waiting = false;
    if (gone || (m->left == BATCH && now - m->sent_us < AGAIN_US))
        m->not_before_us = now + AGAIN_US;
    if (gone)
        m->ev.gone(m->arg);
    pull(m);
}

static void on_message(struct link_msg *msg, void *arg)
{
    struct later *m = arg;
    struct ack_facts facts;
    if (msg->status) {
        on_status(m, msg);
        return;
    }
    if (!msg->reply || !ack_subject_parse(msg->reply, &facts))
        return;
    m->heard_us = clock_mono_us();
    if (m->waiting && --m->left <= 0)
        m->waiting = false;
    int64_t due_ms = number_of(msg, LATER_DUE_HEADER, INT64_MAX);
    int64_t left_ms = due_ms - clock_real_us() / 1000;
    if (left_ms > 0)
        put_off(m, msg->reply, left_ms);
    else if (m->stopped)
        put_off(m, msg->reply, 1); /* somebody else moves it */
    else
        move(m, msg, facts.stream_seq);
    pull(m);
}

/* ---- life ---- */

static void on_watch(uv_timer_t *t)
{
    struct later *m = t->data;
    int64_t now = clock_mono_us();
    if (m->waiting &&
        (now - m->heard_us > SILENCE_MAX_US || now - m->sent_us > EXPIRES_US + HEARTBEAT_US))
        m->waiting = false;
    pull(m);
}

int later_open(uv_loop_t *loop, struct link *l, const struct subjects *s,
               const struct later_events *ev, void *arg, struct later **out, struct err *e)
{
    struct later *m = mem_alloc(sizeof *m);
    uint8_t random[12];
    char text[2 * sizeof random + 1], subject[sizeof m->inbox + 2];
    m->loop = loop;
    m->link = l;
    m->subjects = *s;
    m->ev = *ev;
    m->arg = arg;
    uv_timer_init(loop, &m->watch);
    m->watch.data = m;
    int rc = crypto_init(e);
    if (!rc) {
        crypto_random(random, sizeof random);
        crypto_hex(random, sizeof random, text);
        snprintf(m->inbox, sizeof m->inbox, "_INBOX.%s.later", text);
        snprintf(subject, sizeof subject, "%s.*", m->inbox);
        rc = link_subscribe(l, subject, NULL, 0, on_message, m, &m->sub, e);
    }
    if (rc) {
        later_close(m);
        return rc;
    }
    uv_timer_start(&m->watch, on_watch, WATCH_MS, WATCH_MS);
    *out = m;
    pull(m);
    return 0;
}

void later_resume(struct later *m)
{
    m->waiting = false; /* the server forgot it with the connection */
    m->not_before_us = 0;
    pull(m);
}

/* The INFO makes the server look through its waiting pulls: see intake.c, forget_pulls(). */
void later_stop(struct later *m)
{
    char subject[SUBJECT_MAX];
    struct err e = {0};
    if (m->stopped)
        return;
    m->stopped = true;
    link_drain(m->sub);
    snprintf(subject, sizeof subject, "$JS.API.CONSUMER.INFO.%s.%s", m->subjects.later_stream,
             MOVER_NAME);
    if (link_publish(m->link, subject, m->inbox, NULL, 0, "", 0, &e))
        log_debug("later", "waiting pulls are not looked through: %s", e.msg);
}

static void on_watch_closed(uv_handle_t *h)
{
    struct later *m = h->data;
    m->watch_closed = true;
    maybe_free(m);
}

void later_close(struct later *m)
{
    if (!m)
        return;
    m->closed = m->stopped = true;
    link_unsubscribe(m->sub);
    uv_close((uv_handle_t *)&m->watch, on_watch_closed);
}
