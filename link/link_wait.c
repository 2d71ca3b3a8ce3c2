/* The calls that wait: what a worker does once, at its end, and what commands do instead of being
 * woken. All but the first turn the loop meanwhile. */
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "link/link_inner.h"
#include "link/native.h"
#include "link/sockpoll.h"

#define TICK_MS 10

static int left_ms(int64_t until_us)
{
    int64_t left = (until_us - clock_mono_us()) / 1000;
    return left > 0 ? (int)left : 0;
}

void link_push_out(struct link *l, int64_t until_us)
{
    int fd = sockpoll_fd(l->poll);
    char sink[4096];
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    if (!l->up || fd < 0)
        return;
    while (native_buffered(l->native) > 0) {
        if (poll(&p, 1, left_ms(until_us)) <= 0)
            return;
        native_write(l->native);
        if (sockpoll_fd(l->poll) != fd) /* it failed */
            return;
    }
    p.events = POLLIN;
    shutdown(fd, SHUT_WR);
    while (poll(&p, 1, left_ms(until_us)) > 0 && recv(fd, sink, sizeof sink, MSG_DONTWAIT) > 0)
        ;
}

/* ---- requests and flushes of command-line clients ---- */

struct wait {
    bool done;
    int rc;
    struct link_msg **out;
    struct err *e;
};

static void on_waited(struct link_msg *m, const struct err *why, void *arg)
{
    struct wait *w = arg;
    w->done = true;
    if (m) {
        *w->out = link_msg_keep(m);
        return;
    }
    w->rc = why->code;
    if (w->e)
        *w->e = *why;
}

int link_request_wait(struct link *l, const char *subject, const struct link_header *headers,
                      int header_count, const void *data, size_t len, int timeout_ms,
                      struct link_msg **out, struct err *e)
{
    struct wait w = {.out = out, .e = e};
    *out = NULL;
    int rc =
        link_request(l, subject, headers, header_count, data, len, timeout_ms, on_waited, &w, e);
    if (rc)
        return rc;
    while (!w.done) /* its time-out ends this at the latest */
        uv_run(l->loop, UV_RUN_ONCE);
    return w.rc;
}

static void on_tick(uv_timer_t *t)
{
    (void)t; /* only to turn the loop */
}

static void free_tick(uv_handle_t *h)
{
    free(h);
}

static void wait_until_up(struct link *l, int64_t until_us)
{
    uv_timer_t *tick = mem_alloc(sizeof *tick);
    uv_timer_init(l->loop, tick);
    uv_timer_start(tick, on_tick, TICK_MS, TICK_MS);
    while (!l->up && !l->closed && clock_mono_us() < until_us)
        uv_run(l->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)tick, free_tick);
}

struct flush {
    uv_work_t work;
    struct native *native;
    int timeout_ms, rc;
    struct err e;
    bool done;
};

static void flush_there(uv_work_t *w)
{
    struct flush *f = CONTAINER_OF(w, struct flush, work);
    f->rc = native_flush(f->native, f->timeout_ms, &f->e);
}

static void flush_done(uv_work_t *w, int status)
{
    struct flush *f = CONTAINER_OF(w, struct flush, work);
    (void)status;
    f->done = true;
}

int link_flush(struct link *l, int timeout_ms, struct err *e)
{
    int64_t until_us = clock_mono_us() + (int64_t)timeout_ms * 1000;
    if (!l->up)
        wait_until_up(l, until_us);
    if (!l->up)
        return err_set(e, ERR_UNAVAILABLE, "no connection to %s", native_url(l->native));
    /* The library waits on a condition that only the loop, reading, can bring about. */
    struct flush f = {.native = l->native, .timeout_ms = left_ms(until_us) + 1};
    CHECK(uv_queue_work(l->loop, &f.work, flush_there, flush_done) == 0);
    while (!f.done)
        uv_run(l->loop, UV_RUN_ONCE);
    if (f.rc && e)
        *e = f.e;
    return f.rc;
}
