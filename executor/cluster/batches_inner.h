/* What batches.c (records, and who counts) and batches_count.c (one batch) share. Nobody else
 * includes this. */
#pragma once

#include <stdbool.h>
#include <uthash.h>

#include "executor/cluster/batches.h"
#include "link/follow.h"

#define BATCH_KEY_TEXT (TENANT_NAME_MAX + 1 + BATCH_ID_MAX + 1)

enum batch_state {
    BATCH_OPEN,     /* not looked at here */
    BATCH_LOOKING,  /* has it a result? */
    BATCH_COUNTING, /* its jobs' results are followed */
    BATCH_ENDING,   /* its own is being written */
    BATCH_MARKING   /* it has one: the record is to say so */
};

struct batch {
    struct batches *all;
    char key[BATCH_KEY_TEXT]; /* "<tenant>/<batch>" */
    char tenant[TENANT_NAME_MAX + 1], id[BATCH_ID_MAX + 1];
    int64_t jobs, stored_at_us;
    enum batch_state state;
    bool asked; /* an answer is under way */
    struct follow *follow;
    int fetching; /* results that do not say their outcome in a header */
    int64_t ended, counts[OUTCOMES];
    int running, running_now; /* cluster-wide: the last count, and the one under way */
    UT_hash_handle hh;
};

struct batches {
    struct batches_context ctx;
    struct batch *open;
    struct follow *records;
    struct lease *lease;
    struct link_sub *asked_sub, *answer_sub;
    char inbox[64];
    int counting;
    int under_way; /* answers that need this struct */
    bool closed, timer_closed;
    uv_timer_t tick;
};

struct batch *batch_find(const struct batches *b, const char *key);

/* ---- batches_count.c ---- */

/* OPEN → LOOKING … */
void batch_begin(struct batch *x);
/* Every second while it counts: tells how far it is, and ends it when its time is over. */
void batch_tick(struct batch *x);
/* → OPEN: somebody else counts, or nobody. */
void batch_stop(struct batch *x);
/* MARKING: the record is written, as often as it takes. */
void batch_mark(struct batch *x);
void batches_maybe_free(struct batches *b);
