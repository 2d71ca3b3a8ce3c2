/* Calls on their way: from a cell to a service, and the answer back, at once or later. */
#include "executor/services/service.h"

#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/attempt/secrets.h"
#include "queue/job/job.h"

struct service_pending {
    struct list node;
    struct attempt *attempt;
    struct cell *cell;
    uint64_t call_id;
    void (*cancel)(void *arg);
    void *arg;
};

struct kept {
    struct list node;
    const void *key;
    void (*end)(void *state);
    void *state;
};

/* ---- answers ---- */

/* A refusal reaches the script as {"name": …, "message": …}: its promise is rejected with an error
 * of that class. */
static void add_refusal(struct buf *b, const struct err *why)
{
    struct jsonw w;
    jsonw_init(&w, b);
    jsonw_object(&w);
    jsonw_kstr(&w, "name", service_error_name(why->code));
    jsonw_kstr(&w, "message", why->msg);
    jsonw_object_end(&w);
}

static void answer(struct cell *c, uint64_t call_id, const struct err *refused, const char *json,
                   size_t len)
{
    struct err e = {0};
    struct buf b = {0};
    if (refused) {
        add_refusal(&b, refused);
        json = b.data;
        len = b.len;
    } else if (!len) {
        json = "null";
        len = 4;
    }
    if (cell_reply(c, call_id, !refused, json, len, &e))
        log_debug("attempt", "cannot answer a host call: %s", e.msg);
    buf_free(&b);
}

/* The name of a call and what a service quotes are the cell's own words. */
static void log_refusal(const struct attempt *a, const struct err *why)
{
    struct buf b = {0};
    const struct secrets *secrets = attempt_secrets(a);
    if (secrets)
        mask_text(secrets_mask(secrets), why->msg, strlen(why->msg), &b);
    log_debug("attempt", "job %s: %s", attempt_job(a)->id, secrets ? b.data : why->msg);
    buf_free(&b);
}

void service_take(const struct service_call *c, const char *name, size_t name_len)
{
    struct err e = {0};
    struct buf reply = {.max = FRAME_REPLY_MAX, .secret = true};
    const struct service *s = service_find(name, name_len);
    int rc;
    if (!s)
        rc = err_set(&e, ERR_NOT_FOUND, "there is no host service '%.*s'", (int)name_len, name);
    else if (c->len > s->argument_max)
        rc = err_set(&e, ERR_LIMIT, "%s: the argument is %zu bytes; allowed: at most %zu", s->name,
                     c->len, s->argument_max);
    else
        rc = s->handle(c, &reply, &e);
    if (!rc && reply.full)
        rc = err_set(&e, ERR_LIMIT, "%s: the answer is longer than %u bytes", s->name,
                     FRAME_REPLY_MAX);
    if (rc < 0)
        log_refusal(c->attempt, &e);
    if (c->call_id && rc != SERVICE_LATER)
        answer(c->cell, c->call_id, rc ? &e : NULL, reply.data, reply.len);
    buf_free(&reply);
}

/* ---- later ---- */

struct service_pending *service_later(const struct service_call *c, void (*cancel)(void *arg),
                                      void *arg)
{
    if (!c->call_id)
        return NULL;
    struct service_pending *p = mem_alloc(sizeof *p);
    *p = (struct service_pending){.attempt = c->attempt,
                                  .cell = c->cell,
                                  .call_id = c->call_id,
                                  .cancel = cancel,
                                  .arg = arg};
    list_push_back(&c->run->pending, &p->node);
    return p;
}

void service_answer(struct service_pending *p, const char *json, size_t len)
{
    static const struct err too_long = {
        .code = ERR_LIMIT, .msg = "the answer is longer than a host call's answer may be"};
    list_remove(&p->node);
    answer(p->cell, p->call_id, len > FRAME_REPLY_MAX ? &too_long : NULL, json, len);
    free(p);
}

void service_refuse(struct service_pending *p, const struct err *why)
{
    list_remove(&p->node);
    log_refusal(p->attempt, why);
    answer(p->cell, p->call_id, why, NULL, 0);
    free(p);
}

void service_stream_refuse(struct cell_stream *s, const struct err *why)
{
    struct buf b = {0};
    add_refusal(&b, why);
    cell_stream_close(s, false, b.data);
    buf_free(&b);
}

/* ---- a run ---- */

void service_run_begin(struct service_run *run)
{
    list_init(&run->pending);
    list_init(&run->states);
}

void service_run_end(struct service_run *run)
{
    struct list *node;
    while ((node = list_pop_front(&run->pending))) {
        struct service_pending *p = LIST_ENTRY(node, struct service_pending, node);
        p->cancel(p->arg);
        free(p);
    }
    while ((node = list_pop_front(&run->states))) {
        struct kept *k = LIST_ENTRY(node, struct kept, node);
        if (k->end)
            k->end(k->state);
        free(k->state);
        free(k);
    }
}

void *service_state_find(const struct service_run *run, const void *key)
{
    LIST_FOREACH(it, &run->states)
    {
        struct kept *k = LIST_ENTRY(it, struct kept, node);
        if (k->key == key)
            return k->state;
    }
    return NULL;
}

void *service_state(struct service_run *run, const void *key, size_t size, void (*end)(void *state))
{
    void *found = service_state_find(run, key);
    if (found)
        return found;
    struct kept *k = mem_alloc(sizeof *k);
    k->key = key;
    k->end = end;
    k->state = mem_alloc(size);
    list_push_front(&run->states, &k->node); /* it may lean on those made before: it ends first */
    return k->state;
}
