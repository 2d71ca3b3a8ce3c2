#include "sandbox/zygote/peer.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/zygote/wire.h"

enum { EXIT_PEER_GONE = 0 };

void peer_write(struct iovec *v, int n)
{
    while (n > 0) {
        ssize_t w = writev(CELL_FD, v, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            _exit(EXIT_PEER_GONE);
        while (n > 0 && (size_t)w >= v->iov_len) {
            w -= (ssize_t)v->iov_len;
            v++;
            n--;
        }
        if (n > 0) {
            v->iov_base = (char *)v->iov_base + w;
            v->iov_len -= (size_t)w;
        }
    }
}

bool peer_readable(int64_t wait_us)
{
    struct pollfd p = {.fd = CELL_FD, .events = POLLIN};
    struct timespec t = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
    return ppoll(&p, 1, wait_us < 0 ? NULL : &t, NULL) > 0;
}

void peer_read(char *to, size_t cap, size_t *got)
{
    ssize_t n;
    do
        n = read(CELL_FD, to, cap);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        _exit(EXIT_PEER_GONE);
    *got += (size_t)n;
}
