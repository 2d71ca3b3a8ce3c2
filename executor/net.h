/* The worker's way out for scripts: one resolver for all, and for each tenant connections of its
 * own, which no other tenant's requests use. Made when first used; a tenant's are closed when it
 * has used none for NET_IDLE_MS. Loop thread only. */
#pragma once

#include <uv.h>

#include "config/config.h"
#include "egress/dns.h"
#include "egress/http.h"

#define NET_IDLE_MS         30000
#define NET_CONNECTIONS_MAX 64  /* of one tenant at once; requests beyond wait */
#define NET_SOCKETS_MAX     256 /* of one tenant at once, apart from those; more wait */

struct net;

/* c lives as long as it. */
struct net *net_open(uv_loop_t *loop, const struct config *c);
/* All clients are given back. Memory goes with the loop. NULL is fine. */
void net_close(struct net *n);

/* ERR_UNAVAILABLE: no resolver. */
int net_dns(struct net *n, struct dns **out, struct err *e);
/* Connections for requests, and those that stay (WebSockets): the ones do not wait for the others.
 */
enum net_use { NET_REQUESTS, NET_SOCKETS, NET_USES };

/* To be given back. ERR_UNAVAILABLE: no libcurl. */
int net_client(struct net *n, const char *tenant, enum net_use use, struct http_client **out,
               struct err *e);
void net_client_back(struct net *n, const char *tenant, enum net_use use);
