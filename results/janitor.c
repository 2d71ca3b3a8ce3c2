#include "results/janitor.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "results/store.h"

#include <stdlib.h>
#include <string.h>

/* How this works: timer → look (libuv's thread pool: it reads, which takes milliseconds) → plan →
 * recorder → `pruned` → the next look at once while there is more to remove, else at the next
 * interval. A plan is bounded, so that removing never holds commits up for long. */

#define ROWS_MOST 500 /* removed in one transaction: about 10 ms */

struct janitor {
    uv_timer_t timer;
    uv_work_t work;
    struct recorder *recorder;
    char *db_path, *worker;
    struct retention *retentions;
    size_t count;
    int64_t interval_ms;
    bool looking, pruning, closing;
    int open;         /* timer, and a look under way */
    uint64_t removed; /* since the last line in the log */
    /* the look's */
    struct prune_plan *plan;
    struct err why;
    int rc;
};

static void let_go(struct janitor *j)
{
    if (--j->open)
        return;
    prune_plan_free(j->plan);
    free(j->db_path);
    free(j->worker);
    free(j->retentions);
    free(j);
}

/* In the thread pool. */
static void look(uv_work_t *w)
{
    struct janitor *j = w->data;
    struct store *s = NULL;
    j->plan = NULL;
    j->rc = store_open(j->db_path, STORE_READ, &s, &j->why);
    if (!j->rc)
        j->rc = prune_plan_make(s, j->retentions, j->count, clock_real_us(), ROWS_MOST, &j->plan,
                                &j->why);
    store_close(s);
}

static void on_timer(uv_timer_t *t);

static void rest(struct janitor *j)
{
    uv_timer_start(&j->timer, on_timer, (uint64_t)j->interval_ms, 0);
}

static void on_looked(uv_work_t *w, int status)
{
    struct janitor *j = w->data;
    (void)status;
    j->looking = false;
    if (!j->closing) {
        if (j->rc)
            log_warn("retention", "nothing is removed: %s", j->why.msg);
        if (j->plan) {
            j->pruning = true;
            recorder_prune(j->recorder, j->plan, j->worker);
            j->plan = NULL;
        } else {
            rest(j);
        }
    }
    let_go(j);
}

static void on_timer(uv_timer_t *t)
{
    struct janitor *j = t->data;
    if (j->looking || j->pruning)
        return;
    j->looking = true;
    j->open++;
    uv_queue_work(t->loop, &j->work, look, on_looked);
}

void janitor_pruned(struct janitor *j, size_t rows, bool more)
{
    if (!j)
        return;
    j->pruning = false;
    j->removed += rows;
    if (more && !j->closing) {
        on_timer(&j->timer);
        return;
    }
    log_info("retention", "%llu results removed; a checkpoint says so in the chain",
             (unsigned long long)j->removed);
    j->removed = 0;
    if (!j->closing)
        rest(j);
}

void janitor_open(uv_loop_t *loop, const struct janitor_options *o, struct recorder *rec,
                  struct janitor **out)
{
    *out = NULL;
    if (!o->count)
        return;
    struct janitor *j = mem_alloc(sizeof *j);
    j->recorder = rec;
    j->db_path = mem_strdup(o->db_path);
    j->worker = mem_strdup(o->worker);
    j->retentions = mem_copy(o->retentions, o->count * sizeof *o->retentions);
    j->count = o->count;
    j->interval_ms = o->interval_ms;
    j->open = 1;
    j->work.data = j;
    j->timer.data = j;
    uv_timer_init(loop, &j->timer);
    uv_timer_start(&j->timer, on_timer, 0, 0);
    uv_unref((uv_handle_t *)&j->timer);
    *out = j;
}

static void on_closed(uv_handle_t *h)
{
    let_go(h->data);
}

void janitor_close(struct janitor *j)
{
    if (!j)
        return;
    j->closing = true;
    uv_close((uv_handle_t *)&j->timer, on_closed);
}
