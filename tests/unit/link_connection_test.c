/* The connection against a real nats-server: messages, requests, losses, closing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "link/link.h"
#include "tests/unit/nats_server.h"

#define WAIT_MS 5000

struct fixture {
    struct nats_server server;
    uv_loop_t loop;
    uv_timer_t tick;
    struct nats_config config;
    struct link *link;
    int connected, disconnected, closed;
    char why[256];
};

static void on_connected(void *arg)
{
    struct fixture *f = arg;
    f->connected++;
}

static void on_disconnected(const char *why, void *arg)
{
    struct fixture *f = arg;
    f->disconnected++;
    snprintf(f->why, sizeof f->why, "%s", why);
}

static void on_closed(const char *why, void *arg)
{
    struct fixture *f = arg;
    f->closed++;
    snprintf(f->why, sizeof f->why, "%s", why);
}

static const struct link_events events = {on_connected, on_disconnected, on_closed};

static struct link *open_link(struct fixture *f)
{
    struct link *l = NULL;
    struct err e = {0};
    f->config.url = f->server.url;
    if (link_open(&f->loop, &f->config, "test", WAIT_MS, &events, f, &l, &e))
        fail_msg("%s", e.msg);
    return l;
}

static void on_tick(uv_timer_t *t)
{
    (void)t;
}

static int set_up(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    nats_server_init(&f->server);
    nats_server_start(&f->server);
    uv_loop_init(&f->loop);
    uv_timer_init(&f->loop, &f->tick);
    uv_timer_start(&f->tick, on_tick, 5, 5);
    uv_unref((uv_handle_t *)&f->tick);
    f->link = open_link(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    link_close(f->link, 1000);
    uv_close((uv_handle_t *)&f->tick, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0); /* nothing of the link is left on it */
    nats_server_remove(&f->server);
    free(f);
    return 0;
}

#define UNTIL(f, cond)                                                                             \
    do {                                                                                           \
        int64_t until_ = clock_mono_us() + WAIT_MS * 1000ll;                                       \
        while (!(cond) && clock_mono_us() < until_)                                                \
            uv_run(&(f)->loop, UV_RUN_ONCE);                                                       \
        assert_true(cond);                                                                         \
    } while (0)

struct seen {
    int count;
    size_t bytes;
    char last[512], header[128], subject[128];
    bool has_header;
    int status;
    struct link *answer_on;
    struct link_sub *unsubscribe;
    struct link_msg *kept;
};

static void on_msg(struct link_msg *m, void *arg)
{
    struct seen *s = arg;
    s->count++;
    s->bytes += m->len;
    s->status = m->status;
    snprintf(s->last, sizeof s->last, "%.*s", (int)m->len, m->data);
    snprintf(s->subject, sizeof s->subject, "%s", m->subject);
    const char *h = link_msg_header(m, "Some-Header");
    s->has_header = h != NULL;
    snprintf(s->header, sizeof s->header, "%s", h ? h : "");
    if (s->answer_on && m->reply)
        assert_int_equal(link_publish(s->answer_on, m->reply, NULL, NULL, 0, m->data, m->len, NULL),
                         0);
    if (s->unsubscribe) {
        link_unsubscribe(s->unsubscribe);
        s->unsubscribe = NULL;
    }
}

static struct link_sub *subscribe(struct link *l, const char *subject, struct seen *s)
{
    struct link_sub *sub = NULL;
    struct err e = {0};
    if (link_subscribe(l, subject, NULL, 0, on_msg, s, &sub, &e))
        fail_msg("%s", e.msg);
    return sub;
}

static void publish(struct link *l, const char *subject, const char *text)
{
    struct err e = {0};
    if (link_publish(l, subject, NULL, NULL, 0, text, strlen(text), &e))
        fail_msg("%s", e.msg);
}

/* ---- messages ---- */

static void test_facts(void **state)
{
    struct fixture *f = *state;
    assert_true(link_is_up(f->link));
    assert_int_equal(f->connected, 1);
    assert_string_equal(link_url(f->link), f->server.url);
    assert_int_equal(link_max_payload(f->link), 1 << 20);
}

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

struct answers {
    int ok, failed, code;
    char why[256];
};

static void on_answer(struct link_msg *m, const struct err *why, void *arg)
{
    struct answers *a = arg;
    if (m) {
        a->ok++;
        return;
    }
    a->failed++;
    a->code = why->code;
    snprintf(a->why, sizeof a->why, "%s", why->msg);
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
    int sent = 0;
    int64_t worst = 0;
    while (sent < 200 && !link_publish(other, "slow", NULL, NULL, 0, data, n, &e)) {
        int64_t from = clock_mono_us();
        uv_run(&f->loop, UV_RUN_NOWAIT);
        int64_t took = clock_mono_us() - from;
        worst = took > worst ? took : worst;
        sent++;
    }
    free(data);
    assert_true(sent >= 60 && sent < 100); /* the sockets' buffers hold some */
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(e.msg, "does not read"));
    assert_true(worst < 500000);
    kill(f->server.pid, SIGCONT);
    UNTIL(f, s.count == sent);
    link_close(other, 1000);
}

/* The loop must not stand still while the library dials a server that does not answer. */
static void test_the_loop_turns_while_there_is_no_server(void **state)
{
    struct fixture *f = *state;
    nats_server_end(&f->server, SIGKILL);
    UNTIL(f, f->disconnected == 1);
    int64_t worst = 0, until = clock_mono_us() + 1000000;
    while (clock_mono_us() < until) {
        int64_t from = clock_mono_us();
        uv_run(&f->loop, UV_RUN_NOWAIT);
        publish(f->link, "r", "x");
        int64_t took = clock_mono_us() - from;
        worst = took > worst ? took : worst;
        usleep(1000);
    }
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
    struct link *other = open_link(f);
    struct seen s = {0};
    subscribe(other, "x", &s);
    publish(other, "y", "z");
    int64_t from = clock_mono_us();
    link_close(other, WAIT_MS);
    assert_true(clock_mono_us() - from < 400000); /* the library itself would wait 500 ms */
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
        WITH_SERVER(test_facts),
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
        WITH_SERVER(test_lone_round_trip),
    };
    log_set_level(LOG_OFF);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, stop_library);
}
