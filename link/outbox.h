/* What is published while there is no connection: kept in order up to LINK_PENDING_MAX bytes, sent
 * when there is one again. Knows nothing of NATS. Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "link/link.h"

struct outbox {
    struct list kept;
    size_t bytes;
};

/* Everything in one block of memory: the pointers lead into it. */
struct kept_message {
    struct list node;
    size_t size;
    const char *subject, *reply; /* reply NULL: none */
    const void *data;
    size_t len;
    int header_count;
    struct link_header headers[];
};

void outbox_init(struct outbox *o);
/* False: it would be over LINK_PENDING_MAX; nothing is kept. */
bool outbox_add(struct outbox *o, const char *subject, const char *reply,
                const struct link_header *headers, int header_count, const void *data, size_t len);
/* The oldest, caller frees with free(); NULL: empty. */
struct kept_message *outbox_take(struct outbox *o);
/* Puts what outbox_take() gave back in front. */
void outbox_put_back(struct outbox *o, struct kept_message *m);
void outbox_clear(struct outbox *o);
