/* The record of one decision about one connection: what was asked for, what was found, what was
 * decided and by which entry. Filled step by step by egress/policy.h; what the executor logs and
 * what a result can carry. Plain data: copy it as you like. Any thread. */
#pragma once

#include "base/jsonw.h"
#include "egress/address.h"
#include "egress/url.h"

#define EGRESS_ADDRESSES_MAX 64 /* of one name; more is refused */
#define EGRESS_RULE_MAX      256

enum egress_verdict {
    EGRESS_OPEN,    /* the host may be reached; its addresses are not known yet */
    EGRESS_ALLOWED, /* host and every address */
    EGRESS_DENIED,  /* by policy */
    EGRESS_FAILED   /* the resolver gave no answer: nothing can be said */
};

enum egress_reason {
    REASON_NONE,
    REASON_URL,         /* malformed */
    REASON_SCHEME,      /* none of https, http, wss, ws */
    REASON_CREDENTIALS, /* user:password@ */
    REASON_HOST,        /* not a host */
    REASON_PORT,        /* no port, or one that is never allowed */
    REASON_NOT_LISTED,  /* no entry of permissions.net fits */
    REASON_NO_SUCH_NAME,
    REASON_RESOLVER, /* timeout, SERVFAIL, malformed answers */
    REASON_ADDRESS,  /* a special-purpose address that egress_private does not list */
    REASON_TOO_MANY, /* addresses */
    REASON_REDIRECTS,
    REASON_DOWNGRADE, /* a redirect from a secure scheme to another, or between HTTP and WebSocket
                       */
    EGRESS_REASONS
};
extern const char *const egress_reason_names[EGRESS_REASONS];
extern const char *const egress_verdict_names[EGRESS_FAILED + 1];

struct egress_seen {
    struct ip ip;
    bool allowed;
    char rule[IP_BLOCK_TEXT]; /* entry of egress_private that opened it; "": none */
};

struct egress_decision {
    enum egress_verdict verdict;
    enum egress_reason reason;
    struct egress_target target; /* host "": the URL could not be read so far */
    int hop;                     /* 0: what the script asked for, n: behind n redirects */
    char rule[EGRESS_RULE_MAX];  /* entry of permissions.net that fits; "": none */
    struct egress_seen seen[EGRESS_ADDRESSES_MAX];
    int seen_count;
    int64_t resolve_us; /* time the resolver took */
    char text[400];     /* one line for people: why; "" while open */
};

/* Writes it as one JSON object (docs/security.md has the members). */
void egress_decision_json(const struct egress_decision *d, struct jsonw *w);
