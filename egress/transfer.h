/* One request of a script, to the end: the URL through policy and DNS, then HTTP to what was
 * decided about. A redirect is a response like any other: who follows it starts a transfer that
 * says where it comes from, which is decided about like the first (policy.h). Loop thread only. */
#pragma once

#include "egress/dns.h"
#include "egress/http.h"
#include "egress/policy.h"

struct transfer;

struct transfer_request {
    const struct egress_policy *policy; /* lives as long as the transfer */
    const char *url;                    /* serialised; "#…" is cut off; http or https */
    size_t url_len;
    /* With `from`: the decision of the request that was redirected here. */
    const struct egress_decision *from;
    int max_hops;
    struct http_request http; /* but for its path */
};

struct transfer_events {
    /* Where it may go, or why not: for the log. Before all else, once; not when cancelled before.
     */
    void (*decided)(void *arg, const struct egress_decision *d);
    struct http_events http; /* `end` also for what policy refused: ERR_DENIED, ERR_INVALID */
};

struct transfer *transfer_start(struct http_client *c, struct dns *dns,
                                const struct transfer_request *r, const struct transfer_events *ev,
                                void *arg);
/* What was decided; verdict EGRESS_OPEN until then. */
const struct egress_decision *transfer_decision(const struct transfer *t);
/* As in http.h. */
int transfer_send(struct transfer *t, const char *p, size_t n, struct err *e);
int transfer_send_end(struct transfer *t, struct err *e);
void transfer_resume(struct transfer *t);
void transfer_cancel(struct transfer *t);
int64_t transfer_sent(const struct transfer *t);
int64_t transfer_received(const struct transfer *t);
/* New connections that were made for it, so far. */
int transfer_connects(const struct transfer *t);
