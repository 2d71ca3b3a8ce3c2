#include "bench/natsbed.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/smallresult.h"
#include "executor/embedded.h"
#include "results/sign_key.h"

#define CONNECT_MS      5000
#define STALL_MS        20000
#define AT_ONCE         65536
#define PULL_EXPIRES_NS 3600000000000LL /* longer than any run */

#define JOBS        "BENCH_JOBS"
#define CONSUMER    "bench"
#define JOB         "bench.jobs.default"
#define RESULT      "bench.results.default"
#define LOGS        "bench.logs.default"
#define JOB_ACKS    "bench-inbox.job"
#define ACK_ANSWERS "bench-inbox.ack"
#define RESULT_ACKS "bench-inbox.result"
#define PULLED      "bench-inbox.pull"
#define LINE        "{\"stream\":\"stdout\",\"attempt\":1,\"offset\":0,\"data\":\"sum 499500\\n\"}"

/* ---- what comes ---- */

static void accepted(const struct link_msg *m)
{
    if (m->status || memmem(m->data, m->len, "\"error\"", 7))
        die("JetStream refuses: status %d, %.*s", m->status, (int)m->len, m->data);
}

static void on_job_ack(struct link_msg *m, void *arg)
{
    struct nats_bed *n = arg;
    accepted(m);
    n->job_acks++;
}

static void send_more(struct nats_bed *n)
{
    while (n->sent < n->target && n->sent - n->ended < n->window) {
        n->sent++;
        nats_bed_publish_job(n);
    }
}

/* The next one of a window of 1 comes from nats_bed_run(), which rests before it. */
static void end_one(struct nats_bed *n)
{
    n->ended++;
    if (n->latency)
        samples_add(n->latency, now_us() - n->sent_us);
    else
        send_more(n);
}

static void on_job(struct link_msg *m, void *arg)
{
    struct nats_bed *n = arg;
    struct err e = {0};
    if (m->status)
        die("a pull ended with status %d", m->status);
    CHECK(m->reply && strlen(m->reply) < sizeof n->reply);
    snprintf(n->reply, sizeof n->reply, "%s", m->reply);
    n->jobs++;
    if (!n->running)
        return;
    if (n->with_logs)
        must(link_publish(n->worker, LOGS, NULL, NULL, 0, LINE, sizeof LINE - 1, &e), &e, LOGS);
    if (n->with_results)
        nats_bed_publish_result(n);
    must(link_publish(n->worker, n->reply, NULL, NULL, 0, "+ACK", 4, &e), &e, "ack");
    if (!n->with_results)
        end_one(n);
}

static void on_result(struct link_msg *m, void *arg)
{
    struct nats_bed *n = arg;
    (void)m;
    n->results++;
    if (n->running)
        end_one(n);
}

static void on_result_ack(struct link_msg *m, void *arg)
{
    struct nats_bed *n = arg;
    accepted(m);
    n->result_acks++;
}

static void on_ack_answer(struct link_msg *m, void *arg)
{
    struct nats_bed *n = arg;
    if (m->status)
        die("an ack is answered with status %d", m->status);
    n->ack_answers++;
}

/* ---- single steps ---- */

void nats_bed_publish_job(struct nats_bed *n)
{
    struct err e = {0};
    bed_job(&n->job, NULL, n->serial++);
    n->sent_us = now_us();
    must(link_publish(n->publisher, JOB, JOB_ACKS, NULL, 0, n->job.data, n->job.len, &e), &e, JOB);
}

void nats_bed_pull(struct nats_bed *n, uint64_t jobs)
{
    char body[96];
    struct err e = {0};
    int len = snprintf(body, sizeof body, "{\"batch\":%llu,\"expires\":%lld}",
                       (unsigned long long)jobs, PULL_EXPIRES_NS);
    must(link_publish(n->worker, "$JS.API.CONSUMER.MSG.NEXT." JOBS "." CONSUMER, PULLED, NULL, 0,
                      body, (size_t)len, &e),
         &e, "pull");
}

void nats_bed_ack(struct nats_bed *n)
{
    struct err e = {0};
    must(link_publish(n->worker, n->reply, ACK_ANSWERS, NULL, 0, "+ACK", 4, &e), &e, "ack");
}

void nats_bed_publish_result(struct nats_bed *n)
{
    struct err e = {0};
    char subject[64];
    snprintf(subject, sizeof subject, RESULT ".%llu", (unsigned long long)n->jobs);
    must(link_publish(n->worker, subject, RESULT_ACKS, NULL, 0, n->envelope.data, n->envelope.len,
                      &e),
         &e, subject);
}

/* ---- turning the loop ---- */

static void on_stall(uv_timer_t *t)
{
    struct nats_bed *n = t->data;
    die("nothing came for %d ms: %llu jobs accepted, %llu pulled, %llu results heard", STALL_MS,
        (unsigned long long)n->job_acks, (unsigned long long)n->jobs,
        (unsigned long long)n->results);
}

void nats_bed_until(struct nats_bed *n, const uint64_t *counter, uint64_t value)
{
    uv_timer_start(&n->stall, on_stall, STALL_MS, 0);
    while (*counter < value)
        uv_run(&n->bed->loop, UV_RUN_ONCE);
    uv_timer_stop(&n->stall);
}

static void stop_loop(uv_timer_t *t)
{
    uv_stop(t->loop);
}

void nats_bed_rest(struct nats_bed *n, int64_t ms)
{
    if (ms == 0)
        return;
    uv_timer_start(&n->pause, stop_loop, (uint64_t)ms, 0);
    uv_run(&n->bed->loop, UV_RUN_DEFAULT);
}

struct nats_cost nats_bed_run(struct nats_bed *n, const struct nats_traffic *t)
{
    n->with_results = t->results;
    n->with_logs = t->logs;
    n->latency = t->latency;
    n->window = t->window;
    n->sent = n->ended = 0;
    n->running = true;
    uint64_t job_acks = n->job_acks + t->jobs, result_acks = n->result_acks + t->jobs;
    nats_bed_pull(n, t->jobs);
    double server = process_cpu_us(n->server_pid), own = process_cpu_us(getpid()), at = now_us();
    n->target = t->latency ? 0 : t->jobs;
    send_more(n);
    while (t->latency && n->target < t->jobs) {
        nats_bed_rest(n, t->pause_ms);
        n->target++;
        send_more(n);
        nats_bed_until(n, &n->ended, n->target);
    }
    nats_bed_until(n, &n->ended, t->jobs);
    nats_bed_until(n, &n->job_acks, job_acks);
    if (t->results)
        nats_bed_until(n, &n->result_acks, result_acks);
    double jobs = (double)t->jobs;
    struct nats_cost cost = {
        .jobs_per_s = jobs / (now_us() - at) * 1e6,
        .server_us = (process_cpu_us(n->server_pid) - server) / jobs,
        .clients_us = (process_cpu_us(getpid()) - own) / jobs,
    };
    n->running = false;
    n->latency = NULL;
    return cost;
}

/* ---- beginning and end ---- */

static void on_link(void *arg)
{
    (void)arg;
}

static void on_link_lost(const char *why, void *arg)
{
    struct nats_bed *n = arg;
    if (n->server)
        die("connection to NATS lost: %s", why);
}

static void listen_to(struct nats_bed *n, struct link *l, const char *subject, link_handler h)
{
    struct err e = {0};
    must(link_subscribe(l, subject, NULL, AT_ONCE, h, n, &n->subs[n->sub_count++], &e), &e,
         subject);
}

static void make(struct nats_bed *n, const char *verb, const char *body)
{
    char subject[128];
    struct err e = {0};
    struct link_msg *m;
    snprintf(subject, sizeof subject, "$JS.API.%s", verb);
    must(link_request_wait(n->worker, subject, NULL, 0, body, strlen(body), CONNECT_MS, &m, &e), &e,
         verb);
    accepted(m);
    link_msg_free(m);
}

static void find_server(struct nats_bed *n)
{
    pid_t children[16];
    size_t count = process_children(getpid(), children, ARRAY_LEN(children));
    for (size_t i = 0; i < count; i++) {
        char name[32];
        process_name(children[i], name, sizeof name);
        if (!strcmp(name, "nats-server"))
            n->server_pid = children[i];
    }
    if (!n->server_pid)
        die("cannot find the nats-server that was started");
}

void nats_bed_open(struct nats_bed *n, struct bed *bed)
{
    static const struct link_events events = {
        .connected = on_link, .disconnected = on_link_lost, .closed = on_link_lost};
    struct sign_key key;
    struct err e = {0};
    *n = (struct nats_bed){.bed = bed};
    uv_timer_init(&bed->loop, &n->stall);
    uv_timer_init(&bed->loop, &n->pause);
    n->stall.data = n;
    must(sign_key_open(bed->paths.key, bed->paths.pub, &key, &e), &e, "key");
    small_envelope(&key, &n->envelope);
    must(embedded_start(&bed->loop, bed->config, &bed->paths, &n->server, &e), &e, "nats-server");
    find_server(n);
    must(config_set(bed->config, "nats.url", embedded_url(n->server), "bench", &e), &e, "URL");
    struct link **links[] = {&n->publisher, &n->worker};
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        must(link_open(&bed->loop, &bed->config->nats, "isolane bench", CONNECT_MS, &events, n,
                       links[i], &e),
             &e, "connection");
    listen_to(n, n->publisher, JOB_ACKS, on_job_ack);
    listen_to(n, n->publisher, RESULT ".*", on_result);
    listen_to(n, n->worker, PULLED, on_job);
    listen_to(n, n->worker, ACK_ANSWERS, on_ack_answer);
    listen_to(n, n->worker, RESULT_ACKS, on_result_ack);
    make(n, "STREAM.CREATE." JOBS,
         "{\"name\":\"" JOBS "\",\"subjects\":[\"bench.jobs.*\"],\"retention\":\"workqueue\","
         "\"storage\":\"file\",\"discard\":\"new\",\"duplicate_window\":120000000000}");
    make(n, "STREAM.CREATE.BENCH_RESULTS",
         "{\"name\":\"BENCH_RESULTS\",\"subjects\":[\"bench.results.*.>\"],\"storage\":\"file\","
         "\"retention\":\"limits\",\"discard\":\"old\",\"allow_direct\":true}");
    make(n, "CONSUMER.DURABLE.CREATE." JOBS "." CONSUMER,
         "{\"stream_name\":\"" JOBS "\",\"config\":{\"durable_name\":\"" CONSUMER "\","
         "\"deliver_policy\":\"all\",\"ack_policy\":\"explicit\",\"ack_wait\":30000000000,"
         "\"max_ack_pending\":65536}}");
    must(link_flush(n->publisher, CONNECT_MS, &e), &e, "subscriptions");
    must(link_flush(n->worker, CONNECT_MS, &e), &e, "subscriptions");
}

void nats_bed_close(struct nats_bed *n)
{
    struct embedded *server = n->server;
    for (int i = 0; i < n->sub_count; i++)
        link_unsubscribe(n->subs[i]);
    n->server = NULL; /* losing the connections is no loss from here on */
    link_close(n->publisher, CONNECT_MS);
    link_close(n->worker, CONNECT_MS);
    embedded_stop(server);
    uv_close((uv_handle_t *)&n->stall, NULL);
    uv_close((uv_handle_t *)&n->pause, NULL);
    uv_run(&n->bed->loop, UV_RUN_DEFAULT);
    buf_free(&n->job);
    buf_free(&n->envelope);
}
