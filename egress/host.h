/* What stands in a URL's place for a host, made one spelling, and the patterns it is held against.
 * Pure. Any thread.
 *
 * Names are lower-cased and lose one trailing dot: letters, digits, "-" and "_" in labels of 1 to
 * 63, at most 253 in all; other scripts come in A-label form ("xn--…", UTS #46). IPv4 is understood
 * in every spelling that WHATWG's URL standard knows (0x7f.1, 017700000001, 2130706433), because
 * what a client would connect to counts, not how it is written. IPv6 stands in brackets and has no
 * zone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"

#define HOST_NAME_MAX_LEN 253
#define HOST_TEXT         256

struct host {
    char text[HOST_TEXT]; /* "api.example.org", "10.0.0.5", "[fd00::1]" */
    struct ip ip;         /* family 0: a name */
};

/* ERR_INVALID: "found …; allowed: …". Nothing of `text` outside [0, len) is read. */
int host_parse(const char *text, size_t len, struct host *out, struct err *e);

/* An entry of permissions.net: "host", "*.domain", an IPv4 address or "[IPv6]", each with or
 * without
 * ":port". "*.example.org" stands for a.example.org and a.b.example.org, not for example.org
 * itself, and never for an address. Without a port it stands for every port. */
struct host_pattern {
    struct host host; /* of a wildcard: what stands behind "*." */
    bool wildcard;
    uint16_t port; /* 0: any */
};
int host_pattern_parse(const char *text, struct host_pattern *out, struct err *e);
bool host_pattern_fits(const struct host_pattern *p, const struct host *h, uint16_t port);

/* Names that must never be asked of DNS. HOST_LOCALHOST: "localhost" and what is below it (RFC
 * 6761): it is 127.0.0.1 whatever DNS says. HOST_NOWHERE: .invalid, .onion, .local (RFC
 * 6761, 7686, 6762). */
enum host_special { HOST_ORDINARY, HOST_LOCALHOST, HOST_NOWHERE };
enum host_special host_special(const struct host *h);

/* Decimal, 1 to 65535. */
bool host_port_parse(const char *text, size_t len, uint16_t *out);
