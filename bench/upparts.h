/* The processes below a worker of upworker.h, and what is in its database afterwards. */
#pragma once

#include "bench/upworker.h"

struct up_parts {
    pid_t zygote, nats_server;
};

/* Once cells have been forked; die()s when they are not there. */
void up_find(const struct up_worker *w, struct up_parts *p);
/* CPU time of everything on a job's way so far, µs; of the cells of the default zygote, those that
 * are gone and those that live. */
struct up_usage {
    double at_us; /* now_us() */
    double cell, zygote, supervisor, nats_server, publisher;
    double cell_faults; /* minor page faults of cells that are gone */
};
struct up_usage up_usage_now(const struct up_worker *w, const struct up_parts *p);
/* Metrics <name>.jobs (a second), <name>.cpu.<part> and <name>.cpu.all (µs a job) of n jobs. */
void up_tell(const char *name, const struct up_usage *from, const struct up_usage *to, double n);

/* Every result in the bed's database must hold its signature and be `ok`, and there must be so
 * many.
 */
void up_audit(const struct bed *bed, uint64_t expected);
