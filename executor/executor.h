/* The core: takes jobs, gives durable results. Front-ends (serve.c for NATS, `isolane run` in cli/)
 * hand jobs in and are told of output, progress and committed results. Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "config/config.h"
#include "config/paths.h"
#include "executor/attempt/attempt.h"
#include "executor/cells/pools.h"
#include "queue/job/job.h"
#include "results/record.h"

struct artifact_store;
struct executor;
struct link;
struct subjects;

struct executor_options {
    const struct config *config;       /* kept, must outlive the executor */
    const struct engine_paths *engine; /* copied */
    const char *worker;                /* name in results; copied */
    const char *db_path, *key_path, *pub_path;
    const char *seal_path, *seal_pub_path; /* NULL: sealed secrets are not opened here */
    struct link *link;                     /* for services; NULL: there is no NATS. Kept */
    const struct subjects *subjects;       /* likewise */
    const struct data_paths *paths;        /* likewise: for what services keep in files */
    struct artifact_store *artifacts;      /* likewise */
    struct cgroup *cgroup;                 /* of the zygotes, NULL: none; kept */
    enum profile profile;                  /* of most jobs: its cells are made at the start */
    bool few_jobs;     /* a handful in all: start quickly rather than fork cheaply */
    bool eager_output; /* tell output as it comes, not only of jobs that run for a while */
};

struct executor_events {
    void (*up)(void *arg); /* the first cell is ready */
    void (*failed)(const struct err *why,
                   void *arg); /* it can't run jobs; the front-end should end */
    /* The jail does not hold any more (pool.h): nothing is started again. The front-end takes no
     * more jobs, hands back those it has, and ends. */
    void (*unsafe)(const struct err *why, void *arg);
    void (*output)(struct attempt *a, int stream, uint64_t offset, const char *text, size_t len,
                   void *arg);
    void (*progress)(struct attempt *a, double fraction, const char *text, void *arg);
    /* The row is durable. The attempt is freed afterwards; r and envelope live for the call. */
    void (*committed)(struct attempt *a, const struct result *r, const char *envelope, size_t len,
                      void *arg);
    /* Its turn has come: may it start now? False: the front-end has something to do first (no call
     * back into the executor from here); the attempt is PARKED until executor_go_on(),
     * executor_cancel() or executor_let_go(). NULL: always. */
    bool (*may_start)(struct attempt *a, void *arg);
    /* A run began; may be NULL. */
    void (*started)(struct attempt *a, void *arg);
    /* A run ended and there will be another (attempt_backoff_ms()): the attempt is PARKED without
     * a clock until executor_park() or executor_let_go(). NULL: parked at once. */
    void (*retrying)(struct attempt *a, void *arg);
    /* Results cannot be written / can again: take no new jobs in between. */
    void (*stuck)(const struct err *why, void *arg);
    void (*unstuck)(void *arg);
    /* Retention removed results, and a checkpoint says so in the chain (prune_read()). Nothing more
     * is removed before executor_pruning_goes_on(). NULL: it goes on at once. */
    void (*pruned)(void *arg);
};

struct executor_stats {
    int waiting, running, parked, recording;
    struct pool_stats pool;
    struct warm_stats warm;
    struct code_cache_stats codes;
    struct branches_stats branches;
};

int executor_open(uv_loop_t *loop, const struct executor_options *o,
                  const struct executor_events *ev, void *arg, struct executor **out,
                  struct err *e);

/* Takes ownership of job. */
struct attempt *executor_submit(struct executor *x, struct job *job,
                                const struct attempt_facts *facts);
/* The job is not run: makes the result `invalid` with that error (`internal` where its code is not
 * ERR_INVALID; it is `dead` then), or `cancelled` when why is NULL.
 * Takes ownership of job. */
struct attempt *executor_refuse(struct executor *x, struct job *job,
                                const struct attempt_facts *facts, const struct err *why);
/* The job is not run either: its result has that outcome and error. Takes ownership of job. */
struct attempt *executor_end_without_run(struct executor *x, struct job *job,
                                         const struct attempt_facts *facts, enum outcome o,
                                         const char *name, const char *message);
/* What is no job and has a result all the same (a batch): with that value (JSON); name NULL: no
 * error. Takes ownership of job. */
struct attempt *executor_record_value(struct executor *x, struct job *job,
                                      const struct attempt_facts *facts, enum outcome o,
                                      const char *value, size_t value_len, const char *name,
                                      const char *message);
/* Waiting: its result is `cancelled` at once; running: as soon as the cell stops; else nothing. */
void executor_cancel(struct executor *x, struct attempt *a);

/* After may_start() said no: it comes in front of its tenant's jobs. */
void executor_go_on(struct executor *x, struct attempt *a);
/* RUNNING: its cell is killed, the attempt is freed, and nothing is recorded. */
void executor_take_away(struct executor *x, struct attempt *a);
/* After `retrying`: it goes on here in delay_ms … */
void executor_park(struct executor *x, struct attempt *a, int64_t delay_ms);
/* … or somewhere else: it is forgotten and freed. Any PARKED attempt. */
void executor_let_go(struct executor *x, struct attempt *a);

/* No more jobs will be submitted. When the last attempt has ended, cells and zygote are taken down
 * beside the commit of its result. Repeating is harmless. */
void executor_last(struct executor *x);

/* Drains: no more starts. Every job that waits, or is parked with a clock, is handed to `back`
 * (then freed); running ones go on. */
void executor_drain(struct executor *x, void (*back)(struct attempt *a, void *arg), void *arg);
/* Kills what still runs and hands it to `back`. */
void executor_abandon(struct executor *x, void (*back)(struct attempt *a, void *arg), void *arg);

struct executor_stats executor_stats(const struct executor *x);
const struct zygote_info *executor_zygote(const struct executor *x);
const struct sign_key *executor_key(const struct executor *x);
/* False: the database has no result of that job, and nobody needs to look. */
bool executor_may_have_result(const struct executor *x, const char *tenant, const char *id);
void executor_set_envelope_max(struct executor *x, size_t bytes);

/* Nothing may wait or run. Commits what is submitted (events are told), closes pool and recorder.
 */
void executor_close(struct executor *x);

/* After `pruned`. */
void executor_pruning_goes_on(struct executor *x);
