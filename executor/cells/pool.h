/* Cells that are ready before a job needs them, and the zygotes they come from. Loop thread only.
 *
 * One zygote at a time forks; it is replaced when it is older than zygote_renew_s, after a cell
 * died by a signal (address-space layout is shared by the cells of a zygote: a crash may have been
 * a probe), and when it died. The new one starts beside the old; the old goes when its last cell is
 * gone. A zygote that cannot start is tried again with back-off; `failed` is told when none has
 * ever come up, and when cell after cell ended before it was ready and none ever was.
 *
 * No cell is handed out before its zygote was attested (attest.h), which is repeated every
 * attest_interval_s. When the jail does not hold, nothing is handed out any more: `failed` when no
 * zygote was ever attested, else `unsafe`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "config/config.h"
#include "config/paths.h"
#include "sandbox/host/cell.h"
#include "sandbox/host/zygote.h"

struct pool;

struct pool_events {
    void (*ready)(void *arg); /* a cell has become ready: dispatch may go on */
    void (*failed)(const struct err *why, void *arg); /* no zygote could be started */
    /* The jail does not hold any more, or nobody can tell: e names the attempt. Told once. */
    void (*unsafe)(const struct err *why, void *arg);
};

struct pool_stats {
    int ready, starting, taken;
    uint64_t zygotes, forked, crashed; /* since the start */
    int64_t given_us;                  /* when a taken cell was last at its end; 0: none yet */
};

struct pool_options {
    const struct config *config;      /* kept */
    const struct engine_paths *paths; /* copied */
    enum profile profile;             /* of all its zygotes */
    int size;                         /* cells kept ready */
    bool few_cells; /* the whole life of this pool is a handful of jobs (zygote.h) */
    /* A source that its zygotes compile before they fork (sandbox/host/keep.h), the pool's from now
     * on, and heap for that; 0: none. */
    int keep_fd;
    unsigned keep_mb;
    struct cgroup *cgroup; /* for the zygotes, NULL: none; outlives the loop's close callbacks */
};

/* Its first zygote starts at once. */
struct pool *pool_open(uv_loop_t *loop, const struct pool_options *o, const struct pool_events *ev,
                       void *arg);

/* A ready cell, or NULL. Its events go to ev/arg from now on (not `ready`); after `gone` the cell
 * is freed by the pool. */
struct cell *pool_take(struct pool *p, const struct cell_events *ev, void *arg);

/* What is true of the zygote that a taken cell comes from. */
struct pool_origin {
    char engine[64];
    char flags[CONTROL_FLAGS_MAX]; /* V8's */
    uint32_t layers;               /* 1 << enum jail_layer */
    int64_t attested_at_us;        /* real time; 0: not attested (jail: off) */
};
void pool_origin(struct cell *c, struct pool_origin *out);

/* The taker lets go of a cell: none of its events reach the taker any more. */
void pool_drop(struct cell *c);

/* A taken cell, READY again behind a job, has another holder from now on. resting: it waits for its
 * next job, and is killed when its zygote is replaced; `gone` tells. */
void pool_hand(struct cell *c, const struct cell_events *ev, void *arg, bool resting);
/* Whether it may wait for another job: its zygote is the present one, and none of that one's cells
 * has crashed. */
bool pool_may_rest(struct cell *c);
/* Resident bytes of such a cell before its first job. */
uint64_t pool_first_bytes(struct cell *c);

/* Forks what is missing. running: attempts now in cells; waiting: jobs that want one; recording:
 * results on their way to the disk. Called by the executor when jobs wait, when an attempt ended
 * and when results are committed. */
void pool_refill(struct pool *p, int running, int waiting, int recording);

/* Figures of the zygote now in use, NULL before the first is up. */
const struct zygote_info *pool_zygote(const struct pool *p);
struct pool_stats pool_stats(const struct pool *p);

/* Kills everything; taken cells get their `gone`. The memory goes with the loop's close callbacks.
 */
void pool_close(struct pool *p);
