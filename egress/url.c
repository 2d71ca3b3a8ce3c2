#include "egress/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

const char *const egress_scheme_names[SCHEMES] = {"https", "http", "wss", "ws"};

/* https://fetch.spec.whatwg.org/#port-blocking */
static const uint16_t bad_ports[] = {
    0,    1,    7,    9,    11,   13,   15,   17,   19,   20,   21,   22,   23,   25,
    37,   42,   43,   53,   69,   77,   79,   87,   95,   101,  102,  103,  104,  109,
    110,  111,  113,  115,  117,  119,  123,  135,  137,  139,  143,  161,  179,  389,
    427,  465,  512,  513,  514,  515,  526,  530,  531,  532,  540,  548,  554,  556,
    563,  587,  601,  636,  989,  990,  993,  995,  1719, 1720, 1723, 2049, 3659, 4045,
    4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080};

bool egress_port_bad(uint16_t port)
{
    for (size_t i = 0; i < ARRAY_LEN(bad_ports); i++)
        if (bad_ports[i] == port)
            return true;
    return false;
}

bool egress_scheme_secure(enum egress_scheme s)
{
    return s == SCHEME_HTTPS || s == SCHEME_WSS;
}

uint16_t egress_scheme_port(enum egress_scheme s)
{
    return egress_scheme_secure(s) ? 443 : 80;
}

void egress_origin(const struct egress_target *t, char out[EGRESS_ORIGIN_MAX])
{
    char port[8] = "";
    if (t->port != egress_scheme_port(t->scheme))
        snprintf(port, sizeof port, ":%u", t->port);
    snprintf(out, EGRESS_ORIGIN_MAX, "%s://%s%s", egress_scheme_names[t->scheme], t->host.text,
             port);
}

static int fail_as(enum url_fault *to, enum url_fault f, int rc)
{
    if (to)
        *to = f;
    return rc;
}

static bool clean(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] <= ' ' || (unsigned char)p[i] >= 0x7f || p[i] == '\\')
            return false;
    return true;
}

static int scheme_of(const char *p, size_t n, enum egress_scheme *out)
{
    for (int i = 0; i < SCHEMES; i++)
        if (n == strlen(egress_scheme_names[i]) && !strncasecmp(p, egress_scheme_names[i], n)) {
            *out = (enum egress_scheme)i;
            return 0;
        }
    return ERR_INVALID;
}

/* p[0..n): what stands between "//" and the path */
static int authority(const char *p, size_t n, struct egress_target *out, enum url_fault *fault,
                     struct err *e)
{
    const char *end = p + n, *from = p;
    if (memchr(p, '@', n))
        return fail_as(fault, URL_CREDENTIALS,
                       err_set(e, ERR_INVALID,
                               "net: found credentials in a URL; allowed: a URL without them (send "
                               "an authorization header)"));
    if (n && *p == '[') {
        const char *close = memchr(p, ']', n);
        from = close ? close : end;
    }
    const char *colon = memchr(from, ':', (size_t)(end - from));
    if (host_parse(p, colon ? (size_t)(colon - p) : n, &out->host, e))
        return fail_as(fault, URL_HOST, err_wrap(e, "net: host"));
    out->port = egress_scheme_port(out->scheme);
    if (colon && colon + 1 < end) { /* "host:" is the scheme's port, says the standard */
        const char *digits = colon + 1;
        while (digits + 1 < end && *digits == '0')
            digits++;
        if (!host_port_parse(digits, (size_t)(end - digits), &out->port))
            return fail_as(fault, URL_PORT,
                           err_set(e, ERR_INVALID, "net: port: found '%.*s'; allowed: 1 to 65535",
                                   (int)(end - colon - 1 > 20 ? 20 : end - colon - 1), colon + 1));
    }
    return 0;
}

int egress_target_parse(const char *url, size_t len, struct egress_target *out,
                        enum url_fault *fault, struct err *e)
{
    *out = (struct egress_target){0};
    fail_as(fault, URL_FINE, 0);
    if (len > EGRESS_URL_MAX)
        return fail_as(fault, URL_MALFORMED,
                       err_set(e, ERR_INVALID, "net: found a URL of %zu bytes; allowed: up to %d",
                               len, EGRESS_URL_MAX));
    if (!clean(url, len))
        return fail_as(
            fault, URL_MALFORMED,
            err_set(e, ERR_INVALID,
                    "net: found a blank, a control character, a backslash or a byte that "
                    "is not ASCII in a URL; allowed: a URL in its serialised form"));
    const char *colon = memchr(url, ':', len);
    size_t n = colon ? (size_t)(colon - url) : 0;
    if (!colon || scheme_of(url, n, &out->scheme))
        return fail_as(fault, URL_SCHEME,
                       err_set(e, ERR_INVALID, "net: found %s%.*s%s; allowed: https, http, wss, ws",
                               colon ? "scheme '" : "a URL without a scheme",
                               (int)(n > 30 ? 30 : n), url, colon ? "'" : ""));
    if (len - n < 3 || memcmp(colon, "://", 3) != 0)
        return fail_as(fault, URL_MALFORMED,
                       err_set(e, ERR_INVALID,
                               "net: found no '//' behind the scheme; allowed: "
                               "https://host[:port]/…"));
    const char *p = colon + 3;
    size_t rest = len - n - 3, m = 0;
    while (m < rest && p[m] != '/' && p[m] != '?' && p[m] != '#')
        m++;
    return authority(p, m, out, fault, e);
}
