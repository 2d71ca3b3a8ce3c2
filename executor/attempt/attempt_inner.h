/* The inside of an attempt, for its own files: attempt.c moves it through its states,
 * attempt_line.c has it wait in a cell's line, attempt_output.c keeps and tells what it prints,
 * attempt_calls.c passes its host calls on, attempt_result.c makes its result, toolchain.c prepares
 * its sources. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "executor/attempt/attempt.h"
#include "executor/sources/filesets.h"
#include "executor/attempt/mask.h"
#include "executor/cells/pool.h"
#include "executor/services/service.h"
#include "executor/sources/transform.h"

struct attempt_stream {
    struct buf kept; /* masked */
    struct mask_stream masking;
    uint64_t live; /* bytes told as live */
};

/* What has been done to the job's TypeScript (toolchain.c). */
struct attempt_preparing {
    struct toolchain *tools;             /* NULL: nothing was looked at yet */
    enum transform_step step;            /* to be done, or being done */
    bool checked;                        /* its types are right */
    bool compiler;                       /* only the compiler can transform it */
    bool ready;                          /* the job's sources are JavaScript */
    int lost, crashes;                   /* cells */
    int runs;                            /* steps that took a cell */
    int64_t started_us, cpu_us, wall_us; /* of all steps */
    int64_t step_cpu_us;                 /* of the last */
};

struct attempt {
    enum attempt_state state;
    struct backlog_entry entry;
    struct job *job;
    struct attempt_facts facts;
    const struct attempt_owner *owner;
    void *arg;
    int number, lost;
    int64_t deadline_us;             /* real time, 0: none */
    int64_t backoff_ms, due_mono_us; /* PARKED */
    bool has_clock;                  /* likewise: attempt_park() was called */
    int64_t cpu_us;                  /* of the last run */
    size_t recorded_bytes;           /* the executor's */
    enum outcome last_outcome;
    /* of the present run */
    struct secrets *secrets;
    struct cell *cell;
    struct warm_cell *stay; /* the cell's place among those that stay, NULL: it ends with the run */
    int64_t call;           /* number of the run in its cell */
    bool keyed;             /* the key below is made */
    struct warm_key key;
    struct buf granted; /* the job's permissions as JSON, where that is made: a result takes it */
    struct pool_origin origin;
    struct warm_waiter waiter; /* LINED */
    uv_timer_t timer;
    int64_t started_real_us, started_us;
    int64_t deadline_mono_us; /* the deadline on the clock that does not jump, 0: none */
    bool late, stopped_late;
    struct attempt_stream streams[2]; /* FRAME_STDOUT - 1, FRAME_STDERR - 1 */
    struct service_run services;      /* what they owe to the present run */
    struct attempt_preparing preparing;
    struct fileset_waiter files; /* PARKED: for those of an archive */
};

/* attempt.c: the one place where an attempt changes its state. */
void attempt_move(struct attempt *a, enum attempt_state to);

/* The invocation for a cell: pointers into the job, and into the buffers. */
void attempt_invocation(struct attempt *a, struct warm_cell *stay, int reuse, struct buf *env,
                        struct buf *grants, struct cell_invocation *out);
/* RUNNING from started_us (clock_mono_us()) on. */
void attempt_begin(struct attempt *a, int64_t started_us);
void attempt_watch_deadline(struct attempt *a);
void attempt_close_secrets(struct attempt *a);

/* attempt_output.c */

/* What the cell printed: masked, kept within output_kb and told. */
void attempt_printed(struct cell *c, int stream, const char *text, size_t len, void *arg);
/* Tells what was not told yet, in whole characters. */
void attempt_tell(struct attempt *a, int stream, bool live);
/* The run is over: what was held back because it could have been the beginning of a secret. */
void attempt_end_output(struct attempt *a);
void attempt_forget_output(struct attempt *a); /* another run begins from nothing */

/* attempt_calls.c: a host call of the cell. */
void attempt_called(struct cell *c, uint64_t call_id, const char *name, size_t name_len,
                    const char *json, size_t len, void *arg);

/* attempt_result.c: of a run that ended by one of d and g; the other is NULL. What was kept of the
 * output moves into it. */
struct result *attempt_make_result(struct attempt *a, const struct verdict *v,
                                   const struct cell_done *d, const struct cell_gone *g,
                                   int64_t cpu_us, int64_t wall_us);
