/* The inside of a pool, for its own files: pool.c has the zygotes and the cells kept ready,
 * pool_attest.c decides whether the jail of a zygote holds before its cells get jobs. */
#pragma once

#include "base/list.h"
#include "executor/cells/attest.h"
#include "executor/cells/pool.h"

struct source {
    struct pool *pool;
    struct zygote *z;
    struct list node;  /* in pool->sources */
    struct list slots; /* every cell of it that exists */
    struct list held;  /* cells that are ready and wait for the attestation */
    bool up, gone, retiring;
    bool attested;          /* its cells may take jobs */
    bool crashed;           /* a cell of it did: it is to be replaced soon */
    int64_t up_at_us;       /* monotonic */
    int64_t attested_at_us; /* real time of the last good report; 0: none is made (jail: off) */
    int64_t attest_due_us;  /* monotonic; 0: no attempts are due */
};

struct slot {
    struct source *source;
    struct cell *cell;
    struct list node;  /* in pool->ready, in source->held, or in no list */
    struct list every; /* in source->slots */
    bool was_ready, is_ready, taken, counted_out;
    bool resting;                 /* taken, and between two jobs */
    bool prober;                  /* is to make the escape attempts, and gets no job */
    bool reported;                /* has made them, or nobody wants to know any more */
    struct attest_run *run;       /* making them */
    const struct cell_events *ev; /* the taker's */
    void *arg;
};

struct pool {
    uv_loop_t *loop;
    const struct config *config;
    struct engine_paths paths;
    enum profile profile;
    int size;
    int keep_fd; /* 0: none */
    unsigned keep_mb;
    struct cgroup *cgroup;
    struct pool_events ev;
    void *arg;
    struct list sources;
    struct source *current, *next;
    struct list ready;
    struct pool_stats stats;
    uv_timer_t timer; /* restart, renewal or forks again, whichever comes first */
    int64_t restart_at_us;
    int failures;
    int64_t fork_again_at_us; /* 0: forks are not held back */
    int fork_failures;        /* in a row */
    struct err why_no_cell;   /* of the last of them */
    int misses;               /* attestations in a row without a report */
    bool few_cells, ever_up, ever_ready, ever_attested, refused, closing, timer_closed;
};

/* pool.c */

void pool_start_source(struct pool *p); /* another zygote, which takes over when it is attested */
void pool_take_over(struct pool *p, struct source *s); /* it forks from now on; the old one goes */
void pool_arm_timer(struct pool *p);
void pool_kill_idle(struct source *s); /* its cells that no job has */
void pool_slot_serves(struct slot *s); /* jobs may have the cell */
/* What cells it takes from that source: n for jobs, and with `prober` one more, the first. awaited:
 * see cell_fork(). */
void pool_fork_cells(struct source *from, int n, bool awaited, bool prober);

/* pool_attest.c */

void pool_probe_in(struct slot *s); /* a prober is ready: it makes the escape attempts */
void pool_drop_run(struct slot *s); /* nobody wants its report any more */
