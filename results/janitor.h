/* Keeps the results database to what the configuration's retention allows: looks now and then, off
 * the loop thread, and hands the recorder what there is to remove. Loop thread only. */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "results/prune.h"
#include "results/recorder.h"

struct janitor;

struct janitor_options {
    const char *db_path;
    const char *worker;                 /* name in checkpoints */
    const struct retention *retentions; /* copied */
    size_t count;
    int64_t interval_ms; /* between two looks; the first comes at once */
};

/* Nothing to keep within bounds (count 0): *out is NULL, which all calls take. */
void janitor_open(uv_loop_t *loop, const struct janitor_options *o, struct recorder *rec,
                  struct janitor **out);

/* The recorder's `pruned` event. */
void janitor_pruned(struct janitor *j, size_t rows, bool more);

/* Before recorder_close(). The memory goes when a look that is under way has ended: run the loop.
 */
void janitor_close(struct janitor *j);
