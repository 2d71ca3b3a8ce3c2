/* The two threads behind the loop: the signer puts each result into the chain and signs it, the
 * committer makes batches of them durable.
 *
 * When to commit. A commit costs one fdatasync (0.2 ms here, and about 100 us of CPU) whether it
 * holds one row or sixty, so it can pay to wait for more. Three rules, and no more than LINGER_MS:
 *  - Only while jobs wait for a cell (recorder_set_waiting); a linger ends when the last of them
 * has found one. Otherwise somebody may be waiting for this very result before he sends the next
 * job: then every millisecond of lingering is lost to him and brings nobody along (measured: with 8
 * such publishers lingering nearly halves the throughput).
 *  - And for rows that are being signed, SIGNED_ENOUGH in all: they come sooner than a commit of
 * those before would be done.
 *  - For as many rows as were in the pipeline when the last commit ended (its own and those that
 * came meanwhile). One job at a time: one, so the next is committed at once. A flood: the number
 * grows until LINGER_MS is the bound. The load falls: one commit waits in vain, the next does not.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/thread.h"
#include "results/fit.h"
#include "results/recorder_inner.h"

#define LINGER_MS      10.0 /* a shared commit is also a shared message to NATS: bench/queue.c */
#define SIGNED_ENOUGH  96   /* signing them takes 2 ms */
#define REST_MS        2.5
#define REST_ROWS      16
#define MANY_WAIT      64 /* jobs: so many times as long, and rows, */
#define MANY_TIMES     2
#define STATEMENT_KEPT ((size_t)1 << 20) /* memory for statements that is not given back */
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 2000

/* ---- signer thread ---- */

/* The statement is made: its hash, its signature, its place behind the one before. */
static void seal(struct recorder *rec, struct row *row)
{
    struct buf *statement = &rec->statement;
    crypto_sha256_hex(statement->data, statement->len, row->hash);
    envelope_sign(&rec->key, statement->data, statement->len, &row->envelope);
    memcpy(rec->prev, row->hash, sizeof rec->prev);
    if (statement->cap > STATEMENT_KEPT)
        buf_free(statement);
}

static void sign_checkpoint(struct recorder *rec, struct row *row)
{
    struct checkpoint *c = &row->checkpoint;
    c->seq = ++rec->seq;
    memcpy(c->prev, rec->prev, sizeof c->prev);
    clock_rfc3339(clock_real_us(), c->at);
    buf_clear(&rec->statement);
    checkpoint_encode(c, &rec->statement);
    seal(rec, row);
}

static void sign_row(struct recorder *rec, struct row *row, size_t envelope_max)
{
    struct result *r = row->r;
    if (!r) {
        sign_checkpoint(rec, row);
        return;
    }
    if (row->duplicate) {
        r->seq = 0;
        return;
    }
    r->seq = ++rec->seq;
    memcpy(r->prev, rec->prev, sizeof r->prev);
    result_mend(r);
    result_fit(r, envelope_max, &rec->statement);
    seal(rec, row);
    if (fault(F_RESULT_SIGNED))
        row->fail_once = true;
}

/* Which of them have a result already; several are looked up together. */
static void look_up(struct recorder *rec, struct list *rows)
{
    bool several = rows->next != rows->prev, held = false;
    LIST_FOREACH(n, rows)
    {
        struct row *row = LIST_ENTRY(n, struct row, node);
        if (!row->r || row->duplicate || !known_may_have(rec->known, row->r->tenant, row->r->id))
            continue;
        if (several && !held)
            store_hold(rec->reader);
        held = several;
        row->duplicate = store_has(rec->reader, row->r->tenant, row->r->id);
    }
    if (held)
        store_let_go(rec->reader);
}

/* Whether the committer gains by more rows: up to wake_at while jobs wait for a cell; and those
 * that are being signed, which come within microseconds. Lock held. */
static bool worth_lingering(const struct recorder *rec)
{
    return rec->commit_count < (recorder_crowded(rec)           ? rec->wake_at
                                : rec->pipeline < SIGNED_ENOUGH ? rec->pipeline
                                                                : SIGNED_ENOUGH);
}

/* Signs all that waits for it; each row goes on to the committer by itself. Lock held, but let go
 * of in between. */
static void sign_all(struct recorder *rec)
{
    struct list *n, mine;
    list_init(&mine);
    list_append(&mine, &rec->to_sign);
    rec->sign_count = 0;
    size_t envelope_max = rec->envelope_max;
    rec->signing = true;
    pthread_mutex_unlock(&rec->lock);
    look_up(rec, &mine);
    while ((n = list_pop_front(&mine))) {
        sign_row(rec, LIST_ENTRY(n, struct row, node), envelope_max);
        pthread_mutex_lock(&rec->lock);
        list_push_back(&rec->to_commit, n);
        rec->commit_count++;
        bool wake = rec->lingering ? !worth_lingering(rec) : rec->commit_count == rec->wake_at;
        pthread_mutex_unlock(&rec->lock);
        if (wake) /* not under the lock: on a machine that is busy the committer would take our
                   * processor, wait for the lock, and both would wait for whoever runs next */
            pthread_cond_signal(&rec->commit_cv);
    }
    pthread_mutex_lock(&rec->lock);
    rec->signing = false;
}

/* While jobs wait for a cell the committer lingers anyway: then the signer looks for new rows
 * every REST_MS or when there are REST_ROWS, and neither is woken for each of them nor has to be
 * (of 2,000 rows a second each cost a third more where it looked every half millisecond). Of a few
 * publishers that wait for these results, a longer rest costs the throughput; where MANY_WAIT jobs
 * do, it does not. Lock held. */
static void rest(struct recorder *rec, int rows, const struct timespec *until)
{
    rec->resting = true;
    rec->rest_rows = rows;
    while (recorder_crowded(rec) && rec->sign_count < rows && !rec->flush && !rec->stop &&
           pthread_cond_timedwait(&rec->sign_cv, &rec->lock, until) != ETIMEDOUT)
        ;
    rec->resting = false;
}

void *recorder_signer(void *arg)
{
    struct recorder *rec = arg;
    pthread_mutex_lock(&rec->lock);
    while (!rec->stop) {
        if (list_empty(&rec->to_sign) || rec->signing) {
            rec->signer_idle = true;
            pthread_cond_wait(&rec->sign_cv, &rec->lock);
            rec->signer_idle = false;
            continue;
        }
        int times = atomic_load(&rec->waiting) >= MANY_WAIT ? MANY_TIMES : 1;
        struct timespec until = thread_in_ms(REST_MS * times);
        sign_all(rec);
        rest(rec, REST_ROWS * times, &until);
    }
    pthread_mutex_unlock(&rec->lock);
    return NULL;
}

/* ---- committer thread ---- */

/* Sleeps until a row waits to be committed, or stop. Lock held. */
static void wait_for_row(struct recorder *rec)
{
    rec->wake_at = 1;
    while (rec->commit_count == 0 && !rec->stop) {
        if (rec->pipeline == 1 && !list_empty(&rec->to_sign) && !rec->signing) {
            sign_all(rec);
            if (!list_empty(&rec->to_sign)) /* came meanwhile */
                pthread_cond_signal(&rec->sign_cv);
            continue;
        }
        rec->committer_idle = true;
        pthread_cond_wait(&rec->commit_cv, &rec->lock);
        rec->committer_idle = false;
    }
    rec->wake_at = NEVER;
}

/* Sleeps while it is worth it, for n rows at most, until `until`, flush or stop. Lock held. */
static void linger(struct recorder *rec, int n, const struct timespec *until)
{
    rec->wake_at = n;
    rec->lingering = true;
    while (!rec->stop && !rec->flush && worth_lingering(rec))
        if (pthread_cond_timedwait(&rec->commit_cv, &rec->lock, until) == ETIMEDOUT)
            break;
    rec->lingering = false;
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
    if (n && fault(F_RESULT_STORING))
        rc = err_set(e, ERR_IO, "fault point result_storing");
    if (n && !rc)
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
    LIST_FOREACH(n, batch)
    {
        const struct row *row = LIST_ENTRY(n, struct row, node);
        if (row->r && !row->duplicate)
            known_add(rec->known, row->r->tenant, row->r->id);
    }
    return true;
}

void *recorder_committer(void *arg)
{
    struct recorder *rec = arg;
    int expected = 1; /* rows to wait for, see the top */
    struct list batch;
    list_init(&batch);
    pthread_mutex_lock(&rec->lock);
    for (;;) {
        wait_for_row(rec);
        if (rec->stop)
            break;
        struct timespec until = thread_in_ms(LINGER_MS);
        linger(rec, expected, &until);
        int n = take_batch(rec, &batch);
        pthread_mutex_unlock(&rec->lock);
        bool ok = commit_batch(rec, &batch);
        pthread_mutex_lock(&rec->lock);
        if (!ok) {
            list_append(&batch,
                        &rec->to_commit); /* in front again: recorder_close() counts and frees */
            list_append(&rec->to_commit, &batch);
            break;
        }
        expected = rec->pipeline < BATCH_MAX ? rec->pipeline : BATCH_MAX;
        rec->pipeline -= n;
        rec->commits++;
        list_append(&rec->done, &batch);
        pthread_mutex_unlock(&rec->lock); /* as in recorder_signer() */
        uv_async_send(&rec->async);
        pthread_cond_signal(&rec->done_cv);
        recorder_mind_wal(rec);
        pthread_mutex_lock(&rec->lock);
    }
    pthread_mutex_unlock(&rec->lock);
    return NULL;
}
