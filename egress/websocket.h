/* A WebSocket of a script (RFC 6455): the URL through policy and DNS, a connection to what was
 * decided about, the handshake, frames. No redirect is followed, no extension offered. Loop thread
 * only.
 *
 *   resolving → connecting → shaking hands → OPEN → closing → over
 *
 * Bounded: what the server sends is read only as far as its user takes it (`room`), what is written
 * and not sent yet is the user's to bound (`sent`); a handshake ends in time, and so does the wait
 * for the answer to a Close. */
#pragma once

#include "egress/dns.h"
#include "egress/http.h"
#include "egress/policy.h"
#include "egress/ws_frames.h"
#include "egress/ws_head.h"

struct websocket;

struct websocket_request {
    const struct egress_policy *policy; /* lives as long as the WebSocket */
    const char *url;                    /* serialised, without fragment; ws or wss */
    size_t url_len;
    const struct ws_head *offer;     /* its protocols; copied */
    const struct http_field *fields; /* ws_head_field_check(); copied */
    int field_count;
    int64_t handshake_ms; /* from the connection to the response */
    int64_t close_ms;     /* from our Close to the end */
    uint64_t message_max; /* bytes of one that may come */
};

/* They come in turns of the loop, never inside a call of this header; each may cancel, or leave. */
struct websocket_events {
    /* Where it may go, or why not: for the log. Before all else, once; not when cancelled before.
     */
    void (*decided)(void *arg, const struct egress_decision *d);
    /* protocol: "" where none was offered. */
    void (*opened)(void *arg, const char *protocol);
    struct ws_frames_events frames; /* called with arg */
    /* So many bytes of frames wait to be sent; fewer than before. */
    void (*sent)(void *arg, size_t left);
    /* Comes once and last; the handle ends with it. why NULL: it was closed by both, with the
     * server's code and reason (live for the call). */
    void (*end)(void *arg, const struct err *why, int code, const char *reason, size_t len);
};

struct websocket *websocket_start(struct http_client *c, struct dns *dns,
                                  const struct websocket_request *r,
                                  const struct websocket_events *ev, void *arg);

/* OPEN, not closing: a part of a message, a frame of its own. False: it is not any more. */
bool websocket_write(struct websocket *w, enum ws_kind kind, bool first, bool last, const char *p,
                     size_t n);
/* Our Close; what comes still is told until `end`. Before it is OPEN: `end` follows. */
void websocket_close(struct websocket *w, int code, const char *reason, size_t len);
/* There is room again. */
void websocket_resume(struct websocket *w);
/* Ends it without a call of `end`, telling the server in passing that we go. NULL is fine. */
void websocket_leave(struct websocket *w);

/* Bytes on the wire after the connection was made (inside TLS), handshake included. */
int64_t websocket_sent(const struct websocket *w);
int64_t websocket_received(const struct websocket *w);
bool websocket_connected(const struct websocket *w);
