/* The larger parts of the floor, each in a file of its own. They print their metrics
 * (floor.fork-zygote.*, floor.sqlite.*, floor.nats.*). */
#pragma once

#include "bench/bed.h"
#include "bench/measure.h"

struct floor_options {
    int64_t count;    /* measurements of each part */
    int64_t pause_ms; /* between two that wait for another process or the disk, as between the jobs
                       * of `queue` and `dispatch` that they are compared with */
};

/* fork + exit + wait of this process as it is. */
void floor_forks(int64_t count, struct samples *out);
/* The same of a process with the mappings and the memory of a real zygote. */
void floor_fork(struct bed *bed, const struct floor_options *o);
/* A commit of 1 and of 32 rows of a small result's size. */
void floor_sqlite(struct bed *bed, const struct floor_options *o);
/* JetStream by the C client: publish, deliver, pull, ack, result. */
void floor_nats(struct bed *bed, const struct floor_options *o);
