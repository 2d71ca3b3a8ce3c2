/* The NATS front-end: jobs from JetStream into the executor, results out to the results stream,
 * then the ack; and the requests that clients make (results.get, cancel). Loop thread only.
 *
 * A delivery's life here ("custody"):
 *
 *   HELD        with the executor: waits, runs or is being recorded  → PUBLISHING
 *   LOOKING     a redelivery: does the cluster have its result?      → HELD | settled
 *   PUBLISHING  row durable, publish sent, PubAck awaited            → settled (acked, freed)
 *               (no PubAck: sent again after RETRY_MS and after each reconnect)
 *
 * Order, so that nothing is lost: run → row durable → result in the results stream → ack. Exactly
 * one result: a (tenant, id) in custody is not taken twice; one in the store is published again and
 * acked; the results stream refuses a second message on a subject
 * (Nats-Expected-Last-Subject-Sequence: 0). */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "config/config.h"
#include "config/paths.h"
#include "executor/executor.h"
#include "link/link.h"
#include "link/subjects.h"

struct serve;

struct serve_options {
    const struct config *config;       /* kept */
    const struct data_paths *paths;    /* copied */
    const struct engine_paths *engine; /* copied */
    struct cgroup *cgroup;             /* of the zygotes, NULL: none; kept */
};

struct serve_events {
    void (*ready)(void *arg);                         /* jobs are being taken */
    void (*failed)(const struct err *why, void *arg); /* cannot go on; the worker should end */
    /* The jail does not hold any more, or another worker has our name: it drains by itself,
     * `drained` follows; end with this error */
    void (*unsafe)(const struct err *why, void *arg);
    void (*drain)(int grace_ms, void *arg); /* somebody asks for it: call serve_drain() */
    void (*drained)(void *arg);             /* after serve_drain(): nothing is left */
};

int serve_open(uv_loop_t *loop, const struct serve_options *o, const struct serve_events *ev,
               void *arg, struct serve **out, struct err *e);

/* Stops pulling, hands waiting jobs back, lets running ones end for grace_ms, hands the rest back,
 * publishes and acks what is recorded; then `drained`. A further call can only shorten the grace.
 */
void serve_drain(struct serve *s, int grace_ms);

/* After `drained` or `failed`. */
void serve_close(struct serve *s);

struct executor_stats serve_stats(const struct serve *s);
