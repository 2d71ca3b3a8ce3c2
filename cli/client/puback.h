/* JetStream's answer to a published message: the proof that it is durable. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/client/client.h"

struct puback {
    char stream[80];
    int64_t seq;
    bool duplicate;
};

/* ERR_LIMIT: the stream is full, it may be taken later. ERR_UNAVAILABLE: refused otherwise.
 * ERR_PROTOCOL: that was no JetStream. */
int puback_read(const struct link_msg *m, struct puback *p, struct err *e);

/* Publishes one message and waits for the answer, running the loop. what: for messages, "the
 * cancel". */
int puback_publish(struct client *c, const char *what, const char *subject, const char *data,
                   size_t len, struct puback *p, struct err *e);
