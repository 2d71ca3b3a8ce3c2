/* One job in this worker's hands: its state machine. Loop thread only; owned by the executor.
 *
 *   WAITING    in the backlog                  → RUNNING | RECORDING (cancelled, deadline) | PARKED
 *                                                | PREPARING | LINED
 *   PREPARING  a tool's cell has its TypeScript → WAITING | RECORDING (toolchain.h)
 *   LINED      waits in a cell's line (warm.h)  → RUNNING | WAITING (returned)
 *   RUNNING    a cell has it, clocks run       → RECORDING | PARKED | WAITING (again, see below)
 *   PARKED     it is not yet time to run it    → WAITING | RECORDING (cancelled)
 *   RECORDING  its result is with the recorder → freed at commit
 *
 * RUNNING → WAITING happens when the cell was lost with its zygote: not the job's fault, no attempt
 * is used up, bounded by LOST_MAX (then it counts as an attempt that ended `internal`).
 * RUNNING → PARKED happens when the outcome is one of the job's retry_on and max_attempts is not
 * reached. A job also begins PARKED when its time has not come. WAITING → PARKED happens when its
 * turn came and the front-end has something to do first (executor_events.may_start), or its files
 * are to be fetched (filesets.h). No other way leads back: a job has one result.
 *
 * Budgets: cpu_ms and wall_ms are held by the cell's watch (sandbox/host/watch.h), heap_mb and
 * memory_mb by the cell itself, output_kb by both sides. verdict.h makes the outcome. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "executor/cells/branches.h"
#include "executor/cells/pool.h"
#include "executor/attempt/secrets.h"
#include "executor/attempt/tries.h"
#include "executor/attempt/verdict.h"
#include "executor/cells/warm.h"
#include "queue/backlog.h"
#include "queue/job/job.h"
#include "results/record.h"
#include "sandbox/host/cell.h"

enum attempt_state {
    ATTEMPT_WAITING,
    ATTEMPT_PREPARING,
    ATTEMPT_LINED,
    ATTEMPT_RUNNING,
    ATTEMPT_PARKED,
    ATTEMPT_RECORDING,
    ATTEMPT_STATES
};

struct attempt;
struct service_world;

/* What an attempt tells the executor. */
struct attempt_owner {
    /* Text printed, with its place in the stream. live: the job is older than LATE_MS. True when it
     * was passed on; what was not comes again when the job has become that old. */
    bool (*output)(struct attempt *a, int stream, uint64_t offset, const char *text, size_t len,
                   bool live, void *arg);
    void (*progress)(struct attempt *a, double fraction, const char *text, void *arg);
    /* RUNNING ended: result is made (ownership moves), or NULL: it is WAITING (put it back into
     * the backlog) or PARKED (it waits for attempt_park()). */
    void (*ended)(struct attempt *a, struct result *r, void *arg);
    /* LINED ended: it is RUNNING, or it is WAITING (put it back into the backlog, before its
     * tenant's others; but start nothing from inside this). */
    void (*begins)(struct attempt *a, void *arg);
    void (*returned)(struct attempt *a, void *arg);
    /* PREPARING ended: result is made, or NULL: it is WAITING. cpu_us: what that took. */
    void (*prepared)(struct attempt *a, struct result *r, int64_t cpu_us, void *arg);
    /* attempt_park()'s time is over; the attempt is WAITING now. */
    void (*due)(struct attempt *a, void *arg);
    /* Its deadline passed while it was WAITING, or held. */
    void (*late)(struct attempt *a, void *arg);
};

struct attempt_facts {
    int64_t published_at_us;
    uint64_t stream_seq;
    void *tag;          /* the front-end's */
    const char *worker; /* the executor's; for what is noted of a run */
    struct secrets
        *secrets; /* plain ones of isolane run; the attempt takes ownership. NULL: none */
    /* What other workers have done with it: attempts used up, and what they noted (taken over). */
    int used;
    struct tries tries;
    int64_t start_in_ms;               /* over 0: begins PARKED */
    const struct service_world *world; /* the executor's: what services have beside the job */
};

struct attempt *attempt_new(uv_loop_t *loop, struct job *job, const struct attempt_facts *facts,
                            const struct attempt_owner *owner, void *arg);

/* Opens the job's secrets for the run to come (executor/attempt/secrets.h). ERR_INVALID: the job
 * cannot run: its result is attempt_result_without_run(). Nothing of them is left when the run has
 * ended.
 */
int attempt_open_secrets(struct attempt *a, const struct seal_key *key, const struct tenant *t,
                         struct err *e);

/* Which cells that stayed behind a job will do for this one; NULL: it wants a fresh one. */
const struct warm_key *attempt_warm_key(struct attempt *a);

/* code: V8's for its source, if there is any.
 * WAITING → RUNNING in that cell, which has just come with attempt_cell_events from the pool, or
 * from among those that stay (stay: its place there, NULL: it has none and ends with the job). On
 * failure both are still the caller's. */
int attempt_start(struct attempt *a, struct cell *c, struct warm_cell *stay, struct code_text code,
                  struct err *e);
extern const struct cell_events attempt_cell_events; /* arg: the attempt */

/* Whether it may wait in a cell's line: a small one without secrets and archive, and without a
 * concurrency_key, whose place can be lost. */
bool attempt_may_line_up(const struct attempt *a);
/* WAITING → LINED in that cell, which warm_line() gave. On failure nothing has changed. */
int attempt_line_up(struct attempt *a, struct warm_cell *stay, struct err *e);
/* LINED → WAITING, with all that wait in that cell: owner->returned has been told of each. */
void attempt_leave_line(struct attempt *a);

/* PARKED: in delay_ms it is WAITING, and owner->due is told. A second call counts from anew. */
void attempt_park(struct attempt *a, int64_t delay_ms);
/* WAITING → PARKED without a clock (its deadline counts), and back. */
void attempt_hold(struct attempt *a);
void attempt_go_on(struct attempt *a);
/* PARKED: how long the job wants to wait behind the run that ended. */
int64_t attempt_backoff_ms(const struct attempt *a);
bool attempt_has_clock(const struct attempt *a); /* PARKED: attempt_park() was called */
/* PARKED: what is left of the wait. */
int64_t attempt_due_in_ms(const struct attempt *a);
const struct tries *attempt_tries(const struct attempt *a);
/* How the last run ended that is among the tries. */
enum outcome attempt_last_outcome(const struct attempt *a);
/* True when it may not start any more. */
bool attempt_is_late(const struct attempt *a);

/* RUNNING: asks the cell to stop; the result will be `cancelled`. */
void attempt_cancel(struct attempt *a);

/* RUNNING: kills the cell without making a result (the job is handed back to the queue). */
void attempt_abandon(struct attempt *a);

/* A result that no run made: `invalid` or `internal` (why given), `cancelled` while waiting (why
 * NULL; where attempt_is_late(), the deadline did it). The caller moves the attempt to RECORDING
 * with attempt_record(). */
struct result *attempt_result_without_run(struct attempt *a, enum outcome o, const struct err *why);
void attempt_record(struct attempt *a);

enum attempt_state attempt_state(const struct attempt *a);
struct job *attempt_job(const struct attempt *a);
void *attempt_tag(const struct attempt *a);
int attempt_number(const struct attempt *a); /* 1.. of the present or last run */
/* The executor's note of what its result weighs. */
void attempt_set_recorded_bytes(struct attempt *a, size_t bytes);
size_t attempt_recorded_bytes(const struct attempt *a);
int64_t attempt_cpu_us(const struct attempt *a);     /* of the last run */
int64_t attempt_started_us(const struct attempt *a); /* real time, 0: not yet */
/* The zygote of the present or last run; all zero: it never ran. */
const struct pool_origin *attempt_origin(const struct attempt *a);
/* Its files were fetched: how often now since it last ran. */
int attempt_count_fetch(struct attempt *a);
/* Of the present run, NULL: none. */
const struct secrets *attempt_secrets(const struct attempt *a);
/* What it has printed so far in whole characters, masked; stream: FRAME_STDOUT or FRAME_STDERR.
 * Never NULL; lives until it prints more. */
const char *attempt_output(const struct attempt *a, int stream, size_t *len);
struct backlog_entry *attempt_entry(struct attempt *a);
struct attempt *attempt_of_entry(struct backlog_entry *x);

/* Frees it with its job; memory goes in the loop's close callback. Not while RUNNING. */
void attempt_free(struct attempt *a);
