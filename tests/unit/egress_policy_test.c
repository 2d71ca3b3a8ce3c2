/* What a policy decides, hop by hop, without a resolver: every decision is a record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "egress/policy.h"

static struct egress_policy *make(const char *const *net, int n, const char *const *inside, int m)
{
    char *copy[PERMISSION_LIST_MAX];
    struct ip_block blocks[EGRESS_PRIVATE_MAX];
    struct egress_policy *p = NULL;
    struct err e = {0};
    for (int i = 0; i < n; i++)
        copy[i] = mem_strdup(net[i]);
    for (int i = 0; i < m; i++)
        assert_true(ip_block_parse(inside[i], &blocks[i]));
    struct permission_entries list = {.v = copy, .n = n};
    if (egress_policy_new(&list, blocks, m, &p, &e))
        fail_msg("%s", e.msg);
    for (int i = 0; i < n; i++)
        free(copy[i]);
    return p;
}

static const char *const NET[] = {"api.example.org", "*.example.net:443", "10.1.2.3:8080",
                                  "localhost", "[fd00::1]"};
static const char *const INSIDE[] = {"10.1.2.3:8080", "192.168.0.0/16", "169.254.0.0/16",
                                     "fd00::/8"};
static struct egress_policy *policy;

static int setup(void **state)
{
    (void)state;
    policy = make(NET, ARRAY_LEN(NET), INSIDE, ARRAY_LEN(INSIDE));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    egress_policy_free(policy);
    return 0;
}

static struct egress_decision d; /* big */
static struct err e;

static int host(const char *url)
{
    return egress_policy_host(policy, url, strlen(url), &d, &e);
}

/* text: addresses separated by blanks */
static int addresses(const char *text)
{
    struct ip ips[EGRESS_ADDRESSES_MAX + 1];
    int n = 0;
    while (*text) {
        size_t len = strcspn(text, " ");
        assert_true(ip_parse(text, len, &ips[n++]));
        text += len + (text[len] == ' ');
    }
    return egress_policy_addresses(policy, &d, ips, n, &e);
}

static void expect_denied(int rc, enum egress_reason why, const char *words)
{
    assert_true(rc == ERR_DENIED || rc == ERR_INVALID);
    assert_int_equal(d.verdict, EGRESS_DENIED);
    assert_int_equal(d.reason, why);
    assert_string_equal(d.text, e.msg);
    if (!strstr(d.text, words))
        fail_msg("found: %s\nexpected: %s", d.text, words);
}

static void a_listed_host_with_public_addresses_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(host("https://api.example.org/x"), 0);
    assert_int_equal(d.verdict, EGRESS_OPEN);
    assert_string_equal(d.rule, "api.example.org");
    assert_int_equal(d.target.port, 443);
    assert_int_equal(addresses("8.8.8.8 2606:4700::1111"), 0);
    assert_int_equal(d.verdict, EGRESS_ALLOWED);
    assert_int_equal(d.seen_count, 2);
    assert_true(d.seen[0].allowed && d.seen[1].allowed);
    assert_string_equal(d.seen[0].rule, "");
}

static void what_is_not_listed_is_denied(void **state)
{
    (void)state;
    expect_denied(host("https://evil.test/"), REASON_NOT_LISTED,
                  "net: evil.test, port 443, is not in permissions.net; allowed: api.example.org, "
                  "*.example.net:443, 10.1.2.3:8080, localhost, [fd00::1]");
    expect_denied(host("http://a.example.net/"), REASON_NOT_LISTED, "port 80");
    expect_denied(host("https://example.net/"), REASON_NOT_LISTED, "example.net");
    expect_denied(host("https://8.8.8.8/"), REASON_NOT_LISTED, "8.8.8.8");
    struct egress_policy *none = make(NULL, 0, NULL, 0);
    assert_int_equal(egress_policy_host(none, "https://a/", 10, &d, &e), ERR_DENIED);
    assert_non_null(strstr(d.text, "allowed: nothing (permissions.net is empty)"));
    egress_policy_free(none);
}

static void a_wrong_url_is_denied_with_its_reason(void **state)
{
    (void)state;
    expect_denied(host("ftp://api.example.org/"), REASON_SCHEME, "https, http, wss, ws");
    expect_denied(host("https://u:p@api.example.org/"), REASON_CREDENTIALS, "credentials");
    expect_denied(host("https://[fe80::1%25eth0]/"), REASON_HOST, "zone");
    expect_denied(host("https://api.example.org:99999/"), REASON_PORT, "1 to 65535");
    expect_denied(host("https://api.example.org:25/"), REASON_PORT, "port 25 of api.example.org");
    expect_denied(host("https://api.example.org\\x"), REASON_URL, "backslash");
}

static void one_special_address_refuses_all(void **state)
{
    (void)state;
    static const struct {
        const char *addresses, *words;
    } cases[] = {
        {"10.0.0.5", "net: api.example.org resolves to 10.0.0.5 (private, RFC 1918); allowed: "
                     "public addresses, or tenants[].egress_private"},
        {"8.8.8.8 127.0.0.1", "127.0.0.1 (loopback"},
        {"8.8.8.8 2606:4700::1 ::1", "::1 (loopback"},
        {"10.1.2.3", "10.1.2.3 (private"}, /* opened at port 8080 only */
        {"0.0.0.0", "0.0.0.0 (unspecified, RFC 791); allowed: public addresses"},
        {"::ffff:10.1.2.3", "IPv4-mapped of 10.1.2.3, private"},
        {"::ffff:8.8.8.8", "IPv4-mapped of 8.8.8.8, public"},
        {"64:ff9b::192.168.0.1", "NAT64 of 192.168.0.1, private"},
        {"2002:c0a8:1::", "6to4 of 192.168.0.1, private"},
        {"169.254.169.254", "169.254.169.254 (cloud metadata"}, /* inside an opened block */
        {"fd00:ec2::254", "fd00:ec2::254 (cloud metadata, AWS)"},
        {"100.64.1.1", "100.64.1.1 (shared by carrier NAT, RFC 6598)"},
        {"fe80::1", "fe80::1 (link-local"},
        {"224.0.0.1", "multicast"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(host("https://api.example.org/"), 0);
        expect_denied(addresses(cases[i].addresses), REASON_ADDRESS, cases[i].words);
    }
}

static void the_operator_can_open_addresses(void **state)
{
    (void)state;
    assert_int_equal(host("http://api.example.org:8080/"), 0);
    assert_int_equal(addresses("8.8.8.8 10.1.2.3 192.168.7.7 169.254.1.1 fd12::1"), 0);
    assert_string_equal(d.seen[0].rule, "");
    assert_string_equal(d.seen[1].rule, "10.1.2.3:8080");
    assert_string_equal(d.seen[2].rule, "192.168.0.0/16");
    assert_int_equal(host("http://10.1.2.3:8080/"), 0); /* a literal address asks for both lists */
    assert_int_equal(addresses("10.1.2.3"), 0);
    assert_int_equal(host("http://[fd00::1]/"), 0);
    assert_int_equal(addresses("fd00::1"), 0);
    assert_int_equal(host("http://localhost/"), 0); /* listed by name, and not opened */
    expect_denied(addresses("127.0.0.1 ::1"), REASON_ADDRESS, "127.0.0.1 (loopback");
}

static void what_nothing_can_open_is_refused_in_the_list(void **state)
{
    (void)state;
    static const char *const never[] = {"169.254.169.254", "169.254.169.254:80", "fd00:ec2::254",
                                        "0.0.0.0",         "224.0.0.1",          "::ffff:10.0.0.1",
                                        "fe80::1",         "168.63.129.16"};
    struct permission_entries none = {0};
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        struct ip_block b;
        struct egress_policy *p = NULL;
        assert_true(ip_block_parse(never[i], &b));
        assert_int_equal(egress_policy_new(&none, &b, 1, &p, &e), ERR_INVALID);
        assert_non_null(strstr(e.msg, "egress_private: found '"));
    }
}

static void too_many_addresses_are_denied(void **state)
{
    (void)state;
    struct ip ips[EGRESS_ADDRESSES_MAX + 1];
    for (int i = 0; i <= EGRESS_ADDRESSES_MAX; i++)
        ips[i] = ip_v4(8, 8, 8, (uint8_t)i);
    assert_int_equal(host("https://api.example.org/"), 0);
    assert_int_equal(egress_policy_addresses(policy, &d, ips, EGRESS_ADDRESSES_MAX, &e), 0);
    assert_int_equal(host("https://api.example.org/"), 0);
    expect_denied(egress_policy_addresses(policy, &d, ips, EGRESS_ADDRESSES_MAX + 1, &e),
                  REASON_TOO_MANY, "65 addresses; allowed: up to 64");
}

static void no_answer_is_not_a_denial(void **state)
{
    (void)state;
    struct err why;
    assert_int_equal(host("https://api.example.org/"), 0);
    err_set(&why, ERR_NOT_FOUND, "api.example.org: no such name");
    assert_int_equal(egress_policy_unresolved(&d, &why, &e), ERR_NOT_FOUND);
    assert_int_equal(d.verdict, EGRESS_DENIED);
    assert_int_equal(d.reason, REASON_NO_SUCH_NAME);
    assert_int_equal(host("https://api.example.org/"), 0);
    err_set(&why, ERR_TIMEOUT, "api.example.org: no answer");
    assert_int_equal(egress_policy_unresolved(&d, &why, &e), ERR_TIMEOUT);
    assert_int_equal(d.verdict, EGRESS_FAILED);
    assert_int_equal(d.reason, REASON_RESOLVER);
}

/* ---- redirects ---- */

static struct egress_decision next;

static void allow(const char *url)
{
    assert_int_equal(host(url), 0);
    assert_int_equal(addresses("8.8.8.8"), 0);
}

static int redirect(const char *url, int max_hops)
{
    int rc = egress_policy_redirect(policy, &d, url, strlen(url), max_hops, &next, &e);
    if (rc)
        assert_int_equal(next.verdict, EGRESS_DENIED);
    return rc;
}

static void each_hop_is_decided_about(void **state)
{
    (void)state;
    allow("http://api.example.org/");
    assert_int_equal(redirect("https://a.example.net/", 20), 0);
    assert_int_equal(next.hop, 1);
    assert_int_equal(next.verdict, EGRESS_OPEN); /* addresses are asked for again */
    assert_int_equal(next.seen_count, 0);
    assert_int_equal(redirect("http://evil.test/", 20), ERR_DENIED);
    assert_int_equal(next.reason, REASON_NOT_LISTED);
    assert_int_equal(redirect("http://169.254.169.254/latest/meta-data/", 20), ERR_DENIED);
    assert_int_equal(next.reason, REASON_NOT_LISTED);
    assert_int_equal(redirect("http://api.example.org:22/", 20), ERR_DENIED);
    assert_int_equal(next.reason, REASON_PORT);
    assert_int_equal(redirect("http://u:p@api.example.org/", 20), ERR_INVALID);
    assert_int_equal(next.reason, REASON_CREDENTIALS);
    assert_int_equal(redirect("file:///etc/passwd", 20), ERR_INVALID);
    assert_int_equal(next.reason, REASON_SCHEME);
}

static void a_redirect_does_not_lose_security(void **state)
{
    (void)state;
    allow("https://api.example.org/");
    assert_int_equal(redirect("http://api.example.org/", 20), ERR_DENIED);
    assert_int_equal(next.reason, REASON_DOWNGRADE);
    assert_non_null(strstr(next.text, "from https to http (api.example.org)"));
    assert_int_equal(redirect("wss://api.example.org/", 20), ERR_DENIED);
    assert_int_equal(next.reason, REASON_DOWNGRADE);
    allow("ws://api.example.org/");
    assert_int_equal(redirect("wss://api.example.org/", 20), 0);
    assert_int_equal(redirect("http://api.example.org/", 20), ERR_DENIED);
}

static void redirects_end(void **state)
{
    (void)state;
    allow("http://api.example.org/");
    for (int hop = 1; hop <= 3; hop++) {
        assert_int_equal(redirect("http://api.example.org/again", 3), 0);
        d = next;
        assert_int_equal(addresses("8.8.8.8"), 0);
    }
    assert_int_equal(redirect("http://api.example.org/again", 3), ERR_DENIED);
    assert_int_equal(next.reason, REASON_REDIRECTS);
    assert_non_null(strstr(next.text, "redirect number 4"));
    allow("http://api.example.org/");
    assert_int_equal(redirect("http://api.example.org/", 0), ERR_DENIED);
}

/* ---- the connection ---- */

static int check_peer(const char *ip, uint16_t port)
{
    struct sockaddr_storage sa;
    struct ip x;
    assert_true(ip_parse(ip, strlen(ip), &x));
    socklen_t len = ip_to_sockaddr(&x, port, &sa);
    return egress_check_sockaddr(&d, (struct sockaddr *)&sa, len, &e);
}

static void only_what_was_decided_is_connected_to(void **state)
{
    (void)state;
    assert_int_equal(host("https://api.example.org/"), 0);
    assert_int_equal(check_peer("8.8.8.8", 443), ERR_DENIED); /* not decided yet */
    assert_int_equal(addresses("8.8.8.8 2606:4700::1111"), 0);
    assert_int_equal(check_peer("8.8.8.8", 443), 0);
    assert_int_equal(check_peer("2606:4700::1111", 443), 0);
    assert_int_equal(check_peer("8.8.8.8", 80), ERR_DENIED);
    assert_int_equal(check_peer("8.8.4.4", 443),
                     ERR_DENIED); /* public, but not what was resolved */
    assert_int_equal(check_peer("127.0.0.1", 443), ERR_DENIED);
    assert_int_equal(check_peer("::ffff:8.8.8.8", 443), ERR_DENIED);
    struct sockaddr_storage sa = {.ss_family = AF_UNIX};
    assert_int_equal(egress_check_sockaddr(&d, (struct sockaddr *)&sa, sizeof sa, &e), ERR_DENIED);
    assert_int_equal(host("https://api.example.org/"), 0);
    assert_int_equal(addresses("8.8.8.8 10.0.0.5"), ERR_DENIED);
    assert_int_equal(check_peer("8.8.8.8", 443),
                     ERR_DENIED); /* the good half of a refused answer */
}

static void a_pin_is_for_libcurl(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_int_equal(host("https://api.example.org:8443/"), 0);
    assert_int_equal(addresses("8.8.8.8 2606:4700::1111"), 0);
    egress_pin(&d, &b);
    assert_string_equal(b.data, "api.example.org:8443:8.8.8.8,[2606:4700::1111]");
    buf_free(&b);
}

static void a_decision_is_json(void **state)
{
    (void)state;
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    assert_int_equal(host("https://api.example.org/"), 0);
    assert_int_equal(addresses("64:ff9b::a00:5"), ERR_DENIED);
    d.resolve_us = 1500;
    egress_decision_json(&d, &w);
    assert_string_equal(
        b.data,
        "{\"verdict\":\"denied\",\"reason\":\"address\",\"text\":\"net: api.example.org resolves "
        "to "
        "64:ff9b::a00:5 (NAT64 of 10.0.0.5, private, RFC 6052); allowed: public addresses\","
        "\"scheme\":\"https\",\"host\":\"api.example.org\",\"port\":443,\"hop\":0,"
        "\"rule\":\"api.example.org\",\"addresses\":[{\"address\":\"64:ff9b::a00:5\",\"class\":"
        "\"NAT64\",\"source\":\"RFC 6052\",\"inner\":\"10.0.0.5\",\"inner_class\":\"private\","
        "\"allowed\":false,\"rule\":null}],\"resolve_ms\":1.500}");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listed_host_with_public_addresses_is_allowed),
        cmocka_unit_test(what_is_not_listed_is_denied),
        cmocka_unit_test(a_wrong_url_is_denied_with_its_reason),
        cmocka_unit_test(one_special_address_refuses_all),
        cmocka_unit_test(the_operator_can_open_addresses),
        cmocka_unit_test(what_nothing_can_open_is_refused_in_the_list),
        cmocka_unit_test(too_many_addresses_are_denied),
        cmocka_unit_test(no_answer_is_not_a_denial),
        cmocka_unit_test(each_hop_is_decided_about),
        cmocka_unit_test(a_redirect_does_not_lose_security),
        cmocka_unit_test(redirects_end),
        cmocka_unit_test(only_what_was_decided_is_connected_to),
        cmocka_unit_test(a_pin_is_for_libcurl),
        cmocka_unit_test(a_decision_is_json),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, teardown);
}
