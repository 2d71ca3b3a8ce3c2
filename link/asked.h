/* Requests that wait for their reply: each has a number, which is the last token of its reply
 * subject, and a deadline. Knows nothing of NATS. Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "link/link.h"

struct asked;

struct asked *asked_new(uv_loop_t *loop);

/* Notes a request and gives its number (never 0). subject is copied: messages name it. of_many: see
 * asked_fail_many(). */
uint64_t asked_add(struct asked *a, const char *subject, bool of_many, int timeout_ms,
                   link_reply cb, void *arg);
/* Forgets it without a call: it was not sent after all. */
void asked_drop(struct asked *a, uint64_t number);

/* Its reply is here: cb is called. A number nobody waits for (any more) does nothing. */
void asked_reply(struct asked *a, uint64_t number, struct link_msg *m);
/* All that wait get `why`. */
void asked_fail_all(struct asked *a, const struct err *why);
/* Nobody answered one of those that are of many, which one is not known: they all are told so. */
void asked_fail_many(struct asked *a);

/* What the server last refused, put behind the text of a time-out that it may explain; "": nothing.
 * Must live until changed. */
void asked_set_hint(struct asked *a, const char *hint);

/* Nothing may wait any more. `closed` comes in a later turn of the loop. */
void asked_close(struct asked *a, void (*closed)(void *arg), void *arg);
