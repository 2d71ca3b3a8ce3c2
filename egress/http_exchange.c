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

#define READ_SIZE 32768L /* libcurl's buffer for what it reads */

/* ---- what libcurl calls ---- */

/* Connected, or an open connection was found: the request follows. Two requests of one host may
 * have been given different addresses; the connection of the other is then not for this one. */
static int on_connected(void *arg, char *peer, char *local, int peer_port, int local_port)
{
    struct http_exchange *x = arg;
    (void)local, (void)local_port;
    x->moved_ms = uv_now(x->p.client->loop);
    if (http_party_peer_fits(&x->p, peer, peer_port))
        return CURL_PREREQFUNC_OK;
    x->other_connection = true;
    return CURL_PREREQFUNC_ABORT;
}

static size_t on_send(char *p, size_t size, size_t count, void *arg)
{
    struct http_exchange *x = arg;
    size_t have = x->out.len - x->out_at, n = size * count;
    x->moved_ms = uv_now(x->p.client->loop);
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
        http_mark(&x->p);
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

static void set_request(struct http_exchange *x)
{
#define SET(o, v) CHECK(http_curl.easy_setopt(x->p.easy, o, v) == CURLE_OK)
    SET(CURLOPT_PREREQFUNCTION, on_connected);
    SET(CURLOPT_PREREQDATA, x);
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
#undef SET
}

/* ---- clocks ---- */

/* Does the peer have to move? Not while the consumer is full, or the body's sender is empty. */
static bool peers_turn(const struct http_exchange *x)
{
    return x->p.easy && !x->in_paused && !x->held_back && !(x->out_paused && !x->head_whole);
}

static void fail(struct http_exchange *x)
{
    if (x->over)
        return;
    x->over = true;
    http_mark_soon(&x->p);
}

static void on_clock(uv_timer_t *h)
{
    struct http_exchange *x = h->data;
    const uint64_t now = uv_now(x->p.client->loop), idle = (uint64_t)x->idle_ms;
    const uint64_t last = x->started_ms + (uint64_t)x->total_ms;
    if (x->over || x->finished)
        return;
    if (now >= last) {
        err_set(&x->p.why, ERR_TIMEOUT, "net: %.200s: not done within %lld ms",
                x->p.d.target.host.text, (long long)x->total_ms);
        fail(x);
        return;
    }
    if (!peers_turn(x))
        x->moved_ms = now;
    if (now - x->moved_ms >= idle) {
        err_set(&x->p.why, ERR_TIMEOUT, "net: %.200s: nothing came for %lld ms",
                x->p.d.target.host.text, (long long)x->idle_ms);
        fail(x);
        return;
    }
    const uint64_t quiet = x->moved_ms + idle;
    uv_timer_start(&x->clock, on_clock, (quiet < last ? quiet : last) - now, 0);
}

/* ---- a request ---- */

static void done(struct http_party *p, CURLcode rc);
static void tell_all(struct http_party *p);

static void on_clock_closed(uv_handle_t *h)
{
    struct http_exchange *x = h->data;
    free(x);
}

static void drop(struct http_exchange *x)
{
    http_party_leave(&x->p);
    http_curl.slist_free_all(x->fields);
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
    x->p.done = done;
    x->p.tell = tell_all;
    http_party_join(&x->p, c);
    x->ev = *ev;
    x->arg = arg;
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
    return x;
}

void http_go(struct http_exchange *x, const struct egress_decision *d)
{
    CHECK(!x->p.easy && d->verdict == EGRESS_ALLOWED &&
          (d->target.scheme == SCHEME_HTTP || d->target.scheme == SCHEME_HTTPS));
    x->p.d = *d;
    x->moved_ms = uv_now(x->p.client->loop);
    if (x->over)
        return; /* its time was over meanwhile */
    http_party_aim(&x->p, d, x->path);
    set_request(x);
    http_party_go(&x->p);
}

void http_refuse(struct http_exchange *x, const struct err *why)
{
    if (!x->over)
        x->p.why = *why;
    fail(x);
}

/* A connection of another request that this one must not use: over one of its own. */
static void again(struct http_exchange *x)
{
    http_curl.multi_remove_handle(x->p.client->multi, x->p.easy);
    x->other_connection = false;
    x->fresh = true;
    x->p.why = (struct err){0};
    CHECK(http_curl.easy_setopt(x->p.easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK);
    CHECK(http_curl.multi_add_handle(x->p.client->multi, x->p.easy) == CURLM_OK);
}

static void done(struct http_party *p, CURLcode rc)
{
    struct http_exchange *x = (struct http_exchange *)p;
    x->connects = http_connects(x);
    if (x->other_connection && !x->fresh) {
        again(x);
        return;
    }
    if (rc == CURLE_OUT_OF_MEMORY && !x->head_whole && !x->p.why.code) /* its bound of one field */
        http_over_head(x);
    else if (rc != CURLE_OK && !x->p.why.code)
        http_party_explain(&x->p, rc);
    else if (rc == CURLE_OK && !x->head_whole)
        err_set(&x->p.why, ERR_PROTOCOL, "net: %.200s: no response", x->p.d.target.host.text);
    else if (rc == CURLE_OK)
        x->p.why = (struct err){0};
    x->finished = true;
    http_party_release(&x->p);
    if (x->p.why.code)
        x->over = true;
    http_mark(&x->p);
}

/* ---- telling ---- */

static void tell_end(struct http_exchange *x)
{
    struct err why = x->p.why;
    http_party_release(&x->p);
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
    if (!x->p.easy || (!more_in && !more_out))
        return;
    if (x->in_paused && !more_in)
        pause |= CURLPAUSE_RECV;
    if (x->out_paused && !more_out)
        pause |= CURLPAUSE_SEND;
    x->in_paused = x->in_paused && !more_in;
    x->out_paused = x->out_paused && !more_out;
    x->moved_ms = uv_now(x->p.client->loop);
    /* What waited in libcurl is given to us at once. Where we refuse it, libcurl says so here
     * alone: the transfer would go on without those bytes, to an end that looks well. */
    CURLcode rc = http_curl.easy_pause(x->p.easy, pause);
    if (rc == CURLE_OK)
        return;
    if (!x->p.why.code)
        http_party_explain(&x->p, rc);
    x->over = true;
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
    if (!x->dead && (x->over || (x->finished && !x->in.len)))
        tell_end(x);
}

static void tell_all(struct http_party *p)
{
    struct http_exchange *x = (struct http_exchange *)p;
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
    http_mark_soon(&x->p);
    return 0;
}

int http_send_end(struct http_exchange *x, struct err *e)
{
    if (x->body_len >= 0 && x->taken_in < x->body_len && !x->finished && !x->over)
        return err_set(e, ERR_INVALID, "net: the request's body ends after %lld of %lld bytes",
                       (long long)x->taken_in, (long long)x->body_len);
    x->out_ended = true;
    http_mark_soon(&x->p);
    return 0;
}

void http_resume(struct http_exchange *x)
{
    x->held_back = false;
    http_mark_soon(&x->p);
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

int http_connects(const struct http_exchange *x)
{
    long now = 0;
    if (x->p.easy && http_curl.easy_getinfo(x->p.easy, CURLINFO_NUM_CONNECTS, &now) != CURLE_OK)
        now = 0;
    return x->connects + (int)now;
}
