/* How this works: a host whose last label is a number ("ends in a number", WHATWG URL section 3.5)
 * is IPv4 or an error, never a name: otherwise "127.0.0.0x1" would be looked up here and taken for
 * loopback by whoever connects. */
#include "egress/host.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define LABEL_MAX  63
#define IPV4_PARTS 4
#define SHOWN      80 /* of a wrong host in a message */

static const char allowed_hosts[] =
    "a name in A-label form (letters, digits, - and _, labels of 1 to 63, at most 253 in all), an "
    "IPv4 address, or an IPv6 address in brackets without a zone";

/* A wrong text as a message can carry it. */
static const char *show(const char *text, size_t len, char out[SHOWN + 4])
{
    size_t n = len < SHOWN ? len : SHOWN;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        out[i] = c > ' ' && c < 0x7f ? (char)c : '?';
    }
    strcpy(out + n, len > SHOWN ? "…" : "");
    return out;
}

static int refuse(const char *text, size_t len, const char *why, struct err *e)
{
    char shown[SHOWN + 4];
    return err_set(e, ERR_INVALID, "found '%s' (%s); allowed: %s", show(text, len, shown), why,
                   allowed_hosts);
}

/* ---- IPv4 in all its spellings (WHATWG URL, "IPv4 parser") ---- */

static const char *last_label(const char *p, size_t len, size_t *n)
{
    size_t at = len;
    while (at > 0 && p[at - 1] != '.')
        at--;
    *n = len - at;
    return p + at;
}

static bool all_of(const char *p, size_t n, int (*is)(int))
{
    for (size_t i = 0; i < n; i++)
        if (!is((unsigned char)p[i]))
            return false;
    return true;
}

static bool ends_in_number(const char *p, size_t len)
{
    size_t n;
    const char *last = last_label(p, len, &n);
    if (n && all_of(last, n, isdigit))
        return true;
    return n >= 2 && last[0] == '0' && (last[1] == 'x' || last[1] == 'X') &&
           all_of(last + 2, n - 2, isxdigit);
}

static bool ipv4_part(const char *p, size_t n, uint64_t *out)
{
    unsigned base = 10;
    *out = 0;
    if (!n)
        return false;
    if (n >= 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
        base = 16;
        p += 2;
        n -= 2;
    } else if (n >= 2 && p[0] == '0') {
        base = 8;
        p++;
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        int c = tolower((unsigned char)p[i]);
        unsigned digit = isdigit(c)             ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : base;
        if (digit >= base)
            return false;
        *out = *out * base + digit;
        if (*out > UINT32_MAX)
            return false;
    }
    return true;
}

/* The last part fills what the others leave: 127.1 is 127.0.0.1. */
static bool ipv4(const char *p, size_t len, struct ip *out)
{
    uint64_t part[IPV4_PARTS], whole = 0;
    int n = 0;
    for (;;) {
        const char *dot = memchr(p, '.', len);
        size_t m = dot ? (size_t)(dot - p) : len;
        if (n == IPV4_PARTS || !ipv4_part(p, m, &part[n++]))
            return false;
        if (!dot)
            break;
        p += m + 1;
        len -= m + 1;
    }
    for (int i = 0; i < n - 1; i++) {
        if (part[i] > 255)
            return false;
        whole |= part[i] << (24 - 8 * i);
    }
    if (part[n - 1] >= (uint64_t)1 << (8 * (IPV4_PARTS + 1 - n)))
        return false;
    whole |= part[n - 1];
    *out = ip_v4((uint8_t)(whole >> 24), (uint8_t)(whole >> 16), (uint8_t)(whole >> 8),
                 (uint8_t)whole);
    return true;
}

/* ---- hosts ---- */

static int ipv6(const char *text, size_t len, struct host *out, struct err *e)
{
    char shown[IP_TEXT];
    if (memchr(text, '%', len))
        return refuse(text, len, "an IPv6 zone", e);
    if (len < 2 || text[len - 1] != ']' || !ip_parse(text + 1, len - 2, &out->ip) ||
        out->ip.family != 6)
        return refuse(text, len, "no IPv6 address in brackets", e);
    ip_text(&out->ip, shown);
    snprintf(out->text, sizeof out->text, "[%s]", shown);
    return 0;
}

static int name(const char *text, size_t len, struct host *out, struct err *e)
{
    size_t label = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '.') {
            if (!label)
                return refuse(text, len, "an empty label", e);
            label = 0;
        } else if (c >= 0x80) {
            return refuse(text, len, "not in A-label form", e);
        } else if (!isalnum(c) && c != '-' && c != '_') {
            return refuse(text, len, "a character no host name has", e);
        } else if (++label > LABEL_MAX) {
            return refuse(text, len, "a label longer than 63", e);
        }
        out->text[i] = (char)tolower(c);
    }
    out->text[len] = 0;
    return label ? 0 : refuse(text, len, "an empty label", e);
}

int host_parse(const char *text, size_t len, struct host *out, struct err *e)
{
    *out = (struct host){0};
    if (!len)
        return refuse("", 0, "nothing", e);
    if (text[0] == '[')
        return ipv6(text, len, out, e);
    if (memchr(text, ':', len))
        return refuse(text, len, "IPv6 stands in brackets", e);
    size_t n = text[len - 1] == '.' ? len - 1 : len; /* the DNS root: the same host */
    if (!n || n > HOST_NAME_MAX_LEN)
        return refuse(text, len, n ? "longer than 253" : "an empty label", e);
    if (!ends_in_number(text, n))
        return name(text, n, out, e);
    if (!ipv4(text, n, &out->ip))
        return refuse(text, len, "ends in a number and is no IPv4 address", e);
    ip_text(&out->ip, out->text);
    return 0;
}

static bool ends_with(const char *text, const char *tail)
{
    size_t n = strlen(text), m = strlen(tail);
    return n >= m && !strcmp(text + n - m, tail);
}

enum host_special host_special(const struct host *h)
{
    static const char *const nowhere[] = {"invalid", "onion", "local"};
    if (h->ip.family)
        return HOST_ORDINARY;
    if (!strcmp(h->text, "localhost") || ends_with(h->text, ".localhost"))
        return HOST_LOCALHOST;
    for (size_t i = 0; i < ARRAY_LEN(nowhere); i++) {
        size_t n = strlen(nowhere[i]), m = strlen(h->text);
        if (ends_with(h->text, nowhere[i]) && (m == n || h->text[m - n - 1] == '.'))
            return HOST_NOWHERE;
    }
    return HOST_ORDINARY;
}

/* ---- patterns ---- */

bool host_port_parse(const char *text, size_t len, uint16_t *out)
{
    unsigned v = 0;
    if (!len || len > 5 || text[0] == '0')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        v = v * 10 + (unsigned)(text[i] - '0');
    }
    *out = (uint16_t)v;
    return v <= UINT16_MAX;
}

int host_pattern_parse(const char *text, struct host_pattern *out, struct err *e)
{
    size_t len = strlen(text);
    char shown[SHOWN + 4];
    const char *from = text[0] == '[' ? memchr(text, ']', len) : text;
    const char *colon = from ? strchr(from, ':') : NULL;
    *out = (struct host_pattern){0};
    if (colon) {
        if (!host_port_parse(colon + 1, strlen(colon + 1), &out->port))
            return err_set(e, ERR_INVALID, "found '%s' (its port); allowed: a port of 1 to 65535",
                           show(text, len, shown));
        len = (size_t)(colon - text);
    }
    out->wildcard = len > 2 && !strncmp(text, "*.", 2);
    size_t skip = out->wildcard ? 2 : 0;
    int rc = host_parse(text + skip, len - skip, &out->host, e);
    if (rc)
        return rc;
    if (out->wildcard && out->host.ip.family)
        return err_set(e, ERR_INVALID,
                       "found '%s' ('*.' in front of an address); allowed: in front of a name",
                       show(text, strlen(text), shown));
    return 0;
}

bool host_pattern_fits(const struct host_pattern *p, const struct host *h, uint16_t port)
{
    if (p->port && p->port != port)
        return false;
    if (p->host.ip.family || h->ip.family)
        return p->host.ip.family && h->ip.family && ip_equal(&p->host.ip, &h->ip);
    if (!p->wildcard)
        return !strcmp(p->host.text, h->text);
    size_t n = strlen(h->text), m = strlen(p->host.text);
    return n > m + 1 && h->text[n - m - 1] == '.' && !strcmp(h->text + n - m, p->host.text);
}
