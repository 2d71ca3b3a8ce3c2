/* Requests to JetStream (NATS ADR-1, ADR-8, ADR-31): make a stream, publish with a confirmation,
 * read one message. Asynchronous, loop thread only; a command-line client uses link_wait.h. Every
 * callback is called exactly once when the function returned 0, and not at all otherwise. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "link/link.h"

#define JS_TIMEOUT_MS 5000

/* The API's answer: doc is an object without "error", or NULL with why. ERR_NOT_FOUND: no such
 * stream, consumer or message; ERR_EXISTS: there is one by that name with other settings;
 * ERR_UNAVAILABLE: JetStream is off, or nobody answers; else ERR_PROTOCOL with the server's words.
 */
struct jv;
typedef void (*js_answer)(const struct jv *doc, const struct err *why, void *arg);

/* verb: "STREAM.CREATE.NAME", what follows "$JS.API.". body: JSON or NULL. */
int js_ask(struct link *l, const char *verb, const char *body, js_answer cb, void *arg,
           struct err *e);

/* Makes the stream (config: the JSON object of ADR-1) unless one of that name is there, whatever
 * its settings: existing ones are never changed. */
typedef void (*js_done)(const struct err *why, void *arg); /* why NULL: done */
int js_ensure_stream(struct link *l, const char *name, const char *config, js_done cb, void *arg,
                     struct err *e);

/* Publishes and waits for the stream's confirmation. last_seq: the message is taken only when the
 * newest on its subject is this one (0: none there), JS_ANY: always; ERR_CONFLICT when it is not
 * so. */
#define JS_ANY UINT64_MAX
typedef void (*js_stored)(uint64_t seq, bool duplicate, const struct err *why, void *arg);
int js_publish(struct link *l, const char *subject, const struct link_header *headers, int n,
               const void *data, size_t len, uint64_t last_seq, js_stored cb, void *arg,
               struct err *e);

/* A time as JetStream writes it ("2026-11-21T10:00:00.123456789Z") in microseconds of real time;
 * 0: it is none. */
int64_t js_time_us(const char *text);

/* One stored message; headers through link_msg_header(m, …). Lives for the call. */
struct js_message {
    struct link_msg *m;
    const char *subject; /* it was stored under */
    uint64_t seq;
    int64_t stored_at_us; /* real time */
};
typedef void (*js_found)(const struct js_message *found, const struct err *why, void *arg);

/* The newest message of a subject, by direct get (the stream must allow it). ERR_NOT_FOUND. */
int js_get_last(struct link *l, const char *stream, const char *subject, js_found cb, void *arg,
                struct err *e);
/* The message of that sequence. ERR_NOT_FOUND. */
int js_get(struct link *l, const char *stream, uint64_t seq, js_found cb, void *arg, struct err *e);
