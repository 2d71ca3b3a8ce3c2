/* How this works. A look walks the consumers of the subjects that have messages. Each says up to
 * which sequence nothing is open: all that it handed out when no ack is awaited, else its ack
 * floor. Work-queue retention removes a message with its ack, so whatever the stream still has of
 * its subjects up to there is a leftover. They are fetched one by one, from the oldest; AT_ONCE may
 * be in the handler's hands, LOOK_MAX are told in one look.
 *
 *   IDLE ──► SUBJECTS ──► CONSUMER ──► MESSAGE ⇄ PAUSED (AT_ONCE in hand)
 *    ▲                       ▲            │ past that sequence: next consumer
 *    └───────────────────────┴────────────┘
 *
 * When a job uses up its last delivery the server says so: one worker (a queue group) looks then.
 * Two may still look at the same time: the results stream takes one result. */
#include "queue/stream/leftovers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/jv.h"
#include "base/log.h"
#include "base/mem.h"
#include "link/js.h"
#include "queue/stream/consumer.h"
#include "queue/stream/later.h"
#include "queue/job/signature.h"

#define AT_ONCE     16
#define LOOK_MAX    10000
#define ADVISORIES  64 /* pending; they only wake us */
#define US_PER_HOUR (3600 * 1000000ll)
#define VERB_MAX    320

#define CONSUMERS_MAX 4096 /* in one look */

enum look { IDLE, SUBJECTS, CONSUMER, MESSAGE, PAUSED };

struct leftovers {
    uv_loop_t *loop;
    struct link *link;
    const struct config *config;
    struct subjects subjects;
    leftover_found found;
    void *arg;
    struct link_sub *advisories;
    uv_timer_t timer;
    enum look look;
    struct consumer *consumers; /* to walk */
    int count, at;
    uint64_t upto, next; /* of the one at hand: told up to here, next to fetch */
    int told, in_hand, too_old;
    bool again; /* a look was asked for during one */
    bool said;  /* why it does not work */
    bool closed;
    int refs; /* requests under way, deliveries in hand, the timer: freed with the last */
};

static void drop(struct leftovers *l)
{
    if (--l->refs > 0)
        return;
    free(l->consumers);
    free(l);
}

static void plan(struct leftovers *l, int ms);

/* ---- one message ---- */

/* Value of a header in "NATS/1.0\r\nName: value\r\n…", malloc'd; NULL: none. count: how many. */
static char *header(const char *block, const char *name, int *count)
{
    size_t n = strlen(name);
    char *first = NULL;
    *count = 0;
    for (const char *line = block; (line = strstr(line, "\r\n"));) {
        line += 2;
        if (strncmp(line, name, n) != 0 || line[n] != ':')
            continue;
        const char *value = line + n + 1;
        value += strspn(value, " ");
        size_t len = strcspn(value, "\r");
        if (++*count > 1)
            continue;
        first = mem_alloc(len + 1);
        memcpy(first, value, len);
    }
    return first;
}

/* base64 → bytes with a NUL behind, malloc'd; an absent member is empty. NULL: not base64. */
static char *bytes(const struct jv *v, size_t *len)
{
    size_t n = 0;
    const char *text = jv_string(v, &n);
    char *out = mem_alloc(n + 1);
    *len = 0;
    if (text && !crypto_unbase64(text, n, out, n + 1, len)) {
        free(out);
        return NULL;
    }
    out[*len] = 0;
    return out;
}

/* What the API says of a message, as a delivery; NULL when it says something else. */
static struct delivery *delivery_of(struct leftovers *l, const struct jv *message, uint64_t seq)
{
    const char *subject = jv_string(jv_get(message, "subject"), NULL);
    size_t len, block_len;
    char *data = bytes(jv_get(message, "data"), &len);
    char *block = bytes(jv_get(message, "hdrs"), &block_len);
    if (!subject || !data || !block) {
        free(data);
        free(block);
        return NULL;
    }
    struct delivery *d = mem_alloc(sizeof *d);
    int count;
    char *published = header(block, PUBLISHED_HEADER, &count);
    snprintf(d->subject, sizeof d->subject, "%s", subject);
    d->msg_id = header(block, "Nats-Msg-Id", &count);
    d->data = data;
    d->len = len;
    d->carried_id = d->owned[0] = header(block, LATER_ID_HEADER, &count);
    d->signature = d->owned[1] = header(block, SIGNATURE_HEADER, &d->signatures);
    d->stream_seq = seq;
    d->delivered = (uint32_t)l->config->nats.max_deliver;
    d->published_at_us =
        intake_first_published_us(published, js_time_us(jv_string(jv_get(message, "time"), NULL)));
    free(published);
    d->leftover_of = l;
    l->in_hand++;
    l->refs++;
    free(block);
    return d;
}

/* ---- a look ---- */

static void ask_consumer(struct leftovers *l);
static void ask_message(struct leftovers *l);

static void end_look(struct leftovers *l, const struct err *why)
{
    l->look = IDLE;
    if (why && !l->said && link_is_up(l->link)) {
        l->said = true;
        log_info("queue", "leftovers of the jobs stream cannot be looked for: %s", why->msg);
    }
    if (l->told && !why)
        log_info("queue", "%d jobs that no consumer hands out any more were looked at", l->told);
    if (l->too_old) {
        log_warn(
            "queue",
            "%d jobs in stream %s are older than results are kept and handed to nobody: nobody "
            "can tell whether they had a result; remove them with nats stream purge",
            l->too_old, l->subjects.jobs_stream);
        l->too_old = 0;
    }
    plan(l, l->again || l->told >= LOOK_MAX ? LEFTOVERS_SOON_MS : LEFTOVERS_EVERY_MS);
}

static void next_consumer(struct leftovers *l)
{
    if (++l->at >= l->count)
        end_look(l, NULL);
    else
        ask_consumer(l);
}

static bool is_too_old(const struct leftovers *l, const struct delivery *d)
{
    int64_t kept_us = l->config->nats.results_max_age_hours * US_PER_HOUR;
    return clock_real_us() - d->published_at_us > kept_us;
}

static void on_message(const struct jv *doc, const struct err *why, void *arg)
{
    struct leftovers *l = arg;
    const struct jv *message = jv_get(doc, "message");
    int64_t seq = 0;
    if (l->closed) {
        drop(l);
        return;
    }
    l->refs--;
    if (why && why->code != ERR_NOT_FOUND) {
        end_look(l, why);
        return;
    }
    if (why || !jv_int(jv_get(message, "seq"), &seq) || (uint64_t)seq > l->upto) {
        next_consumer(l);
        return;
    }
    l->next = (uint64_t)seq + 1;
    struct delivery *d = delivery_of(l, message, (uint64_t)seq);
    if (d && is_too_old(l, d)) {
        l->too_old++;
        delivery_free(d);
    } else if (d) {
        l->told++;
        l->found(d, l->arg);
    }
    if (l->told >= LOOK_MAX) {
        end_look(l, NULL);
    } else if (l->in_hand >= AT_ONCE) {
        l->look = PAUSED;
    } else {
        ask_message(l);
    }
}

static void ask(struct leftovers *l, const char *verb, const char *body, js_answer cb)
{
    struct err e = {0};
    l->refs++;
    if (js_ask(l->link, verb, body, cb, l, &e) == 0)
        return;
    l->refs--;
    end_look(l, &e);
}

static void ask_message(struct leftovers *l)
{
    char verb[VERB_MAX], filter[SUBJECT_MAX], body[SUBJECT_MAX + 64];
    consumer_filter(&l->consumers[l->at], &l->subjects, filter);
    snprintf(verb, sizeof verb, "STREAM.MSG.GET.%s", l->subjects.jobs_stream);
    snprintf(body, sizeof body, "{\"seq\":%" PRIu64 ",\"next_by_subj\":\"%s\"}", l->next, filter);
    l->look = MESSAGE;
    ask(l, verb, body, on_message);
}

static void on_consumer(const struct jv *doc, const struct err *why, void *arg)
{
    struct leftovers *l = arg;
    int64_t open = 1, upto = 0;
    if (l->closed) {
        drop(l);
        return;
    }
    l->refs--;
    if (why && why->code == ERR_NOT_FOUND) {
        next_consumer(l); /* intake makes it, and it hands everything out */
        return;
    }
    if (why) {
        end_look(l, why);
        return;
    }
    jv_int(jv_get(doc, "num_ack_pending"), &open);
    jv_int(jv_get(jv_get(doc, open ? "ack_floor" : "delivered"), "stream_seq"), &upto);
    l->upto = (uint64_t)upto;
    l->next = 1;
    if (upto > 0)
        ask_message(l);
    else
        next_consumer(l);
}

static void ask_consumer(struct leftovers *l)
{
    char verb[VERB_MAX], name[CONSUMER_NAME_MAX];
    consumer_name(&l->consumers[l->at], name);
    snprintf(verb, sizeof verb, "CONSUMER.INFO.%s.%s", l->subjects.jobs_stream, name);
    l->look = CONSUMER;
    ask(l, verb, NULL, on_consumer);
}

static int note_subject(const char *subject, const struct jv *count, void *arg)
{
    struct leftovers *l = arg;
    struct consumer c;
    (void)count;
    if (l->count == CONSUMERS_MAX || !consumer_of_subject(&l->subjects, subject, &c))
        return 0;
    l->consumers = mem_grow(l->consumers, (size_t)(l->count + 1) * sizeof c);
    l->consumers[l->count++] = c;
    return 0;
}

static void on_subjects(const struct jv *doc, const struct err *why, void *arg)
{
    struct leftovers *l = arg;
    const struct jv *found = jv_get(jv_get(doc, "state"), "subjects");
    if (l->closed) {
        drop(l);
        return;
    }
    l->refs--;
    if (why) {
        end_look(l, why->code == ERR_NOT_FOUND ? NULL : why);
        return;
    }
    if (jv_type(found) == JV_OBJECT) /* an empty stream has no such member */
        jv_each(found, note_subject, l);
    next_consumer(l);
}

static void ask_subjects(struct leftovers *l)
{
    char verb[VERB_MAX], body[SUBJECT_MAX];
    snprintf(verb, sizeof verb, "STREAM.INFO.%s", l->subjects.jobs_stream);
    snprintf(body, sizeof body, "{\"subjects_filter\":\"%s.jobs.>\"}", l->subjects.prefix);
    l->look = SUBJECTS;
    ask(l, verb, body, on_subjects);
}

static void begin_look(struct leftovers *l)
{
    char subject[SUBJECT_MAX];
    l->count = 0;
    l->at = -1;
    if (l->config->nats.consumers == CONSUMERS_BY_TENANT) {
        ask_subjects(l);
        return;
    }
    for (int k = 0; k < CLASSES; k++) {
        subject_job_class(&l->subjects, (enum job_class)k, subject);
        note_subject(subject, NULL, l);
    }
    next_consumer(l);
}

static void on_time(uv_timer_t *t)
{
    struct leftovers *l = t->data;
    if (!link_is_up(l->link) || l->in_hand) { /* the rest of the look before */
        plan(l, LEFTOVERS_SOON_MS);
        return;
    }
    l->told = 0;
    l->again = false;
    begin_look(l);
}

static void plan(struct leftovers *l, int ms)
{
    uv_timer_start(&l->timer, on_time, (uint64_t)ms, 0);
}

void leftovers_look_soon(struct leftovers *l)
{
    l->said = false;
    if (l->look == IDLE)
        plan(l, LEFTOVERS_SOON_MS);
    else
        l->again = true;
}

/* ---- deliveries in hand ---- */

static void on_removed(const struct jv *doc, const struct err *why, void *arg)
{
    struct leftovers *l = arg;
    (void)doc;
    if (why && why->code != ERR_NOT_FOUND && !l->closed && !l->said) {
        l->said = true;
        log_warn("queue", "a message that is done with stays in the jobs stream: %s", why->msg);
    }
    drop(l);
}

void leftovers_remove(struct leftovers *l, uint64_t seq)
{
    char verb[VERB_MAX], body[64];
    struct err e = {0};
    if (l->closed)
        return;
    snprintf(verb, sizeof verb, "STREAM.MSG.DELETE.%s", l->subjects.jobs_stream);
    snprintf(body, sizeof body, "{\"seq\":%" PRIu64 ",\"no_erase\":true}", seq);
    l->refs++;
    if (js_ask(l->link, verb, body, on_removed, l, &e))
        drop(l);
}

void leftovers_freed(struct leftovers *l)
{
    l->in_hand--;
    if (!l->closed && l->look == PAUSED)
        ask_message(l);
    drop(l);
}

/* ---- life ---- */

static void on_advisory(struct link_msg *m, void *arg)
{
    (void)m;
    leftovers_look_soon(arg);
}

static void on_timer_closed(uv_handle_t *h)
{
    drop(h->data);
}

int leftovers_open(uv_loop_t *loop, struct link *link, const struct config *c,
                   const struct subjects *s, leftover_found found, void *arg,
                   struct leftovers **out, struct err *e)
{
    struct leftovers *l = mem_alloc(sizeof *l);
    char subject[SUBJECT_MAX];
    l->loop = loop;
    l->link = link;
    l->config = c;
    l->subjects = *s;
    l->found = found;
    l->arg = arg;
    l->refs = 1;
    uv_timer_init(loop, &l->timer);
    l->timer.data = l;
    snprintf(subject, sizeof subject, "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.%s.*",
             s->jobs_stream);
    int rc =
        link_subscribe(link, subject, s->prefix, ADVISORIES, on_advisory, l, &l->advisories, e);
    if (rc) {
        leftovers_close(l);
        return rc;
    }
    plan(l, LEFTOVERS_SOON_MS);
    *out = l;
    return 0;
}

void leftovers_close(struct leftovers *l)
{
    if (!l)
        return;
    l->closed = true;
    link_unsubscribe(l->advisories);
    uv_close((uv_handle_t *)&l->timer, on_timer_closed);
}
