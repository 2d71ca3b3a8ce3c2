/* Permissions: what an entry may look like, what covers what, how tenant and base meet in a file,
 * what a job may ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fs.h"
#include "base/mem.h"
#include "config/config.h"

static char folder[64] = "/tmp/isolane-permissions-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    setenv("HOME", "/home/nobody", 1);
    return !mkdtemp(folder) || chdir(folder);
}

static int remove_folder(void **state)
{
    (void)state;
    unlink("c.yaml");
    return chdir("/") || rmdir(folder);
}

static int load(const char *yaml, struct config **out, struct err *e)
{
    *out = NULL;
    assert_int_equal(fs_write_file("c.yaml", yaml, strlen(yaml), 0600, false, e), 0);
    return config_load("c.yaml", out, e);
}

static struct config *loaded(const char *yaml)
{
    struct config *c;
    struct err e = {0};
    if (load(yaml, &c, &e))
        fail_msg("refused: %s", e.msg);
    return c;
}

static void refused(const char *yaml, const char *words)
{
    struct config *c;
    struct err e = {0};
    assert_int_equal(load(yaml, &c, &e), ERR_INVALID);
    assert_null(c);
    assert_string_equal(e.msg, words);
}

static void is_json(const struct permissions *p, const char *text)
{
    struct buf b = {0};
    permissions_json(p, &b);
    assert_string_equal(b.data, text);
    buf_free(&b);
}

/* ---- entries ---- */

static void entries(void **state)
{
    (void)state;
    static const struct {
        enum permission_list l;
        const char *entry;
        bool valid;
    } cases[] = {
        {PERMISSION_NET, "api.example.com", true},
        {PERMISSION_NET, "localhost", true},
        {PERMISSION_NET, "a_b.example.com:8443", true},
        {PERMISSION_NET, "*.example.org", true},
        {PERMISSION_NET, "*.example.org:443", true},
        {PERMISSION_NET, "xn--bcher-kva.example", true},
        {PERMISSION_NET, "192.0.2.7", true},
        {PERMISSION_NET, "192.0.2.7:65535", true},
        {PERMISSION_NET, "[2001:db8::1]", true},
        {PERMISSION_NET, "[::ffff:192.0.2.7]:1", true},
        {PERMISSION_NET, "", false},
        {PERMISSION_NET, "*", false},
        {PERMISSION_NET, "*.", false},
        {PERMISSION_NET, "*example.org", false},
        {PERMISSION_NET, "a.*.org", false},
        {PERMISSION_NET, ".example.org", false},
        {PERMISSION_NET, "example.org.", false},
        {PERMISSION_NET, "a..b", false},
        {PERMISSION_NET, "-a.b", false},
        {PERMISSION_NET, "a-.b", false},
        {PERMISSION_NET, "a b", false},
        {PERMISSION_NET,
         "b\xc3\xbc"
         "cher.example",
         false},
        {PERMISSION_NET, "https://a.b", false},
        {PERMISSION_NET, "a.b/c", false},
        {PERMISSION_NET, "u@a.b", false},
        {PERMISSION_NET, "a.b:", false},
        {PERMISSION_NET, "a.b:0", false},
        {PERMISSION_NET, "a.b:080", false},
        {PERMISSION_NET, "a.b:65536", false},
        {PERMISSION_NET, "a.b:1x", false},
        {PERMISSION_NET, "127.1", false}, /* some resolvers read 127.0.0.1 */
        {PERMISSION_NET, "2130706433", false},
        {PERMISSION_NET, "0x7f.1", false},
        {PERMISSION_NET, "0x7f000001", false},
        {PERMISSION_NET, "1.2.3.256", false},
        {PERMISSION_NET, "010.0.0.1", false},
        {PERMISSION_NET, "*.0.0.1", false},
        {PERMISSION_NET, "*.com.5", false},
        {PERMISSION_NET, "2001:db8::1", false},
        {PERMISSION_NET, "[2001:db8::1", false},
        {PERMISSION_NET, "[2001:db8::g]", false},
        {PERMISSION_NET, "[fe80::1%eth0]", false},
        {PERMISSION_NET, "[::1]x", false},
        {PERMISSION_NET, "[]", false},
        {PERMISSION_ENV, "LANG", true},
        {PERMISSION_ENV, "_x9", true},
        {PERMISSION_ENV, "9x", false},
        {PERMISSION_ENV, "A=B", false},
        {PERMISSION_ENV, "", false},
        {PERMISSION_SECRETS, "NPM_TOKEN", true},
        {PERMISSION_SECRETS, "a-b", false},
        {PERMISSION_SECRETS, "", false},
    };
    const char *allowed;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        allowed = NULL;
        if (permission_entry_valid(cases[i].l, cases[i].entry, &allowed) != cases[i].valid)
            fail_msg("'%s' should%s be valid", cases[i].entry, cases[i].valid ? "" : " not");
        assert_non_null(allowed);
    }
}

static void lengths_of_entries(void **state)
{
    (void)state;
    char text[400];
    const char *allowed;
    memset(text, 'a', sizeof text);
    text[64] = '\0';
    assert_true(permission_entry_valid(PERMISSION_SECRETS, text, &allowed));
    assert_false(permission_entry_valid(PERMISSION_NET, text, &allowed)); /* one label */
    text[64] = 'a', text[65] = '\0';
    assert_false(permission_entry_valid(PERMISSION_SECRETS, text, &allowed));
    for (size_t i = 60; i < sizeof text; i += 60)
        text[i] = '.';
    text[65] = 'a';
    text[253] = '\0';
    assert_true(permission_entry_valid(PERMISSION_NET, text, &allowed));
    text[253] = 'a', text[254] = '\0';
    assert_false(permission_entry_valid(PERMISSION_NET, text, &allowed));
    text[254] = 'a', text[399] = '\0';
    assert_false(permission_entry_valid(PERMISSION_NET, text, &allowed));
}

static bool covers(enum permission_list l, const char *tenant, const char *job)
{
    struct permission_entries list = {0};
    assert_true(permission_add(&list, "other.example", 13));
    assert_true(permission_add(&list, tenant, strlen(tenant)));
    bool yes = permission_covers(l, &list, job);
    permission_entries_free(&list);
    return yes;
}

static void what_covers_what(void **state)
{
    (void)state;
    static const struct {
        const char *tenant, *job;
        bool yes;
    } net[] = {
        {"a.example.com", "a.example.com", true},
        {"a.example.com", "A.Example.COM", true},
        {"a.example.com", "a.example.com:443", true},
        {"a.example.com:443", "a.example.com:443", true},
        {"a.example.com:443", "a.example.com", false}, /* any port is more than one */
        {"a.example.com:443", "a.example.com:80", false},
        {"a.example.com", "b.a.example.com", false},
        {"a.example.com", "*.a.example.com", false},
        {"*.example.com", "a.example.com", true},
        {"*.example.com", "a.b.example.com:1", true},
        {"*.example.com", "*.example.com", true},
        {"*.example.com", "*.b.example.com", true},
        {"*.example.com", "example.com", false},
        {"*.example.com", "*.com", false},
        {"*.example.com", "badexample.com", false},
        {"*.example.com:443", "*.b.example.com:443", true},
        {"*.example.com:443", "*.b.example.com", false},
        {"192.0.2.7", "192.0.2.7:80", true},
        {"192.0.2.7", "192.0.2.8", false},
        {"[2001:db8::1]", "[2001:0DB8:0:0::1]:443", true},
        {"[2001:db8::1]", "[2001:db8::2]", false},
        {"192.0.2.7", "[::ffff:192.0.2.7]", false},
        {"a.example.com", "not a host", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(net); i++)
        if (covers(PERMISSION_NET, net[i].tenant, net[i].job) != net[i].yes)
            fail_msg("%s should%s cover %s", net[i].tenant, net[i].yes ? "" : " not", net[i].job);
    assert_true(covers(PERMISSION_ENV, "LANG", "LANG"));
    assert_false(covers(PERMISSION_ENV, "LANG", "lang"));
    assert_false(covers(PERMISSION_SECRETS, "A", "AB"));
}

/* ---- the file ---- */

static void nothing_is_the_default(void **state)
{
    (void)state;
    static const char *const files[] = {"", "tenants: [{name: a}]\n", "permissions: {}\n"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct config *c = loaded(files[i]);
        is_json(&c->tenants[0].permissions, "[]");
        assert_int_equal(c->tenants[0].permissions.clock_us, 1000);
        assert_int_equal(c->tenants[0].profile, PROFILE_DEFAULT);
        config_free(c);
    }
}

static void tenants_have_the_base_but_for_what_they_name(void **state)
{
    (void)state;
    struct config *c = loaded("tenants:\n"
                              " - name: a\n"
                              " - name: b\n"
                              "   permissions: {eval: false, clock_us: 5, net: [], env: [TZ]}\n"
                              " - name: c\n"
                              "   profile: jitless\n"
                              "permissions:\n"
                              "  eval: true\n"
                              "  wasm: true\n"
                              "  clock_us: 100\n"
                              "  net: [api.example.com, '*.example.org:443']\n"
                              "  secrets: [TOKEN]\n");
    is_json(&c->tenants[0].permissions,
            "[\"eval\",\"wasm\",\"clock_us:100\",\"net:api.example.com\",\"net:*.example.org:443\","
            "\"secrets:TOKEN\"]");
    is_json(&c->tenants[1].permissions, "[\"wasm\",\"clock_us:5\",\"env:TZ\",\"secrets:TOKEN\"]");
    assert_false(c->tenants[2].permissions.flag[PERMISSION_WASM]); /* jitless has none */
    assert_true(c->tenants[2].permissions.flag[PERMISSION_EVAL]);
    assert_int_equal(c->tenants[2].profile, PROFILE_JITLESS);
    config_free(c);
    c = loaded("permissions: {sab: true}\n"); /* the tenant that is not named has it too */
    is_json(&c->tenants[0].permissions, "[\"sab\"]");
    config_free(c);
}

static void wrong_permissions_are_refused(void **state)
{
    (void)state;
    refused("permissions:\n  evil: true\n",
            "c.yaml:2: permissions.evil: unknown key; did you mean 'permissions.eval'?");
    refused("permissions: {eval: yes}\n",
            "c.yaml:1: permissions.eval: found 'yes'; allowed: true or false");
    refused("permissions: {clock_us: 4}\n",
            "c.yaml:1: permissions.clock_us: found '4'; allowed: a whole number from 5 to 1000000");
    refused("permissions:\n  net: api.example.com\n",
            "c.yaml:2: permissions.net: found a single value; allowed: a list, each host, "
            "*.domain, IPv4 or [IPv6] address, each with or without :port");
    refused("tenants:\n - name: a\n   permissions:\n     net:\n       - a.example\n       - '*'\n",
            "c.yaml:6: tenants[0].permissions.net[1]: found '*'; allowed: host, *.domain, IPv4 or "
            "[IPv6] address, each with or without :port");
    refused("permissions:\n  env: [[A]]\n",
            "c.yaml:2: permissions.env[0]: found a list; allowed: a variable's name: 1 to 128 of "
            "A-Z a-z 0-9 _ with no digit first");
    refused("permissions:\n  secrets: [A, 1]\n",
            "c.yaml:2: permissions.secrets[1]: found '1'; allowed: a secret's name: 1 to 64 of "
            "A-Z a-z 0-9 _ with no digit first");
    refused("tenants:\n - name: a\n   profile: fast\n",
            "c.yaml:3: tenants[0].profile: found 'fast'; allowed: default, jitless");
    refused("tenants:\n - name: a\n   profile: jitless\n   permissions: {wasm: true}\n",
            "c.yaml:4: tenants[0].permissions: found wasm: true; allowed: false, for profile "
            "jitless has no WebAssembly");
}

static void lists_are_bounded(void **state)
{
    (void)state;
    struct buf b = {0};
    struct err e = {0};
    struct config *c;
    buf_adds(&b, "permissions: {env: [A0");
    for (int i = 1; i < PERMISSION_LIST_MAX; i++)
        buf_addf(&b, ",A%d", i);
    size_t full = b.len;
    buf_adds(&b, "]}\n");
    c = loaded(b.data);
    assert_int_equal(c->tenants[0].permissions.list[PERMISSION_ENV].n, PERMISSION_LIST_MAX);
    config_free(c);
    b.len = full;
    buf_adds(&b, ",B]}\n");
    assert_int_equal(load(b.data, &c, &e), ERR_INVALID);
    assert_string_equal(e.msg, "c.yaml:1: permissions.env: found 65 entries; allowed: at most 64");
    buf_free(&b);
}

/* ---- a job's ---- */

static void a_job_gets_no_more_than_its_tenant_has(void **state)
{
    (void)state;
    struct permissions tenant = {.clock_us = 100, .flag[PERMISSION_EVAL] = true}, out;
    struct permissions_asked asked = {0};
    struct err e = {0};
    permission_add(&tenant.list[PERMISSION_NET], "*.example.org", 13);
    permission_add(&tenant.list[PERMISSION_SECRETS], "TOKEN", 5);

    assert_int_equal(permissions_restrict(NULL, &tenant, "ci", &out, &e), 0);
    is_json(&out, "[\"eval\",\"clock_us:100\",\"net:*.example.org\"]"); /* secrets are named */
    permissions_free(&out);

    asked.flag_given[PERMISSION_EVAL] = asked.clock_given = asked.list_given[PERMISSION_SECRETS] =
        true;
    asked.v.clock_us = 1000;
    permission_add(&asked.v.list[PERMISSION_SECRETS], "TOKEN", 5);
    assert_int_equal(permissions_restrict(&asked, &tenant, "ci", &out, &e), 0);
    is_json(&out, "[\"net:*.example.org\",\"secrets:TOKEN\"]");
    permissions_free(&out);

    asked.v.clock_us = 99;
    assert_int_equal(permissions_restrict(&asked, &tenant, "ci", &out, &e), ERR_INVALID);
    assert_string_equal(e.msg, "permissions.clock_us: found 99; allowed: 100 to 1000000 "
                               "(permission of tenant 'ci')");
    is_json(&out, "[]");
    asked.v.clock_us = 100;
    asked.list_given[PERMISSION_NET] = true;
    permission_add(&asked.v.list[PERMISSION_NET], "a.example.org", 13);
    permission_add(&asked.v.list[PERMISSION_NET], "x.org", 5);
    assert_int_equal(permissions_restrict(&asked, &tenant, "ci", &out, &e), ERR_INVALID);
    assert_string_equal(e.msg, "permissions.net[1]: found \"x.org\"; allowed: *.example.org "
                               "(permission of tenant 'ci')");
    permissions_free(&asked.v);
    permissions_free(&tenant);
}

static void profiles(void **state)
{
    (void)state;
    assert_int_equal(profile_by_name("jitless"), PROFILE_JITLESS);
    assert_int_equal(profile_by_name("Default"), -1);
    assert_true(profile_allows(PROFILE_DEFAULT, PROFILE_DEFAULT));
    assert_true(profile_allows(PROFILE_DEFAULT, PROFILE_JITLESS));
    assert_true(profile_allows(PROFILE_JITLESS, PROFILE_JITLESS));
    assert_false(profile_allows(PROFILE_JITLESS, PROFILE_DEFAULT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries),
        cmocka_unit_test(lengths_of_entries),
        cmocka_unit_test(what_covers_what),
        cmocka_unit_test(nothing_is_the_default),
        cmocka_unit_test(tenants_have_the_base_but_for_what_they_name),
        cmocka_unit_test(wrong_permissions_are_refused),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(a_job_gets_no_more_than_its_tenant_has),
        cmocka_unit_test(profiles),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
