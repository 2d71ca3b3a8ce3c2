#include "bench/publisher.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define CONNECT_MS      5000
#define STALL_MS        30000 /* nothing came for so long: something is broken */
#define RESULTS_AT_ONCE 65536 /* the subscriber's bound on what waits for the loop */
#define ACK_SUBJECT     "isolane-bench.ack"
#define REPLY_SUBJECT   "isolane-bench.reply"
#define ID_PREFIX       "job-"

static void send_one(struct publisher *p)
{
    char id[PUBLISHER_ID_MAX], subject[SUBJECT_MAX], reply[SUBJECT_MAX];
    struct err e = {0};
    uint64_t number = p->sent++;
    const char *tenant = p->tenant ? p->tenant(p->arg, number) : "default";
    if (number >= p->sent_cap) {
        p->sent_cap = p->sent_cap ? p->sent_cap * 2 : 4096;
        p->sent_at_us = mem_grow(p->sent_at_us, p->sent_cap * sizeof *p->sent_at_us);
    }
    snprintf(id, sizeof id, ID_PREFIX "%" PRIu64, number);
    buf_clear(&p->message);
    p->make(p->arg, number, id, &p->message);
    if (p->call) {
        subject_call(&p->subjects, tenant, subject);
        snprintf(reply, sizeof reply, REPLY_SUBJECT ".%s", id);
    } else {
        subject_job(&p->subjects, tenant, CLASS_NORMAL, subject);
        snprintf(reply, sizeof reply, ACK_SUBJECT);
    }
    p->sent_at_us[number] = now_us();
    must(link_publish(p->link, subject, reply, NULL, 0, p->message.data, p->message.len, &e), &e,
         "publish");
}

static void fill_window(struct publisher *p)
{
    while (p->sent < p->target && p->sent - p->seen < p->window)
        send_one(p);
}

/* The subject's last token is the job's id. */
static void saw_one(struct publisher *p, const char *subject)
{
    const char *id = strrchr(subject, '.');
    uint64_t number;
    if (!id || sscanf(id, "." ID_PREFIX "%" SCNu64, &number) != 1 || number >= p->sent)
        die("a result on subject %s: of no job sent from here", subject);
    samples_add(&p->latency, now_us() - p->sent_at_us[number]);
    if (++p->seen == p->target)
        uv_stop(&p->bed->loop);
    else
        fill_window(p);
}

static void on_result(struct link_msg *m, void *arg)
{
    struct publisher *p = arg;
    if (!p->call) /* of a call there is an answer too */
        saw_one(p, m->subject);
}

static void on_reply(struct link_msg *m, void *arg)
{
    if (memmem(m->data, m->len, "\"error\":\"", 9))
        die("a call is refused: %.*s", (int)m->len, m->data);
    saw_one(arg, m->subject);
}

static void on_ack(struct link_msg *m, void *arg)
{
    (void)arg;
    if (memmem(m->data, m->len, "\"error\"", 7))
        die("the queue refuses a job: %.*s", (int)m->len, m->data);
}

static void on_stall(uv_timer_t *t)
{
    struct publisher *p = t->data;
    if (p->seen == p->seen_before)
        die("%" PRIu64 " jobs sent, %" PRIu64 " results seen, then nothing for %d ms", p->sent,
            p->seen, STALL_MS);
    p->seen_before = p->seen;
}

void publisher_run(struct publisher *p, int64_t n, int64_t window)
{
    CHECK(window >= 1 && window <= PUBLISHER_WINDOW_MAX);
    p->window = (uint64_t)window;
    p->target = p->sent + (uint64_t)n;
    p->seen_before = UINT64_MAX;
    uv_timer_start(&p->stall, on_stall, STALL_MS, STALL_MS);
    fill_window(p);
    while (p->seen < p->target)
        uv_run(&p->bed->loop, UV_RUN_DEFAULT);
    uv_timer_stop(&p->stall);
}

static void stop_loop(uv_timer_t *t)
{
    uv_stop(t->loop);
}

void publisher_rest(struct publisher *p, int64_t ms)
{
    if (ms == 0)
        return;
    uv_timer_start(&p->pause, stop_loop, (uint64_t)ms, 0);
    uv_run(&p->bed->loop, UV_RUN_DEFAULT);
}

void publisher_run_paced(struct publisher *p, int64_t n, int64_t pause_ms)
{
    for (int64_t i = 0; i < n; i++) {
        publisher_run(p, 1, 1);
        publisher_rest(p, pause_ms);
    }
}

static void on_link(void *arg)
{
    (void)arg;
}

static void on_link_lost(const char *why, void *arg)
{
    struct publisher *p = arg;
    if (p->link)
        die("connection to NATS lost: %s", why);
}

static void subscribe(struct publisher *p, const char *subject, link_handler fn,
                      struct link_sub **out)
{
    struct err e = {0};
    must(link_subscribe(p->link, subject, NULL, RESULTS_AT_ONCE, fn, p, out, &e), &e, subject);
}

void publisher_open(struct publisher *p, struct bed *bed, const char *url)
{
    static const struct link_events events = {
        .connected = on_link, .disconnected = on_link_lost, .closed = on_link_lost};
    char results[SUBJECT_MAX];
    struct err e = {0};
    p->bed = bed;
    uv_timer_init(&bed->loop, &p->stall);
    uv_timer_init(&bed->loop, &p->pause);
    p->stall.data = p;
    must(config_set(bed->config, "nats.url", url, "bench", &e), &e, "URL");
    must(link_open(&bed->loop, &bed->config->nats, "isolane bench", CONNECT_MS, &events, p,
                   &p->link, &e),
         &e, "connection");
    must(subjects_init(&p->subjects, &bed->config->nats, &e), &e, "subjects");
    subject_results_all(&p->subjects, results);
    subscribe(p, results, on_result, &p->results);
    subscribe(p, ACK_SUBJECT, on_ack, &p->acks);
    subscribe(p, REPLY_SUBJECT ".>", on_reply, &p->replies);
    must(link_flush(p->link, CONNECT_MS, &e), &e, "subscriptions");
}

void publisher_close(struct publisher *p)
{
    struct link *l = p->link;
    link_unsubscribe(p->results);
    link_unsubscribe(p->acks);
    link_unsubscribe(p->replies);
    p->link = NULL; /* its end is no loss from here on */
    link_close(l, CONNECT_MS);
    uv_close((uv_handle_t *)&p->stall, NULL);
    uv_close((uv_handle_t *)&p->pause, NULL);
    samples_free(&p->latency);
    free(p->sent_at_us);
    buf_free(&p->message);
}
