/* How this works: every cell is in one list of all, and, while it is idle, at the back of `idle`
 * (so that the front was idle longest) and at the front of its key's list (so that the next job
 * finds the one whose memory is hottest). A group is a key with at least one cell. A timer that
 * keeps nobody awake looks at all of them once a second while there are any. */
#include "executor/cells/warm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/cells/pool.h"

#define LOOK_MS    1000
#define QUICK_US   2000 /* jobs that take less, on average, are waited for … */
#define LINE_US    1000 /* … and those that take less than this, sent ahead: */
#define LINED_MAX  16   /* so many to one cell */
#define MEAN_OF    8    /* jobs that the average goes back */
#define RANDOM_MAX 64
#define MADE_MAX   16   /* keys that are kept … */
#define MADE_BYTES 4096 /* … each made of no more than this */

struct group {
    struct warm_key key;
    struct list idle, busy; /* warm_cell.of_key */
    int cells;
    int64_t mean_us; /* of the last jobs */
    bool talks;      /* its jobs call host services */
    UT_hash_handle hh;
};

struct warm_cell {
    struct warm *w;
    struct group *group;
    const struct tenant *tenant;
    enum profile profile;
    struct cell *cell;
    struct list every, idle, of_key;
    struct list line; /* struct warm_waiter */
    int lined;
    bool broken;   /* those that were in line are gone: it ends with its job */
    bool has_room; /* counted in room_of */
    bool is_idle;
    int64_t calls, born_us, busy_since_us, idle_since_us;
    uint64_t grown_bytes; /* as of the last look */
    uint64_t invocation;
};

struct warm {
    const struct config *config;
    struct group *groups;
    struct list every, idle;
    int count, idle_count, idle_of[PROFILES], room_of[PROFILES];
    int *of_tenant;
    struct warm_stats stats;
    uv_timer_t timer;
    uint32_t random[RANDOM_MAX];
    int random_left;
    int processors;
};

static void on_timer(uv_timer_t *t);

/* ---- keys ---- */

/* Everything that makes a key, and the key: the same jobs come again and again. */
struct made {
    struct buf parts;
    struct warm_key key;
};

static void add_part(struct buf *b, const void *p, size_t len)
{
    uint64_t n = len;
    buf_add(b, &n, sizeof n);
    buf_add(b, p, len);
}

static void add_parts(struct buf *b, const struct job *j, const struct buf *granted,
                      const char *env, size_t env_len)
{
    const int64_t numbers[] = {j->reuse, j->profile, j->language, j->limits.v[LIMIT_HEAP_MB],
                               j->limits.v[LIMIT_MEMORY_MB]};
    add_part(b, j->tenant, strlen(j->tenant));
    add_part(b, numbers, sizeof numbers);
    add_part(b, granted->data, granted->len);
    if (j->reuse == REUSE_SCRIPT) {
        add_part(b, j->script_sha256, sizeof j->script_sha256);
        add_part(b, j->name, strlen(j->name));
        add_part(b, j->typescript, j->typescript ? strlen(j->typescript) : 0);
        add_part(b, env, env_len);
    }
}

void warm_key_of(const struct job *j, const struct buf *granted, const char *env, size_t env_len,
                 struct warm_key *out)
{
    static _Thread_local struct made kept[MADE_MAX];
    static _Thread_local struct buf parts;
    const char *sha = j->script_sha256;
    struct made *m = &kept[((unsigned)sha[0] * 5 + (unsigned)sha[1]) % MADE_MAX];
    buf_clear(&parts);
    add_parts(&parts, j, granted, env, env_len);
    if (parts.len == m->parts.len && !memcmp(parts.data, m->parts.data, parts.len)) {
        *out = m->key;
        return;
    }
    crypto_sha256(parts.data, parts.len, out->v);
    struct buf old = m->parts;
    m->parts = parts;
    m->key = *out;
    parts = old;
    if (m->parts.cap > MADE_BYTES)
        buf_free(&m->parts);
}

/* ---- cells ---- */

static int *tenant_count(struct warm *w, const struct tenant *t)
{
    return &w->of_tenant[t - w->config->tenants];
}

static void leave_idle(struct warm_cell *x)
{
    struct warm *w = x->w;
    if (!x->is_idle)
        return;
    x->is_idle = false;
    list_remove(&x->idle);
    list_remove(&x->of_key);
    list_push_back(&x->group->busy, &x->of_key);
    w->idle_count--;
    w->idle_of[x->profile]--;
}

/* ---- lines ---- */

static struct group *group_of(const struct warm *w, const struct warm_key *k)
{
    struct group *g;
    HASH_FIND(hh, w->groups, k, sizeof *k, g);
    return g;
}

static bool takes_more(const struct warm_cell *x)
{
    return !x->is_idle && !x->broken && x->lined < LINED_MAX && x->group->mean_us < LINE_US &&
           !x->group->talks && x->calls + x->lined < x->w->config->warm.max_calls &&
           cell_takes_more(x->cell);
}

static void note_room(struct warm_cell *x, bool has)
{
    x->w->room_of[x->profile] += (int)has - (int)x->has_room;
    x->has_room = has;
}

/* From the last, so that each can go in front of those behind it. */
static void return_line(struct warm_cell *x)
{
    while (!list_empty(&x->line)) {
        struct warm_waiter *last = LIST_ENTRY(x->line.prev, struct warm_waiter, node);
        list_remove(&last->node);
        x->lined--;
        x->broken = true;
        last->returned(last->arg);
    }
    note_room(x, takes_more(x));
}

struct warm_cell *warm_line(struct warm *w, const struct warm_key *k)
{
    struct group *g = w->count ? group_of(w, k) : NULL;
    struct warm_cell *shortest = NULL;
    if (!g)
        return NULL;
    LIST_FOREACH(n, &g->busy)
    {
        struct warm_cell *x = LIST_ENTRY(n, struct warm_cell, of_key);
        if (takes_more(x) && (!shortest || x->lined < shortest->lined))
            shortest = x;
    }
    return shortest;
}

void warm_line_up(struct warm_cell *x, struct warm_waiter *waiter)
{
    list_push_back(&x->line, &waiter->node);
    x->lined++;
    note_room(x, takes_more(x));
}

void warm_began(struct warm_cell *x)
{
    note_room(x, takes_more(x));
}

bool warm_has_line(const struct warm_cell *x)
{
    return x->lined > 0;
}

void warm_break_line(struct warm_cell *x)
{
    return_line(x);
}

void warm_talks(struct warm_cell *x)
{
    x->group->talks = true;
    return_line(x);
}

/* The next in line has the cell. */
static void go_on(struct warm_cell *x, int64_t now)
{
    struct warm_waiter *first = LIST_ENTRY(list_pop_front(&x->line), struct warm_waiter, node);
    x->lined--;
    x->calls++;
    x->w->stats.taken++;
    x->busy_since_us = now;
    pool_hand(x->cell, first->ev, first->arg, false);
    int64_t started_us = cell_go_on(x->cell);
    note_room(x, takes_more(x));
    first->begins(started_us, first->arg);
}

static void forget(struct warm_cell *x)
{
    struct warm *w = x->w;
    leave_idle(x);
    note_room(x, false);
    list_remove(&x->of_key);
    list_remove(&x->every);
    w->count--;
    (*tenant_count(w, x->tenant))--;
    if (--x->group->cells == 0) {
        HASH_DEL(w->groups, x->group);
        free(x->group);
    }
    free(x);
    if (w->count == 0)
        uv_timer_stop(&w->timer);
}

static void end(struct warm_cell *x)
{
    struct cell *c = x->cell;
    return_line(x);
    forget(x);
    pool_drop(c);
    cell_kill(c);
}

/* Of an idle one: it was killed with its zygote, or by somebody, or broke the protocol. */
static void on_gone(struct cell *c, const struct cell_gone *g, void *arg)
{
    (void)c;
    (void)g;
    forget(arg);
}

static void on_output(struct cell *c, int stream, const char *text, size_t len, void *arg)
{
    (void)c, (void)stream, (void)text, (void)len, (void)arg; /* the protocol allows none */
}

static void on_call(struct cell *c, uint64_t id, const char *name, size_t name_len,
                    const char *json, size_t len, void *arg)
{
    (void)c, (void)id, (void)name, (void)name_len, (void)json, (void)len, (void)arg;
}

static void on_done(struct cell *c, const struct cell_done *d, void *arg)
{
    (void)c, (void)d, (void)arg;
}

static const struct cell_events idle_events = {
    .output = on_output, .call = on_call, .done = on_done, .gone = on_gone};

struct warm_cell *warm_take(struct warm *w, const struct warm_key *k, const struct cell_events *ev,
                            void *arg)
{
    struct group *g = w->idle_count ? group_of(w, k) : NULL;
    if (!g || list_empty(&g->idle))
        return NULL;
    struct warm_cell *x = LIST_ENTRY(g->idle.next, struct warm_cell, of_key);
    leave_idle(x);
    x->calls++;
    x->busy_since_us = clock_mono_us();
    w->stats.taken++;
    pool_hand(x->cell, ev, arg, false);
    return x;
}

bool warm_is_quick(const struct warm *w, const struct warm_key *k)
{
    const struct group *g = w->count ? group_of(w, k) : NULL;
    return g && g->cells >= w->processors && list_empty(&g->idle) && g->mean_us < QUICK_US;
}

/* The one that was idle longest, of that tenant (NULL: of any). */
static bool end_oldest(struct warm *w, const struct tenant *t)
{
    LIST_FOREACH(n, &w->idle)
    {
        struct warm_cell *x = LIST_ENTRY(n, struct warm_cell, idle);
        if (t && x->tenant != t)
            continue;
        end(x);
        return true;
    }
    return false;
}

struct warm_cell *warm_enter(struct warm *w, const struct warm_key *k, const struct tenant *t,
                             enum profile p, struct cell *c)
{
    const struct warm_config *most = &w->config->warm;
    if (*tenant_count(w, t) >= most->tenant_cells && !end_oldest(w, t))
        return NULL;
    if (w->count >= most->cells && !end_oldest(w, NULL))
        return NULL;
    struct group *g = group_of(w, k);
    if (!g) {
        g = mem_alloc(sizeof *g);
        g->key = *k;
        g->mean_us = QUICK_US;
        list_init(&g->idle);
        list_init(&g->busy);
        HASH_ADD(hh, w->groups, key, sizeof g->key, g);
    }
    struct warm_cell *x = mem_alloc(sizeof *x);
    *x = (struct warm_cell){.w = w,
                            .group = g,
                            .tenant = t,
                            .profile = p,
                            .cell = c,
                            .calls = 1,
                            .born_us = clock_mono_us()};
    x->busy_since_us = x->born_us;
    list_init(&x->idle);
    list_init(&x->of_key);
    list_init(&x->line);
    list_push_back(&g->busy, &x->of_key);
    list_push_back(&w->every, &x->every);
    g->cells++;
    (*tenant_count(w, t))++;
    if (w->count++ == 0) {
        uv_timer_start(&w->timer, on_timer, LOOK_MS, LOOK_MS);
        uv_unref((uv_handle_t *)&w->timer);
    }
    w->stats.entered++;
    return x;
}

struct cell *warm_cell(const struct warm_cell *x)
{
    return x->cell;
}

int64_t warm_call(const struct warm_cell *x)
{
    return x->calls;
}

uint64_t warm_invocation(struct warm_cell *x)
{
    struct warm *w = x->w;
    if (w->random_left == 0) {
        crypto_random(w->random, sizeof w->random);
        w->random_left = RANDOM_MAX;
    }
    return x->invocation += 1 + (uint64_t)w->random[--w->random_left];
}

static bool is_spent(const struct warm_cell *x, int64_t now)
{
    const struct warm_config *most = &x->w->config->warm;
    return x->calls >= most->max_calls || now - x->born_us >= most->max_age_s * 1000000;
}

/* A job took so long: whether others may be sent ahead can change. */
static void note_time(struct group *g, int64_t us)
{
    bool was_short = g->mean_us < LINE_US;
    g->mean_us += (us - g->mean_us) / MEAN_OF;
    if (was_short == (g->mean_us < LINE_US))
        return;
    LIST_FOREACH(n, &g->busy)
    {
        struct warm_cell *x = LIST_ENTRY(n, struct warm_cell, of_key);
        note_room(x, takes_more(x));
    }
}

/* What waits behind a job that ends its cell was sent in vain: none is sent ahead before some have
 * gone well again. */
static void note_failure(struct group *g)
{
    if (g->mean_us < QUICK_US)
        note_time(g, g->mean_us + (QUICK_US - g->mean_us) * MEAN_OF);
}

void warm_done(struct warm_cell *x, bool keep)
{
    struct warm *w = x->w;
    int64_t now = clock_mono_us();
    note_time(x->group, now - x->busy_since_us);
    if (!keep)
        note_failure(x->group);
    if (!keep || x->broken || is_spent(x, now) || !pool_may_rest(x->cell)) {
        end(x);
        return;
    }
    if (x->lined > 0) {
        go_on(x, now);
        return;
    }
    note_room(x, false);
    list_remove(&x->of_key);
    x->is_idle = true;
    x->idle_since_us = now;
    list_push_back(&w->idle, &x->idle);
    list_push_front(&x->group->idle, &x->of_key);
    w->idle_count++;
    w->idle_of[x->profile]++;
    pool_hand(x->cell, &idle_events, x, true);
}

static unsigned set_of(const struct warm *w, const int count_of[PROFILES])
{
    unsigned set = 0;
    for (int p = 0; w->count && p < PROFILES; p++)
        if (count_of[p])
            set |= 1u << p;
    return set;
}

unsigned warm_idle(const struct warm *w)
{
    return set_of(w, w->idle_of);
}

unsigned warm_room(const struct warm *w)
{
    return set_of(w, w->room_of);
}

struct warm_stats warm_stats(const struct warm *w)
{
    struct warm_stats s = w->stats;
    s.cells = w->count;
    s.idle = w->idle_count;
    return s;
}

/* ---- the look once a second ---- */

/* Resident bytes of a process, 0: gone, or not to be had. */
static uint64_t resident_bytes(int pid)
{
    char path[48], text[128];
    unsigned long long size = 0, resident = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    text[n] = 0;
    if (sscanf(text, "%llu %llu", &size, &resident) != 2)
        return 0;
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t measure(struct warm *w)
{
    uint64_t all = 0;
    LIST_FOREACH(n, &w->every)
    {
        struct warm_cell *x = LIST_ENTRY(n, struct warm_cell, every);
        uint64_t now = resident_bytes(cell_pid(x->cell)), first = pool_first_bytes(x->cell);
        x->grown_bytes = now > first ? now - first : 0;
        all += x->grown_bytes;
    }
    return all;
}

static void on_timer(uv_timer_t *t)
{
    struct warm *w = t->data;
    int64_t now = clock_mono_us();
    LIST_FOREACH(n, &w->idle)
    {
        struct warm_cell *x = LIST_ENTRY(n, struct warm_cell, idle);
        if (now - x->idle_since_us >= w->config->warm.idle_s * 1000000 || is_spent(x, now))
            end(x);
    }
    uint64_t all = measure(w), most = (uint64_t)w->config->warm.memory_mb << 20;
    while (all > most && w->idle_count > 0) {
        struct warm_cell *x = LIST_ENTRY(w->idle.next, struct warm_cell, idle);
        log_info("warm", "a cell of tenant %s goes: re-used cells hold %llu MiB, allowed %lld",
                 x->tenant->name, (unsigned long long)(all >> 20),
                 (long long)w->config->warm.memory_mb);
        all -= x->grown_bytes;
        end(x);
    }
}

/* ---- life ---- */

struct warm *warm_open(uv_loop_t *loop, const struct config *c)
{
    struct warm *w = mem_alloc(sizeof *w);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    w->config = c;
    w->processors = n > 1 ? (int)n : 1;
    w->of_tenant = mem_alloc((size_t)(c->tenant_count + 1) * sizeof *w->of_tenant);
    list_init(&w->every);
    list_init(&w->idle);
    uv_timer_init(loop, &w->timer);
    w->timer.data = w;
    return w;
}

static void on_closed(uv_handle_t *h)
{
    struct warm *w = h->data;
    free(w->of_tenant);
    free(w);
}

void warm_close(struct warm *w)
{
    if (!w)
        return;
    LIST_FOREACH(n, &w->every)
    {
        end(LIST_ENTRY(n, struct warm_cell, every));
    }
    uv_close((uv_handle_t *)&w->timer, on_closed);
}
