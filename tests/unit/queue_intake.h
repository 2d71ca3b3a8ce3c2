/* What the tests of an intake share: a real nats-server, a link and an intake on one loop, the jobs
 * that came (kept until a test acks or forgets them), a publisher and a look at the server. The
 * tenant is "ci", ack_wait one second. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/jv.h"
#include "base/log.h"
#include "link/link.h"
#include "queue/stream/intake.h"
#include "tests/unit/until.h"
#include "tests/unit/nats_server.h"

#define KEPT 20000

struct fixture {
    struct nats_server server;
    uv_loop_t loop;
    uv_timer_t tick;
    struct config *config;
    struct subjects subjects;
    struct link *link;
    struct intake *intake;
    int ready, failed, connected;
    struct err why;
    struct delivery *jobs[KEPT];
    int job_count; /* came since the last forget() */
    int held, held_most;
    bool ack_at_once;
};

static inline void turn_for(struct fixture *f, int ms)
{
    int64_t until = clock_mono_us() + ms * 1000ll;
    while (clock_mono_us() < until)
        uv_run(&f->loop, UV_RUN_ONCE);
}

static inline void on_tick(uv_timer_t *t)
{
    (void)t;
}

static inline void on_job(struct delivery *d, void *arg)
{
    struct fixture *f = arg;
    f->held++;
    if (f->held > f->held_most)
        f->held_most = f->held;
    assert_true(f->job_count < KEPT);
    f->jobs[f->job_count++] = d;
    assert_int_equal(d->data[d->len], 0);
    if (f->ack_at_once) {
        intake_ack(f->intake, d);
        delivery_free(d);
        f->jobs[f->job_count - 1] = NULL;
        f->held--;
    }
}

static inline void on_ready(void *arg)
{
    struct fixture *f = arg;
    f->ready++;
}

static inline void on_failed(const struct err *why, void *arg)
{
    struct fixture *f = arg;
    print_message("# intake failed: %s\n", why->msg);
    f->failed++;
    f->why = *why;
}

static inline void on_connected(void *arg)
{
    struct fixture *f = arg;
    f->connected++;
    if (f->intake)
        intake_resume(f->intake);
}

static const struct link_events link_events = {.connected = on_connected};
static const struct intake_events intake_events = {on_job, on_ready, on_failed};

static inline void open_link(struct fixture *f)
{
    struct err e = {0};
    if (link_open(&f->loop, &f->config->nats, "test", 5000, &link_events, f, &f->link, &e))
        fail_msg("%s", e.msg);
}

static inline int set_up_server(void **state, const char *conf, bool jetstream)
{
    struct fixture *f = mem_alloc(sizeof *f);
    struct err e = {0};
    nats_server_init(&f->server);
    f->server.no_jetstream = !jetstream;
    if (conf)
        nats_server_conf(&f->server, conf);
    nats_server_start(&f->server);
    if (config_load(NULL, &f->config, &e))
        fail_msg("%s", e.msg);
    free(f->config->nats.url);
    f->config->nats.url = mem_strdup(f->server.url);
    f->config->nats.ack_wait_ms = 1000;
    snprintf(f->config->tenants[0].name, sizeof f->config->tenants[0].name, "ci");
    assert_int_equal(subjects_init(&f->subjects, &f->config->nats, &e), 0);
    uv_loop_init(&f->loop);
    uv_timer_init(&f->loop, &f->tick);
    uv_timer_start(&f->tick, on_tick, 5, 5);
    uv_unref((uv_handle_t *)&f->tick);
    open_link(f);
    *state = f;
    return 0;
}

static inline int set_up(void **state)
{
    return set_up_server(state, NULL, true);
}

static inline void begin_intake(struct fixture *f, int want)
{
    struct err e = {0};
    f->ready = 0;
    if (intake_open(&f->loop, f->link, f->config, &f->subjects, 0, &intake_events, f, &f->intake,
                    &e))
        fail_msg("%s", e.msg);
    intake_want(f->intake, want);
}

static inline void open_intake(struct fixture *f, int want)
{
    begin_intake(f, want);
    UNTIL(f, f->ready == 1);
}

/* What a worker that dies does: acks nothing. */
static inline void forget(struct fixture *f)
{
    for (int i = 0; i < f->job_count; i++) {
        delivery_free(f->jobs[i]);
        f->jobs[i] = NULL;
    }
    f->job_count = f->held = f->held_most = 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;
    intake_close(f->intake);
    forget(f); /* after the intake: owners may be slower */
    link_close(f->link, 1000);
    uv_close((uv_handle_t *)&f->tick, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    config_free(f->config);
    nats_server_remove(&f->server);
    free(f);
    return 0;
}

/* ---- the publisher, and a look at the server ---- */

static inline struct jv *ask(struct fixture *f, const char *subject, const char *body,
                             const char *msg_id)
{
    struct link_msg *m = NULL;
    struct jv *doc = NULL;
    struct err e = {0};
    struct link_header h = {"Nats-Msg-Id", msg_id};
    if (link_request_wait(f->link, subject, &h, msg_id ? 1 : 0, body, strlen(body), WAIT_MS, &m,
                          &e))
        fail_msg("%s: %s", subject, e.msg);
    assert_int_equal(jv_parse(m->data, m->len, &doc, NULL), 0);
    link_msg_free(m);
    return doc;
}

static inline int64_t int_of(const struct jv *object, const char *name)
{
    int64_t n = -1;
    assert_true(jv_int(jv_get(object, name), &n));
    return n;
}

/* The stream's sequence, or minus the server's error code. */
static inline int64_t submit(struct fixture *f, const char *tenant, enum job_class c,
                             const char *body, const char *msg_id)
{
    char subject[SUBJECT_MAX];
    subject_job(&f->subjects, tenant, c, subject);
    struct jv *ack = ask(f, subject, body, msg_id);
    const struct jv *error = jv_get(ack, "error");
    int64_t n = error ? -int_of(error, "err_code") : int_of(ack, "seq");
    jv_free(ack);
    return n;
}

static inline void publish(struct fixture *f, const char *tenant, enum job_class c, int count)
{
    char subject[SUBJECT_MAX];
    subject_job(&f->subjects, tenant, c, subject);
    for (int i = 0; i < count; i++)
        assert_int_equal(link_publish(f->link, subject, NULL, NULL, 0, "{}", 2, NULL), 0);
    assert_int_equal(link_flush(f->link, WAIT_MS, NULL), 0);
}

static inline int64_t stream_messages(struct fixture *f)
{
    struct jv *info = ask(f, "$JS.API.STREAM.INFO.ISOLANE_JOBS", "", NULL);
    int64_t n = int_of(jv_get(info, "state"), "messages");
    jv_free(info);
    return n;
}

static inline void ack(struct fixture *f, int n)
{
    assert_true(n < f->job_count && f->jobs[n]);
    intake_ack(f->intake, f->jobs[n]);
    delivery_free(f->jobs[n]);
    f->jobs[n] = NULL;
    f->held--;
}

static inline void ack_all(struct fixture *f)
{
    for (int i = 0; i < f->job_count; i++)
        if (f->jobs[i])
            ack(f, i);
    f->job_count = 0;
}

/* ---- a program of such tests ---- */

static inline int stop_library(void **state)
{
    (void)state;
    link_library_stop();
    return 0;
}

#define WITH_SERVER(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
