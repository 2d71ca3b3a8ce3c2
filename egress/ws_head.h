/* The opening handshake of a WebSocket, our side (RFC 6455 section 4.1): the request's text, and
 * the response read with suspicion. Pure, but for the key, which is random. Any thread; a fuzz
 * target stands beside it (ws_head_fuzz.c). */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "egress/http.h"

#define WS_HEAD_MAX      (16u << 10) /* bytes of a response's head */
#define WS_PROTOCOLS_MAX 32
#define WS_PROTOCOL_MAX  128 /* letters of one */
#define WS_KEY_LEN       24  /* base64 of 16 bytes */

struct ws_head {
    char key[WS_KEY_LEN + 1];
    char protocols[WS_PROTOCOLS_MAX][WS_PROTOCOL_MAX + 1]; /* offered */
    int protocol_count;
    struct buf in; /* what has come of the response */
    /* Once it is whole: */
    int chosen; /* index in protocols, -1: none */
};

/* A new key, nothing offered. */
void ws_head_init(struct ws_head *h);
void ws_head_free(struct ws_head *h);

/* Offers one more. ERR_INVALID: no token, or offered already; ERR_LIMIT. */
int ws_head_offer(struct ws_head *h, const char *protocol, size_t len, struct err *e);

/* A field that a script may add to the request: http_field_check(), and none of the handshake's. */
int ws_head_field_check(const char *name, size_t name_len, const char *value, size_t value_len,
                        struct err *e);

/* path: "/a?b"; authority: "host" or "host:port". "Origin: null" goes with it unless `fields` has
 * an Origin: a script has no origin of its own. */
void ws_head_request(const struct ws_head *h, const char *path, const char *authority,
                     const struct http_field *fields, int field_count, struct buf *out);

/* Takes bytes of the response: *taken of them belong to its head. 1: it is whole and fine; 0: more
 * must come; ERR_PROTOCOL, ERR_LIMIT: it is no consent to a WebSocket. */
int ws_head_take(struct ws_head *h, const char *p, size_t n, size_t *taken, struct err *e);
