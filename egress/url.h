/* The part of a URL that egress is decided by: scheme, host, port. Pure. Any thread.
 *
 * Strict rather than forgiving: what two parsers could read in two ways (backslashes, blanks,
 * control characters, anything before "//", credentials, "%" in the host) is refused. Whoever
 * fetches builds the URL from egress_origin(), so that no second parser decides where the
 * connection goes. */
#pragma once

#include "egress/host.h"

enum egress_scheme { SCHEME_HTTPS, SCHEME_HTTP, SCHEME_WSS, SCHEME_WS, SCHEMES };
extern const char *const egress_scheme_names[SCHEMES];

#define EGRESS_URL_MAX    8192
#define EGRESS_ORIGIN_MAX 280 /* "https://", host, ":65535", NUL */

enum url_fault { URL_FINE, URL_MALFORMED, URL_SCHEME, URL_CREDENTIALS, URL_HOST, URL_PORT };

struct egress_target {
    enum egress_scheme scheme;
    struct host host;
    uint16_t port; /* the scheme's own where the URL has none */
};

/* ERR_INVALID; *fault says which kind (may be NULL). The URL must be absolute. Credentials never
 * stand in the message. */
int egress_target_parse(const char *url, size_t len, struct egress_target *out,
                        enum url_fault *fault, struct err *e);

bool egress_scheme_secure(enum egress_scheme s); /* https, wss */
uint16_t egress_scheme_port(enum egress_scheme s);

/* "https://host", with ":port" where it is not the scheme's own. */
void egress_origin(const struct egress_target *t, char out[EGRESS_ORIGIN_MAX]);

/* A port of another protocol, at which an HTTP request may be read as a command (WHATWG fetch, "bad
 * port"): never connected to, whatever is allowed. */
bool egress_port_bad(uint16_t port);
