/* Places that workers take up for a time, cluster-wide: at most so many for a key. They are kept in
 * the key-value bucket ISOLANE_LEASES, one entry a place, whose time to live is the cluster's:
 *
 *   ASKING ──► HELD ──► (released: the entry is deleted)
 *    │  ▲       │ renewed every third of the time to live
 *    ▼  │       └──► LOST: could not be renewed in time, or somebody else has it
 *   WAITING (all places are taken)
 *
 * A worker that dies renews nothing: its entries expire at the server. Whoever holds one counts
 * from the moment it SENT its last renewal and gives up before the server can have let it expire,
 * so two do not hold the same place, whatever the wire does. Every write names the revision it
 * replaces.
 *
 * Nothing is made or followed before the first lease is asked for. Loop thread only. */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "config/config.h"
#include "link/link.h"
#include "link/subjects.h"

struct leases;
struct lease;

#define LEASE_KEY_MAX    180 /* bytes of a key, of what may stand in a KV key */
#define LEASE_PLACES_MAX 100

struct lease_events {
    /* From a later turn of the loop. */
    void (*got)(struct lease *x, void *arg);
    void (*waits)(struct lease *x, void *arg); /* no place is free; once, `got` follows some time */
    /* It was held, and is not any more: what it guards must stop. lease_release() follows. */
    void (*lost)(struct lease *x, void *arg);
};

struct leases *leases_open(uv_loop_t *loop, struct link *l, const struct config *c,
                           const struct subjects *s);
/* Releases all; their owners must not touch them any more. NULL is fine. */
void leases_close(struct leases *l);

/* Asks for one of `limit` places (1..LEASE_PLACES_MAX) of key. First come, first served among those
 * of this worker; between workers whoever is quicker. */
struct lease *lease_ask(struct leases *l, const char *key, int limit, const struct lease_events *ev,
                        void *arg);
bool lease_held(const struct lease *x);
/* How many of this worker wait for that key. */
int lease_waiting(const struct lease *x);
/* In any state; x is gone. Also from inside an event. NULL is fine. */
void lease_release(struct lease *x);
