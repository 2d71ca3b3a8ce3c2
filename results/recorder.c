/* How this works: a row wanders through three lists under one lock: to_sign → to_commit → done.
 * Each thread takes what is there, works without the lock and passes on. The lists are in order of
 * submission, always, and the chain is given out in that order.
 *
 * Jobs that have a result already. The loop thread knows the ids in the pipeline, the signer looks
 * into the database, in this order: an id that is not in the pipeline was committed before or never
 * was, so none slips through. What known.h says no of is not looked for; a row is in it before it
 * leaves the pipeline. A duplicate travels along unsigned (the rows before it may be its
 * first) and gets the stored envelope from the committer. */
#include "results/recorder.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "results/db.h"
#include "results/recorder_inner.h"

/* ---- loop thread ---- */

static void row_free(struct row *row)
{
    prune_plan_free(row->plan);
    result_free(row->r);
    buf_free(&row->envelope);
    buf_free(&row->key);
    free(row);
}

static struct row *row_new(struct recorder *rec)
{
    if (list_empty(&rec->spare))
        return mem_alloc(sizeof(struct row));
    struct row *row = LIST_ENTRY(list_pop_front(&rec->spare), struct row, node);
    struct buf envelope = row->envelope, key = row->key;
    rec->spare_count--;
    *row = (struct row){.envelope = envelope, .key = key};
    buf_clear(&row->envelope);
    buf_clear(&row->key);
    return row;
}

static void row_done(struct recorder *rec, struct row *row)
{
    prune_plan_free(row->plan);
    result_free(row->r);
    row->plan = NULL;
    row->r = NULL;
    if (rec->spare_count == SPARE_MAX || row->envelope.cap > SPARE_MEM) {
        row_free(row);
        return;
    }
    rec->spare_count++;
    list_push_front(&rec->spare, &row->node);
}

static void forget(struct recorder *rec, struct row *row)
{
    if (row->inside)
        HASH_DEL(rec->inside, row);
    rec->pending--;
}

static void deliver(struct recorder *rec)
{
    struct list done;
    struct err why;
    list_init(&done);
    pthread_mutex_lock(&rec->lock);
    list_append(&done, &rec->done);
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
            row_done(rec, row);
            continue;
        }
        if (row->duplicate)
            log_warn("recorder", "job %s of tenant %s has a result already; the first one stays",
                     row->r->id, row->r->tenant);
        rec->ev.committed(&row->r, row->envelope.data, row->envelope.len, row->tag, rec->arg);
        row_done(rec, row);
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
    bool alone = ++rec->pipeline == 1;
    bool rested = ++rec->sign_count == rec->rest_rows && rec->resting;
    bool wake = alone ? rec->committer_idle : rec->signer_idle || rested;
    if (!alone)
        rec->signer_idle = false; /* once is enough */
    pthread_mutex_unlock(&rec->lock);
    if (wake)
        pthread_cond_signal(alone ? &rec->commit_cv : &rec->sign_cv);
}

void recorder_prune(struct recorder *rec, struct prune_plan *plan, const char *worker)
{
    struct row *row = row_new(rec);
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
    struct row *row = row_new(rec), *first = NULL;
    buf_adds(&row->key, r->tenant);
    buf_addc(&row->key, '/'); /* a tenant's name has no slash */
    buf_adds(&row->key, r->id);
    row->r = r;
    row->tag = tag;
    HASH_FIND(hh, rec->inside, row->key.data, row->key.len, first);
    row->duplicate = first != NULL;
    row->inside = !first;
    if (!first)
        HASH_ADD_KEYPTR(hh, rec->inside, row->key.data, row->key.len, row);
    enter_pipeline(rec, row);
}

bool recorder_may_have(const struct recorder *rec, const char *tenant, const char *id)
{
    return known_may_have(rec->known, tenant, id);
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
    /* What they have begun ends. The lock: not between their look at `waiting` and their sleep. */
    pthread_mutex_lock(&rec->lock);
    bool resting = rec->resting, lingering = rec->lingering;
    pthread_mutex_unlock(&rec->lock);
    if (resting)
        pthread_cond_signal(&rec->sign_cv);
    if (lingering)
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
    thread_cond_init(&rec->copy_cv);
}

static void free_parts(struct recorder *rec)
{
    known_close(rec->known);
    store_close(rec->copier_store);
    store_close(rec->reader); /* before the writer: the last one to close checkpoints */
    store_close(rec->writer);
    sign_key_wipe(&rec->key);
    buf_free(&rec->statement);
    pthread_mutex_destroy(&rec->lock);
    pthread_cond_destroy(&rec->sign_cv);
    pthread_cond_destroy(&rec->commit_cv);
    pthread_cond_destroy(&rec->done_cv);
    pthread_cond_destroy(&rec->copy_cv);
}

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

static void stop_threads(struct recorder *rec)
{
    pthread_mutex_lock(&rec->lock);
    rec->stop = true;
    pthread_cond_broadcast(&rec->sign_cv);
    pthread_cond_broadcast(&rec->commit_cv);
    pthread_cond_broadcast(&rec->copy_cv);
    pthread_mutex_unlock(&rec->lock);
    for (int i = 0; i < rec->thread_count; i++)
        pthread_join(rec->threads[i], NULL);
}

/* Database, key, end of the chain. */
static int open_parts(struct recorder *rec, const struct recorder_options *o, struct err *e)
{
    CHECK(o->key->can_sign);
    rec->key = *o->key;
    int rc = crypto_init(e);
    if (!rc)
        rc = store_open(o->db_path, STORE_WRITE, &rec->writer, e);
    if (!rc && o->many)
        rc = db_grow_wal(store_db(rec->writer), e);
    if (!rc && o->many)
        rc = store_open(o->db_path, STORE_WRITE, &rec->copier_store, e);
    if (!rc)
        db_leave_wal(store_db(rec->writer));
    if (!rc)
        rc = store_open(o->db_path, STORE_READ, &rec->reader, e);
    if (!rc)
        rc = store_chain_head(rec->writer, &rec->seq, rec->prev, e);
    if (!rc && o->many)
        rc = known_open(o->db_path, &rec->known, e);
    return rc;
}

static int start_threads(struct recorder *rec, struct err *e)
{
    static const struct {
        const char *name;
        void *(*fn)(void *recorder);
    } threads[RECORDER_THREADS] = {{"isolane-sign", recorder_signer},
                                   {"isolane-commit", recorder_committer},
                                   {"isolane-copy", recorder_copier}};
    int rc = 0, n = rec->copier_store ? RECORDER_THREADS : RECORDER_THREADS - 1;
    for (int i = 0; i < n && !rc; i++) {
        rc = thread_start(&rec->threads[i], threads[i].name, threads[i].fn, rec, e);
        rec->thread_count += !rc;
    }
    if (rc)
        stop_threads(rec);
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
    list_init(&rec->spare);
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
    pthread_cond_signal(&rec->sign_cv);
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
    stop_threads(rec);
    deliver(rec); /* what was committed at the last moment */
    if (rec->pending)
        rc = err_set(e, ERR_TIMEOUT, "%d results are not stored after %d ms%s%s", rec->pending,
                     timeout_ms, rec->is_stuck ? ": " : "", rec->is_stuck ? rec->why.msg : "");
    drop_rows(rec, &rec->to_commit);
    drop_rows(rec, &rec->to_sign);
    CHECK(rec->pending == 0);
    for (struct list *n; (n = list_pop_front(&rec->spare));)
        row_free(LIST_ENTRY(n, struct row, node));
    free_parts(rec);
    uv_close((uv_handle_t *)&rec->async, on_closed);
    return rc;
}
