/* JetStream alone: a nats-server of the bench's own (loopback, in the bed's folder), a stream for
 * jobs and one for results like the worker's, and two connections of this one process, both by
 * link/: one does what publishers do, the other what the worker does with a job. Nobody runs
 * anything. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "base/buf.h"
#include "bench/bed.h"
#include "bench/measure.h"
#include "link/link.h"

struct embedded;

struct nats_bed {
    struct bed *bed;
    struct embedded *server;
    pid_t server_pid;
    struct link *publisher, *worker;
    struct link_sub *subs[6];
    int sub_count;
    uv_timer_t stall, pause;
    struct buf job, envelope;
    uint64_t serial;
    /* what has come so far */
    uint64_t job_acks, jobs, ack_answers, results, result_acks, logs;
    char reply[256]; /* of the last job */
    /* a run */
    bool with_results, with_logs, running;
    uint64_t sent, ended, target, window;
    double sent_us;
    struct samples *latency; /* of a window of 1 */
};

void nats_bed_open(struct nats_bed *n, struct bed *bed);
void nats_bed_close(struct nats_bed *n);
/* Lets the loop turn for so long. */
void nats_bed_rest(struct nats_bed *n, int64_t ms);
/* Turns the loop until a counter above has that value; die()s when it does not come. */
void nats_bed_until(struct nats_bed *n, const uint64_t *counter, uint64_t value);

/* Single steps; each returns at once. */
void nats_bed_publish_job(struct nats_bed *n);         /* then job_acks */
void nats_bed_pull(struct nats_bed *n, uint64_t jobs); /* then jobs */
void nats_bed_ack(struct nats_bed *n);                 /* the last job, then ack_answers */
void nats_bed_publish_result(struct nats_bed *n);      /* then results, result_acks */

/* Many jobs published, pulled and acked, with what a worker says about each. */
struct nats_traffic {
    bool results; /* each job's envelope to the results stream, heard by a subscriber */
    bool logs;    /* a line of live output for each, heard by nobody */
    uint64_t jobs, window;
    int64_t pause_ms;        /* behind each job of a window of 1 */
    struct samples *latency; /* published → result heard (without results: job pulled), µs; NULL:
                              * not wanted, else window is 1 */
};
struct nats_cost {
    double jobs_per_s, server_us, clients_us; /* CPU a job */
};
struct nats_cost nats_bed_run(struct nats_bed *n, const struct nats_traffic *t);
