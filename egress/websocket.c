/* How this works: pump() does whatever can be done now (sends, reads, sends), and says what it
 * waits for; it runs when the socket is ready, and from a timer ("soon") when its user wrote or has
 * room. Whoever is told something may end the WebSocket: it is dropped when the telling is over. */
#include "egress/websocket.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "egress/http_socket.h"
#include "egress/resolve.h"

#define READ_SIZE (16u << 10)
#define TURN_MAX  (64u << 10) /* bytes read in one turn of the loop: others want theirs */

enum phase { RESOLVING, CONNECTING, SHAKING, OPEN };

struct websocket {
    struct http_client *client;
    struct websocket_events ev;
    void *arg;
    enum phase phase;
    struct resolution *resolution;
    struct http_socket *socket;
    struct egress_decision d;
    struct ws_head head;
    struct ws_frames *frames;
    struct buf hello; /* of our request, what is not sent yet */
    struct http_field *fields;
    int field_count;
    char *path;
    int64_t handshake_ms, close_ms, sent, received;
    uint64_t message_max;

    char in[READ_SIZE]; /* read, and not taken yet: [in_at, in_len) */
    size_t in_at, in_len;
    bool connected, at_end; /* the server has ended the connection */
    struct err why;         /* code 0: none */

    uv_timer_t soon, clock;
    int handles;
    bool telling, dead;
};

/* ---- ends ---- */

static void on_timer_closed(uv_handle_t *h)
{
    struct websocket *w = h->data;
    if (--w->handles)
        return;
    free(w);
}

static void drop(struct websocket *w)
{
    if (w->resolution)
        egress_resolve_cancel(w->resolution);
    http_socket_close(w->socket);
    ws_head_free(&w->head);
    ws_frames_free(w->frames);
    buf_free(&w->hello);
    for (int i = 0; i < w->field_count; i++) {
        free((char *)w->fields[i].name);
        free((char *)w->fields[i].value);
    }
    free(w->fields);
    free(w->path);
    uv_close((uv_handle_t *)&w->soon, on_timer_closed);
    uv_close((uv_handle_t *)&w->clock, on_timer_closed);
}

static void finish(struct websocket *w)
{
    const char *reason = "";
    size_t len = 0;
    int code = WS_CODE_NONE;
    const struct err *why = w->why.code ? &w->why : NULL;
    if (w->dead)
        return;
    if (!why)
        CHECK(ws_frames_close_came(w->frames, &code, &reason, &len));
    w->ev.end(w->arg, why, code, reason, len);
    w->dead = true;
}

static void fail(struct websocket *w, int code, const char *what)
{
    if (!w->why.code)
        err_set(&w->why, code, "net: %.200s: %s", w->d.target.host.text, what);
}

static uint64_t now_ms(const struct websocket *w)
{
    return uv_now(http_client_loop(w->client));
}

/* ---- sending ---- */

/* What there is to be sent; false: the connection is lost, w->why says why. */
static bool flush(struct websocket *w)
{
    for (;;) {
        const char *p = w->hello.data;
        size_t n = w->hello.len;
        if (!n && w->frames)
            n = ws_frames_out(w->frames, &p);
        const int64_t went = n ? http_socket_write(w->socket, p, n, &w->why) : 0;
        if (went == HTTP_SOCKET_END)
            fail(w, ERR_UNAVAILABLE, "the connection was lost");
        if (went <= 0)
            return went == 0;
        w->sent += went;
        if (w->hello.len)
            buf_consume(&w->hello, (size_t)went);
        else
            ws_frames_sent(w->frames, (size_t)went);
    }
}

static size_t waiting(const struct websocket *w)
{
    const char *p;
    return w->hello.len + (w->frames ? ws_frames_out(w->frames, &p) : 0);
}

/* ---- receiving ---- */

static bool on_room(void *arg)
{
    struct websocket *w = arg;
    return !w->dead && w->ev.frames.room(w->arg);
}

static void on_data(void *arg, enum ws_kind kind, bool last, const char *p, size_t n)
{
    struct websocket *w = arg;
    w->ev.frames.data(w->arg, kind, last, p, n);
}

static const struct ws_frames_events frames_events = {.room = on_room, .data = on_data};

static void take_head(struct websocket *w)
{
    size_t taken = 0;
    int rc = ws_head_take(&w->head, w->in + w->in_at, w->in_len - w->in_at, &taken, &w->why);
    w->in_at += taken;
    if (rc < 0)
        err_wrap(&w->why, "net: %.200s", w->d.target.host.text);
    if (rc <= 0)
        return;
    uv_timer_stop(&w->clock);
    w->phase = OPEN;
    w->frames = ws_frames_new(w->message_max, &frames_events, w);
    w->ev.opened(w->arg, w->head.chosen < 0 ? "" : w->head.protocols[w->head.chosen]);
    ws_head_free(&w->head);
}

static void take_frames(struct websocket *w)
{
    size_t taken = 0;
    if (ws_frames_read(w->frames, w->in + w->in_at, w->in_len - w->in_at, now_ms(w), &taken,
                       &w->why))
        err_wrap(&w->why, "net: %.200s", w->d.target.host.text);
    w->in_at += taken;
}

static bool close_came(const struct websocket *w)
{
    int code;
    const char *reason;
    size_t len;
    return w->frames && ws_frames_close_came(w->frames, &code, &reason, &len);
}

/* May bytes of the server be taken now? */
static bool is_taking(const struct websocket *w)
{
    return !w->dead && !w->why.code && !close_came(w) &&
           (w->phase == SHAKING || (w->phase == OPEN && w->ev.frames.room(w->arg)));
}

/* Reads and takes, up to a turn's worth; true: there may be more. */
static bool receive(struct websocket *w)
{
    size_t turn = 0;
    struct err e;
    if (w->phase == OPEN && is_taking(w)) /* what lies in frames, and had no room */
        take_frames(w);
    while (is_taking(w) && turn < TURN_MAX) {
        if (w->in_at == w->in_len) {
            const int64_t n = http_socket_read(w->socket, w->in, sizeof w->in, &e);
            if (!n)
                return false;
            if (n < 0) {
                w->at_end = true;
                return false;
            }
            w->in_at = 0;
            w->in_len = (size_t)n;
            w->received += n;
            turn += (size_t)n;
        }
        if (w->phase == SHAKING)
            take_head(w);
        else
            take_frames(w);
    }
    return is_taking(w);
}

/* ---- moving ---- */

static void on_soon(uv_timer_t *h);
static void on_clock(uv_timer_t *h);

static void pump_soon(struct websocket *w)
{
    if (!uv_is_active((uv_handle_t *)&w->soon))
        uv_timer_start(&w->soon, on_soon, 0, 0);
}

static bool is_over(struct websocket *w)
{
    const bool whole = w->frames && close_came(w);
    if (w->dead)
        return false;
    if (whole && (ws_frames_close_sent(w->frames) || w->at_end || w->why.code)) {
        w->why = (struct err){0};
        return true;
    }
    if (w->at_end)
        fail(w, ERR_PROTOCOL,
             w->phase == SHAKING ? "the connection ended before a response came"
                                 : "the connection ended without a Close");
    return w->why.code != 0;
}

/* Sends what can be sent, and tells it: before what comes next from the server, which may be the
 * answer to it. False: the connection is lost, or the WebSocket was ended by who was told. */
static bool flush_told(struct websocket *w)
{
    const size_t before = waiting(w);
    const bool fine = flush(w);
    const size_t left = waiting(w);
    if (w->phase == OPEN && left < before)
        w->ev.sent(w->arg, left);
    return fine && !w->dead;
}

static void step(struct websocket *w)
{
    bool more = false;
    if (flush_told(w)) {
        more = receive(w);
        if (!w->dead)
            flush_told(w);
    }
    if (w->dead)
        return;
    if (is_over(w)) {
        finish(w);
        return;
    }
    if (w->phase == OPEN && ws_frames_close_written(w->frames) &&
        !uv_is_active((uv_handle_t *)&w->clock))
        uv_timer_start(&w->clock, on_clock, (uint64_t)w->close_ms, 0);
    if (more)
        pump_soon(w);
    http_socket_watch(w->socket, is_taking(w), waiting(w) > 0);
}

/* Tells, and drops what was ended meanwhile. */
static void pump(struct websocket *w)
{
    w->telling = true;
    if (w->phase == SHAKING || w->phase == OPEN)
        step(w);
    else if (w->why.code)
        finish(w);
    w->telling = false;
    if (w->dead)
        drop(w);
}

static void on_soon(uv_timer_t *h)
{
    pump(h->data);
}

static void on_clock(uv_timer_t *h)
{
    struct websocket *w = h->data;
    fail(w, ERR_TIMEOUT,
         w->phase == SHAKING ? "no response to the WebSocket's request in time; see "
                               "egress.connect_timeout_ms"
                             : "the server did not answer a Close in time");
    pump(w);
}

static void on_ready(void *arg)
{
    pump(arg);
}

static void on_opened(void *arg, const struct err *why)
{
    struct websocket *w = arg;
    char origin[EGRESS_ORIGIN_MAX];
    if (why) {
        w->why = *why;
        pump(w);
        return;
    }
    w->connected = true;
    egress_origin(&w->d.target, origin);
    ws_head_request(&w->head, w->path, strstr(origin, "://") + 3, w->fields, w->field_count,
                    &w->hello);
    w->phase = SHAKING;
    uv_timer_start(&w->clock, on_clock, (uint64_t)w->handshake_ms, 0);
    pump(w);
}

static const struct http_socket_events socket_events = {.opened = on_opened, .ready = on_ready};

static void on_resolved(void *arg, const struct egress_decision *d, const struct err *why)
{
    struct websocket *w = arg;
    w->resolution = NULL;
    w->d = *d;
    w->telling = true;
    if (why)
        w->why = *why;
    else if (d->target.scheme != SCHEME_WS && d->target.scheme != SCHEME_WSS)
        err_set(&w->why, ERR_INVALID, "net: found scheme '%s'; allowed: wss, ws",
                egress_scheme_names[d->target.scheme]);
    w->ev.decided(w->arg, d);
    w->telling = false;
    if (w->dead) {
        drop(w);
    } else if (w->why.code) {
        pump(w);
    } else {
        w->phase = CONNECTING;
        w->socket = http_socket_open(w->client, d, &socket_events, w);
    }
}

/* ---- calls from outside ---- */

/* What follows the origin: a target in origin-form (RFC 9112 3.2.1). */
static char *path_of(const char *url, size_t len)
{
    const char *slashes = memmem(url, len, "://", 3), *end = url + len;
    const char *hash = memchr(url, '#', len), *p = slashes ? slashes + 3 : end;
    struct buf b = {0};
    end = hash ? hash : end;
    while (p < end && *p != '/' && *p != '?')
        p++;
    if (p >= end || *p == '?')
        buf_addc(&b, '/');
    buf_add(&b, p, p < end ? (size_t)(end - p) : 0);
    return buf_take(&b, NULL);
}

struct websocket *websocket_start(struct http_client *c, struct dns *dns,
                                  const struct websocket_request *r,
                                  const struct websocket_events *ev, void *arg)
{
    struct websocket *w = mem_alloc(sizeof *w);
    uv_loop_t *loop = http_client_loop(c);
    w->client = c;
    w->ev = *ev;
    w->arg = arg;
    w->handshake_ms = r->handshake_ms;
    w->close_ms = r->close_ms;
    w->message_max = r->message_max;
    w->hello.secret = true;
    w->head = *r->offer;
    w->head.in = (struct buf){.secret = true};
    w->path = path_of(r->url, r->url_len);
    w->field_count = r->field_count;
    w->fields = r->field_count ? mem_alloc((size_t)r->field_count * sizeof *w->fields) : NULL;
    for (int i = 0; i < r->field_count; i++)
        w->fields[i] = (struct http_field){.name = mem_strdup(r->fields[i].name),
                                           .value = mem_strdup(r->fields[i].value)};
    CHECK(uv_timer_init(loop, &w->soon) == 0 && uv_timer_init(loop, &w->clock) == 0);
    w->soon.data = w->clock.data = w;
    w->handles = 2;
    w->resolution = egress_resolve(loop, dns, r->policy, r->url, r->url_len, on_resolved, w);
    return w;
}

bool websocket_write(struct websocket *w, enum ws_kind kind, bool first, bool last, const char *p,
                     size_t n)
{
    if (w->phase != OPEN || ws_frames_close_written(w->frames))
        return false;
    ws_frames_write(w->frames, kind, first, last, p, n);
    pump_soon(w);
    return true;
}

void websocket_close(struct websocket *w, int code, const char *reason, size_t len)
{
    if (w->phase == OPEN)
        ws_frames_close(w->frames, code, reason, len);
    else
        fail(w, ERR_UNAVAILABLE, "closed before it was open");
    pump_soon(w);
}

void websocket_resume(struct websocket *w)
{
    pump_soon(w);
}

void websocket_leave(struct websocket *w)
{
    static const int going_away = 1001;
    if (!w)
        return;
    if (w->phase == OPEN && !w->why.code) {
        ws_frames_close(w->frames, going_away, NULL, 0);
        flush(w);
    }
    w->dead = true;
    if (!w->telling)
        drop(w);
}

int64_t websocket_sent(const struct websocket *w)
{
    return w->sent;
}

int64_t websocket_received(const struct websocket *w)
{
    return w->received;
}

bool websocket_connected(const struct websocket *w)
{
    return w->connected;
}
