/* Jobs from JetStream: makes streams and consumers if missing, pulls with bounded prefetch, acks.
 * Loop thread only. Order of things for a job: run → row committed → result
 * published → intake_ack(). A delivery that is neither acked nor handed back is delivered again by
 * the server after ack_wait; intake sends in-progress for those it holds, so that only a dead
 * worker lets it run out. */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "config/config.h"
#include "link/link.h"
#include "link/subjects.h"

struct intake;

/* On a job that a worker puts back into the stream: when it was published at first, in milliseconds
 * since 1970. */
#define PUBLISHED_HEADER "Isolane-Published"

/* One message handed out by the server: ours until acked or handed back. */
struct delivery {
    char subject[SUBJECT_MAX];
    char *data; /* NUL behind */
    size_t len;
    char *msg_id;          /* Nats-Msg-Id header or NULL */
    const char *signature; /* Isolane-Signature header or NULL; the message's own */
    int signatures;        /* how many of them */
    uint64_t stream_seq;
    uint32_t delivered;      /* 1 at the first */
    int64_t published_at_us; /* when the stream took it; the first time, where it was in
                                ISOLANE_LATER */
    const char *carried_id;  /* Isolane-Id header or NULL: it comes from there. The message's own */
    /* No consumer hands this message out any more: found by queue/stream/leftovers.h, which acks
     * it. */
    struct leftovers *leftover_of;
    char *owned[2];           /* a leftover's headers are copies */
    struct intake_slot *slot; /* intake's: ack subject, in-progress list; NULL: a leftover */
};

struct intake_events {
    /* A job came; ownership of d goes to the handler (delivery_free after ack or hand-back). */
    void (*job)(struct delivery *d, void *arg);
    /* The streams are there and pulling goes on / it can't go on; why says what a person must do.
     */
    void (*ready)(void *arg);
    void (*failed)(const struct err *why, void *arg);
};

/* Creates what is missing (asynchronously) and starts pulling when intake_want() says how much. A
 * stream or consumer that exists with other settings is used as it is and a warning names the
 * difference: never changed silently. used_seq: the highest sequence of the jobs stream that there
 * is a result of, 0: none; a stream that has to be made goes on behind it. */
int intake_open(uv_loop_t *loop, struct link *l, const struct config *c, const struct subjects *s,
                uint64_t used_seq, const struct intake_events *ev, void *arg, struct intake **out,
                struct err *e);

/* Sequences that are given now may have been given before, by a stream that is gone: the result of
 * one that is a job's id may be another job's. */
bool intake_sequences_repeat(const struct intake *i);

/* How many deliveries of each class may be held (pulled and not yet acked or handed back) for a
 * tenant that is alone; several share (queue/stream/puller.h says how much they hold together). Set
 * once from nats.prefetch; intake keeps pulls outstanding so that a lone job comes at once. */
void intake_want(struct intake *i, int per_class);

/* Kept, and kept alive, but not counted among those held: it waits for long, and the caller has a
 * bound of its own for those. And back. Repeating is harmless. */
void intake_set_aside(struct intake *i, struct delivery *d);
void intake_take_up(struct intake *i, struct delivery *d);

/* Its job runs now: it is none of those that wait, of which a tenant with ceilings may have few. */
void intake_runs(struct intake *i, struct delivery *d);

/* Streams or consumers may be gone: looks, and makes what is missing. */
void intake_look(struct intake *i);

/* No pulls while paused: what the ones under way still bring is to be handed back. Repeating is
 * harmless, NULL is fine. */
void intake_pause(struct intake *i, bool paused);

/* After a loss of the connection: pulls again. */
void intake_resume(struct intake *i);

void intake_ack(struct intake *i, struct delivery *d);                         /* done for good */
void intake_hand_back(struct intake *i, struct delivery *d, int64_t delay_ms); /* NAK with delay */
void delivery_free(struct delivery *d);

/* For leftovers.c: when a message's job was first published, by its PUBLISHED_HEADER (NULL: none).
 */
int64_t intake_first_published_us(const char *text, int64_t stored_us);

/* Stops pulling; deliveries held stay ackable until intake_close(). */
void intake_stop(struct intake *i);
void intake_close(struct intake *i); /* NULL is fine */

/* Makes sure the streams exist, for a client or a test: runs the loop. */
int intake_ensure_streams(uv_loop_t *loop, struct link *l, const struct config *c,
                          const struct subjects *s, struct err *e);
