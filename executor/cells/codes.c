/* How this works: one task at a time has a cell; those that wait hold a copy of their source, and
 * are few. A task that fails for whatever reason is put into the cache as "none to be had", so a
 * source costs at most one. */
#include "executor/cells/codes.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/cells/pool.h"

#define LEAST_BYTES                                                                                \
    1000 /* of a source: of shorter ones it saves next to nothing (bench/code.c)                   \
          */
#define WAITING_MAX   16
#define WAITING_BYTES ((size_t)32 << 20)

/* What a compilation may take: seconds for the largest job there is. */
#define CPU_US       INT64_C(5000000)
#define WALL_US      INT64_C(20000000)
#define HEAP_BYTES   (UINT64_C(256) << 20)
#define MEMORY_BYTES (UINT64_C(320) << 20)

struct task {
    struct list node;
    struct codes *all;
    struct code_key key;
    const struct tenant *tenant;
    enum profile profile;
    int source; /* enum frame_source */
    char *name, *text, *files;
    size_t text_len, files_len;
    struct cell *cell;
    bool made;
};

struct codes {
    const struct config *config;
    struct code_cache *cache;
    struct codes_events ev;
    void *arg;
    struct list waiting;
    int count;
    size_t bytes;
    struct task *now; /* has a cell */
};

struct codes *codes_open(const struct config *c, const struct codes_events *ev, void *arg)
{
    if (c->code_cache_mb == 0)
        return NULL;
    struct codes *s = mem_alloc(sizeof *s);
    s->config = c;
    s->cache = code_cache_new((size_t)c->code_cache_mb << 20, c->tenant_count);
    s->ev = *ev;
    s->arg = arg;
    list_init(&s->waiting);
    return s;
}

static void task_free(struct task *t)
{
    free(t->name);
    free(t->text);
    free(t->files);
    free(t);
}

void codes_close(struct codes *s)
{
    struct list *n;
    if (!s)
        return;
    while ((n = list_pop_front(&s->waiting)))
        task_free(LIST_ENTRY(n, struct task, node));
    if (s->now) {
        pool_drop(s->now->cell);
        cell_kill(s->now->cell);
        task_free(s->now);
    }
    code_cache_free(s->cache);
    free(s);
}

/* ---- keys ---- */

static void add_part(struct sha256 *h, const void *p, size_t len)
{
    uint64_t n = len; /* so that no two lists of parts are one text */
    crypto_sha256_add(h, &n, sizeof n);
    crypto_sha256_add(h, p, len);
}

/* The hash that every job carries is of what was published: what became of TypeScript is hashed as
 * it is. */
void codes_key_of(const struct job *j, const char *engine, const char *flags, struct code_key *out)
{
    struct sha256 h;
    const uint8_t kind[] = {(uint8_t)j->source, (uint8_t)j->profile, j->files != NULL,
                            j->transforms};
    crypto_sha256_begin(&h);
    add_part(&h, j->tenant, strlen(j->tenant));
    add_part(&h, kind, sizeof kind);
    add_part(&h, engine, strlen(engine));
    add_part(&h, flags, strlen(flags));
    add_part(&h, j->name, strlen(j->name));
    add_part(&h, j->script_sha256, sizeof j->script_sha256);
    if (j->transforms) {
        add_part(&h, j->script, j->script_len);
        add_part(&h, j->files, j->files_len);
    }
    crypto_sha256_end(&h, out->v);
}

static int tenant_number(const struct codes *s, const struct tenant *t)
{
    return (int)(t - s->config->tenants);
}

/* ---- what waits ---- */

static bool is_waiting(const struct codes *s, const struct code_key *k)
{
    if (s->now && !memcmp(&s->now->key, k, sizeof *k))
        return true;
    for (struct list *n = s->waiting.next; n != &s->waiting; n = n->next)
        if (!memcmp(&LIST_ENTRY(n, struct task, node)->key, k, sizeof *k))
            return true;
    return false;
}

/* Where there are too many it will be asked for again. */
static void let_wait(struct codes *s, const struct job *j, const struct tenant *t,
                     const struct code_key *k)
{
    size_t len = j->script_len + j->files_len;
    if (s->count == WAITING_MAX || len > WAITING_BYTES - s->bytes || is_waiting(s, k))
        return;
    struct task *x = mem_alloc(sizeof *x);
    x->all = s;
    x->key = *k;
    x->tenant = t;
    x->profile = j->profile;
    x->source = j->source == JOB_MODULE ? FRAME_COMPILE : FRAME_COMPILE_SCRIPT;
    x->name = mem_strdup(j->name);
    x->text = j->script_len ? mem_copy(j->script, j->script_len) : NULL;
    x->text_len = j->script_len;
    x->files = j->files_len ? mem_copy(j->files, j->files_len) : NULL;
    x->files_len = j->files_len;
    s->count++;
    s->bytes += len;
    list_push_back(&s->waiting, &x->node);
}

struct code_text codes_for(struct codes *s, const struct job *j, const struct tenant *t,
                           struct cell *c)
{
    struct code_text out = {0};
    struct code_key k;
    struct pool_origin origin;
    if (!s || j->script_len + j->files_len < LEAST_BYTES)
        return out;
    pool_origin(c, &origin);
    codes_key_of(j, origin.engine, origin.flags, &k);
    if (code_cache_find(s->cache, &k, &out.data, &out.len) == CODE_AGAIN)
        let_wait(s, j, t, &k);
    return out;
}

/* ---- a task ---- */

static void finish(struct task *t, int64_t cpu_us, const char *wrong)
{
    struct codes *s = t->all;
    const struct tenant *tenant = t->tenant;
    if (wrong)
        log_info("codes", "no code for a source of tenant %s: %s", tenant->name, wrong);
    if (!t->made)
        code_cache_put(s->cache, &t->key, tenant_number(s, tenant), NULL, 0);
    s->now = NULL;
    pool_drop(t->cell);
    task_free(t);
    s->ev.ended(tenant, cpu_us > 0 ? cpu_us : 0, s->arg);
}

static void on_code(struct cell *c, const char *bytes, size_t len, void *arg)
{
    (void)c;
    struct task *t = arg;
    code_cache_put(t->all->cache, &t->key, tenant_number(t->all, t->tenant), bytes, len);
    t->made = true;
}

static void on_done(struct cell *c, const struct cell_done *d, void *arg)
{
    (void)c;
    finish(arg, d->cpu_us, d->end == FRAME_END_OK ? NULL : "its compilation was stopped");
}

static void on_gone(struct cell *c, const struct cell_gone *g, void *arg)
{
    (void)c;
    finish(arg, g->cpu_us, g->breach ? g->breach : "its cell ended");
}

/* Neither is ever told: frames.h has them not allowed here. */
static void on_output(struct cell *c, int stream, const char *text, size_t len, void *arg)
{
    (void)c, (void)stream, (void)text, (void)len, (void)arg;
}

static void on_call(struct cell *c, uint64_t call_id, const char *name, size_t name_len,
                    const char *json, size_t len, void *arg)
{
    (void)c, (void)call_id, (void)name, (void)name_len, (void)json, (void)len, (void)arg;
}

static const struct cell_events cell_events = {
    .output = on_output,
    .call = on_call,
    .code = on_code,
    .done = on_done,
    .gone = on_gone,
};

static int start(struct task *t, struct cell *c, struct err *e)
{
    const struct cell_invocation inv = {
        .id = 1,
        .source = t->source,
        .attempt = 1,
        .clock_us = 1000,
        .heap_bytes = HEAP_BYTES,
        .memory_bytes = MEMORY_BYTES,
        .output_bytes = 0,
        .value_bytes = 0,
        .cpu_us = CPU_US,
        .wall_us = WALL_US,
        .job_id = "",
        .tenant = "",
        .name = t->name,
        .script = t->text,
        .script_len = t->text_len,
        .files = t->files,
        .files_len = t->files_len,
    };
    return cell_invoke(c, &inv, e);
}

void codes_pump(struct codes *s, struct pools *ps)
{
    if (!s || s->now || list_empty(&s->waiting))
        return;
    struct err e = {0};
    struct task *t = LIST_ENTRY(s->waiting.next, struct task, node);
    struct cell *c = pools_take(ps, t->profile, &cell_events, t);
    if (!c)
        return;
    list_remove(&t->node);
    s->count--;
    s->bytes -= t->text_len + t->files_len;
    t->cell = c;
    s->now = t;
    if (start(t, c, &e)) { /* it has died: another time, with another */
        log_debug("codes", "a cell refused a source: %s", e.msg);
        s->now = NULL;
        pool_drop(c);
        cell_kill(c);
        task_free(t);
    }
}

struct code_cache_stats codes_stats(const struct codes *s)
{
    return s ? code_cache_stats(s->cache) : (struct code_cache_stats){0};
}
