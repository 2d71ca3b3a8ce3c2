/* The front-end without NATS, for `isolane run`: scripts in, results into the same kind of store
 * with the same signatures. Loop of its own; one call runs a whole batch. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"
#include "config/paths.h"
#include "executor/artifacts/artifact_store.h"
#include "executor/attempt/secrets.h"
#include "queue/job/job.h"
#include "results/record.h"

struct local_job {
    const char *label; /* what the caller calls it; comes back in the events */
    const char *id;
    const char *message; /* the job as a publisher would send it (job_encode()) */
    size_t len;
};

struct local_events {
    /* The next job, or false when there is none. message may be freed at the next call. On <0 (a
     * file that cannot be read) the batch ends with e. */
    int (*next)(struct local_job *out, bool *more, struct err *e, void *arg);
    /* Text as the script prints it. stream: 1 stdout, 2 stderr. */
    void (*output)(const char *label, int stream, const char *text, size_t len, void *arg);
    void (*result)(const char *label, const struct result *r, void *arg);
};

struct local_options {
    struct config *config;
    const struct data_paths *paths;
    const struct engine_paths *engine;
    const char *tenant;
    const struct plain_secret *secrets; /* every job gets them; kept */
    int secret_count;
    enum profile profile;                  /* of most of them: its cells are made at the start */
    const struct artifact_file *artifacts; /* what jobs read, by object; kept */
    int artifact_count;
    const char *artifacts_out; /* folder for what they put; NULL: they may put nothing */
    bool few_jobs;             /* a handful in all: start quickly rather than fork cheaply */
    bool live_output;          /* tell `output` */
};

/* Runs jobs until `next` has no more. SIGINT and SIGTERM cancel what runs and start nothing more
 * (*interrupted). Results go to run.db of the data folder, or run-2.db … where another `run` has
 * that one: each file is a chain of its own. */
int local_run(const struct local_options *o, const struct local_events *ev, void *arg,
              bool *interrupted, struct err *e);
