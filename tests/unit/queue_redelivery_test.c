/* Jobs out of a real JetStream that are not acked at once: redelivery, in-progress, hand-back, what
 * is lost and found again, the end of an intake; and what an ack's subject says. */
#include "tests/unit/queue_intake.h"

#include "link/acksubject.h"

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
    f->config->nats.ack_wait_ms = 2000;
    open_intake(f, 16);
    publish(f, "ci", CLASS_NORMAL, 8);
    UNTIL(f, f->job_count == 8);
    turn_for(f, 5000); /* two and a half times ack_wait */
    assert_int_equal(f->job_count, 8);
    ack_all(f);
    UNTIL(f, stream_messages(f) == 0);
}

static void test_hand_back_with_and_without_delay(void **state)
{
    struct fixture *f = *state;
    f->config->nats.ack_wait_ms =
        WAIT_MS * 10; /* what comes again in time, comes not by ack_wait */
    open_intake(f, 16);
    submit(f, "ci", CLASS_NORMAL, "{}", NULL);
    UNTIL(f, f->job_count == 1);
    intake_hand_back(f->intake, f->jobs[0], 0);
    UNTIL(f, f->job_count == 2);
    int64_t from = clock_mono_us();
    intake_hand_back(f->intake, f->jobs[1], 400);
    UNTIL(f, f->job_count == 3);
    assert_true(clock_mono_us() - from >= 390000);
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
    publish(f, "ci", CLASS_NORMAL, 40);
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
    publish(f, "ci", CLASS_NORMAL, 10);
    UNTIL(f, f->job_count == 10);
    intake_close(f->intake);
    forget(f);
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
    f->config->nats.ack_wait_ms = WAIT_MS * 10;
    open_intake(f, 16);
    publish(f, "ci", CLASS_NORMAL, 3);
    UNTIL(f, f->job_count == 3);
    intake_stop(f->intake);
    publish(f, "ci", CLASS_NORMAL, 5);
    turn_for(f, 200);
    assert_int_equal(f->job_count, 3);
    ack_all(f);
    UNTIL(f, stream_messages(f) == 5);
    intake_close(f->intake);
    open_intake(
        f, 16); /* another worker has them long before ack_wait: none is stuck with the first */
    UNTIL(f, f->job_count == 5);
}

static void test_deliveries_outlive_the_intake(void **state)
{
    struct fixture *f = *state;
    open_intake(f, 16);
    publish(f, "ci", CLASS_NORMAL, 3);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ack_subjects),
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
