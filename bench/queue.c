/* The whole way: publish → JetStream → fresh cell → signed row in SQLite → results stream → seen by
 * a subscriber. The worker is a real `isolane up` in a folder of its own; this program is its
 * publisher.
 *
 * single  one job at a time, a pause in between: publish → result seen.
 * flood   `window` jobs in flight: jobs/s, and the CPU time a job costs in each process.
 *
 * Afterwards every result is read back from the database: its signature must hold and its outcome
 * be `ok`, and their number must be the number of jobs. Figures of a queue that loses jobs are
 * worth nothing. */
#include "base/mem.h"
#include "bench/publisher.h"
#include "bench/upparts.h"

static int64_t single_jobs = 400, flood_jobs = 5000, window = 512, pause_ms = 2;

#define WARM_UP 50
#define GROWN                                                                                      \
    600 /* jobs before anything is measured: until the WAL has its size, see dispatch.c            \
         */

struct bench {
    struct bed bed;
    struct up_worker worker;
    struct up_parts parts;
    struct publisher publisher;
};

static void make(void *arg, uint64_t number, const char *id, struct buf *message)
{
    (void)arg;
    bed_job(message, id, number);
}

static void run_single(struct bench *b)
{
    publisher_run_paced(&b->publisher, WARM_UP, pause_ms);
    b->publisher.latency.n = 0;
    publisher_run_paced(&b->publisher, single_jobs, pause_ms);
    metric_percentiles("queue.single.result", "us", &b->publisher.latency);
}

static void run_flood(struct bench *b)
{
    struct up_usage from = up_usage_now(&b->worker, &b->parts);
    publisher_run(&b->publisher, flood_jobs, window);
    struct up_usage to = up_usage_now(&b->worker, &b->parts);
    up_tell("queue.flood", &from, &to, (double)flood_jobs);
    metric("queue.flood.faults.cell", "", (to.cell_faults - from.cell_faults) / (double)flood_jobs);
}

int main(int argc, char **argv)
{
    static const struct bench_option options[] = {
        {"single", &single_jobs, 0, 1000000, "jobs one at a time with a pause; 0: leave out"},
        {"flood", &flood_jobs, 0, 10000000, "jobs with many in flight; 0: leave out"},
        {"window", &window, 1, PUBLISHER_WINDOW_MAX, "jobs in flight in flood"},
        {"pause", &pause_ms, 0, 10000, "milliseconds between two jobs"},
    };
    static struct bench b = {.publisher = {.make = make}};
    bench_options(
        argc, argv,
        "Times from publishing a job to seeing its signed durable result, a fresh process "
        "for each job.",
        options, ARRAY_LEN(options));
    bed_make(&b.bed);
    up_worker_start(&b.worker, &b.bed, NULL);
    publisher_open(&b.publisher, &b.bed, b.worker.url);
    publisher_rest(&b.publisher, 200);
    up_find(&b.worker, &b.parts);
    publisher_run(&b.publisher, GROWN, window);
    if (flood_jobs > 0)
        run_flood(&b);
    if (single_jobs > 0)
        run_single(&b);
    publisher_close(&b.publisher);
    up_worker_stop(&b.worker);
    up_audit(&b.bed, b.publisher.sent);
    uv_run(&b.bed.loop, UV_RUN_DEFAULT);
    bed_remove(&b.bed);
    return 0;
}
