/* How this works: a place for each zygote there may be, and a short table of sources that were seen
 * lately, with how often. A pool that fails tells so from its own depths, so the timer closes it.
 */
#include "executor/cells/branches.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "sandbox/host/keep.h"

#define LEAST_BYTES                                                                                \
    ((size_t)64 << 10)              /* of a source: others cost little with V8's code for them     \
                                     */
#define OFTEN     6                 /* so many jobs … */
#define LATELY_US INT64_C(30000000) /* … in so short a time */
#define HELD_US   INT64_C(10000000) /* a branch is not given up for another before */
#define SEEN      64
#define CELLS     2   /* kept ready */
#define HEAP_MB   256 /* that compiling may take */
#define LOOK_MS   1000

struct seen {
    struct code_key key;
    int count;
    int64_t since_us, last_us;
    bool bad; /* it cannot be compiled ahead */
};

struct branch {
    struct branches *all;
    struct code_key key;
    const struct tenant *tenant;
    struct pool *pool; /* NULL: the place is free */
    int64_t used_us;
    bool was_ready, failed;
};

struct branches {
    uv_loop_t *loop;
    struct pool_options options;
    struct engine_paths paths;
    struct branches_events ev;
    void *arg;
    struct seen seen[SEEN];
    int count;
    struct branch *branch;
    uint64_t taken;
    uv_timer_t timer;
};

/* ---- what was seen ---- */

static struct seen *note(struct branches *b, const struct code_key *k, int64_t now_us)
{
    struct seen *oldest = &b->seen[0];
    for (int i = 0; i < SEEN; i++) {
        struct seen *s = &b->seen[i];
        if (s->count && !memcmp(&s->key, k, sizeof *k)) {
            if (now_us - s->since_us > LATELY_US) {
                s->since_us = now_us;
                s->count = 0;
            }
            s->last_us = now_us;
            s->count++;
            return s;
        }
        if (s->last_us < oldest->last_us)
            oldest = s;
    }
    *oldest = (struct seen){.key = *k, .count = 1, .since_us = now_us, .last_us = now_us};
    return oldest;
}

static void mark_bad(struct branches *b, const struct code_key *k)
{
    for (int i = 0; i < SEEN; i++)
        if (!memcmp(&b->seen[i].key, k, sizeof *k))
            b->seen[i].bad = true;
}

/* ---- branches ---- */

static void close_branch(struct branch *x)
{
    pool_close(x->pool);
    x->pool = NULL;
    x->was_ready = x->failed = false;
}

static void on_ready(void *arg)
{
    struct branch *x = arg;
    x->was_ready = true;
    x->all->ev.ready(x->all->arg);
}

static void on_timer(uv_timer_t *t);

static void on_failed(const struct err *why, void *arg)
{
    struct branch *x = arg;
    log_info("branches", "no zygote for a source of tenant %s: %s", x->tenant->name, why->msg);
    x->failed = true;
    mark_bad(x->all, &x->key);
    uv_ref((uv_handle_t *)&x->all->timer);
    uv_timer_start(&x->all->timer, on_timer, 0, LOOK_MS);
}

static void on_unsafe(const struct err *why, void *arg)
{
    struct branch *x = arg;
    x->all->ev.unsafe(why, x->all->arg);
}

static const struct pool_events handlers = {
    .ready = on_ready, .failed = on_failed, .unsafe = on_unsafe};

static void on_timer(uv_timer_t *t)
{
    struct branches *b = t->data;
    const int64_t idle_us = b->options.config->profile_idle_s * 1000000, now_us = clock_mono_us();
    int open = 0;
    for (int i = 0; i < b->count; i++) {
        struct branch *x = &b->branch[i];
        bool idle = x->pool && idle_us > 0 && now_us - x->used_us > idle_us &&
                    pool_stats(x->pool).taken == 0;
        if (x->pool && (x->failed || idle))
            close_branch(x);
        open += x->pool != NULL;
    }
    uv_unref((uv_handle_t *)t); /* it keeps nobody awake */
    if (!open)
        uv_timer_stop(t);
}

struct branches *branches_open(uv_loop_t *loop, const struct pool_options *o,
                               const struct branches_events *ev, void *arg)
{
    const int count = (int)o->config->source_zygotes;
    if (count == 0)
        return NULL;
    struct branches *b = mem_alloc(sizeof *b);
    b->loop = loop;
    b->options = *o;
    b->paths = *o->paths;
    b->options.paths = &b->paths;
    b->ev = *ev;
    b->arg = arg;
    b->count = count;
    b->branch = mem_alloc((size_t)count * sizeof *b->branch);
    for (int i = 0; i < count; i++)
        b->branch[i].all = b;
    uv_timer_init(loop, &b->timer);
    b->timer.data = b;
    return b;
}

static void on_closed(uv_handle_t *h)
{
    struct branches *b = h->data;
    free(b->branch);
    free(b);
}

void branches_close(struct branches *b)
{
    if (!b)
        return;
    for (int i = 0; i < b->count; i++)
        if (b->branch[i].pool)
            close_branch(&b->branch[i]);
    uv_close((uv_handle_t *)&b->timer, on_closed);
}

/* A free place; or that of the branch which was not used for longest, which goes. NULL: none. */
static struct branch *make_room(struct branches *b, const struct tenant *t, int64_t now_us)
{
    const int share = b->count > 1 ? b->count / 2 : 1;
    struct branch *open = NULL, *oldest = NULL;
    int own = 0;
    for (int i = 0; i < b->count; i++)
        own += b->branch[i].pool && b->branch[i].tenant == t;
    for (int i = 0; i < b->count; i++) {
        struct branch *x = &b->branch[i];
        if (!x->pool)
            open = x;
        else if ((own < share || x->tenant == t) && (!oldest || x->used_us < oldest->used_us))
            oldest = x;
    }
    if (open && own < share)
        return open;
    if (!oldest || oldest->failed || now_us - oldest->used_us < HELD_US ||
        pool_stats(oldest->pool).taken > 0)
        return NULL;
    close_branch(oldest);
    return oldest;
}

static void start(struct branches *b, const struct job *j, const struct tenant *t,
                  const struct code_key *k, int64_t now_us)
{
    struct err e = {0};
    struct branch *x = make_room(b, t, now_us);
    if (!x)
        return;
    int fd = keep_make(j->source == JOB_MODULE ? FRAME_MODULE : FRAME_SCRIPT, j->name, j->script,
                       j->script_len, j->files, j->files_len, &e);
    if (fd < 0) {
        log_warn("branches", "%s", e.msg);
        mark_bad(b, k);
        return;
    }
    struct pool_options o = b->options;
    o.profile = j->profile;
    o.size = CELLS;
    o.few_cells = false;
    o.keep_fd = fd;
    o.keep_mb = HEAP_MB;
    x->key = *k;
    x->tenant = t;
    x->used_us = now_us;
    x->pool = pool_open(b->loop, &o, &handlers, x);
    uv_timer_start(&b->timer, on_timer, LOOK_MS, LOOK_MS);
    uv_unref((uv_handle_t *)&b->timer);
}

struct cell *branches_take(struct branches *b, const struct job *j, const struct tenant *t,
                           const struct cell_events *ev, void *arg)
{
    struct code_key k;
    const int64_t now_us = clock_mono_us();
    if (!b || j->script_len + j->files_len < LEAST_BYTES)
        return NULL;
    codes_key_of(j, "", "", &k);
    for (int i = 0; i < b->count; i++) {
        struct branch *x = &b->branch[i];
        if (!x->pool || memcmp(&x->key, &k, sizeof k))
            continue;
        x->used_us = now_us;
        struct cell *c = x->failed ? NULL : pool_take(x->pool, ev, arg);
        b->taken += c != NULL;
        return c;
    }
    const struct seen *s = note(b, &k, now_us);
    if (s->count >= OFTEN && !s->bad)
        start(b, j, t, &k, now_us);
    return NULL;
}

void branches_refill(struct branches *b, int recording)
{
    for (int i = 0; b && i < b->count; i++) {
        struct pool *p = b->branch[i].pool;
        if (p && !b->branch[i].failed)
            pool_refill(p, pool_stats(p).taken, 0, recording);
    }
}

struct branches_stats branches_stats(const struct branches *b)
{
    struct branches_stats s = {0};
    for (int i = 0; b && i < b->count; i++)
        s.up += b->branch[i].pool && b->branch[i].was_ready;
    s.taken = b ? b->taken : 0;
    return s;
}
