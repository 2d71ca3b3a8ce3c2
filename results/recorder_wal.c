/* How this works: what is committed lies in the WAL (db.c) and is copied into the database when
 * that has got long: 8 MB, some 2,000 rows, 10 ms. A commit that does so by the way keeps every job
 * behind it waiting for as long, and with a few hundred jobs in flight the whole worker then stands
 * still: a tenth of the time, at 15,000 jobs/s. So, while jobs wait for a cell, a thread copies
 * beside the commits. It never gets to the end of a WAL that grows meanwhile, and only a WAL that
 * is copied to its end begins anew: the last bit is the committer's, between two commits.
 *
 * Where no job waits the committer copies all of it, when the rows are handed on: the disk then has
 * one to serve, and a lone job's commit does not take longer beside a copy. */
#include "base/log.h"
#include "results/db.h"
#include "results/recorder_inner.h"

/* With more rows on their way jobs are in flight, though none waits for a cell. */
#define FEW     4
/* A WAL of so many times its length waits for the copier: the disk is too slow. */
#define LONGEST 4

/* Lock not held. */
static void copy(struct recorder *rec, struct store *through)
{
    struct err e = {0};
    bool failed = db_copy_wal(store_db(through), &e) != 0;
    pthread_mutex_lock(&rec->lock);
    bool news = failed && !rec->copy_failed;
    rec->copy_failed = failed;
    rec->copied = through == rec->copier_store;
    pthread_mutex_unlock(&rec->lock);
    if (news)
        log_warn("recorder", "%s", e.msg); /* each commit sees to it again */
}

void *recorder_copier(void *arg)
{
    struct recorder *rec = arg;
    pthread_mutex_lock(&rec->lock);
    while (!rec->stop) {
        if (!rec->copy_wanted) {
            pthread_cond_wait(&rec->copy_cv, &rec->lock);
            continue;
        }
        pthread_mutex_unlock(&rec->lock);
        copy(rec, rec->copier_store);
        pthread_mutex_lock(&rec->lock);
        rec->copy_wanted = false;
        pthread_cond_broadcast(&rec->copy_cv); /* the committer may wait for it */
    }
    pthread_mutex_unlock(&rec->lock);
    return NULL;
}

void recorder_mind_wal(struct recorder *rec)
{
    struct db *db = store_db(rec->writer);
    int pages = db_wal_pages(db), most = db_wal_pages_max(db);
    if (pages < most)
        return;
    pthread_mutex_lock(&rec->lock);
    while (rec->copy_wanted && pages >= most * LONGEST && !rec->stop)
        pthread_cond_wait(&rec->copy_cv, &rec->lock);
    bool busy = rec->copy_wanted;
    bool beside = rec->copier_store && !busy && !rec->copied && pages < most * LONGEST &&
                  (recorder_crowded(rec) || rec->pipeline > FEW);
    rec->copy_wanted |= beside;
    pthread_mutex_unlock(&rec->lock);
    if (beside)
        pthread_cond_broadcast(&rec->copy_cv);
    else if (!busy)
        copy(rec, rec->writer);
}
