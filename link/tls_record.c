#include "link/tls_record.h"

#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define RECORD_HEAD 5 /* RFC 8446 section 5.1: type, version, length of what follows */

/* poll() and epoll report the socket from this many bytes on. */
static void readable_from(int fd, int bytes)
{
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

static bool at_its_end(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    return poll(&p, 1, 0) > 0;
}

bool tls_record_whole(int fd)
{
    uint8_t head[RECORD_HEAD];
    int there = 0;
    if (ioctl(fd, FIONREAD, &there) || there == 0)
        return true; /* an end or an error: for the library to find */
    int need = RECORD_HEAD;
    if (there >= need) {
        if (recv(fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT) != RECORD_HEAD)
            return true;
        need += head[3] << 8 | head[4];
    }
    if (there >= need || at_its_end(fd)) {
        readable_from(fd, 1);
        return true;
    }
    readable_from(fd, need);
    return false;
}
