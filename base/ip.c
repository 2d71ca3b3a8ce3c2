#include "base/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct ip ip_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct ip){.family = 4, .b = {a, b, c, d}};
}

bool ip_parse(const char *text, size_t len, struct ip *out)
{
    char copy[IP_TEXT];
    if (!len || len >= sizeof copy || memchr(text, 0, len))
        return false;
    memcpy(copy, text, len);
    copy[len] = 0;
    *out = (struct ip){.family = memchr(text, ':', len) ? 6 : 4};
    return inet_pton(out->family == 6 ? AF_INET6 : AF_INET, copy, out->b) == 1;
}

void ip_text(const struct ip *ip, char out[IP_TEXT])
{
    CHECK(ip->family == 4 || ip->family == 6);
    CHECK(inet_ntop(ip->family == 6 ? AF_INET6 : AF_INET, ip->b, out, IP_TEXT));
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
    return a->family == b->family && !memcmp(a->b, b->b, a->family == 4 ? 4 : 16);
}

bool ip_in(const struct ip *ip, const struct ip *prefix, unsigned bits)
{
    if (ip->family != prefix->family || memcmp(ip->b, prefix->b, bits / 8) != 0)
        return false;
    unsigned rest = bits % 8;
    return !rest || (ip->b[bits / 8] ^ prefix->b[bits / 8]) >> (8 - rest) == 0;
}

/* Plain decimal digits, no sign, no zero in front. */
static bool number(const char *p, size_t n, unsigned max, unsigned *out)
{
    *out = 0;
    if (!n || n > 5 || (n > 1 && *p == '0'))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        *out = *out * 10 + (unsigned)(p[i] - '0');
    }
    return *out <= max;
}

static bool rest_is_zero(const struct ip *ip, unsigned bits)
{
    for (unsigned i = bits; i < IP_BITS(ip->family); i++)
        if (ip->b[i / 8] & (0x80 >> i % 8))
            return false;
    return true;
}

/* "10.0.0.0/8" without port and brackets */
static bool block(const char *p, size_t n, struct ip_block *out)
{
    const char *slash = memchr(p, '/', n);
    unsigned bits;
    if (!ip_parse(p, slash ? (size_t)(slash - p) : n, &out->ip))
        return false;
    bits = IP_BITS(out->ip.family);
    if (slash && !number(slash + 1, n - (size_t)(slash - p) - 1, bits, &bits))
        return false;
    out->bits = (uint8_t)bits;
    return rest_is_zero(&out->ip, bits);
}

bool ip_block_parse(const char *text, struct ip_block *out)
{
    size_t n = strlen(text);
    const char *colon = NULL, *end = text + n;
    unsigned port = 0;
    *out = (struct ip_block){0};
    if (*text == '[') {
        end = memchr(text, ']', n);
        if (!end || !memchr(text, ':', (size_t)(end - text)) || (end[1] && end[1] != ':'))
            return false;
        colon = end[1] ? end + 1 : NULL;
        text++;
    } else if ((colon = memchr(text, ':', n)) && memchr(colon + 1, ':', strlen(colon + 1))) {
        colon = NULL; /* IPv6 without brackets has no port */
    } else if (colon) {
        end = colon;
    }
    if (colon && (!number(colon + 1, strlen(colon + 1), 65535, &port) || !port))
        return false;
    out->port = (uint16_t)port;
    return block(text, (size_t)(end - text), out);
}

void ip_block_text(const struct ip_block *b, char out[IP_BLOCK_TEXT])
{
    char ip[IP_TEXT], bits[8] = "", port[8] = "";
    bool brackets = b->ip.family == 6 && b->port;
    ip_text(&b->ip, ip);
    if (b->bits < IP_BITS(b->ip.family))
        snprintf(bits, sizeof bits, "/%u", b->bits);
    if (b->port)
        snprintf(port, sizeof port, ":%u", b->port);
    snprintf(out, IP_BLOCK_TEXT, "%s%s%s%s%s", brackets ? "[" : "", ip, bits, brackets ? "]" : "",
             port);
}

bool ip_block_has(const struct ip_block *b, const struct ip *ip, uint16_t port)
{
    return (!b->port || b->port == port) && ip_in(ip, &b->ip, b->bits);
}

bool ip_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct ip *ip, uint16_t *port)
{
    *ip = (struct ip){0};
    *port = 0;
    if (len >= sizeof(struct sockaddr_in) && sa->sa_family == AF_INET) {
        struct sockaddr_in a;
        memcpy(&a, sa, sizeof a);
        ip->family = 4;
        memcpy(ip->b, &a.sin_addr, 4);
        *port = ntohs(a.sin_port);
        return true;
    }
    if (len >= sizeof(struct sockaddr_in6) && sa->sa_family == AF_INET6) {
        struct sockaddr_in6 a;
        memcpy(&a, sa, sizeof a);
        ip->family = 6;
        memcpy(ip->b, &a.sin6_addr, 16);
        *port = ntohs(a.sin6_port);
        return true;
    }
    return false;
}

socklen_t ip_to_sockaddr(const struct ip *ip, uint16_t port, struct sockaddr_storage *out)
{
    CHECK(ip->family == 4 || ip->family == 6);
    memset(out, 0, sizeof *out);
    if (ip->family == 4) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&a.sin_addr, ip->b, 4);
        memcpy(out, &a, sizeof a);
        return sizeof a;
    }
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&a.sin6_addr, ip->b, 16);
    memcpy(out, &a, sizeof a);
    return sizeof a;
}
