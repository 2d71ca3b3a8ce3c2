/* A connection to what a decision allows, for a protocol that is not HTTP: libcurl connects, checks
 * the peer and does TLS as for a request (egress/http.h), then the bytes are the caller's. The
 * connection is nobody else's, before or after. Loop thread only. */
#pragma once

#include "egress/http.h"

struct http_socket;

/* They come in turns of the loop, never inside a call of this header; each may close it. */
struct http_socket_events {
    /* Once: connected, or why not (ERR_DENIED, ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_PROTOCOL): then
     * the handle is of no more use than to be closed. */
    void (*opened)(void *arg, const struct err *why);
    /* What http_socket_watch() asked for may be there. */
    void (*ready)(void *arg);
};

/* d: EGRESS_ALLOWED; copied. With ws and wss it is what http and https are for a request. */
struct http_socket *http_socket_open(struct http_client *c, const struct egress_decision *d,
                                     const struct http_socket_events *ev, void *arg);
void http_socket_close(struct http_socket *s); /* NULL is fine */

#define HTTP_SOCKET_END (-1000)
/* Bytes moved, at least 1; 0: not now; HTTP_SOCKET_END: the peer has ended it; or an error code
 * with e. Where there was something, there may be more without being told again. */
int64_t http_socket_read(struct http_socket *s, char *p, size_t n, struct err *e);
int64_t http_socket_write(struct http_socket *s, const char *p, size_t n, struct err *e);

/* Connected: tell when it may be read, or written; neither: tell nothing. */
void http_socket_watch(struct http_socket *s, bool in, bool out);
