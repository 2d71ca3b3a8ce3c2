/* Consumers of the other kind (nats.consumers: one for each class, or one for each tenant and
 * class), as earlier versions and other settings leave them. In a work-queue stream no subject may
 * belong to two consumers, so those go before ours can be made: but not while a worker still uses
 * them. Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"
#include "link/link.h"
#include "link/subjects.h"

/* What was seen the last time: kept by the caller from one look to the next, all 0 at first. */
struct rivals_seen {
    uint64_t print; /* of all that moves when a worker uses them */
    int64_t since_us;
};

struct rivals;

/* why NULL: none is left. ERR_UNAVAILABLE: some are in use, ask again in a while (or no answer).
 * ERR_INVALID: a person must remove one that is not ours. */
typedef void (*rivals_done)(const struct err *why, void *arg);

/* Looks, and deletes all that are of the other kind if nobody uses any of them: no pull waits and
 * no job is unacked, or nothing has moved for twice the ack_wait (workers that died with jobs in
 * their hands). `done` comes in a later turn of the loop, once. c, s and seen are kept until then.
 */
int rivals_begin(struct link *l, const struct config *c, const struct subjects *s,
                 struct rivals_seen *seen, rivals_done done, void *arg, struct rivals **out,
                 struct err *e);
void rivals_cancel(struct rivals *r); /* no call any more; NULL is fine */
