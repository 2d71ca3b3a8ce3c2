/* How far a job gets beyond its budget before it is stopped, over many runs: what the result's
 * usage says, minus the limit. The executor as `isolane run` uses it, one job at a time.
 *
 * Each case runs `runs` times while the machine is left alone, and as often while a busy process
 * for each CPU (as this one's priority) competes with cell and supervisor. Limits differ from run
 * to run, so that no grid of a clock can hide. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "bench/bed.h"
#include "bench/handlers.h"
#include "bench/measure.h"
#include "executor/executor.h"

#define CPUS_MAX    64
#define MB          (1024.0 * 1024.0)
#define WARM_UP     10
#define SHORTEST_MS 10 /* cpu_ms and wall_ms go from here … */
#define SPREAD_MS   40 /* … this far up */

static int64_t runs = 200, only = -1;

struct bench {
    struct bed bed;
    struct executor *executor;
    struct buf message;
    uint64_t submitted;
    const struct budget_case *now;
    int64_t limit;
    struct samples over;
};

/* One way to use up one budget. over: by how much a result is beyond it, in the metric's unit. */
struct budget_case {
    const char *name, *unit;
    enum limit limit;
    enum outcome outcome;
    int64_t fixed; /* the limit; 0: SHORTEST_MS … */
    double (*over)(const struct result *r, int64_t limit);
    const char *script;
};

static double over_cpu(const struct result *r, int64_t limit)
{
    return ((double)r->cpu_us - (double)limit * 1e3) / 1e3;
}

static double over_wall(const struct result *r, int64_t limit)
{
    return ((double)r->wall_us - (double)limit * 1e3) / 1e3;
}

static double over_heap(const struct result *r, int64_t limit)
{
    return (double)r->heap_peak - (double)limit * MB;
}

static double over_memory(const struct result *r, int64_t limit)
{
    return (double)r->memory_peak - (double)limit * MB;
}

static double over_output(const struct result *r, int64_t limit)
{
    return (double)r->out_len + (double)r->err_out_len - (double)limit * 1024;
}

static const struct budget_case cases[] = {
    {"cpu.loop", "ms", LIMIT_CPU_MS, OUTCOME_CPU_EXCEEDED, 0, over_cpu, "for (;;);"},
    {"cpu.garbage", "ms", LIMIT_CPU_MS, OUTCOME_CPU_EXCEEDED, 0, over_cpu,
     "let a = []; for (let i = 0; ; i++) { a.push({ i }); if (i % 20000 === 0) a = [] }"},
    {"cpu.deaf", "ms", LIMIT_CPU_MS, OUTCOME_CPU_EXCEEDED, 0, over_cpu,
     "const a = []; a.length = 4e9; a.sort()"},
    {"wall.asleep", "ms", LIMIT_WALL_MS, OUTCOME_WALL_EXCEEDED, 0, over_wall,
     "setTimeout(() => {}, 1e6)"},
    {"wall.busy", "ms", LIMIT_WALL_MS, OUTCOME_WALL_EXCEEDED, 0, over_wall, "for (;;);"},
    {"wall.deaf", "ms", LIMIT_WALL_MS, OUTCOME_WALL_EXCEEDED, 0, over_wall,
     "const a = []; a.length = 4e9; a.sort()"},
    {"heap", "bytes", LIMIT_HEAP_MB, OUTCOME_HEAP_EXCEEDED, 24, over_heap,
     "const a = []; for (;;) a.push({ n: a.length })"},
    {"memory", "bytes", LIMIT_MEMORY_MB, OUTCOME_MEMORY_EXCEEDED, 48, over_memory,
     "const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1))"},
    {"output", "bytes", LIMIT_OUTPUT_KB, OUTCOME_OUTPUT_EXCEEDED, 64, over_output,
     "for (;;) console.log('x'.repeat(100))"},
};

/* ---- one job ---- */

static void submit(struct bench *b)
{
    char id[32], text[512];
    struct err e = {0};
    struct job *job = NULL;
    struct job_origin origin = {.tenant = "default", .cls = CLASS_NORMAL};
    uint64_t number = b->submitted++;
    const struct budget_case *c = b->now;
    snprintf(id, sizeof id, "bench-%" PRIu64, number);
    snprintf(text, sizeof text, "%s // %" PRIu64 "\n", c->script, number);
    struct job_request q = {
        .id = id, .source = JOB_MODULE, .script = text, .script_len = strlen(text)};
    b->limit = c->fixed ? c->fixed : SHORTEST_MS + (int64_t)(number * 7 % SPREAD_MS);
    q.limits.v[LIMIT_CPU_MS] = q.limits.v[LIMIT_WALL_MS] = 30000;
    q.limits.v[c->limit] = b->limit;
    buf_clear(&b->message);
    job_encode(&q, &b->message);
    must(job_decode(b->bed.config, &origin, b->message.data, b->message.len, &job, &e), &e, "job");
    struct attempt_facts facts = {.published_at_us = clock_real_us()};
    executor_submit(b->executor, job, &facts);
}

static void on_committed(struct attempt *a, const struct result *r, const char *envelope,
                         size_t len, void *arg)
{
    (void)a;
    (void)envelope;
    (void)len;
    struct bench *b = arg;
    if (r->outcome != b->now->outcome)
        die("%s: job %s ended %s: %s", b->now->name, r->id, outcome_name(r->outcome),
            r->has_error ? r->error_message : r->out);
    samples_add(&b->over, b->now->over(r, b->limit));
    uv_stop(&b->bed.loop);
}

/* ---- all of them ---- */

static void run_case(struct bench *b, const struct budget_case *c, const char *how)
{
    char name[128];
    b->now = c;
    for (int64_t i = 0; i < WARM_UP + runs; i++) {
        if (i == WARM_UP)
            samples_free(&b->over);
        submit(b);
        uv_run(&b->bed.loop, UV_RUN_DEFAULT);
    }
    static const struct {
        const char *name;
        double percentile;
    } figures[] = {{"p50", 50}, {"p99", 99}, {"worst", 100}};
    for (size_t i = 0; i < ARRAY_LEN(figures); i++) {
        snprintf(name, sizeof name, "budgets.%s.%s.%s", how, c->name, figures[i].name);
        metric(name, c->unit, samples_percentile(&b->over, figures[i].percentile));
    }
    samples_free(&b->over);
}

static void run_all(struct bench *b, const char *how)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (only < 0 || only == (int64_t)i)
            run_case(b, &cases[i], how);
}

static int start_load(pid_t *pids)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    int n = cpus < 1 ? 1 : cpus > CPUS_MAX ? CPUS_MAX : (int)cpus;
    for (int i = 0; i < n; i++) {
        pids[i] = fork();
        if (pids[i] < 0)
            die("cannot fork a busy process");
        if (pids[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (volatile unsigned x = 0;; x++)
                ;
        }
    }
    return n;
}

static void end_load(const pid_t *pids, int n)
{
    for (int i = 0; i < n; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
}

static void forget(struct attempt *a, void *arg)
{
    (void)a;
    (void)arg;
    die("a job was left over");
}

int main(int argc, char **argv)
{
    static const struct bench_option options[] = {
        {"runs", &runs, 1, 1000000, "runs of each case, quiet and loaded"},
        {"only", &only, -1, ARRAY_LEN(cases) - 1, "the case of this number alone; -1: all"},
    };
    static struct bench b;
    struct err e = {0};
    pid_t load[CPUS_MAX];
    bench_options(argc, argv, "By how much a job exceeds its budget before it is stopped.", options,
                  ARRAY_LEN(options));
    bed_make(&b.bed);
    bed_engine(&b.bed);
    struct executor_options o = {
        .config = b.bed.config,
        .engine = &b.bed.engine,
        .worker = "bench",
        .db_path = b.bed.paths.db,
        .key_path = b.bed.paths.key,
        .pub_path = b.bed.paths.pub,
    };
    struct executor_events handlers = bench_handlers(on_committed);
    must(executor_open(&b.bed.loop, &o, &handlers, &b, &b.executor, &e), &e, "executor");
    uv_run(&b.bed.loop, UV_RUN_DEFAULT);
    run_all(&b, "quiet");
    int n = start_load(load);
    run_all(&b, "loaded");
    end_load(load, n);
    executor_drain(b.executor, forget, NULL);
    executor_close(b.executor);
    uv_run(&b.bed.loop, UV_RUN_DEFAULT);
    buf_free(&b.message);
    bed_remove(&b.bed);
    return 0;
}
