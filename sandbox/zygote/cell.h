/* The life of a forked process: made ready, told a job, run, gone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "sandbox/engine/engine.h"

/* What the zygote found out about itself, and every cell begins with. */
struct cell_start {
    enum jail_mode jail;
    uint32_t layers;     /* the zygote's */
    uint64_t data_bytes; /* RLIMIT_DATA already used at the fork */
    bool no_code;        /* no memory of a cell may become executable */
};

/* What the engine is booted with. */
extern const struct engine_host cell_host;

/* The cell: never returns. sock: its end of the socketpair. */
_Noreturn void cell_main(int sock, const struct cell_start *start);

/* What a trial shows. */
struct cell_trial_report {
    uint32_t layers;    /* in force */
    uint64_t rss_bytes; /* resident at the most: what a cell has before its job */
};

/* A trial: goes a cell's way up to the seal, then makes a system call that is not allowed and has
 * to die of it. Writes a struct cell_trial_report into `report`. Never returns. */
_Noreturn void cell_trial(int report, const struct cell_start *start);

/* A training run: does what usual jobs do, says nothing to anybody, returns. In a child that is
 * thrown away behind it. */
void cell_train(void);
