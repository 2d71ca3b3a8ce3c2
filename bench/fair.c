/* How long a small tenant waits beside one that floods the queue: its jobs come one at a time, from
 * publishing to the signed durable result.
 *
 * alone   nobody else has jobs.
 * tenant  `crowd` jobs of another tenant are queued first; a consumer for each tenant (the
 * default). class   the same with nats.consumers: class, first in first out: one job, behind the
 * crowd.
 *
 * Each with a worker and a queue of its own. The crowd's jobs take `crowd_ms` of CPU time each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "bench/bed.h"
#include "bench/measure.h"
#include "bench/upworker.h"
#include "link/link.h"
#include "link/subjects.h"

static int64_t crowd = 10000, crowd_ms = 1, singles = 100, pause_ms = 20;

#define CONNECT_MS  5000
#define WARM_UP     30
#define STALL_MS    600000
#define ACK_SUBJECT "isolane-bench.ack"
#define AT_ONCE     65536

struct bench {
    struct bed bed;
    struct up_worker worker;
    struct link *link;
    struct link_sub *results, *acks;
    struct subjects subjects;
    uv_timer_t timer;
    struct buf message;
    int64_t acked, crowd_done;
    uint64_t number;
    bool seen, late;
    struct samples waits;
};

static void on_timer(uv_timer_t *t)
{
    struct bench *b = t->data;
    b->late = true;
}

static void run_while(struct bench *b, bool (*going)(const struct bench *b), int64_t ms)
{
    b->late = false;
    uv_timer_start(&b->timer, on_timer, (uint64_t)ms, 0);
    while (going(b) && !b->late)
        uv_run(&b->bed.loop, UV_RUN_ONCE);
    uv_timer_stop(&b->timer);
}

static bool forever(const struct bench *b)
{
    (void)b;
    return true;
}

static bool not_seen(const struct bench *b)
{
    return !b->seen;
}

static bool not_acked(const struct bench *b)
{
    return b->acked < crowd;
}

static void on_result(struct link_msg *m, void *arg)
{
    struct bench *b = arg;
    if (strstr(m->subject, ".single."))
        b->seen = true;
    else
        b->crowd_done++;
}

static void on_ack(struct link_msg *m, void *arg)
{
    struct bench *b = arg;
    if (memmem(m->data, m->len, "\"error\"", 7))
        die("the queue refuses a job: %.*s", (int)m->len, m->data);
    b->acked++;
}

static void publish(struct bench *b, const char *tenant, const char *reply)
{
    char subject[SUBJECT_MAX];
    struct err e = {0};
    subject_job(&b->subjects, tenant, CLASS_NORMAL, subject);
    must(link_publish(b->link, subject, reply, NULL, 0, b->message.data, b->message.len, &e), &e,
         "publish");
}

static void publish_crowd(struct bench *b)
{
    buf_clear(&b->message);
    buf_addf(&b->message,
             "{\"script\":\"const end = Date.now() + %" PRId64
             "; while (Date.now() < end); export default 1\"}",
             crowd_ms);
    for (int64_t i = 0; i < crowd; i++) {
        publish(b, "crowd", ACK_SUBJECT);
        if (i % 256 == 0)
            uv_run(&b->bed.loop, UV_RUN_NOWAIT);
    }
    run_while(b, not_acked, STALL_MS);
    if (b->late)
        die("%" PRId64 " of %" PRId64 " jobs were taken", b->acked, crowd);
}

static double one(struct bench *b)
{
    bed_job(&b->message, NULL, b->number++);
    b->seen = false;
    double from = now_us();
    publish(b, "single", NULL);
    run_while(b, not_seen, STALL_MS);
    if (b->late)
        die("a job has no result after %d ms", STALL_MS);
    return now_us() - from;
}

static void open_bench(struct bench *b, const char *consumers)
{
    char path[PATH_MAX], text[256], results[SUBJECT_MAX];
    struct err e = {0};
    memset(b, 0, sizeof *b);
    bed_make(&b->bed);
    must(fs_path(path, sizeof path, &e, "%s/bench.yaml", b->bed.dir), &e, "configuration");
    int n =
        snprintf(text, sizeof text,
                 "{nats: {consumers: %s}, tenants: [{name: crowd}, {name: single}]}\n", consumers);
    must(fs_write_file(path, text, (size_t)n, 0600, false, &e), &e, path);
    up_worker_start(&b->worker, &b->bed, path);
    must(config_set(b->bed.config, "nats.url", b->worker.url, "bench", &e), &e, "URL");
    must(link_open(&b->bed.loop, &b->bed.config->nats, "isolane bench", CONNECT_MS, NULL, b,
                   &b->link, &e),
         &e, "connection");
    must(subjects_init(&b->subjects, &b->bed.config->nats, &e), &e, "subjects");
    subject_results_all(&b->subjects, results);
    must(link_subscribe(b->link, results, NULL, AT_ONCE, on_result, b, &b->results, &e), &e,
         results);
    must(link_subscribe(b->link, ACK_SUBJECT, NULL, AT_ONCE, on_ack, b, &b->acks, &e), &e,
         ACK_SUBJECT);
    must(link_flush(b->link, CONNECT_MS, &e), &e, "subscriptions");
    uv_timer_init(&b->bed.loop, &b->timer);
    b->timer.data = b;
    for (int i = 0; i < WARM_UP; i++)
        one(b);
}

static void close_bench(struct bench *b)
{
    link_unsubscribe(b->results);
    link_unsubscribe(b->acks);
    link_close(b->link, CONNECT_MS);
    uv_close((uv_handle_t *)&b->timer, NULL);
    up_worker_stop(&b->worker);
    uv_run(&b->bed.loop, UV_RUN_DEFAULT);
    samples_free(&b->waits);
    buf_free(&b->message);
    bed_remove(&b->bed);
}

/* As many as fit while the crowd lasts. */
static void run_singles(struct bench *b, bool beside_crowd)
{
    for (int64_t i = 0; i < singles && (!beside_crowd || b->crowd_done < crowd * 9 / 10); i++) {
        samples_add(&b->waits, one(b));
        run_while(b, forever, pause_ms);
    }
}

int main(int argc, char **argv)
{
    static const struct bench_option options[] = {
        {"crowd", &crowd, 1000, 10000000, "jobs of the tenant that floods"},
        {"crowd-ms", &crowd_ms, 0, 1000, "what each of them takes"},
        {"singles", &singles, 1, 100000, "jobs of the small one, at the most"},
        {"pause", &pause_ms, 1, 10000, "milliseconds between two of them"},
    };
    static struct bench b;
    bench_options(
        argc, argv,
        "How long a small tenant waits beside one that floods the queue, with and without "
        "fairness.",
        options, ARRAY_LEN(options));
    open_bench(&b, "tenant");
    run_singles(&b, false);
    metric_percentiles("fair.alone.wait", "us", &b.waits);
    close_bench(&b);

    open_bench(&b, "tenant");
    publish_crowd(&b);
    run_singles(&b, true);
    metric_percentiles("fair.tenant.wait", "us", &b.waits);
    close_bench(&b);

    open_bench(&b, "class");
    publish_crowd(&b);
    metric("fair.class.wait", "us", one(&b));
    close_bench(&b);
    return 0;
}
