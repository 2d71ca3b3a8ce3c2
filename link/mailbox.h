/* What threads of a library have to say, handed to the loop in batches: one lock, one wake-up for
 * all that came since the last. Order is kept. */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/list.h"

struct mailbox;

/* A letter is intrusive: the first member of what is sent. */
struct letter {
    struct list node;
};

/* From the loop, once for each letter, which it then owns. */
typedef void (*mailbox_reader)(struct letter *l, void *arg);

/* Loop thread. */
int mailbox_open(uv_loop_t *loop, mailbox_reader read, void *arg, struct mailbox **out,
                 struct err *e);
/* Any thread. */
void mailbox_post(struct mailbox *m, struct letter *l);
/* Reads what is there. Loop thread; not from inside a reader. */
void mailbox_read(struct mailbox *m);
/* Loop thread, when nobody posts any more: reads what is there, then closes; `closed` comes in a
 * later turn of the loop. */
void mailbox_close(struct mailbox *m, void (*closed)(void *arg));
