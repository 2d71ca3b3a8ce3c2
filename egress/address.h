/* What an Internet address is good for: public, or which special purpose it has. Pure. Any thread.
 *
 * The table follows the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190)
 * and is stricter where the registry calls a block reachable that no script has business with
 * (anycast of relays, ORCHID): a refused address that should not be is an entry in
 * tenants[].egress_private, the opposite is a hole. */
#pragma once

#include "base/ip.h"

enum address_class {
    ADDRESS_PUBLIC,
    ADDRESS_UNSPECIFIED,   /* 0.0.0.0/8, :: (Linux connects to loopback there) */
    ADDRESS_LOOPBACK,      /* 127.0.0.0/8, ::1 */
    ADDRESS_PRIVATE,       /* RFC 1918 */
    ADDRESS_SHARED,        /* carrier-grade NAT */
    ADDRESS_LINK_LOCAL,    /* 169.254.0.0/16, fe80::/10 */
    ADDRESS_METADATA,      /* where clouds hand out a machine's credentials */
    ADDRESS_UNIQUE_LOCAL,  /* fc00::/7, and fec0::/10 that was before it */
    ADDRESS_MULTICAST,     /* 224.0.0.0/4, ff00::/8 */
    ADDRESS_BROADCAST,     /* 255.255.255.255 */
    ADDRESS_DOCUMENTATION, /* 192.0.2.0/24 … 2001:db8::/32 */
    ADDRESS_BENCHMARKING,  /* 198.18.0.0/15, 2001:2::/48 */
    ADDRESS_PROTOCOL,      /* IETF protocol assignments: 192.0.0.0/24, 2001::/23, ORCHID, SRv6 */
    ADDRESS_RESERVED,      /* 240.0.0.0/4; IPv6 outside 2000::/3 */
    ADDRESS_DISCARD,       /* 100::/64 */
    ADDRESS_MAPPED,        /* ::ffff:0:0/96 */
    ADDRESS_COMPATIBLE,    /* ::/96, and ::ffff:0:0:0/96 */
    ADDRESS_NAT64,         /* 64:ff9b::/96 of an address that is not public; 64:ff9b:1::/48 */
    ADDRESS_6TO4,          /* 2002::/16, and the relays 192.88.99.0/24 */
    ADDRESS_TEREDO,        /* 2001::/32 */
    ADDRESS_CLASSES
};

struct address_kind {
    enum address_class cls;
    const char *name;   /* "private" */
    const char *source; /* "RFC 1918"; "" for public */
    /* False: no list of an operator can open it. Metadata; what is no destination of a connection;
     * forms that hide an IPv4 address. */
    bool can_be_allowed;
    struct ip inner;                /* the IPv4 address inside a transition form; family 0: none */
    enum address_class inner_class; /* of inner */
};

struct address_kind address_kind(const struct ip *ip);

extern const char *const address_class_names[ADDRESS_CLASSES]; /* "public", "unspecified", … */

/* "10.0.0.5 (private, RFC 1918)", "64:ff9b::a00:5 (NAT64 of 10.0.0.5, private, RFC 6052)" */
#define ADDRESS_SHOWN 160
void address_show(const struct ip *ip, char out[ADDRESS_SHOWN]);
