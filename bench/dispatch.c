/* Fork-to-result without NATS: the executor as `isolane run` uses it, and the pool alone.
 *
 * paced   one job at a time, a pause in between, cells ready: what a lone job costs.
 *   done       executor_submit() → the DONE frame is decoded and the result made
 *   committed  executor_submit() → the signed row is durable
 * fork    no cell ready: the zygote is asked when the job is there.
 *   ready      asked → the cell's READY frame
 *   result     asked → the DONE frame
 *   reaped     asked → the zygote has reaped the process and told us
 * flood   many jobs wait: jobs/s with durable results, CPU time by process. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "bench/bed.h"
#include "bench/handlers.h"
#include "bench/measure.h"
#include "executor/executor.h"

static int64_t paced_jobs = 400, fork_jobs = 400, flood_jobs = 4000, window = 64, pause_ms = 2;

#define WARM_UP 50 /* jobs of each part before it is measured */
/* Before anything: until the database's WAL has its size. The first results of a new file cost 0.1
 * ms more each, which says nothing about a worker. */
#define GROWN   600

struct bench {
    struct bed bed;
    struct executor *executor;
    struct buf message;
    uint64_t submitted, committed;
    /* paced */
    int64_t paced;
    uv_timer_t pause;
    double submit_us;
    int64_t submit_real_us;
    struct samples done, durable;
    /* flood */
    uint64_t target;
};

/* ---- through the executor ---- */

static void submit(struct bench *b)
{
    char id[32];
    struct err e = {0};
    struct job *job = NULL;
    struct job_origin origin = {.tenant = "default", .cls = CLASS_NORMAL};
    uint64_t number = b->submitted++;
    snprintf(id, sizeof id, "bench-%" PRIu64, number);
    bed_job(&b->message, id, number);
    must(job_decode(b->bed.config, &origin, b->message.data, b->message.len, &job, &e), &e, "job");
    struct attempt_facts facts = {.published_at_us = clock_real_us()};
    b->submit_us = now_us();
    b->submit_real_us = clock_real_us();
    executor_submit(b->executor, job, &facts);
}

static void check_result(const struct result *r)
{
    if (r->outcome != OUTCOME_OK || r->out_len != 11 || memcmp(r->out, "sum 499500\n", 11))
        die("job %s ended %s: %s", r->id, outcome_name(r->outcome),
            r->has_error ? r->error_message : r->out);
}

static void on_committed(struct attempt *a, const struct result *r, const char *envelope,
                         size_t len, void *arg)
{
    (void)a;
    (void)envelope;
    (void)len;
    struct bench *b = arg;
    check_result(r);
    b->committed++;
    if (b->target) { /* flood */
        if (b->submitted < b->target)
            submit(b);
        if (b->committed == b->target)
            uv_stop(&b->bed.loop);
        return;
    }
    if (++b->paced > WARM_UP) {
        samples_add(&b->durable, now_us() - b->submit_us);
        samples_add(&b->done, (double)(r->finished_at_us - b->submit_real_us));
    }
    uv_stop(&b->bed.loop);
}

static void stop_loop(uv_timer_t *t)
{
    uv_stop(t->loop);
}

static void rest(struct bench *b, int64_t ms)
{
    if (ms == 0)
        return;
    uv_timer_start(&b->pause, stop_loop, (uint64_t)ms, 0);
    uv_run(&b->bed.loop, UV_RUN_DEFAULT);
}

static void run_paced(struct bench *b)
{
    for (int64_t i = 0; i < WARM_UP + paced_jobs; i++) {
        submit(b);
        uv_run(&b->bed.loop, UV_RUN_DEFAULT);
        rest(b, pause_ms);
    }
    metric_percentiles("dispatch.paced.done", "us", &b->done);
    metric_percentiles("dispatch.paced.committed", "us", &b->durable);
}

static void flood(struct bench *b, uint64_t jobs)
{
    b->target = b->submitted + jobs;
    for (int64_t i = 0; i < window && b->submitted < b->target; i++)
        submit(b);
    while (b->committed < b->target)
        uv_run(&b->bed.loop, UV_RUN_DEFAULT);
    b->target = 0;
}

struct usage {
    double at_us, supervisor_us, zygote_us;
    struct reaped cells;
};

static struct usage usage_now(const struct bench *b)
{
    pid_t zygote = executor_zygote(b->executor)->pid;
    return (struct usage){
        .at_us = now_us(),
        .supervisor_us = process_cpu_us(getpid()),
        .zygote_us = process_cpu_us(zygote),
        .cells = process_reaped(zygote),
    };
}

static void run_flood(struct bench *b)
{
    pid_t zygote = executor_zygote(b->executor)->pid;
    struct usage from = usage_now(b);
    flood(b, (uint64_t)flood_jobs);
    struct usage to = usage_now(b);
    if (executor_zygote(b->executor)->pid != zygote)
        die("the zygote was replaced while jobs ran: its figures are lost; try again");
    double n = (double)flood_jobs;
    double cell = (to.cells.cpu_us - from.cells.cpu_us) / n;
    double zyg = (to.zygote_us - from.zygote_us) / n;
    double sup = (to.supervisor_us - from.supervisor_us) / n;
    metric("dispatch.flood.jobs", "/s", n / (to.at_us - from.at_us) * 1e6);
    metric("dispatch.flood.cpu.cell", "us", cell);
    metric("dispatch.flood.cpu.zygote", "us", zyg);
    metric("dispatch.flood.cpu.supervisor", "us", sup);
    metric("dispatch.flood.cpu.all", "us", cell + zyg + sup);
    metric("dispatch.flood.faults.cell", "", (to.cells.minor_faults - from.cells.minor_faults) / n);
}

static void forget(struct attempt *a, void *arg)
{
    (void)a;
    (void)arg;
    die("a job was left over");
}

static void bench_executor(struct bench *b)
{
    struct err e = {0};
    struct executor_options o = {
        .config = b->bed.config,
        .engine = &b->bed.engine,
        .worker = "bench",
        .db_path = b->bed.paths.db,
        .key_path = b->bed.paths.key,
        .pub_path = b->bed.paths.pub,
    };
    struct executor_events handlers = bench_handlers(on_committed);
    must(executor_open(&b->bed.loop, &o, &handlers, b, &b->executor, &e), &e, "executor");
    uv_timer_init(&b->bed.loop, &b->pause);
    uv_run(&b->bed.loop, UV_RUN_DEFAULT);
    rest(b, 100);
    flood(b, GROWN);
    if (flood_jobs > 0)
        run_flood(b);
    if (paced_jobs > 0)
        run_paced(b);
    executor_drain(b->executor, forget, NULL);
    executor_close(b->executor);
    uv_close((uv_handle_t *)&b->pause, NULL);
    uv_run(&b->bed.loop, UV_RUN_DEFAULT);
}

/* ---- the pool alone, empty ---- */

struct forks {
    struct bed *bed;
    struct pool *pool;
    struct cell *cell;
    uint64_t number;
    double asked_us, ready_us, done_us;
    struct samples ready, result, reaped;
    bool gone;
};

static void fork_done(struct cell *c, const struct cell_done *d, void *arg)
{
    (void)c;
    struct forks *f = arg;
    if (d->end != FRAME_END_OK)
        die("a job did not end well: %.*s", (int)d->message_len, d->message);
    f->done_us = now_us();
}

static void fork_output(struct cell *c, int stream, const char *text, size_t len, void *arg)
{
    (void)c;
    (void)stream;
    (void)text;
    (void)len;
    (void)arg;
}

static void fork_call(struct cell *c, uint64_t call_id, const char *name, size_t name_len,
                      const char *json, size_t len, void *arg)
{
    (void)c;
    (void)call_id;
    (void)json;
    (void)len;
    (void)arg;
    die("unexpected host call %.*s", (int)name_len, name);
}

static void fork_gone(struct cell *c, const struct cell_gone *g, void *arg)
{
    (void)c;
    (void)g;
    struct forks *f = arg;
    f->gone = true;
    uv_stop(&f->bed->loop);
}

static const struct cell_events fork_events = {
    .output = fork_output,
    .call = fork_call,
    .done = fork_done,
    .gone = fork_gone,
};

static void invoke(struct forks *f)
{
    char script[BED_SCRIPT_MAX];
    struct err e = {0};
    const struct limits *l = &f->bed->config->tenants[0].defaults;
    size_t n = bed_script(script, sizeof script, f->number);
    struct cell_invocation inv = {
        .id = ++f->number,
        .source = FRAME_MODULE,
        .attempt = 1,
        .clock_us = 1000,
        .heap_bytes = (uint64_t)l->v[LIMIT_HEAP_MB] << 20,
        .memory_bytes = (uint64_t)l->v[LIMIT_MEMORY_MB] << 20,
        .output_bytes = (uint64_t)l->v[LIMIT_OUTPUT_KB] << 10,
        .value_bytes = (uint64_t)l->v[LIMIT_OUTPUT_KB] << 10,
        .job_id = "bench",
        .tenant = "default",
        .name = "script.mjs",
        .script = script,
        .script_len = n,
        .input = "null",
        .input_len = 4,
        .env = "{}",
        .env_len = 2,
    };
    must(cell_invoke(f->cell, &inv, &e), &e, "invoke");
}

static void pool_ready(void *arg)
{
    struct forks *f = arg;
    f->ready_us = now_us();
    f->cell = pool_take(f->pool, &fork_events, f);
    CHECK(f->cell);
    invoke(f);
}

static void fork_and_run(struct forks *f, bool measured)
{
    f->gone = false;
    while (!f->gone)
        uv_run(&f->bed->loop, UV_RUN_DEFAULT);
    if (!f->done_us)
        die("a cell ended without a result");
    if (measured) {
        samples_add(&f->ready, f->ready_us - f->asked_us);
        samples_add(&f->result, f->done_us - f->asked_us);
        samples_add(&f->reaped, now_us() - f->asked_us);
    }
    f->done_us = 0;
    usleep((useconds_t)pause_ms * 1000);
}

static void bench_forks(struct bed *bed)
{
    static const struct pool_events events = {.ready = pool_ready, .failed = bench_failed};
    struct forks f = {.bed = bed};
    int64_t pool_before = bed->config->pool;
    bed_set(bed, "pool", 1);
    const struct pool_options o = {.config = bed->config, .paths = &bed->engine, .size = 1};
    f.pool = pool_open(&bed->loop, &o, &events, &f);
    fork_and_run(&f, false); /* the pool asks for its first cell by itself */
    for (int64_t i = 0; i < WARM_UP + fork_jobs; i++) {
        f.asked_us = now_us();
        pool_refill(f.pool, 0, 1, 0);
        fork_and_run(&f, i >= WARM_UP);
    }
    metric_percentiles("dispatch.fork.ready", "us", &f.ready);
    metric_percentiles("dispatch.fork.result", "us", &f.result);
    metric_percentiles("dispatch.fork.reaped", "us", &f.reaped);
    samples_free(&f.ready);
    samples_free(&f.result);
    samples_free(&f.reaped);
    pool_close(f.pool);
    uv_run(&bed->loop, UV_RUN_DEFAULT);
    bed_set(bed, "pool", pool_before);
}

int main(int argc, char **argv)
{
    static const struct bench_option options[] = {
        {"paced", &paced_jobs, 0, 1000000, "jobs one at a time with a pause; 0: leave out"},
        {"fork", &fork_jobs, 0, 1000000, "jobs with no cell ready; 0: leave out"},
        {"flood", &flood_jobs, 0, 10000000, "jobs with many waiting; 0: leave out"},
        {"window", &window, 1, 65536, "jobs submitted and not yet committed in flood"},
        {"pause", &pause_ms, 0, 10000, "milliseconds between two jobs"},
    };
    static struct bench b;
    bench_options(argc, argv, "Times of in-process dispatch: a fresh cell for each job, no NATS.",
                  options, ARRAY_LEN(options));
    bed_make(&b.bed);
    bed_engine(&b.bed);
    bench_executor(&b);
    if (fork_jobs > 0)
        bench_forks(&b.bed);
    samples_free(&b.done);
    samples_free(&b.durable);
    buf_free(&b.message);
    bed_remove(&b.bed);
    return 0;
}
