/* How this works: what other threads ask for is put down under `lock` (the socket to change to, the
 * wish to write) and the loop is woken; the loop thread itself applies at once. The duplicate of
 * the socket is why the number in epoll's and libuv's tables is ours alone: the library may close
 * its own on one thread while the loop, on another, opens something that gets the same number. */
#include "link/sockpoll.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

struct polled {
    uv_poll_t handle;
    struct sockpoll *owner;
    int fd;
    bool for_room; /* polled for writing too */
};

struct sockpoll {
    struct sockpoll_calls calls;
    void *owner;
    uv_loop_t *loop;
    uv_thread_t loop_thread;
    uv_async_t wake;
    uv_idle_t soon; /* active: a write is to be tried before the loop waits */
    struct polled *polled;
    int handles; /* open ones: freed with the last */
    bool closing;

    uv_mutex_t lock;
    bool change; /* next_fd is to be taken */
    int next_fd; /* -1: none */
    bool want_write;
};

static void one_handle_less(struct sockpoll *p)
{
    if (--p->handles > 0)
        return;
    uv_mutex_destroy(&p->lock);
    p->calls.closed(p->owner);
    free(p);
}

static void on_handle_closed(uv_handle_t *h)
{
    one_handle_less(h->data);
}

static void on_poll_closed(uv_handle_t *h)
{
    struct polled *d = h->data;
    struct sockpoll *p = d->owner;
    free(d);
    one_handle_less(p);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
    struct polled *d = h->data;
    struct sockpoll *p = d->owner;
    /* An error of the socket is found by reading it. */
    if (status < 0 || (events & UV_READABLE))
        p->calls.readable(p->owner);
    if (p->polled == d && (events & UV_WRITABLE))
        p->calls.writable(p->owner);
}

static bool wants_write(struct sockpoll *p)
{
    uv_mutex_lock(&p->lock);
    bool want = p->want_write;
    uv_mutex_unlock(&p->lock);
    return want;
}

static void poll_for(struct sockpoll *p, bool room)
{
    if (!p->polled || p->polled->for_room == room)
        return;
    p->polled->for_room = room;
    uv_poll_start(&p->polled->handle, room ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_poll);
}

static void on_soon(uv_idle_t *h)
{
    struct sockpoll *p = h->data;
    uv_idle_stop(&p->soon);
    if (!p->polled || !wants_write(p))
        return;
    p->calls.writable(p->owner);
    poll_for(p, wants_write(p));
}

static void drop(struct sockpoll *p)
{
    struct polled *d = p->polled;
    if (!d)
        return;
    p->polled = NULL;
    uv_close((uv_handle_t *)&d->handle, on_poll_closed);
    close(d->fd);
}

static void take(struct sockpoll *p, int fd)
{
    drop(p);
    if (fd < 0)
        return;
    struct polled *d = mem_alloc(sizeof *d);
    d->owner = p;
    d->fd = fd;
    d->handle.data = d;
    /* A connected socket can be polled, short of the kernel's memory or its limit of watches. */
    CHECK(uv_poll_init_socket(p->loop, &d->handle, fd) == 0);
    p->handles++;
    uv_poll_start(&d->handle, UV_READABLE, on_poll);
    p->polled = d;
}

static void apply(struct sockpoll *p)
{
    uv_mutex_lock(&p->lock);
    bool change = p->change, want = p->want_write;
    int fd = p->next_fd;
    p->change = false;
    p->next_fd = -1;
    uv_mutex_unlock(&p->lock);
    if (p->closing) {
        if (change && fd >= 0)
            close(fd);
        return;
    }
    if (change)
        take(p, fd);
    if (!want)
        poll_for(p, false);
    else if (p->polled && !p->polled->for_room)
        uv_idle_start(&p->soon, on_soon);
}

static void on_wake(uv_async_t *h)
{
    apply(h->data);
}

/* Puts it down (under the lock) and has it applied. */
static void put_down(struct sockpoll *p, bool change, int fd, bool want)
{
    uv_thread_t self = uv_thread_self();
    uv_mutex_lock(&p->lock);
    if (change) {
        if (p->change && p->next_fd >= 0)
            close(p->next_fd);
        p->change = true;
        p->next_fd = fd;
    }
    p->want_write = want;
    uv_mutex_unlock(&p->lock);
    if (uv_thread_equal(&self, &p->loop_thread))
        apply(p);
    else
        uv_async_send(&p->wake);
}

int sockpoll_attach(struct sockpoll *p, int fd)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (own < 0)
        return ERR_IO;
    put_down(p, true, own, false);
    return 0;
}

void sockpoll_detach(struct sockpoll *p)
{
    put_down(p, true, -1, false);
}

void sockpoll_want_write(struct sockpoll *p, bool want)
{
    put_down(p, false, -1, want);
}

int sockpoll_fd(const struct sockpoll *p)
{
    return p->polled ? p->polled->fd : -1;
}

int sockpoll_open(uv_loop_t *loop, const struct sockpoll_calls *calls, void *owner,
                  struct sockpoll **out, struct err *e)
{
    struct sockpoll *p = mem_alloc(sizeof *p);
    p->calls = *calls;
    p->owner = owner;
    p->loop = loop;
    p->loop_thread = uv_thread_self();
    p->next_fd = -1;
    int rc = uv_async_init(loop, &p->wake, on_wake);
    if (rc) {
        free(p);
        return err_set(e, ERR_UNAVAILABLE, "cannot wake the loop: %s", uv_strerror(rc));
    }
    CHECK(uv_mutex_init(&p->lock) == 0);
    uv_idle_init(loop, &p->soon);
    p->wake.data = p->soon.data = p;
    p->handles = 2;
    *out = p;
    return 0;
}

void sockpoll_close(struct sockpoll *p)
{
    p->closing = true;
    apply(p);
    drop(p);
    uv_close((uv_handle_t *)&p->soon, on_handle_closed);
    uv_close((uv_handle_t *)&p->wake, on_handle_closed);
}
