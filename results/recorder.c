#include "results/recorder.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "results/fit.h"
#include "results/prune.h"
#include "results/store.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>

/* How this works: a row wanders through three lists under one lock: to_sign → to_commit → done.
 * Each thread takes what is there, works without the lock and passes on. The lists are in order of
 * submission, always, and the chain is given out in that order.
 *
 * When to commit. A commit costs one fdatasync (0.2 ms here, and about 100 us of CPU) whether it
 * holds one row or sixty, so it can pay to wait for more. Two rules, and no more than LINGER_MS:
 *  - Only while jobs wait for a cell (recorder_set_waiting); a linger ends when the last of them
 * has found one. Otherwise somebody may be waiting for this very result before he sends the next
 * job: then every millisecond of lingering is lost to him and brings nobody along (measured: with 8
 * such publishers lingering nearly halves the throughput).
 *  - For as many rows as were in the pipeline when the last commit ended (its own and those that
 * came meanwhile). One job at a time: one, so the next is committed at once. A flood: the number
 * grows until LINGER_MS is the bound. The load falls: one commit waits in vain, the next does not.
 *
 * Jobs that have a result already. The loop thread knows the ids in the pipeline, the signer looks
 * into the database, in this order: an id that is not in the pipeline was committed before or never
 * was, so none slips through. A duplicate travels along unsigned (the rows before it may be its
 * first) and gets the stored envelope from the committer. */

#define LINGER_MS      10.0 /* a shared commit is also a shared message to NATS: bench/queue.c */
#define BATCH_MAX      512  /* rows in one transaction: bounds its time (about 10 ms) */
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 2000
#define NEVER          INT_MAX
#define UNTOLD         -1

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

/* ---- signer thread ---- */

/* The statement is made: its hash, its signature, its place behind the one before. */
static void seal(struct recorder *rec, struct row *row)
{
    crypto_sha256_hex(row->statement.data, row->statement.len, row->hash);
    envelope_sign(&rec->key, row->statement.data, row->statement.len, &row->envelope);
    memcpy(rec->prev, row->hash, sizeof rec->prev);
    buf_free(&row->statement);
}

static void sign_checkpoint(struct recorder *rec, struct row *row)
{
    struct checkpoint *c = &row->checkpoint;
    c->seq = ++rec->seq;
    memcpy(c->prev, rec->prev, sizeof c->prev);
    clock_rfc3339(clock_real_us(), c->at);
    checkpoint_encode(c, &row->statement);
    seal(rec, row);
}

static void sign_row(struct recorder *rec, struct row *row, size_t envelope_max)
{
    struct result *r = row->r;
    if (!r) {
        sign_checkpoint(rec, row);
        return;
    }
    if (row->duplicate || store_has(rec->reader, r->tenant, r->id)) {
        row->duplicate = true;
        r->seq = 0;
        return;
    }
    r->seq = ++rec->seq;
    memcpy(r->prev, rec->prev, sizeof r->prev);
    result_mend(r);
    result_fit(r, envelope_max, &row->statement);
    seal(rec, row);
    if (fault(F_RESULT_SIGNED))
        row->fail_once = true;
}

static void *signer_main(void *arg)
{
    struct recorder *rec = arg;
    pthread_mutex_lock(&rec->lock);
    while (!rec->stop) {
        struct list *n = list_pop_front(&rec->to_sign);
        if (!n) {
            rec->signer_idle = true;
            pthread_cond_wait(&rec->sign_cv, &rec->lock);
            rec->signer_idle = false;
            continue;
        }
        size_t envelope_max = rec->envelope_max;
        pthread_mutex_unlock(&rec->lock);
        sign_row(rec, LIST_ENTRY(n, struct row, node), envelope_max);
        pthread_mutex_lock(&rec->lock);
        list_push_back(&rec->to_commit, n);
        if (++rec->commit_count == rec->wake_at) {
            /* Not under the lock: on a machine that is busy the committer would take our processor,
             * wait for the lock, and both would wait for whoever runs next. */
            pthread_mutex_unlock(&rec->lock);
            pthread_cond_signal(&rec->commit_cv);
            pthread_mutex_lock(&rec->lock);
        }
    }
    pthread_mutex_unlock(&rec->lock);
    return NULL;
}

/* ---- committer thread ---- */

/* Sleeps until n rows wait to be committed, `until` (NULL: for ever), flush or stop. Lock held. */
static void wait_for_rows(struct recorder *rec, int n, const struct timespec *until)
{
    rec->wake_at = n;
    while (rec->commit_count < n && !rec->stop) {
        if (!until)
            pthread_cond_wait(&rec->commit_cv, &rec->lock);
        else if (rec->flush || atomic_load(&rec->waiting) == 0 ||
                 pthread_cond_timedwait(&rec->commit_cv, &rec->lock, until) == ETIMEDOUT)
            break;
    }
    rec->wake_at = NEVER;
}

/* A checkpoint is a batch of its own. */
static int take_batch(struct recorder *rec, struct list *batch)
{
    int n = 0;
    struct list *node;
    bool alone = false;
    while (n < BATCH_MAX && !alone && (node = list_pop_front(&rec->to_commit))) {
        alone = !LIST_ENTRY(node, struct row, node)->r;
        if (alone && n) {
            list_push_front(&rec->to_commit, node);
            break;
        }
        list_push_back(batch, node);
        n++;
    }
    rec->commit_count -= n;
    return n;
}

/* Tells the loop thread; once per cause. */
static void be_stuck(struct recorder *rec, const struct err *why)
{
    pthread_mutex_lock(&rec->lock);
    if (!rec->is_stuck || strcmp(rec->why.msg, why->msg) != 0) {
        rec->is_stuck = true;
        rec->why = *why;
        rec->tell_stuck = true;
        uv_async_send(&rec->async);
        pthread_cond_signal(&rec->done_cv);
    }
    pthread_mutex_unlock(&rec->lock);
}

static void be_unstuck(struct recorder *rec)
{
    pthread_mutex_lock(&rec->lock);
    if (rec->is_stuck) {
        rec->is_stuck = false;
        rec->tell_unstuck = true;
    }
    pthread_mutex_unlock(&rec->lock);
}

/* False: stopped meanwhile. */
static bool back_off(struct recorder *rec, int *ms)
{
    struct timespec until = thread_in_ms(*ms);
    pthread_mutex_lock(&rec->lock);
    while (!rec->stop && pthread_cond_timedwait(&rec->commit_cv, &rec->lock, &until) != ETIMEDOUT)
        ;
    bool go_on = !rec->stop;
    pthread_mutex_unlock(&rec->lock);
    *ms = *ms * 2 < BACKOFF_MAX_MS ? *ms * 2 : BACKOFF_MAX_MS;
    return go_on;
}

static int store_checkpoint(struct recorder *rec, const struct row *row, struct err *e)
{
    struct checkpoint_row cp = {
        .seq = row->checkpoint.seq,
        .prev = row->checkpoint.prev,
        .hash = row->hash,
        .at = row->checkpoint.at,
        .envelope = row->envelope.data,
        .envelope_len = row->envelope.len,
    };
    return store_prune(rec->writer, row->plan, &cp, e);
}

/* One try to make the batch durable and to find the envelopes of its duplicates. */
static int store_batch(struct recorder *rec, struct list *batch, struct err *e)
{
    int n = 0, rc = 0;
    LIST_FOREACH(it, batch)
    {
        struct row *row = LIST_ENTRY(it, struct row, node);
        if (!row->r)
            return store_checkpoint(rec, row, e);
        if (row->fail_once) {
            row->fail_once = false;
            return err_set(e, ERR_IO, "fault point result_signed");
        }
        if (!row->duplicate)
            rec->batch[n++] = (struct store_row){.result = row->r,
                                                 .envelope = row->envelope.data,
                                                 .envelope_len = row->envelope.len,
                                                 .hash = row->hash};
    }
    if (n)
        rc = store_commit(rec->writer, rec->batch, n, e);
    if (!rc && n && fault(F_RESULT_COMMITTED))
        rc = err_set(e, ERR_IO, "fault point result_committed");
    LIST_FOREACH(it, batch)
    {
        struct row *row = LIST_ENTRY(it, struct row, node);
        if (!rc && row->duplicate && !row->envelope.len)
            rc = store_find(rec->writer, row->r->tenant, row->r->id, &row->envelope, e);
    }
    return rc;
}

/* Tries until it is done. False: stopped before that. */
static bool commit_batch(struct recorder *rec, struct list *batch)
{
    int backoff_ms = BACKOFF_MIN_MS;
    struct err e = {0};
    while (store_batch(rec, batch, &e)) {
        be_stuck(rec, &e);
        if (!back_off(rec, &backoff_ms))
            return false;
    }
    be_unstuck(rec);
    return true;
}

static void append(struct list *to, struct list *from)
{
    struct list *n;
    while ((n = list_pop_front(from)))
        list_push_back(to, n);
}

static void *committer_main(void *arg)
{
    struct recorder *rec = arg;
    int expected = 1; /* rows to wait for, see the top */
    struct list batch;
    list_init(&batch);
    pthread_mutex_lock(&rec->lock);
    for (;;) {
        wait_for_rows(rec, 1, NULL);
        if (rec->stop)
            break;
        struct timespec until = thread_in_ms(LINGER_MS);
        if (rec->commit_count < expected && atomic_load(&rec->waiting) != 0)
            wait_for_rows(rec, expected, &until);
        int n = take_batch(rec, &batch);
        pthread_mutex_unlock(&rec->lock);
        bool ok = commit_batch(rec, &batch);
        pthread_mutex_lock(&rec->lock);
        if (!ok) {
            append(&batch, &rec->to_commit); /* in front again: recorder_close() counts and frees */
            append(&rec->to_commit, &batch);
            break;
        }
        expected = rec->pipeline < BATCH_MAX ? rec->pipeline : BATCH_MAX;
        rec->pipeline -= n;
        rec->commits++;
        append(&rec->done, &batch);
        pthread_mutex_unlock(&rec->lock); /* as in signer_main() */
        uv_async_send(&rec->async);
        pthread_cond_signal(&rec->done_cv);
        pthread_mutex_lock(&rec->lock);
    }
    pthread_mutex_unlock(&rec->lock);
    return NULL;
}

/* ---- loop thread ---- */

static void row_free(struct row *row)
{
    prune_plan_free(row->plan);
    result_free(row->r);
    buf_free(&row->statement);
    buf_free(&row->envelope);
    free(row->key);
    free(row);
}

static void forget(struct recorder *rec, struct row *row)
{
    if (row->key)
        HASH_DEL(rec->inside, row);
    rec->pending--;
}

static void deliver(struct recorder *rec)
{
    struct list done;
    struct err why;
    list_init(&done);
    pthread_mutex_lock(&rec->lock);
    append(&done, &rec->done);
    bool stuck = rec->tell_stuck, unstuck = rec->tell_unstuck;
    rec->tell_stuck = rec->tell_unstuck = false;
    rec->commits_seen = rec->commits;
    why = rec->why;
    pthread_mutex_unlock(&rec->lock);
    if (stuck)
        rec->ev.stuck(&why, rec->arg);
    if (unstuck)
        rec->ev.unstuck(rec->arg);
    struct list *n;
    while ((n = list_pop_front(&done))) {
        struct row *row = LIST_ENTRY(n, struct row, node);
        forget(rec, row);
        if (!row->r) {
            rec->ev.pruned(row->plan->n, row->plan->more, rec->arg);
            row_free(row);
            continue;
        }
        if (row->duplicate)
            log_warn("recorder", "job %s of tenant %s has a result already; the first one stays",
                     row->r->id, row->r->tenant);
        rec->ev.committed(&row->r, row->envelope.data, row->envelope.len, row->tag, rec->arg);
        row_free(row);
    }
}

static void on_async(uv_async_t *async)
{
    deliver(async->data);
}

static void enter_pipeline(struct recorder *rec, struct row *row)
{
    rec->pending++;
    pthread_mutex_lock(&rec->lock);
    list_push_back(&rec->to_sign, &row->node);
    rec->pipeline++;
    bool wake = rec->signer_idle;
    pthread_mutex_unlock(&rec->lock);
    if (wake)
        pthread_cond_signal(&rec->sign_cv);
}

void recorder_prune(struct recorder *rec, struct prune_plan *plan, const char *worker)
{
    struct row *row = mem_alloc(sizeof *row);
    row->plan = plan;
    row->checkpoint.removed = plan->n;
    row->checkpoint.rows = prune_rows(&plan->after);
    row->checkpoint.runs = plan->after.n;
    memcpy(row->checkpoint.digest, plan->digest, sizeof plan->digest);
    snprintf(row->checkpoint.worker, sizeof row->checkpoint.worker, "%s", worker);
    enter_pipeline(rec, row);
}

void recorder_submit(struct recorder *rec, struct result *r, void *tag)
{
    struct row *row = mem_alloc(sizeof *row), *first = NULL;
    struct buf key = {0};
    buf_addf(&key, "%s/%s", r->tenant, r->id); /* a tenant's name has no slash */
    row->r = r;
    row->tag = tag;
    HASH_FIND(hh, rec->inside, key.data, key.len, first);
    row->duplicate = first != NULL;
    if (first) {
        buf_free(&key);
    } else {
        size_t key_len;
        row->key = buf_take(&key, &key_len);
        HASH_ADD_KEYPTR(hh, rec->inside, row->key, key_len, row);
    }
    enter_pipeline(rec, row);
}

void recorder_set_envelope_max(struct recorder *rec, size_t bytes)
{
    if (bytes == 0 || bytes > ENVELOPE_MAX)
        bytes = ENVELOPE_MAX;
    pthread_mutex_lock(&rec->lock);
    rec->envelope_max = bytes;
    pthread_mutex_unlock(&rec->lock);
}

void recorder_set_waiting(struct recorder *rec, int jobs)
{
    if (atomic_exchange(&rec->waiting, jobs) == 0 || jobs != 0)
        return;
    /* A linger that has begun ends. The lock: not between its look at `waiting` and its sleep. */
    pthread_mutex_lock(&rec->lock);
    pthread_mutex_unlock(&rec->lock);
    pthread_cond_signal(&rec->commit_cv);
}

int recorder_pending(const struct recorder *rec)
{
    return rec->pending;
}

uint64_t recorder_commits(const struct recorder *rec)
{
    return rec->commits_seen;
}

/* ---- life ---- */

static void init_locks(struct recorder *rec)
{
    pthread_mutex_init(&rec->lock, NULL);
    thread_cond_init(&rec->sign_cv);
    thread_cond_init(&rec->commit_cv);
    thread_cond_init(&rec->done_cv);
}

static void free_parts(struct recorder *rec)
{
    store_close(rec->reader); /* before the writer: the last one to close checkpoints */
    store_close(rec->writer);
    sign_key_wipe(&rec->key);
    pthread_mutex_destroy(&rec->lock);
    pthread_cond_destroy(&rec->sign_cv);
    pthread_cond_destroy(&rec->commit_cv);
    pthread_cond_destroy(&rec->done_cv);
}

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

static void stop_threads(struct recorder *rec, bool committer_too)
{
    pthread_mutex_lock(&rec->lock);
    rec->stop = true;
    pthread_cond_broadcast(&rec->sign_cv);
    pthread_cond_broadcast(&rec->commit_cv);
    pthread_mutex_unlock(&rec->lock);
    pthread_join(rec->signer, NULL);
    if (committer_too)
        pthread_join(rec->committer, NULL);
}

/* Database, key, end of the chain. */
static int open_parts(struct recorder *rec, const struct recorder_options *o, struct err *e)
{
    CHECK(o->key->can_sign);
    rec->key = *o->key;
    int rc = crypto_init(e);
    if (!rc)
        rc = store_open(o->db_path, STORE_WRITE, &rec->writer, e);
    if (!rc)
        rc = store_open(o->db_path, STORE_READ, &rec->reader, e);
    if (!rc)
        rc = store_chain_head(rec->writer, &rec->seq, rec->prev, e);
    return rc;
}

static int start_threads(struct recorder *rec, struct err *e)
{
    int rc = thread_start(&rec->signer, "isolane-sign", signer_main, rec, e);
    if (rc)
        return rc;
    rc = thread_start(&rec->committer, "isolane-commit", committer_main, rec, e);
    if (rc)
        stop_threads(rec, false);
    return rc;
}

int recorder_open(uv_loop_t *loop, const struct recorder_options *o,
                  const struct recorder_events *ev, void *arg, struct recorder **out, struct err *e)
{
    struct recorder *rec = mem_alloc(sizeof *rec);
    rec->ev = *ev;
    rec->arg = arg;
    rec->wake_at = NEVER;
    atomic_init(&rec->waiting, UNTOLD);
    list_init(&rec->to_sign);
    list_init(&rec->to_commit);
    list_init(&rec->done);
    init_locks(rec);
    recorder_set_envelope_max(rec, o->envelope_max);
    rec->async.data = rec;
    int rc = open_parts(rec, o, e);
    if (!rc) {
        int failed = uv_async_init(loop, &rec->async, on_async);
        if (failed)
            rc = err_set(e, ERR_UNAVAILABLE, "cannot wake the loop: %s", uv_strerror(failed));
    }
    if (rc) {
        free_parts(rec);
        free(rec);
        return rc;
    }
    rc = start_threads(rec, e);
    if (rc) {
        free_parts(rec);
        uv_close((uv_handle_t *)&rec->async, on_closed);
        return rc;
    }
    *out = rec;
    return 0;
}

/* Delivers until nothing is pending or the time is up. */
static void finish(struct recorder *rec, int timeout_ms)
{
    struct timespec until = thread_in_ms(timeout_ms);
    bool in_time = true;
    pthread_mutex_lock(&rec->lock);
    rec->flush = true;
    pthread_cond_signal(&rec->commit_cv);
    while (rec->pipeline > 0 && in_time) {
        if (list_empty(&rec->done) && !rec->tell_stuck)
            in_time = pthread_cond_timedwait(&rec->done_cv, &rec->lock, &until) != ETIMEDOUT;
        pthread_mutex_unlock(&rec->lock);
        deliver(rec);
        pthread_mutex_lock(&rec->lock);
    }
    pthread_mutex_unlock(&rec->lock);
}

static void drop_rows(struct recorder *rec, struct list *rows)
{
    struct list *n;
    while ((n = list_pop_front(rows))) {
        struct row *row = LIST_ENTRY(n, struct row, node);
        forget(rec, row);
        row_free(row);
    }
}

int recorder_close(struct recorder *rec, int timeout_ms, struct err *e)
{
    if (!rec)
        return 0;
    int rc = 0;
    finish(rec, timeout_ms);
    stop_threads(rec, true);
    deliver(rec); /* what was committed at the last moment */
    if (rec->pending)
        rc = err_set(e, ERR_TIMEOUT, "%d results are not stored after %d ms%s%s", rec->pending,
                     timeout_ms, rec->is_stuck ? ": " : "", rec->is_stuck ? rec->why.msg : "");
    drop_rows(rec, &rec->to_commit);
    drop_rows(rec, &rec->to_sign);
    CHECK(rec->pending == 0);
    free_parts(rec);
    uv_close((uv_handle_t *)&rec->async, on_closed);
    return rc;
}
