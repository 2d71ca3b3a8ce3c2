/* One socket of a library that brings no loop of its own, polled by a libuv loop. The library says
 * from any thread which socket it is and what it wants to do with it; the owner's calls come from
 * the loop alone.
 *
 * Writing is not waited for but tried: the first wish to write in a turn of the loop makes one call
 * of `writable` before the loop waits again, whatever was added until then going out in one write;
 * only when the socket did not take it all is it polled for room. A lone message leaves within
 * microseconds, and no epoll_ctl() is paid for it. */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "base/err.h"

struct sockpoll;

struct sockpoll_calls {
    void (*readable)(void *owner);
    /* Writes what there is, and takes the wish back (sockpoll_want_write(p, false)) when all went.
     */
    void (*writable)(void *owner);
    void (*closed)(void *owner); /* after sockpoll_close(): nothing is left */
};

/* Loop thread. */
int sockpoll_open(uv_loop_t *loop, const struct sockpoll_calls *calls, void *owner,
                  struct sockpoll **out, struct err *e);
/* Ends without a further call but `closed`, which comes in a later turn of the loop. Loop thread.
 */
void sockpoll_close(struct sockpoll *p);

/* Any thread. Polls fd for reading from now on, instead of the one before. The caller may close its
 * fd whenever it likes: p works on a duplicate. 0 or <0. */
int sockpoll_attach(struct sockpoll *p, int fd);
/* Any thread. No more of that socket. */
void sockpoll_detach(struct sockpoll *p);
/* Any thread. */
void sockpoll_want_write(struct sockpoll *p, bool want);

/* The socket that is polled, -1: none. Loop thread; p's own. */
int sockpoll_fd(const struct sockpoll *p);
