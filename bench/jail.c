/* What the jail costs a cell: two zygotes in one run, one with every layer, one with `jail: off`,
 * asked for cells in turns, so that both see the same machine. The namespaces, the root, Landlock
 * and the cgroup are the zygote's: paid once, at its start. A cell pays for what it inherits, for
 * its own filter, and for each of its system calls going through it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bench/bed.h"
#include "bench/measure.h"
#include "sandbox/host/cell.h"
#include "sandbox/host/zygote.h"
#include "sandbox/jail/cgroup.h"
#include "sandbox/jail/jail.h"

#define WARM_UP 20

static int64_t cells = 600;

struct side {
    struct bed *bed;
    struct zygote *zygote;
    struct cell *cell;
    bool up, gone, ok;
    double asked_us, ready_us, done_us, started_us;
    double up_us;
};

static void invoke(struct side *s, struct cell *c)
{
    static const char script[] = "export default 1";
    const struct limits *l = &s->bed->config->tenants[0].defaults;
    struct err e = {0};
    struct cell_invocation inv = {
        .id = 1,
        .source = FRAME_MODULE,
        .attempt = 1,
        .clock_us = 1000,
        .heap_bytes = (uint64_t)l->v[LIMIT_HEAP_MB] << 20,
        .memory_bytes = (uint64_t)l->v[LIMIT_MEMORY_MB] << 20,
        .output_bytes = 65536,
        .value_bytes = 65536,
        .job_id = "bench",
        .tenant = "default",
        .name = "script.mjs",
        .script = script,
        .script_len = sizeof script - 1,
        .input = "null",
        .input_len = 4,
        .env = "{}",
        .env_len = 2,
    };
    must(cell_invoke(c, &inv, &e), &e, "invoke");
}

static void on_ready(struct cell *c, void *arg)
{
    struct side *s = arg;
    s->ready_us = now_us();
    invoke(s, c);
}

static void on_output(struct cell *c, int stream, const char *text, size_t len, void *arg)
{
    (void)c, (void)stream, (void)text, (void)len, (void)arg;
}

static void on_call(struct cell *c, uint64_t id, const char *name, size_t name_len,
                    const char *json, size_t len, void *arg)
{
    (void)c, (void)id, (void)name, (void)name_len, (void)json, (void)len, (void)arg;
}

static void on_done(struct cell *c, const struct cell_done *d, void *arg)
{
    (void)c;
    struct side *s = arg;
    s->done_us = now_us();
    s->ok = d->end == FRAME_END_OK;
}

static void on_gone(struct cell *c, const struct cell_gone *g, void *arg)
{
    (void)g;
    struct side *s = arg;
    s->gone = true;
    cell_free(c);
}

static void on_up(struct zygote *z, void *arg)
{
    (void)z;
    struct side *s = arg;
    s->up_us = now_us() - s->started_us;
    s->up = true;
}

static void on_zygote_gone(struct zygote *z, const struct err *why, void *arg)
{
    (void)z, (void)arg;
    die("the zygote: %s", why->msg);
}

static void start(struct side *s, struct bed *bed, enum jail_mode jail, struct cgroup *cgroup)
{
    static const struct zygote_events events = {.up = on_up, .gone = on_zygote_gone};
    const struct zygote_options o = {.jail = jail, .paths = &bed->engine, .cgroup = cgroup};
    struct err e = {0};
    s->bed = bed;
    s->started_us = now_us();
    must(zygote_start(&bed->loop, &o, &events, s, &s->zygote, &e), &e, "zygote");
    while (!s->up)
        uv_run(&bed->loop, UV_RUN_ONCE);
}

static void one_cell(struct side *s)
{
    static const struct cell_events events = {
        .ready = on_ready, .output = on_output, .call = on_call, .done = on_done, .gone = on_gone};
    struct err e = {0};
    s->gone = s->ok = false;
    s->asked_us = now_us();
    must(cell_fork(s->zygote, 1, false, &events, s, &s->cell, &e), &e, "fork");
    while (!s->gone)
        uv_run(&s->bed->loop, UV_RUN_ONCE);
    if (!s->ok)
        die("a cell ended without a result");
}

int main(int argc, char **argv)
{
    static const struct bench_option options[] = {
        {"cells", &cells, 1, 1000000, "with and without the jail, each"},
    };
    struct bed bed;
    struct cgroup *cgroup = NULL;
    struct side on = {0}, off = {0};
    struct samples ready[3] = {{0}}, whole[3] = {{0}}; /* on, off, on - off of a pair */
    bench_options(argc, argv, "What the jail costs a cell.", options, ARRAY_LEN(options));
    bed_make(&bed);
    bed_engine(&bed);
    const struct cgroup_limits l = cgroup_limits_of(bed.config);
    if (cgroup_open(&l, &cgroup, NULL))
        cgroup = NULL; /* not to be had here */
    start(&on, &bed, JAIL_REQUIRE, cgroup);
    start(&off, &bed, JAIL_OFF, NULL);
    for (int64_t i = 0; i < WARM_UP + cells; i++) {
        /* Whoever comes second finds warmer caches: they take turns in that too. */
        one_cell(i % 2 ? &on : &off);
        one_cell(i % 2 ? &off : &on);
        if (i < WARM_UP)
            continue;
        double r[2] = {on.ready_us - on.asked_us, off.ready_us - off.asked_us};
        double w[2] = {on.done_us - on.asked_us, off.done_us - off.asked_us};
        for (int k = 0; k < 2; k++) {
            samples_add(&ready[k], r[k]);
            samples_add(&whole[k], w[k]);
        }
        samples_add(&ready[2], r[0] - r[1]);
        samples_add(&whole[2], w[0] - w[1]);
    }
    metric("jail.on.ready.p50", "us", samples_percentile(&ready[0], 50));
    metric("jail.off.ready.p50", "us", samples_percentile(&ready[1], 50));
    metric("jail.cost.ready.p50", "us", samples_percentile(&ready[2], 50));
    metric("jail.on.result.p50", "us", samples_percentile(&whole[0], 50));
    metric("jail.off.result.p50", "us", samples_percentile(&whole[1], 50));
    metric("jail.cost.result.p50", "us", samples_percentile(&whole[2], 50));
    metric("jail.on.zygote", "ms", on.up_us / 1e3);
    metric("jail.off.zygote", "ms", off.up_us / 1e3);
    for (int k = 0; k < 3; k++) {
        samples_free(&ready[k]);
        samples_free(&whole[k]);
    }
    zygote_free(on.zygote);
    zygote_free(off.zygote);
    uv_run(&bed.loop, UV_RUN_DEFAULT);
    cgroup_close(cgroup);
    bed_remove(&bed);
    return 0;
}
