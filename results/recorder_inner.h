/* What the files of the recorder share: recorder.c (the loop's side), recorder_threads.c. */
#pragma once

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uthash.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "results/envelope.h"
#include "results/prune.h"
#include "results/recorder.h"
#include "results/store.h"

#define BATCH_MAX 512 /* rows in one transaction: bounds its time (about 10 ms) */
#define NEVER     INT_MAX
#define UNTOLD    -1

struct row {
    struct list node;
    struct result *r; /* NULL: a checkpoint */
    void *tag;
    struct prune_plan *plan; /* of a checkpoint */
    struct checkpoint checkpoint;
    struct buf statement, envelope;
    char hash[65];
    char *key;      /* "<tenant>/<id>" while in `inside` */
    bool duplicate; /* has a result already: not stored */
    bool fail_once; /* F_RESULT_SIGNED=error */
    UT_hash_handle hh;
};

struct recorder {
    /* loop thread only */
    uv_async_t async;
    struct recorder_events ev;
    void *arg;
    struct row *inside; /* by key: submitted, not yet delivered, not duplicates */
    int pending;
    uint64_t commits_seen;

    atomic_int waiting; /* jobs that wait for a cell, UNTOLD */

    /* under lock */
    pthread_mutex_t lock;
    pthread_cond_t sign_cv, commit_cv, done_cv;
    struct list to_sign, to_commit, done;
    int commit_count; /* rows in to_commit */
    int pipeline;     /* rows in to_sign, to_commit and in the threads' hands */
    int wake_at;      /* the committer sleeps until commit_count reaches this */
    bool signer_idle;
    bool flush; /* closing: no lingering */
    bool stop;
    bool is_stuck, tell_stuck, tell_unstuck;
    struct err why; /* of being stuck */
    uint64_t commits;
    size_t envelope_max;

    /* signer thread only */
    struct store *reader;
    struct sign_key key;
    uint64_t seq;
    char prev[65];

    /* committer thread only */
    struct store *writer;
    struct store_row batch[BATCH_MAX];

    pthread_t signer, committer;
};

/* Threads; arg: the recorder. They end when `stop` is set. */
void *recorder_signer(void *arg);
void *recorder_committer(void *arg);
