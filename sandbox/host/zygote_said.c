/* What a zygote tells on its control socket: read, checked by claims.c, and passed on to its cells.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/host/claims.h"
#include "sandbox/host/kin.h"
#include "sandbox/host/zygote_inner.h"

static void take_up(struct zygote *z, const struct control_up *up)
{
    z->info.layers = up->layers;
    z->info.threads = up->threads;
    z->info.mappings = up->mappings;
    z->info.private_dirty_bytes = up->private_dirty_bytes;
    z->info.huge_bytes = up->huge_bytes;
    z->info.cell_rss_bytes = up->cell_rss_bytes;
    memcpy(z->info.engine, up->engine, sizeof z->info.engine);
    memcpy(z->info.flags, up->flags, sizeof z->info.flags);
    z->state = ZYGOTE_UP;
    uv_timer_stop(&z->timer);
    z->ev.up(z, z->arg);
}

static void take_failed(struct zygote *z, const struct control_failed *f)
{
    char why[sizeof f->text + 128];
    if (f->code & CONTROL_ERRNO) {
        snprintf(why, sizeof why, "%s: %s", f->text, strerror((int)(f->code & ~CONTROL_ERRNO)));
        zygote_fail(z, ERR_NOT_FOUND, why);
        return;
    }
    int code = f->code >= 1 && f->code <= -ERR_CONFLICT ? -(int)f->code : ERR_UNAVAILABLE;
    zygote_fail(z, code, f->text);
}

/* A cell that the supervisor has freed meanwhile is no error. */
static void take_forked(struct zygote *z, const struct control_forked *f, int pidfd)
{
    struct cell *c = zygote_find(z, f->number);
    pid_t pid = 0;
    if (c && pidfd >= 0 && kin_of(pidfd, z->info.pid, &pid) == KIN_STRANGER) {
        zygote_fail(z, ERR_PROTOCOL, "the zygote gave the pidfd of a process that is not its cell");
        c = NULL;
    }
    if (c)
        cell_on_forked(c, pidfd >= 0 ? pid : f->pid, pidfd);
    else if (pidfd >= 0)
        close(pidfd);
}

static void take_exited(struct zygote *z, const struct control_exited *x, size_t n)
{
    for (size_t i = 0; i < n && !z->freeing; i++) {
        struct cell *c = zygote_find(z, x[i].number);
        if (c)
            cell_on_exited(c, &x[i]);
    }
}

static void close_those(const int *fds, int count)
{
    for (int i = 0; i < count; i++)
        close(fds[i]);
}

/* Takes ownership of the descriptors. */
static void take_message(struct zygote *z, union control_message *m, size_t len, const int *fds,
                         int count)
{
    const char *why = NULL;
    size_t n = 0;
    enum claim said = claims_take(&z->claims, m, len, count, &n, &why);
    if (said != CLAIM_FORKED)
        close_those(fds, count);
    switch (said) {
    case CLAIM_UP:
        if (z->state == ZYGOTE_STARTING)
            take_up(z, &m->up);
        break;
    case CLAIM_FAILED:
        take_failed(z, &m->failed);
        break;
    case CLAIM_FORKED:
        take_forked(z, &m->forked, count ? fds[0] : -1);
        break;
    case CLAIM_EXITED:
        take_exited(z, m->exited, n);
        break;
    case CLAIM_LIE:
        zygote_fail(z, ERR_PROTOCOL, why);
        break;
    }
}

/* Room for one descriptor beside a message, which the kernel's rounding makes two: all that came
 * are ours to close. */
#define DESCRIPTORS_MAX ((CMSG_SPACE(sizeof(int)) - CMSG_LEN(0)) / sizeof(int))

static int take_descriptors(struct msghdr *m, int fds[DESCRIPTORS_MAX])
{
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
        return 0;
    size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof fds[0];
    CHECK(n <= DESCRIPTORS_MAX);
    memcpy(fds, CMSG_DATA(c), n * sizeof fds[0]);
    return (int)n;
}

/* Several at a time, since they come in several: each has its room in all of these. */
#define AT_ONCE 8

struct heard {
    union control_message message[AT_ONCE];
    struct iovec v[AT_ONCE];
    struct mmsghdr m[AT_ONCE];
    _Alignas(struct cmsghdr) char control[AT_ONCE][CMSG_SPACE(sizeof(int))];
};

static int receive(struct zygote *z, struct heard *h)
{
    for (int i = 0; i < AT_ONCE; i++) {
        h->v[i] = (struct iovec){&h->message[i], sizeof h->message[i]};
        h->m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &h->v[i],
                                               .msg_iovlen = 1,
                                               .msg_control = h->control[i],
                                               .msg_controllen = sizeof h->control[i]}};
    }
    int n = recvmmsg(z->control, h->m, AT_ONCE, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        zygote_end(z); /* its exit status says more than its silence */
    return n;
}

void zygote_hear(struct zygote *z, int most)
{
    struct heard h;
    bool over =
        false; /* end of file, or a callback has freed the zygote: the rest is closed only */
    for (int n = AT_ONCE; n == AT_ONCE && most > 0 && !over; most -= n) {
        n = receive(z, &h);
        for (int i = 0; i < n; i++) {
            struct msghdr *m = &h.m[i].msg_hdr;
            size_t len = h.m[i].msg_len;
            int fds[DESCRIPTORS_MAX], count = take_descriptors(m, fds);
            if (len == 0)
                zygote_end(z);
            over = over || len == 0 || z->freeing;
            if (over) {
                close_those(fds, count);
                continue;
            }
            memset((char *)&h.message[i] + len, 0, sizeof h.message[i] - len);
            take_message(z, &h.message[i], m->msg_flags & MSG_TRUNC ? 0 : len, fds, count);
        }
    }
}
