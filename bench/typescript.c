/* TypeScript: a job whose source was never seen before, and one whose source is known, beside the
 * same job in JavaScript; each source has 10 kB. In one run with them: amaro in Node.js itself, on
 * the same sources.
 *
 *   javascript   the job in JavaScript, one at a time, cells ready
 *   cached       TypeScript that was transformed before
 *   cold         never seen: types taken away   (cold.more: with an enum, so transformed)
 *   compiler     never seen: by the TypeScript compiler (a decorator)
 *   check        never seen: types checked, then taken away
 *   first        the first TypeScript job of a worker: the zygote starts
 *   node         amaro in one Node.js process, behind as many transforms before
 *
 * All are ms from executor_submit() to the DONE frame; node: of the call. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "bench/bed.h"
#include "bench/handlers.h"
#include "bench/measure.h"
#include "executor/executor.h"

static int64_t jobs = 40, pause_ms = 30;

#define WARM_UP 5
#define SOURCE  10240

enum kind { JAVASCRIPT, CACHED, COLD, COLD_MORE, COMPILER, CHECK, KINDS };
static const char *const names[KINDS] = {
    [JAVASCRIPT] = "typescript.javascript",
    [CACHED] = "typescript.cached",
    [COLD] = "typescript.cold",
    [COLD_MORE] = "typescript.cold.more",
    [COMPILER] = "typescript.compiler",
    [CHECK] = "typescript.check",
};

struct bench {
    struct bed bed;
    struct executor *executor;
    uv_timer_t pause;
    uint64_t submitted;
    int64_t submit_real_us;
    double took_ms; /* of the last */
};

/* A piece of ordinary code; every word of it that types need is there only where wanted. */
static void add_piece(struct buf *b, int n, bool typed)
{
    const char *number = typed ? ": number" : "", *text = typed ? ": string" : "";
    if (typed)
        buf_addf(b,
                 "interface Item%d<T extends object = {}> { readonly id: number; tags: "
                 "string[]; more?: T }\n",
                 n);
    buf_addf(b,
             "class Store%d {\n  #items%s = new Map();\n"
             "  add(id%s, tag%s)%s {\n    const item%s = this.#items.get(id) ?? { id, tags: [] };\n"
             "    item.tags.push(`${tag}-%d`);\n    this.#items.set(id, item);\n    return item;\n"
             "  }\n"
             "  get size()%s { return this.#items.size }\n}\n"
             "export async function load%d(list%s, limit%s = 10)%s {\n"
             "  const store = new Store%d();\n"
             "  for (const [i, tag] of list.entries()) if (i < limit) store.add(i, tag);\n"
             "  return store.size%s;\n}\n",
             n, typed ? ": Map<number, Item" : "", number, text, typed ? ": unknown" : "",
             typed ? ": any" : "", n, number, n, typed ? ": string[]" : "", number,
             typed ? ": Promise<number>" : "", n, typed ? " as number" : "");
}

static void make_source(struct buf *b, enum kind k, uint64_t number)
{
    bool typed = k != JAVASCRIPT;
    struct buf piece = {0};
    buf_clear(b);
    buf_addf(b, "// %" PRIu64 "\n", k == CACHED ? 0 : number);
    if (k == COLD_MORE)
        buf_adds(b, "enum Kind { A, B }\n");
    if (k == COMPILER)
        buf_adds(b, "const seen = (v: unknown, c: DecoratorContext): void => {};\n");
    for (int n = 0; b->len < SOURCE - 120; n++) {
        buf_clear(&piece);
        add_piece(&piece, n, typed);
        /* the type of the private member goes with its piece's number */
        char *at = strstr(piece.data, "Map<number, Item = ");
        if (at) {
            buf_add(b, piece.data, (size_t)(at - piece.data));
            buf_addf(b, "Map<number, Item%d> = ", n);
            buf_adds(b, at + strlen("Map<number, Item = "));
        } else {
            buf_add(b, piece.data, piece.len);
        }
    }
    if (k == COMPILER)
        buf_adds(b, "class Last { @seen m(): void {} }\n");
    buf_adds(b, "export default await load0(['a', 'b']);\n");
    buf_free(&piece);
}

static void submit(struct bench *b, enum kind k)
{
    char id[32];
    struct err e = {0};
    struct buf source = {0}, message = {0};
    struct jsonw w;
    struct job *job = NULL;
    struct job_origin origin = {.tenant = "default", .cls = CLASS_NORMAL, .local = true};
    uint64_t number = ++b->submitted;
    snprintf(id, sizeof id, "bench-%" PRIu64, number);
    make_source(&source, k, number);
    jsonw_init(&w, &message);
    jsonw_object(&w);
    jsonw_kstr(&w, "id", id);
    jsonw_kstr(&w, "name", k == JAVASCRIPT ? "job.mjs" : "job.ts");
    jsonw_kbool(&w, "check", k == CHECK);
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
    uv_stop(&b->bed.loop);
}

static void stop_loop(uv_timer_t *t)
{
    uv_stop(t->loop);
}

static double run_one(struct bench *b, enum kind k)
{
    submit(b, k);
    uv_run(&b->bed.loop, UV_RUN_DEFAULT);
    double took_ms = b->took_ms;
    uv_timer_start(&b->pause, stop_loop, (uint64_t)pause_ms, 0); /* the pools fill up again */
    uv_run(&b->bed.loop, UV_RUN_DEFAULT);
    return took_ms;
}

/* amaro where Node.js would use it: one process that has done nothing else. */
static void run_node(struct bench *b)
{
    static const char script[] =
        "const { transformSync } = require(process.argv[2]);\n"
        "const source = require('node:fs').readFileSync(process.argv[3], 'utf8');\n"
        "const times = (options) => {\n"
        "  const t = [];\n"
        "  for (let i = 0; i < 100; i++) {\n"
        "    const from = performance.now();\n"
        "    transformSync(`${source}// ${i}`, options);\n"
        "    t.push(performance.now() - from);\n"
        "  }\n"
        "  const last = t.slice(50).sort((a, b) => a - b);\n"
        "  return [t[0], last[25]];\n"
        "};\n"
        "console.log(...times({ mode: 'strip-only' }), ...times({ mode: 'transform', sourceMap: "
        "true }));\n";
    char path[PATH_MAX], file[PATH_MAX], amaro[PATH_MAX], command[4 * PATH_MAX];
    double v[4];
    struct err e = {0};
    struct buf source = {0};
    make_source(&source, COLD, 1);
    must(fs_path(path, sizeof path, &e, "%s/amaro.cjs", b->bed.dir), &e, "amaro.cjs");
    must(fs_path(file, sizeof file, &e, "%s/ten.ts", b->bed.dir), &e, "ten.ts");
    must(fs_write_file(path, script, sizeof script - 1, 0600, false, &e), &e, path);
    must(fs_write_file(file, source.data, source.len, 0600, false, &e), &e, file);
    if (!realpath("node_modules/amaro", amaro))
        die("node_modules/amaro is not there: run make from the checkout");
    snprintf(command, sizeof command, "'%s' '%s' '%s' '%s'", b->bed.engine.node, path, amaro, file);
    FILE *f = popen(command, "re");
    if (!f || fscanf(f, "%lf %lf %lf %lf", &v[0], &v[1], &v[2], &v[3]) != 4 || pclose(f))
        die("amaro in Node.js: no figures");
    metric("typescript.node.strip.first", "ms", v[0]);
    metric("typescript.node.strip.p50", "ms", v[1]);
    metric("typescript.node.transform.first", "ms", v[2]);
    metric("typescript.node.transform.p50", "ms", v[3]);
    buf_free(&source);
}

int main(int argc, char **argv)
{
    static const struct bench_option options[] = {
        {"jobs", &jobs, 1, 10000, "of each kind"},
        {"pause-ms", &pause_ms, 0, 1000, "between two jobs"},
    };
    struct bench b = {0};
    struct err e = {0};
    double p50[KINDS];
    bench_options(argc, argv, "TypeScript: 10 kB transformed, known, checked.", options,
                  ARRAY_LEN(options));
    bed_make(&b.bed);
    bed_engine(&b.bed);
    struct executor_options eo = {
        .config = b.bed.config,
        .engine = &b.bed.engine,
        .worker = "bench",
        .db_path = b.bed.paths.db,
        .key_path = b.bed.paths.key,
        .pub_path = b.bed.paths.pub,
        .paths = &b.bed.paths,
    };
    struct executor_events handlers = bench_handlers(on_committed);
    must(executor_open(&b.bed.loop, &eo, &handlers, &b, &b.executor, &e), &e, "executor");
    uv_timer_init(&b.bed.loop, &b.pause);
    uv_run(&b.bed.loop, UV_RUN_DEFAULT); /* until it is up */
    run_one(&b, JAVASCRIPT);
    metric("typescript.first", "ms", run_one(&b, COLD));
    run_one(&b, COMPILER); /* its zygote starts */
    for (int k = 0; k < KINDS; k++) {
        struct samples s = {0};
        for (int64_t i = 0; i < WARM_UP + jobs; i++) {
            double ms = run_one(&b, (enum kind)k);
            if (i >= WARM_UP)
                samples_add(&s, ms);
        }
        p50[k] = samples_percentile(&s, 50);
        metric_percentiles(names[k], "ms", &s);
        samples_free(&s);
    }
    metric("typescript.cold.cost", "ms", p50[COLD] - p50[JAVASCRIPT]);
    metric("typescript.cached.cost", "ms", p50[CACHED] - p50[JAVASCRIPT]);
    run_node(&b);
    uv_close((uv_handle_t *)&b.pause, NULL);
    executor_close(b.executor);
    uv_run(&b.bed.loop, UV_RUN_DEFAULT);
    bed_remove(&b.bed);
    return 0;
}
