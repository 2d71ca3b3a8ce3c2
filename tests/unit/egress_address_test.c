/* Every class of the special-purpose registries, at its first and last address and one beyond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "egress/address.h"

struct address_case {
    const char *text;
    enum address_class cls;
    bool can_be_allowed;
};

static struct address_kind kind_of(const char *text, struct ip *ip)
{
    if (!ip_parse(text, strlen(text), ip))
        fail_msg("'%s' is no address", text);
    return address_kind(ip);
}

static void check(const struct address_case *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ip ip;
        struct address_kind k = kind_of(c[i].text, &ip);
        if (k.cls != c[i].cls || k.can_be_allowed != c[i].can_be_allowed)
            fail_msg("%s: found %s, %s be allowed", c[i].text, k.name,
                     k.can_be_allowed ? "can" : "can't");
        assert_true(k.cls == ADDRESS_PUBLIC || *k.source);
    }
}

static void ipv4_by_the_registry(void **state)
{
    (void)state;
    static const struct address_case cases[] = {
        {"0.0.0.0", ADDRESS_UNSPECIFIED, false},
        {"0.255.255.255", ADDRESS_UNSPECIFIED, false},
        {"1.0.0.0", ADDRESS_PUBLIC, false},
        {"9.255.255.255", ADDRESS_PUBLIC, false},
        {"10.0.0.0", ADDRESS_PRIVATE, true},
        {"10.255.255.255", ADDRESS_PRIVATE, true},
        {"11.0.0.0", ADDRESS_PUBLIC, false},
        {"100.63.255.255", ADDRESS_PUBLIC, false},
        {"100.64.0.0", ADDRESS_SHARED, true},
        {"100.127.255.255", ADDRESS_SHARED, true},
        {"100.128.0.0", ADDRESS_PUBLIC, false},
        {"126.255.255.255", ADDRESS_PUBLIC, false},
        {"127.0.0.0", ADDRESS_LOOPBACK, true},
        {"127.0.0.1", ADDRESS_LOOPBACK, true},
        {"127.255.255.255", ADDRESS_LOOPBACK, true},
        {"128.0.0.0", ADDRESS_PUBLIC, false},
        {"169.253.255.255", ADDRESS_PUBLIC, false},
        {"169.254.0.0", ADDRESS_LINK_LOCAL, true},
        {"169.254.255.255", ADDRESS_LINK_LOCAL, true},
        {"169.255.0.0", ADDRESS_PUBLIC, false},
        {"172.15.255.255", ADDRESS_PUBLIC, false},
        {"172.16.0.0", ADDRESS_PRIVATE, true},
        {"172.31.255.255", ADDRESS_PRIVATE, true},
        {"172.32.0.0", ADDRESS_PUBLIC, false},
        {"192.0.0.0", ADDRESS_PROTOCOL, true},
        {"192.0.0.255", ADDRESS_PROTOCOL, true},
        {"192.0.1.0", ADDRESS_PUBLIC, false},
        {"192.0.2.0", ADDRESS_DOCUMENTATION, true},
        {"192.0.2.255", ADDRESS_DOCUMENTATION, true},
        {"192.0.3.0", ADDRESS_PUBLIC, false},
        {"192.88.99.1", ADDRESS_6TO4, false},
        {"192.88.100.0", ADDRESS_PUBLIC, false},
        {"192.167.255.255", ADDRESS_PUBLIC, false},
        {"192.168.0.0", ADDRESS_PRIVATE, true},
        {"192.168.255.255", ADDRESS_PRIVATE, true},
        {"192.169.0.0", ADDRESS_PUBLIC, false},
        {"198.17.255.255", ADDRESS_PUBLIC, false},
        {"198.18.0.0", ADDRESS_BENCHMARKING, true},
        {"198.19.255.255", ADDRESS_BENCHMARKING, true},
        {"198.20.0.0", ADDRESS_PUBLIC, false},
        {"198.51.100.7", ADDRESS_DOCUMENTATION, true},
        {"203.0.113.7", ADDRESS_DOCUMENTATION, true},
        {"223.255.255.255", ADDRESS_PUBLIC, false},
        {"224.0.0.0", ADDRESS_MULTICAST, false},
        {"239.255.255.255", ADDRESS_MULTICAST, false},
        {"240.0.0.0", ADDRESS_RESERVED, true},
        {"255.255.255.254", ADDRESS_RESERVED, true},
        {"255.255.255.255", ADDRESS_BROADCAST, false},
    };
    check(cases, ARRAY_LEN(cases));
}

static void ipv6_by_the_registry(void **state)
{
    (void)state;
    static const struct address_case cases[] = {
        {"::", ADDRESS_UNSPECIFIED, false},
        {"::1", ADDRESS_LOOPBACK, true},
        {"::2", ADDRESS_COMPATIBLE, false},
        {"::8.8.8.8", ADDRESS_COMPATIBLE, false},
        {"::ffff:8.8.8.8", ADDRESS_MAPPED, false},
        {"::ffff:127.0.0.1", ADDRESS_MAPPED, false},
        {"::ffff:0:127.0.0.1", ADDRESS_COMPATIBLE, false},
        {"::1:0:0:0", ADDRESS_RESERVED, true},
        {"64:ff9b::8.8.8.8", ADDRESS_PUBLIC, false},
        {"64:ff9b::10.0.0.5", ADDRESS_NAT64, false},
        {"64:ff9b::127.0.0.1", ADDRESS_NAT64, false},
        {"64:ff9b:1::", ADDRESS_NAT64, false},
        {"64:ff9b:1:ffff:ffff:ffff:ffff:ffff", ADDRESS_NAT64, false},
        {"64:ff9b:2::", ADDRESS_RESERVED, true},
        {"100::", ADDRESS_DISCARD, false},
        {"100::ffff:ffff:ffff:ffff", ADDRESS_DISCARD, false},
        {"100:0:0:1::", ADDRESS_DISCARD, false},
        {"1fff:ffff::", ADDRESS_RESERVED, true},
        {"2000::", ADDRESS_PUBLIC, false},
        {"2001::", ADDRESS_TEREDO, false},
        {"2001:0:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_TEREDO, false},
        {"2001:1::1", ADDRESS_PROTOCOL, true},
        {"2001:2::1", ADDRESS_BENCHMARKING, true},
        {"2001:2:1::", ADDRESS_PROTOCOL, true},
        {"2001:10::1", ADDRESS_PROTOCOL, true},
        {"2001:2f:ffff::", ADDRESS_PROTOCOL, true},
        {"2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_PROTOCOL, true},
        {"2001:200::", ADDRESS_PUBLIC, false},
        {"2001:db7:ffff::", ADDRESS_PUBLIC, false},
        {"2001:db8::1", ADDRESS_DOCUMENTATION, true},
        {"2001:db9::", ADDRESS_PUBLIC, false},
        {"2002:808:808::1", ADDRESS_6TO4, false},
        {"2002:a00:5::1", ADDRESS_6TO4, false},
        {"2003::", ADDRESS_PUBLIC, false},
        {"2606:4700::1111", ADDRESS_PUBLIC, false},
        {"3fff:fff:ffff::", ADDRESS_DOCUMENTATION, true},
        {"3fff:1000::", ADDRESS_PUBLIC, false},
        {"4000::", ADDRESS_RESERVED, true},
        {"5f00::1", ADDRESS_PROTOCOL, true},
        {"fbff:ffff::", ADDRESS_RESERVED, true},
        {"fc00::", ADDRESS_UNIQUE_LOCAL, true},
        {"fdff:ffff::", ADDRESS_UNIQUE_LOCAL, true},
        {"fe00::", ADDRESS_RESERVED, true},
        {"fe80::1", ADDRESS_LINK_LOCAL, false},
        {"febf:ffff::", ADDRESS_LINK_LOCAL, false},
        {"fec0::1", ADDRESS_UNIQUE_LOCAL, true},
        {"ff00::", ADDRESS_MULTICAST, false},
        {"ff02::1", ADDRESS_MULTICAST, false},
    };
    check(cases, ARRAY_LEN(cases));
}

static void metadata_is_known_in_every_form(void **state)
{
    (void)state;
    static const struct address_case cases[] = {
        {"169.254.169.254", ADDRESS_METADATA, false},
        {"169.254.169.253", ADDRESS_METADATA, false},
        {"169.254.170.2", ADDRESS_METADATA, false},
        {"100.100.100.200", ADDRESS_METADATA, false},
        {"168.63.129.16", ADDRESS_METADATA, false}, /* lies among public ones */
        {"192.0.0.192", ADDRESS_METADATA, false},
        {"fd00:ec2::254", ADDRESS_METADATA, false},
        {"fd20:ce::254", ADDRESS_METADATA, false},
        {"::ffff:169.254.169.254", ADDRESS_METADATA, false},
        {"::169.254.169.254", ADDRESS_METADATA, false},
        {"64:ff9b::169.254.169.254", ADDRESS_METADATA, false},
        {"2002:a9fe:a9fe::1", ADDRESS_METADATA, false},
        {"2001:0:1:2:3:4:5601:5601", ADDRESS_METADATA, false}, /* Teredo inverts */
        {"169.254.168.255", ADDRESS_LINK_LOCAL, true},
        {"169.254.171.0", ADDRESS_LINK_LOCAL, true},
    };
    check(cases, ARRAY_LEN(cases));
}

static void expect_shown(const char *text, const char *want)
{
    char shown[ADDRESS_SHOWN];
    struct ip ip;
    kind_of(text, &ip);
    address_show(&ip, shown);
    assert_string_equal(shown, want);
}

static void what_it_is_is_said(void **state)
{
    (void)state;
    expect_shown("10.0.0.5", "10.0.0.5 (private, RFC 1918)");
    expect_shown("8.8.8.8", "8.8.8.8 (public)");
    expect_shown("169.254.169.254", "169.254.169.254 (cloud metadata, AWS, Azure, GCP and others)");
    expect_shown("::ffff:127.0.0.1",
                 "::ffff:127.0.0.1 (IPv4-mapped of 127.0.0.1, loopback, RFC 4291)");
    expect_shown("64:ff9b::a00:5", "64:ff9b::a00:5 (NAT64 of 10.0.0.5, private, RFC 6052)");
    expect_shown("2001:0:1:2:3:4:f5ff:fffa",
                 "2001:0:1:2:3:4:f5ff:fffa (Teredo of 10.0.0.5, private, RFC 4380)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_by_the_registry),
        cmocka_unit_test(ipv6_by_the_registry),
        cmocka_unit_test(metadata_is_known_in_every_form),
        cmocka_unit_test(what_it_is_is_said),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
