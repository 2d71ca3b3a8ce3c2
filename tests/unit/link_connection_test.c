/* The connection against a real nats-server: what it says of itself, losses, closing, and when
 * there is no server. */
#include "tests/unit/link_talk.h"

static void test_facts(void **state)
{
    struct fixture *f = *state;
    assert_true(link_is_up(f->link));
    assert_int_equal(f->connected, 1);
    assert_string_equal(link_url(f->link), f->server.url);
    assert_int_equal(link_max_payload(f->link), 1 << 20);
}

/* ---- losses ---- */

static void test_reconnects_and_sends_what_was_kept(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    struct answers a = {0};
    subscribe(f->link, "r", &s);
    assert_int_equal(link_flush(f->link, WAIT_MS, NULL), 0);
    link_request(f->link, "r", NULL, 0, "", 0, 60000, on_answer, &a, NULL);
    nats_server_end(&f->server, SIGKILL);
    UNTIL(f, f->disconnected == 1);
    assert_false(link_is_up(f->link));
    assert_int_equal(a.failed, 1); /* at once, not after its minute */
    assert_non_null(strstr(a.why, "was lost"));
    struct err e = {0};
    assert_int_equal(link_request(f->link, "r", NULL, 0, "", 0, 100, on_answer, &a, &e),
                     ERR_UNAVAILABLE);
    s.count = 0;
    struct link_header h = {"Some-Header", "kept"};
    for (int i = 0; i < 100; i++)
        publish(f->link, "r", "x");
    assert_int_equal(link_publish(f->link, "r", "re", &h, 1, "last", 4, NULL), 0);
    nats_server_start(&f->server);
    UNTIL(f, s.count == 101);
    assert_int_equal(f->connected, 2);
    assert_string_equal(s.last, "last");
    assert_string_equal(s.header, "kept");
}

static void test_kept_messages_are_bounded(void **state)
{
    struct fixture *f = *state;
    nats_server_end(&f->server, SIGKILL);
    UNTIL(f, f->disconnected == 1);
    size_t n = 1 << 20;
    char *data = mem_alloc(n);
    struct err e = {0};
    int kept = 0;
    while (kept < 1000 && !link_publish(f->link, "r", NULL, NULL, 0, data, n, &e))
        kept++;
    assert_true(kept >= 60 && kept <= 64);
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(e.msg, "no connection to nats://127.0.0.1:"));
    free(data);
}

/* What a stopped server does not take is bounded too, the loop turns, and nothing of it is lost. */
static void test_a_server_that_does_not_read(void **state)
{
    struct fixture *f = *state;
    struct link *other = open_link(f);
    struct seen s = {0};
    subscribe(f->link, "slow", &s);
    assert_int_equal(link_flush(f->link, WAIT_MS, NULL), 0);
    kill(f->server.pid, SIGSTOP);
    size_t n = 1 << 20;
    char *data = mem_alloc(n);
    struct err e = {0};
    int sent = 0, held_up = 0;
    while (sent < 200 && !link_publish(other, "slow", NULL, NULL, 0, data, n, &e)) {
        int64_t from = clock_mono_us();
        uv_run(&f->loop, UV_RUN_NOWAIT);
        held_up += clock_mono_us() - from > 500000;
        sent++;
    }
    free(data);
    assert_true(sent >= 60 && sent < 100); /* the sockets' buffers hold some */
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(e.msg, "does not read"));
    assert_true(held_up <= 3); /* each time, if it were the library and not the machine */
    kill(f->server.pid, SIGCONT);
    UNTIL(f, s.count == sent);
    link_close(other, 1000);
}

/* The longest turn of the loop in a second. */
static int64_t longest_turn(struct fixture *f)
{
    int64_t worst = 0, until = clock_mono_us() + 1000000;
    while (clock_mono_us() < until) {
        int64_t from = clock_mono_us();
        uv_run(&f->loop, UV_RUN_NOWAIT);
        publish(f->link, "r", "x");
        int64_t took = clock_mono_us() - from;
        worst = took > worst ? took : worst;
        usleep(1000);
    }
    return worst;
}

/* The loop must not stand still while the library dials a server that does not answer. A machine
 * that pauses does so now and then, a library that holds us up does in each second. */
static void test_the_loop_turns_while_there_is_no_server(void **state)
{
    struct fixture *f = *state;
    nats_server_end(&f->server, SIGKILL);
    UNTIL(f, f->disconnected == 1);
    int64_t worst = longest_turn(f);
    for (int i = 0; i < 9 && worst >= 200000; i++)
        worst = longest_turn(f);
    assert_true(worst < 200000);
    nats_server_start(&f->server);
    UNTIL(f, f->connected == 2);
}

static void test_survives_many_restarts(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    subscribe(f->link, "r", &s);
    for (int i = 1; i <= 3; i++) {
        nats_server_end(&f->server, i % 2 ? SIGKILL : SIGTERM);
        UNTIL(f, f->disconnected == i);
        nats_server_start(&f->server);
        UNTIL(f, f->connected == i + 1);
        s.count = 0;
        publish(f->link, "r", "x");
        UNTIL(f, s.count == 1);
    }
}

static void test_login_refused_later_is_the_end(void **state)
{
    struct fixture *f = *state;
    nats_server_end(&f->server, SIGKILL);
    nats_server_conf(&f->server, "authorization { token: other }\n");
    nats_server_start(&f->server);
    UNTIL(f, f->closed == 1);
    assert_non_null(strcasestr(f->why, "authorization"));
    struct err e = {0};
    assert_int_equal(link_publish(f->link, "x", NULL, NULL, 0, "", 0, &e), ERR_UNAVAILABLE);
    assert_non_null(strstr(e.msg, "is closed"));
    assert_int_equal(link_flush(f->link, 100, &e), ERR_UNAVAILABLE);
}

/* ---- closing ---- */

static void test_close_sends_everything(void **state)
{
    struct fixture *f = *state;
    struct link *other = open_link(f);
    struct seen s = {0};
    subscribe(f->link, "c", &s);
    assert_int_equal(link_flush(f->link, WAIT_MS, NULL), 0);
    size_t n = 100000;
    char *data = mem_alloc(n);
    for (int i = 0; i < 200; i++)
        assert_int_equal(link_publish(other, "c", NULL, NULL, 0, data, n, NULL), 0);
    link_close(other,
               WAIT_MS); /* 20 MB, far more than a socket's buffer, and no turn of the loop */
    free(data);
    UNTIL(f, s.count == 200);
    assert_int_equal(s.bytes, 200 * n);
}

static void test_close_ends_requests(void **state)
{
    struct fixture *f = *state;
    struct link *other = open_link(f);
    struct seen s = {0};
    struct answers a = {0};
    subscribe(f->link, "silent", &s);
    assert_int_equal(link_flush(f->link, WAIT_MS, NULL), 0);
    link_request(other, "silent", NULL, 0, "", 0, 60000, on_answer, &a, NULL);
    link_close(other, 1000);
    assert_int_equal(a.failed, 1);
    assert_int_equal(a.code, ERR_UNAVAILABLE);
    link_close(NULL, 0);
}

static void test_close_is_quick(void **state)
{
    struct fixture *f = *state;
    int64_t best = INT64_MAX;
    for (int i = 0; i < 10 && best >= 400000; i++) { /* a machine that pauses does not each time */
        struct link *other = open_link(f);
        struct seen s = {0};
        subscribe(other, "x", &s);
        publish(other, "y", "z");
        int64_t from = clock_mono_us();
        link_close(other, WAIT_MS);
        int64_t took = clock_mono_us() - from;
        best = took < best ? took : best;
    }
    assert_true(best < 400000); /* the library itself would wait 500 ms */
}

static void test_close_without_a_server(void **state)
{
    struct fixture *f = *state;
    struct link *other = open_link(f);
    nats_server_end(&f->server, SIGKILL);
    UNTIL(f, f->disconnected == 2);
    publish(other, "y", "z");
    link_close(other, 1000);
}

/* ---- not connected at all ---- */

static struct err open_fails(const char *url)
{
    uv_loop_t loop;
    struct link *l = NULL;
    struct err e = {0};
    struct nats_config c = {.url = (char *)(uintptr_t)url};
    uv_loop_init(&loop);
    assert_int_not_equal(link_open(&loop, &c, "test", 1000, NULL, NULL, &l, &e), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return e;
}

static void test_words_when_there_is_no_server(void **state)
{
    struct fixture *f = *state;
    char url[128];
    nats_server_end(&f->server, SIGKILL);
    snprintf(url, sizeof url, "nats://joe:secret@127.0.0.1:%d", f->server.port);
    struct err e = open_fails(url);
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(e.msg, f->server.url));
    assert_non_null(strstr(e.msg, "connection refused"));
    assert_null(strstr(e.msg, "secret"));
    e = open_fails("nats://no-such-host.invalid:4222");
    assert_non_null(strstr(e.msg, "cannot be resolved"));
    assert_int_equal(open_fails("http://127.0.0.1:1").code, ERR_INVALID);
    assert_int_equal(open_fails("nats://127.0.0.1:1,,").code, ERR_INVALID);
}

/* The second of two addresses is taken when the first is dead. */
static void test_several_addresses(void **state)
{
    struct fixture *f = *state;
    char urls[256];
    struct link *l = NULL;
    struct err e = {0};
    snprintf(urls, sizeof urls, "nats://127.0.0.1:1, %s", f->server.url);
    struct nats_config c = {.url = urls};
    if (link_open(&f->loop, &c, "test", WAIT_MS, NULL, NULL, &l, &e))
        fail_msg("%s", e.msg);
    assert_string_equal(link_url(l), f->server.url);
    link_close(l, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_facts),
        WITH_SERVER(test_reconnects_and_sends_what_was_kept),
        WITH_SERVER(test_kept_messages_are_bounded),
        WITH_SERVER(test_a_server_that_does_not_read),
        WITH_SERVER(test_the_loop_turns_while_there_is_no_server),
        WITH_SERVER(test_survives_many_restarts),
        WITH_SERVER(test_login_refused_later_is_the_end),
        WITH_SERVER(test_close_sends_everything),
        WITH_SERVER(test_close_ends_requests),
        WITH_SERVER(test_close_is_quick),
        WITH_SERVER(test_close_without_a_server),
        WITH_SERVER(test_words_when_there_is_no_server),
        WITH_SERVER(test_several_addresses),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, stop_library);
}
