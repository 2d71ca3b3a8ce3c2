/* The commands that talk to NATS, against a real nats-server and a worker that plays its part
 * (tests/unit/cli_fake_worker.h). Each is run as main() would run it; what it prints is read back.
 */
#include "tests/unit/cli_run.h"

#include "base/clock.h"
#include "tests/unit/cli_fake_worker.h"

static struct nats_server server;
static struct fake_worker worker;

static int start_all(void **state)
{
    struct err e;
    if (make_test_dir(state) || chdir(test_dir))
        return -1;
    nats_server_init(&server);
    nats_server_start(&server);
    setenv("NATS_URL", server.url, 1);
    setenv("HOME", test_dir, 1);
    make_key(&worker.key, "worker.key");
    worker.url = server.url;
    fake_worker_start(&worker);
    return fs_write_file("ok.js", "1", 1, 0600, false, &e);
}

static int stop_all(void **state)
{
    fake_worker_stop(&worker);
    nats_server_remove(&server);
    forget_said();
    return remove_test_dir(state);
}

/* ---- submit ---- */

static void submit_prints_the_id(void **state)
{
    (void)state;
    EXPECT(0, &command_submit, "submit ok.js --id ok-1", "ok-1\n", NULL);
    assert_string_equal(said_out, "ok-1\n");
    EXPECT(0, &command_submit, "submit ok.js", "\n", NULL);
    assert_true(atoi(said_out) > 1); /* the stream sequence */
    EXPECT(0, &command_submit, "submit ok.js --id ok-2 --class high --tenant ci --json",
           "{\"id\":\"ok-2\",\"tenant\":\"ci\",\"class\":\"high\",\"stream\":\"ISOLANE_JOBS\","
           "\"seq\":",
           NULL);
    assert_non_null(strstr(said_out, "\"duplicate\":false}\n"));
}

static void submitting_twice_is_one_job(void **state)
{
    (void)state;
    EXPECT(0, &command_submit, "submit ok.js --id ok-twice", "ok-twice\n", NULL);
    EXPECT(0, &command_submit, "submit ok.js --id ok-twice", "ok-twice\n",
           "job ok-twice was submitted before");
}

static void submit_waits_and_exits_by_the_outcome(void **state)
{
    (void)state;
    EXPECT(0, &command_submit, "submit ok.js --id ok-3 --wait", "outcome   ok\n", NULL);
    EXPECT(1, &command_submit, "submit ok.js --id threw-1 --wait=20", "outcome   threw\n", NULL);
    EXPECT(0, &command_submit, "submit ok.js --id ok-4 --wait --json", "{\"id\":\"ok-4\",", NULL);
    /* Without an id of its own the result may be there before anyone can listen. */
    EXPECT(0, &command_submit, "submit ok.js --wait=20 --json", "\"outcome\":\"ok\"", NULL);
}

static void submit_gives_up_in_time(void **state)
{
    (void)state;
    EXPECT(1, &command_submit, "submit ok.js --id mute-1 --wait=1", NULL,
           "isolane: waited 1 s; job 'mute-1' has no result yet, its state is unknown\n");
}

static void submit_names_what_the_server_says(void **state)
{
    (void)state;
    char *big = mem_alloc(1200000);
    memset(big, ' ', 1200000);
    EXPECT(3, &command_submit, "submit ok.js --set nats.prefix=nowhere", NULL,
           "nobody takes nowhere.jobs.default.normal at nats://127.0.0.1:");
    assert_non_null(strstr(said_err, "is a worker running?"));
    EXPECT(0, &command_submit, "submit ok.js --set nats.prefix=full", "1\n", NULL);
    EXPECT(3, &command_submit, "submit ok.js --set nats.prefix=full", NULL,
           "the server refused the job: maximum messages exceeded: the queue is full");
    assert_int_equal(fs_write_file("big.js", big, 1200000, 0600, false, NULL), 0);
    EXPECT(3, &command_submit, "submit big.js", NULL, "the server takes at most 1048576");
    free(big);
}

static void submit_refuses_what_cannot_be(void **state)
{
    (void)state;
    EXPECT(2, &command_submit, "submit ok.js --id 17", NULL,
           "--id: found '17'; allowed: an id with");
    EXPECT(2, &command_submit, "submit ok.js --id a..b", NULL, "found the job id 'a..b'; allowed:");
    EXPECT(2, &command_submit, "submit ok.js --tenant a.b", NULL,
           "--tenant: found 'a.b'; allowed:");
    EXPECT(2, &command_submit, "submit ok.js --set pool=0", NULL,
           "--set: pool: found '0'; allowed:");
    EXPECT(2, &command_submit, "submit ok.js --nats http://x", NULL, "--nats: nats.url: found");
    EXPECT(2, &command_submit, "submit none.js", NULL, "cannot open none.js: No such file");
    EXPECT(3, &command_submit, "submit ok.js --nats nats://127.0.0.1:1", NULL, "127.0.0.1:1");
}

/* ---- result ---- */

static void result_shows_what_there_is(void **state)
{
    (void)state;
    EXPECT(0, &command_result, "result ok-9", "job       ok-9 (tenant default", NULL);
    EXPECT(1, &command_result, "result threw-9 --json", "\"outcome\":\"threw\"", NULL);
    EXPECT(0, &command_result, "result ok-9 --envelope",
           "\"payloadType\":\"application/vnd.in-toto+json\"", NULL);
}

static void result_says_the_state(void **state)
{
    (void)state;
    EXPECT(1, &command_result, "result running-1",
           "job running-1 is running (attempt 2, since 2026-11-21T08:57:00.000001Z)\n", NULL);
    EXPECT(1, &command_result, "result running-1 --json", "\"state\":\"running\"", NULL);
    EXPECT(1, &command_result, "result never", "job never is unknown (no worker has it", NULL);
    EXPECT(3, &command_result, "result refused-1", NULL,
           "isolane: the worker answers: id: several tenants have it\n");
}

static void result_waits(void **state)
{
    (void)state;
    EXPECT(0, &command_result, "result soon-1 --wait", "job       soon-1 ", NULL);
    EXPECT(0, &command_result, "result soon-2 --wait=20 --tenant default", "soon-2 ", NULL);
    EXPECT(1, &command_result, "result running-2 --wait=1", NULL,
           "waited 1 s; job 'running-2' has no result yet, its state is running\n");
}

static void without_a_worker_the_stream_answers(void **state)
{
    (void)state;
    static const char quiet[] = "--set nats.prefix=quiet --set nats.stream_prefix=QUIET";
    char line[256];
    snprintf(line, sizeof line, "result stored %s", quiet);
    EXPECT(0, &command_result, line, "job       stored ", NULL);
    snprintf(line, sizeof line, "result other %s", quiet);
    EXPECT(1, &command_result, line, NULL,
           "no worker answers, and the results stream has no result of job 'other' of tenant "
           "'default'");
    snprintf(line, sizeof line, "result other --json %s", quiet);
    EXPECT(1, &command_result, line, "{\"id\":\"other\",\"state\":\"unknown\"}\n", "no worker");
    EXPECT(3, &command_result, "result other --set nats.prefix=no --set nats.stream_prefix=NO",
           NULL, "is a worker running at nats://127.0.0.1:");
}

static void several_results_are_a_table(void **state)
{
    (void)state;
    EXPECT(1, &command_result, "result ok-1 threw-1 running-1 never",
           "4 jobs: 1 ok, 1 threw, 2 without a result; cpu ", NULL);
    EXPECT(0, &command_result, "result ok-1 soon-3 --wait=20", "2 jobs: 2 ok; cpu ", NULL);
    EXPECT(1, &command_result, "result ok-1 running-1 --json", "{\"id\":\"ok-1\"", NULL);
    assert_non_null(strstr(said_out, "}\n{\"id\":\"running-1\""));
}

/* ---- logs ---- */

static void logs_print_both_streams(void **state)
{
    (void)state;
    EXPECT(0, &command_logs, "logs ok-1", "one\ntwo\nthree\n", "oops");
    assert_string_equal(said_out, "one\ntwo\nthree\n");
    EXPECT(1, &command_logs, "logs threw-1", "one\ntwo\nthree\n", "oops");
    EXPECT(1, &command_logs, "logs running-1", NULL, "has no result yet; -f follows it");
    EXPECT(0, &command_logs, "logs ok-1 --json",
           "{\"stream\":\"stdout\",\"attempt\":2,\"offset\":0,\"data\":\"one\\ntwo\\nthree\\n\"}\n",
           "the output was cut");
}

/* A chunk came twice, one overlapped, one was lost, one was of an attempt long gone. */
static void following_leaves_no_gap_and_repeats_nothing(void **state)
{
    (void)state;
    EXPECT(0, &command_logs, "logs live-1 -f", "cut offone\ntwo\nthree\n",
           "attempt 2 of job live-1 begins");
    assert_string_equal(said_out, "cut offone\ntwo\nthree\n");
    /* stderr's first chunk began at 2: nothing is printed before the result has the beginning. */
    assert_non_null(strstr(said_err, "begins\noops"));
    EXPECT(0, &command_logs, "logs ok-1 --follow", "one\ntwo\nthree\n", "oops");
}

static void who_comes_late_is_told_what_was_before(void **state)
{
    (void)state;
    EXPECT(0, &command_logs, "logs joined-1 -f", "one\ntwo\nthree\n", "oops");
    assert_string_equal(said_out, "one\ntwo\nthree\n");
    assert_null(strstr(said_err, "runs already"));
}

/* ---- cancel ---- */

static void the_best_answer_to_cancel_counts(void **state)
{
    (void)state;
    EXPECT(0, &command_cancel, "cancel running-1", "job running-1 is being cancelled\n", NULL);
    EXPECT(1, &command_cancel, "cancel ok-1 --json", "{\"id\":\"ok-1\",\"state\":\"done\"}\n",
           NULL);
    EXPECT(1, &command_cancel, "cancel ok-1", "job ok-1 is done already\n", NULL);
    EXPECT(1, &command_cancel, "cancel never", "job never is not with any worker now", NULL);
    int64_t began = clock_mono_us();
    EXPECT(3, &command_cancel, "cancel x --set nats.prefix=nowhere", NULL, "no worker answers at");
    assert_true(clock_mono_us() - began < 2500000); /* told by the server, not by a time-out */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(submit_prints_the_id),
        cmocka_unit_test(submitting_twice_is_one_job),
        cmocka_unit_test(submit_waits_and_exits_by_the_outcome),
        cmocka_unit_test(submit_gives_up_in_time),
        cmocka_unit_test(submit_names_what_the_server_says),
        cmocka_unit_test(submit_refuses_what_cannot_be),
        cmocka_unit_test(result_shows_what_there_is),
        cmocka_unit_test(result_says_the_state),
        cmocka_unit_test(result_waits),
        cmocka_unit_test(without_a_worker_the_stream_answers),
        cmocka_unit_test(several_results_are_a_table),
        cmocka_unit_test(logs_print_both_streams),
        cmocka_unit_test(following_leaves_no_gap_and_repeats_nothing),
        cmocka_unit_test(who_comes_late_is_told_what_was_before),
        cmocka_unit_test(the_best_answer_to_cancel_counts),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
