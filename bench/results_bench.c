/* The way of a result: what encoding and signing one costs, and how fast rows become durable one at
 * a time, with publishers that wait for each of theirs, at a steady rate, and in a flood. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include "base/crypto.h"
#include "base/fs.h"
#include "base/mem.h"
#include "bench/measure.h"
#include "bench/smallresult.h"
#include "results/fit.h"
#include "results/recorder.h"
#include "results/store.h"
#include "results/verify.h"

#define LANES_MAX  1024
#define SERVICE_US 400 /* mean time that a publisher's next job takes, the floor of a cell's */

static int64_t rows = 4000, paced = 1, lone = 1;
static struct sign_key key;
static char dir[64] = "build/results-bench-XXXXXX";
static int64_t serial;

static void time_signing(void)
{
    struct samples encode = {0}, sign = {0}, check = {0};
    struct buf statement = {0}, envelope = {0};
    struct err e;
    for (int64_t i = 0; i < rows; i++) {
        struct result *r = small_result(++serial);
        double from = now_us();
        result_mend(r);
        result_fit(r, ENVELOPE_MAX, &statement);
        double encoded = now_us();
        char hash[SHA256_HEX];
        buf_clear(&envelope);
        crypto_sha256_hex(statement.data, statement.len, hash);
        envelope_sign(&key, statement.data, statement.len, &envelope);
        double signed_at = now_us();
        must(verify_envelope(envelope.data, envelope.len, &key, &e), &e, "verify");
        samples_add(&encode, encoded - from);
        samples_add(&sign, signed_at - encoded);
        samples_add(&check, now_us() - signed_at);
        result_free(r);
    }
    metric("results.statement", "bytes", (double)statement.len);
    metric("results.encode.p50", "us", samples_percentile(&encode, 50));
    metric("results.sign.p50", "us", samples_percentile(&sign, 50));
    metric("results.verify.p50", "us", samples_percentile(&check, 50));
    buf_free(&statement);
    buf_free(&envelope);
    samples_free(&encode);
    samples_free(&sign);
    samples_free(&check);
}

/* ---- traffic ---- */

/* One source of results: submits at `due`, and for closed traffic again after its last is durable.
 */
struct lane {
    double due, submitted; /* µs; due 0: waiting for its result */
};

struct traffic {
    uv_loop_t loop;
    uv_poll_t poll; /* a timerfd: the loop's own timers count in milliseconds */
    int timer;
    struct recorder *rec;
    struct lane lanes[LANES_MAX];
    int lane_count;
    double service_us; /* closed: mean pause of a lane; 0: none */
    int crowded;       /* what the recorder is told of jobs that wait */
    double gap_us;     /* open: mean gap between two submissions; 0: closed */
    double next_us;    /* open: the next one */
    int64_t submitted, committed;
    struct samples latency;
    double first_us, last_us;
    uint32_t seed;
};

static double exponential(struct traffic *t, double mean)
{
    t->seed = t->seed * 1664525 + 1013904223;
    return -mean * log((double)(t->seed / 256 + 1) / 16777217.0);
}

static void submit(struct traffic *t, struct lane *lane)
{
    lane->submitted = now_us();
    lane->due = 0;
    t->submitted++;
    recorder_submit(t->rec, small_result(++serial), lane);
}

static void arm(struct traffic *t, double at_us)
{
    double in = at_us - now_us();
    if (in < 1)
        in = 1;
    struct itimerspec it = {.it_value = {(time_t)(in / 1e6), (long)(fmod(in, 1e6) * 1e3)}};
    timerfd_settime(t->timer, 0, &it, NULL);
}

/* Submits what is due, arms the timer for the rest. */
static void pump(struct traffic *t)
{
    double now = now_us(), earliest = 0;
    while (t->gap_us > 0 && t->submitted < rows && t->next_us <= now) {
        struct lane *lane = &t->lanes[t->submitted % LANES_MAX];
        submit(t, lane);
        lane->submitted = t->next_us; /* a late loop counts as latency */
        t->next_us += exponential(t, t->gap_us);
        earliest = t->next_us;
    }
    if (t->gap_us > 0)
        earliest = t->next_us;
    for (int i = 0; i < t->lane_count && t->gap_us <= 0; i++) {
        struct lane *lane = &t->lanes[i];
        if (lane->due > 0 && lane->due <= now && t->submitted < rows)
            submit(t, lane);
        else if (lane->due > 0 && (earliest == 0 || lane->due < earliest))
            earliest = lane->due;
    }
    if (earliest > 0 && t->submitted < rows)
        arm(t, earliest);
}

static void on_timer(uv_poll_t *p, int status, int events)
{
    struct traffic *t = p->data;
    uint64_t n;
    (void)status;
    (void)events;
    if (read(t->timer, &n, sizeof n) == sizeof n)
        pump(t);
}

static void on_committed(struct result **r, const char *envelope, size_t len, void *tag, void *arg)
{
    struct traffic *t = arg;
    struct lane *lane = tag;
    (void)r;
    (void)envelope;
    (void)len;
    t->last_us = now_us();
    samples_add(&t->latency, t->last_us - lane->submitted);
    t->committed++;
    if (t->gap_us > 0)
        return;
    if (t->service_us > 0) {
        lane->due = t->last_us + exponential(t, t->service_us);
        pump(t);
    } else if (t->submitted < rows) {
        submit(t, lane);
    }
}

static void on_stuck(const struct err *why, void *arg)
{
    (void)arg;
    die("%s", why->msg);
}

static void on_unstuck(void *arg)
{
    (void)arg;
}

/* CPU time of our thread of that name so far; 0 where /proc does not tell. */
static double thread_cpu_us(const char *name)
{
    char path[300], text[64];
    double us = 0;
    struct dirent *entry;
    DIR *tasks = opendir("/proc/self/task");
    while (tasks && (entry = readdir(tasks))) {
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *f = fopen(path, "r");
        bool is_it = f && fgets(text, sizeof text, f) && !strncmp(text, name, strlen(name));
        if (f)
            fclose(f);
        snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", entry->d_name);
        if (!is_it || !(f = fopen(path, "r")))
            continue;
        if (fgets(text, sizeof text, f))
            us = strtod(text, NULL) / 1e3;
        fclose(f);
    }
    if (tasks)
        closedir(tasks);
    return us;
}

static void run(struct traffic *t, const char *name)
{
    static const struct recorder_events ev = {
        .committed = on_committed, .stuck = on_stuck, .unstuck = on_unstuck};
    struct err e = {0};
    char db[128], label[128];
    snprintf(db, sizeof db, "%s/%s.db", dir, name);
    struct recorder_options o = {.db_path = db, .key = &key, .many = true};
    uv_loop_init(&t->loop);
    t->seed = 7;
    t->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    uv_poll_init(&t->loop, &t->poll, t->timer);
    t->poll.data = t;
    uv_poll_start(&t->poll, UV_READABLE, on_timer);
    must(recorder_open(&t->loop, &o, &ev, t, &t->rec, &e), &e, "recorder");
    recorder_set_waiting(t->rec, t->crowded);
    double cpu_us = process_cpu_us(getpid());
    double signer_us = thread_cpu_us("isolane-sign"),
           committer_us = thread_cpu_us("isolane-commit");
    t->first_us = now_us();
    t->next_us = t->first_us + 1000;
    for (int i = 0; i < t->lane_count; i++)
        t->lanes[i].due = t->first_us;
    pump(t);
    while (t->committed < rows)
        uv_run(&t->loop, UV_RUN_ONCE);
    cpu_us = process_cpu_us(getpid()) - cpu_us;
    signer_us = thread_cpu_us("isolane-sign") - signer_us;
    committer_us = thread_cpu_us("isolane-commit") - committer_us;
    double seconds = (t->last_us - t->first_us) / 1e6;
    snprintf(label, sizeof label, "results.%s.rows", name);
    metric(label, "/s", (double)rows / seconds);
    snprintf(label, sizeof label, "results.%s.rows-per-commit", name);
    metric(label, "", (double)rows / (double)recorder_commits(t->rec));
    snprintf(label, sizeof label, "results.%s.cpu", name);
    metric(label, "us", cpu_us / (double)rows);
    snprintf(label, sizeof label, "results.%s.cpu.signer", name);
    metric(label, "us", signer_us / (double)rows);
    snprintf(label, sizeof label, "results.%s.cpu.committer", name);
    metric(label, "us", committer_us / (double)rows);
    snprintf(label, sizeof label, "results.%s.durable", name);
    metric_percentiles(label, "us", &t->latency);
    must(recorder_close(t->rec, 10000, &e), &e, "close");
    uv_close((uv_handle_t *)&t->poll, NULL);
    uv_run(&t->loop, UV_RUN_DEFAULT);
    uv_loop_close(&t->loop);
    close(t->timer);
    struct verify_report report;
    must(verify_db(db, &key, &report, NULL, NULL, &e), &e, "verify");
    samples_free(&t->latency);
}

static void closed(int lanes, double service_us, int crowded)
{
    static struct traffic t;
    char name[64];
    memset(&t, 0, sizeof t);
    t.lane_count = lanes;
    t.service_us = service_us;
    t.crowded = crowded;
    snprintf(name, sizeof name, "%s.%d", service_us > 0 ? "publishers" : "flood", lanes);
    run(&t, name);
}

static void open_traffic(int rate, int crowded)
{
    static struct traffic t;
    char name[64];
    memset(&t, 0, sizeof t);
    t.gap_us = 1e6 / rate;
    t.crowded = crowded;
    snprintf(name, sizeof name, "%s.%d", crowded ? "crowded" : "rate", rate);
    run(&t, name);
}

int main(int argc, char **argv)
{
    static const struct bench_option options[] = {
        {"rows", &rows, 100, 1000000, "results in each part"},
        {"paced", &paced, 0, 1, "0: leave out all but signing, lone rows and the floods"},
        {"lone", &lone, 0, 1, "0: leave out lone rows"}};
    struct err e = {0};
    char path[2][128], cmd[128];
    bench_options(argc, argv, "signing and storing of results", options, ARRAY_LEN(options));
    if (!mkdtemp(dir)) /* on the disk that the checkout is on: /tmp may be memory */
        die("cannot make a folder in build/: run it from the top of the checkout");
    snprintf(path[0], sizeof path[0], "%s/key", dir);
    snprintf(path[1], sizeof path[1], "%s/pub", dir);
    must(sign_key_open(path[0], path[1], &key, &e), &e, "key");
    time_signing();
    if (lone)
        closed(1, 0, 0);
    for (int lanes = 1; lanes <= 64 && paced; lanes *= 2)
        closed(lanes, SERVICE_US, 0);
    for (int crowded = 0; crowded < 2 && paced; crowded++) {
        open_traffic(500, crowded);
        open_traffic(2000, crowded);
        open_traffic(5000, crowded);
    }
    closed(16, 0, 1);
    closed(256, 0, 1);
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    return system(cmd) ? 1 : 0;
}
