/* How this works: each address is a try with a socket and a poll handle; one timer starts the next
 * try, one ends it all. Before connect() the address is held against the decision, after it the
 * socket's peer is: between the two lies only the kernel, but a mistake of ours in between would be
 * somebody's metadata service. */
#include "egress/connect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "egress/policy.h"

struct
try {
    struct connecting *owner;
    struct ip ip;
    uv_poll_t poll;
    int fd; /* -1: not begun, or over */
};

struct connecting {
    uv_loop_t *loop;
    struct egress_decision d;
    int64_t timeout_ms;
    egress_connected done;
    void *arg;
    struct try tries[CONNECT_TRIES_MAX];
    int count, next, pending;
    int handles; /* open ones: freed with the last */
    uv_timer_t stagger, deadline;
    struct err last; /* why the last try failed */
    bool finished;
};

static void one_handle_less(struct connecting *c)
{
    if (--c->handles == 0)
        free(c);
}

static void on_timer_closed(uv_handle_t *h)
{
    one_handle_less(h->data);
}

static void on_poll_closed(uv_handle_t *h)
{
    struct try *t = h->data;
    one_handle_less(t->owner);
}

/* Takes its socket away from a try; the caller closes it, after the poll handle let go of it. */
static int end_try(struct try *t)
{
    int fd = t->fd;
    t->fd = -1;
    t->owner->pending--;
    uv_poll_stop(&t->poll);
    uv_close((uv_handle_t *)&t->poll, on_poll_closed);
    return fd;
}

/* fd -1: failed, c->last says why */
static void finish(struct connecting *c, int fd, const struct ip *peer)
{
    CHECK(!c->finished);
    c->finished = true;
    for (int i = 0; i < c->next; i++)
        if (c->tries[i].fd >= 0)
            close(end_try(&c->tries[i]));
    uv_close((uv_handle_t *)&c->stagger, on_timer_closed);
    uv_close((uv_handle_t *)&c->deadline, on_timer_closed);
    if (c->done)
        c->done(c->arg, fd, peer, fd < 0 ? &c->last : NULL);
    else if (fd >= 0)
        close(fd);
}

static void on_stagger(uv_timer_t *h);

/* A try is over without a connection: the next one now. */
static void failed(struct connecting *c)
{
    if (c->next < c->count)
        uv_timer_start(&c->stagger, on_stagger, 0, 0);
    else if (!c->pending)
        finish(c, -1, NULL);
}

static void note(struct try *t, const char *why)
{
    struct connecting *c = t->owner;
    char ip[IP_TEXT];
    ip_text(&t->ip, ip);
    err_set(&c->last, ERR_UNAVAILABLE,
            "net: %.200s: no connection to any of %d addresses; the last one, %s port %u: %s",
            c->d.target.host.text, c->count, ip, c->d.target.port, why);
}

static void on_connected(struct try *t)
{
    struct connecting *c = t->owner;
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    struct ip peer = t->ip;
    int fd = end_try(t);
    if (getpeername(fd, (struct sockaddr *)&sa, &len)) {
        note(t, strerror(errno));
        close(fd);
        failed(c);
        return;
    }
    if (egress_check_sockaddr(&c->d, (struct sockaddr *)&sa, len, &c->last)) {
        close(fd);
        finish(c, -1, NULL);
        return;
    }
    finish(c, fd, &peer);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
    struct try *t = h->data;
    struct connecting *c = t->owner;
    int error = 0;
    socklen_t len = sizeof error;
    (void)events;
    if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &len))
        error = errno;
    if (!error && status < 0)
        error = -status;
    if (!error) {
        on_connected(t);
        return;
    }
    note(t, strerror(error));
    close(end_try(t));
    failed(c);
}

/* 0 when it is under way; else c->last says why not. */
static int begin_try(struct try *t)
{
    struct connecting *c = t->owner;
    struct sockaddr_storage sa;
    socklen_t len = ip_to_sockaddr(&t->ip, c->d.target.port, &sa);
    int rc = egress_check_sockaddr(&c->d, (struct sockaddr *)&sa, len, &c->last);
    if (rc)
        return rc;
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        note(t, strerror(errno));
        return ERR_IO;
    }
    if (connect(fd, (struct sockaddr *)&sa, len) && errno != EINPROGRESS) {
        note(t, strerror(errno));
        close(fd);
        return ERR_UNAVAILABLE;
    }
    CHECK(uv_poll_init_socket(c->loop, &t->poll, fd) == 0);
    t->poll.data = t;
    t->fd = fd;
    c->handles++;
    c->pending++;
    uv_poll_start(&t->poll, UV_WRITABLE, on_poll);
    return 0;
}

static void on_stagger(uv_timer_t *h)
{
    struct connecting *c = h->data;
    if (c->next < c->count) {
        if (begin_try(&c->tries[c->next++])) {
            failed(c);
            return;
        }
        uv_timer_start(&c->stagger, on_stagger, CONNECT_STAGGER_MS, 0);
    } else if (!c->count) {
        finish(c, -1, NULL);
    }
}

static void on_deadline(uv_timer_t *h)
{
    struct connecting *c = h->data;
    err_set(&c->last, ERR_TIMEOUT,
            "net: %.200s: no connection to any of %d addresses within %lld ms; see "
            "egress.connect_timeout_ms",
            c->d.target.host.text, c->count, (long long)c->timeout_ms);
    finish(c, -1, NULL);
}

/* Families in turn, IPv6 first (RFC 8305 section 4). */
static void order(struct connecting *c)
{
    int at[2] = {0, 0};
    for (int family = 6, idle = 0; c->count < CONNECT_TRIES_MAX && idle < 2; family = 10 - family) {
        int *i = &at[family == 6];
        while (*i < c->d.seen_count && c->d.seen[*i].ip.family != family)
            (*i)++;
        idle = *i < c->d.seen_count ? 0 : idle + 1;
        if (!idle)
            c->tries[c->count++] = (struct try){.owner = c, .ip = c->d.seen[(*i)++].ip, .fd = -1};
    }
}

struct connecting *egress_connect(uv_loop_t *loop, const struct egress_decision *d,
                                  int64_t timeout_ms, egress_connected done, void *arg)
{
    struct connecting *c = mem_alloc(sizeof *c);
    c->loop = loop;
    c->d = *d;
    c->timeout_ms = timeout_ms;
    c->done = done;
    c->arg = arg;
    if (d->verdict == EGRESS_ALLOWED)
        order(c);
    else
        err_set(&c->last, ERR_DENIED, "net: %.200s was not allowed", d->target.host.text);
    CHECK(uv_timer_init(loop, &c->stagger) == 0 && uv_timer_init(loop, &c->deadline) == 0);
    c->stagger.data = c->deadline.data = c;
    c->handles = 2;
    uv_timer_start(&c->stagger, on_stagger, 0, 0);
    uv_timer_start(&c->deadline, on_deadline, (uint64_t)timeout_ms, 0);
    return c;
}

void egress_connect_cancel(struct connecting *c)
{
    c->done = NULL;
    finish(c, -1, NULL);
}
