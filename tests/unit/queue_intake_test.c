/* Jobs out of a real JetStream: the streams and consumers an intake makes or finds, pulling within
 * bounds, what a publisher is told. What happens to a job that is not acked at once is in
 * queue_redelivery_test.c. */
#include "tests/unit/queue_intake.h"

#include <inttypes.h>

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
    assert_true(best < 50000); /* the mean is the machine's, when it pauses */
}

static void test_never_more_than_wanted_is_held(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 10);
    publish(f, "ci", CLASS_NORMAL, 100);
    UNTIL(f, f->job_count == 10);
    turn_for(f, 300);
    assert_int_equal(f->job_count, 10);
    ack(f, 0);
    turn_for(f, 100);
    assert_int_equal(f->job_count, 10); /* a quarter has to be free before more is asked for */
    ack(f, 1);
    UNTIL(f, f->job_count == 12);
    assert_int_equal(f->held_most, 10);
    publish(f, "ci", CLASS_HIGH, 20); /* each class has its own room */
    UNTIL(f, f->job_count == 22);
}

static void test_room_for_one(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 1);
    publish(f, "ci", CLASS_NORMAL, 5);
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
        publish(f, "ci", (enum job_class)(i % CLASSES), 1000);
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
    f->config->nats.ack_wait_ms =
        WAIT_MS * 10; /* nothing comes twice, or is on its way at the end */
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
    UNTIL(f, stream_messages(f) == 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    log_set_level(LOG_OFF);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, stop_library);
}
