/* Makes the zygote's memory cheap to fork: named steps, each of them measured.
 * Called once, with V8 warm, while /proc can still be read; no JavaScript runs in the zygote
 * afterwards. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sandbox/zygote/touch.h"

/* Before the engine starts. For zygotes of few cells it may be left out. */
void memory_begin(void);

/* Does all the steps. train() runs in a child that is thrown away: it calls touch_trace(t), and
 * what it touches from then on is what cells will touch. It is given both ends of a socketpair; the
 * second stays open here until it has ended. Only let_fork() can fail the zygote; the others are
 * savings that a machine without huge pages goes without. few_cells: the steps that only pay after
 * some dozens of forks (all but the first and the last) are left out. */
int memory_prepare(void (*train)(int sock, int peer, struct touched *t), bool few_cells,
                   struct err *e);

/* The last step, right before the zygote serves forks; needs no /proc. */
void memory_settle(void);

struct memory_figures {
    uint32_t threads, mappings;   /* mappings that a fork copies */
    uint64_t private_dirty_bytes; /* without huge pages */
    uint64_t huge_bytes;
    uint64_t data_bytes; /* what counts against RLIMIT_DATA */
};

/* The files under /proc that the figures come from, opened while there is a /proc. */
struct memory_files {
    int status, maps, rollup;
};
int memory_files_open(struct memory_files *f, struct err *e);
void memory_files_close(struct memory_files *f);
int memory_measure(const struct memory_files *f, struct memory_figures *out, struct err *e);
