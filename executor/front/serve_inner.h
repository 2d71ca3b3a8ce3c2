/* The inside of the NATS front-end: serve.c (its life, results out), takein.c (jobs in),
 * holding.c (jobs that wait), waiting.c (for others), turns.c (for a place of their
 * concurrency_key), publish.c (results out), live.c (output and progress), ends.c (results of
 * batches), dead.c (dead letters). Nobody else includes this. */
#pragma once

#include "executor/front/after.h"
#include "executor/front/custody.h"
#include "executor/front/serve.h"
#include "queue/stream/intake.h"
#include "queue/stream/later.h"

struct serve {
    uv_loop_t *loop;
    const struct config *config;
    struct data_paths paths;
    struct serve_events ev;
    void *arg;
    struct subjects subjects;
    struct link *link;
    struct intake *intake;
    struct leftovers *leftovers;
    struct executor *executor;
    struct artifact_store *artifacts;
    struct store *store; /* read handle of the loop thread */
    struct requests *requests;
    struct presence *presence;
    struct schedules *schedules;
    struct later *later;
    struct cancels *cancels;
    struct held *held;
    struct leases *leases;
    struct calls *calls;             /* NULL: none are taken */
    struct checkpoints *checkpoints; /* NULL: closing */
    struct batches *batches;         /* NULL: draining */
    struct after_context after;
    struct custody_table custodies;
    struct list publishing; /* what waits for a confirmation, or for another try */
    int parked;             /* custodies that are, and the bytes of their messages */
    int64_t parked_bytes;
    /* publish.c: bytes of envelopes that are kept, and of those that wait for a PubAck */
    size_t kept_bytes, flying_bytes;
    uint64_t refused; /* PubAcks that said no */
    int64_t refused_said_us;
    int unconfirmed; /* publishes without a PubAck, in a row */
    bool doubt;      /* the last one: nothing is published before the stream says it is there */
    bool asking;     /* … which it was asked */
    bool behind;     /* results wait that were never sent, or not again */
    struct shed *shed;
    uv_timer_t retry, drain_timer;
    int timers; /* of these two, not closed yet: freed with the last */
    int64_t drain_until_us;
    bool executor_up, intake_ready, named, cancels_known; /* jobs are taken with all of them */
    bool pruning_waits, ready_told, stuck, shedding, draining, drained_told, closing;
};

/* ---- serve.c ---- */

/* Acks it and forgets it; hands it back. */
void serve_settle(struct serve *s, struct custody *c);
void serve_hand_back(struct serve *s, struct custody *c, int64_t delay_ms);

/* ---- publish.c ---- */

void publish_open(struct serve *s);
/* executor's event */
void publish_committed(struct attempt *a, const struct result *r, const char *envelope, size_t len,
                       void *serve);
/* Its result is durable here: publishes it, then a dead job's copy, then settles. */
void serve_publish_result(struct serve *s, struct custody *c, const char *envelope, size_t len);
/* Something that waits in `publishing` is tried again in a while; now. */
void serve_try_again(struct serve *s);
void publish_again(struct serve *s);

/* ---- takein.c ---- */

void takein_job(struct delivery *d, void *serve); /* intake's event */

/* It was looked up and may run, if nothing speaks against it. c->job is the job. */
void takein_go_on(struct serve *s, struct custody *c);

/* It has a result, by another worker: what that one did not get to do, and the ack. Likewise. */
void takein_end_known(struct serve *s, struct custody *c);

/* ---- waiting.c ---- */

/* The job has `after`: looks whether it may run, and goes on from there. */
void waiting_begin(struct serve *s, struct custody *c, struct job *job);

/* ---- holding.c ---- */

/* Before its first run: in how long it may start, milliseconds; 0: now. */
int64_t holding_wait_ms(const struct job *job, int64_t retry_at_us);
/* Longer than this is not waited for here. used, tries: so far. */
bool holding_is_long(const struct serve *s, const struct custody *c, int64_t wait_ms);
void holding_move_later(struct serve *s, struct custody *c, enum job_class cls, int64_t due_us,
                        int used);
/* It waits here: its message does not count among those held. Until holding_end(). */
void holding_begin(struct serve *s, struct custody *c);
void holding_end(struct serve *s, struct custody *c);
void holding_store_event(struct serve *s, struct custody *c);
/* executor's events */
void holding_retrying(struct attempt *a, void *serve);
void holding_started(struct attempt *a, void *serve);
/* With `events: all`. outcome NULL: none. */
void holding_tell(struct serve *s, struct custody *c, const char *state, int attempt,
                  const char *outcome, const struct tries *tries);

/* ---- ends.c ---- */

/* Batches, with their results made here. */
struct batches *ends_batches(struct serve *s);

/* ---- live.c: executor's events ---- */

void live_output(struct attempt *a, int stream, uint64_t offset, const char *text, size_t len,
                 void *serve);
void live_progress(struct attempt *a, double fraction, const char *text, void *serve);

/* ---- turns.c ---- */

/* executor's event: has the job a place of its concurrency_key? Asks for one where not. */
bool turns_may_start(struct attempt *a, void *serve);
/* The run ended, or there will be none here: its place is free. */
void turns_end(struct custody *c);
/* Those that wait for a place go back. */
void turns_drain(struct serve *s);
bool holding_has_room(const struct serve *s, const struct custody *c); /* in holding.c */

/* ---- dead.c ---- */

/* Whether the result in that envelope says `dead`. */
bool dead_says(const char *envelope, size_t len);
/* Publishes the copy; serve_settle() follows. c->envelope is its result. */
void dead_bury(struct serve *s, struct custody *c);
