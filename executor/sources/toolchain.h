/* TypeScript on its way to its cell: what a job needs done before it can run, in cells of the
 * worker's own (config/profile.h: toolchain, typescript), or out of the cache. Loop thread only.
 *
 * The executor asks toolchain_profile() for every job that is to wait: a job whose TypeScript is
 * not transformed yet waits for a cell of another profile than its own, in the same backlog and
 * under the same shares and ceilings, and is PREPARING while it has one. Then it waits once more,
 * in front of its tenant's others. A check of types is a step of its own before that.
 *
 * A transform has bounds of its own; its time is no part of the job's budgets, and no attempt is
 * used up. Sources that are wrong, or that exceed those bounds, end the job as `threw`; nothing of
 * it is tried again, for the same would come out. A cell that is lost with its zygote is no fault
 * of the job's; one that crashes is not either, the first time. */
#pragma once

#include "base/err.h"
#include "config/paths.h"
#include "executor/attempt/attempt.h"

struct toolchain;

/* folder: of the cache, NULL: in memory alone. */
struct toolchain *toolchain_new(const char *folder, const struct engine_paths *engine);
void toolchain_free(struct toolchain *t); /* NULL is fine */

/* WAITING: the profile whose cell the job needs next; its own when nothing is left to be done. */
enum profile toolchain_profile(struct toolchain *t, struct attempt *a);

/* WAITING → PREPARING in that cell, which has just come from the pool with these events. */
int toolchain_start(struct attempt *a, struct cell *c, struct err *e);
extern const struct cell_events toolchain_cell_events; /* arg: the attempt */

/* What was done to the job's TypeScript so far, a JSON object that the caller frees; NULL: nothing.
 */
char *toolchain_report(const struct attempt *a);

/* PREPARING → WAITING: its cell is killed, nothing is told. */
void toolchain_stop(struct attempt *a);
