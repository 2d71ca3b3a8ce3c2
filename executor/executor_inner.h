/* What executor.c (jobs), dispatch.c (which of them gets a cell) and executor_life.c share. Nobody
 * else includes this. */
#pragma once

#include "base/list.h"
#include "executor/executor.h"
#include "executor/sources/filesets.h"
#include "executor/services/world.h"
#include "queue/backlog.h"
#include "results/recorder.h"
#include "sandbox/jail/jail.h"

struct executor {
    uv_loop_t *loop;
    const struct config *config;
    char *worker;
    bool eager_output;
    struct executor_events ev;
    void *arg;
    struct sign_key key;
    struct seal_key *seal; /* guarded; NULL: none */
    struct recorder *recorder;
    struct janitor *janitor; /* NULL: everything is kept */
    size_t pruned_rows;      /* told to the janitor when the front-end says so */
    bool pruned_more;
    struct backlog *backlog;
    struct pools *pools;       /* NULL once they were closed: see executor_last() */
    struct codes *codes;       /* likewise; NULL also where there are none */
    struct branches *branches; /* likewise */
    struct warm *warm;         /* likewise: its cells are the pools' */
    uv_prepare_t *turn_done;   /* active: a refill is due */
    uv_timer_t *wake;          /* active: a tenant at a ceiling may go on then */
    struct toolchain *tools;
    struct filesets *filesets;
    struct list running; /* backlog entries of attempts in cells */
    struct list parked;  /* likewise, of those whose time has not come */
    int waiting, running_count, parked_count, recording;
    int lined;              /* in the lines of cells */
    size_t recording_bytes; /* of output and values that are being signed and committed */
    int running_of[PROFILES];
    struct service_world world;
    bool up, draining, last;
    void (*back)(struct attempt *a, void *arg); /* draining: takes what will not run here */
    void *back_arg;
    const char *jail_names[LAYERS + 1];
};

/* No job is started while so much is being recorded, which takes some four times that in memory: a
 * slow disk. */
#define RECORDING_BYTES ((size_t)24 << 20)

extern const struct recorder_events executor_recorder_handlers;
extern const struct pools_events executor_pool_handlers;
extern const struct codes_events executor_codes_handlers;
extern const struct branches_events executor_branches_handlers;

/* Ownership of r goes to the recorder. */
void executor_record(struct executor *x, struct attempt *a, struct result *r);
/* Cells are forked when this turn of the loop is done. */
void executor_refill(struct executor *x);
/* Into the backlog (front: before its tenant's others) and among the parked ones. */
void executor_let_wait(struct executor *x, struct attempt *a, bool front);
void executor_set_aside(struct executor *x, struct backlog_entry *entry);
void executor_close_pools(struct executor *x);

/* filesets.h: the files of a job that waited for them are here, or will not be. */
void executor_files_done(struct attempt *a, const struct err *why, void *arg);

/* dispatch.c: of attempts in a cell's line (attempt.h). */
void executor_begins(struct attempt *a, void *executor);
void executor_returned(struct attempt *a, void *executor);
/* An attempt has left its cell: what may start now, or has to be given back. */
void executor_behind_end(struct executor *x);
void executor_pump_soon(struct executor *x); /* that, in the next turn of the loop */

/* Starts what may start. */
void executor_pump(struct executor *x);
/* Out of the parked ones. */
void executor_take_up(struct executor *x, struct backlog_entry *entry);
/* Draining: what waits goes to x->back. */
void executor_give_back_waiting(struct executor *x);
/* clocked: only those that wait for a clock, not for the front-end. */
void executor_give_back_parked(struct executor *x, bool clocked);
