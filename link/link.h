/* The one door to NATS: a connection on the libuv loop. Only native.c includes nats.h. Loop thread
 * only; what the client library says on threads of its own is handed to the loop in batches.
 *
 * Reconnects for ever, tells through the events. While disconnected, publishes are buffered up to
 * LINK_PENDING_MAX and then fail with ERR_UNAVAILABLE. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "config/config.h"

struct link;
struct link_sub;

#define LINK_PENDING_MAX ((size_t)64 << 20)

/* A message as a handler sees it; lives until the handler returns, unless link_msg_keep() is
 * called. */
struct link_msg {
    const char *subject;
    const char *reply; /* NULL when there is none */
    const char *data;
    size_t len;
    int status; /* of a status message (100 idle, 404 no messages, 408 timeout, 409 …), else 0 */
    void *native; /* link.c's */
};

/* Value of a header (canonical name), NULL when absent. Lives as long as the message. */
const char *link_msg_header(const struct link_msg *m, const char *name);
/* How often it stands there: link_msg_header() gives the first. */
int link_msg_header_count(const struct link_msg *m, const char *name);
/* Moves the message out of the handler's hands: copy of the struct on the heap, freed with
 * link_msg_free() (any thread). */
struct link_msg *link_msg_keep(struct link_msg *m);
void link_msg_free(struct link_msg *kept);

struct link_events {
    void (*connected)(void *arg); /* first time and after each loss */
    void (*disconnected)(const char *why, void *arg);
    void (*closed)(const char *why, void *arg); /* it will not come back (auth refused, …) */
};

/* Connects (blocks, up to timeout_ms a server; a server that refuses is not waited for; on failure
 * the error names URL, reason and what to check). `name` is the connection's name as nats-server
 * shows it. ev->connected comes before this returns. On failure too, memory is given back in later
 * turns of the loop. */
int link_open(uv_loop_t *loop, const struct nats_config *c, const char *name, int timeout_ms,
              const struct link_events *ev, void *arg, struct link **out, struct err *e);

/* Sends what is pending and waits until the server has it (up to timeout_ms), closes, joins the
 * library's threads. Requests still waiting get their call, with ERR_UNAVAILABLE. Memory is given
 * back in later turns of the loop. Not from inside a handler. NULL is fine. */
void link_close(struct link *l, int timeout_ms);
/* At the end of the process, after every link is closed: the library's own threads and memory. */
void link_library_stop(void);

bool link_is_up(const struct link *l);
int64_t link_max_payload(const struct link *l); /* bytes, as the server said */
const char *link_url(const struct link *l);     /* the server now connected to, without secrets */

typedef void (*link_handler)(struct link_msg *m, void *arg);

/* queue: queue group or NULL. Messages are handed out in the turn of the loop that reads them, so
 * none wait; max_pending (0: no bound) is how many one read may bring, the rest of them is dropped.
 * A message with status 503 says that nobody answers to something published with this subject as
 * its reply. */
int link_subscribe(struct link *l, const char *subject, const char *queue, int max_pending,
                   link_handler h, void *arg, struct link_sub **out, struct err *e);
void link_unsubscribe(struct link_sub *s); /* NULL is fine; also from inside a handler */
/* Asks the server for no more; what is under way still comes to the handler. s stays until
 * link_unsubscribe(). */
void link_drain(struct link_sub *s);

struct link_header {
    const char *name, *value;
};

/* Publishes; reply and headers may be NULL/0. The library's buffer is flushed at the end of the
 * loop's turn, so messages of one turn share a write. */
int link_publish(struct link *l, const char *subject, const char *reply,
                 const struct link_header *headers, int header_count, const void *data, size_t len,
                 struct err *e);

/* Request with one reply. cb is called exactly once, from the loop: m is NULL on time-out, loss of
 * the connection or "no responders" (why says which: ERR_TIMEOUT, ERR_UNAVAILABLE). When this
 * returns an error (no connection: ERR_UNAVAILABLE, too large: ERR_LIMIT), cb is not called. */
typedef void (*link_reply)(struct link_msg *m, const struct err *why, void *arg);
int link_request(struct link *l, const char *subject, const struct link_header *headers,
                 int header_count, const void *data, size_t len, int timeout_ms, link_reply cb,
                 void *arg, struct err *e);

/* The same for requests of which many are under way and all go to the same answerer: its replies
 * cost no change of threads. "No responders" to one of them is told to all that wait. */
int link_request_many(struct link *l, const char *subject, const struct link_header *headers,
                      int header_count, const void *data, size_t len, int timeout_ms, link_reply cb,
                      void *arg, struct err *e);

/* link_request() for a command-line client: runs the loop until the reply is there. *out is kept;
 * free with link_msg_free(). ERR_TIMEOUT, ERR_UNAVAILABLE. */
int link_request_wait(struct link *l, const char *subject, const struct link_header *headers,
                      int header_count, const void *data, size_t len, int timeout_ms,
                      struct link_msg **out, struct err *e);

/* Waits until everything published so far is at the server (PING/PONG), running the loop. */
int link_flush(struct link *l, int timeout_ms, struct err *e);
