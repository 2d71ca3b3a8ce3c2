/* Names of subjects and streams, made from the configured prefixes: the one place that spells them
 * (docs/protocol.md is its text). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

#define SUBJECT_MAX 512

enum job_class { CLASS_HIGH, CLASS_NORMAL, CLASS_LOW, CLASSES };

const char *job_class_name(enum job_class c); /* "high", "normal", "low" */
int job_class_by_name(const char *name);      /* -1: none of them */

struct subjects {
    char prefix[65];         /* "isolane" */
    char jobs_stream[65];    /* "ISOLANE_JOBS" */
    char results_stream[65]; /* "ISOLANE_RESULTS" */
    char events_stream[65];  /* "ISOLANE_EVENTS" */
    char dead_stream[65];    /* "ISOLANE_DEAD" */
    char later_stream[65];   /* "ISOLANE_LATER" */
    char artifacts[81];      /* "ISOLANE_ARTIFACTS_": what buckets of the object store begin with */
    char kv[73];             /* "ISOLANE_KV_": what the buckets of `kv` begin with */
    char workers_bucket[65]; /* "ISOLANE_WORKERS", a key-value bucket */
    char groups_stream[65];  /* "ISOLANE_GROUPS" */
    char held_stream[65];    /* "ISOLANE_HELD" */
    char leases_bucket[65];  /* "ISOLANE_LEASES", another */
    char schedules_bucket[65]; /* "ISOLANE_SCHEDULES", another */
};

/* A tenant's artifacts: "ISOLANE_ARTIFACTS_<tenant>", a bucket of the object store. */
void subject_artifacts_bucket(const struct subjects *s, const char *tenant, char *out, size_t cap);

/* What a tenant's scripts keep with `kv`: "ISOLANE_KV_<tenant>", a key-value bucket. */
void subject_kv_bucket(const struct subjects *s, const char *tenant, char *out, size_t cap);

int subjects_init(struct subjects *s, const struct nats_config *c, struct err *e);

/* Each writes one subject into out[SUBJECT_MAX]; what does not fit is cut (tenant and id are
 * bounded far below). */
void subject_job(const struct subjects *s, const char *tenant, enum job_class c, char *out);
void subject_job_class(const struct subjects *s, enum job_class c,
                       char *out); /* isolane.jobs.*.high */
/* Of a jobs stream that is not ready to take jobs: isolane.jobs-not-yet */
void subject_jobs_not_yet(const struct subjects *s, char *out);
void subject_result(const struct subjects *s, const char *tenant, const char *id, char *out);
/* A job as a request: isolane.call.<tenant> */
void subject_call(const struct subjects *s, const char *tenant, char *out);
bool subject_parse_call(const struct subjects *s, const char *subject, char *tenant,
                        size_t tenant_cap);
void subject_results_all(const struct subjects *s, char *out); /* isolane.results.*.> */
/* A checkpoint of a worker's retention: isolane.results.=checkpoints.<16 digits of the key's
 * id>.<seq>
 * ('=' stands in no tenant's name) */
void subject_checkpoint(const struct subjects *s, const char *keyid, uint64_t seq, char *out);
void subject_results_get(const struct subjects *s, char *out);            /* isolane.results.get */
void subject_cancel(const struct subjects *s, const char *id, char *out); /* id ">" for all */
void subject_logs(const struct subjects *s, const char *tenant, const char *id, char *out);
void subject_progress(const struct subjects *s, const char *tenant, const char *id, char *out);
/* Asks that worker to drain: isolane.workers.<name>.drain */
void subject_drain(const struct subjects *s, const char *worker, char *out);
void subject_direct_get(const struct subjects *s, const char *tenant, const char *id, char *out);
/* Cancels all of a tenant (batch NULL) or one of its batches: isolane.cancels.<tenant>[.<batch>] */
void subject_cancels(const struct subjects *s, const char *tenant, const char *batch, char *out);
bool subject_parse_cancels(const struct subjects *s, const char *subject, char *tenant,
                           size_t tenant_cap, const char **batch);
/* The record of a batch: isolane.batches.<tenant>.<batch> */
void subject_batch(const struct subjects *s, const char *tenant, const char *batch, char *out);
/* Asks what runs of batches: isolane.workers.batches */
void subject_batches_running(const struct subjects *s, char *out);
/* A job that waits for others, and what it waits for: isolane.held.<tenant>.<id>, isolane.waits.…
 */
void subject_held(const struct subjects *s, const char *tenant, const char *id, char *out);
void subject_waits(const struct subjects *s, const char *tenant, const char *id, char *out);
bool subject_parse_waits(const struct subjects *s, const char *subject, char *tenant,
                         size_t tenant_cap, const char **id);

/* Id of a batch: 1..64 of [A-Za-z0-9_-]. Its jobs are <batch>.<something>. */
#define BATCH_ID_MAX 64
bool batch_id_valid(const char *id, size_t len);

void subject_event(const struct subjects *s, const char *tenant, const char *id, char *out);
void subject_dead(const struct subjects *s, const char *tenant, const char *id, char *out);
void subject_later(const struct subjects *s, const char *tenant, const char *id, char *out);
/* "isolane.events.*.>" for kind "events", likewise "dead" and "later"; tenant "*": of all */
void subject_all_of(const struct subjects *s, const char *kind, const char *tenant, char *out);
/* isolane.<kind>.<tenant>.<id> → its parts; false when it is not such a subject. */
bool subject_parse_id(const struct subjects *s, const char *kind, const char *subject, char *tenant,
                      size_t tenant_cap, const char **id);
/* isolane.jobs.<tenant>.<class> → its parts; false when it is not such a subject. */
bool subject_parse_job(const struct subjects *s, const char *subject, char *tenant,
                       size_t tenant_cap, enum job_class *c);
/* isolane.cancel.<id> → points at the id inside subject, NULL when it is none. */
const char *subject_parse_cancel(const struct subjects *s, const char *subject);

/* A job id: 1..128 of [A-Za-z0-9_.:=@+-], no leading, trailing or double '.', so that it can stand
 * in a subject. Ids of digits alone are reserved for stream sequences. */
#define JOB_ID_MAX 128
bool job_id_valid(const char *id, size_t len);
bool job_id_is_sequence(const char *id);
