/* Messages and requests between connections, against a real nats-server: parts, order, subjects,
 * groups, answers, and requests that get none. */
#include "tests/unit/link_talk.h"

/* ---- messages ---- */

static void test_messages_come_in_order_with_their_parts(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    subscribe(f->link, "a.*", &s);
    struct link_header h = {"Some-Header", "some value"};
    assert_int_equal(link_publish(f->link, "a.b", "re.ply", &h, 1, "one", 3, NULL), 0);
    UNTIL(f, s.count == 1);
    assert_string_equal(s.last, "one");
    assert_string_equal(s.subject, "a.b");
    assert_string_equal(s.header, "some value");
    publish(f->link, "a.c", "two");
    publish(f->link, "a.d", "");
    UNTIL(f, s.count == 3);
    assert_false(s.has_header);
    assert_string_equal(s.subject, "a.d");
    assert_string_equal(s.last, "");
}

static void test_binary_and_large_payloads(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    subscribe(f->link, "big", &s);
    size_t n = 1 << 20;
    char *data = mem_alloc(n + 1);
    memset(data, 0, n);
    assert_int_equal(link_publish(f->link, "big", NULL, NULL, 0, data, n, NULL), 0);
    UNTIL(f, s.count == 1);
    assert_int_equal(s.bytes, n);
    struct err e = {0};
    assert_int_equal(link_publish(f->link, "big", NULL, NULL, 0, data, n + 1, &e), ERR_LIMIT);
    assert_non_null(strstr(e.msg, "1048577 bytes"));
    assert_non_null(strstr(e.msg, "max_payload of 1048576"));
    free(data);
}

static void test_many_in_one_turn(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    subscribe(f->link, "many", &s);
    for (int i = 0; i < 20000; i++)
        publish(f->link, "many", "0123456789");
    UNTIL(f, s.count == 20000);
    assert_int_equal(s.bytes, 200000);
}

static void test_subject_cannot_break_the_protocol(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    struct link_header bad = {"Name", "a\r\nPUB x 0"};
    struct seen s = {0};
    struct link_sub *sub = NULL;
    assert_int_equal(link_publish(f->link, "a b", NULL, NULL, 0, "", 0, &e), ERR_INVALID);
    assert_int_equal(link_publish(f->link, "a\r\n", NULL, NULL, 0, "", 0, &e), ERR_INVALID);
    assert_int_equal(link_publish(f->link, "", NULL, NULL, 0, "", 0, &e), ERR_INVALID);
    assert_int_equal(link_publish(f->link, "a", "x y", NULL, 0, "", 0, &e), ERR_INVALID);
    assert_int_equal(link_publish(f->link, "a", NULL, &bad, 1, "", 0, &e), ERR_INVALID);
    for (size_t at = 0; at < 18; at++) { /* wherever it stands */
        static const char refused[] = "\x01\x1f\n\x7f";
        char value[] = "gr\xc3\xb6\xc3\x9f"
                       "e ~ 0123456789ab";
        struct link_header h = {"Name", value};
        assert_int_equal(link_publish(f->link, "a", NULL, &h, 1, "", 0, &e), 0);
        value[at] = refused[at % 4];
        assert_int_equal(link_publish(f->link, "a", NULL, &h, 1, "", 0, &e), ERR_INVALID);
    }
    assert_int_equal(link_subscribe(f->link, "a b", NULL, 0, on_msg, &s, &sub, &e), ERR_INVALID);
    assert_true(link_is_up(f->link));
}

static void test_unsubscribe(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0}, other = {0};
    struct link_sub *sub = subscribe(f->link, "u", &s);
    subscribe(f->link, "u", &other);
    s.unsubscribe = sub; /* from inside its own handler, with more waiting */
    for (int i = 0; i < 10; i++)
        publish(f->link, "u", "x");
    UNTIL(f, other.count == 10);
    assert_int_equal(s.count, 1);
    link_unsubscribe(NULL);
}

static void test_drain_hands_out_what_is_under_way(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0}, other = {0};
    struct link_sub *sub = subscribe(f->link, "d", &s);
    subscribe(f->link, "d", &other);
    for (int i = 0; i < 10; i++)
        publish(f->link, "d", "x");
    link_drain(sub); /* goes out behind those ten */
    for (int i = 0; i < 10; i++)
        publish(f->link, "d", "y");
    UNTIL(f, other.count == 20);
    assert_int_equal(s.count, 10);
    link_unsubscribe(sub);
}

static void test_queue_group(void **state)
{
    struct fixture *f = *state;
    struct seen a = {0}, b = {0};
    struct link_sub *sub = NULL;
    assert_int_equal(link_subscribe(f->link, "q", "g", 0, on_msg, &a, &sub, NULL), 0);
    assert_int_equal(link_subscribe(f->link, "q", "g", 0, on_msg, &b, &sub, NULL), 0);
    for (int i = 0; i < 100; i++)
        publish(f->link, "q", "x");
    UNTIL(f, a.count + b.count == 100);
    assert_int_equal(link_flush(f->link, WAIT_MS, NULL), 0);
    assert_int_equal(a.count + b.count, 100);
}

static void keep_it(struct link_msg *m, void *arg)
{
    struct seen *s = arg;
    s->count++;
    s->kept = link_msg_keep(m);
}

static void test_a_kept_message_outlives_the_handler(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    struct link_sub *sub = NULL;
    struct link_header h = {"Some-Header", "v"};
    assert_int_equal(link_subscribe(f->link, "keep", NULL, 0, keep_it, &s, &sub, NULL), 0);
    assert_int_equal(link_publish(f->link, "keep", "r", &h, 1, "text", 4, NULL), 0);
    UNTIL(f, s.count == 1);
    link_unsubscribe(sub);
    assert_memory_equal(s.kept->data, "text", 5); /* a NUL stands behind */
    assert_string_equal(s.kept->subject, "keep");
    assert_string_equal(s.kept->reply, "r");
    assert_string_equal(link_msg_header(s.kept, "Some-Header"), "v");
    link_msg_free(s.kept);
    link_msg_free(NULL);
}

/* ---- requests ---- */

static void test_request_and_reply(void **state)
{
    struct fixture *f = *state;
    struct link *other = open_link(f);
    struct seen s = {.answer_on = other};
    subscribe(other, "echo", &s);
    assert_int_equal(link_flush(other, WAIT_MS, NULL), 0);
    struct link_msg *m = NULL;
    struct err e = {0};
    assert_int_equal(link_request_wait(f->link, "echo", NULL, 0, "hello", 5, WAIT_MS, &m, &e), 0);
    assert_memory_equal(m->data, "hello", 5);
    link_msg_free(m);
    link_close(other, 1000);
}

static void test_many_requests_each_get_their_own_reply(void **state)
{
    struct fixture *f = *state;
    struct link *other = open_link(f);
    struct seen s = {.answer_on = other};
    struct answers a = {0}, none = {0};
    subscribe(other, "echo", &s);
    assert_int_equal(link_flush(other, WAIT_MS, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        bool lost = i % 10 == 0;
        assert_int_equal(link_request(f->link, lost ? "nobody" : "echo", NULL, 0, "x", 1, WAIT_MS,
                                      on_answer, lost ? &none : &a, NULL),
                         0);
    }
    UNTIL(f, a.ok == 900 && none.failed == 100);
    assert_int_equal(none.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(none.why, "'nobody' (no responders)"));
    link_close(other, 1000);
}

static void test_of_many_requests_one_without_an_answerer_fails_those_that_wait(void **state)
{
    struct fixture *f = *state;
    struct link *other = open_link(f);
    struct seen s = {.answer_on = other}, silent = {0};
    struct answers a = {0}, waiting = {0}, alone = {0};
    subscribe(other, "echo", &s);
    subscribe(other, "silent", &silent);
    assert_int_equal(link_flush(other, WAIT_MS, NULL), 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(
            link_request_many(f->link, "echo", NULL, 0, "x", 1, WAIT_MS, on_answer, &a, NULL), 0);
    UNTIL(f, a.ok == 1000);
    link_request(f->link, "silent", NULL, 0, "", 0, 60000, on_answer, &alone, NULL);
    link_request_many(f->link, "silent", NULL, 0, "", 0, 60000, on_answer, &waiting, NULL);
    link_request_many(f->link, "nobody", NULL, 0, "", 0, 60000, on_answer, &waiting, NULL);
    UNTIL(f, waiting.failed == 2);
    assert_int_equal(waiting.code, ERR_UNAVAILABLE);
    assert_int_equal(alone.failed, 0);
    assert_int_equal(a.failed, 0);
    link_request_many(f->link, "echo", NULL, 0, "x", 1, WAIT_MS, on_answer, &a, NULL);
    UNTIL(f, a.ok == 1001);
    link_close(other, 1000);
}

static void test_request_times_out(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    struct answers early = {0}, late = {0};
    subscribe(f->link, "silent", &s);
    int64_t from = clock_mono_us();
    link_request(f->link, "silent", NULL, 0, "", 0, 300, on_answer, &late, NULL);
    link_request(f->link, "silent", NULL, 0, "", 0, 50, on_answer, &early, NULL);
    UNTIL(f, early.failed == 1);
    assert_int_equal(late.failed, 0);
    UNTIL(f, late.failed == 1);
    assert_true(clock_mono_us() - from >= 300000);
    assert_int_equal(late.code, ERR_TIMEOUT);
    assert_string_equal(late.why, "no answer on 'silent' within 300 ms");
    struct link_msg *m = NULL;
    struct err e = {0};
    assert_int_equal(link_request_wait(f->link, "silent", NULL, 0, "", 0, 20, &m, &e), ERR_TIMEOUT);
    assert_null(m);
}

static void test_no_responders_on_a_subscription(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    subscribe(f->link, "my.inbox", &s);
    assert_int_equal(link_publish(f->link, "nobody", "my.inbox", NULL, 0, "", 0, NULL), 0);
    UNTIL(f, s.count == 1);
    assert_int_equal(s.status, 503);
    assert_string_equal(s.subject, "my.inbox");
}

/* ---- figures, for the eye ---- */

static void test_lone_round_trip(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    int64_t best = INT64_MAX, sum = 0;
    subscribe(f->link, "lone", &s);
    assert_int_equal(link_flush(f->link, WAIT_MS, NULL), 0);
    for (int i = 0; i < 200; i++) {
        int64_t from = clock_mono_us();
        publish(f->link, "lone", "x");
        while (s.count == i)
            uv_run(&f->loop, UV_RUN_ONCE);
        int64_t took = clock_mono_us() - from;
        best = took < best ? took : best;
        sum += took;
    }
    print_message("# lone publish to its own subscription: best %lld us, mean %lld us\n",
                  (long long)best, (long long)sum / 200);
    assert_int_equal(s.count, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_messages_come_in_order_with_their_parts),
        WITH_SERVER(test_binary_and_large_payloads),
        WITH_SERVER(test_many_in_one_turn),
        WITH_SERVER(test_subject_cannot_break_the_protocol),
        WITH_SERVER(test_unsubscribe),
        WITH_SERVER(test_drain_hands_out_what_is_under_way),
        WITH_SERVER(test_queue_group),
        WITH_SERVER(test_a_kept_message_outlives_the_handler),
        WITH_SERVER(test_request_and_reply),
        WITH_SERVER(test_many_requests_each_get_their_own_reply),
        WITH_SERVER(test_of_many_requests_one_without_an_answerer_fails_those_that_wait),
        WITH_SERVER(test_request_times_out),
        WITH_SERVER(test_no_responders_on_a_subscription),
        WITH_SERVER(test_lone_round_trip),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, stop_library);
}
