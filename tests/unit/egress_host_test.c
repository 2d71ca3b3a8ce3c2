/* Hosts in all their spellings, patterns, URLs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "config/permissions.h"
#include "egress/url.h"

static void hosts_become_one_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"example.org", "example.org"},
        {"EXAMPLE.Org.", "example.org"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"_dmarc.a-b.example", "_dmarc.a-b.example"},
        {"a", "a"},
        {"1e2.example", "1e2.example"},
        {"127.0.0.1", "127.0.0.1"},
        {"127.0.0.1.", "127.0.0.1"},
        {"127.1", "127.0.0.1"},
        {"127.0.1", "127.0.0.1"},
        {"0x7f.1", "127.0.0.1"},
        {"0X7F.0x1", "127.0.0.1"},
        {"0177.0.0.01", "127.0.0.1"},
        {"017700000001", "127.0.0.1"},
        {"2130706433", "127.0.0.1"},
        {"0x7f000001", "127.0.0.1"},
        {"0x", "0.0.0.0"},
        {"0", "0.0.0.0"},
        {"10.0x10001", "10.1.0.1"},
        {"4294967295", "255.255.255.255"},
        {"169.254.43518", "169.254.169.254"},
        {"0xa9fea9fe", "169.254.169.254"},
        {"[::1]", "[::1]"},
        {"[0:0:0:0:0:0:0:1]", "[::1]"},
        {"[::FFFF:127.0.0.1]", "[::ffff:127.0.0.1]"},
        {"[fd00:0ec2::0254]", "[fd00:ec2::254]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct host h;
        struct err e = {0};
        if (host_parse(cases[i].text, strlen(cases[i].text), &h, &e))
            fail_msg("%s: %s", cases[i].text, e.msg);
        assert_string_equal(h.text, cases[i].want);
    }
}

static void what_is_no_host_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        ".",
        "..",
        "a..b",
        ".a",
        "a b",
        "a%2eb",
        "a/b",
        "a@b",
        "b\xc3\xbc"
        "cher",
        "a:b",
        "::1",
        "[::1",
        "::1]",
        "[]",
        "[127.0.0.1]",
        "[fe80::1%eth0]",
        "[fe80::1%25eth0]",
        "256.1.1.1",
        "1.2.3.4.5",
        "1.2.3.08",
        "4294967296",
        "0x100000000",
        "127.0.0.0x1g0.0xg.1.1.1",
        "a.0x1",
        "a.1",
        "1..1",
        "127.0.0.256",
        "1.2.65536",
        "09.1.1.1",
        "a\tb",
        "[::1]x",
        "*.a",
        "a,b",
        "99999999999999999999",
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct host h;
        struct err e = {0};
        if (host_parse(wrong[i], strlen(wrong[i]), &h, &e) != ERR_INVALID)
            fail_msg("'%s' was taken as %s", wrong[i], h.text);
        assert_non_null(strstr(e.msg, "found '"));
        assert_non_null(strstr(e.msg, "; allowed: "));
        for (const char *p = e.msg; *p; p++)
            if ((unsigned char)*p < ' ')
                fail_msg("a control character in the message");
    }
}

static void names_have_lengths(void **state)
{
    (void)state;
    char text[300];
    struct host h;
    memset(text, 'a', sizeof text);
    assert_int_equal(host_parse(text, 63, &h, NULL), 0);
    assert_int_equal(host_parse(text, 64, &h, NULL), ERR_INVALID);
    for (int i = 49; i < 300; i += 50)
        text[i] = '.';
    assert_int_equal(host_parse(text, 253, &h, NULL), 0);
    assert_int_equal(strlen(h.text), 253);
    assert_int_equal(host_parse(text, 254, &h, NULL), ERR_INVALID);
    text[253] = '.';
    assert_int_equal(host_parse(text, 254, &h, NULL), 0); /* the root's dot is not counted */
}

static bool fits(const char *pattern, const char *host, uint16_t port)
{
    struct host_pattern p;
    struct host h;
    struct err e = {0};
    if (host_pattern_parse(pattern, &p, &e))
        fail_msg("%s: %s", pattern, e.msg);
    assert_int_equal(host_parse(host, strlen(host), &h, NULL), 0);
    return host_pattern_fits(&p, &h, port);
}

static void patterns_fit_what_they_say(void **state)
{
    (void)state;
    assert_true(fits("api.example.org", "API.example.org.", 443));
    assert_true(fits("api.example.org", "api.example.org", 8443)); /* every port */
    assert_true(fits("API.example.org:443", "api.example.org", 443));
    assert_false(fits("api.example.org:443", "api.example.org", 8443));
    assert_false(fits("api.example.org", "xapi.example.org", 443));
    assert_false(fits("example.org", "api.example.org", 443));
    assert_true(fits("*.example.org", "a.example.org", 443));
    assert_true(fits("*.example.org", "a.b.example.org", 1));
    assert_false(fits("*.example.org", "example.org", 443));
    assert_false(fits("*.example.org", "xexample.org", 443));
    assert_false(fits("*.example.org", "a.example.org.evil.test", 443));
    assert_true(fits("*.example.org:443", "a.example.org", 443));
    assert_false(fits("*.example.org:443", "a.example.org", 80));
    assert_true(fits("10.1.2.3", "0xa.66051", 80)); /* an address, however it is written */
    assert_true(fits("10.1.2.3:80", "10.1.2.3", 80));
    assert_false(fits("10.1.2.3:80", "10.1.2.3", 81));
    assert_false(fits("10.1.2.3", "10.1.2.4", 80));
    assert_true(fits("[fd00::1]:443", "[fd00:0::1]", 443));
    assert_false(fits("[::ffff:10.1.2.3]", "10.1.2.3", 80));
    assert_false(fits("*.example.org", "10.1.2.3", 80));
}

static void wrong_patterns_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",     "*",   "*.",        "*example.org", "a.*.b",      "a:0",       "a:65536",
        "a:",   "a:b", "a:443:1",   "*.1.2.3",      "*.10.0.0.1", "*.[::1]",   "::1",
        "[::1", "a b", "https://a", "[::1]:x",      "a/b",        "10.0.0.0/8"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct host_pattern p;
        struct err e = {0};
        if (host_pattern_parse(wrong[i], &p, &e) != ERR_INVALID)
            fail_msg("'%s' was taken", wrong[i]);
        assert_true(*e.msg);
    }
}

/* What config takes for an entry of permissions.net must be a pattern here, with the same meaning.
 */
static void config_and_egress_agree_on_entries(void **state)
{
    (void)state;
    static const char *const entries[] = {"a",
                                          "A.example",
                                          "*.example.org",
                                          "*.example.org:443",
                                          "a_b.example:1",
                                          "10.1.2.3",
                                          "10.1.2.3:65535",
                                          "[::1]",
                                          "[FD00::1]:443",
                                          "xn--bcher-kva.example",
                                          "127.1",
                                          "0x7f.1",
                                          "*.1.2.3.4",
                                          "a:0",
                                          "a:65536",
                                          "[fe80::1%1]",
                                          "*",
                                          "*.*.a",
                                          "a..b",
                                          "[::1]:",
                                          "256.1.1.1",
                                          "a.0x1",
                                          "1.2.3.4.5",
                                          "::1",
                                          "a b"};
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        struct host_pattern p;
        const char *allowed;
        if (permission_entry_valid(PERMISSION_NET, entries[i], &allowed) &&
            host_pattern_parse(entries[i], &p, NULL))
            fail_msg("config takes '%s', egress does not", entries[i]);
    }
    /* A tenant's entry that covers a job's lets everything through that the job's does. */
    static const struct {
        const char *tenant, *job, *host;
        uint16_t port;
    } covered[] = {{"*.example.org", "a.example.org:8443", "a.example.org", 8443},
                   {"*.example.org", "*.b.example.org", "c.b.example.org", 80},
                   {"A.example.org", "a.example.org", "a.example.org", 443},
                   {"10.1.2.3", "10.1.2.3:80", "10.1.2.3", 80},
                   {"[fd00::1]", "[FD00:0::1]:80", "[fd00::1]", 80}};
    for (size_t i = 0; i < ARRAY_LEN(covered); i++) {
        char *one = mem_strdup(covered[i].tenant);
        struct permission_entries tenant = {.v = &one, .n = 1};
        assert_true(permission_covers(PERMISSION_NET, &tenant, covered[i].job));
        assert_true(fits(covered[i].job, covered[i].host, covered[i].port));
        assert_true(fits(covered[i].tenant, covered[i].host, covered[i].port));
        free(one);
    }
}

static enum host_special special(const char *text)
{
    struct host h;
    assert_int_equal(host_parse(text, strlen(text), &h, NULL), 0);
    return host_special(&h);
}

static void some_names_are_not_for_dns(void **state)
{
    (void)state;
    assert_int_equal(special("localhost"), HOST_LOCALHOST);
    assert_int_equal(special("a.LOCALHOST."), HOST_LOCALHOST);
    assert_int_equal(special("notlocalhost"), HOST_ORDINARY);
    assert_int_equal(special("localhost.example"), HOST_ORDINARY);
    assert_int_equal(special("x.onion"), HOST_NOWHERE);
    assert_int_equal(special("invalid"), HOST_NOWHERE);
    assert_int_equal(special("printer.local"), HOST_NOWHERE);
    assert_int_equal(special("onlocal"), HOST_ORDINARY);
    assert_int_equal(special("127.0.0.1"), HOST_ORDINARY);
}

static void urls_become_origins(void **state)
{
    (void)state;
    static const struct {
        const char *url, *origin;
    } cases[] = {
        {"https://example.org", "https://example.org"},
        {"HTTPS://Example.ORG:443/a?b#c", "https://example.org"},
        {"http://example.org:443", "http://example.org:443"},
        {"http://example.org:/x", "http://example.org"},
        {"http://example.org:00080?x=http://evil.test/", "http://example.org"},
        {"wss://h#@evil.test", "wss://h"},
        {"ws://[::1]:8080/", "ws://[::1]:8080"},
        {"http://2130706433/", "http://127.0.0.1"},
        {"https://h/a@b:c", "https://h"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct egress_target t;
        struct err e = {0};
        char origin[EGRESS_ORIGIN_MAX];
        if (egress_target_parse(cases[i].url, strlen(cases[i].url), &t, NULL, &e))
            fail_msg("%s: %s", cases[i].url, e.msg);
        egress_origin(&t, origin);
        assert_string_equal(origin, cases[i].origin);
    }
}

static void what_could_be_read_in_two_ways_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        enum url_fault fault;
    } cases[] = {
        {"", URL_SCHEME},
        {"example.org", URL_SCHEME},
        {"//example.org/", URL_SCHEME},
        {"/path", URL_SCHEME},
        {"ftp://example.org", URL_SCHEME},
        {"file:///etc/passwd", URL_SCHEME},
        {"gopher://h:70/", URL_SCHEME},
        {"httpss://h/", URL_SCHEME},
        {"https:example.org", URL_MALFORMED},
        {"https:/example.org", URL_MALFORMED},
        {"https:\\\\example.org", URL_MALFORMED},
        {"https://example.org\\@evil.test/", URL_MALFORMED},
        {" https://example.org", URL_MALFORMED},
        {"https://exa\nmple.org", URL_MALFORMED},
        {"https://example.org/\r\nHost: x", URL_MALFORMED},
        {"https://b\xc3\xbc"
         "cher.example",
         URL_MALFORMED},
        {"https://user@example.org", URL_CREDENTIALS},
        {"https://user:pass@example.org", URL_CREDENTIALS},
        {"https://allowed.example:pw@evil.test/", URL_CREDENTIALS},
        {"https://@example.org", URL_CREDENTIALS},
        {"https://", URL_HOST},
        {"https:///path", URL_HOST},
        {"https://:443", URL_HOST},
        {"https://a..b/", URL_HOST},
        {"https://exam%70le.org", URL_HOST},
        {"https://[::1/", URL_HOST},
        {"https://[fe80::1%25lo]/", URL_HOST},
        {"https://::1/", URL_HOST},
        {"https://a:0/", URL_PORT},
        {"https://a:65536/", URL_PORT},
        {"https://a:80:80/", URL_PORT},
        {"https://a:8x/", URL_PORT},
        {"https://a:-1/", URL_PORT},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct egress_target t;
        struct err e = {0};
        enum url_fault fault;
        int rc = egress_target_parse(cases[i].url, strlen(cases[i].url), &t, &fault, &e);
        if (rc != ERR_INVALID || fault != cases[i].fault)
            fail_msg("'%s': %d, fault %d (expected %d)", cases[i].url, rc, fault, cases[i].fault);
        if (!strstr(e.msg, "; allowed: ") || strstr(e.msg, "pass") || strstr(e.msg, "pw"))
            fail_msg("'%s': %s", cases[i].url, e.msg);
    }
}

static void long_urls_are_refused(void **state)
{
    (void)state;
    static char url[EGRESS_URL_MAX + 2] = "https://a/";
    struct egress_target t;
    memset(url + 10, 'x', sizeof url - 10);
    assert_int_equal(egress_target_parse(url, EGRESS_URL_MAX, &t, NULL, NULL), 0);
    assert_int_equal(egress_target_parse(url, EGRESS_URL_MAX + 1, &t, NULL, NULL), ERR_INVALID);
}

static void ports_of_other_protocols_are_bad(void **state)
{
    (void)state;
    static const uint16_t bad[] = {0, 1, 22, 25, 53, 143, 6000, 6667, 10080};
    static const uint16_t fine[] = {80, 443, 8080, 3000, 65535, 4222};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_true(egress_port_bad(bad[i]));
    for (size_t i = 0; i < ARRAY_LEN(fine); i++)
        assert_false(egress_port_bad(fine[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_become_one_spelling),
        cmocka_unit_test(what_is_no_host_is_refused),
        cmocka_unit_test(names_have_lengths),
        cmocka_unit_test(patterns_fit_what_they_say),
        cmocka_unit_test(wrong_patterns_are_refused),
        cmocka_unit_test(config_and_egress_agree_on_entries),
        cmocka_unit_test(some_names_are_not_for_dns),
        cmocka_unit_test(urls_become_origins),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
        cmocka_unit_test(long_urls_are_refused),
        cmocka_unit_test(ports_of_other_protocols_are_bad),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
