/* What a zygote and an idle cell cost in memory, as the kernel counts it (/proc/PID/smaps). The
 * zygote is read when it has no cell any more: with one, its pages are shared and would count for
 * neither. */
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/bed.h"
#include "bench/measure.h"
#include "executor/pool.h"

#define CELLS     4
#define SETTLE_MS 200

struct bench {
    struct bed bed;
    struct pool *pool;
    int ready, gone;
};

static void on_ready(void *arg)
{
    struct bench *b = arg;
    b->ready++;
    uv_stop(&b->bed.loop);
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
    struct bench *b = arg;
    b->gone++;
    uv_stop(&b->bed.loop);
}

static const struct cell_events cell_handlers = {.gone = on_gone};

static void wait_for_cells(struct bench *b, int n)
{
    while (b->ready < n)
        uv_run(&b->bed.loop, UV_RUN_DEFAULT);
}

static void tell(const char *who, pid_t pid)
{
    struct process_memory m;
    char name[64];
    if (!process_memory(pid, &m)) {
        fprintf(stderr, "bench: this user may not read the memory of %s: left out\n", who);
        return;
    }
    snprintf(name, sizeof name, "memory.%s.private-dirty", who);
    metric(name, "bytes", (double)m.private_dirty);
    snprintf(name, sizeof name, "memory.%s.huge", who);
    metric(name, "bytes", (double)m.huge);
    snprintf(name, sizeof name, "memory.%s.mappings", who);
    metric(name, "", m.mappings);
}

int main(int argc, char **argv)
{
    static const struct pool_events handlers = {.ready = on_ready, .failed = on_failed};
    static struct bench b;
    pid_t cells[CELLS * 2];
    bench_options(argc, argv, "Memory of a zygote and of an idle cell.", NULL, 0);
    bed_make(&b.bed);
    bed_engine(&b.bed);
    const struct pool_options o = {.config = b.bed.config, .paths = &b.bed.engine, .size = CELLS};
    b.pool = pool_open(&b.bed.loop, &o, &handlers, &b);
    wait_for_cells(&b, 1);
    pool_refill(b.pool, 0, 0, 0);
    wait_for_cells(&b, CELLS);
    pid_t zygote = pool_zygote(b.pool)->pid;
    usleep(SETTLE_MS * 1000);
    size_t count = process_children(zygote, cells, ARRAY_LEN(cells));
    if (count < CELLS)
        die("the zygote has not %d cells", CELLS);
    pid_t one = cells[count / 2];

    tell("cell", one);
    int taken = 0;
    for (struct cell *c; (c = pool_take(b.pool, &cell_handlers, &b)); taken++)
        cell_kill(c);
    while (b.gone < taken)
        uv_run(&b.bed.loop, UV_RUN_DEFAULT);
    usleep(SETTLE_MS * 1000);
    tell("zygote", zygote);

    pool_close(b.pool);
    uv_run(&b.bed.loop, UV_RUN_DEFAULT);
    bed_remove(&b.bed);
    return 0;
}
