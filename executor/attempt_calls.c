/* Host calls of a script: found by name, bounded, answered. */
#include <string.h>

#include "base/jsonw.h"
#include "base/log.h"
#include "executor/attempt_inner.h"
#include "executor/services/service.h"

/* A refusal reaches the script as {"name": …, "message": …}: its promise is rejected with an error
 * of that class. */
static void answer(struct cell *c, uint64_t call_id, const struct err *refused, struct buf *reply)
{
    struct err e = {0};
    if (refused) {
        struct jsonw w;
        buf_clear(reply);
        jsonw_init(&w, reply);
        jsonw_object(&w);
        jsonw_kstr(&w, "name", service_error_name(refused->code));
        jsonw_kstr(&w, "message", refused->msg);
        jsonw_object_end(&w);
    } else if (!reply->len) {
        buf_adds(reply, "null");
    }
    if (cell_reply(c, call_id, !refused, reply->data, reply->len, &e))
        log_debug("attempt", "cannot answer a host call: %s", e.msg);
}

/* The name of a call and what a service quotes are the cell's own words. */
static void log_refusal(const struct attempt *a, const struct err *why)
{
    struct buf b = {0};
    if (a->secrets)
        mask_text(secrets_mask(a->secrets), why->msg, strlen(why->msg), &b);
    log_debug("attempt", "job %s: %s", a->job->id, a->secrets ? b.data : why->msg);
    buf_free(&b);
}

void attempt_called(struct cell *c, uint64_t call_id, const char *name, size_t name_len,
                    const char *json, size_t len, void *arg)
{
    struct attempt *a = arg;
    struct service_call call = {
        .attempt = a,
        .call_id = call_id,
        .json = json,
        .len = len,
        .owner = a->owner,
        .owner_arg = a->arg,
    };
    struct err e = {0};
    struct buf reply = {.max = FRAME_REPLY_MAX, .secret = true};
    const struct service *s = service_find(name, name_len);
    int rc;
    if (!s)
        rc = err_set(&e, ERR_NOT_FOUND, "there is no host service '%.*s'", (int)name_len, name);
    else if (len > s->argument_max)
        rc = err_set(&e, ERR_LIMIT, "%s: the argument is %zu bytes; allowed: at most %zu", s->name,
                     len, s->argument_max);
    else
        rc = s->handle(&call, &reply, &e);
    if (!rc && reply.full)
        rc = err_set(&e, ERR_LIMIT, "%s: the answer is longer than %u bytes", s->name,
                     FRAME_REPLY_MAX);
    if (rc)
        log_refusal(a, &e);
    if (call_id)
        answer(c, call_id, rc ? &e : NULL, &reply);
    buf_free(&reply);
}
