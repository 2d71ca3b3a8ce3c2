/* May a job connect there? The one place that says so. Default: no.
 *
 * In order: the URL is readable and of a scheme we speak; its port is none of the bad ones; an
 * entry of permissions.net fits host and port; and then, after resolution, *every* address of the
 * answer is public or listed in the tenant's egress_private. One address that is neither refuses
 * them all: an answer that mixes the two is an attack or a mistake, and to pick the good half would
 * hide it.
 *
 * DNS rebinding has nothing to hold on to: a name is resolved once for each hop, what was decided
 * about is what is connected to (egress/connect.h), and the connected socket's peer is checked
 * against it again (egress_check_sockaddr()).
 *
 * A policy is immutable: any thread. */
#pragma once

#include "config/config.h"
#include "config/permissions.h"
#include "egress/decision.h"

struct egress_policy;

/* net: what the job may reach (its own list, which its tenant's covers). Copies both. ERR_INVALID
 * on an entry that is none, and on an entry of `inside` for addresses that nothing can open. */
int egress_policy_new(const struct permission_entries *net, const struct ip_block *inside,
                      int inside_count, struct egress_policy **out, struct err *e);
void egress_policy_free(struct egress_policy *p);

/* Every tenant's lists, as a policy would read them: for the start of a worker. */
int egress_check_config(const struct config *c, struct err *e);

/* What the URL itself says: scheme, credentials, port, host against the list. 0: d is EGRESS_OPEN
 * and wants addresses. ERR_DENIED or ERR_INVALID: d is EGRESS_DENIED, and e has the same words. */
int egress_policy_host(const struct egress_policy *p, const char *url, size_t len,
                       struct egress_decision *d, struct err *e);

/* The same for the next hop of a redirect: `from` is the decision that the last hop was made with,
 * url the absolute URL it points to. Also: at most max_hops redirects; no way from https to http or
 * from wss to ws, none between HTTP and WebSocket. */
int egress_policy_redirect(const struct egress_policy *p, const struct egress_decision *from,
                           const char *url, size_t len, int max_hops, struct egress_decision *d,
                           struct err *e);

/* What its name stands for (n >= 1). d must be EGRESS_OPEN; becomes EGRESS_ALLOWED (0) or
 * EGRESS_DENIED (ERR_DENIED). */
int egress_policy_addresses(const struct egress_policy *p, struct egress_decision *d,
                            const struct ip *ips, int n, struct err *e);

/* It has no addresses: why->code ERR_NOT_FOUND and ERR_LIMIT deny, all others fail. Returns that
 * code. */
int egress_policy_unresolved(struct egress_decision *d, const struct err *why, struct err *e);

/* The last line of defence, for connect() and for libcurl's CURLOPT_OPENSOCKETFUNCTION and
 * CURLOPT_SOCKOPTFUNCTION: 0 when that is an address and the port d was allowed for; else
 * ERR_DENIED.
 */
int egress_check_sockaddr(const struct egress_decision *d, const struct sockaddr *sa, socklen_t len,
                          struct err *e);

/* An entry for libcurl's CURLOPT_RESOLVE ("host:443:192.0.2.1,[2001:db8::1]"): pins what was
 * decided, so that libcurl resolves nothing. d must be EGRESS_ALLOWED. */
void egress_pin(const struct egress_decision *d, struct buf *out);
