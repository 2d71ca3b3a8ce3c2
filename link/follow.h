/* Follows a stream from a place on: every message in order, each once, then those to come. An
 * ephemeral pull consumer without acks, so it changes nothing in the stream, and whoever follows
 * remembers the place himself (the sequence of the last message he has dealt with). A connection
 * that was lost or a consumer that is gone: it goes on behind the last message told. Loop thread
 * only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "link/link.h"

struct follow;

struct follow_options {
    const char *stream;
    const char *filter; /* subjects; NULL: all */
    uint64_t from_seq;  /* 0 or 1: from the first that is there */
    bool new_only;      /* only what is stored from now on; from_seq is ignored */
    bool last_each;     /* begins with the newest message of each subject; from_seq is ignored */
    bool headers_only;  /* messages come without their payload */
    int batch;          /* messages asked for at once, 1..4096 */
};

struct follow_message {
    struct link_msg *m; /* m->subject: it was stored under */
    uint64_t seq;
    int64_t stored_at_us;
    uint64_t pending; /* messages stored behind this one, as the server knew then */
};

struct follow_events {
    void (*message)(const struct follow_message *m, void *arg);
    /* Everything that was stored has been told; more follows when there is more. Also told when
     * there was nothing at all. */
    void (*caught_up)(void *arg);
    /* It cannot go on: the stream is gone (ERR_NOT_FOUND), or may not be read. After it only
     * follow_close() makes sense. */
    void (*failed)(const struct err *why, void *arg);
};

int follow_open(uv_loop_t *loop, struct link *l, const struct follow_options *o,
                const struct follow_events *ev, void *arg, struct follow **out, struct err *e);
/* paused: no more is asked for; what was (a batch at the most) still comes. Also from inside an
 * event. */
void follow_pause(struct follow *f, bool paused);
/* Also from inside an event. The memory goes in the loop's close callback. NULL is fine. */
void follow_close(struct follow *f);
