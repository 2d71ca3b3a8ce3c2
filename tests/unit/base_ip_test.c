/* Addresses and blocks as text: what is taken, what comes back, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/ip.h"
#include "base/mem.h"

static void addresses_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown; /* shown NULL: refused */
    } cases[] = {
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"FE80::0001", "fe80::1"},
        {"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"", NULL},
        {"1.2.3", NULL},
        {"01.2.3.4", NULL},
        {"0x1.2.3.4", NULL},
        {"256.1.1.1", NULL},
        {" 1.2.3.4", NULL},
        {"1.2.3.4 ", NULL},
        {"[::1]", NULL},
        {"fe80::1%eth0", NULL},
        {"1::2::3", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ip ip;
        char shown[IP_TEXT];
        bool ok = ip_parse(cases[i].text, strlen(cases[i].text), &ip);
        if (ok != (cases[i].shown != NULL))
            fail_msg("'%s' was %s", cases[i].text, ok ? "taken" : "refused");
        if (!ok)
            continue;
        ip_text(&ip, shown);
        assert_string_equal(shown, cases[i].shown);
    }
    struct ip ip;
    assert_false(ip_parse("1.2.3.4\0x", 9, &ip));
}

static void blocks_are_read_strictly(void **state)
{
    (void)state;
    static const char *const same[] = {
        "10.1.2.3", "10.1.2.3:8080", "10.0.0.0/8",    "10.0.0.0/8:443", "0.0.0.0/0",
        "fd00::1",  "fd00::/8",      "[fd00::1]:443", "[fd00::/8]:1",   "10.1.2.3:65535"};
    static const char *const wrong[] = {
        "",           "10",          "10.0.0.0/33", "10.0.0.0/-1",    "10.0.0.0/08",   "10.0.0.0/",
        "10.0.0.1/8", "10.1.2.3:0",  "10.1.2.3:",   "10.1.2.3:65536", "10.1.2.3:080",  "fd00::1/8",
        "fd00::/129", "[fd00::1",    "fd00::1]",    "[fd00::1]443",   "[10.0.0.1]:80", "[]",
        "host",       "10.0.0.1:8 ", "::1/64/64",   "[fd00::1]:"};
    struct ip_block b;
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        char text[IP_BLOCK_TEXT];
        if (!ip_block_parse(same[i], &b))
            fail_msg("'%s' was refused", same[i]);
        ip_block_text(&b, text);
        assert_string_equal(text, same[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (ip_block_parse(wrong[i], &b))
            fail_msg("'%s' was taken", wrong[i]);
}

static bool has(const char *block, const char *ip, uint16_t port)
{
    struct ip_block b;
    struct ip x;
    assert_true(ip_block_parse(block, &b));
    assert_true(ip_parse(ip, strlen(ip), &x));
    return ip_block_has(&b, &x, port);
}

static void blocks_end_where_they_end(void **state)
{
    (void)state;
    assert_true(has("172.16.0.0/12", "172.31.255.255", 1));
    assert_false(has("172.16.0.0/12", "172.32.0.0", 1));
    assert_false(has("172.16.0.0/12", "172.15.255.255", 1));
    assert_true(has("0.0.0.0/0", "255.0.0.1", 1));
    assert_false(has("0.0.0.0/0", "::", 1)); /* the other family */
    assert_true(has("fe80::/10", "febf:ffff::", 1));
    assert_false(has("fe80::/10", "fec0::", 1));
    assert_true(has("10.1.2.3:80", "10.1.2.3", 80));
    assert_false(has("10.1.2.3:80", "10.1.2.3", 81));
    assert_false(has("10.1.2.3:80", "10.1.2.4", 80));
}

static void the_systems_form_and_back(void **state)
{
    (void)state;
    static const char *const all[] = {"1.2.3.4", "2001:db8::1"};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct sockaddr_storage sa;
        struct ip in, out;
        uint16_t port;
        assert_true(ip_parse(all[i], strlen(all[i]), &in));
        socklen_t len = ip_to_sockaddr(&in, 443, &sa);
        assert_true(ip_from_sockaddr((struct sockaddr *)&sa, len, &out, &port));
        assert_true(ip_equal(&in, &out));
        assert_int_equal(port, 443);
        assert_false(ip_from_sockaddr((struct sockaddr *)&sa, len - 1, &out, &port));
    }
    struct sockaddr_storage sa = {.ss_family = AF_UNIX};
    struct ip out;
    uint16_t port;
    assert_false(ip_from_sockaddr((struct sockaddr *)&sa, sizeof sa, &out, &port));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_strictly),
        cmocka_unit_test(blocks_are_read_strictly),
        cmocka_unit_test(blocks_end_where_they_end),
        cmocka_unit_test(the_systems_form_and_back),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
