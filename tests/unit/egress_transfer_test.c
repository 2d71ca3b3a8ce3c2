/* Requests and responses through libcurl: what is sent and what is heard, by HTTP/1 and HTTP/2,
 * bodies as they are taken, bounds, responses that are none. Where a request goes is in
 * egress_connections_test.c. */
#include "tests/unit/egress_transfer.h"

static void a_response_comes_whole(void **state)
{
    (void)state;
    struct seen s = {0};
    assert_int_equal(get(&s, at("/hello?x=1#fragment")), 0);
    assert_int_equal(s.status, 200);
    assert_string_equal(s.body.data, "hello");
    assert_true(has(&s.head, "content-type: text/plain\n"));
    assert_false(s.http2);
    assert_string_equal(s.d.rule, "*.test");
    forget(&s);
    assert_int_equal(get(&s, at("/chunked")), 0);
    assert_string_equal(s.body.data, "one two three");
    forget(&s);
    assert_int_equal(get(&s, at("/status?code=404")), 0);
    assert_int_equal(s.status, 404);
    forget(&s);
    assert_int_equal(get(&s, at("/empty")), 0);
    assert_int_equal(s.status, 204);
    forget(&s);
}

static void nothing_of_libcurls_own_is_sent(void **state)
{
    (void)state;
    struct seen s = {0};
    setenv("http_proxy", "http://127.0.0.1:1/", 1); /* and no proxy is asked */
    assert_int_equal(get(&s, at("/echo?a=b%20c/../d")), 0);
    unsetenv("http_proxy");
    char want[200];
    snprintf(want, sizeof want, "\"raw\":[\"Host\",\"loop.test:%d\"]", server.http);
    if (!has(&s.body, want) || !has(&s.body, "\"url\":\"/echo?a=b%20c/../d\""))
        fail_msg("%s", s.body.data);
    forget(&s);
}

static void a_request_says_what_it_was_told(void **state)
{
    (void)state;
    static const struct http_field fields[] = {
        {"X-One", "1"}, {"x-empty", ""}, {"accept", "text/html"}, {"X-One", "2"}};
    struct seen s = {0};
    struct transfer_request r = request_to(at("/echo"));
    r.http.method = "PATCH";
    r.http.fields = fields;
    r.http.field_count = ARRAY_LEN(fields);
    r.http.has_body = true;
    r.http.body_len = 5;
    begin(&s, &r);
    assert_int_equal(transfer_send(s.t, "he", 2, NULL), 0);
    assert_int_equal(transfer_send_end(s.t, NULL), ERR_INVALID);
    assert_int_equal(transfer_send(s.t, "llo!", 4, NULL), ERR_LIMIT);
    assert_int_equal(transfer_send(s.t, "llo", 3, NULL), 0);
    assert_int_equal(transfer_send_end(s.t, NULL), 0);
    assert_int_equal(transfer_send(s.t, "", 0, NULL), ERR_LIMIT);
    assert_int_equal(finish(&s), 0);
    if (!has(&s.body, "\"method\":\"PATCH\"") || !has(&s.body, "\"x-one\":\"1, 2\"") ||
        !has(&s.body, "\"x-empty\":\"\"") || !has(&s.body, "\"accept\":\"text/html\"") ||
        !has(&s.body, "\"content-length\":\"5\"") || !has(&s.body, "\"body\":\"hello\"") ||
        has(&s.body, "expect"))
        fail_msg("%s", s.body.data);
    forget(&s);
}

static void a_long_body_goes_out_as_it_is_taken(void **state)
{
    (void)state;
    struct seen s = {.wanted = HTTP_ROOM, .to_send = 3000000};
    struct transfer_request r = request_to(at("/count"));
    r.http.method = "POST";
    r.http.has_body = true;
    r.http.body_len = HTTP_LENGTH_OPEN;
    begin(&s, &r);
    feed(&s);
    assert_int_equal(s.to_send, 3000000 - HTTP_ROOM); /* no more before it is taken */
    assert_int_equal(finish(&s), 0);
    assert_string_equal(s.body.data, "3000000");
    forget(&s);
}

static void a_server_that_answers_early_is_heard(void **state)
{
    (void)state;
    struct seen s = {0};
    struct transfer_request r = request_to(at("/refuse"));
    r.http.method = "POST";
    r.http.has_body = true;
    r.http.body_len = HTTP_LENGTH_OPEN;
    begin(&s, &r); /* its body never comes */
    while (!s.status && !s.ended)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(s.status, 413);
    if (!s.ended)
        transfer_cancel(s.t);
    forget(&s);
}

static void tls_is_checked_and_speaks_http2(void **state)
{
    (void)state;
    struct seen s = {0};
    assert_int_equal(get(&s, at_tls("loop.test", "/hello")), 0);
    assert_true(s.http2);
    assert_string_equal(s.body.data, "hello");
    forget(&s);
    /* a name that the certificate does not have */
    assert_int_equal(get(&s, at_tls("loops.test", "/hello")), ERR_PROTOCOL);
    EXPECT_WORDS(s, "TLS: ");
    assert_int_equal(s.status, 0);
    forget(&s);
    /* a CA that nobody told us to trust */
    struct http_client *other, *before = client;
    const struct http_settings settings = {.connect_timeout_ms = 5000, .connections_max = 4};
    assert_int_equal(http_client_open(&loop, &settings, &other, NULL), 0);
    client = other;
    assert_int_equal(get(&s, at_tls("loop.test", "/hello")), ERR_PROTOCOL);
    EXPECT_WORDS(s, "certificate");
    forget(&s);
    client = before;
    http_client_close(other);
}

static void http2_carries_bodies_both_ways(void **state)
{
    (void)state;
    struct seen s = {.wanted = HTTP_ROOM, .to_send = 2000000, .take = 777};
    struct transfer_request r = request_to(at_tls("loop.test", "/back"));
    r.http.method = "POST";
    r.http.has_body = true;
    r.http.body_len = HTTP_LENGTH_OPEN;
    begin(&s, &r);
    feed(&s);
    while (!s.ended) {
        uv_run(&loop, UV_RUN_NOWAIT);
        if (!s.ended)
            transfer_resume(s.t);
    }
    assert_int_equal(s.code, 0);
    assert_int_equal(s.body.len, 2000000);
    forget(&s);
}

static void a_consumer_that_takes_nothing_holds_the_peer_back(void **state)
{
    (void)state;
    struct seen s = {.take_max = 1};
    struct transfer_request r = request_to(at("/big?bytes=50000000"));
    r.http.idle_ms = 200; /* waiting for the consumer is not idling */
    begin(&s, &r);
    const uint64_t until = uv_now(&loop) + 700;
    while (uv_now(&loop) < until) {
        uv_run(&loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    assert_false(s.ended);
    assert_true(transfer_received(s.t) <= (int64_t)(HTTP_ROOM + 32768));
    s.take_max = 0;
    transfer_resume(s.t);
    assert_int_equal(finish(&s), 0);
    assert_int_equal(s.body.len, 50000000);
    assert_true(s.most <= HTTP_ROOM + 32768);
    forget(&s);
}

static void bounds_end_it(void **state)
{
    (void)state;
    struct seen s = {0};
    struct transfer_request r = request_to(at("/big?bytes=1000000"));
    r.http.body_max = 999999;
    begin(&s, &r);
    assert_int_equal(finish(&s), ERR_LIMIT);
    EXPECT_WORDS(s, "the response's body has more than 999999 bytes");
    forget(&s);
    r = request_to(at("/silent"));
    r.http.idle_ms = 150;
    begin(&s, &r);
    assert_int_equal(finish(&s), ERR_TIMEOUT);
    EXPECT_WORDS(s, "nothing came for 150 ms");
    forget(&s);
    r = request_to(at("/headers-then-silent"));
    r.http.idle_ms = 1000;
    begin(&s, &r);
    assert_int_equal(finish(&s), ERR_TIMEOUT);
    assert_int_equal(s.status, 200);
    forget(&s);
    r = request_to(at("/slow")); /* a drop now and then: never idle */
    r.http.idle_ms = 10000;
    r.http.total_ms = 300;
    begin(&s, &r);
    assert_int_equal(finish(&s), ERR_TIMEOUT);
    EXPECT_WORDS(s, "not done within 300 ms");
    forget(&s);
}

/* Also where the part too many waited in libcurl until there was room for it: of these some always
 * do. */
static void a_body_too_long_never_ends_well(void **state)
{
    (void)state;
    for (long bytes = 200000; bytes < 280000; bytes += 1000) {
        struct seen s = {0};
        char path[64];
        snprintf(path, sizeof path, "/big?bytes=%ld", bytes);
        struct transfer_request r = request_to(at(path));
        r.http.body_max = bytes - 1;
        begin(&s, &r);
        assert_int_equal(finish(&s), ERR_LIMIT);
        forget(&s);
    }
}

static void responses_that_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int code;
        const char *words;
    } cases[] = {
        {"/raw/cut", ERR_PROTOCOL, "ends early"},
        {"/raw/cut-chunk", ERR_PROTOCOL, ""},
        {"/raw/garbage", ERR_PROTOCOL, ""},
        {"/raw/http09", ERR_PROTOCOL, ""},
        {"/raw/huge-field", ERR_LIMIT, "more than 65536 bytes or 256 fields"},
        {"/raw/huge-head", ERR_LIMIT, "more than 65536 bytes or 256 fields"},
        {"/raw/many-fields", ERR_LIMIT, "more than 65536 bytes or 256 fields"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct seen s = {0};
        if (get(&s, at(cases[i].path)) != cases[i].code || !strstr(s.why, cases[i].words))
            fail_msg("%s: %d %s", cases[i].path, s.code, s.why);
        forget(&s);
    }
}

static void responses_that_are_odd(void **state)
{
    (void)state;
    struct seen s = {0};
    assert_int_equal(get(&s, at("/raw/fold")), 0);
    assert_true(has(&s.head, "x-fold: one two\n") && !has(&s.head, "bad name"));
    forget(&s);
    assert_int_equal(get(&s, at("/raw/interim")), 0);
    assert_int_equal(s.status, 200);
    assert_false(has(&s.head, "x-early"));
    forget(&s);
    assert_int_equal(get(&s, at("/raw/trailers")), 0);
    assert_string_equal(s.body.data, "ok");
    assert_false(has(&s.head, "x-trailer"));
    forget(&s);
    assert_int_equal(get(&s, at("/raw/latin1")), 0);
    assert_true(has(&s.head, "x-latin: \xe4\xf6\xfc\n"));
    forget(&s);
    /* A second answer that nobody asked for is not the next request's. */
    assert_int_equal(get(&s, at("/raw/two-answers")), 0);
    assert_string_equal(s.body.data, "ok");
    forget(&s);
    assert_int_equal(get(&s, at("/hello")), 0);
    assert_string_equal(s.body.data, "hello");
    forget(&s);
}

static void encoded_bodies_pass_as_they_are(void **state)
{
    (void)state;
    struct seen s = {0};
    assert_int_equal(get(&s, at("/bomb?mb=64")), 0);
    assert_true(has(&s.head, "content-encoding: gzip\n"));
    assert_true(s.body.len > 1000 && s.body.len < 200000);
    forget(&s);
}

static void methods_and_fields_are_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      "GET ",  "G\r\n", "connect",
                                      "TRACE", "TrAcK", "a(b)",  "m\xc3\xbc"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(http_method_check(bad[i], strlen(bad[i]), NULL), ERR_INVALID);
    assert_int_equal(http_method_check("PROPFIND", 8, NULL), 0);
    static const struct {
        const char *name, *value;
        int code;
    } fields[] = {
        {"x-a", "b", 0},
        {"X-A", "", 0},
        {"x-a", "a\tb \xe4", 0},
        {"x-a", " b", ERR_INVALID},
        {"x-a", "b ", ERR_INVALID},
        {"x-a", "b\r\nc: d", ERR_INVALID},
        {"x a", "b", ERR_INVALID},
        {"", "b", ERR_INVALID},
        {"Host", "b", ERR_INVALID},
        {"CONTENT-length", "1", ERR_INVALID},
        {"Proxy-X", "b", ERR_INVALID},
        {"proxy", "b", 0},
        {"transfer-encoding", "chunked", ERR_INVALID},
        {"cookie", "a=b", 0},
        {"authorization", "Bearer x", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (http_field_check(fields[i].name, strlen(fields[i].name), fields[i].value,
                             strlen(fields[i].value), NULL) != fields[i].code)
            fail_msg("%s: %s", fields[i].name, fields[i].value);
    assert_int_equal(http_field_check("x", 1, "a\0b", 3, NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CLIENT(a_response_comes_whole),
        WITH_CLIENT(nothing_of_libcurls_own_is_sent),
        WITH_CLIENT(a_request_says_what_it_was_told),
        WITH_CLIENT(a_long_body_goes_out_as_it_is_taken),
        WITH_CLIENT(a_server_that_answers_early_is_heard),
        WITH_CLIENT(tls_is_checked_and_speaks_http2),
        WITH_CLIENT(http2_carries_bodies_both_ways),
        WITH_CLIENT(a_consumer_that_takes_nothing_holds_the_peer_back),
        WITH_CLIENT(bounds_end_it),
        WITH_CLIENT(a_body_too_long_never_ends_well),
        WITH_CLIENT(responses_that_are_none),
        WITH_CLIENT(responses_that_are_odd),
        WITH_CLIENT(encoded_bodies_pass_as_they_are),
        WITH_CLIENT(methods_and_fields_are_checked),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
