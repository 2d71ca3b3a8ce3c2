/* What the files of a connection share: link.c, link_wait.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "link/link.h"
#include "link/outbox.h"

#define LINK_TEXT_MAX  256
#define LINK_INBOX_MAX 96

struct link {
    uv_loop_t *loop;
    struct link_events ev;
    void *arg;
    struct native *native;
    struct sockpoll *poll;
    struct mailbox *mailbox;
    struct asked *asked;
    struct outbox outbox;
    struct list subs;
    struct link_sub *many; /* replies to link_request_many(); NULL before its first */
    char many_inbox[LINK_INBOX_MAX];
    bool up;     /* connected, as far as the loop knows */
    bool closed; /* for good */
    bool closing, tls;
    bool dealing; /* messages are being handed out */
    int handles;  /* open ones: freed with the last */
    char last_error[LINK_TEXT_MAX];
};

/* Writes what waits, says "no more", and reads until the server has closed its side too: then it
 * has taken everything. Blocks until until_us (clock_mono_us()) at the latest. */
void link_push_out(struct link *l, int64_t until_us);
