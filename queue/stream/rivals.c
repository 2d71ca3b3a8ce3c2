/* How this works: CONSUMER.LIST, page by page, collects the names of those in the way and what they
 * are at. Then, if none is in use, CONSUMER.DELETE one by one. Nothing is deleted on a first look
 * at one that has jobs unacked: a worker with all the jobs it may hold has no pull waiting either,
 * and only time tells it from one that is dead.
 *
 * A job that was unacked at a deleted consumer is handed out anew by the one that takes its place,
 * as if for the first time. */
#include "queue/stream/rivals.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jv.h"
#include "base/log.h"
#include "base/mem.h"
#include "link/js.h"
#include "queue/stream/consumer.h"

#define VERB_MAX 320

struct rivals {
    struct link *link;
    const struct config *config;
    const struct subjects *subjects;
    struct rivals_seen *seen;
    rivals_done done; /* NULL: cancelled */
    void *arg;
    struct buf names; /* each with its NUL */
    size_t next;      /* to delete: offset in names */
    int count;
    int64_t offset, waiting, unacked;
    uint64_t print;
    char foreign[CONSUMER_NAME_MAX]; /* not one of ours, in the way */
};

static void end(struct rivals *r, const struct err *why)
{
    rivals_done done = r->done;
    void *arg = r->arg;
    buf_free(&r->names);
    free(r);
    if (done)
        done(why, arg);
}

static void delete_next(struct rivals *r);

static void on_deleted(const struct jv *doc, const struct err *why, void *arg)
{
    struct rivals *r = arg;
    (void)doc;
    if (why && why->code != ERR_NOT_FOUND) {
        end(r, why);
        return;
    }
    if (!why)
        log_info("queue", "removed consumer %s, which nobody uses any more",
                 r->names.data + r->next);
    r->next += strlen(r->names.data + r->next) + 1;
    delete_next(r);
}

static void ask(struct rivals *r, const char *what, const char *name, const char *body,
                js_answer answer)
{
    char verb[VERB_MAX];
    struct err e = {0};
    snprintf(verb, sizeof verb, "CONSUMER.%s.%s%s%s", what, r->subjects->jobs_stream,
             *name ? "." : "", name);
    if (js_ask(r->link, verb, body, answer, r, &e))
        end(r, &e);
}

static void delete_next(struct rivals *r)
{
    if (!r->done || r->next == r->names.len)
        end(r, NULL);
    else
        ask(r, "DELETE", r->names.data + r->next, NULL, on_deleted);
}

/* ---- looking ---- */

static void mix(struct rivals *r, int64_t v)
{
    r->print = (r->print ^ (uint64_t)v) * 0x100000001b3u;
}

static int64_t number(const struct jv *v, const char *inner)
{
    int64_t n = 0;
    jv_int(inner ? jv_get(v, inner) : v, &n);
    return n;
}

static bool in_the_way(const struct rivals *r, const struct consumer *c)
{
    bool by_class = !c->tenant[0];
    return by_class != (r->config->nats.consumers == CONSUMERS_BY_CLASS);
}

static void look_at(struct rivals *r, const struct jv *info)
{
    const char *name = jv_string(jv_get(info, "name"), NULL);
    const char *filter = jv_string(jv_get(jv_get(info, "config"), "filter_subject"), NULL);
    struct consumer c = {0};
    if (!name)
        return;
    bool parsed = filter && consumer_of_subject(r->subjects, filter, &c);
    if (!parsed || !consumer_name_is_ours(name)) {
        snprintf(r->foreign, sizeof r->foreign, "%s", name);
        return;
    }
    if (!in_the_way(r, &c))
        return;
    buf_add(&r->names, name, strlen(name) + 1);
    r->count++;
    r->waiting += number(jv_get(info, "num_waiting"), NULL);
    r->unacked += number(jv_get(info, "num_ack_pending"), NULL);
    mix(r, number(jv_get(info, "delivered"), "consumer_seq"));
    mix(r, number(jv_get(info, "ack_floor"), "consumer_seq"));
    mix(r, number(jv_get(info, "num_ack_pending"), NULL));
}

static bool in_use(struct rivals *r)
{
    int64_t now = clock_mono_us();
    if (r->waiting == 0 && r->unacked == 0)
        return false;
    mix(r, r->waiting);
    if (r->waiting || r->print != r->seen->print || !r->seen->since_us) {
        r->seen->print = r->print;
        r->seen->since_us = now;
        return true;
    }
    return now - r->seen->since_us < 2 * r->config->nats.ack_wait_ms * 1000;
}

static void decide(struct rivals *r)
{
    struct err e = {0};
    if (!r->count) {
        if (r->foreign[0])
            err_set(&e, ERR_INVALID,
                    "consumer %s of stream %s takes jobs and is none of ours: remove it, or choose "
                    "another nats.stream_prefix",
                    r->foreign, r->subjects->jobs_stream);
        end(r, r->foreign[0] ? &e : NULL);
        return;
    }
    if (in_use(r)) {
        bool by_class = r->config->nats.consumers == CONSUMERS_BY_CLASS;
        err_set(&e, ERR_UNAVAILABLE,
                "workers that take jobs %s are at work (%" PRId64 " pulls waiting, %" PRId64
                " jobs unacked): this one begins when they have ended (drain them, or set "
                "nats.consumers: %s here)",
                by_class ? "tenant by tenant" : "class by class", r->waiting, r->unacked,
                by_class ? "tenant" : "class");
        end(r, &e);
        return;
    }
    delete_next(r);
}

static void list(struct rivals *r);

static void on_listed(const struct jv *doc, const struct err *why, void *arg)
{
    struct rivals *r = arg;
    if (!r->done || why) {
        end(r, why);
        return;
    }
    const struct jv *all = jv_get(doc, "consumers");
    size_t n = jv_count(all);
    for (size_t i = 0; i < n; i++)
        look_at(r, jv_at(all, i));
    r->offset += (int64_t)n;
    if (n > 0 && r->offset < number(doc, "total"))
        list(r);
    else
        decide(r);
}

static void list(struct rivals *r)
{
    char body[64];
    snprintf(body, sizeof body, "{\"offset\":%" PRId64 "}", r->offset);
    ask(r, "LIST", "", body, on_listed);
}

int rivals_begin(struct link *l, const struct config *c, const struct subjects *s,
                 struct rivals_seen *seen, rivals_done done, void *arg, struct rivals **out,
                 struct err *e)
{
    struct rivals *r = mem_alloc(sizeof *r);
    char verb[VERB_MAX];
    r->link = l;
    r->config = c;
    r->subjects = s;
    r->seen = seen;
    r->done = done;
    r->arg = arg;
    snprintf(verb, sizeof verb, "CONSUMER.LIST.%s", s->jobs_stream);
    int rc = js_ask(l, verb, "{\"offset\":0}", on_listed, r, e);
    if (rc)
        free(r);
    else
        *out = r;
    return rc;
}

void rivals_cancel(struct rivals *r)
{
    if (r)
        r->done = NULL;
}
