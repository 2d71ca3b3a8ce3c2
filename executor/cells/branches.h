/* Zygotes of one tenant's source each: the source is compiled before they fork, so that the jobs
 * that bring it again and again neither send nor parse it. Loop thread only.
 *
 *   a large source comes often → a zygote of its own starts beside all others → it is jailed, has a
 *   filter, compiles the source and runs none of it (sandbox/engine/keep.cc) → its cells take the
 *   jobs of that tenant with that very source → nobody has brought it for profile_idle_s: it goes
 *
 * No job waits for one: without a ready cell of a branch it takes an ordinary one. Each cell is
 * forked for one job and ends with it, as ever. Jobs with `reuse` have no use for it: their cell
 * compiles once.
 *
 * There are at most `source_zygotes`, of a tenant at most half of them (one at least). Where there
 * is no room for another, the one that was not used for longest goes, if nobody has used it for
 * HELD_US: sources that take turns do not keep the worker busy with starting zygotes. */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "executor/cells/codes.h"
#include "executor/cells/pool.h"

struct branches;

struct branches_events {
    void (*ready)(void *arg);
    void (*unsafe)(const struct err *why, void *arg); /* pool.h */
};

/* o: of its pools; profile and size are the branches' own. NULL where the configuration wants none.
 */
struct branches *branches_open(uv_loop_t *loop, const struct pool_options *o,
                               const struct branches_events *ev, void *arg);
/* NULL is fine. */
void branches_close(struct branches *b);

/* A ready cell whose zygote has compiled the job's source, or NULL; what the job asks for is noted.
 * b may be NULL. */
struct cell *branches_take(struct branches *b, const struct job *j, const struct tenant *t,
                           const struct cell_events *ev, void *arg);

/* pool_refill() of each. b may be NULL. */
void branches_refill(struct branches *b, int recording);

struct branches_stats {
    int up;         /* zygotes that have or had a cell ready */
    uint64_t taken; /* cells, since the start */
};
struct branches_stats branches_stats(const struct branches *b); /* zeroes for NULL */
