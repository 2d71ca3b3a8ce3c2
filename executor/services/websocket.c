/* websocket: a WebSocket of a script, under the egress policy.
 *
 * How this works: the call is answered when the server has consented,
 *   {"protocol": "chat", "stream": 7}
 * and then records (websocket_ask.h) go over the stream both ways. What the server sends is read
 * only as far as the script has given credit; credit of the script's comes back when its bytes have
 * gone out to the server, so a stream's window is what a script can have waiting here. The stream
 * ends well when both sides have closed, with the server's code and reason as its text; what goes
 * wrong aborts it with its reason. */
#include "executor/services/service.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/mem.h"
#include "egress/websocket.h"
#include "executor/net.h"
#include "executor/services/net_run.h"
#include "executor/services/websocket_ask.h"
#include "executor/services/world.h"
#include "queue/job/job.h"

#define CLOSE_MS   5000 /* for a server's answer to a Close; then it has been closed uncleanly */
#define ROOM_MIN   (WS_PIECE + WS_RECORD_HEAD)
/* Little credit waits for the next data to the script, so that it is not woken for it alone. */
#define CREDIT_MIN (FRAME_STREAM_WINDOW / 4)
#define CREDIT_MS  5

struct ws_run {
    struct net_run *net;
    struct list sockets;
    int open; /* of them */
};

struct socket {
    struct list node;
    struct ws_run *run;
    struct cell *cell;
    struct websocket *ws; /* NULL: over */
    struct service_pending *pending;
    struct cell_stream *stream;
    struct ws_records records;
    int64_t tag;
    uint32_t owed;          /* bytes of the script's whose credit it has not got back */
    uint32_t due;           /* of them, those that were sent */
    uv_timer_t *credit;     /* runs while some is due */
    int64_t sent, received; /* what is counted */
    bool connected;         /* likewise */
};

static const char run_key;

/* ---- ends ---- */

/* Counts what has moved. */
static int count(struct socket *s, struct err *e)
{
    struct net_run *net = s->run->net;
    const int64_t sent = websocket_sent(s->ws), received = websocket_received(s->ws);
    const int64_t more_sent = sent - s->sent, more_received = received - s->received;
    net->use.connections += websocket_connected(s->ws) && !s->connected;
    s->connected = websocket_connected(s->ws);
    s->sent = sent;
    s->received = received;
    return net_run_moved(net, more_sent, more_received, e);
}

static void on_credit_closed(uv_handle_t *h)
{
    free(h);
}

static void give_credit(struct socket *s)
{
    const uint32_t more = s->due;
    s->due = 0;
    s->owed -= more;
    uv_timer_stop(s->credit);
    if (s->stream && more)
        cell_stream_window(s->stream, more);
}

static void on_credit(uv_timer_t *h)
{
    give_credit(h->data);
}

static void socket_free(struct socket *s)
{
    uv_close((uv_handle_t *)s->credit, on_credit_closed);
    struct ws_run *r = s->run;
    struct err e;
    if (s->ws)
        count(s, &e);
    websocket_leave(s->ws);
    cell_stream_close(s->stream, true, "");
    list_remove(&s->node);
    r->open--;
    net_client_back(r->net->world->net, attempt_job(r->net->attempt)->tenant, NET_SOCKETS);
    free(s);
}

static void socket_fail(struct socket *s, const struct err *why)
{
    if (s->pending)
        service_refuse(s->pending, why);
    else if (s->stream)
        service_stream_refuse(s->stream, why);
    s->pending = NULL;
    s->stream = NULL;
    socket_free(s);
}

static void end_run(void *state)
{
    struct ws_run *r = state;
    LIST_FOREACH(n, &r->sockets)
    socket_free(LIST_ENTRY(n, struct socket, node));
}

static int run_of(const struct service_call *c, struct ws_run **out, struct err *e)
{
    struct net_run *net;
    int rc = net_run_of(c, &net, e);
    if (rc)
        return rc;
    struct ws_run *r = service_state(c->run, &run_key, sizeof *r, end_run);
    if (!r->net) {
        r->net = net;
        list_init(&r->sockets);
    }
    *out = r;
    return 0;
}

static bool count_or_fail(struct socket *s)
{
    struct err e;
    if (!count(s, &e))
        return true;
    socket_fail(s, &e);
    return false;
}

/* ---- the script ---- */

static void take_record(struct socket *s, const struct ws_found *f)
{
    const unsigned char *p = (const unsigned char *)f->p;
    if (f->kind == WS_RECORD_CLOSE)
        websocket_close(s->ws, f->n ? p[0] << 8 | p[1] : WS_CODE_NONE, f->p + (f->n ? 2 : 0),
                        f->n ? f->n - 2 : 0);
    else if (f->kind && (f->n || f->last))
        /* What comes behind a Close, of either side, goes nowhere. */
        websocket_write(s->ws, f->kind == WS_RECORD_TEXT ? WS_TEXT : WS_BINARY, f->first, f->last,
                        f->p, f->n);
}

static void on_script_data(struct cell_stream *stream, const char *bytes, size_t len, void *arg)
{
    struct socket *s = arg;
    struct err e;
    (void)stream;
    s->owed += (uint32_t)len;
    while (len) {
        struct ws_found found;
        int rc = ws_records_take(&s->records, &bytes, &len, &found, &e);
        if (rc) {
            socket_fail(s, &e);
            return;
        }
        take_record(s, &found);
    }
}

static void on_script_room(struct cell_stream *stream, void *arg)
{
    struct socket *s = arg;
    (void)stream;
    websocket_resume(s->ws);
}

/* It has no more use for it, or its run is over. */
static void on_script_closed(struct cell_stream *stream, bool ok, const char *text, size_t len,
                             void *arg)
{
    struct socket *s = arg;
    (void)stream, (void)ok, (void)text, (void)len;
    s->stream = NULL;
    socket_free(s);
}

static const struct cell_stream_events stream_events = {
    .data = on_script_data, .writable = on_script_room, .closed = on_script_closed};

/* ---- the server ---- */

static void on_decided(void *arg, const struct egress_decision *d)
{
    struct socket *s = arg;
    net_run_decided(s->run->net, d);
}

static void on_opened(void *arg, const char *protocol)
{
    struct socket *s = arg;
    struct buf b = {0};
    struct jsonw w;
    struct err e;
    s->stream = cell_stream_open(s->cell, "websocket", FRAME_STREAM_WINDOW, &stream_events, s, &e);
    if (!s->stream) {
        socket_fail(s, &e);
        return;
    }
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "protocol", protocol);
    jsonw_kint(&w, "stream", (int64_t)cell_stream_number(s->stream));
    jsonw_object_end(&w);
    struct service_pending *p = s->pending;
    s->pending = NULL;
    service_answer(p, b.data, b.len);
    buf_free(&b);
    count_or_fail(s);
}

static bool on_room(void *arg)
{
    struct socket *s = arg;
    return s->stream && cell_stream_has_room(s->stream, ROOM_MIN);
}

static void on_data(void *arg, enum ws_kind kind, bool last, const char *p, size_t n)
{
    struct socket *s = arg;
    char record[ROOM_MIN];
    CHECK(n <= WS_PIECE);
    give_credit(s);
    ws_record_head(kind == WS_TEXT ? WS_RECORD_TEXT : WS_RECORD_BINARY, last, n, record);
    if (n)
        memcpy(record + WS_RECORD_HEAD, p, n);
    cell_stream_write(s->stream, record, n + WS_RECORD_HEAD);
    count_or_fail(s);
}

/* What does not wait here any more may be sent anew. */
static void on_sent(void *arg, size_t left)
{
    struct socket *s = arg;
    if (!count_or_fail(s) || !s->stream || s->owed <= left)
        return;
    s->due = s->owed - (uint32_t)left;
    if (s->due >= CREDIT_MIN)
        give_credit(s);
    else if (!uv_is_active((uv_handle_t *)s->credit))
        uv_timer_start(s->credit, on_credit, CREDIT_MS, 0);
}

/* {"code": 1000, "reason": "bye"} as the text that the stream ends with. */
static void say_close(struct socket *s, int code, const char *reason, size_t len)
{
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kint(&w, "code", code);
    jsonw_name(&w, "reason");
    jsonw_string(&w, reason, len);
    jsonw_object_end(&w);
    cell_stream_close(s->stream, true, b.data);
    s->stream = NULL;
    buf_free(&b);
}

static void on_end(void *arg, const struct err *why, int code, const char *reason, size_t len)
{
    struct socket *s = arg;
    struct err e;
    count(s, &e); /* over the bound with its last bytes: nothing is left to be stopped */
    s->ws = NULL;
    if (why) {
        socket_fail(s, why);
        return;
    }
    if (s->stream)
        say_close(s, code, reason, len);
    socket_free(s);
}

static const struct websocket_events ws_events = {.decided = on_decided,
                                                  .opened = on_opened,
                                                  .frames = {.room = on_room, .data = on_data},
                                                  .sent = on_sent,
                                                  .end = on_end};

/* ---- the call ---- */

/* The run is over before it was open. */
static void on_cancelled(void *arg)
{
    struct socket *s = arg;
    s->pending = NULL;
    socket_free(s);
}

static void begin(const struct service_call *c, struct ws_run *r, const struct websocket_ask *a,
                  struct dns *dns, struct http_client *client)
{
    const struct egress_config *config = &r->net->world->config->egress;
    const struct websocket_request req = {.policy = r->net->policy,
                                          .url = a->url.data ? a->url.data : "",
                                          .url_len = a->url.len,
                                          .offer = &a->offer,
                                          .fields = a->fields.list,
                                          .field_count = a->fields.count,
                                          .handshake_ms = config->connect_timeout_ms,
                                          .close_ms = CLOSE_MS,
                                          .message_max = (uint64_t)config->max_message_mb << 20};
    struct socket *s = mem_alloc(sizeof *s);
    s->run = r;
    s->cell = c->cell;
    s->tag = a->tag;
    r->open++;
    list_push_back(&r->sockets, &s->node);
    s->credit = mem_alloc(sizeof *s->credit);
    s->credit->data = s;
    CHECK(uv_timer_init(c->world->loop, s->credit) == 0);
    s->pending = service_later(c, on_cancelled, s);
    s->ws = websocket_start(client, dns, &req, &ws_events, s);
}

static int check_bounds(const struct ws_run *r, struct err *e)
{
    const int64_t most = r->net->world->config->egress.max_sockets;
    if (r->open < most)
        return net_run_begin(r->net, e);
    return err_set(e, ERR_LIMIT,
                   "net: found more than %" PRId64 " WebSockets at once; allowed: up to that many "
                   "(egress.max_sockets)",
                   most);
}

static int handle(const struct service_call *c, struct buf *reply, struct err *e)
{
    struct ws_run *r = NULL;
    struct websocket_ask a;
    struct dns *dns = NULL;
    struct http_client *client = NULL;
    (void)reply;
    int rc = websocket_ask_read(c->json, c->len, &a, e);
    if (!rc && !c->call_id)
        rc = err_set(e, ERR_INVALID, "websocket: found a note; allowed: a call");
    if (!rc)
        rc = run_of(c, &r, e);
    if (!rc)
        rc = check_bounds(r, e);
    if (!rc)
        rc = net_dns(c->world->net, &dns, e);
    if (!rc)
        rc = net_client(c->world->net, attempt_job(c->attempt)->tenant, NET_SOCKETS, &client, e);
    if (!rc) {
        begin(c, r, &a, dns, client);
        rc = SERVICE_LATER;
    }
    websocket_ask_free(&a);
    return rc;
}

const struct service service_websocket = {
    .name = "websocket",
    .argument_max = FRAME_CALL_MAX,
    .handle = handle,
};

/* ---- called off before it was open ---- */

static int handle_cancel(const struct service_call *c, struct buf *reply, struct err *e)
{
    struct ws_run *r = service_state_find(c->run, &run_key);
    static const struct err closed = {.code = ERR_UNAVAILABLE,
                                      .msg = "net: closed before it was open"};
    struct jv *doc = NULL;
    int64_t tag = 0;
    (void)reply;
    int rc = jv_parse(c->json, c->len, &doc, e);
    if (!rc && (jv_type(doc) != JV_OBJECT || !jv_int(jv_get(doc, "tag"), &tag) || tag < 1))
        rc = err_set(e, ERR_INVALID, "websocket.cancel: tag: allowed: a number from 1");
    jv_free(doc);
    if (rc || !r)
        return rc;
    LIST_FOREACH(n, &r->sockets)
    {
        struct socket *s = LIST_ENTRY(n, struct socket, node);
        if (s->tag == tag && s->pending) {
            socket_fail(s, &closed);
            return 0;
        }
    }
    return 0; /* its answer has crossed this */
}

const struct service service_websocket_cancel = {
    .name = "websocket.cancel",
    .argument_max = 64,
    .handle = handle_cancel,
};
