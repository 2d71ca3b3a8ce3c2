/* A TCP connection to what was decided about, and to nothing else: it takes a decision, not a name,
 * so a name that answers differently the second time has no second time. Loop thread only.
 *
 * Addresses are tried in the order of RFC 8305 (families in turn, IPv6 first), the next one
 * CONNECT_STAGGER_MS after the one before or as soon as that failed; the first to connect wins. */
#pragma once

#include <uv.h>

#include "egress/decision.h"

#define CONNECT_STAGGER_MS 250 /* RFC 8305 section 5 */
#define CONNECT_TRIES_MAX  8   /* addresses of one decision that are tried */

struct connecting;

/* fd >= 0: connected, non-blocking, close-on-exec, the callee's to close; peer: who it is. Or fd -1
 * and why: ERR_UNAVAILABLE (all addresses refuse), ERR_TIMEOUT, ERR_DENIED (the decision does not
 * allow it, or the socket's peer is not what was decided about). Comes once, in a later turn of the
 * loop; with it the handle ends. */
typedef void (*egress_connected)(void *arg, int fd, const struct ip *peer, const struct err *why);

/* d is copied. timeout_ms: for all addresses together. */
struct connecting *egress_connect(uv_loop_t *loop, const struct egress_decision *d,
                                  int64_t timeout_ms, egress_connected done, void *arg);
/* Ends it without a call of `done`. */
void egress_connect_cancel(struct connecting *c);
