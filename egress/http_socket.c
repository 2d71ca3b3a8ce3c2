/* How this works: a handle of libcurl with CONNECT_ONLY is "done" once it is connected, and keeps
 * its connection for as long as it stays with its client. libcurl watches the socket no more then:
 * we do. */
#include "egress/http_socket.h"

#include <stdlib.h>

#include "base/mem.h"
#include "egress/http_inner.h"

struct http_socket {
    struct http_party p;
    struct http_socket_events ev;
    void *arg;
    uv_poll_t poll;
    bool polled; /* poll is open */
    bool ended;  /* connected or failed; to be told */
    bool telling, closed;
};

static int on_connected(void *arg, char *peer, char *local, int peer_port, int local_port)
{
    struct http_socket *s = arg;
    (void)local, (void)local_port;
    return http_party_peer_fits(&s->p, peer, peer_port) ? CURL_PREREQFUNC_OK
                                                        : CURL_PREREQFUNC_ABORT;
}

static void on_poll_closed(uv_handle_t *h)
{
    free(h->data);
}

static void drop(struct http_socket *s)
{
    if (s->polled) {
        uv_poll_stop(&s->poll);
        uv_close((uv_handle_t *)&s->poll, on_poll_closed);
    }
    http_party_leave(&s->p);
    if (!s->polled)
        free(s);
}

/* The connection is ours to watch. */
static void take_over(struct http_socket *s)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (http_curl.easy_getinfo(s->p.easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK ||
        fd == CURL_SOCKET_BAD || uv_poll_init_socket(s->p.client->loop, &s->poll, fd)) {
        err_set(&s->p.why, ERR_UNAVAILABLE, "net: %.200s: the connection was lost",
                s->p.d.target.host.text);
        return;
    }
    s->poll.data = s;
    s->polled = true;
}

static void done(struct http_party *p, CURLcode rc)
{
    struct http_socket *s = (struct http_socket *)p;
    if (rc != CURLE_OK && !p->why.code)
        http_party_explain(p, rc);
    else if (rc == CURLE_OK)
        p->why = (struct err){0};
    s->ended = true;
    http_mark(p);
}

static void tell(struct http_party *p)
{
    struct http_socket *s = (struct http_socket *)p;
    if (!s->ended)
        return;
    s->ended = false;
    s->telling = true;
    if (!p->why.code)
        take_over(s);
    s->ev.opened(s->arg, p->why.code ? &p->why : NULL);
    s->telling = false;
    if (s->closed)
        drop(s);
}

struct http_socket *http_socket_open(struct http_client *c, const struct egress_decision *d,
                                     const struct http_socket_events *ev, void *arg)
{
    struct http_socket *s = mem_alloc(sizeof *s);
    s->p.done = done;
    s->p.tell = tell;
    s->ev = *ev;
    s->arg = arg;
    http_party_join(&s->p, c);
    http_party_aim(&s->p, d, "/");
#define SET(o, v) CHECK(http_curl.easy_setopt(s->p.easy, o, v) == CURLE_OK)
    SET(CURLOPT_CONNECT_ONLY, 1L);
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PREREQFUNCTION, on_connected);
    SET(CURLOPT_PREREQDATA, s);
#undef SET
    http_party_go(&s->p);
    return s;
}

void http_socket_close(struct http_socket *s)
{
    if (!s)
        return;
    s->closed = true;
    if (!s->telling)
        drop(s);
}

static int64_t moved(struct http_socket *s, CURLcode rc, size_t n, struct err *e)
{
    if (rc == CURLE_AGAIN)
        return 0;
    if (rc == CURLE_OK)
        return n ? (int64_t)n : HTTP_SOCKET_END;
    return err_set(e, ERR_UNAVAILABLE, "net: %.200s: the connection was lost: %.200s",
                   s->p.d.target.host.text, http_curl.easy_strerror(rc));
}

int64_t http_socket_read(struct http_socket *s, char *p, size_t n, struct err *e)
{
    size_t got = 0;
    CURLcode rc = http_curl.easy_recv(s->p.easy, p, n, &got);
    return moved(s, rc, got, e);
}

int64_t http_socket_write(struct http_socket *s, const char *p, size_t n, struct err *e)
{
    size_t sent = 0;
    CURLcode rc = http_curl.easy_send(s->p.easy, p, n, &sent);
    return rc == CURLE_OK && !sent ? 0 : moved(s, rc, sent, e);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
    struct http_socket *s = h->data;
    (void)status, (void)events; /* reading and writing say what it is */
    s->ev.ready(s->arg);
}

void http_socket_watch(struct http_socket *s, bool in, bool out)
{
    const int events = (in ? UV_READABLE : 0) | (out ? UV_WRITABLE : 0);
    if (!s->polled)
        return;
    if (events)
        uv_poll_start(&s->poll, events, on_poll);
    else
        uv_poll_stop(&s->poll);
}
