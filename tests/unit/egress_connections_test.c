/* Where a request goes: by policy and DNS, after a redirect, over a connection that is open
 * already; whom it does not find, how it is cancelled, and many at once. */
#include "tests/unit/egress_transfer.h"

static int connections(void)
{
    struct seen s = {0};
    int n = -1;
    assert_int_equal(get(&s, at("/seen")), 0);
    assert_int_equal(sscanf(s.body.data, "{\"connections\":%d", &n), 1);
    forget(&s);
    return n;
}

static void what_policy_refuses_is_not_connected_to(void **state)
{
    (void)state;
    static const char *const hosts[] = {"loop.test",    "localhost",   "127.0.0.1", "[::1]",
                                        "private.test", "mixed6.test", "2130706433"};
    struct seen s = {0};
    char url[128];
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        snprintf(url, sizeof url, "http://%s:%u/", hosts[i], listener_port);
        struct transfer_request r = request_to(url);
        r.policy = shut_policy;
        begin(&s, &r);
        assert_int_equal(finish(&s), ERR_DENIED);
        assert_int_equal(s.d.verdict, EGRESS_DENIED);
        assert_int_equal(s.d.reason, REASON_ADDRESS);
        assert_string_equal(s.d.text, s.why);
        forget(&s);
    }
    assert_int_equal(get(&s, "http://evil.example/"), ERR_DENIED);
    EXPECT_WORDS(s, "evil.example, port 80, is not in permissions.net");
    forget(&s);
    assert_int_equal(get(&s, "file:///etc/passwd"), ERR_INVALID);
    forget(&s);
    snprintf(url, sizeof url, "ws://loop.test:%u/", listener_port);
    assert_int_equal(get(&s, url), ERR_INVALID);
    EXPECT_WORDS(s, "found scheme 'ws'; allowed: https, http");
    forget(&s);
    assert_int_equal(listener_count(listener), 0);
}

static void a_redirect_is_decided_about_like_the_first(void **state)
{
    (void)state;
    struct seen s = {0}, next = {0};
    char url[128];
    assert_int_equal(get(&s, at("/redirect?to=http://10.0.0.5/")), 0);
    assert_int_equal(s.status, 302);
    assert_true(has(&s.head, "location: http://10.0.0.5/\n"));
    snprintf(url, sizeof url, "http://10.0.0.5:%u/", listener_port);
    struct transfer_request r = request_to(url);
    r.from = &s.d;
    r.max_hops = 5;
    begin(&next, &r);
    assert_int_equal(finish(&next), ERR_DENIED);
    assert_int_equal(next.d.reason, REASON_ADDRESS);
    assert_int_equal(next.d.hop, 1);
    forget(&next);
    r.url = at("/hello");
    r.url_len = strlen(r.url);
    r.max_hops = 0;
    begin(&next, &r);
    assert_int_equal(finish(&next), ERR_DENIED);
    assert_int_equal(next.d.reason, REASON_REDIRECTS);
    forget(&next);
    forget(&s);
    assert_int_equal(get(&s, at_tls("loop.test", "/hello")), 0);
    r.url = at("/hello");
    r.url_len = strlen(r.url);
    r.from = &s.d;
    r.max_hops = 5;
    begin(&next, &r);
    assert_int_equal(finish(&next), ERR_DENIED);
    assert_int_equal(next.d.reason, REASON_DOWNGRADE);
    forget(&next);
    forget(&s);
}

/* First 127.0.0.1, then 127.0.0.2, where nobody listens: an open connection to the first is not for
 * a request that was decided to go to the second. */
static void a_connection_of_another_decision_is_not_used(void **state)
{
    (void)state;
    struct seen s = {0};
    char url[128];
    snprintf(url, sizeof url, "http://flip.test:%d/hello", server.http);
    assert_int_equal(get(&s, url), 0);
    assert_string_equal(s.body.data, "hello");
    forget(&s);
    assert_int_equal(get(&s, url), ERR_UNAVAILABLE);
    EXPECT_WORDS(s, "no connection");
    forget(&s);
}

static void open_connections_are_used_again(void **state)
{
    (void)state;
    struct seen s = {0};
    int before = connections();
    for (int i = 0; i < 5; i++) {
        assert_int_equal(get(&s, at("/hello")), 0);
        forget(&s);
    }
    assert_int_equal(connections(), before);
    /* but not those of another client: another tenant's */
    struct http_client *other, *mine = client;
    const struct http_settings settings = {.connect_timeout_ms = 5000, .connections_max = 4};
    assert_int_equal(http_client_open(&loop, &settings, &other, NULL), 0);
    client = other;
    assert_int_equal(get(&s, at("/hello")), 0);
    forget(&s);
    client = mine;
    http_client_close(other);
    assert_int_equal(connections(), before + 1);
}

static void nobody_there_is_said(void **state)
{
    (void)state;
    struct seen s = {0};
    char url[64];
    snprintf(url, sizeof url, "http://loop.test:%u/", listener_port);
    close(listener);
    assert_int_equal(get(&s, url), ERR_UNAVAILABLE);
    EXPECT_WORDS(s, "net: loop.test: no connection");
    forget(&s);
    assert_int_equal(get(&s, "http://servfail.test/"), ERR_UNAVAILABLE);
    assert_int_equal(s.d.verdict, EGRESS_FAILED);
    forget(&s);
    listener = listener_open(&listener_port);
}

static void it_can_be_cancelled_at_any_moment(void **state)
{
    (void)state;
    struct seen s = {0};
    struct transfer_request r = request_to(at("/big?bytes=5000000"));
    for (int turns = 0; turns < 40; turns++) {
        begin(&s, &r);
        for (int i = 0; i < turns && !s.ended; i++)
            uv_run(&loop, UV_RUN_ONCE);
        if (!s.ended)
            transfer_cancel(s.t);
        forget(&s);
    }
    s.cancel_in_head = true;
    begin(&s, &r);
    finish(&s);
    forget(&s);
    s.cancel_in_body = true;
    begin(&s, &r);
    finish(&s);
    forget(&s);
    assert_int_equal(get(&s, at("/hello")), 0);
    assert_string_equal(s.body.data, "hello");
    forget(&s);
}

static void many_run_at_once(void **state)
{
    (void)state;
    enum { MANY = 40 };
    static struct seen s[MANY];
    struct transfer_request r = request_to(at("/big?bytes=300000"));
    for (int i = 0; i < MANY; i++)
        begin(&s[i], &r);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(finish(&s[i]), 0);
        assert_int_equal(s[i].body.len, 300000);
        forget(&s[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CLIENT(what_policy_refuses_is_not_connected_to),
        WITH_CLIENT(a_redirect_is_decided_about_like_the_first),
        WITH_CLIENT(a_connection_of_another_decision_is_not_used),
        WITH_CLIENT(open_connections_are_used_again),
        WITH_CLIENT(nobody_there_is_said),
        WITH_CLIENT(it_can_be_cancelled_at_any_moment),
        WITH_CLIENT(many_run_at_once),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
