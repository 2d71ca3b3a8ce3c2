/* A real zygote with idle cells that nobody uses: what its size is measured on. */
#pragma once

#include <sys/types.h>

#include "bench/bed.h"

struct pool;

struct zygote_bed {
    struct bed *bed;
    struct pool *pool;
    pid_t pid; /* of the zygote */
    int ready, gone;
};

/* Starts it, until that many cells are ready; calls bed_engine(). */
void zygote_bed_open(struct zygote_bed *z, struct bed *bed, int cells);
/* Ends its cells: what the zygote's pages are then, they are its own. */
void zygote_bed_end_cells(struct zygote_bed *z);
void zygote_bed_close(struct zygote_bed *z);
