/* A worker among others: its entry in the registry (registry.h), and the request by which it is
 * asked, by name, to drain (docs/protocol.md "Workers"). Loop thread only. */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "config/config.h"
#include "executor/executor.h"
#include "executor/cluster/worker_entry.h"
#include "link/link.h"
#include "link/subjects.h"

struct presence;

#define DRAIN_GRACE_MS     10000 /* running jobs may end for so long, unless asked otherwise */
#define DRAIN_GRACE_MOST_S 86400

struct presence_events {
    void (*held)(void *arg); /* our name is our own: jobs may be taken */
    /* It is not: ERR_EXISTS names the other. Also later, when it was taken while we were away. */
    void (*refused)(const struct err *why, void *arg);
    void (*drain)(int grace_ms, void *arg);
    enum worker_state (*state)(void *arg);
};

struct presence_context {
    uv_loop_t *loop;
    const struct config *config;
    const struct subjects *subjects;
    struct link *link;
    struct executor *executor;
};

/* With nats.heartbeat_s 0 there is no registry and nobody can ask to drain; `held` comes all the
 * same, before this returns. */
int presence_open(const struct presence_context *ctx, const struct presence_events *ev, void *arg,
                  struct presence **out, struct err *e);
void presence_tell(
    struct presence *p); /* the state is another: others are told now. NULL is fine */
void presence_done(struct presence *p); /* one result more; NULL is fine */
/* Takes the entry away. Before link_close(). NULL is fine. */
void presence_close(struct presence *p);
