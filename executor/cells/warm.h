/* Cells that stay behind a job for the next one of the same tenant, where jobs ask for it
 * (`reuse`). Loop thread only.
 *
 *   from the pool ── warm_enter() ──► BUSY ── warm_done(keep) ──► IDLE ── warm_take() ──► BUSY
 *                                      │ a stop, a crash, not fit      │ idle, old, in the way,
 *                                      ▼ for another, no room          ▼ its zygote replaced
 *                                     ended                           ended
 *
 * A cell serves one key: tenant, profile, budgets of memory, permissions, and with `script` the
 * code and its environment. So it never sees two tenants, and a live context never another script's
 * job, nor one that may do more or less.
 *
 * Lines. While a cell with `script` is busy and jobs of its key are done in a moment, more of them
 * are sent ahead (sandbox/frame.h): up to LINED_MAX wait in each cell, which so never waits for the
 * supervisor. When a job takes longer than others did, fails or calls a host service, those behind
 * it have not begun: they are told so, and find another cell. Behind a failure none is sent ahead
 * before some have gone well again.
 *
 * Bounds (config/reuse.h): so many cells in all and of a tenant; for a new one the cell goes that
 * was idle longest. What they have grown by is read from the kernel every second, and over the
 * bound those idle longest go. idle_s, max_age_s and max_calls end a cell when it is idle. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/crypto.h"
#include "base/list.h"
#include "config/config.h"
#include "queue/job/job.h"
#include "sandbox/host/cell.h"

struct warm;
struct warm_cell;

struct warm_key {
    uint8_t v[SHA256_LEN];
};

/* granted: its permissions, permissions_json(); env: as the script sees it. */
void warm_key_of(const struct job *j, const struct buf *granted, const char *env, size_t env_len,
                 struct warm_key *out);

struct warm *warm_open(uv_loop_t *loop, const struct config *c);
/* No cell is kept any more: forgets them, before the pools that they are from are closed. NULL is
 * fine. */
void warm_close(struct warm *w);

/* An idle cell of that key, BUSY from now on, its events to ev/arg; NULL: there is none. */
struct warm_cell *warm_take(struct warm *w, const struct warm_key *k, const struct cell_events *ev,
                            void *arg);
/* Whether it is worth waiting for one: there are as many as processors, all have a job, and those
 * of this key are done sooner than a cell is made. */
bool warm_is_quick(const struct warm *w, const struct warm_key *k);
/* A cell that was just taken from the pool is to stay behind its job: BUSY. NULL: there is no room,
 * though every idle one that may go for it would. */
struct warm_cell *warm_enter(struct warm *w, const struct warm_key *k, const struct tenant *t,
                             enum profile p, struct cell *c);

/* A job in line. Belongs to whoever gave it, from warm_line_up() until one of the calls. */
struct warm_waiter {
    struct list node;
    const struct cell_events *ev; /* the cell's from `begins` on, with arg */
    /* Its turn has come: it began at started_us (clock_mono_us()). */
    void (*begins)(int64_t started_us, void *arg);
    /* It will not run in this cell. Only takes note: the cell is in the middle of something. */
    void (*returned)(void *arg);
    void *arg;
};

/* The invocation that it was taken for is sent. */
void warm_began(struct warm_cell *x);

/* A busy cell of that key that takes one more into its line, NULL: there is none. */
struct warm_cell *warm_line(struct warm *w, const struct warm_key *k);
/* The job was sent to that cell (cell_line_up()). */
void warm_line_up(struct warm_cell *x, struct warm_waiter *waiter);
bool warm_has_line(const struct warm_cell *x);
/* All that wait in that cell are returned; it ends with the job that it has. */
void warm_break_line(struct warm_cell *x);
/* Its job has called a host service: no lines for this key. */
void warm_talks(struct warm_cell *x);

struct cell *warm_cell(const struct warm_cell *x);
int64_t warm_call(const struct warm_cell *x); /* number of its present call, from 1 */
/* A number for its next invocation: above the last, and not to be guessed. */
uint64_t warm_invocation(struct warm_cell *x);

/* BUSY ended. keep: it may stay, if it still is of use; else it ends. The next in line begins. x is
 * not the caller's any more, and neither is its cell. */
void warm_done(struct warm_cell *x, bool keep);

/* Profiles with an idle cell, and those with one that may have room in its line, as sets (1 << enum
 * profile). */
unsigned warm_idle(const struct warm *w);
unsigned warm_room(const struct warm *w);

struct warm_stats {
    int cells, idle;
    uint64_t entered, taken; /* since the start: cells that stayed, jobs that found one */
};
struct warm_stats warm_stats(const struct warm *w);
