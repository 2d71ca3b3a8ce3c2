/* A URL through policy, DNS and connection, against a DNS server of ours. Addresses that are
 * refused are never connected to: they lead to a listener of ours, which counts. What is public is
 * decided about and never dialled. */
#include "tests/unit/egress_dns.h"

#include <fcntl.h>

#include "egress/connect.h"
#include "egress/resolve.h"

static uv_loop_t loop;
static struct dns *dns;
static struct egress_policy *open_policy, *shut_policy; /* with loopback opened, and without */
static int listener;
static uint16_t port;
static bool closed;

static const char *const NET[] = {"*.test",    "localhost", "*.onion",
                                  "127.0.0.1", "[::1]",     "10.0.0.5"};

static void on_closed(void *arg)
{
    (void)arg;
    closed = true;
}

static struct egress_policy *make_policy(const char *const *inside, int n)
{
    char *copy[ARRAY_LEN(NET)];
    struct ip_block blocks[4];
    struct egress_policy *p = NULL;
    for (size_t i = 0; i < ARRAY_LEN(NET); i++)
        copy[i] = mem_strdup(NET[i]);
    for (int i = 0; i < n; i++)
        assert_true(ip_block_parse(inside[i], &blocks[i]));
    struct permission_entries list = {.v = copy, .n = ARRAY_LEN(NET)};
    assert_int_equal(egress_policy_new(&list, blocks, n, &p, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(NET); i++)
        free(copy[i]);
    return p;
}

static int setup(void **state)
{
    (void)state;
    struct egress_config c = {
        .resolvers = dns_server.resolvers, .resolve_timeout_ms = 5000, .max_lookups = 8};
    static const char *const inside[] = {"127.0.0.0/8", "::1"};
    listener = listener_open(&port);
    shut_policy = make_policy(NULL, 0);
    open_policy = make_policy(inside, ARRAY_LEN(inside));
    return uv_loop_init(&loop) || dns_open(&loop, &c, &dns, NULL);
}

static int teardown(void **state)
{
    (void)state;
    closed = false;
    dns_close(dns, on_closed, NULL);
    while (uv_run(&loop, UV_RUN_ONCE))
        ;
    close(listener);
    egress_policy_free(open_policy);
    egress_policy_free(shut_policy);
    return !closed || uv_loop_close(&loop);
}

/* ---- decisions ---- */

static struct egress_decision d;
static struct err why;
static bool came;

static void on_resolved(void *arg, const struct egress_decision *got, const struct err *e)
{
    (void)arg;
    assert_false(came);
    assert_true((got->verdict == EGRESS_ALLOWED) == !e);
    d = *got;
    why = e ? *e : (struct err){0};
    came = true;
}

static enum egress_verdict decide(const struct egress_policy *p, const char *url)
{
    came = false;
    egress_resolve(&loop, dns, p, url, strlen(url), on_resolved, NULL);
    assert_false(came);
    while (!came)
        uv_run(&loop, UV_RUN_ONCE);
    return d.verdict;
}

static enum egress_verdict decide_redirect(const struct egress_policy *p, const char *url)
{
    const struct egress_decision from = d;
    came = false;
    egress_resolve_redirect(&loop, dns, p, &from, url, strlen(url), 5, on_resolved, NULL);
    while (!came)
        uv_run(&loop, UV_RUN_ONCE);
    return d.verdict;
}

/* The URL at the listener's port. */
static const char *at_listener(const char *host)
{
    static char url[128];
    snprintf(url, sizeof url, "http://%s:%u/", host, port);
    return url;
}

/* ---- connections ---- */

static int connected = -1;
static struct ip peer;

static void on_connected(void *arg, int fd, const struct ip *who, const struct err *e)
{
    (void)arg;
    assert_false(came);
    assert_true(fd >= 0 ? !e && who : e != NULL);
    connected = fd;
    if (fd >= 0)
        peer = *who;
    why = e ? *e : (struct err){0};
    came = true;
}

/* 0, or the error's code */
static int connect_to(const struct egress_decision *to, int64_t timeout_ms)
{
    came = false;
    egress_connect(&loop, to, timeout_ms, on_connected, NULL);
    assert_false(came);
    while (!came)
        uv_run(&loop, UV_RUN_ONCE);
    return connected >= 0 ? 0 : why.code;
}

static void expect_peer(const char *want)
{
    char ip[IP_TEXT];
    ip_text(&peer, ip);
    assert_string_equal(ip, want);
    int flags = fcntl(connected, F_GETFL);
    assert_true(flags & O_NONBLOCK && fcntl(connected, F_GETFD) & FD_CLOEXEC);
    close(connected);
}

/* ---- tests ---- */

static void public_names_are_allowed(void **state)
{
    (void)state;
    assert_int_equal(decide(shut_policy, "https://public.test/x"), EGRESS_ALLOWED);
    assert_int_equal(d.seen_count, 2);
    assert_string_equal(d.rule, "*.test");
    assert_true(d.resolve_us > 0);
}

static void names_of_special_addresses_are_denied_and_never_dialled(void **state)
{
    (void)state;
    static const struct {
        const char *host, *words;
    } cases[] = {
        {"private.test", "private.test resolves to 10.0.0.5 (private, RFC 1918); allowed: public "
                         "addresses, or tenants[].egress_private"},
        {"mixed.test", "resolves to 10.0.0.5"},
        {"mixed6.test", "resolves to ::1 (loopback"},
        {"mapped.test", "IPv4-mapped of 127.0.0.1"},
        {"nat64.test", "NAT64 of 127.0.0.1"},
        {"meta.test", "169.254.169.254 (cloud metadata"},
        {"meta6.test", "fd00:ec2::254 (cloud metadata"},
        {"zero.test", "0.0.0.0 (unspecified"},
        {"loop.test", "127.0.0.1 (loopback"},
        {"chain.test", "chain.test resolves to 10.0.0.5"},
        {"tcp.test", "10.0.0.5"},
        {"localhost", "localhost resolves to 127.0.0.1 (loopback"},
        {"127.0.0.1", "127.0.0.1 is 127.0.0.1 (loopback"},
        {"2130706433", "127.0.0.1 is 127.0.0.1 (loopback"},
        {"0x7f.1", "127.0.0.1 is 127.0.0.1 (loopback"},
        {"[::1]", "[::1] is ::1 (loopback"},
        {"10.0.0.5", "10.0.0.5 is 10.0.0.5 (private"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(decide(shut_policy, at_listener(cases[i].host)), EGRESS_DENIED);
        assert_int_equal(d.reason, REASON_ADDRESS);
        if (!strstr(d.text, cases[i].words) || strcmp(d.text, why.msg) != 0)
            fail_msg("%s: %s", cases[i].host, d.text);
        assert_int_equal(connect_to(&d, 5000), ERR_DENIED); /* even when asked to */
    }
    assert_int_equal(listener_count(listener), 0);
}

static void metadata_stays_shut_when_all_is_opened(void **state)
{
    (void)state;
    static const char *const everything[] = {"0.0.0.0/0", "::/0"};
    struct egress_policy *p = make_policy(everything, ARRAY_LEN(everything));
    assert_int_equal(decide(p, "http://private.test/"), EGRESS_ALLOWED);
    assert_string_equal(d.seen[0].rule, "0.0.0.0/0");
    assert_int_equal(decide(p, "http://meta.test/"), EGRESS_DENIED);
    assert_int_equal(decide(p, "http://meta6.test/"), EGRESS_DENIED);
    assert_int_equal(decide(p, "http://zero.test/"), EGRESS_DENIED);
    assert_int_equal(decide(p, "http://mapped.test/"), EGRESS_DENIED);
    egress_policy_free(p);
}

static void hosts_that_are_not_listed_are_not_looked_up(void **state)
{
    (void)state;
    int before = atomic_load(&dns_server.queries);
    assert_int_equal(decide(shut_policy, "https://evil.example/"), EGRESS_DENIED);
    assert_int_equal(d.reason, REASON_NOT_LISTED);
    assert_int_equal(decide(shut_policy, "https://public.test:22/"), EGRESS_DENIED);
    assert_int_equal(d.reason, REASON_PORT);
    assert_int_equal(decide(shut_policy, "https://x.onion/"), EGRESS_DENIED);
    assert_int_equal(d.reason, REASON_NO_SUCH_NAME);
    assert_int_equal(decide(shut_policy, at_listener("localhost")), EGRESS_DENIED);
    assert_int_equal(atomic_load(&dns_server.queries), before);
}

static void no_name_and_no_answer_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(decide(shut_policy, "https://nx.test/"), EGRESS_DENIED);
    assert_int_equal(d.reason, REASON_NO_SUCH_NAME);
    assert_string_equal(d.text, "net: nx.test: no such name");
    assert_int_equal(decide(shut_policy, "https://servfail.test/"), EGRESS_FAILED);
    assert_int_equal(d.reason, REASON_RESOLVER);
    assert_int_equal(decide(shut_policy, "https://many.test/"), EGRESS_DENIED);
    assert_int_equal(d.reason, REASON_TOO_MANY);
    assert_int_equal(decide(shut_policy, "https://cut.test/"), EGRESS_FAILED);
}

/* The attack: public to the check, loopback to whoever resolves again. */
static void a_name_that_rebinds_reaches_nothing(void **state)
{
    (void)state;
    struct sockaddr_storage sa;
    const struct ip loopback = ip_v4(127, 0, 0, 1);
    assert_int_equal(decide(shut_policy, at_listener("rebind.test")), EGRESS_ALLOWED);
    assert_int_equal(d.seen_count, 1);
    socklen_t len = ip_to_sockaddr(&loopback, port, &sa);
    /* What the name stands for now is not what was decided about. */
    assert_int_equal(egress_check_sockaddr(&d, (struct sockaddr *)&sa, len, &why), ERR_DENIED);
    assert_int_equal(decide_redirect(shut_policy, at_listener("rebind.test")), EGRESS_DENIED);
    assert_non_null(strstr(d.text, "127.0.0.1 (loopback"));
    assert_int_equal(connect_to(&d, 5000), ERR_DENIED);
    assert_int_equal(listener_count(listener), 0);
}

/* The same seen from a connection that may be made: it goes where the decision went. */
static void connecting_asks_no_resolver(void **state)
{
    (void)state;
    assert_int_equal(decide(open_policy, at_listener("flip.test")), EGRESS_ALLOWED);
    int before = atomic_load(&dns_server.queries);
    assert_int_equal(connect_to(&d, 5000), 0);
    expect_peer("127.0.0.1"); /* by now flip.test is 127.0.0.2 */
    assert_int_equal(atomic_load(&dns_server.queries), before);
    assert_int_equal(listener_count(listener), 1);
}

static void a_redirect_to_the_inside_is_denied(void **state)
{
    (void)state;
    static const char *const inside[] = {"http://127.0.0.1/", "http://[::1]/", "http://10.0.0.5/",
                                         "http://private.test/", "http://localhost/"};
    for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
        assert_int_equal(decide(shut_policy, "http://public.test/"), EGRESS_ALLOWED);
        assert_int_equal(decide_redirect(shut_policy, inside[i]), EGRESS_DENIED);
        assert_int_equal(d.reason, REASON_ADDRESS);
        assert_int_equal(d.hop, 1);
    }
    assert_int_equal(decide(shut_policy, "http://public.test/"), EGRESS_ALLOWED);
    assert_int_equal(decide_redirect(shut_policy, "https://public.test/"), EGRESS_ALLOWED);
    assert_int_equal(decide_redirect(shut_policy, "http://public.test/"), EGRESS_DENIED);
    assert_int_equal(d.reason, REASON_DOWNGRADE);
}

static void what_the_operator_opened_is_connected_to(void **state)
{
    (void)state;
    static const char *const hosts[] = {"loop.test", "localhost", "127.0.0.1", "0x7f000001"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        assert_int_equal(decide(open_policy, at_listener(hosts[i])), EGRESS_ALLOWED);
        assert_int_equal(connect_to(&d, 5000), 0);
        expect_peer("127.0.0.1");
    }
    assert_int_equal(listener_count(listener), (int)ARRAY_LEN(hosts));
}

/* ::1 first (refused: nobody listens there, or there is no IPv6), then 127.0.0.1. */
static void the_other_family_is_tried(void **state)
{
    (void)state;
    assert_int_equal(decide(open_policy, at_listener("loop6.test")), EGRESS_ALLOWED);
    assert_int_equal(d.seen_count, 2);
    assert_int_equal(connect_to(&d, 5000), 0);
    expect_peer("127.0.0.1");
}

static void all_addresses_are_tried(void **state)
{
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_addr.s_addr = htonl(0x7f000003); /* the last of loops.test */
    close(listener);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(decide(open_policy, at_listener("loops.test")), EGRESS_ALLOWED);
    assert_int_equal(connect_to(&d, 5000), 0);
    expect_peer("127.0.0.3");
    close(fd);
    listener = listener_open(&port);
}

static void nobody_there_is_said(void **state)
{
    (void)state;
    close(listener);
    assert_int_equal(decide(open_policy, at_listener("loop.test")), EGRESS_ALLOWED);
    assert_int_equal(connect_to(&d, 5000), ERR_UNAVAILABLE);
    assert_non_null(strstr(why.msg, "net: loop.test: no connection to any of 1 addresses; the last "
                                    "one, 127.0.0.1 port"));
    assert_non_null(strstr(why.msg, "Connection refused"));
    listener = listener_open(&port);
}

static void never_resolved(void *arg, const struct egress_decision *got, const struct err *e)
{
    (void)arg, (void)got, (void)e;
    fail_msg("a cancelled resolution was answered");
}

static void never_connected(void *arg, int fd, const struct ip *who, const struct err *e)
{
    (void)arg, (void)fd, (void)who, (void)e;
    fail_msg("a cancelled connection was answered");
}

/* A listener whose queue is full lets nobody in: the kernel drops what comes. */
static void a_connection_that_hangs_ends(void **state)
{
    (void)state;
    enum { FILL = 8 };
    int fill[FILL];
    uint16_t full_port = 0;
    int full = loopback_socket(SOCK_STREAM, &full_port);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(full_port)};
    char url[64];
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(listen(full, 0), 0);
    for (int i = 0; i < FILL; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fill[i], (struct sockaddr *)&a, sizeof a);
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", full_port);
    assert_int_equal(decide(open_policy, url), EGRESS_ALLOWED);
    assert_int_equal(connect_to(&d, 300), ERR_TIMEOUT);
    assert_non_null(strstr(why.msg, "within 300 ms; see egress.connect_timeout_ms"));
    struct connecting *c = egress_connect(&loop, &d, 5000, never_connected, NULL);
    uv_run(&loop, UV_RUN_NOWAIT); /* begins */
    egress_connect_cancel(c);
    for (int i = 0; i < FILL; i++)
        close(fill[i]);
    close(full);
}

static void cancelled_is_silent(void **state)
{
    (void)state;
    egress_resolve_cancel(
        egress_resolve(&loop, dns, shut_policy, "http://public.test/", 19, never_resolved, NULL));
    egress_resolve_cancel(
        egress_resolve(&loop, dns, shut_policy, "http://evil.example/", 20, never_resolved, NULL));
    assert_int_equal(decide(open_policy, at_listener("loop.test")), EGRESS_ALLOWED);
    egress_connect_cancel(egress_connect(&loop, &d, 5000, never_connected, NULL));
    assert_int_equal(decide(shut_policy, "http://public.test/"), EGRESS_ALLOWED);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(public_names_are_allowed),
        T(names_of_special_addresses_are_denied_and_never_dialled),
        T(metadata_stays_shut_when_all_is_opened),
        T(hosts_that_are_not_listed_are_not_looked_up),
        T(no_name_and_no_answer_are_told_apart),
        T(a_name_that_rebinds_reaches_nothing),
        T(connecting_asks_no_resolver),
        T(a_redirect_to_the_inside_is_denied),
        T(what_the_operator_opened_is_connected_to),
        T(the_other_family_is_tried),
        T(all_addresses_are_tried),
        T(nobody_there_is_said),
        T(a_connection_that_hangs_ends),
        T(cancelled_is_silent),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, dns_server_start, dns_server_stop);
}
