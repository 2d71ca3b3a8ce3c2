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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "bench/bed.h"
#include "bench/measure.h"
#include "bench/upparts.h"
#include "link/link.h"
#include "link/subjects.h"

static int64_t single_jobs = 400, flood_jobs = 5000, window = 512, pause_ms = 2;

#define WARM_UP 50
#define GROWN                                                                                      \
    600 /* jobs before anything is measured: until the WAL has its size, see dispatch.c            \
         */
#define CONNECT_MS      5000
#define STALL_MS        20000 /* nothing came for so long: something is broken, end with an error */
#define ACK_SUBJECT     "isolane-bench.ack"
#define RESULTS_AT_ONCE 65536 /* the subscriber's bound on what waits for the loop */

struct bench {
    struct bed bed;
    struct up_worker worker;
    struct up_parts parts;
    struct link *link;
    struct link_sub *results, *acks;
    struct buf message;
    char subject[SUBJECT_MAX];
    uv_timer_t pause, stall;
    uint64_t published, acked, seen, seen_before, target;
    double published_at_us;
    bool flooding;
    struct samples single;
};

/* ---- publishing and seeing ---- */

static void publish(struct bench *b)
{
    struct err e = {0};
    bed_job(&b->message, NULL, b->published++);
    b->published_at_us = now_us();
    must(link_publish(b->link, b->subject, ACK_SUBJECT, NULL, 0, b->message.data, b->message.len,
                      &e),
         &e, "publish");
}

static void fill_window(struct bench *b)
{
    while (b->published < b->target && b->published - b->seen < (uint64_t)window)
        publish(b);
}

static void on_stall(uv_timer_t *t)
{
    struct bench *b = t->data;
    if (b->seen != b->seen_before) {
        b->seen_before = b->seen;
        return;
    }
    die("%llu jobs published, %llu accepted, %llu results seen, then nothing for %d ms",
        (unsigned long long)b->published, (unsigned long long)b->acked, (unsigned long long)b->seen,
        STALL_MS);
}

static void on_result(struct link_msg *m, void *arg)
{
    struct bench *b = arg;
    (void)m;
    b->seen++;
    if (b->flooding)
        fill_window(b);
    if (b->seen == b->target) {
        if (!b->flooding)
            samples_add(&b->single, now_us() - b->published_at_us);
        uv_stop(&b->bed.loop);
    }
}

static void on_ack(struct link_msg *m, void *arg)
{
    struct bench *b = arg;
    if (memmem(m->data, m->len, "\"error\"", 7))
        die("the queue refuses a job: %.*s", (int)m->len, m->data);
    b->acked++;
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

static void run_to(struct bench *b, uint64_t target)
{
    b->target = target;
    b->seen_before = UINT64_MAX;
    uv_timer_start(&b->stall, on_stall, STALL_MS, STALL_MS);
    if (b->flooding)
        fill_window(b);
    else
        publish(b);
    while (b->seen < b->target)
        uv_run(&b->bed.loop, UV_RUN_DEFAULT);
    uv_timer_stop(&b->stall);
}

static void on_link(void *arg)
{
    (void)arg;
}

static void on_link_lost(const char *why, void *arg)
{
    struct bench *b = arg;
    if (b->link)
        die("connection to NATS lost: %s", why);
}

static void open_link(struct bench *b)
{
    static const struct link_events events = {
        .connected = on_link,
        .disconnected = on_link_lost,
        .closed = on_link_lost,
    };
    char results[SUBJECT_MAX];
    struct subjects s;
    struct err e = {0};
    must(config_set(b->bed.config, "nats.url", b->worker.url, "bench", &e), &e, "URL");
    must(link_open(&b->bed.loop, &b->bed.config->nats, "isolane bench", CONNECT_MS, &events, b,
                   &b->link, &e),
         &e, "connection");
    must(subjects_init(&s, &b->bed.config->nats, &e), &e, "subjects");
    subject_result(&s, "default", "*", results);
    subject_job(&s, "default", CLASS_NORMAL, b->subject);
    must(link_subscribe(b->link, results, NULL, RESULTS_AT_ONCE, on_result, b, &b->results, &e), &e,
         results);
    must(link_subscribe(b->link, ACK_SUBJECT, NULL, RESULTS_AT_ONCE, on_ack, b, &b->acks, &e), &e,
         ACK_SUBJECT);
    must(link_flush(b->link, CONNECT_MS, &e), &e, "subscriptions");
}

static void close_link(struct bench *b)
{
    struct link *l = b->link;
    link_unsubscribe(b->results);
    link_unsubscribe(b->acks);
    b->link = NULL; /* its end is no loss from here on */
    link_close(l, CONNECT_MS);
}

/* ---- the two measurements ---- */

static void run_single(struct bench *b)
{
    b->flooding = false;
    for (int64_t i = 0; i < WARM_UP + single_jobs; i++) {
        if (i == WARM_UP)
            b->single.n = 0;
        run_to(b, b->seen + 1);
        rest(b, pause_ms);
    }
    metric_percentiles("queue.single.result", "us", &b->single);
}

struct usage {
    double at_us, supervisor, zygote, nats_server, publisher;
    struct reaped cells;
};

static struct usage usage_now(const struct bench *b)
{
    return (struct usage){
        .at_us = now_us(),
        .supervisor = process_cpu_us(b->worker.supervisor),
        .zygote = process_cpu_us(b->parts.zygote),
        .nats_server = process_cpu_us(b->parts.nats_server),
        .publisher = process_cpu_us(getpid()),
        .cells = process_reaped(b->parts.zygote),
    };
}

static void grow(struct bench *b)
{
    b->flooding = true;
    run_to(b, GROWN);
}

static void run_flood(struct bench *b)
{
    b->flooding = true;
    struct usage from = usage_now(b);
    run_to(b, b->seen + (uint64_t)flood_jobs);
    struct usage to = usage_now(b);
    double n = (double)flood_jobs;
    double parts[] = {
        (to.cells.cpu_us - from.cells.cpu_us) / n, (to.zygote - from.zygote) / n,
        (to.supervisor - from.supervisor) / n,     (to.nats_server - from.nats_server) / n,
        (to.publisher - from.publisher) / n,
    };
    static const char *const names[] = {
        "queue.flood.cpu.cell",        "queue.flood.cpu.zygote",    "queue.flood.cpu.supervisor",
        "queue.flood.cpu.nats-server", "queue.flood.cpu.publisher",
    };
    double all = 0;
    metric("queue.flood.jobs", "/s", n / (to.at_us - from.at_us) * 1e6);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        metric(names[i], "us", parts[i]);
        all += parts[i];
    }
    metric("queue.flood.cpu.all", "us", all);
    metric("queue.flood.faults.cell", "", (to.cells.minor_faults - from.cells.minor_faults) / n);
}

int main(int argc, char **argv)
{
    static const struct bench_option options[] = {
        {"single", &single_jobs, 0, 1000000, "jobs one at a time with a pause; 0: leave out"},
        {"flood", &flood_jobs, 0, 10000000, "jobs with many in flight; 0: leave out"},
        {"window", &window, 1, 65536, "jobs in flight in flood"},
        {"pause", &pause_ms, 0, 10000, "milliseconds between two jobs"},
    };
    static struct bench b;
    bench_options(
        argc, argv,
        "Times from publishing a job to seeing its signed durable result, a fresh process "
        "for each job.",
        options, ARRAY_LEN(options));
    bed_make(&b.bed);
    up_worker_start(&b.worker, &b.bed, NULL);
    uv_timer_init(&b.bed.loop, &b.pause);
    uv_timer_init(&b.bed.loop, &b.stall);
    b.stall.data = &b;
    open_link(&b);
    rest(&b, 200);
    up_find(&b.worker, &b.parts);
    grow(&b);
    if (flood_jobs > 0)
        run_flood(&b);
    if (single_jobs > 0)
        run_single(&b);
    close_link(&b);
    up_worker_stop(&b.worker);
    up_audit(&b.bed, b.published);
    uv_close((uv_handle_t *)&b.pause, NULL);
    uv_close((uv_handle_t *)&b.stall, NULL);
    uv_run(&b.bed.loop, UV_RUN_DEFAULT);
    samples_free(&b.single);
    buf_free(&b.message);
    bed_remove(&b.bed);
    return 0;
}
