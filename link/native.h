/* The client library (cnats), wrapped thinly: native.c is the only file that includes nats.h. What
 * is done with it is link.c's; how the two sides share the threads is told there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "link/link.h"
#include "link/login.h"

struct native;     /* a connection */
struct native_sub; /* a subscription */

enum native_event { NATIVE_DISCONNECTED, NATIVE_RECONNECTED, NATIVE_CLOSED, NATIVE_ERROR };

/* All of them may come on any thread, with the library's lock held: they must only take note. */
struct native_calls {
    int (*watch)(int fd, void *owner); /* poll this socket for reading; <0: cannot */
    void (*unwatch)(void *owner);
    void (*want_write)(bool want, void *owner); /* call native_write(), or no longer */
    /* A reply on the inbox: a native message, freed by native_msg_free(). */
    void (*reply)(void *msg, void *owner);
    void (*event)(enum native_event ev, const char *text, void *owner);
};

/* Connects and subscribes the inbox for replies. Blocks. */
int native_open(const struct login *login, const char *name, int timeout_ms,
                const struct native_calls *calls, void *owner, struct native **out, struct err *e);
/* Afterwards no call comes any more. May block for as long as a connect lasts (timeout_ms). */
void native_close(struct native *n);
void native_library_stop(int timeout_ms);

/* Loop thread: the socket is readable, writable. */
void native_read(struct native *n);
void native_write(struct native *n); /* only when something is buffered */
int native_buffered(struct native *n);

/* Asks the connection where it is (after a reconnect). */
void native_learn(struct native *n);
const char *native_url(const struct native *n); /* without secrets */
int64_t native_max_payload(const struct native *n);
const char *native_inbox(const struct native *n); /* replies come on "<inbox>.<token>" */

/* Into the library's buffer. ERR_LIMIT, ERR_INVALID, ERR_UNAVAILABLE. */
int native_publish(struct native *n, const char *subject, const char *reply,
                   const struct link_header *headers, int header_count, const void *data,
                   size_t len, struct err *e);
/* Waits for a PONG; not on the loop's thread, which has to read it. */
int native_flush(struct native *n, int timeout_ms, struct err *e);

int native_subscribe(struct native *n, const char *subject, const char *queue, int max_pending,
                     struct native_sub **out, struct err *e);
/* What lies there, without waiting. False: nothing. For "no responders" to something published with
 * the subscription's subject as reply, out has status 503, native NULL and subject NULL. */
bool native_next(struct native_sub *s, struct link_msg *out);
/* No new messages; those under way still come. */
void native_sub_drain(struct native_sub *s, int timeout_ms);
void native_sub_free(struct native_sub *s);

/* A native message as link_msg, which it then owns. */
void native_msg_show(void *msg, struct link_msg *out);
const char *native_msg_header(void *msg, const char *name);
int native_msg_header_count(void *msg, const char *name);
void native_msg_free(void *msg); /* NULL is fine */
