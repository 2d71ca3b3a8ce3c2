/* Jobs out of a real JetStream: streams and consumers, pulling, acks, redelivery, losses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jv.h"
#include "base/log.h"
#include "link/acksubject.h"
#include "queue/intake.h"
#include "tests/unit/nats_server.h"

#define WAIT_MS 10000
#define KEPT    20000

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

#define UNTIL(f, cond)                                                                             \
    do {                                                                                           \
        int64_t until_ = clock_mono_us() + WAIT_MS * 1000ll;                                       \
        while (!(cond) && clock_mono_us() < until_)                                                \
            uv_run(&(f)->loop, UV_RUN_ONCE);                                                       \
        assert_true(cond);                                                                         \
    } while (0)

static void turn_for(struct fixture *f, int ms)
{
    int64_t until = clock_mono_us() + ms * 1000ll;
    while (clock_mono_us() < until)
        uv_run(&f->loop, UV_RUN_ONCE);
}

static void on_tick(uv_timer_t *t)
{
    (void)t;
}

static void on_job(struct delivery *d, void *arg)
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

static void on_ready(void *arg)
{
    struct fixture *f = arg;
    f->ready++;
}

static void on_failed(const struct err *why, void *arg)
{
    struct fixture *f = arg;
    f->failed++;
    f->why = *why;
}

static void on_connected(void *arg)
{
    struct fixture *f = arg;
    f->connected++;
    if (f->intake)
        intake_resume(f->intake);
}

static const struct link_events link_events = {.connected = on_connected};
static const struct intake_events intake_events = {on_job, on_ready, on_failed};

static void open_link(struct fixture *f)
{
    struct err e = {0};
    if (link_open(&f->loop, &f->config->nats, "test", 5000, &link_events, f, &f->link, &e))
        fail_msg("%s", e.msg);
}

static int set_up_server(void **state, const char *conf, bool jetstream)
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

static int set_up(void **state)
{
    return set_up_server(state, NULL, true);
}

static void open_intake(struct fixture *f, int want)
{
    struct err e = {0};
    if (intake_open(&f->loop, f->link, f->config, &f->subjects, 0, &intake_events, f, &f->intake,
                    &e))
        fail_msg("%s", e.msg);
    intake_want(f->intake, want);
    UNTIL(f, f->ready == 1);
}

/* What a worker that dies does: acks nothing. */
static void forget(struct fixture *f)
{
    for (int i = 0; i < f->job_count; i++) {
        delivery_free(f->jobs[i]);
        f->jobs[i] = NULL;
    }
    f->job_count = f->held = f->held_most = 0;
}

static int tear_down(void **state)
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

static struct jv *ask(struct fixture *f, const char *subject, const char *body, const char *msg_id)
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

static int64_t int_of(const struct jv *object, const char *name)
{
    int64_t n = -1;
    assert_true(jv_int(jv_get(object, name), &n));
    return n;
}

/* The stream's sequence, or minus the server's error code. */
static int64_t submit(struct fixture *f, const char *tenant, enum job_class c, const char *body,
                      const char *msg_id)
{
    char subject[SUBJECT_MAX];
    subject_job(&f->subjects, tenant, c, subject);
    struct jv *ack = ask(f, subject, body, msg_id);
    const struct jv *error = jv_get(ack, "error");
    int64_t n = error ? -int_of(error, "err_code") : int_of(ack, "seq");
    jv_free(ack);
    return n;
}

static void submit_many(struct fixture *f, int count, enum job_class c)
{
    char subject[SUBJECT_MAX];
    subject_job(&f->subjects, "ci", c, subject);
    for (int i = 0; i < count; i++)
        assert_int_equal(link_publish(f->link, subject, NULL, NULL, 0, "{}", 2, NULL), 0);
    assert_int_equal(link_flush(f->link, WAIT_MS, NULL), 0);
}

static int64_t stream_messages(struct fixture *f)
{
    struct jv *info = ask(f, "$JS.API.STREAM.INFO.ISOLANE_JOBS", "", NULL);
    int64_t n = int_of(jv_get(info, "state"), "messages");
    jv_free(info);
    return n;
}

static void ack(struct fixture *f, int n)
{
    assert_true(n < f->job_count && f->jobs[n]);
    intake_ack(f->intake, f->jobs[n]);
    delivery_free(f->jobs[n]);
    f->jobs[n] = NULL;
    f->held--;
}

static void ack_all(struct fixture *f)
{
    for (int i = 0; i < f->job_count; i++)
        if (f->jobs[i])
            ack(f, i);
    f->job_count = 0;
}

/* ---- streams and consumers ---- */

static void assert_text(const struct jv *config, const char *name, const char *text)
{
    const char *s = jv_string(jv_get(config, name), NULL);
    assert_non_null(s);
    assert_string_equal(s, text);
}

static void test_makes_streams_and_consumers(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 16);
    struct jv *jobs = ask(f, "$JS.API.STREAM.INFO.ISOLANE_JOBS", "", NULL);
    const struct jv *c = jv_get(jobs, "config");
    assert_text(c, "retention", "workqueue");
    assert_text(c, "storage", "file");
    assert_text(c, "discard", "new");
    assert_int_equal(jv_count(jv_get(c, "subjects")), 3);
    assert_string_equal(jv_string(jv_at(jv_get(c, "subjects"), 0), NULL), "isolane.jobs.*.high");
    assert_int_equal(int_of(c, "max_msgs"), f->config->nats.max_queued);
    assert_int_equal(int_of(c, "max_bytes"), f->config->nats.max_queued_mb << 20);
    assert_int_equal(int_of(c, "duplicate_window"), 120000000000);
    jv_free(jobs);
    struct jv *results = ask(f, "$JS.API.STREAM.INFO.ISOLANE_RESULTS", "", NULL);
    c = jv_get(results, "config");
    assert_text(c, "retention", "limits");
    assert_true(jv_is_true(jv_get(c, "allow_direct")));
    assert_string_equal(jv_string(jv_at(jv_get(c, "subjects"), 0), NULL), "isolane.results.*.>");
    assert_int_equal(int_of(c, "max_age"), 168ll * 3600 * 1000000000);
    jv_free(results);
    struct jv *info = ask(f, "$JS.API.CONSUMER.INFO.ISOLANE_JOBS.worker_low_ci", "", NULL);
    c = jv_get(info, "config");
    assert_text(c, "ack_policy", "explicit");
    assert_text(c, "filter_subject", "isolane.jobs.ci.low");
    assert_int_equal(int_of(c, "ack_wait"), 1000000000);
    assert_int_equal(int_of(c, "max_deliver"), 20);
    assert_int_equal(int_of(c, "max_ack_pending"), 65536);
    jv_free(info);
}

/* What a test says the log got; log_line() writes to stderr. */
static char *with_stderr(struct fixture *f, void (*run)(struct fixture *))
{
    char path[] = "/tmp/isolane-log-XXXXXX", *text = NULL;
    size_t len = 0;
    fflush(stderr);
    int file = mkstemp(path), saved = dup(2);
    dup2(file, 2);
    log_set_level(LOG_WARN);
    run(f);
    log_set_level(LOG_OFF);
    dup2(saved, 2);
    close(saved);
    close(file);
    assert_int_equal(fs_read_file(path, 1 << 20, &text, &len, NULL), 0);
    unlink(path);
    return text;
}

static void open_sixteen(struct fixture *f)
{
    open_intake(f, 16);
}

static void test_other_settings_are_used_and_named(void **state)
{
    struct fixture *f = *state;
    jv_free(ask(f, "$JS.API.STREAM.CREATE.ISOLANE_JOBS",
                "{\"name\":\"ISOLANE_JOBS\",\"subjects\":[\"isolane.jobs.*.*\"],\"retention\":"
                "\"workqueue\",\"storage\":\"memory\",\"discard\":\"new\",\"max_msgs\":5,\"num_"
                "replicas\":1}",
                NULL));
    char *log = with_stderr(f, open_sixteen);
    assert_non_null(
        strstr(log, "stream ISOLANE_JOBS is there with storage \"memory\", not \"file\""));
    assert_non_null(strstr(log, "max_msgs 5"));
    assert_non_null(strstr(log, "subjects [\"isolane.jobs.*.*\"]"));
    assert_null(strstr(log, "retention"));
    free(log);
    struct jv *jobs = ask(f, "$JS.API.STREAM.INFO.ISOLANE_JOBS", "", NULL);
    assert_text(jv_get(jobs, "config"), "storage", "memory"); /* not changed */
    jv_free(jobs);
    submit(f, "ci", CLASS_NORMAL, "{}", NULL);
    UNTIL(f, f->job_count == 1);
}

static void test_a_second_start_finds_nothing_to_say(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    if (intake_ensure_streams(&f->loop, f->link, f->config, &f->subjects, &e))
        fail_msg("%s", e.msg);
    open_intake(f, 16);
    intake_close(f->intake);
    f->ready = 0;
    char *log = with_stderr(f, open_sixteen);
    assert_string_equal(log, "");
    free(log);
}

static void test_no_jetstream_is_told(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    assert_int_equal(intake_open(&f->loop, f->link, f->config, &f->subjects, 0, &intake_events, f,
                                 &f->intake, &e),
                     0);
    UNTIL(f, f->failed == 1);
    assert_non_null(strstr(f->why.msg, "JetStream is not switched on at nats://127.0.0.1:"));
    assert_non_null(strstr(f->why.msg, "-js"));
    assert_int_equal(intake_ensure_streams(&f->loop, f->link, f->config, &f->subjects, &e),
                     ERR_UNAVAILABLE);
}

static int set_up_no_jetstream(void **state)
{
    return set_up_server(state, NULL, false);
}

static void test_impossible_settings_are_told(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    f->config->nats.replicas = 3;
    assert_int_equal(intake_ensure_streams(&f->loop, f->link, f->config, &f->subjects, &e),
                     ERR_UNAVAILABLE);
    assert_non_null(strstr(e.msg, "cannot make stream ISOLANE_RESULTS"));
    assert_non_null(strstr(e.msg, "nats.replicas over 1 needs a cluster"));
    f->config->nats.replicas = 1;
    f->config->nats.max_queued_mb = 16777216;
    assert_int_equal(intake_ensure_streams(&f->loop, f->link, f->config, &f->subjects, &e),
                     ERR_UNAVAILABLE);
    assert_non_null(strstr(e.msg, "max_queued_mb"));
    f->config->nats.max_queued_mb = 1;
    jv_free(ask(f, "$JS.API.STREAM.CREATE.OTHER",
                "{\"name\":\"OTHER\",\"subjects\":[\"isolane.jobs.>\"]}", NULL));
    assert_int_equal(intake_ensure_streams(&f->loop, f->link, f->config, &f->subjects, &e),
                     ERR_UNAVAILABLE);
    assert_non_null(strstr(e.msg, "another stream takes these subjects"));
}

/* ---- jobs ---- */

static void test_a_job_comes_with_all_that_is_known(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 16);
    int64_t before = clock_real_us();
    int64_t seq = submit(f, "ci", CLASS_HIGH, "{\"script\":\"1\"}", "build-7");
    UNTIL(f, f->job_count == 1);
    struct delivery *d = f->jobs[0];
    assert_string_equal(d->subject, "isolane.jobs.ci.high");
    assert_string_equal(d->data, "{\"script\":\"1\"}");
    assert_int_equal(d->len, 14);
    assert_string_equal(d->msg_id, "build-7");
    assert_int_equal(d->stream_seq, seq);
    assert_int_equal(d->delivered, 1);
    assert_true(d->published_at_us > before - 1000000 && d->published_at_us < before + 5000000);
    submit(f, "ci", CLASS_LOW, "", NULL);
    UNTIL(f, f->job_count == 2);
    assert_null(f->jobs[1]->msg_id);
    assert_int_equal(f->jobs[1]->len, 0);
    ack_all(f);
    UNTIL(f, stream_messages(f) == 0);
}

static void test_a_lone_job_comes_at_once(void **state)
{
    struct fixture *f = *state;
    int64_t best = INT64_MAX, sum = 0;
    open_intake(f, 16);
    f->ack_at_once = true;
    turn_for(f, 50);
    for (int i = 0; i < 100; i++) {
        int64_t from = clock_mono_us();
        assert_int_equal(
            link_publish(f->link, "isolane.jobs.ci.normal", NULL, NULL, 0, "{}", 2, NULL), 0);
        while (f->job_count == i)
            uv_run(&f->loop, UV_RUN_ONCE);
        int64_t took = clock_mono_us() - from;
        best = took < best ? took : best;
        sum += took;
        turn_for(f, 2);
    }
    print_message("# publish to handed out: best %" PRId64 " us, mean %" PRId64 " us\n", best,
                  sum / 100);
    assert_true(sum / 100 < 50000);
}

static void test_never_more_than_wanted_is_held(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 10);
    submit_many(f, 100, CLASS_NORMAL);
    UNTIL(f, f->job_count == 10);
    turn_for(f, 300);
    assert_int_equal(f->job_count, 10);
    ack(f, 0);
    turn_for(f, 100);
    assert_int_equal(f->job_count, 10); /* a quarter has to be free before more is asked for */
    ack(f, 1);
    UNTIL(f, f->job_count == 12);
    assert_int_equal(f->held_most, 10);
    submit_many(f, 20, CLASS_HIGH); /* each class has its own room */
    UNTIL(f, f->job_count == 22);
}

static void test_room_for_one(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 1);
    submit_many(f, 5, CLASS_NORMAL);
    for (int i = 0; i < 5; i++) {
        UNTIL(f, f->job_count == i + 1);
        ack(f, i);
    }
    UNTIL(f, stream_messages(f) == 0);
    assert_int_equal(f->held_most, 1);
}

static void test_ten_thousand_flow_through(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 64);
    f->ack_at_once = true;
    int64_t from = clock_mono_us();
    for (int i = 0; i < 10; i++)
        submit_many(f, 1000, (enum job_class)(i % CLASSES));
    UNTIL(f, f->job_count == 10000);
    print_message("# 10000 jobs published, pulled and acked in %" PRId64 " ms\n",
                  (clock_mono_us() - from) / 1000);
    assert_true(f->held_most <= 3 * 64);
    UNTIL(f, stream_messages(f) == 0);
    assert_int_equal(f->job_count, 10000); /* none twice */
}

/* 64 MiB a class, whatever the number: 40 jobs of 4 MB do not fit. */
static void test_bytes_held_are_bounded(void **state)
{
    struct fixture *f = *state;
    size_t n = 4000000;
    char *body = mem_alloc(n + 1);
    memset(body, ' ', n);
    open_intake(f, 256);
    for (int i = 0; i < 40; i++)
        assert_true(submit(f, "ci", CLASS_NORMAL, body, NULL) > 0);
    free(body);
    UNTIL(f, f->job_count >= 10);
    turn_for(f, 500);
    int first = f->job_count;
    assert_true(first >= 10 && first <= 17);
    f->ack_at_once = true;
    for (int i = 0; i < first; i++)
        ack(f, i);
    UNTIL(f, f->job_count == 40);
}

static int set_up_large(void **state)
{
    return set_up_server(state, "max_payload: 8MB\n", true);
}

static void test_duplicates_are_stored_once(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 16);
    int64_t seq = submit(f, "ci", CLASS_NORMAL, "{}", "same");
    assert_int_equal(submit(f, "ci", CLASS_NORMAL, "{}", "same"), seq);
    UNTIL(f, f->job_count == 1);
    turn_for(f, 200);
    assert_int_equal(f->job_count, 1);
}

static void test_a_full_queue_refuses_its_publisher(void **state)
{
    struct fixture *f = *state;
    f->config->nats.max_queued = 3;
    open_intake(f, 1);
    for (int i = 0; i < 3; i++)
        assert_true(submit(f, "ci", CLASS_NORMAL, "{}", NULL) > 0);
    assert_int_equal(submit(f, "ci", CLASS_NORMAL, "{}", NULL), -10077);
    UNTIL(f, f->job_count == 1); /* the answers to a publisher may be quicker than the delivery */
    ack(f, 0);
    UNTIL(f, stream_messages(f) == 2);
    assert_true(submit(f, "ci", CLASS_NORMAL, "{}", NULL) > 0);
}

static void test_a_class_that_does_not_exist_is_refused(void **state)
{
    struct fixture *f = *state;
    struct link_msg *m = NULL;
    struct err e = {0};
    open_intake(f, 1);
    assert_int_equal(
        link_request_wait(f->link, "isolane.jobs.ci.urgent", NULL, 0, "{}", 2, WAIT_MS, &m, &e),
        ERR_UNAVAILABLE);
}

/* ---- redelivery ---- */

static void test_unacked_comes_again(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 16);
    int64_t seq = submit(f, "ci", CLASS_NORMAL, "{}", NULL);
    UNTIL(f, f->job_count == 1);
    forget(f); /* freed without a word: in-progress ends too */
    UNTIL(f, f->job_count == 1);
    assert_int_equal(f->jobs[0]->stream_seq, seq);
    assert_int_equal(f->jobs[0]->delivered, 2);
    ack_all(f);
    UNTIL(f, stream_messages(f) == 0);
}

static void test_in_progress_keeps_a_long_job(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 16);
    submit_many(f, 8, CLASS_NORMAL);
    UNTIL(f, f->job_count == 8);
    turn_for(f, 3500); /* three and a half times ack_wait */
    assert_int_equal(f->job_count, 8);
    ack_all(f);
    UNTIL(f, stream_messages(f) == 0);
}

static void test_hand_back_with_and_without_delay(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 16);
    submit(f, "ci", CLASS_NORMAL, "{}", NULL);
    UNTIL(f, f->job_count == 1);
    int64_t from = clock_mono_us();
    intake_hand_back(f->intake, f->jobs[0], 0);
    UNTIL(f, f->job_count == 2);
    assert_true(clock_mono_us() - from < 900000); /* not by ack_wait */
    from = clock_mono_us();
    intake_hand_back(f->intake, f->jobs[1], 400);
    UNTIL(f, f->job_count == 3);
    int64_t took = clock_mono_us() - from;
    assert_true(took >= 390000 && took < 950000);
    assert_int_equal(f->jobs[2]->delivered, 3);
    intake_ack(f->intake, f->jobs[2]);
    intake_ack(f->intake, f->jobs[2]); /* a second word about it is not sent */
}

static void test_max_deliver_ends_it(void **state)
{
    struct fixture *f = *state;
    f->config->nats.max_deliver = 3;
    open_intake(f, 16);
    submit(f, "ci", CLASS_NORMAL, "{}", NULL);
    for (int i = 0; i < 3; i++) {
        UNTIL(f, f->job_count == i + 1);
        assert_int_equal(f->jobs[i]->delivered, i + 1);
        intake_hand_back(f->intake, f->jobs[i], 0);
    }
    turn_for(f, 500);
    assert_int_equal(f->job_count, 3);
    assert_int_equal(stream_messages(f), 1); /* it stays in the stream: not lost, but nobody's */
}

/* ---- losses ---- */

static void test_server_restart_loses_nothing(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 16);
    submit_many(f, 40, CLASS_NORMAL);
    UNTIL(f, f->job_count == 16);
    for (int i = 0; i < 4; i++)
        ack(f, i);
    UNTIL(f, f->job_count == 20);
    nats_server_end(&f->server, SIGKILL);
    UNTIL(f, !link_is_up(f->link));
    for (int i = 4; i < 8; i++)
        ack(f, i); /* kept, sent after the reconnect */
    nats_server_start(&f->server);
    UNTIL(f, f->connected == 2);
    f->ack_at_once = true;
    for (int i = 8; i < 20; i++)
        ack(f, i);
    UNTIL(f, stream_messages(f) == 0);
    forget(f);
    submit(f, "ci", CLASS_NORMAL, "{}", NULL); /* and pulling goes on */
    UNTIL(f, f->job_count == 1);
}

static void test_a_worker_that_dies_leaves_its_jobs(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 16);
    submit_many(f, 10, CLASS_NORMAL);
    UNTIL(f, f->job_count == 10);
    intake_close(f->intake);
    forget(f);
    f->ready = 0;
    open_intake(f, 16);
    UNTIL(f, f->job_count == 10);
    for (int i = 0; i < 10; i++)
        assert_int_equal(f->jobs[i]->delivered, 2);
}

static void test_deleted_streams_are_made_again(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 16);
    jv_free(ask(f, "$JS.API.STREAM.DELETE.ISOLANE_JOBS", "", NULL));
    turn_for(f, 1500);
    assert_true(submit(f, "ci", CLASS_NORMAL, "{}", NULL) > 0);
    UNTIL(f, f->job_count == 1);
    ack_all(f);
    UNTIL(f, stream_messages(f) == 0);
    jv_free(ask(f, "$JS.API.CONSUMER.DELETE.ISOLANE_JOBS.worker_normal_ci", "", NULL));
    turn_for(f, 1500);
    assert_true(submit(f, "ci", CLASS_NORMAL, "{}", NULL) > 0);
    UNTIL(f, f->job_count == 1);
    assert_int_equal(f->failed, 0);
}

/* ---- the end ---- */

static void test_stop_takes_no_more_but_acks(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 16);
    submit_many(f, 3, CLASS_NORMAL);
    UNTIL(f, f->job_count == 3);
    intake_stop(f->intake);
    submit_many(f, 5, CLASS_NORMAL);
    turn_for(f, 200);
    assert_int_equal(f->job_count, 3);
    ack_all(f);
    UNTIL(f, stream_messages(f) == 5);
    intake_close(f->intake);
    f->ready = 0;
    int64_t from = clock_mono_us();
    open_intake(f,
                16); /* another worker has them at once: none is stuck with the one that stopped */
    UNTIL(f, f->job_count == 5);
    assert_true(clock_mono_us() - from < 900000);
}

static void test_deliveries_outlive_the_intake(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 16);
    submit_many(f, 3, CLASS_NORMAL);
    UNTIL(f, f->job_count == 3);
    intake_close(f->intake);
    f->intake = NULL;
    assert_string_equal(f->jobs[0]->data, "{}"); /* tear_down() frees them */
}

/* ---- ack subjects ---- */

static void test_ack_subjects(void **state)
{
    (void)state;
    struct ack_facts a;
    assert_true(ack_subject_parse("$JS.ACK.S.C.3.17.9.1700000000123456789.5", &a));
    assert_int_equal(a.delivered, 3);
    assert_int_equal(a.stream_seq, 17);
    assert_int_equal(a.stored_at_us, 1700000000123456);
    assert_int_equal(a.pending, 5);
    assert_true(ack_subject_parse("$JS.ACK.hub.ABCD.S.C.1.2.3.4000.5", &a));
    assert_int_equal(a.delivered, 1);
    assert_int_equal(a.stream_seq, 2);
    assert_int_equal(a.stored_at_us, 4);
    assert_true(ack_subject_parse("$JS.ACK._.ABCD.S.C.1.2.3.4000.5.rand", &a));
    assert_int_equal(a.pending, 5);
    const char *bad[] = {"",
                         "$JS.ACK.",
                         "$JS.ACK.S.C.3.17.9.1",
                         "$JS.ACK.S.C.3.17.9.x.5",
                         "$JS.ACK.S.C.3.17.9.1.5.6",
                         "$JS.ACK.S.C..17.9.1.5",
                         "_INBOX.a.b",
                         "$JS.ACK.S.C.99999999999999999999.17.9.1.5",
                         "$JS.ACK.........."};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(ack_subject_parse(bad[i], &a));
}

static int stop_library(void **state)
{
    (void)state;
    link_library_stop();
    return 0;
}

#define WITH_SERVER(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ack_subjects),
        WITH_SERVER(test_makes_streams_and_consumers),
        WITH_SERVER(test_other_settings_are_used_and_named),
        WITH_SERVER(test_a_second_start_finds_nothing_to_say),
        cmocka_unit_test_setup_teardown(test_no_jetstream_is_told, set_up_no_jetstream, tear_down),
        WITH_SERVER(test_impossible_settings_are_told),
        WITH_SERVER(test_a_job_comes_with_all_that_is_known),
        WITH_SERVER(test_a_lone_job_comes_at_once),
        WITH_SERVER(test_never_more_than_wanted_is_held),
        WITH_SERVER(test_room_for_one),
        WITH_SERVER(test_ten_thousand_flow_through),
        cmocka_unit_test_setup_teardown(test_bytes_held_are_bounded, set_up_large, tear_down),
        WITH_SERVER(test_duplicates_are_stored_once),
        WITH_SERVER(test_a_full_queue_refuses_its_publisher),
        WITH_SERVER(test_a_class_that_does_not_exist_is_refused),
        WITH_SERVER(test_unacked_comes_again),
        WITH_SERVER(test_in_progress_keeps_a_long_job),
        WITH_SERVER(test_hand_back_with_and_without_delay),
        WITH_SERVER(test_max_deliver_ends_it),
        WITH_SERVER(test_server_restart_loses_nothing),
        WITH_SERVER(test_a_worker_that_dies_leaves_its_jobs),
        WITH_SERVER(test_deleted_streams_are_made_again),
        WITH_SERVER(test_stop_takes_no_more_but_acks),
        WITH_SERVER(test_deliveries_outlive_the_intake),
    };
    log_set_level(LOG_OFF);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, stop_library);
}
