/* How this works. Every consumer of the jobs stream has a puller (queue/stream/puller.c), which
 * asks for jobs while there is room. A job that comes is "held" until it is acked, handed back or
 * freed.
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
 *     └► consumers of the other kind are in the way: queue/stream/rivals.c */
#include "queue/stream/intake_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "queue/stream/strays.h"

#define WATCH_MS                 250
#define GONE_US                  300000 /* from hearing that a stream is gone to making it again */
#define SAY_AGAIN_US             30000000 /* the same trouble is logged again after this */
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
/* Jobs of a tenant with ceilings and of a class that wait here. */
#define LIMITED_LEAST            4
#define LIMITED_MOST             32
#define INBOX_RANDOM             12

/* ---- trouble is told, not repeated twice a second ---- */

void intake_tell(struct intake *i, const struct err *why)
{
    int64_t now = clock_mono_us();
    if (!strcmp(i->trouble.msg, why->msg) && now - i->trouble_us < SAY_AGAIN_US)
        return;
    log_warn("queue", "%s; trying again", why->msg);
    i->trouble = *why;
    i->trouble_us = now;
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
        intake_set_up(i);
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

static void on_progress(uv_timer_t *t)
{
    intake_held_keep(t->data);
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
        intake_set_up(i);
}

/* ---- pullers ---- */

static bool is_pulling(void *arg)
{
    const struct intake *i = arg;
    return i->state == PULLING && !i->paused;
}

static void on_trouble(const struct err *why, void *arg)
{
    intake_tell(arg, why);
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
    .job = intake_held_take,
    .trouble = on_trouble,
    .gone = on_gone,
};

/* How many jobs of a tenant with ceilings may wait here, beside those that run: half of what it may
 * begin in a second, within bounds. */
static int limited(const struct tenant *t)
{
    if (!t || (!t->jobs_per_s && !t->cpu_s_per_hour && !t->max_running))
        return 0;
    int64_t n = t->jobs_per_s ? t->jobs_per_s / 2 : LIMITED_MOST;
    return n < LIMITED_LEAST ? LIMITED_LEAST : n > LIMITED_MOST ? LIMITED_MOST : (int)n;
}

/* t: of that consumer, NULL: of all, or one that is not configured. */
static int add_puller(struct intake *i, const struct consumer *c, const struct tenant *t,
                      bool stray, struct err *e)
{
    struct puller *p = mem_alloc(sizeof *p);
    char inbox[sizeof p->inbox];
    p->owner = &puller_owner;
    p->arg = i;
    p->link = i->link;
    p->quota = &i->quotas[c->cls];
    p->consumer = *c;
    p->weight = t ? t->weight : 1;
    p->limited = limited(t);
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
            rc = add_puller(i, &x, by_class(i) ? NULL : &c->tenants[t], false, e);
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
    if (add_puller(i, &c, t, !t, &e))
        intake_tell(i, &e);
    i->found = true;
}

static void on_looked(void *arg)
{
    struct intake *i = arg;
    if (i->state == PULLING && i->found && !i->setup)
        intake_begin_set_up(i, false);
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
    intake_set_up(i);
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
    intake_held_forget(i);
    LIST_FOREACH(n, &i->pullers)
    remove_puller(i, LIST_ENTRY(n, struct puller, node));
    uv_close((uv_handle_t *)&i->watch, on_timer_closed);
    uv_close((uv_handle_t *)&i->progress, on_timer_closed);
}
