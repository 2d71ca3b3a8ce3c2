/* The life of a forked process: made ready, told a job, run, gone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "sandbox/engine/engine.h"
#include "sandbox/zygote/touch.h"

/* What the zygote found out about itself, and every cell begins with. */
struct cell_start {
    enum jail_mode jail;
    uint32_t layers;     /* the zygote's */
    uint64_t data_bytes; /* RLIMIT_DATA already used at the fork */
    bool no_code;        /* no memory of a cell may become executable */
};

/* What the engine is booted with. */
extern const struct engine_host cell_host;

/* The cell: never returns. sock: its end of the socketpair. awaited: a job waits for it, so nothing
 * is to be gained by warming up first. */
_Noreturn void cell_main(int sock, const struct cell_start *start, bool awaited);

/* What a trial shows. */
struct cell_trial_report {
    uint32_t layers;    /* in force */
    uint64_t rss_bytes; /* resident at the most: what a cell has before its job */
};

/* A trial: goes a cell's way up to the seal, then makes a system call that is not allowed and has
 * to die of it. Writes a struct cell_trial_report into `report`. Never returns. */
_Noreturn void cell_trial(int report, const struct cell_start *start);

/* A training run: a cell without a jail that does what usual jobs do, with all it touches noted.
 * Its INVOKE is put into `peer`, the other end of the socket; what it answers stays there. */
_Noreturn void cell_train(int sock, int peer, struct touched *t);
