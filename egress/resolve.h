/* A URL through policy and DNS to a decision: the one call a service makes before it connects.
 * Nothing is asked of DNS for a host that the policy refuses, for an address, or for names that are
 * not DNS's: "localhost" is 127.0.0.1, .onion, .local and .invalid are nowhere. Loop thread only.
 */
#pragma once

#include "egress/dns.h"
#include "egress/policy.h"

struct resolution;

/* d: the record, EGRESS_ALLOWED with why NULL, else EGRESS_DENIED or EGRESS_FAILED with why. d is
 * the callee's until it returns: copy it. Comes once, in a later turn of the loop; with it the
 * handle ends. */
typedef void (*egress_resolved)(void *arg, const struct egress_decision *d, const struct err *why);

/* url is copied, p must outlive the call of `done`. */
struct resolution *egress_resolve(uv_loop_t *loop, struct dns *dns, const struct egress_policy *p,
                                  const char *url, size_t len, egress_resolved done, void *arg);
/* The next hop of a redirect: see egress_policy_redirect(). `from` need not outlive the call. */
struct resolution *egress_resolve_redirect(uv_loop_t *loop, struct dns *dns,
                                           const struct egress_policy *p,
                                           const struct egress_decision *from, const char *url,
                                           size_t len, int max_hops, egress_resolved done,
                                           void *arg);
/* Ends it without a call of `done`. */
void egress_resolve_cancel(struct resolution *r);
