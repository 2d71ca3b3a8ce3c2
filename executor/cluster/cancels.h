/* Cancels of many jobs at once: all of a tenant, or those of a batch (docs/protocol.md "Cancel").
 *
 * A cancel is a message on isolane.cancels.<tenant>[.<batch>]; the stream keeps the newest of each
 * subject. It holds for every job that was published before the stream took it, wherever that job
 * is now and whichever worker meets it, also one that starts later: each follows the stream, asks
 * cancels_hold() of every job that comes, and is told of new ones for the jobs it has. Loop thread
 * only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "link/link.h"
#include "link/subjects.h"

struct cancels;

struct cancels_context {
    uv_loop_t *loop;
    struct link *link;
    const struct subjects *subjects; /* kept */
    int replicas;                    /* of the stream, where it is made */
};

struct cancels_events {
    /* The stream of groups is there (again); NULL: nobody else needs it. */
    void (*there)(void *arg);
    void (*ready)(void *arg); /* once: what was stored is known; no job may start before */
    /* A new one: jobs at hand that cancels_hold() are to be cancelled. */
    void (*cancelled)(void *arg);
};

struct cancels *cancels_open(const struct cancels_context *ctx, const struct cancels_events *ev,
                             void *arg);
/* True when a job of that tenant and id, published then (real time), is cancelled. */
bool cancels_hold(const struct cancels *c, const char *tenant, const char *id,
                  int64_t published_at_us);
void cancels_close(struct cancels *c); /* NULL is fine */
