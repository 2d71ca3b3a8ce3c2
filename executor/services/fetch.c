/* fetch: one HTTP request of a script, under the egress policy.
 *
 * How this works: the answer to `fetch` comes with the response's head and names the stream on
 * which its body follows:
 *   {"id": 1, "status": 200, "reason": "OK", "headers": ["name", "value", …], "stream": 7}
 * "stream" is null where no body can be. A body waits in the supervisor only as far as http.h says;
 * credit of the stream is passed on to the connection. Redirects are the script's to follow: it
 * says the number ("id") of the answer that redirected it, and the policy looks at the step from
 * there. What an attempt may do in all is counted here, whatever the script says of itself. */
#include "executor/services/fetch_inner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "executor/net.h"
#include "executor/services/world.h"
#include "queue/job/job.h"

#define DRAIN_MAX 65536

static const char run_key;

/* ---- ends ---- */

static int count(struct fetch *f, struct err *e);

void fetch_free(struct fetch *f)
{
    struct fetch_run *r = f->run;
    struct err e;
    if (f->waiting) {
        fetch_line_leave(f);
        upload_free(f->up);
        free(f);
        return;
    }
    if (f->transfer) {
        count(f, &e);
        transfer_cancel(f->transfer);
    }
    cell_stream_close(f->down, false, "");
    upload_free(f->up);
    list_remove(&f->node);
    r->running--;
    net_client_back(r->net->world->net, attempt_job(r->net->attempt)->tenant, NET_REQUESTS);
    fetch_line_moves(r);
    free(f);
}

void fetch_fail(struct fetch *f, const struct err *why)
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
    fetch_line_end(r);
    LIST_FOREACH(n, &r->fetches)
    fetch_free(LIST_ENTRY(n, struct fetch, node));
    LIST_FOREACH(n, &r->uploads)
    upload_free(LIST_ENTRY(n, struct upload, node));
    for (int i = 0; i < REDIRECTS_KEPT; i++)
        free(r->redirects[i]);
}

int fetch_run_of(const struct service_call *c, struct fetch_run **out, struct err *e)
{
    struct net_run *net;
    int rc = net_run_of(c, &net, e);
    if (rc)
        return rc;
    struct fetch_run *r = service_state(c->run, &run_key, sizeof *r, end_run);
    if (!r->net) {
        r->net = net;
        list_init(&r->fetches);
        list_init(&r->line);
        list_init(&r->uploads);
    }
    *out = r;
    return 0;
}

/* ---- what an attempt may do ---- */

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

bool fetch_count(struct fetch *f)
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
    if (!fetch_count(f))
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

/* ---- the request ---- */

static void on_want(void *arg, size_t n)
{
    struct fetch *f = arg;
    if (f->up && fetch_count(f))
        cell_stream_window(f->up->stream, (uint32_t)n);
}

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

/* Its connection, as the policy allows; nothing is counted before that. */
static int start(struct fetch *f, const struct fetch_ask *a, const struct egress_decision *from,
                 struct err *e)
{
    struct fetch_run *r = f->run;
    const struct service_world *world = r->net->world;
    const struct egress_config *config = &world->config->egress;
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
    struct dns *dns = NULL;
    struct http_client *client = NULL;
    int rc = net_dns(world->net, &dns, e);
    if (!rc)
        rc = net_client(world->net, attempt_job(r->net->attempt)->tenant, NET_REQUESTS, &client, e);
    if (rc)
        return rc;
    f->id = ++r->begun;
    r->running++;
    list_push_back(&r->fetches, &f->node);
    f->transfer = transfer_start(client, dns, &req, &transfer_events, f);
    return 0;
}

void fetch_begin(struct fetch *f, const struct fetch_ask *a, const struct egress_decision *from)
{
    struct err e;
    if (start(f, a, from, &e)) {
        service_refuse(f->pending, &e);
        upload_free(f->up);
        free(f);
    } else if (f->up) {
        upload_open(f->up);
    } else if (a->has_body &&
               (transfer_send(f->transfer, a->body.data ? a->body.data : "", a->body.len, &e) ||
                transfer_send_end(f->transfer, &e))) {
        fetch_fail(f, &e); /* its stream ended before it began, and too early */
    }
}

static int handle(const struct service_call *c, struct buf *reply, struct err *e)
{
    struct fetch_run *r = NULL;
    struct fetch_ask a;
    struct upload *up = NULL;
    struct fetch *f = NULL;
    const struct egress_decision *from = NULL;
    (void)reply;
    int rc = fetch_ask_read(c->json, c->len, &a, e);
    if (!rc && !c->call_id)
        rc = err_set(e, ERR_INVALID, "fetch: found a note; allowed: a call");
    if (!rc)
        rc = fetch_run_of(c, &r, e);
    if (!rc && a.from)
        rc = find_redirect(r, a.from, &from, e);
    if (!rc && a.body_stream)
        rc = upload_find(r, a.body_stream, &up, e);
    if (!rc)
        rc = net_run_begin(r->net, e);
    if (!rc) {
        f = mem_alloc(sizeof *f);
        f->run = r;
        f->cell = c->cell;
        f->tag = a.tag;
        if (!fetch_line_is_free(r))
            rc = fetch_line_join(f, &a, from, e);
    }
    if (rc) {
        free(f);
    } else {
        f->pending = service_later(c, on_cancelled, f);
        if (up)
            upload_give(up, f);
        if (!f->waiting)
            fetch_begin(f, &a, from);
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

static struct fetch *find_tag(struct list *l, int64_t tag)
{
    LIST_FOREACH(n, l)
    {
        struct fetch *f = LIST_ENTRY(n, struct fetch, node);
        if (f->tag == tag && f->pending)
            return f;
    }
    return NULL;
}

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
    struct fetch *f = find_tag(&r->fetches, tag);
    if (!f)
        f = find_tag(&r->line, tag);
    if (f)
        fetch_fail(f, &aborted);
    return 0; /* its answer has crossed this */
}

const struct service service_fetch_cancel = {
    .name = "fetch.cancel",
    .argument_max = 64,
    .handle = handle_cancel,
};
