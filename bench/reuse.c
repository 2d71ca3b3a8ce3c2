/* Jobs per second, and what each costs, for every way a job can find a cell, in one run on one
 * worker: through JetStream with `reuse` none, tenant and script, and as calls (isolane.call) with
 * script. Every result is signed and durable, and checked afterwards (upparts.h).
 *
 * The same script in all modes: a function that computes a little, prints a line and returns. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/measure.h"
#include "bench/upparts.h"
#include "config/reuse.h"
#include "link/link.h"
#include "link/subjects.h"
#include "queue/job.h"

static int64_t none_jobs = 3000, tenant_jobs = 8000, script_jobs = 30000, call_jobs = 30000,
               window = 512, single_jobs = 400;

#define CONNECT_MS      5000
#define STALL_MS        20000
#define ACK_SUBJECT     "isolane-bench.ack"
#define REPLY_SUBJECT   "isolane-bench.reply"
#define RESULTS_AT_ONCE 65536
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
    struct link *link;
    struct link_sub *results, *acks, *replies;
    struct buf message;
    char queue_subject[SUBJECT_MAX], call_subject[SUBJECT_MAX];
    uv_timer_t stall;
    enum reuse reuse;
    bool call, paced;
    uint64_t sent, seen, seen_before, target;
    double sent_at_us;
    struct samples single;
};

static void send_one(struct bench *b)
{
    char input[24];
    struct err e = {0};
    snprintf(input, sizeof input, "%llu", (unsigned long long)b->sent++);
    struct job_request q = {.source = JOB_MODULE,
                            .script = script,
                            .script_len = sizeof script - 1,
                            .input = input,
                            .reuse = reuse_names[b->reuse]};
    buf_clear(&b->message);
    job_encode(&q, &b->message);
    b->sent_at_us = now_us();
    must(link_publish(b->link, b->call ? b->call_subject : b->queue_subject,
                      b->call ? REPLY_SUBJECT : ACK_SUBJECT, NULL, 0, b->message.data,
                      b->message.len, &e),
         &e, "publish");
}

static void fill_window(struct bench *b)
{
    uint64_t most = b->paced ? 1 : (uint64_t)window;
    while (b->sent < b->target && b->sent - b->seen < most)
        send_one(b);
}

static void saw_one(struct bench *b)
{
    if (b->paced)
        samples_add(&b->single, now_us() - b->sent_at_us);
    if (++b->seen == b->target)
        uv_stop(&b->bed.loop);
    else
        fill_window(b);
}

static void on_result(struct link_msg *m, void *arg)
{
    (void)m;
    struct bench *b = arg;
    if (!b->call)
        saw_one(b);
}

static void on_reply(struct link_msg *m, void *arg)
{
    if (memmem(m->data, m->len, "\"error\":\"", 9))
        die("a call is refused: %.*s", (int)m->len, m->data);
    saw_one(arg);
}

static void on_ack(struct link_msg *m, void *arg)
{
    (void)arg;
    if (memmem(m->data, m->len, "\"error\"", 7))
        die("the queue refuses a job: %.*s", (int)m->len, m->data);
}

static void on_stall(uv_timer_t *t)
{
    struct bench *b = t->data;
    if (b->seen == b->seen_before)
        die("%llu jobs sent, %llu results seen, then nothing for %d ms",
            (unsigned long long)b->sent, (unsigned long long)b->seen, STALL_MS);
    b->seen_before = b->seen;
}

static void run_jobs(struct bench *b, int64_t n)
{
    b->target = b->seen + (uint64_t)n;
    b->seen_before = UINT64_MAX;
    uv_timer_start(&b->stall, on_stall, STALL_MS, STALL_MS);
    fill_window(b);
    while (b->seen < b->target)
        uv_run(&b->bed.loop, UV_RUN_DEFAULT);
    uv_timer_stop(&b->stall);
}

struct usage {
    double at_us, part[5];
};

static const char *const part_names[] = {"cell", "zygote", "supervisor", "nats-server",
                                         "publisher"};

static struct usage usage_now(const struct bench *b)
{
    return (struct usage){.at_us = now_us(),
                          .part = {up_cells_cpu_us(&b->parts), process_cpu_us(b->parts.zygote),
                                   process_cpu_us(b->worker.supervisor),
                                   process_cpu_us(b->parts.nats_server), process_cpu_us(getpid())}};
}

static void tell(const char *mode, const char *what, const char *unit, double value)
{
    char name[64];
    snprintf(name, sizeof name, "reuse.%s.%s", mode, what);
    metric(name, unit, value);
}

static void measure(struct bench *b, const char *mode, enum reuse reuse, bool call, int64_t n)
{
    char what[32];
    double all = 0;
    if (n == 0)
        return;
    b->reuse = reuse;
    b->call = call;
    run_jobs(b, WARM_UP);
    struct usage from = usage_now(b);
    run_jobs(b, n);
    struct usage to = usage_now(b);
    tell(mode, "jobs", "/s", (double)n / (to.at_us - from.at_us) * 1e6);
    for (size_t i = 0; i < ARRAY_LEN(part_names); i++) {
        double us = (to.part[i] - from.part[i]) / (double)n;
        snprintf(what, sizeof what, "cpu.%s", part_names[i]);
        tell(mode, what, "us", us);
        all += us;
    }
    tell(mode, "cpu.all", "us", all);
    if (single_jobs == 0)
        return;
    b->paced = true;
    b->single.n = 0;
    run_jobs(b, single_jobs);
    b->paced = false;
    snprintf(what, sizeof what, "reuse.%s.single", mode);
    metric_percentiles(what, "us", &b->single);
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
        .connected = on_link, .disconnected = on_link_lost, .closed = on_link_lost};
    char results[SUBJECT_MAX];
    struct subjects s;
    struct err e = {0};
    must(config_set(b->bed.config, "nats.url", b->worker.url, "bench", &e), &e, "URL");
    must(link_open(&b->bed.loop, &b->bed.config->nats, "isolane bench", CONNECT_MS, &events, b,
                   &b->link, &e),
         &e, "connection");
    must(subjects_init(&s, &b->bed.config->nats, &e), &e, "subjects");
    subject_result(&s, "default", "*", results);
    subject_job(&s, "default", CLASS_NORMAL, b->queue_subject);
    subject_call(&s, "default", b->call_subject);
    must(link_subscribe(b->link, results, NULL, RESULTS_AT_ONCE, on_result, b, &b->results, &e), &e,
         results);
    must(link_subscribe(b->link, ACK_SUBJECT, NULL, RESULTS_AT_ONCE, on_ack, b, &b->acks, &e), &e,
         ACK_SUBJECT);
    must(
        link_subscribe(b->link, REPLY_SUBJECT, NULL, RESULTS_AT_ONCE, on_reply, b, &b->replies, &e),
        &e, REPLY_SUBJECT);
    must(link_flush(b->link, CONNECT_MS, &e), &e, "subscriptions");
}

static void close_link(struct bench *b)
{
    struct link *l = b->link;
    link_unsubscribe(b->results);
    link_unsubscribe(b->acks);
    link_unsubscribe(b->replies);
    b->link = NULL; /* its end is no loss from here on */
    link_close(l, CONNECT_MS);
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
    static struct bench b;
    bench_options(argc, argv,
                  "Jobs per second with and without re-use, through the queue and as calls.",
                  options, ARRAY_LEN(options));
    bed_make(&b.bed);
    up_worker_start(&b.worker, &b.bed, NULL);
    uv_timer_init(&b.bed.loop, &b.stall);
    b.stall.data = &b;
    open_link(&b);
    run_jobs(&b, WARM_UP);
    up_find(&b.worker, &b.parts);
    measure(&b, "none", REUSE_NONE, false, none_jobs);
    measure(&b, "tenant", REUSE_TENANT, false, tenant_jobs);
    measure(&b, "script", REUSE_SCRIPT, false, script_jobs);
    measure(&b, "call", REUSE_SCRIPT, true, call_jobs);
    close_link(&b);
    up_worker_stop(&b.worker);
    up_audit(&b.bed, b.sent);
    uv_close((uv_handle_t *)&b.stall, NULL);
    uv_run(&b.bed.loop, UV_RUN_DEFAULT);
    samples_free(&b.single);
    buf_free(&b.message);
    bed_remove(&b.bed);
    return 0;
}
