/* fetch: one HTTP request of a script, under the egress policy; fetch.body: a stream for a
 * request's body that does not fit into the call.
 *
 * How this works: the answer to `fetch` comes with the response's head and names the stream on
 * which its body follows:
 *   {"id": 1, "status": 200, "reason": "OK", "headers": ["name", "value", …], "stream": 7}
 * "stream" is null where no body can be. A body waits in the supervisor only as far as http.h says;
 * credit of the stream is passed on to the connection. Redirects are the script's to follow: it
 * says the number ("id") of the answer that redirected it, and the policy looks at the step from
 * there. What an attempt may do in all is counted here, whatever the script says of itself. */
#include "executor/services/service.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "egress/transfer.h"
#include "executor/net.h"
#include "executor/services/fetch_ask.h"
#include "executor/services/net_run.h"
#include "executor/services/world.h"
#include "queue/job.h"

#define REDIRECTS_KEPT  8 /* answers whose next hop may still be asked for */
#define DRAIN_MAX       65536
#define UPLOADS_WAITING 24

struct redirect {
    int64_t id; /* 0: free */
    struct egress_decision d;
};

/* What a run has under way, and has used up. */
struct fetch_run {
    struct net_run *net;
    struct list fetches, uploads;
    int64_t begun;
    int running, waiting_uploads;
    struct redirect *redirects[REDIRECTS_KEPT];
};

/* A stream that a request will take its body from. */
struct upload {
    struct list node;
    struct fetch_run *run;
    struct cell_stream *stream;
    struct fetch *fetch; /* NULL: no request has named it yet */
};

struct fetch {
    struct list node;
    struct fetch_run *run;
    struct cell *cell;
    struct transfer *transfer; /* NULL: over */
    struct service_pending *pending;
    struct cell_stream *down;
    struct upload *up;
    int64_t drain; /* bytes of a body that nobody wants, before it is given up */
    int64_t tag;
    int64_t id, sent, received, connects; /* of it, what is counted */
};

static const char run_key;

/* ---- ends ---- */

static void upload_free(struct upload *u)
{
    if (!u)
        return;
    if (!u->fetch)
        u->run->waiting_uploads--;
    list_remove(&u->node);
    cell_stream_close(u->stream, true, "");
    free(u);
}

static int count(struct fetch *f, struct err *e);

static void fetch_free(struct fetch *f)
{
    struct fetch_run *r = f->run;
    struct err e;
    if (f->transfer) {
        count(f, &e);
        transfer_cancel(f->transfer);
    }
    cell_stream_close(f->down, false, "");
    upload_free(f->up);
    list_remove(&f->node);
    r->running--;
    net_client_back(r->net->world->net, attempt_job(r->net->attempt)->tenant, NET_REQUESTS);
    free(f);
}

/* It fails: whoever waits is told. */
static void fetch_fail(struct fetch *f, const struct err *why)
{
    if (f->pending)
        service_refuse(f->pending, why);
    else if (f->down)
        service_stream_refuse(f->down, why);
    f->pending = NULL;
    f->down = NULL;
    fetch_free(f);
}

static void end_run(void *state)
{
    struct fetch_run *r = state;
    LIST_FOREACH(n, &r->fetches)
    fetch_free(LIST_ENTRY(n, struct fetch, node));
    LIST_FOREACH(n, &r->uploads)
    upload_free(LIST_ENTRY(n, struct upload, node));
    for (int i = 0; i < REDIRECTS_KEPT; i++)
        free(r->redirects[i]);
}

static int run_of(const struct service_call *c, struct fetch_run **out, struct err *e)
{
    struct net_run *net;
    int rc = net_run_of(c, &net, e);
    if (rc)
        return rc;
    struct fetch_run *r = service_state(c->run, &run_key, sizeof *r, end_run);
    if (!r->net) {
        r->net = net;
        list_init(&r->fetches);
        list_init(&r->uploads);
    }
    *out = r;
    return 0;
}

/* ---- what an attempt may do ---- */

static int check_bounds(const struct fetch_run *r, struct err *e)
{
    const int64_t most = r->net->world->config->egress.max_concurrent;
    if (r->running < most)
        return 0;
    return err_set(e, ERR_LIMIT,
                   "net: found more than %" PRId64
                   " requests at once, responses whose bodies are not "
                   "read to their end among them; allowed: up to that many "
                   "(egress.max_concurrent)",
                   most);
}

static int count(struct fetch *f, struct err *e)
{
    const int64_t sent = transfer_sent(f->transfer), received = transfer_received(f->transfer);
    const int64_t more_sent = sent - f->sent, more_received = received - f->received;
    f->sent = sent;
    f->received = received;
    f->run->net->use.connections += transfer_connects(f->transfer) - f->connects;
    f->connects = transfer_connects(f->transfer);
    return net_run_moved(f->run->net, more_sent, more_received, e);
}

/* Counts what has moved. False: more than an attempt may move; the fetch has failed and is gone. */
static bool count_bytes(struct fetch *f)
{
    struct err e;
    if (!count(f, &e))
        return true;
    fetch_fail(f, &e);
    return false;
}

/* ---- the response ---- */

static void on_decided(void *arg, const struct egress_decision *d)
{
    struct fetch *f = arg;
    net_run_decided(f->run->net, d);
}

static void keep_redirect(struct fetch *f)
{
    struct redirect **r = &f->run->redirects[f->id % REDIRECTS_KEPT];
    if (!*r)
        *r = mem_alloc(sizeof **r);
    (*r)->id = f->id;
    (*r)->d = *transfer_decision(f->transfer);
}

static void on_down_writable(struct cell_stream *s, void *arg)
{
    struct fetch *f = arg;
    (void)s;
    transfer_resume(f->transfer);
}

/* The script has read enough, or its run is over. A little that is left of a response is read away,
 * so that the connection can be used again: after redirects, that is. */
static void on_down_closed(struct cell_stream *s, bool ok, const char *text, size_t len, void *arg)
{
    struct fetch *f = arg;
    (void)s, (void)text, (void)len;
    f->down = NULL;
    if (!ok) {
        fetch_free(f);
        return;
    }
    f->drain = DRAIN_MAX;
    transfer_resume(f->transfer);
}

static const struct cell_stream_events down_events = {.writable = on_down_writable,
                                                      .closed = on_down_closed};

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void add_headers(struct jsonw *w, const struct http_head *h)
{
    struct buf text = {.secret = true};
    const char *p = h->fields;
    jsonw_name(w, "headers");
    jsonw_array(w);
    for (int i = 0; i < 2 * h->field_count; i++) {
        size_t n = strlen(p);
        buf_clear(&text);
        fetch_text_of_bytes(p, n, &text);
        jsonw_string(w, text.data ? text.data : "", text.len);
        p += n + 1;
    }
    jsonw_array_end(w);
    buf_free(&text);
}

static void on_head(void *arg, const struct http_head *h)
{
    struct fetch *f = arg;
    struct err e;
    struct buf b = {.secret = true}, reason = {0};
    struct jsonw w;
    bool bodyless = h->status == 204 || h->status == 304;
    if (is_redirect(h->status))
        keep_redirect(f);
    if (!bodyless) {
        f->down = cell_stream_open(f->cell, "fetch", 0, &down_events, f, &e);
        if (!f->down) {
            fetch_fail(f, &e);
            return;
        }
    }
    fetch_text_of_bytes(h->reason, strlen(h->reason), &reason);
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kint(&w, "id", f->id);
    jsonw_kint(&w, "status", h->status);
    jsonw_kstr(&w, "reason", reason.data ? reason.data : "");
    add_headers(&w, h);
    jsonw_name(&w, "stream");
    if (f->down)
        jsonw_int(&w, (int64_t)cell_stream_number(f->down));
    else
        jsonw_null(&w);
    jsonw_object_end(&w);
    struct service_pending *p = f->pending;
    f->pending = NULL;
    service_answer(p, b.data, b.len);
    buf_free(&b);
    buf_free(&reason);
}

static size_t on_body(void *arg, const char *p, size_t n)
{
    struct fetch *f = arg;
    if (!count_bytes(f))
        return 0;
    if (!f->down) {
        f->drain -= (int64_t)n;
        if (f->drain < 0)
            fetch_free(f);
        return n;
    }
    size_t taken = 0, room;
    while (taken < n && f->down && (room = cell_stream_room(f->down))) {
        room = room < n - taken ? room : n - taken;
        cell_stream_write(f->down, p + taken, room);
        taken += room;
    }
    return taken; /* with room 0, on_down_writable() follows */
}

static void on_end(void *arg, const struct err *why)
{
    struct fetch *f = arg;
    struct err e;
    static const struct err nothing = {.code = ERR_PROTOCOL, .msg = "net: no response"};
    count(f, &e); /* over the bound with its last bytes: nothing is left to be stopped */
    f->transfer = NULL;
    if (why || f->pending) {
        fetch_fail(f, why ? why : &nothing);
        return;
    }
    cell_stream_close(f->down, true, "");
    f->down = NULL;
    fetch_free(f);
}

/* ---- the request's body ---- */

static void on_want(void *arg, size_t n)
{
    struct fetch *f = arg;
    if (f->up && count_bytes(f))
        cell_stream_window(f->up->stream, (uint32_t)n);
}

static void on_up_data(struct cell_stream *s, const char *bytes, size_t len, void *arg)
{
    struct upload *u = arg;
    struct err e;
    (void)s;
    if (!u->fetch) {
        err_set(&e, ERR_INVALID, "fetch.body: found bytes before the request that they belong to");
        service_stream_refuse(u->stream, &e);
        u->stream = NULL;
        upload_free(u);
    } else if (transfer_send(u->fetch->transfer, bytes, len, &e)) {
        fetch_fail(u->fetch, &e);
    }
}

static void on_up_closed(struct cell_stream *s, bool ok, const char *text, size_t len, void *arg)
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
    if (!ok || transfer_send_end(f->transfer, &e))
        fetch_fail(f, &e);
}

static const struct cell_stream_events up_events = {.data = on_up_data, .closed = on_up_closed};

static int handle_body(const struct service_call *c, struct buf *reply, struct err *e)
{
    struct fetch_run *r;
    int rc = run_of(c, &r, e);
    if (!rc && r->waiting_uploads >= UPLOADS_WAITING)
        rc = err_set(e, ERR_LIMIT,
                     "fetch.body: found more than %d streams that no request has "
                     "named; allowed: up to that many",
                     UPLOADS_WAITING);
    if (rc)
        return rc;
    struct upload *u = mem_alloc(sizeof *u);
    u->run = r;
    u->stream = cell_stream_open(c->cell, "fetch.body", HTTP_ROOM, &up_events, u, e);
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
    .handle = handle_body,
};

/* ---- the request ---- */

static const struct transfer_events transfer_events = {
    .decided = on_decided,
    .http = {.head = on_head, .body = on_body, .want = on_want, .end = on_end}};

/* The run is over before the head came. */
static void on_cancelled(void *arg)
{
    struct fetch *f = arg;
    f->pending = NULL;
    fetch_free(f);
}

static int find_upload(struct fetch_run *r, int64_t number, struct upload **out, struct err *e)
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

static int find_redirect(struct fetch_run *r, int64_t id, const struct egress_decision **out,
                         struct err *e)
{
    const struct redirect *kept = r->redirects[id % REDIRECTS_KEPT];
    if (!kept || kept->id != id)
        return err_set(e, ERR_INVALID,
                       "fetch: from: found %" PRId64 "; allowed: one of the last %d redirects", id,
                       REDIRECTS_KEPT);
    *out = &kept->d;
    return 0;
}

static void begin(const struct service_call *c, struct fetch_run *r, const struct fetch_ask *a,
                  const struct egress_decision *from, struct upload *up, struct dns *dns,
                  struct http_client *client)
{
    const struct egress_config *config = &r->net->world->config->egress;
    const struct transfer_request req = {.policy = r->net->policy,
                                         .url = a->url.data ? a->url.data : "",
                                         .url_len = a->url.len,
                                         .from = from,
                                         .max_hops = (int)config->max_redirects,
                                         .http = {.method = a->method,
                                                  .fields = a->fields.list,
                                                  .field_count = a->fields.count,
                                                  .has_body = a->has_body,
                                                  .body_len = a->body_length,
                                                  .total_ms = config->request_timeout_ms,
                                                  .idle_ms = config->idle_timeout_ms,
                                                  .body_max = config->max_body_mb << 20}};
    struct fetch *f = mem_alloc(sizeof *f);
    struct err e;
    f->run = r;
    f->cell = c->cell;
    f->tag = a->tag;
    f->id = ++r->begun;
    r->running++;
    list_push_back(&r->fetches, &f->node);
    f->pending = service_later(c, on_cancelled, f);
    f->transfer = transfer_start(client, dns, &req, &transfer_events, f);
    if (up) {
        up->fetch = f;
        f->up = up;
        r->waiting_uploads--;
    } else if (a->has_body) {
        CHECK(transfer_send(f->transfer, a->body.data ? a->body.data : "", a->body.len, &e) == 0 &&
              transfer_send_end(f->transfer, &e) == 0);
    }
}

static int handle(const struct service_call *c, struct buf *reply, struct err *e)
{
    struct fetch_run *r = NULL;
    struct fetch_ask a;
    struct upload *up = NULL;
    const struct egress_decision *from = NULL;
    struct dns *dns = NULL;
    struct http_client *client = NULL;
    (void)reply;
    int rc = fetch_ask_read(c->json, c->len, &a, e);
    if (!rc && !c->call_id)
        rc = err_set(e, ERR_INVALID, "fetch: found a note; allowed: a call");
    if (!rc)
        rc = run_of(c, &r, e);
    if (!rc)
        rc = check_bounds(r, e);
    if (!rc && a.from)
        rc = find_redirect(r, a.from, &from, e);
    if (!rc && a.body_stream)
        rc = find_upload(r, a.body_stream, &up, e);
    if (!rc)
        rc = net_dns(c->world->net, &dns, e);
    if (!rc)
        rc = net_run_begin(r->net, e);
    if (!rc)
        rc = net_client(c->world->net, attempt_job(c->attempt)->tenant, NET_REQUESTS, &client, e);
    if (!rc) {
        begin(c, r, &a, from, up, dns, client);
        rc = SERVICE_LATER;
    }
    fetch_ask_free(&a);
    return rc;
}

const struct service service_fetch = {
    .name = "fetch",
    .argument_max = FRAME_CALL_MAX,
    .handle = handle,
};

/* ---- called off before its head came ---- */

static int handle_cancel(const struct service_call *c, struct buf *reply, struct err *e)
{
    struct fetch_run *r = service_state_find(c->run, &run_key);
    static const struct err aborted = {.code = ERR_UNAVAILABLE, .msg = "net: aborted"};
    struct jv *doc = NULL;
    int64_t tag = 0;
    (void)reply;
    int rc = jv_parse(c->json, c->len, &doc, e);
    if (!rc && (jv_type(doc) != JV_OBJECT || !jv_int(jv_get(doc, "tag"), &tag) || tag < 1))
        rc = err_set(e, ERR_INVALID, "fetch.cancel: tag: allowed: a number from 1");
    jv_free(doc);
    if (rc || !r)
        return rc;
    LIST_FOREACH(n, &r->fetches)
    {
        struct fetch *f = LIST_ENTRY(n, struct fetch, node);
        if (f->tag == tag && f->pending) {
            fetch_fail(f, &aborted);
            return 0;
        }
    }
    return 0; /* its answer has crossed this */
}

const struct service service_fetch_cancel = {
    .name = "fetch.cancel",
    .argument_max = 64,
    .handle = handle_cancel,
};
