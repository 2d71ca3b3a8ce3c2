/* One worker as its work grows: jobs a second, latency and CPU a job at more tenants, more scripts,
 * larger scripts, inputs and outputs, and the memory of many tenants whose cells stay.
 *
 * tenants     fresh cells; so many tenants, each with a consumer of its own, their jobs in turns
 * scripts     `reuse: script`, a warm cell for each of so many scripts, called in turns
 * evicted     the same with room for 32 warm cells alone: beyond them each job ends another's cell
 * script-kb   fresh cells; a script of so many KiB of functions, of which one is called
 * input-kb    fresh cells; an input of so many KiB
 * output-kb   fresh cells; so many KiB printed
 * warm        `reuse: tenant`, so many tenants resident; memory of a tenant
 *
 * Each point has a worker and a queue of its own, and its results are read back (upparts.h). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "bench/publisher.h"
#include "bench/upparts.h"
#include "config/reuse.h"
#include "queue/job/job.h"

static int64_t jobs = 2000, window = 64, only_series = 0, only_x = 0;

#define KIB          1024
#define CELLS_MAX    1024
#define SMALL_KIB    16 /* a job of up to this size counts as one; larger ones are fewer */
#define LEAST_JOBS   100
#define SETTLED_JOBS 500
#define DEFAULT_KIB  1
#define IN_FLIGHT    (8 * 1024) /* KiB of jobs under way at the most: less than the link lets wait */

enum series { TENANTS = 1, SCRIPTS, EVICTED, SCRIPT_KB, INPUT_KB, OUTPUT_KB, WARM, SERIES_END };

static const char *const series_names[] = {[TENANTS] = "tenants",   [SCRIPTS] = "scripts",
                                           [EVICTED] = "evicted",   [SCRIPT_KB] = "script-kb",
                                           [INPUT_KB] = "input-kb", [OUTPUT_KB] = "output-kb",
                                           [WARM] = "warm"};

struct point {
    enum series series;
    int64_t x;
};

static const struct point points[] = {
    {TENANTS, 1},    {TENANTS, 10},    {TENANTS, 100},    {TENANTS, 500},   {SCRIPTS, 1},
    {SCRIPTS, 10},   {SCRIPTS, 100},   {SCRIPTS, 1000},   {EVICTED, 10},    {EVICTED, 100},
    {EVICTED, 1000}, {SCRIPT_KB, 1},   {SCRIPT_KB, 10},   {SCRIPT_KB, 100}, {SCRIPT_KB, 1000},
    {INPUT_KB, 1},   {INPUT_KB, 10},   {INPUT_KB, 100},   {INPUT_KB, 1000}, {OUTPUT_KB, 1},
    {OUTPUT_KB, 10}, {OUTPUT_KB, 100}, {OUTPUT_KB, 1000}, {WARM, 1},        {WARM, 10},
    {WARM, 100},     {WARM, 500},
};

struct bench {
    struct point at;
    bool fresh; /* until the zygote is what it will stay: it copies its hot pages after some jobs */
    struct bed bed;
    struct up_worker worker;
    struct up_parts parts;
    struct publisher publisher;
    struct buf script, input;
};

/* ---- jobs ---- */

static bool many_tenants(const struct bench *b)
{
    return b->at.series == TENANTS || b->at.series == WARM;
}

static bool many_scripts(const struct bench *b)
{
    return b->at.series == SCRIPTS || b->at.series == EVICTED;
}

static bool larger_jobs(const struct point *at)
{
    return at->series == SCRIPT_KB || at->series == INPUT_KB || at->series == OUTPUT_KB;
}

static const char *tenant_of(void *arg, uint64_t number)
{
    static char name[24];
    struct bench *b = arg;
    snprintf(name, sizeof name, "t%" PRIu64, many_tenants(b) ? number % (uint64_t)b->at.x : 0);
    return name;
}

/* Functions that nobody calls, as in a bundle, then the one that is. */
static void write_script(struct bench *b, uint64_t number)
{
    struct buf *s = &b->script;
    int64_t kib = b->at.series == SCRIPT_KB ? b->at.x : 0;
    buf_clear(s);
    buf_addf(s, "// %" PRIu64 "\n", number);
    for (int i = 0; s->len < (size_t)kib * KIB; i++)
        buf_addf(s,
                 "export function part%d(a, b) {\n  const all = [a, b, %d].map((v) => v * %d)\n"
                 "  if (all.length > b) return all.join('%d')\n  return { a, all, name: 'part' }\n"
                 "}\n",
                 i, i, i + 1, i);
    buf_addf(s,
             "export default (input) => {\n  let s = 0\n  for (let i = 0; i < 1000; i++) s += i\n"
             "  console.log('.'.repeat(%" PRId64 "))\n  return s + input.length\n}\n",
             (b->at.series == OUTPUT_KB ? b->at.x : DEFAULT_KIB) * KIB - 1);
}

static void make(void *arg, uint64_t number, const char *id, struct buf *message)
{
    struct bench *b = arg;
    if (many_scripts(b))
        write_script(b, number % (uint64_t)b->at.x);
    struct job_request q = {.id = id,
                            .source = JOB_MODULE,
                            .script = b->script.data,
                            .script_len = b->script.len,
                            .input = b->input.data,
                            .reuse = reuse_names[REUSE_NONE]};
    if (b->fresh)
        q.reuse = reuse_names[REUSE_NONE];
    else if (many_scripts(b))
        q.reuse = reuse_names[REUSE_SCRIPT];
    else if (b->at.series == WARM)
        q.reuse = reuse_names[REUSE_TENANT];
    if (b->at.series == OUTPUT_KB)
        q.limits.v[LIMIT_OUTPUT_KB] = b->at.x + DEFAULT_KIB;
    job_encode(&q, message);
}

static void write_input(struct bench *b)
{
    int64_t kib = b->at.series == INPUT_KB ? b->at.x : DEFAULT_KIB;
    buf_clear(&b->input);
    buf_addf(&b->input, "\"");
    while (b->input.len < (size_t)kib * KIB)
        buf_addf(&b->input, "%0*d", 64, 0);
    buf_addf(&b->input, "\"");
}

/* ---- the worker ---- */

static void write_config(struct bench *b, char *path, size_t cap)
{
    struct buf text = {0};
    struct err e = {0};
    int64_t cells = b->at.series == EVICTED ? 32 : CELLS_MAX;
    must(fs_path(path, cap, &e, "%s/bench.yaml", b->bed.dir), &e, "configuration");
    buf_addf(&text,
             "warm: {cells: %" PRId64 ", tenant_cells: %" PRId64 ", memory_mb: 16384}\ntenants:\n",
             cells, cells);
    for (int64_t i = 0; i < (many_tenants(b) ? b->at.x : 1); i++)
        buf_addf(&text, "  - {name: t%" PRId64 "}\n", i);
    must(fs_write_file(path, text.data, text.len, 0600, false, &e), &e, path);
    buf_free(&text);
}

struct memory {
    double bytes;
    size_t cells;
};

/* Of the zygote and all its cells. */
static struct memory memory_now(const struct bench *b)
{
    static pid_t cells[CELLS_MAX * 2];
    struct memory m = {.bytes = process_pss(b->parts.zygote)};
    m.cells = process_children(b->parts.zygote, cells, ARRAY_LEN(cells));
    for (size_t i = 0; i < m.cells; i++)
        m.bytes += process_pss(cells[i]);
    return m;
}

/* Larger jobs are fewer, so that no point takes much longer than the others; every tenant and every
 * script has its turn. */
static int64_t jobs_of(const struct point *at)
{
    bool large = larger_jobs(at);
    int64_t n = large && at->x > SMALL_KIB ? jobs * SMALL_KIB / at->x : jobs;
    if (n < LEAST_JOBS)
        n = LEAST_JOBS;
    return !large && n < at->x ? at->x : n;
}

/* What the cells that stay have added, for each of them: a tenant with many jobs at once has
 * several. */
static void tell_memory(const struct bench *b, const char *name, const struct memory *before)
{
    char metric_name[64];
    struct memory now = memory_now(b);
    if (now.cells <= before->cells)
        return;
    double cells = (double)(now.cells - before->cells);
    snprintf(metric_name, sizeof metric_name, "%s.cells", name);
    metric(metric_name, "", cells);
    snprintf(metric_name, sizeof metric_name, "%s.memory.cell", name);
    metric(metric_name, "bytes", (now.bytes - before->bytes) / cells);
}

static void measure(struct point at)
{
    static struct bench b;
    char path[PATH_MAX], name[48];
    int64_t n = jobs_of(&at), in_flight = window;
    if (larger_jobs(&at) && in_flight > IN_FLIGHT / at.x)
        in_flight = IN_FLIGHT / at.x;
    memset(&b, 0, sizeof b);
    b.at = at;
    b.publisher = (struct publisher){.make = make, .arg = &b, .tenant = tenant_of};
    snprintf(name, sizeof name, "scale.%s.%" PRId64, series_names[at.series], at.x);
    bed_make(&b.bed);
    write_config(&b, path, sizeof path);
    write_script(&b, 0);
    write_input(&b);
    up_worker_start(&b.worker, &b.bed, path);
    publisher_open(&b.publisher, &b.bed, b.worker.url);
    publisher_rest(&b.publisher, 200);
    up_find(&b.worker, &b.parts);
    b.fresh = true;
    publisher_run(&b.publisher, SETTLED_JOBS, in_flight);
    b.fresh = false;
    struct memory before = memory_now(&b);
    publisher_run(&b.publisher, larger_jobs(&at) || n / 2 >= at.x ? n / 2 : at.x,
                  in_flight); /* from here on every tenant and script has its cell */
    b.publisher.latency.n = 0;
    struct up_usage from = up_usage_now(&b.worker, &b.parts);
    publisher_run(&b.publisher, n, in_flight);
    struct up_usage to = up_usage_now(&b.worker, &b.parts);
    up_tell(name, &from, &to, (double)n);
    metric_percentiles(name, "us", &b.publisher.latency);
    if (at.series == WARM)
        tell_memory(&b, name, &before);
    publisher_close(&b.publisher);
    up_worker_stop(&b.worker);
    up_audit(&b.bed, b.publisher.sent);
    uv_run(&b.bed.loop, UV_RUN_DEFAULT);
    buf_free(&b.script);
    buf_free(&b.input);
    bed_remove(&b.bed);
}

int main(int argc, char **argv)
{
    static const struct bench_option options[] = {
        {"jobs", &jobs, LEAST_JOBS, 1000000, "jobs of each point; larger jobs are fewer"},
        {"window", &window, 1, PUBLISHER_WINDOW_MAX, "jobs in flight"},
        {"series", &only_series, 0, SERIES_END - 1,
         "1 tenants, 2 scripts, 3 evicted, 4 script-kb, 5 input-kb, 6 output-kb, 7 warm; 0: all"},
        {"x", &only_x, 0, 1000, "of each series the point of this size alone; 0: all"},
    };
    bench_options(argc, argv,
                  "One worker at more tenants, more scripts and larger jobs: speed and memory.",
                  options, ARRAY_LEN(options));
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        if ((only_series == 0 || only_series == (int64_t)points[i].series) &&
            (only_x == 0 || only_x == points[i].x))
            measure(points[i]);
    }
    return 0;
}
