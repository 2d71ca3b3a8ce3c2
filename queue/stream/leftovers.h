/* Messages of the jobs stream that no consumer hands out any more: jobs that used up all of
 * nats.max_deliver (each delivery cost a worker its life), and messages that were acked and that a
 * nats-server brought back when it was killed. Every job has to have a result, and both count
 * against nats.max_queued: so each is told as a delivery, its handler finds out whether there is a
 * result, makes one if not, and acks it, which removes the message. Loop thread only. */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "config/config.h"
#include "link/link.h"
#include "link/subjects.h"
#include "queue/stream/intake.h"

struct leftovers;

/* Ownership of d goes to the handler; d->leftover_of is set, d->delivered is nats.max_deliver.
 * intake_ack(): the message is removed. Handed back or only freed: it is told again at the next
 * look. */
typedef void (*leftover_found)(struct delivery *d, void *arg);

/* Looks soon, and every LEFTOVERS_EVERY_MS. */
#define LEFTOVERS_SOON_MS  1500
#define LEFTOVERS_EVERY_MS 30000
int leftovers_open(uv_loop_t *loop, struct link *l, const struct config *c,
                   const struct subjects *s, leftover_found found, void *arg,
                   struct leftovers **out, struct err *e);

/* After the server may have been restarted. */
void leftovers_look_soon(struct leftovers *l);

/* No more are told; those in the handler's hands may still be freed. NULL is fine. */
void leftovers_close(struct leftovers *l);

/* For intake.c: the message goes; a delivery of ours was freed. */
void leftovers_remove(struct leftovers *l, uint64_t seq);
void leftovers_freed(struct leftovers *l);
