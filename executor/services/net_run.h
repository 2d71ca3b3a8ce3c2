/* What a run may do on the network, and has done: shared by the services that go there (fetch.c,
 * websocket.c). Made at the first use; lives until the run's other states are gone. Loop thread. */
#pragma once

#include "egress/policy.h"
#include "executor/services/service.h"

/* For the result's usage (docs/protocol.md). */
struct egress_use {
    int64_t requests;       /* begun: hops of redirects and WebSockets count; refused ones too */
    int64_t denied;         /* of them, by policy */
    int64_t connections;    /* made */
    int64_t sent, received; /* bytes: bodies of requests and responses, all of a WebSocket */
};

struct net_run {
    const struct service_world *world;
    struct attempt *attempt;
    struct egress_policy *policy; /* of the job's permissions and its tenant's addresses */
    struct egress_use use;
    int denials_logged;
};

/* The present run's. ERR_INVALID: the permissions make no policy. */
int net_run_of(const struct service_call *c, struct net_run **out, struct err *e);

/* May one more request be made? It is counted. ERR_LIMIT. */
int net_run_begin(struct net_run *r, struct err *e);
/* What was decided about one: counted and logged. */
void net_run_decided(struct net_run *r, const struct egress_decision *d);
/* Bytes have moved. ERR_LIMIT: more than one attempt may move. */
int net_run_moved(struct net_run *r, int64_t sent, int64_t received, struct err *e);

/* The run's use as a JSON object; adds nothing where nothing was asked for. */
void net_run_json(const struct service_run *run, struct buf *out);
