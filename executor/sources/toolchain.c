#include "executor/sources/toolchain.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/attempt/attempt_inner.h"
#include "executor/sources/transform.h"

#define LOST_MAX    5 /* cells lost with their zygote before the job ends `internal` */
#define CRASHES_MAX 1 /* of cells, before it is the source's fault */

/* What one step may take. The compiler parses its declarations once, in the zygote, but looks at
 * types as long as they are deep. Memory counts what the tool itself has taken. */
static const struct bounds {
    int64_t cpu_ms, wall_ms;
    uint64_t heap_mb, memory_mb;
} bounds[TRANSFORM_STEPS] = {
    [TRANSFORM_CHECK] = {30000, 90000, 1024, 1280},
    [TRANSFORM_FAST] = {10000, 30000, 512, 768},
    [TRANSFORM_COMPILE] = {30000, 90000, 1024, 1280},
};

static const char *const doing[TRANSFORM_STEPS] = {
    [TRANSFORM_CHECK] = "checking the types",
    [TRANSFORM_FAST] = "the transform",
    [TRANSFORM_COMPILE] = "the transform",
};

struct toolchain {
    struct transform_cache *cache;
    char version[128];
};

/* Of everything that a transform depends on beside the source: a tool that is built anew has
 * another time or size. */
static void version_of(const struct engine_paths *engine, char *out, size_t cap)
{
    int n = snprintf(out, cap, "%s", ISOLANE_VERSION);
    for (int p = 0; p < PROFILES; p++) {
        char path[PATH_MAX];
        struct stat s;
        if (profile_table[p].tool && n > 0 && (size_t)n < cap &&
            !fs_path(path, sizeof path, NULL, "%s/%s", engine->dir, profile_table[p].tool) &&
            !stat(path, &s))
            n += snprintf(out + n, cap - (size_t)n, " %lld-%lld.%ld", (long long)s.st_size,
                          (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
    }
}

struct toolchain *toolchain_new(const char *folder, const struct engine_paths *engine)
{
    struct toolchain *t = mem_alloc(sizeof *t);
    version_of(engine, t->version, sizeof t->version);
    t->cache = transform_cache_new(folder, 0, 0);
    return t;
}

void toolchain_free(struct toolchain *t)
{
    if (!t)
        return;
    transform_cache_free(t->cache);
    free(t);
}

/* ---- steps ---- */

static void keep(struct attempt *a, enum transform_step s, const char *data, size_t len)
{
    struct transform_key k;
    const struct toolchain *t = a->preparing.tools;
    transform_key_of(a->job, s, t->version, &k);
    transform_cache_put(t->cache, &k, data, len);
}

static bool take_kept(struct attempt *a, enum transform_step s, const char **data, size_t *len)
{
    struct transform_key k;
    const struct toolchain *t = a->preparing.tools;
    transform_key_of(a->job, s, t->version, &k);
    return (*data = transform_cache_get(t->cache, &k, len)) != NULL;
}

/* What is done with the answer to a step, whether it was kept or just given: nothing for a check,
 * and nothing from the fast one that it takes the compiler. */
static bool use(struct attempt *a, enum transform_step s, const char *data, size_t len)
{
    struct attempt_preparing *p = &a->preparing;
    if (s == TRANSFORM_CHECK)
        p->checked = true;
    else if (s == TRANSFORM_FAST && len == 0)
        p->compiler = true;
    else
        p->ready = transform_apply(a->job, data, len);
    return s == TRANSFORM_CHECK || p->compiler || p->ready;
}

static enum transform_step next_step(const struct attempt *a)
{
    const struct attempt_preparing *p = &a->preparing;
    return a->job->check && !p->checked ? TRANSFORM_CHECK
           : p->compiler                ? TRANSFORM_COMPILE
                                        : TRANSFORM_FAST;
}

enum profile toolchain_profile(struct toolchain *t, struct attempt *a)
{
    struct attempt_preparing *p = &a->preparing;
    const char *data;
    size_t len;
    if (!a->job->transforms || p->ready)
        return a->job->profile;
    if (!p->tools) {
        p->tools = t;
        p->compiler = transform_needs_compiler(a->job);
    }
    do {
        p->step = next_step(a);
        if (!take_kept(a, p->step, &data, &len))
            return transform_profile(p->step);
    } while (use(a, p->step, data, len) && !p->ready);
    return p->ready ? a->job->profile : transform_profile(p->step);
}

/* ---- a step ends ---- */

static void finish(struct attempt *a, struct result *r)
{
    pool_drop(a->cell);
    a->cell = NULL;
    if (r)
        attempt_record(a);
    else
        attempt_move(a, ATTEMPT_WAITING); /* its deadline is watched all the while */
    a->owner->prepared(a, r, a->preparing.step_cpu_us, a->arg);
}

static void finish_with(struct attempt *a, enum outcome o, struct transform_error *x)
{
    struct result *r = attempt_result_without_run(a, OUTCOME_CANCELLED, NULL);
    r->outcome = o;
    free(r->error_name);
    free(r->error_message);
    r->error_name = x->name;
    r->error_message = x->message;
    r->error_stack = x->stack;
    r->error_line = x->line;
    r->error_column = x->column;
    finish(a, r);
}

static void finish_because(struct attempt *a, enum outcome o, const char *name, const char *fmt,
                           ...) __attribute__((format(printf, 4, 5)));
static void finish_because(struct attempt *a, enum outcome o, const char *name, const char *fmt,
                           ...)
{
    struct buf b = {0};
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    buf_addf(&b, "%s: %s", name, text);
    struct transform_error x = {mem_strdup(name), mem_strdup(text), buf_take(&b, NULL), 0, 0};
    finish_with(a, o, &x);
}

/* It was stopped for a bound of ours. */
static void end_over(struct attempt *a, enum stop_reason why)
{
    const struct bounds *b = &bounds[a->preparing.step];
    const char *what = doing[a->preparing.step];
    if (why == STOP_CPU)
        finish_because(a, OUTCOME_THREW, "TypeScriptError",
                       "%s of %s took %lld ms of CPU time; allowed: at most that", what,
                       a->job->name, (long long)b->cpu_ms);
    else if (why == STOP_WALL)
        finish_because(a, OUTCOME_THREW, "TypeScriptError",
                       "%s of %s took %lld ms; allowed: at most that", what, a->job->name,
                       (long long)b->wall_ms);
    else
        finish_because(a, OUTCOME_THREW, "TypeScriptError",
                       "%s of %s took more memory than the %llu MB that are allowed", what,
                       a->job->name, (unsigned long long)b->memory_mb);
}

/* The tool or its cell did what it should not. */
static void end_crashed(struct attempt *a, const char *how)
{
    struct attempt_preparing *p = &a->preparing;
    log_warn("toolchain", "job %s: %s of %s: %s", a->job->id, doing[p->step], a->job->name, how);
    if (p->crashes++ < CRASHES_MAX)
        finish(a, NULL);
    else
        finish_because(a, OUTCOME_CRASHED, "TypeScriptError", "%s of %s ended twice: %s",
                       doing[p->step], a->job->name, how);
}

static void take_answer(struct attempt *a, const struct cell_done *d)
{
    struct attempt_preparing *p = &a->preparing;
    struct buf codes = {.max = FRAME_VALUE_MAX + (JOB_FILES_MAX << 9)};
    struct transform_error error = {0};
    enum transform_answer answer =
        transform_read(a->job, p->step, d->value, d->value_len, &codes, &error);
    const char *data = codes.data ? codes.data : "";
    bool good = answer == TRANSFORM_DONE || answer == TRANSFORM_NEEDS_COMPILER;
    if (good) {
        keep(a, p->step, data, codes.len); /* by the sources, so before they are replaced */
        good = use(a, p->step, data, codes.len);
    }
    buf_free(&codes);
    if (good)
        finish(a, NULL);
    else if (answer == TRANSFORM_WRONG)
        finish_with(a, OUTCOME_THREW, &error);
    else
        end_crashed(a, "the tool gave no answer that means anything");
}

static void note_usage(struct attempt *a, int64_t cpu_us)
{
    struct attempt_preparing *p = &a->preparing;
    p->step_cpu_us = cpu_us > 0 ? cpu_us : 0;
    p->cpu_us += p->step_cpu_us;
    p->wall_us += clock_mono_us() - p->started_us;
    p->runs++;
}

static void on_done(struct cell *c, const struct cell_done *d, void *arg)
{
    (void)c;
    struct attempt *a = arg;
    char how[200];
    note_usage(a, d->cpu_us);
    switch (d->end) {
    case FRAME_END_OK:
        take_answer(a, d);
        break;
    case FRAME_END_TERMINATED:
        end_over(a, d->stopped);
        break;
    case FRAME_END_HEAP:
    case FRAME_END_MEMORY:
    case FRAME_END_OUTPUT:
        end_over(a, STOP_NONE);
        break;
    default:
        snprintf(how, sizeof how, "%.*s: %.*s", (int)(d->name_len < 40 ? d->name_len : 40), d->name,
                 (int)(d->message_len < 140 ? d->message_len : 140), d->message);
        end_crashed(a, how);
    }
}

static void on_gone(struct cell *c, const struct cell_gone *g, void *arg)
{
    (void)c;
    struct attempt *a = arg;
    char how[64] = "its process was ended";
    note_usage(a, g->cpu_us);
    if (g->with_zygote && ++a->preparing.lost <= LOST_MAX)
        finish(a, NULL);
    else if (g->with_zygote)
        finish_because(a, OUTCOME_INTERNAL, "InternalError",
                       "the worker's process for TypeScript was lost %d times", LOST_MAX + 1);
    else if (g->stopped == STOP_CPU || g->stopped == STOP_WALL)
        end_over(a, g->stopped);
    else if (g->oom)
        end_over(a, STOP_NONE);
    else
        end_crashed(a, g->breach ? g->breach : how);
}

static void on_output(struct cell *c, int stream, const char *text, size_t len, void *arg)
{
    (void)c, (void)stream, (void)text, (void)len, (void)arg; /* no tool has anything to print */
}

static void on_call(struct cell *c, uint64_t call_id, const char *name, size_t name_len,
                    const char *json, size_t len, void *arg)
{
    (void)name, (void)name_len, (void)json, (void)len, (void)arg;
    if (call_id)
        cell_reply(c, call_id, false, "{}", 2, NULL);
}

const struct cell_events toolchain_cell_events = {
    .output = on_output,
    .call = on_call,
    .done = on_done,
    .gone = on_gone,
};

/* ---- a step begins ---- */

int toolchain_start(struct attempt *a, struct cell *c, struct err *e)
{
    static const char script[] = "export default isolaneTool;";
    struct attempt_preparing *p = &a->preparing;
    const struct bounds *b = &bounds[p->step];
    struct buf input = {.max = FRAME_INVOKE_MAX};
    transform_input(a->job, p->step, &input);
    struct cell_invocation inv = {
        .id = 1,
        .source = FRAME_MODULE,
        .attempt = 1,
        .clock_us = 1000,
        .heap_bytes = b->heap_mb << 20,
        .memory_bytes = b->memory_mb << 20,
        .output_bytes = FRAME_OUTPUT_MAX,
        .value_bytes = FRAME_VALUE_MAX,
        .cpu_us = b->cpu_ms * 1000,
        .wall_us = b->wall_ms * 1000,
        .job_id = a->job->id,
        .tenant = a->job->tenant,
        .name = "isolane:invocation",
        .script = script,
        .script_len = sizeof script - 1,
        .input = input.data,
        .input_len = input.len,
        .env = "{}",
        .env_len = 2,
    };
    int rc = cell_invoke(c, &inv, e);
    buf_free(&input);
    if (rc)
        return rc;
    attempt_move(a, ATTEMPT_PREPARING);
    a->cell = c;
    p->started_us = clock_mono_us();
    return 0;
}

char *toolchain_report(const struct attempt *a)
{
    const struct attempt_preparing *p = &a->preparing;
    struct buf b = {0};
    struct jsonw w;
    if (!p->ready && !p->runs)
        return NULL;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kbool(&w, "cached", p->runs == 0);
    jsonw_kbool(&w, "checked", p->checked);
    jsonw_kms(&w, "cpu_ms", p->cpu_us);
    jsonw_kms(&w, "wall_ms", p->wall_us);
    jsonw_object_end(&w);
    return buf_take(&b, NULL);
}

void toolchain_stop(struct attempt *a)
{
    CHECK(a->state == ATTEMPT_PREPARING);
    cell_kill(a->cell);
    pool_drop(a->cell);
    a->cell = NULL;
    attempt_move(a, ATTEMPT_WAITING);
}
