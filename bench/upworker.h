/* A real `isolane up` on a bed's data folder: what a publisher has to do with. */
#pragma once

#include <sys/types.h>

#include "bench/bed.h"

struct up_worker {
    pid_t supervisor;
    char url[256];
};

/* config_file: of the worker, NULL: none. It does not outlive this process. */
void up_worker_start(struct up_worker *w, const struct bed *bed, char *config_file);
/* Drains it; die()s unless it ends with exit code 0. */
void up_worker_stop(struct up_worker *w);
