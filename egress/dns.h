/* Names to addresses on the loop: the one door to c-ares. DNS alone, A and AAAA together: no hosts
 * file, no search domains, no aliases of the environment (HOSTALIASES, LOCALDOMAIN), so that what
 * an operator allowed by name means the same on every worker. Loop thread only.
 *
 * Bounded: `max_lookups` run at once, DNS_WAITING_MAX wait behind them, each ends after its
 * time-out (waiting included), and gives at most DNS_ADDRESSES_MAX addresses. Each lookup has
 * sockets of its own and with them source ports of its own (RFC 5452). */
#pragma once

#include <uv.h>

#include "base/ip.h"
#include "config/config.h"

#define DNS_ADDRESSES_MAX 64
#define DNS_WAITING_MAX   1024

struct dns;
struct dns_lookup;

/* Takes resolvers, time-out and bounds from c (copied). ERR_UNAVAILABLE. */
int dns_open(uv_loop_t *loop, const struct egress_config *c, struct dns **out, struct err *e);

/* Lookups that are under way end with ERR_UNAVAILABLE, now; `closed` comes in a later turn. */
void dns_close(struct dns *d, void (*closed)(void *arg), void *arg);

/* n >= 1 addresses without doubles, in the order of the answers, IPv4 in front, and why NULL; or
 * n 0 and why: ERR_NOT_FOUND (no such name, or one without addresses), ERR_LIMIT (too many of
 * them), ERR_TIMEOUT, ERR_UNAVAILABLE (the servers fail or refuse; too many lookups wait),
 * ERR_PROTOCOL (what came is no answer). Where one of the two questions has addresses and the other
 * fails, the addresses count. */
typedef void (*dns_done)(void *arg, const struct ip *ips, int n, const struct err *why);

/* name: as host_parse() gives it. `done` comes once, in a later turn of the loop; with it the
 * handle ends. */
struct dns_lookup *dns_lookup(struct dns *d, const char *name, dns_done done, void *arg);
/* Ends it without a call of `done`. */
void dns_cancel(struct dns_lookup *l);
