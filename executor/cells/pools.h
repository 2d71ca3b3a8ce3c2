/* A pool of cells for each profile (config/profile.h). One is opened at the start; another when its
 * first job comes, and closed again when none of its profile has come for profile_idle_s. Loop
 * thread only. */
#pragma once

#include "executor/cells/pool.h"

struct pools;

struct pools_events {
    void (*ready)(void *arg);                         /* a cell of some profile has become ready */
    void (*failed)(const struct err *why, void *arg); /* no zygote of the first pool's */
    /* No zygote of that other profile could be started; its pool is closed. A job that comes later
     * may be tried again: pools_need(). */
    void (*lacking)(enum profile p, const struct err *why, void *arg);
    void (*unsafe)(const struct err *why, void *arg); /* pool.h */
};

/* o: of the first pool (profile, few_cells); the size is the configuration's. */
struct pools *pools_open(uv_loop_t *loop, const struct pool_options *o,
                         const struct pools_events *ev, void *arg);

/* A job of that profile is here. Opens its pool if there is none. */
void pools_need(struct pools *ps, enum profile p);

/* Profiles with a ready cell, as a set (1 << enum profile). */
unsigned pools_ready(const struct pools *ps);

/* pool_take() of that profile's. */
struct cell *pools_take(struct pools *ps, enum profile p, const struct cell_events *ev, void *arg);

/* pool_refill() of each; running and waiting by profile. Also closes what has been idle. */
void pools_refill(struct pools *ps, const int running[PROFILES], const int waiting[PROFILES],
                  int recording);

/* Figures of a zygote now in use: of the first pool, else of any; NULL: none is up. */
const struct zygote_info *pools_zygote(const struct pools *ps);
struct pool_stats pools_stats(const struct pools *ps); /* of all together */

/* pool_close() of all. NULL is fine. */
void pools_close(struct pools *ps);
