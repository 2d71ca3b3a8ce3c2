#include "bench/zygotebed.h"

#include "bench/measure.h"
#include "executor/cells/pool.h"

static void on_ready(void *arg)
{
    struct zygote_bed *z = arg;
    z->ready++;
    uv_stop(&z->bed->loop);
}

static void on_failed(const struct err *why, void *arg)
{
    (void)arg;
    die("%s", why->msg);
}

static void on_gone(struct cell *c, const struct cell_gone *g, void *arg)
{
    (void)c;
    (void)g;
    struct zygote_bed *z = arg;
    z->gone++;
    uv_stop(&z->bed->loop);
}

static void wait_for_cells(struct zygote_bed *z, int n)
{
    while (z->ready < n)
        uv_run(&z->bed->loop, UV_RUN_DEFAULT);
}

void zygote_bed_open(struct zygote_bed *z, struct bed *bed, int cells)
{
    static const struct pool_events handlers = {.ready = on_ready, .failed = on_failed};
    *z = (struct zygote_bed){.bed = bed};
    bed_engine(bed);
    const struct pool_options o = {.config = bed->config, .paths = &bed->engine, .size = cells};
    z->pool = pool_open(&bed->loop, &o, &handlers, z);
    wait_for_cells(z, 1);
    pool_refill(z->pool, 0, 0, 0);
    wait_for_cells(z, cells);
    z->pid = pool_zygote(z->pool)->pid;
}

void zygote_bed_end_cells(struct zygote_bed *z)
{
    static const struct cell_events handlers = {.gone = on_gone};
    int taken = 0;
    for (struct cell *c; (c = pool_take(z->pool, &handlers, z)); taken++)
        cell_kill(c);
    while (z->gone < taken)
        uv_run(&z->bed->loop, UV_RUN_DEFAULT);
}

void zygote_bed_close(struct zygote_bed *z)
{
    pool_close(z->pool);
    uv_run(&z->bed->loop, UV_RUN_DEFAULT);
}
