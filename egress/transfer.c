#include "egress/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "egress/resolve.h"

struct transfer {
    struct http_exchange *http;
    struct resolution *resolution; /* NULL: over */
    struct egress_decision d;
    struct transfer_events ev;
    void *arg;
};

static void on_head(void *arg, const struct http_head *h)
{
    struct transfer *t = arg;
    t->ev.http.head(t->arg, h);
}

static size_t on_body(void *arg, const char *p, size_t n)
{
    struct transfer *t = arg;
    return t->ev.http.body(t->arg, p, n);
}

static void on_want(void *arg, size_t n)
{
    struct transfer *t = arg;
    t->ev.http.want(t->arg, n);
}

static void on_end(void *arg, const struct err *why)
{
    struct transfer *t = arg;
    t->ev.http.end(t->arg, why);
    if (t->resolution) /* its time was over before the resolver's */
        egress_resolve_cancel(t->resolution);
    free(t);
}

static const struct http_events events = {
    .head = on_head, .body = on_body, .want = on_want, .end = on_end};

static void on_resolved(void *arg, const struct egress_decision *d, const struct err *why)
{
    struct transfer *t = arg;
    struct err scheme;
    t->resolution = NULL;
    t->d = *d;
    if (!why && d->target.scheme != SCHEME_HTTP && d->target.scheme != SCHEME_HTTPS) {
        err_set(&scheme, ERR_INVALID, "net: found scheme '%s'; allowed: https, http",
                egress_scheme_names[d->target.scheme]);
        why = &scheme;
    }
    if (why)
        http_refuse(t->http, why);
    else
        http_go(t->http, d);
    t->ev.decided(t->arg, d); /* last: it may cancel */
}

/* What follows the origin, without the fragment: a target in origin-form (RFC 9112 3.2.1). */
static char *path_of(const char *url, size_t len)
{
    const char *hash = memchr(url, '#', len), *slashes = memmem(url, len, "://", 3);
    const char *end = hash ? hash : url + len, *p = slashes ? slashes + 3 : end;
    while (p < end && *p != '/' && *p != '?')
        p++;
    struct buf b = {0};
    if (p == end || *p == '?')
        buf_addc(&b, '/');
    buf_add(&b, p, p < end ? (size_t)(end - p) : 0);
    return buf_take(&b, NULL);
}

struct transfer *transfer_start(struct http_client *c, struct dns *dns,
                                const struct transfer_request *r, const struct transfer_events *ev,
                                void *arg)
{
    struct transfer *t = mem_alloc(sizeof *t);
    struct http_request http = r->http;
    char *path = path_of(r->url, r->url_len);
    uv_loop_t *loop = http_client_loop(c);
    t->ev = *ev;
    t->arg = arg;
    http.path = path;
    t->http = http_start(c, &http, &events, t);
    free(path);
    t->resolution = r->from
                        ? egress_resolve_redirect(loop, dns, r->policy, r->from, r->url, r->url_len,
                                                  r->max_hops, on_resolved, t)
                        : egress_resolve(loop, dns, r->policy, r->url, r->url_len, on_resolved, t);
    return t;
}

void transfer_cancel(struct transfer *t)
{
    if (t->resolution)
        egress_resolve_cancel(t->resolution);
    http_cancel(t->http);
    free(t);
}

const struct egress_decision *transfer_decision(const struct transfer *t)
{
    return &t->d;
}

int transfer_send(struct transfer *t, const char *p, size_t n, struct err *e)
{
    return http_send(t->http, p, n, e);
}

int transfer_send_end(struct transfer *t, struct err *e)
{
    return http_send_end(t->http, e);
}

void transfer_resume(struct transfer *t)
{
    http_resume(t->http);
}

int64_t transfer_sent(const struct transfer *t)
{
    return http_sent(t->http);
}

int64_t transfer_received(const struct transfer *t)
{
    return http_received(t->http);
}

int transfer_connects(const struct transfer *t)
{
    return http_connects(t->http);
}
