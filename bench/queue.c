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
#include "base/fs.h"
#include "base/jv.h"
#include "base/mem.h"
#include "bench/bed.h"
#include "bench/measure.h"
#include "bench/upworker.h"
#include "link/link.h"
#include "link/subjects.h"
#include "results/envelope.h"
#include "results/store.h"

static int64_t single_jobs = 400, flood_jobs = 5000, window = 512, pause_ms = 2;

#define WARM_UP 50
#define GROWN                                                                                      \
    600 /* jobs before anything is measured: until the WAL has its size, see dispatch.c            \
         */
#define CONNECT_MS      5000
#define STALL_MS        20000 /* nothing came for so long: something is broken, end with an error */
#define ACK_SUBJECT     "isolane-bench.ack"
#define RESULTS_AT_ONCE 65536 /* the subscriber's bound on what waits for the loop */

struct worker {
    struct up_worker up;
    pid_t zygote, nats_server;
};

struct bench {
    struct bed bed;
    struct worker worker;
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

/* ---- the worker ---- */

/* nats-server by its name; the zygote is the other process below the supervisor that has children.
 */
static void find_parts(struct worker *w, pid_t below)
{
    pid_t children[64], grandchildren[64];
    size_t n = process_children(below, children, ARRAY_LEN(children));
    for (size_t i = 0; i < n; i++) {
        char name[32];
        process_name(children[i], name, sizeof name);
        if (!strcmp(name, "nats-server"))
            w->nats_server = children[i];
        else if (process_children(children[i], grandchildren, ARRAY_LEN(grandchildren)) > 0)
            w->zygote = children[i];
    }
    if (!w->nats_server || !w->zygote)
        die("cannot find nats-server and zygote below process %d", (int)below);
}

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
    must(config_set(b->bed.config, "nats.url", b->worker.up.url, "bench", &e), &e, "URL");
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

static struct usage usage_now(const struct worker *w)
{
    return (struct usage){
        .at_us = now_us(),
        .supervisor = process_cpu_us(w->up.supervisor),
        .zygote = process_cpu_us(w->zygote),
        .nats_server = process_cpu_us(w->nats_server),
        .publisher = process_cpu_us(getpid()),
        .cells = process_reaped(w->zygote),
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
    struct usage from = usage_now(&b->worker);
    run_to(b, b->seen + (uint64_t)flood_jobs);
    struct usage to = usage_now(&b->worker);
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

/* ---- were they all done, signed and kept? ---- */

struct audit {
    struct sign_key key;
    uint64_t count;
};

static int audit_one(uint64_t seq, const char *envelope, size_t len, void *arg)
{
    struct audit *a = arg;
    struct err e = {0};
    struct buf result = {0};
    struct jv *v = NULL;
    char *payload = NULL;
    size_t payload_len;
    must(envelope_open(envelope, len, &a->key, &payload, &payload_len, &e), &e, "envelope");
    must(statement_result(payload, payload_len, &result, &e), &e, "statement");
    must(jv_parse(result.data, result.len, &v, &e), &e, "result");
    const char *outcome = jv_string(jv_get(v, "outcome"), NULL);
    if (!outcome || strcmp(outcome, "ok"))
        die("result %llu ended '%s'", (unsigned long long)seq, outcome ? outcome : "");
    a->count++;
    jv_free(v);
    buf_free(&result);
    free(payload);
    return 0;
}

static void audit(struct bench *b)
{
    struct audit a = {0};
    struct err e = {0};
    struct store *s = NULL;
    must(sign_key_read_public(b->bed.paths.pub, &a.key, &e), &e, "public key");
    must(store_open(b->bed.paths.db, STORE_READ, &s, &e), &e, "results");
    must(store_each(s, 1, audit_one, &a, &e), &e, "results");
    store_close(s);
    if (a.count != b->published || b->seen != b->published)
        die("%llu jobs published, %llu results seen, %llu in the database",
            (unsigned long long)b->published, (unsigned long long)b->seen,
            (unsigned long long)a.count);
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
    up_worker_start(&b.worker.up, &b.bed, NULL);
    uv_timer_init(&b.bed.loop, &b.pause);
    uv_timer_init(&b.bed.loop, &b.stall);
    b.stall.data = &b;
    open_link(&b);
    rest(&b, 200);
    find_parts(&b.worker, b.worker.up.supervisor);
    grow(&b);
    if (flood_jobs > 0)
        run_flood(&b);
    if (single_jobs > 0)
        run_single(&b);
    close_link(&b);
    up_worker_stop(&b.worker.up);
    audit(&b);
    uv_close((uv_handle_t *)&b.pause, NULL);
    uv_close((uv_handle_t *)&b.stall, NULL);
    uv_run(&b.bed.loop, UV_RUN_DEFAULT);
    samples_free(&b.single);
    buf_free(&b.message);
    bed_remove(&b.bed);
    return 0;
}
