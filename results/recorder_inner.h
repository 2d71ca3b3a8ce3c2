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
#include "results/known.h"
#include "results/prune.h"
#include "results/recorder.h"
#include "results/store.h"

#define BATCH_MAX        512 /* rows in one transaction: bounds its time (about 10 ms) */
#define RECORDER_THREADS 3
#define NEVER            INT_MAX
#define UNTOLD           -1
#define SPARE_MAX        512               /* rows kept to be used again, */
#define SPARE_MEM        ((size_t)8 << 10) /* each with no more memory than this for its envelope */

struct row {
    struct list node;
    struct result *r; /* NULL: a checkpoint */
    void *tag;
    struct prune_plan *plan; /* of a checkpoint */
    struct checkpoint checkpoint;
    struct buf envelope;
    char hash[65];
    struct buf key; /* "<tenant>/<id>" */
    bool inside;    /* in recorder.inside under it */
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
    struct list spare; /* rows with their memory: made by malloc in one thread and freed in another,
                          it would go back to the kernel and be fetched again all the time */
    int spare_count, pending;
    uint64_t commits_seen;

    struct known *known; /* any thread; NULL: every job is looked up */
    atomic_int waiting;  /* jobs that wait for a cell, UNTOLD */

    /* under lock */
    pthread_mutex_t lock;
    pthread_cond_t sign_cv, commit_cv, done_cv;
    struct list to_sign, to_commit, done;
    int sign_count;      /* rows in to_sign */
    int commit_count;    /* rows in to_commit */
    int pipeline;        /* rows in to_sign, to_commit and in the threads' hands */
    int wake_at;         /* the committer sleeps until commit_count reaches this */
    bool signer_idle;    /* sleeps until somebody wakes it */
    bool committer_idle; /* sleeps, and there is nothing to commit */
    bool signing;        /* one of the two threads has what is for the signing one */
    int rest_rows;       /* so many in to_sign end a rest of the signer */
    bool resting;        /* the signer sleeps while jobs wait for a cell, */
    bool lingering;      /* the committer does */
    bool flush;          /* closing: no lingering */
    bool stop;
    bool is_stuck, tell_stuck, tell_unstuck;
    struct err why; /* of being stuck */
    uint64_t commits;
    size_t envelope_max;

    /* the signing thread's */
    struct buf statement;
    struct store *reader;
    struct sign_key key;
    uint64_t seq;
    char prev[65];

    /* committer thread only */
    struct store *writer;
    struct store_row batch[BATCH_MAX];

    /* the copier's (recorder_wal.c), its flags under lock */
    pthread_cond_t copy_cv;
    bool copy_wanted;           /* … or under way */
    bool copied;                /* all that had come until then */
    bool copy_failed;           /* … and somebody was told */
    struct store *copier_store; /* NULL: no such thread */

    pthread_t threads[RECORDER_THREADS];
    int thread_count;
};

/* Threads; arg: the recorder. They end when `stop` is set. A row that is alone in the pipeline is
 * signed by the committer, which recorder.c then wakes instead of the signer: one switch less
 * between a lone job and its result. */
void *recorder_signer(void *arg);
void *recorder_committer(void *arg);
/* Copies the WAL beside commits, when recorder_mind_wal() asks for it. */
void *recorder_copier(void *arg);

/* Whether jobs wait for a cell (or nobody says). */
static inline bool recorder_crowded(const struct recorder *rec)
{
    return atomic_load(&rec->waiting) != 0;
}

/* Behind a commit: has the WAL copied into the database if it is long. Committer thread. */
void recorder_mind_wal(struct recorder *rec);
