/* What a source costs that is parsed in each cell, beside one whose code V8 is given: jobs that run
 * one statement of a source of 1 kB to 1 MB, one at a time, cells ready.
 *
 *   parsed   every job's source is another
 *   known    the same source again and again: V8's code for it is kept (executor/cells/codes.h)
 *   ahead    likewise, and a zygote has compiled it before it forked (executor/cells/branches.h)
 *
 * <size>.<kind>.ms from executor_submit() to the DONE frame, <size>.<kind>.cpu the cell's CPU time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "bench/bed.h"
#include "bench/handlers.h"
#include "bench/measure.h"
#include "executor/executor.h"

static int64_t jobs = 30, pause_ms = 20, least_kb = 1, most_kb = 1000;

#define SOURCE_ZYGOTES 4  /* one of the two that a tenant may have goes for the next size */
#define AHEAD_KB       64 /* smaller ones get no zygote (executor/cells/branches.c) */
#define WARM_UP        40 /* the source is seen often enough, a zygote starts */

enum kind { PARSED, KNOWN, AHEAD, KINDS };
static const char *const kinds[KINDS] = {"parsed", "known", "ahead"};

struct bench {
    struct bed bed;
    struct executor *executor;
    uv_timer_t pause;
    uint64_t submitted;
    int64_t submit_real_us;
    double took_ms, cpu_ms; /* of the last */
};

/* What a bundle is made of: functions that wait to be called, a table, now and then a class. */
static void add_piece(struct buf *b, size_t n)
{
    buf_addf(b,
             "function parse%zu(text, options = {}) {\n  const out = [];\n"
             "  for (const line of text.split(options.separator ?? '\\n')) {\n"
             "    const [key, ...rest] = line.split('=');\n"
             "    if (!key || key.startsWith('#')) continue;\n"
             "    out.push({ key: key.trim(), value: rest.join('=').trim(), at: out.length });\n"
             "  }\n  return options.sort ? out.sort((a, b) => (a.key < b.key ? -1 : 1)) : out;\n}\n"
             "function merge%zu(a, b, depth = 0) {\n"
             "  if (depth > 8 || typeof a !== 'object' || a === null) return b;\n"
             "  const result = Array.isArray(a) ? [...a] : { ...a };\n"
             "  for (const name of Object.keys(b)) {\n"
             "    result[name] = name in result ? merge%zu(result[name], b[name], depth + 1) : "
             "b[name];\n  }\n  return result;\n}\n"
             "const table%zu = { name: 'table%zu', limit: %zu, retries: [1, 2, 4] };\n",
             n, n, n, n, n, n);
    if (n % 4 == 0)
        buf_addf(b,
                 "class Store%zu {\n  constructor(options) { this.options = merge%zu(table%zu, "
                 "options) }\n  add(id, tag) { return parse%zu(`${id}=${tag}`) }\n"
                 "  get size() { return this.options.limit }\n}\n",
                 n, n, n, n);
}

static void make_source(struct buf *b, size_t bytes, enum kind k, uint64_t number)
{
    buf_clear(b);
    buf_addf(b, "// %" PRIu64 "\n", k == PARSED ? number : 0);
    for (size_t n = 0; b->len < bytes - 100; n++)
        add_piece(b, n);
    buf_adds(b, "export default 2;\n");
}

static void submit(struct bench *b, size_t bytes, enum kind k)
{
    char id[32];
    struct err e = {0};
    struct buf source = {0}, message = {0};
    struct jsonw w;
    struct job *job = NULL;
    struct job_origin origin = {.tenant = "default", .cls = CLASS_NORMAL, .local = true};
    uint64_t number = ++b->submitted;
    snprintf(id, sizeof id, "bench-%" PRIu64, number);
    make_source(&source, bytes, k, number);
    jsonw_init(&w, &message);
    jsonw_object(&w);
    jsonw_kstr(&w, "id", id);
    jsonw_name(&w, "script");
    jsonw_string(&w, source.data, source.len);
    jsonw_object_end(&w);
    must(job_decode(b->bed.config, &origin, message.data, message.len, &job, &e), &e, "job");
    struct attempt_facts facts = {.published_at_us = clock_real_us()};
    b->submit_real_us = clock_real_us();
    executor_submit(b->executor, job, &facts);
    buf_free(&source);
    buf_free(&message);
}

static void on_committed(struct attempt *a, const struct result *r, const char *envelope,
                         size_t len, void *arg)
{
    (void)a, (void)envelope, (void)len;
    struct bench *b = arg;
    if (r->outcome != OUTCOME_OK || !r->value || strcmp(r->value, "2") != 0)
        die("job %s ended %s: %s", r->id, outcome_name(r->outcome),
            r->has_error ? r->error_message : "another value than 2");
    b->took_ms = (double)(r->finished_at_us - b->submit_real_us) / 1e3;
    b->cpu_ms = (double)r->cpu_us / 1e3;
    uv_stop(&b->bed.loop);
}

static void stop_loop(uv_timer_t *t)
{
    uv_stop(t->loop);
}

static void run_one(struct bench *b, size_t bytes, enum kind k)
{
    submit(b, bytes, k);
    uv_run(&b->bed.loop, UV_RUN_DEFAULT);
    uv_timer_start(&b->pause, stop_loop, (uint64_t)pause_ms, 0); /* the pool fills up again */
    uv_run(&b->bed.loop, UV_RUN_DEFAULT);
}

static void run_kind(struct bench *b, size_t kb, enum kind k)
{
    struct samples ms = {0}, cpu = {0};
    char name[64];
    for (int64_t i = 0; i < WARM_UP + jobs; i++) {
        run_one(b, kb * 1000, k);
        if (i >= WARM_UP)
            samples_add(&ms, b->took_ms);
        if (i >= WARM_UP)
            samples_add(&cpu, b->cpu_ms);
    }
    snprintf(name, sizeof name, "code.%zukB.%s.ms", kb, kinds[k]);
    metric_percentiles(name, "ms", &ms);
    snprintf(name, sizeof name, "code.%zukB.%s.cpu", kb, kinds[k]);
    metric_percentiles(name, "ms", &cpu);
    samples_free(&ms);
    samples_free(&cpu);
}

static void run_kinds(struct bench *b, enum kind first, enum kind last)
{
    struct err e = {0};
    const struct executor_options eo = {
        .config = b->bed.config,
        .engine = &b->bed.engine,
        .worker = "bench",
        .db_path = b->bed.paths.db,
        .key_path = b->bed.paths.key,
        .pub_path = b->bed.paths.pub,
        .paths = &b->bed.paths,
    };
    b->bed.config->source_zygotes = last == AHEAD ? SOURCE_ZYGOTES : 0;
    struct executor_events handlers = bench_handlers(on_committed);
    must(executor_open(&b->bed.loop, &eo, &handlers, b, &b->executor, &e), &e, "executor");
    uv_timer_init(&b->bed.loop, &b->pause);
    uv_run(&b->bed.loop, UV_RUN_DEFAULT); /* until it is up */
    for (size_t kb = (size_t)least_kb; kb <= (size_t)most_kb; kb *= 10)
        for (int k = (int)first; k <= (int)last; k++)
            if (k != AHEAD || kb >= AHEAD_KB)
                run_kind(b, kb, (enum kind)k);
    const struct executor_stats s = executor_stats(b->executor);
    metric(last == AHEAD ? "code.ahead.taken" : "code.hits", "",
           last == AHEAD ? (double)s.branches.taken : (double)s.codes.hits);
    uv_close((uv_handle_t *)&b->pause, NULL);
    executor_close(b->executor);
    uv_run(&b->bed.loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
    static const struct bench_option options[] = {
        {"jobs", &jobs, 1, 10000, "of each size and kind"},
        {"pause-ms", &pause_ms, 0, 1000, "between two jobs"},
        {"least-kb", &least_kb, 1, 4000, "the smallest source"},
        {"most-kb", &most_kb, 1, 4000, "the largest"},
    };
    struct bench b = {0};
    bench_options(argc, argv, "What parsing costs, and V8's code kept beside it.", options,
                  ARRAY_LEN(options));
    if (least_kb > most_kb)
        die("--least-kb %" PRId64 ": larger than --most-kb %" PRId64, least_kb, most_kb);
    bed_make(&b.bed);
    bed_engine(&b.bed);
    run_kinds(&b, PARSED, KNOWN);
    run_kinds(&b, AHEAD, AHEAD);
    bed_remove(&b.bed);
    return 0;
}
