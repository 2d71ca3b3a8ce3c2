/* How this works: libcurl's callbacks only store (head, a part of the body, "I want more to send")
 * and mark the exchange; http_tell() passes it on afterwards. Where a buffer is full, or empty, the
 * callback pauses libcurl, which then leaves the connection unread, or unwritten. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "egress/http_inner.h"
#include "egress/policy.h"

#define READ_SIZE    32768L /* libcurl's buffer for what it reads */
#define STAGGER_MS   250L   /* RFC 8305 section 5, as egress/connect.h */
#define CONNECTION_S 30L    /* an idle connection is not used again after that */
#define PIN_S        (HTTP_TIMEOUT_MAX_MS / 1000 + 60L) /* outlives every request */

/* ---- what libcurl calls ---- */

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct http_exchange *x = arg;
    (void)purpose;
    if (egress_check_sockaddr(&x->d, &a->addr, (socklen_t)a->addrlen, &x->why))
        return CURL_SOCKET_BAD;
    return socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
}

/* Connected, or an open connection was found: the request follows. Two requests of one host may
 * have been given different addresses; the connection of the other is then not for this one. */
static int on_connected(void *arg, char *peer, char *local, int peer_port, int local_port)
{
    struct http_exchange *x = arg;
    struct ip ip;
    struct sockaddr_storage sa;
    (void)local, (void)local_port;
    x->moved_ms = uv_now(x->client->loop);
    if (ip_parse(peer, strlen(peer), &ip) && peer_port > 0 && peer_port < 65536) {
        socklen_t len = ip_to_sockaddr(&ip, (uint16_t)peer_port, &sa);
        if (!egress_check_sockaddr(&x->d, (struct sockaddr *)&sa, len, &x->why))
            return CURL_PREREQFUNC_OK;
    } else {
        err_set(&x->why, ERR_DENIED, "net: %.200s: the peer is not known", x->d.target.host.text);
    }
    x->other_connection = true;
    return CURL_PREREQFUNC_ABORT;
}

static size_t on_send(char *p, size_t size, size_t count, void *arg)
{
    struct http_exchange *x = arg;
    size_t have = x->out.len - x->out_at, n = size * count;
    x->moved_ms = uv_now(x->client->loop);
    if (!have && !x->out_ended) {
        x->out_paused = true;
        return CURL_READFUNC_PAUSE;
    }
    n = n < have ? n : have;
    if (n)
        memcpy(p, x->out.data + x->out_at, n);
    x->sent += (int64_t)n;
    if (x->keep) {
        x->out_at += n;
    } else if (n) {
        buf_consume(&x->out, n);
        x->give += n;
        http_mark(x);
    }
    return n;
}

/* Over another connection, once more from the start: only where all of it is still here. */
static int on_rewind(void *arg, curl_off_t offset, int origin)
{
    struct http_exchange *x = arg;
    if (origin != SEEK_SET || offset != 0 || (!x->keep && x->sent))
        return CURL_SEEKFUNC_FAIL;
    x->out_at = 0;
    return CURL_SEEKFUNC_OK;
}

/* ---- setting up ---- */

static void add_field(struct http_exchange *x, const char *name, const char *value)
{
    struct buf b = {0};
    buf_addf(&b, *value ? "%s: %s" : "%s;", name, value); /* "name;": libcurl's word for no value */
    x->fields = http_curl.slist_append(x->fields, b.data);
    CHECK(x->fields);
    buf_free(&b);
}

/* libcurl adds these where nobody names them. */
static void take_away(struct http_exchange *x, const char *line)
{
    x->fields = http_curl.slist_append(x->fields, line);
    CHECK(x->fields);
}

#define SET(o, v) CHECK(http_curl.easy_setopt(x->easy, o, v) == CURLE_OK)

static void set_target(struct http_exchange *x)
{
    char origin[EGRESS_ORIGIN_MAX];
    struct buf b = {0};
    egress_origin(&x->d.target, origin);
    buf_addf(&b, "%s%s", origin, x->path);
    SET(CURLOPT_URL, b.data);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, egress_scheme_names[x->d.target.scheme]);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_UNRESTRICTED_AUTH, 0L);
    if (!x->d.target.host.ip.family) {
        buf_clear(&b);
        buf_addc(&b, '+'); /* goes out of libcurl's cache again */
        egress_pin(&x->d, &b);
        x->pin = http_curl.slist_append(NULL, b.data);
        CHECK(x->pin);
        SET(CURLOPT_RESOLVE, x->pin);
        SET(CURLOPT_DNS_CACHE_TIMEOUT, PIN_S);
    }
    SET(CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, STAGGER_MS);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)x->client->connect_timeout_ms);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
    SET(CURLOPT_OPENSOCKETDATA, x);
    SET(CURLOPT_PREREQFUNCTION, on_connected);
    SET(CURLOPT_PREREQDATA, x);
    SET(CURLOPT_MAXAGE_CONN, CONNECTION_S);
    buf_free(&b);
}

static void set_tls(struct http_exchange *x)
{
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (x->client->ca_file) {
        SET(CURLOPT_CAINFO, x->client->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
}

static void set_request(struct http_exchange *x)
{
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(CURLOPT_HTTP09_ALLOWED, 0L);
    if (x->has_body) {
        SET(CURLOPT_UPLOAD, 1L);
        SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->body_len);
        SET(CURLOPT_READFUNCTION, on_send);
        SET(CURLOPT_READDATA, x);
        SET(CURLOPT_SEEKFUNCTION, on_rewind);
        SET(CURLOPT_SEEKDATA, x);
    }
    if (x->head_only)
        SET(CURLOPT_NOBODY, 1L);
    else
        SET(CURLOPT_CUSTOMREQUEST, x->method);
    SET(CURLOPT_HTTPHEADER, x->fields);
    SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);
    SET(CURLOPT_BUFFERSIZE, READ_SIZE);
    SET(CURLOPT_HEADERFUNCTION, http_on_header);
    SET(CURLOPT_HEADERDATA, x);
    SET(CURLOPT_WRITEFUNCTION, http_on_body);
    SET(CURLOPT_WRITEDATA, x);
    SET(CURLOPT_ERRORBUFFER, x->error);
    SET(CURLOPT_PRIVATE, x);
    SET(CURLOPT_NOSIGNAL, 1L);
}
#undef SET

/* ---- clocks ---- */

/* Does the peer have to move? Not while the consumer is full, or the body's sender is empty. */
static bool peers_turn(const struct http_exchange *x)
{
    return x->easy && !x->in_paused && !x->held_back && !(x->out_paused && !x->head_whole);
}

static void fail(struct http_exchange *x)
{
    if (x->over)
        return;
    x->over = true;
    http_mark_soon(x);
}

static void on_clock(uv_timer_t *h)
{
    struct http_exchange *x = h->data;
    const uint64_t now = uv_now(x->client->loop), idle = (uint64_t)x->idle_ms;
    const uint64_t last = x->started_ms + (uint64_t)x->total_ms;
    if (x->over || x->finished)
        return;
    if (now >= last) {
        err_set(&x->why, ERR_TIMEOUT, "net: %.200s: not done within %lld ms", x->d.target.host.text,
                (long long)x->total_ms);
        fail(x);
        return;
    }
    if (!peers_turn(x))
        x->moved_ms = now;
    if (now - x->moved_ms >= idle) {
        err_set(&x->why, ERR_TIMEOUT, "net: %.200s: nothing came for %lld ms",
                x->d.target.host.text, (long long)x->idle_ms);
        fail(x);
        return;
    }
    const uint64_t quiet = x->moved_ms + idle;
    uv_timer_start(&x->clock, on_clock, (quiet < last ? quiet : last) - now, 0);
}

/* ---- a request ---- */

static void on_clock_closed(uv_handle_t *h)
{
    struct http_exchange *x = h->data;
    free(x);
}

static void let_go(struct http_exchange *x)
{
    if (x->easy) {
        http_curl.multi_remove_handle(x->client->multi, x->easy);
        http_curl.easy_cleanup(x->easy);
        x->easy = NULL;
    }
}

static void drop(struct http_exchange *x)
{
    list_remove(&x->node);
    let_go(x);
    x->client->exchanges--;
    http_curl.slist_free_all(x->fields);
    http_curl.slist_free_all(x->pin);
    x->head.secret = x->in.secret = x->out.secret = true; /* somebody's tokens, maybe */
    buf_free(&x->head);
    buf_free(&x->in);
    buf_free(&x->out);
    free(x->method);
    free(x->path);
    uv_close((uv_handle_t *)&x->clock, on_clock_closed);
}

struct http_exchange *http_start(struct http_client *c, const struct http_request *r,
                                 const struct http_events *ev, void *arg)
{
    struct http_exchange *x = mem_alloc(sizeof *x);
    CHECK(!c->closed && r->total_ms > 0 && r->total_ms <= HTTP_TIMEOUT_MAX_MS && r->idle_ms > 0);
    x->client = c;
    x->ev = *ev;
    x->arg = arg;
    list_init(&x->node);
    x->method = mem_strdup(r->method);
    x->path = mem_strdup(r->path);
    x->head_only = !strcmp(r->method, "HEAD");
    x->has_body = r->has_body;
    x->body_len = r->has_body ? r->body_len : 0;
    x->body_max = r->body_max;
    x->total_ms = r->total_ms;
    x->idle_ms = r->idle_ms;
    x->room = HTTP_ROOM;
    x->keep = x->has_body && x->body_len >= 0 && x->body_len <= (int64_t)HTTP_ROOM;
    x->in.secret = x->out.secret = true;
    x->started_ms = x->moved_ms = uv_now(c->loop);
    bool accept = false;
    for (int i = 0; i < r->field_count; i++) {
        add_field(x, r->fields[i].name, r->fields[i].value);
        accept = accept || !strcasecmp(r->fields[i].name, "accept");
    }
    take_away(x, "Expect:");
    if (!accept)
        take_away(x, "Accept:");
    CHECK(uv_timer_init(c->loop, &x->clock) == 0);
    x->clock.data = x;
    uv_timer_start(&x->clock, on_clock,
                   (uint64_t)(x->idle_ms < x->total_ms ? x->idle_ms : x->total_ms), 0);
    c->exchanges++;
    return x;
}

void http_go(struct http_exchange *x, const struct egress_decision *d)
{
    CHECK(!x->easy && d->verdict == EGRESS_ALLOWED &&
          (d->target.scheme == SCHEME_HTTP || d->target.scheme == SCHEME_HTTPS));
    x->d = *d;
    x->moved_ms = uv_now(x->client->loop);
    if (x->over)
        return; /* its time was over meanwhile */
    x->easy = http_curl.easy_init();
    CHECK(x->easy);
    set_target(x);
    set_tls(x);
    set_request(x);
    CHECK(http_curl.multi_add_handle(x->client->multi, x->easy) == CURLM_OK);
}

void http_refuse(struct http_exchange *x, const struct err *why)
{
    if (!x->over)
        x->why = *why;
    fail(x);
}

/* A connection of another request that this one must not use: over one of its own. */
static void again(struct http_exchange *x)
{
    http_curl.multi_remove_handle(x->client->multi, x->easy);
    x->other_connection = false;
    x->fresh = true;
    x->why = (struct err){0};
    CHECK(http_curl.easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK);
    CHECK(http_curl.multi_add_handle(x->client->multi, x->easy) == CURLM_OK);
}

static void explain(struct http_exchange *x, CURLcode rc)
{
    const char *host = x->d.target.host.text;
    const char *text = x->error[0] ? x->error : http_curl.easy_strerror(rc);
    switch (rc) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        err_set(&x->why, ERR_UNAVAILABLE, "net: %.200s: no connection: %.300s", host, text);
        return;
    case CURLE_OPERATION_TIMEDOUT:
        err_set(&x->why, ERR_TIMEOUT,
                "net: %.200s: no connection within %lld ms; see egress.connect_timeout_ms", host,
                (long long)x->client->connect_timeout_ms);
        return;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
        err_set(&x->why, ERR_PROTOCOL, "net: %.200s: TLS: %.300s", host, text);
        return;
    case CURLE_PARTIAL_FILE:
        err_set(&x->why, ERR_PROTOCOL, "net: %.200s: the response's body ends early: %.300s", host,
                text);
        return;
    case CURLE_OUT_OF_MEMORY: /* libcurl's own bound of one field */
        if (!x->head_whole) {
            http_over_head(x);
            return;
        }
        /* fall through */
    default:
        err_set(&x->why, ERR_PROTOCOL, "net: %.200s: %.300s", host, text);
    }
}

void http_done(struct http_exchange *x, CURLcode rc)
{
    if (x->other_connection && !x->fresh) {
        again(x);
        return;
    }
    if (rc != CURLE_OK && !x->why.code)
        explain(x, rc);
    else if (rc == CURLE_OK && !x->head_whole)
        err_set(&x->why, ERR_PROTOCOL, "net: %.200s: no response", x->d.target.host.text);
    else if (rc == CURLE_OK)
        x->why = (struct err){0};
    x->finished = true;
    let_go(x);
    if (x->why.code)
        x->over = true;
    http_mark(x);
}

/* ---- telling ---- */

static void tell_end(struct http_exchange *x)
{
    struct err why = x->why;
    let_go(x);
    x->ev.end(x->arg, why.code ? &why : NULL);
    x->dead = true;
}

static void tell_body(struct http_exchange *x)
{
    while (x->in.len && !x->held_back && !x->dead) {
        size_t n = x->ev.body(x->arg, x->in.data, x->in.len);
        CHECK(n <= x->in.len);
        if (n < x->in.len)
            x->held_back = true;
        if (!x->dead)
            buf_consume(&x->in, n);
    }
}

static void flow(struct http_exchange *x)
{
    int pause = CURLPAUSE_CONT;
    bool more_in = x->in_paused && x->in.len < HTTP_ROOM;
    bool more_out = x->out_paused && (x->out.len > x->out_at || x->out_ended);
    if (!x->easy || (!more_in && !more_out))
        return;
    if (x->in_paused && !more_in)
        pause |= CURLPAUSE_RECV;
    if (x->out_paused && !more_out)
        pause |= CURLPAUSE_SEND;
    x->in_paused = x->in_paused && !more_in;
    x->out_paused = x->out_paused && !more_out;
    x->moved_ms = uv_now(x->client->loop);
    http_curl.easy_pause(x->easy, pause);
}

static void tell(struct http_exchange *x)
{
    if (x->over) {
        tell_end(x);
        return;
    }
    if (x->head_whole && !x->head_told) {
        const struct http_head h = {.status = x->status,
                                    .reason = x->reason,
                                    .http2 = x->http2,
                                    .field_count = x->field_count,
                                    .fields = x->head.data ? x->head.data : "",
                                    .fields_len = x->head.len};
        x->head_told = true;
        x->ev.head(x->arg, &h);
    }
    if (!x->dead && x->give && !x->finished) {
        size_t n = x->give;
        x->give = 0;
        x->room += n;
        x->ev.want(x->arg, n);
    }
    if (!x->dead)
        tell_body(x);
    if (!x->dead)
        flow(x);
    if (!x->dead && x->finished && !x->in.len)
        tell_end(x);
}

void http_tell(struct http_exchange *x)
{
    x->telling = true;
    tell(x);
    x->telling = false;
    if (x->dead)
        drop(x);
}

/* ---- calls from outside ---- */

int http_send(struct http_exchange *x, const char *p, size_t n, struct err *e)
{
    if (!x->has_body || x->out_ended || n > x->room ||
        (x->body_len >= 0 && (int64_t)n > x->body_len - x->taken_in))
        return err_set(e, ERR_LIMIT,
                       "net: the request's body: found %zu bytes more; allowed: what there is room "
                       "for, and up to its announced length",
                       n);
    if (x->finished || x->over)
        return 0; /* the response did not wait for it */
    x->taken_in += (int64_t)n;
    x->room -= n;
    buf_add(&x->out, p, n);
    http_mark_soon(x);
    return 0;
}

int http_send_end(struct http_exchange *x, struct err *e)
{
    if (x->body_len >= 0 && x->taken_in < x->body_len && !x->finished && !x->over)
        return err_set(e, ERR_INVALID, "net: the request's body ends after %lld of %lld bytes",
                       (long long)x->taken_in, (long long)x->body_len);
    x->out_ended = true;
    http_mark_soon(x);
    return 0;
}

void http_resume(struct http_exchange *x)
{
    x->held_back = false;
    http_mark_soon(x);
}

void http_cancel(struct http_exchange *x)
{
    if (x->telling)
        x->dead = true;
    else
        drop(x);
}

int64_t http_sent(const struct http_exchange *x)
{
    return x->sent;
}

int64_t http_received(const struct http_exchange *x)
{
    return x->received;
}
