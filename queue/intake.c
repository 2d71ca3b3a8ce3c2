/* How this works. Every consumer of the jobs stream has a puller (queue/puller.c), which asks for
 * jobs while there is room. A job that comes is "held" until it is acked, handed back or freed.
 *
 * JetStream hands out first in, first out within a consumer. So each tenant has one of its own for
 * each class, and a crowd of one tenant's jobs delays nobody else's: nats.consumers `tenant`. Jobs
 * of tenants that are not configured are found by looking at the stream's subjects every few
 * seconds, and get consumers that go away again. `class` is one consumer for all tenants of a
 * class.
 *
 *   setting up ──► pulling ──► stopped
 *     ▲   ▲           │ streams or consumers gone
 *     │   └───────────┘
 *     └► consumers of the other kind are in the way: queue/rivals.c */
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
#include "queue/later.h"
#include "queue/leftovers.h"
#include "queue/signature.h"
#include "queue/puller.h"
#include "queue/rivals.h"
#include "queue/strays.h"
#include "queue/streams.h"

#define NS_PER_US                ((int64_t)1000)
#define WATCH_MS                 250
#define AGAIN_US                 1000000 /* after a set-up that failed */
#define GONE_US                  300000  /* from hearing that a stream is gone to making it again */
#define SAY_AGAIN_US             30000000 /* the same trouble is logged again after this */
#define SETUP_TRIES              3        /* without any answer, before the first success */
#define PROGRESS_PART            3        /* in-progress every third of ack_wait */
#define BEATS_A_SECOND           50       /* heartbeats of all pulls that wait */
#define HEARTBEAT_MIN_US         1000000
#define HEARTBEAT_MAX_US         15000000 /* half of what a pull lives: the server's rule */
/* Up to so many tenants, each has its consumers before it has jobs. */
#define TENANTS_AHEAD            64
#define TENANTS_AHEAD_REPLICATED 16
/* Between two looks for subjects with jobs and without a consumer: of tenants that are not
 * configured; likewise, where all tenants get consumers only when they have jobs. */
#define LOOK_US                  2000000
#define LOOK_MANY_US             250000
#define STRAYS_MAX               64 /* consumers of tenants that are not configured; the rest waits */
/* Consumers that are made when jobs are seen. A worker that is full does not ask one of them while
 * the jobs it has of it run, which can be as long as the longest wall_ms: a day. */
#define IDLE_MS                  ((int64_t)25 * 3600000)
#define STRAY_IDLE_MS            ((int64_t)300000) /* theirs do not run */
#define PULLER_IDLE_PART         5 /* this worker asks one no more after this part of that time */
/* Never without a delay: that is what nats-server writes down. A job handed back without one is
 * kept until its ack_wait is over when the server is restarted, as that of `up` is. */
#define HANDED_BACK              "-NAK {\"delay\":1000000}"
#define INBOX_RANDOM             12

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
    bool ready_told, sequences_repeat, paused;
    bool partial;      /* the set-up under way is of consumers alone */
    uint64_t used_seq; /* see intake_open() */
    int setups_unanswered;
    int64_t setup_again_us; /* 0: not planned */
    struct err trouble;     /* last logged */
    int64_t trouble_us;
    int64_t looked_us, look_us;
    struct quota quotas[CLASSES];
    struct list pullers;
    struct puller *by_name; /* hash */
    int puller_count, strays;
    char inbox[48]; /* "_INBOX.<random>" */
    int inboxes;
    bool found;             /* subjects that have no consumer yet */
    struct strays *looking; /* NULL: consumers are by class */
    struct rivals *rivals;  /* under way; NULL: none */
    struct rivals_seen rivals_seen;
    struct list held;
    uv_timer_t watch, progress;
    int handles;
};

static void set_up(struct intake *i);
static void begin_set_up(struct intake *i, bool all);

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

static struct delivery *take(struct intake *i, struct puller *p, struct link_msg *m,
                             const struct ack_facts *facts)
{
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
    p->kept++;
    puller_took(p, (int64_t)d->len);
    return d;
}

static void on_delivery(struct puller *p, struct link_msg *m, const struct ack_facts *facts,
                        void *arg)
{
    struct intake *i = arg;
    if (i->state == STOPPED || puller_is_full(p)) { /* of a pull that was given up as lost */
        back_at_once(i, m->reply);
        return;
    }
    struct delivery *d = take(i, p, m, facts);
    i->ev.job(d, i->arg);
    puller_go_on(p);
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
    p->kept--;
    if (!s->aside)
        puller_gave(p, (int64_t)s->msg->len);
    else
        puller_go_on(p);
}

void intake_set_aside(struct intake *i, struct delivery *d)
{
    (void)i;
    struct intake_slot *s = d->slot;
    if (!s || !s->puller || s->aside)
        return;
    s->aside = true;
    puller_gave(s->puller, (int64_t)s->msg->len);
}

void intake_take_up(struct intake *i, struct delivery *d)
{
    (void)i;
    struct intake_slot *s = d->slot;
    if (!s || !s->puller || !s->aside)
        return;
    s->aside = false;
    puller_took(s->puller, (int64_t)s->msg->len);
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

/* Fewer heartbeats from each pull the more of them wait. */
static int64_t heartbeat_us(const struct intake *i)
{
    int64_t us = (int64_t)i->puller_count * 1000000 / BEATS_A_SECOND;
    return us < HEARTBEAT_MIN_US ? HEARTBEAT_MIN_US : us > HEARTBEAT_MAX_US ? HEARTBEAT_MAX_US : us;
}

static void remove_puller(struct intake *i, struct puller *p)
{
    list_remove(&p->node);
    HASH_DEL(i->by_name, p);
    i->puller_count--;
    i->strays -= p->stray;
    puller_close(p);
    free(p);
}

static void on_watch(uv_timer_t *t)
{
    struct intake *i = t->data;
    int64_t now = clock_mono_us(), beat = heartbeat_us(i);
    if (i->setup_again_us && now >= i->setup_again_us && link_is_up(i->link))
        set_up(i);
    if (i->state == PULLING && i->looking && now - i->looked_us >= i->look_us) {
        i->looked_us = now;
        strays_look(i->looking);
    }
    LIST_FOREACH(n, &i->pullers)
    {
        struct puller *p = LIST_ENTRY(n, struct puller, node);
        puller_watch(p, now, beat);
        if (p->consumer.idle_ms && !i->setup && p->kept == 0 &&
            now - p->used_us > p->consumer.idle_ms * 1000 / PULLER_IDLE_PART)
            remove_puller(i, p);
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

static void on_no_rivals(const struct err *why, void *arg)
{
    struct intake *i = arg;
    i->rivals = NULL;
    if (why && why->code == ERR_INVALID && !i->ready_told) {
        i->ev.failed(why, i->arg);
        return;
    }
    if (why) {
        tell(i, why);
        i->setup_again_us = clock_mono_us() + AGAIN_US;
        return;
    }
    memset(&i->rivals_seen, 0, sizeof i->rivals_seen);
    set_up(i);
}

static void remove_rivals(struct intake *i)
{
    struct err e = {0};
    if (rivals_begin(i->link, i->config, &i->subjects, &i->rivals_seen, on_no_rivals, i, &i->rivals,
                     &e)) {
        tell(i, &e);
        i->setup_again_us = clock_mono_us() + AGAIN_US;
    }
}

static void all_there(struct intake *i)
{
    i->state = PULLING;
    i->setups_unanswered = 0;
    i->trouble.msg[0] = 0;
    LIST_FOREACH(n, &i->pullers)
    {
        struct puller *p = LIST_ENTRY(n, struct puller, node);
        p->ready = true;
        if (p->consumer.made) /* what waited at the one before is void, said or not */
            puller_forget(p);
        p->consumer.made = false;
        puller_go_on(p);
    }
    if (!i->ready_told) {
        i->ready_told = true;
        i->ev.ready(i->arg);
    }
}

static void on_set_up(const struct streams_end *end, void *arg)
{
    struct intake *i = arg;
    const struct err *why = end->why;
    i->setup = NULL;
    if (!why) {
        if (!i->partial)
            i->sequences_repeat = end->sequences_repeat;
        all_there(i);
        return;
    }
    if (why->code == ERR_CONFLICT) {
        remove_rivals(i);
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

/* all: the streams too, and every consumer; else those that nobody has asked for yet. */
static void begin_set_up(struct intake *i, bool all)
{
    struct consumer **wanted = mem_alloc((size_t)i->puller_count * sizeof(struct consumer *));
    int n = 0;
    LIST_FOREACH(it, &i->pullers)
    {
        struct puller *p = LIST_ENTRY(it, struct puller, node);
        if (all || !p->ready)
            wanted[n++] = &p->consumer;
    }
    i->found = false;
    i->partial = !all;
    if (all || n)
        i->setup =
            streams_begin(i->link, i->config, &i->subjects, wanted, n,
                          all ? STREAMS_AND_CONSUMERS : CONSUMERS_ALONE, i->used_seq, on_set_up, i);
    free(wanted);
}

static void set_up(struct intake *i)
{
    if (i->state == STOPPED || i->setup || i->rivals)
        return;
    i->state = SETTING_UP;
    i->setup_again_us = 0;
    begin_set_up(i, true);
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
    for (int k = 0; k < CLASSES; k++)
        i->quotas[k].want = per_class;
    LIST_FOREACH(n, &i->pullers)
    puller_go_on(LIST_ENTRY(n, struct puller, node));
}

void intake_pause(struct intake *i, bool paused)
{
    if (!i)
        return;
    i->paused = paused;
    LIST_FOREACH(n, &i->pullers)
    puller_go_on(LIST_ENTRY(n, struct puller, node));
}

void intake_resume(struct intake *i)
{
    LIST_FOREACH(n, &i->pullers) /* the server forgot theirs with the connection */
    {
        struct puller *p = LIST_ENTRY(n, struct puller, node);
        puller_forget(p);
        puller_go_on(p);
    }
    if (i->state == SETTING_UP)
        set_up(i);
}

/* ---- pullers ---- */

static bool is_pulling(void *arg)
{
    const struct intake *i = arg;
    return i->state == PULLING && !i->paused;
}

static void on_trouble(const struct err *why, void *arg)
{
    tell(arg, why);
}

/* Not at once: nats-server 2.9 is still busy with taking the stream away when it tells us, and a
 * consumer that is made then may never hand out what comes first. Also whoever deleted it may make
 * it again himself. */
static void on_gone(struct puller *p, void *arg)
{
    struct intake *i = arg;
    (void)p;
    if (i->state != PULLING)
        return;
    i->state = SETTING_UP;
    i->setup_again_us = clock_mono_us() + GONE_US;
}

static const struct puller_owner puller_owner = {
    .pulling = is_pulling,
    .job = on_delivery,
    .trouble = on_trouble,
    .gone = on_gone,
};

static int add_puller(struct intake *i, const struct consumer *c, int64_t weight, bool stray,
                      struct err *e)
{
    struct puller *p = mem_alloc(sizeof *p);
    char inbox[sizeof p->inbox];
    p->owner = &puller_owner;
    p->arg = i;
    p->link = i->link;
    p->quota = &i->quotas[c->cls];
    p->consumer = *c;
    p->weight = weight;
    p->heartbeat_us = HEARTBEAT_MIN_US;
    consumer_name(c, p->name);
    snprintf(inbox, sizeof inbox, "%s.%d", i->inbox, ++i->inboxes);
    list_push_back(&i->pullers, &p->node);
    HASH_ADD_STR(i->by_name, name, p);
    i->puller_count++;
    p->stray = stray;
    i->strays += stray;
    return puller_open(p, inbox, &i->subjects, e);
}

static bool by_class(const struct intake *i)
{
    return i->config->nats.consumers == CONSUMERS_BY_CLASS;
}

/* Every consumer costs the server memory and a look at every job, with replicas much more: of many
 * tenants only those get any that have jobs. */
static bool are_many(const struct config *c)
{
    return c->tenant_count > (c->nats.replicas > 1 ? TENANTS_AHEAD_REPLICATED : TENANTS_AHEAD);
}

static int add_pullers(struct intake *i, struct err *e)
{
    const struct config *c = i->config;
    int tenants = by_class(i) ? 1 : are_many(c) ? 0 : c->tenant_count, rc = 0;
    for (int t = 0; t < tenants; t++) {
        for (int k = 0; !rc && k < CLASSES; k++) {
            struct consumer x = {.cls = (enum job_class)k};
            if (!by_class(i))
                snprintf(x.tenant, sizeof x.tenant, "%s", c->tenants[t].name);
            rc = add_puller(i, &x, by_class(i) ? 1 : c->tenants[t].weight, false, e);
        }
    }
    return rc;
}

/* Jobs on a subject. Its consumer is made, or found, by the next set-up. */
static void on_subject(const struct consumer *found, int64_t jobs, void *arg)
{
    struct intake *i = arg;
    struct consumer c = *found;
    struct puller *known;
    struct err e = {0};
    char name[CONSUMER_NAME_MAX];
    (void)jobs;
    consumer_name(&c, name);
    HASH_FIND_STR(i->by_name, name, known);
    if (known || i->state != PULLING)
        return;
    const struct tenant *t = config_tenant(i->config, c.tenant);
    if (!t && i->strays == STRAYS_MAX)
        return;
    c.idle_ms = t ? IDLE_MS : STRAY_IDLE_MS;
    if (add_puller(i, &c, t ? t->weight : 1, !t, &e))
        tell(i, &e);
    i->found = true;
}

static void on_looked(void *arg)
{
    struct intake *i = arg;
    if (i->state == PULLING && i->found && !i->setup)
        begin_set_up(i, false);
}

static const struct strays_events strays_events = {.subject = on_subject, .looked = on_looked};

/* ---- life ---- */

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
    snprintf(i->inbox, sizeof i->inbox, "_INBOX.%s", text);
    list_init(&i->pullers);
    if (c->nats.consumers == CONSUMERS_BY_TENANT)
        i->look_us = are_many(c) ? LOOK_MANY_US : LOOK_US;
    if (c->nats.consumers == CONSUMERS_BY_TENANT)
        i->looking = strays_new(l, &i->subjects, &strays_events, i);
    if (!rc)
        rc = add_pullers(i, e);
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

void intake_stop(struct intake *i)
{
    if (i->state == STOPPED)
        return;
    i->state = STOPPED;
    streams_cancel(i->setup);
    i->setup = NULL;
    rivals_cancel(i->rivals);
    i->rivals = NULL;
    LIST_FOREACH(n, &i->pullers) /* what is under way already comes and goes back */
    puller_stop(LIST_ENTRY(n, struct puller, node), &i->subjects);
}

static void on_timer_closed(uv_handle_t *h)
{
    struct intake *i = h->data;
    if (--i->handles > 0)
        return;
    free(i);
}

void intake_close(struct intake *i)
{
    if (!i)
        return;
    i->state = STOPPED;
    streams_cancel(i->setup);
    rivals_cancel(i->rivals);
    strays_free(i->looking);
    LIST_FOREACH(n, &i->held) /* their owners free them later */
    {
        list_remove(n);
        LIST_ENTRY(n, struct intake_slot, node)->puller = NULL;
    }
    LIST_FOREACH(n, &i->pullers)
    remove_puller(i, LIST_ENTRY(n, struct puller, node));
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
    streams_begin(l, c, s, NULL, 0, STREAMS_ALONE, 0, on_ensured, &w);
    while (!w.done) /* the time-outs of its requests end this at the latest */
        uv_run(loop, UV_RUN_ONCE);
    if (w.why.code && e)
        *e = w.why;
    return w.why.code;
}
