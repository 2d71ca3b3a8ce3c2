/* Publishes jobs to a worker of upworker.h and waits for their signed durable results: so many in
 * flight, each timed from publishing to its result. One thread, on the bed's loop.
 *
 * A job's id is its number, so a result is matched with the moment its job went out whatever the
 * order they come in. A job that the queue refuses, or half a minute without any result, die()s. */
#pragma once

#include "bench/bed.h"
#include "bench/measure.h"
#include "link/link.h"
#include "link/subjects.h"

#define PUBLISHER_WINDOW_MAX 65536
#define PUBLISHER_ID_MAX     24

struct publisher {
    /* Set by the caller, who may change them between two runs: */
    void (*make)(void *arg, uint64_t number, const char *id, struct buf *message);
    void *arg;
    const char *(*tenant)(void *arg, uint64_t number); /* NULL: `default` */
    bool call;                                         /* isolane.call instead of the queue */

    struct bed *bed;
    struct link *link;
    struct link_sub *results, *acks, *replies;
    struct subjects subjects;
    struct buf message;
    uv_timer_t stall, pause;
    uint64_t sent, seen, seen_before, target, window;
    double *sent_at_us; /* by a job's number */
    size_t sent_cap;
    struct samples latency; /* µs, of every job since it was emptied */
};

/* make, tenant and call stand already. */
void publisher_open(struct publisher *p, struct bed *bed, const char *url);
/* Sends n jobs, `window` (1 to PUBLISHER_WINDOW_MAX) of them in flight; returns when all their
 * results were seen. */
void publisher_run(struct publisher *p, int64_t n, int64_t window);
/* One at a time, with a pause of so many milliseconds behind each. */
void publisher_run_paced(struct publisher *p, int64_t n, int64_t pause_ms);
/* Lets the loop run for so long. */
void publisher_rest(struct publisher *p, int64_t ms);
void publisher_close(struct publisher *p); /* the loop must run once more */
