/* Jobs per second, and what each costs, for every way a job can find a cell, in one run on one
 * worker: through JetStream with `reuse` none, tenant and script, and as calls (isolane.call) with
 * script. Every result is signed and durable, and checked afterwards (upparts.h).
 *
 * The same script in all modes: a function that computes a little, prints a line and returns. */
#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "bench/publisher.h"
#include "bench/upparts.h"
#include "config/reuse.h"
#include "queue/job/job.h"

static int64_t none_jobs = 3000, tenant_jobs = 8000, script_jobs = 30000, call_jobs = 30000,
               window = 512, single_jobs = 400;

#define WARM_UP                                                                                    \
    600 /* jobs of each mode before anything is measured: until the WAL has its size               \
         */

static const char script[] = "export default (input) => {\n"
                             "  let s = 0;\n"
                             "  for (let i = 0; i < 1000; i++) s += i;\n"
                             "  console.log('sum ' + s);\n"
                             "  return s + input;\n"
                             "}\n";

struct bench {
    struct bed bed;
    struct up_worker worker;
    struct up_parts parts;
    struct publisher publisher;
    enum reuse reuse;
};

static void make(void *arg, uint64_t number, const char *id, struct buf *message)
{
    struct bench *b = arg;
    char input[24];
    snprintf(input, sizeof input, "%" PRIu64, number);
    struct job_request q = {.id = id,
                            .source = JOB_MODULE,
                            .script = script,
                            .script_len = sizeof script - 1,
                            .input = input,
                            .reuse = reuse_names[b->reuse]};
    job_encode(&q, message);
}

static void measure(struct bench *b, const char *mode, enum reuse reuse, bool call, int64_t n)
{
    char name[32];
    if (n == 0)
        return;
    b->reuse = reuse;
    b->publisher.call = call;
    publisher_run(&b->publisher, WARM_UP, window);
    struct up_usage from = up_usage_now(&b->worker, &b->parts);
    publisher_run(&b->publisher, n, window);
    struct up_usage to = up_usage_now(&b->worker, &b->parts);
    snprintf(name, sizeof name, "reuse.%s", mode);
    up_tell(name, &from, &to, (double)n);
    if (single_jobs == 0)
        return;
    b->publisher.latency.n = 0;
    publisher_run(&b->publisher, single_jobs, 1);
    snprintf(name, sizeof name, "reuse.%s.single", mode);
    metric_percentiles(name, "us", &b->publisher.latency);
}

int main(int argc, char **argv)
{
    static const struct bench_option options[] = {
        {"none", &none_jobs, 0, 10000000,
         "jobs through the queue in fresh processes; 0: leave out"},
        {"tenant", &tenant_jobs, 0, 10000000, "… in the tenant's process; 0: leave out"},
        {"script", &script_jobs, 0, 10000000, "… in the live module; 0: leave out"},
        {"call", &call_jobs, 0, 10000000, "calls in the live module; 0: leave out"},
        {"single", &single_jobs, 0, 1000000, "jobs one at a time, of each; 0: leave out"},
        {"window", &window, 1, 1000, "jobs in flight"},
    };
    static struct bench b = {.publisher = {.make = make, .arg = &b}};
    bench_options(argc, argv,
                  "Jobs per second with and without re-use, through the queue and as calls.",
                  options, ARRAY_LEN(options));
    bed_make(&b.bed);
    up_worker_start(&b.worker, &b.bed, NULL);
    publisher_open(&b.publisher, &b.bed, b.worker.url);
    publisher_run(&b.publisher, WARM_UP, window);
    up_find(&b.worker, &b.parts);
    measure(&b, "none", REUSE_NONE, false, none_jobs);
    measure(&b, "tenant", REUSE_TENANT, false, tenant_jobs);
    measure(&b, "script", REUSE_SCRIPT, false, script_jobs);
    measure(&b, "call", REUSE_SCRIPT, true, call_jobs);
    publisher_close(&b.publisher);
    up_worker_stop(&b.worker);
    up_audit(&b.bed, b.publisher.sent);
    uv_run(&b.bed.loop, UV_RUN_DEFAULT);
    bed_remove(&b.bed);
    return 0;
}
