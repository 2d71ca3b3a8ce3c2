/* A worker's entry in the registry: the key-value bucket ISOLANE_WORKERS of the cluster, one key a
 * worker's name. It says who is there (`isolane workers`), and it keeps names unique: results are
 * told apart by worker, and drains go by name.
 *
 *   MAKING ──► CLAIMING ──► HELD ──► (closed: the entry is removed)
 *               ▲    │        │ somebody else's entry is there: refused
 *               │    ▼        ▼
 *               └─ LOOKING ◄──┘ it is not as we left it
 *
 * An entry that is there belongs to another instance of that name. It is taken over when that
 * process was one of this machine and is gone, or when it has missed WORKER_SILENT heartbeats by
 * our own clock (no two clocks are compared); when a heartbeat comes, we are refused. Every write
 * names the revision that it replaces, so two that take over at once do not both succeed.
 *
 * Loop thread only. */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "executor/cluster/worker_entry.h"
#include "link/link.h"

struct registry;

struct registry_options {
    const char *bucket; /* kept */
    const char *worker; /* name; copied */
    int64_t heartbeat_ms;
    int replicas;
};

struct registry_events {
    /* What the entry says, as it is now; worker, instance, host, process, version, pid and times
     * are the registry's own to fill. */
    void (*fill)(struct worker_entry *out, void *arg);
    void (*held)(void *arg); /* once: the name is ours */
    /* The name is another's (ERR_EXISTS), or JetStream does not let us have an entry. After `held`:
     * it was taken from us while we were not heard of. Only registry_close() makes sense then. */
    void (*refused)(const struct err *why, void *arg);
};

struct registry *registry_open(uv_loop_t *loop, struct link *l, const struct registry_options *o,
                               const struct registry_events *ev, void *arg);
/* Something changed that others should know now: a heartbeat out of turn. NULL is fine. */
void registry_tell(struct registry *r);
/* This run's own: 32 hex digits. */
const char *registry_instance(const struct registry *r);
/* Removes the entry, as far as the connection lets us before link_close(). NULL is fine. */
void registry_close(struct registry *r);
