/* How this works: the longest prefix in the table that fits decides; IPv4 that fits none is public,
 * IPv6 only inside 2000::/3. Forms that carry an IPv4 address inside (mapped, compatible, NAT64,
 * 6to4, Teredo) are taken apart and that address is looked up as well: where metadata services live
 * is "metadata" in every spelling, and only NAT64's well-known prefix, which networks without IPv4
 * answer with for every name (RFC 6147), is as public as what is inside. */
#include "egress/address.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Where the inner IPv4 address lies. */
enum inner { INNER_NONE, INNER_LAST, INNER_6TO4, INNER_TEREDO };

struct row {
    const char *prefix;
    enum address_class cls;
    const char *source;
    enum inner inner;
};

/* One place for the documents: https://www.iana.org/assignments/iana-ipv4-special-registry and
 * …/iana-ipv6-special-registry. Metadata addresses come from the clouds' own manuals. */
static const struct row table[] = {
    {"0.0.0.0/8", ADDRESS_UNSPECIFIED, "RFC 791", INNER_NONE},
    {"10.0.0.0/8", ADDRESS_PRIVATE, "RFC 1918", INNER_NONE},
    {"100.64.0.0/10", ADDRESS_SHARED, "RFC 6598", INNER_NONE},
    {"100.100.100.200", ADDRESS_METADATA, "Alibaba Cloud", INNER_NONE},
    {"127.0.0.0/8", ADDRESS_LOOPBACK, "RFC 1122", INNER_NONE},
    {"168.63.129.16", ADDRESS_METADATA, "Azure", INNER_NONE},
    {"169.254.0.0/16", ADDRESS_LINK_LOCAL, "RFC 3927", INNER_NONE},
    {"169.254.0.23", ADDRESS_METADATA, "Tencent Cloud", INNER_NONE},
    {"169.254.42.42", ADDRESS_METADATA, "Scaleway", INNER_NONE},
    {"169.254.169.0/24", ADDRESS_METADATA, "AWS, Azure, GCP and others", INNER_NONE},
    {"169.254.170.0/24", ADDRESS_METADATA, "AWS containers", INNER_NONE},
    {"172.16.0.0/12", ADDRESS_PRIVATE, "RFC 1918", INNER_NONE},
    {"192.0.0.0/24", ADDRESS_PROTOCOL, "RFC 6890", INNER_NONE},
    {"192.0.0.192", ADDRESS_METADATA, "Oracle Cloud", INNER_NONE},
    {"192.0.2.0/24", ADDRESS_DOCUMENTATION, "RFC 5737", INNER_NONE},
    {"192.88.99.0/24", ADDRESS_6TO4, "RFC 7526", INNER_NONE},
    {"192.168.0.0/16", ADDRESS_PRIVATE, "RFC 1918", INNER_NONE},
    {"198.18.0.0/15", ADDRESS_BENCHMARKING, "RFC 2544", INNER_NONE},
    {"198.51.100.0/24", ADDRESS_DOCUMENTATION, "RFC 5737", INNER_NONE},
    {"203.0.113.0/24", ADDRESS_DOCUMENTATION, "RFC 5737", INNER_NONE},
    {"224.0.0.0/4", ADDRESS_MULTICAST, "RFC 5771", INNER_NONE},
    {"240.0.0.0/4", ADDRESS_RESERVED, "RFC 1112", INNER_NONE},
    {"255.255.255.255", ADDRESS_BROADCAST, "RFC 919", INNER_NONE},

    {"::/96", ADDRESS_COMPATIBLE, "RFC 4291", INNER_LAST},
    {"::", ADDRESS_UNSPECIFIED, "RFC 4291", INNER_NONE},
    {"::1", ADDRESS_LOOPBACK, "RFC 4291", INNER_NONE},
    {"::ffff:0:0/96", ADDRESS_MAPPED, "RFC 4291", INNER_LAST},
    {"::ffff:0:0:0/96", ADDRESS_COMPATIBLE, "RFC 2765", INNER_LAST},
    {"64:ff9b::/96", ADDRESS_NAT64, "RFC 6052", INNER_LAST},
    {"64:ff9b:1::/48", ADDRESS_NAT64, "RFC 8215", INNER_NONE}, /* where it lies is the network's */
    {"100::/64", ADDRESS_DISCARD, "RFC 6666", INNER_NONE},
    {"100:0:0:1::/64", ADDRESS_DISCARD, "RFC 9780", INNER_NONE},
    {"2001::/23", ADDRESS_PROTOCOL, "RFC 2928", INNER_NONE},
    {"2001::/32", ADDRESS_TEREDO, "RFC 4380", INNER_TEREDO},
    {"2001:2::/48", ADDRESS_BENCHMARKING, "RFC 5180", INNER_NONE},
    {"2001:10::/28", ADDRESS_PROTOCOL, "RFC 4843", INNER_NONE},
    {"2001:20::/28", ADDRESS_PROTOCOL, "RFC 7343", INNER_NONE},
    {"2001:db8::/32", ADDRESS_DOCUMENTATION, "RFC 3849", INNER_NONE},
    {"2002::/16", ADDRESS_6TO4, "RFC 3056", INNER_6TO4},
    {"3fff::/20", ADDRESS_DOCUMENTATION, "RFC 9637", INNER_NONE},
    {"5f00::/16", ADDRESS_PROTOCOL, "RFC 9602", INNER_NONE},
    {"fc00::/7", ADDRESS_UNIQUE_LOCAL, "RFC 4193", INNER_NONE},
    {"fd00:42::42", ADDRESS_METADATA, "Scaleway", INNER_NONE},
    {"fd00:c1::a9fe:a9fe", ADDRESS_METADATA, "Oracle Cloud", INNER_NONE},
    {"fd00:ec2::/32", ADDRESS_METADATA, "AWS", INNER_NONE},
    {"fd20:ce::254", ADDRESS_METADATA, "GCP", INNER_NONE},
    {"fe80::/10", ADDRESS_LINK_LOCAL, "RFC 4291", INNER_NONE},
    {"fec0::/10", ADDRESS_UNIQUE_LOCAL, "RFC 3879", INNER_NONE},
    {"ff00::/8", ADDRESS_MULTICAST, "RFC 4291", INNER_NONE},
};

const char *const address_class_names[ADDRESS_CLASSES] = {
    [ADDRESS_PUBLIC] = "public",
    [ADDRESS_UNSPECIFIED] = "unspecified",
    [ADDRESS_LOOPBACK] = "loopback",
    [ADDRESS_PRIVATE] = "private",
    [ADDRESS_SHARED] = "shared by carrier NAT",
    [ADDRESS_LINK_LOCAL] = "link-local",
    [ADDRESS_METADATA] = "cloud metadata",
    [ADDRESS_UNIQUE_LOCAL] = "unique local",
    [ADDRESS_MULTICAST] = "multicast",
    [ADDRESS_BROADCAST] = "broadcast",
    [ADDRESS_DOCUMENTATION] = "documentation",
    [ADDRESS_BENCHMARKING] = "benchmarking",
    [ADDRESS_PROTOCOL] = "protocol assignment",
    [ADDRESS_RESERVED] = "reserved",
    [ADDRESS_DISCARD] = "discard-only",
    [ADDRESS_MAPPED] = "IPv4-mapped",
    [ADDRESS_COMPATIBLE] = "IPv4-compatible",
    [ADDRESS_NAT64] = "NAT64",
    [ADDRESS_6TO4] = "6to4",
    [ADDRESS_TEREDO] = "Teredo",
};

static const struct row *longest(const struct ip *ip)
{
    const struct row *best = NULL;
    int bits = -1;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct ip_block b;
        CHECK(ip_block_parse(table[i].prefix, &b));
        if (ip_in(ip, &b.ip, b.bits) && b.bits > bits) {
            best = &table[i];
            bits = b.bits;
        }
    }
    return best;
}

static struct ip inner_of(const struct ip *ip, enum inner where)
{
    const uint8_t *b = ip->b;
    if (where == INNER_LAST)
        return ip_v4(b[12], b[13], b[14], b[15]);
    if (where == INNER_6TO4)
        return ip_v4(b[2], b[3], b[4], b[5]);
    if (where == INNER_TEREDO) /* the client's address, inverted (RFC 4380 section 4) */
        return ip_v4(b[12] ^ 0xff, b[13] ^ 0xff, b[14] ^ 0xff, b[15] ^ 0xff);
    return (struct ip){0};
}

static bool openable(const struct ip *ip, enum address_class cls)
{
    switch (cls) {
    case ADDRESS_LOOPBACK:
    case ADDRESS_PRIVATE:
    case ADDRESS_SHARED:
    case ADDRESS_UNIQUE_LOCAL:
    case ADDRESS_DOCUMENTATION: /* used inside closed networks, and in tests of them */
    case ADDRESS_BENCHMARKING:
    case ADDRESS_PROTOCOL:
    case ADDRESS_RESERVED:
        return true;
    case ADDRESS_LINK_LOCAL: /* of IPv6 it would need a zone */
        return ip->family == 4;
    default:
        return false;
    }
}

struct address_kind address_kind(const struct ip *ip)
{
    static const struct ip global = {.family = 6, .b = {0x20}};
    const struct row *r = longest(ip);
    struct address_kind k = {.cls = ADDRESS_PUBLIC, .source = ""};
    CHECK(ip->family == 4 || ip->family == 6);
    if (r) {
        k.cls = r->cls;
        k.source = r->source;
        k.inner = inner_of(ip, r->inner);
    } else if (ip->family == 6 && !ip_in(ip, &global, 3)) {
        k.cls = ADDRESS_RESERVED;
        k.source = "RFC 4291";
    }
    if (k.inner.family) {
        struct address_kind inside = address_kind(&k.inner);
        k.inner_class = inside.cls;
        if (inside.cls == ADDRESS_METADATA) {
            k.cls = ADDRESS_METADATA;
            k.source = inside.source;
        } else if (k.cls == ADDRESS_NAT64 && inside.cls == ADDRESS_PUBLIC) {
            k.cls = ADDRESS_PUBLIC;
        }
    }
    k.name = address_class_names[k.cls];
    k.can_be_allowed = openable(ip, k.cls);
    return k;
}

void address_show(const struct ip *ip, char out[ADDRESS_SHOWN])
{
    char text[IP_TEXT], inner[IP_TEXT];
    struct address_kind k = address_kind(ip);
    ip_text(ip, text);
    if (k.inner.family) {
        ip_text(&k.inner, inner);
        snprintf(out, ADDRESS_SHOWN, "%s (%s of %s, %s%s%s)", text, k.name, inner,
                 address_class_names[k.inner_class], *k.source ? ", " : "", k.source);
        return;
    }
    snprintf(out, ADDRESS_SHOWN, "%s (%s%s%s)", text, k.name, *k.source ? ", " : "", k.source);
}
