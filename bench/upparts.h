/* The processes below a worker of upworker.h, and what is in its database afterwards. */
#pragma once

#include "bench/upworker.h"

struct up_parts {
    pid_t zygote, nats_server;
};

/* Once cells have been forked; die()s when they are not there. */
void up_find(const struct up_worker *w, struct up_parts *p);
/* CPU time of all cells, those that are gone and those that live, µs. */
double up_cells_cpu_us(const struct up_parts *p);

/* Every result in the bed's database must hold its signature and be `ok`, and there must be so
 * many.
 */
void up_audit(const struct bed *bed, uint64_t expected);
