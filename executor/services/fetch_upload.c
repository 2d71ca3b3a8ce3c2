/* fetch.body: a stream for a request's body that does not fit into the call. No byte comes before
 * the request has begun: until then the script has no credit. */
#include "executor/services/fetch_inner.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"

#define UPLOADS_WAITING 24 /* that no request has named */

void upload_free(struct upload *u)
{
    if (!u)
        return;
    if (!u->fetch)
        u->run->waiting_uploads--;
    list_remove(&u->node);
    cell_stream_close(u->stream, true, "");
    free(u);
}

void upload_give(struct upload *u, struct fetch *f)
{
    u->fetch = f;
    f->up = u;
    u->run->waiting_uploads--;
}

void upload_open(struct upload *u)
{
    cell_stream_window(u->stream, HTTP_ROOM);
}

static void on_data(struct cell_stream *s, const char *bytes, size_t len, void *arg)
{
    struct upload *u = arg;
    struct err e;
    (void)s;
    if (transfer_send(u->fetch->transfer, bytes, len, &e))
        fetch_fail(u->fetch, &e);
}

static void on_closed(struct cell_stream *s, bool ok, const char *text, size_t len, void *arg)
{
    struct upload *u = arg;
    struct fetch *f = u->fetch;
    struct err e;
    (void)s, (void)text, (void)len;
    u->stream = NULL;
    if (f)
        f->up = NULL;
    upload_free(u);
    if (!f)
        return;
    if (!ok)
        err_set(&e, ERR_INVALID, "net: the request's body was given up");
    if (ok && f->waiting)
        f->waiting->body_ended = true;
    else if (!ok || transfer_send_end(f->transfer, &e))
        fetch_fail(f, &e);
}

static const struct cell_stream_events events = {.data = on_data, .closed = on_closed};

int upload_find(struct fetch_run *r, int64_t number, struct upload **out, struct err *e)
{
    LIST_FOREACH(n, &r->uploads)
    {
        struct upload *u = LIST_ENTRY(n, struct upload, node);
        if (!u->fetch && cell_stream_number(u->stream) == (uint64_t)number) {
            *out = u;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID,
                   "fetch: body.stream: found %" PRId64 "; allowed: a stream of fetch.body",
                   number);
}

static int handle(const struct service_call *c, struct buf *reply, struct err *e)
{
    struct fetch_run *r;
    int rc = fetch_run_of(c, &r, e);
    if (!rc && r->waiting_uploads >= UPLOADS_WAITING)
        rc = err_set(e, ERR_LIMIT,
                     "fetch.body: found more than %d streams that no request has "
                     "named; allowed: up to that many",
                     UPLOADS_WAITING);
    if (rc)
        return rc;
    struct upload *u = mem_alloc(sizeof *u);
    u->run = r;
    u->stream = cell_stream_open(c->cell, "fetch.body", 0, &events, u, e);
    if (!u->stream) {
        free(u);
        return e->code;
    }
    list_push_back(&r->uploads, &u->node);
    r->waiting_uploads++;
    buf_addf(reply, "{\"stream\":%" PRIu64 "}", cell_stream_number(u->stream));
    return 0;
}

const struct service service_fetch_body = {
    .name = "fetch.body",
    .argument_max = 64,
    .handle = handle,
};
