/* Between artifacts.c (what a script asks, what it may, what its result says) and
 * artifact_moves.c (bytes on their way). Nobody else includes this. */
#pragma once

#include "base/crypto.h"
#include "executor/artifacts/artifact_store.h"
#include "executor/services/artifacts.h"
#include "executor/services/service.h"
#include "executor/services/world.h"
#include "queue/job/job.h"

#define ARTIFACT_TYPE_MAX 128 /* bytes of a media type */

struct artifact_move;

/* An artifact that the run puts. */
struct output {
    char name[ARTIFACT_NAME_MAX + 1];
    char type[ARTIFACT_TYPE_MAX + 1]; /* "": none */
    char object[ARTIFACT_OBJECT_MAX];
    char sha256[SHA256_HEX]; /* "": on its way, or it failed */
    uint64_t size;
    bool failed;
    struct artifact_move *move;     /* NULL: none any more */
    struct service_pending *waiter; /* of artifact.put_end; NULL: nobody asked yet */
    struct err why;                 /* failed */
};

/* What the service keeps for a run. */
struct run_artifacts {
    struct artifact_store *store;
    const struct job *job;
    struct cell *cell;
    char run[17]; /* random: no other run writes where this one does */
    int64_t most_each;
    int64_t left; /* bytes that may still be put */
    int outputs;
    struct output output[ARTIFACTS_MAX]; /* failed ones free their name, not their place */
    struct list moves;
    bool keep;
};

/* Starts, now or when fewer are under way in this worker, and answers `opened` with the stream's
 * number. */
void move_in(struct run_artifacts *r, const struct job_artifact *what,
             const struct service_call *call);
void move_out(struct run_artifacts *r, struct output *to, const struct service_call *call);
/* Its run is over. */
void move_drop(struct artifact_move *m);
struct artifact_move *move_of(struct list *node);

/* A put ended: sha256 and size, or failed and why, are set. */
void output_done(struct run_artifacts *r, struct output *o);
