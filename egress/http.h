/* HTTP on the loop: one request to what a decision allows, and its response. The one door to
 * libcurl, which is loaded when the first client is opened (its libraries would cost every command
 * of ours some milliseconds at start). Loop thread only.
 *
 * libcurl resolves nothing, follows nothing, reads no environment, no proxy, no cookies, no netrc:
 * it is told addresses, and each connection, made or used again, is held against the decision.
 * Bodies pass through as they are on the wire (an encoded one is decoded by the cell, at the cost
 * of its job).
 *
 * Bounded: a response's body waits in HTTP_ROOM bytes (and what libcurl has read, as much again)
 * until the consumer takes it, then the connection is left unread; a request's body likewise. */
#pragma once

#include <uv.h>

#include "egress/decision.h"
#include "egress/http_rules.h"

#define HTTP_ROOM           (64u << 10)
#define HTTP_LENGTH_OPEN    (-1) /* length of a request's body that nobody knows: chunked */
#define HTTP_TIMEOUT_MAX_MS 3600000
#define HTTP_REASON_MAX     255

struct http_client;
struct http_exchange;

struct http_settings {
    const char *ca_file; /* PEM of who is trusted to sign certificates; NULL: the system's */
    int64_t connect_timeout_ms;
    int connections_max;  /* at once; requests beyond wait */
    int connections_kept; /* idle ones; 0: a few */
};

/* Loads libcurl, if no client has done so yet. ERR_UNAVAILABLE: it is not there. */
int http_load(struct err *e);

/* A set of connections: whoever shares it uses each other's open connections, so no two tenants do.
 * Strings of s are copied. ERR_UNAVAILABLE. */
int http_client_open(uv_loop_t *loop, const struct http_settings *s, struct http_client **out,
                     struct err *e);
/* All exchanges and sockets must have ended. Connections are closed now, memory goes with the loop.
 */
void http_client_close(struct http_client *c);
uv_loop_t *http_client_loop(const struct http_client *c);

struct http_field {
    const char *name, *value;
};

struct http_request {
    const char *method; /* fields and method: checked by http_rules.h */
    const char *path;   /* "/a?b": what follows the origin; printable ASCII without blanks */
    const struct http_field *fields;
    int field_count;
    bool has_body;
    int64_t body_len; /* with has_body: bytes, or HTTP_LENGTH_OPEN */
    int64_t total_ms; /* from http_start() to the end; 1 to HTTP_TIMEOUT_MAX_MS */
    int64_t idle_ms;  /* without a byte either way, while the peer is the one to move */
    int64_t body_max; /* bytes of the response's body, as on the wire */
};

struct http_head {
    int status;
    const char *reason; /* as it came, at most HTTP_REASON_MAX bytes; "" with HTTP/2 */
    bool http2;
    int field_count;
    /* field_count times a name in small letters, NUL, a value, NUL. Bytes as they came, but for
     * names that are tokens. Fields that are ours (http_rules.h) are among them. */
    const char *fields;
    size_t fields_len;
};

/* They come in turns of the loop, never inside a call of this header; each of them may cancel. */
struct http_events {
    void (*head)(void *arg, const struct http_head *h);
    /* Takes a part of p[0..n) and says how much; less than n: no more until http_resume(). */
    size_t (*body)(void *arg, const char *p, size_t n);
    /* n more bytes of the request's body may be sent than could before (HTTP_ROOM at first). */
    void (*want)(void *arg, size_t n);
    /* Comes once and last; the handle ends with it. why NULL: the response is whole. ERR_DENIED:
     * the decision's last word; ERR_UNAVAILABLE: no connection; ERR_TIMEOUT; ERR_LIMIT: a bound;
     * ERR_PROTOCOL: TLS, malformed or cut responses. */
    void (*end)(void *arg, const struct err *why);
};

/* The request is copied. Nothing happens before http_go(), but the clock runs and a body may be
 * sent. */
struct http_exchange *http_start(struct http_client *c, const struct http_request *r,
                                 const struct http_events *ev, void *arg);
/* d: EGRESS_ALLOWED, http or https; copied. */
void http_go(struct http_exchange *x, const struct egress_decision *d);
/* Instead of http_go(): `end` follows. */
void http_refuse(struct http_exchange *x, const struct err *why);

/* The request's body. ERR_LIMIT: more than there is room for, or than was announced; nothing is
 * taken. */
int http_send(struct http_exchange *x, const char *p, size_t n, struct err *e);
/* Its end. ERR_INVALID: it is shorter than was announced. */
int http_send_end(struct http_exchange *x, struct err *e);
void http_resume(struct http_exchange *x);
/* Ends it without a call of `end`. */
void http_cancel(struct http_exchange *x);

/* Bytes of bodies so far, on the wire. */
int64_t http_sent(const struct http_exchange *x);
int64_t http_received(const struct http_exchange *x);
/* New connections that were made for it, so far. */
int http_connects(const struct http_exchange *x);
