#include "executor/cluster/cancels.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/log.h"
#include "base/mem.h"
#include "executor/cluster/groups.h"
#include "link/follow.h"

/* How this works: the stream's records are kept in a table, "<tenant>" or "<tenant>/<batch>" to the
 * time at which the stream took the newest. That time and a job's time of publishing come from the
 * same servers. A stream that is deleted takes its cancels with it for those who start later; who
 * knew them goes on holding to them. */

#define FOLLOW_BATCH 256
#define RECORDS_MAX  1000000 /* subjects that the stream may have, batches among them */
#define RECORD_BYTES 4096    /* of one message */
#define MAX_AGE_DAYS 30
#define KEY_TEXT     (TENANT_NAME_MAX + 1 + BATCH_ID_MAX + 1)
#define NS_PER_DAY   ((int64_t)86400 * 1000000000)
#define CONFIG_TEXT  1024

struct record {
    char key[KEY_TEXT];
    int64_t before_us;
    UT_hash_handle hh;
};

struct cancels {
    struct cancels_context ctx;
    struct cancels_events ev;
    void *arg;
    struct groups_stream *stream;
    struct follow *follow;
    struct record *records;
    bool ready;
};

static void put_record(struct cancels *c, const char *key, int64_t before_us)
{
    struct record *r = NULL;
    HASH_FIND_STR(c->records, key, r);
    if (!r) {
        r = mem_alloc(sizeof *r);
        snprintf(r->key, sizeof r->key, "%s", key);
        HASH_ADD_STR(c->records, key, r);
    }
    if (before_us > r->before_us)
        r->before_us = before_us;
}

static void on_message(const struct follow_message *m, void *arg)
{
    struct cancels *c = arg;
    char tenant[TENANT_NAME_MAX + 1], key[KEY_TEXT];
    const char *batch = NULL;
    if (!subject_parse_cancels(c->ctx.subjects, m->m->subject, tenant, sizeof tenant, &batch)) {
        log_warn("cancels", "a cancel on '%.200s' names no tenant or no batch", m->m->subject);
        return;
    }
    snprintf(key, sizeof key, "%s%s%s", tenant, batch ? "/" : "", batch ? batch : "");
    put_record(c, key, m->stored_at_us);
    if (c->ready) {
        log_info("cancels", "%s %s: everything published so far is cancelled",
                 batch ? "batch" : "tenant", key);
        c->ev.cancelled(c->arg);
    }
}

static void on_caught_up(void *arg)
{
    struct cancels *c = arg;
    if (c->ready)
        return;
    c->ready = true;
    c->ev.ready(c->arg);
}

static void on_failed(const struct err *why, void *arg)
{
    struct cancels *c = arg;
    log_warn("cancels", "cancels of batches and tenants cannot be followed: %s; trying again",
             why->msg);
    follow_close(c->follow);
    c->follow = NULL;
    groups_stream_lost(c->stream);
}

static void on_there(void *arg)
{
    static const struct follow_events handlers = {on_message, on_caught_up, on_failed};
    struct cancels *c = arg;
    char filter[SUBJECT_MAX];
    struct err e = {0};
    subject_cancels(c->ctx.subjects, ">", NULL, filter);
    const struct follow_options o = {.stream = c->ctx.subjects->groups_stream,
                                     .filter = filter,
                                     .last_each = true,
                                     .batch = FOLLOW_BATCH};
    if (follow_open(c->ctx.loop, c->ctx.link, &o, &handlers, c, &c->follow, &e))
        groups_stream_lost(c->stream);
    if (c->ev.there)
        c->ev.there(c->arg);
}

struct cancels *cancels_open(const struct cancels_context *ctx, const struct cancels_events *ev,
                             void *arg)
{
    struct cancels *c = mem_alloc(sizeof *c);
    char cancels[SUBJECT_MAX], batches[SUBJECT_MAX], config[CONFIG_TEXT + 2 * SUBJECT_MAX];
    c->ctx = *ctx;
    c->ev = *ev;
    c->arg = arg;
    subject_cancels(ctx->subjects, ">", NULL, cancels);
    subject_batch(ctx->subjects, "*", "*", batches);
    snprintf(config, sizeof config,
             "{\"name\":\"%s\",\"subjects\":[\"%s\",\"%s\"],\"retention\":\"limits\","
             "\"storage\":\"file\",\"discard\":\"new\",\"max_msgs_per_subject\":1,"
             "\"max_msgs\":%d,\"max_msg_size\":%d,\"max_age\":%" PRId64
             ",\"num_replicas\":%d,\"allow_direct\":true}",
             ctx->subjects->groups_stream, cancels, batches, RECORDS_MAX, RECORD_BYTES,
             MAX_AGE_DAYS * NS_PER_DAY, ctx->replicas);
    c->stream =
        groups_stream_open(ctx->loop, ctx->link, ctx->subjects->groups_stream, config, on_there, c);
    return c;
}

static bool holds(const struct cancels *c, const char *key, int64_t published_at_us)
{
    struct record *r = NULL;
    HASH_FIND_STR(c->records, key, r);
    return r && published_at_us <= r->before_us;
}

bool cancels_hold(const struct cancels *c, const char *tenant, const char *id,
                  int64_t published_at_us)
{
    char key[KEY_TEXT];
    if (!c->records)
        return false;
    if (holds(c, tenant, published_at_us))
        return true;
    size_t n = strcspn(id, ".");
    if (!id[n] || !batch_id_valid(id, n))
        return false;
    snprintf(key, sizeof key, "%s/%.*s", tenant, (int)n, id);
    return holds(c, key, published_at_us);
}

void cancels_close(struct cancels *c)
{
    struct record *r, *next;
    if (!c)
        return;
    follow_close(c->follow);
    groups_stream_close(c->stream);
    HASH_ITER(hh, c->records, r, next)
    {
        HASH_DEL(c->records, r);
        free(r);
    }
    free(c);
}
