/* Every way in which a configuration file can be wrong, with the words that come out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/fs.h"
#include "config/config.h"

static char folder[64] = "/tmp/isolane-config-XXXXXX";

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

static int load(const char *yaml, size_t len, struct config **out, struct err *e)
{
    assert_int_equal(fs_write_file("c.yaml", yaml, len, 0600, false, e), 0);
    return config_load("c.yaml", out, e);
}

static struct config *loaded(const char *yaml)
{
    struct config *c = NULL;
    struct err e = {0};
    if (load(yaml, strlen(yaml), &c, &e))
        fail_msg("refused: %s", e.msg);
    return c;
}

static void refused(const char *yaml, const char *words)
{
    struct config *c = NULL;
    struct err e = {0};
    assert_int_equal(load(yaml, strlen(yaml), &c, &e), ERR_INVALID);
    assert_null(c);
    assert_string_equal(e.msg, words);
}

static void values_are_taken(void **state)
{
    (void)state;
    struct config *c =
        loaded("pool: 9\njail: prefer\nlive_logs: false\ndata_dir: '/x y'\n"
               "nats: {url: 'nats://a:1,tls://b:2', prefetch: 3, password: 12, user: u}\n");
    assert_int_equal(c->pool, 9);
    assert_int_equal(c->jail, JAIL_PREFER);
    assert_false(c->live_logs);
    assert_string_equal(c->data_dir, "/x y");
    assert_string_equal(c->nats.url, "nats://a:1,tls://b:2");
    assert_int_equal(c->nats.prefetch, 3);
    assert_string_equal(c->nats.password, "12"); /* text, although YAML would read a number */
    assert_string_equal(c->file, "c.yaml");
    config_free(c);
}

static void an_empty_file_gives_the_defaults(void **state)
{
    (void)state;
    const char *const empty[] = {"", "# nothing\n", "---\n", "{}\n"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        struct config *c = loaded(empty[i]);
        assert_int_equal(c->pool, 4);
        assert_int_equal(c->tenant_count, 1);
        assert_string_equal(c->tenants[0].name, "default");
        config_free(c);
    }
}

static void egress_is_read(void **state)
{
    (void)state;
    struct config *c =
        loaded("egress: {resolvers: '192.0.2.1,[2001:db8::1]:5353', resolve_timeout_ms: 100}\n"
               "tenants:\n  - name: a\n    egress_private: ['10.1.2.3:8080', 10.0.0.0/8]\n"
               "  - name: b\n    egress_private: []\n");
    char text[IP_BLOCK_TEXT];
    assert_string_equal(c->egress.resolvers, "192.0.2.1,[2001:db8::1]:5353");
    assert_int_equal(c->egress.resolve_timeout_ms, 100);
    assert_int_equal(c->egress.max_redirects, 20);
    assert_int_equal(c->tenants[0].egress_private_count, 2);
    ip_block_text(&c->tenants[0].egress_private[0], text);
    assert_string_equal(text, "10.1.2.3:8080");
    ip_block_text(&c->tenants[0].egress_private[1], text);
    assert_string_equal(text, "10.0.0.0/8");
    assert_int_equal(c->tenants[1].egress_private_count, 0);
    config_free(c);
}

static void wrong_egress_is_refused(void **state)
{
    (void)state;
    refused("egress: {resolvers: ns.example.org}\n",
            "c.yaml:1: egress.resolvers: found 'ns.example.org'; allowed: ADDRESS, ADDRESS:PORT or "
            "[IPv6]:PORT, several separated by commas");
    refused("egress: {resolvers: 10.0.0.0/8}\n",
            "c.yaml:1: egress.resolvers: found '10.0.0.0/8'; allowed: ADDRESS, ADDRESS:PORT or "
            "[IPv6]:PORT, several separated by commas");
    refused("egress: {max_redirect: 2}\n",
            "c.yaml:1: egress.max_redirect: unknown key; did you mean 'egress.max_redirects'?");
    refused("tenants:\n  - name: a\n    egress_private:\n      - 10.0.0.1/8\n",
            "c.yaml:4: tenants[0].egress_private[0]: found '10.0.0.1/8'; allowed: an address or a "
            "block, with or without a port: 10.1.2.3:8080, 10.0.0.0/8, [fd00::1]:443, fd00::/8");
    refused("tenants:\n  - name: a\n    egress_private: [db.internal]\n",
            "c.yaml:3: tenants[0].egress_private[0]: found 'db.internal'; allowed: an address or a "
            "block, with or without a port: 10.1.2.3:8080, 10.0.0.0/8, [fd00::1]:443, fd00::/8");
    refused("tenants:\n  - name: a\n    egress_private: 10.0.0.1\n",
            "c.yaml:3: tenants[0].egress_private: found a single value; allowed: a list of up to "
            "64: an address or a block, with or without a port: 10.1.2.3:8080, 10.0.0.0/8, "
            "[fd00::1]:443, fd00::/8");
}

static void unknown_keys_are_refused(void **state)
{
    (void)state;
    refused("pool: 4\n\npol: 3\n", "c.yaml:3: pol: unknown key; did you mean 'pool'?");
    refused("nats:\n  uri: x\n", "c.yaml:2: nats.uri: unknown key; did you mean 'nats.url'?");
    refused("tenants:\n  - name: a\n    wieght: 2\n",
            "c.yaml:3: tenants[0].wieght: unknown key; did you mean 'tenants[0].weight'?");
    refused("limits: {ceilings: {frobs: 2}}\n",
            "c.yaml:1: limits.ceilings.frobs: unknown key; allowed: cpu_ms, wall_ms, heap_mb, "
            "memory_mb, output_kb, artifacts_mb");
    refused("nats.url: nats://x\n",
            "c.yaml:1: nats.url: unknown key; write 'url' in the map 'nats'");
    refused("[a]: 2\n", "c.yaml:1: found a list as a key; allowed: a name");
}

static void wrong_types_are_refused(void **state)
{
    (void)state;
    refused("pool: many\n", "c.yaml:1: pool: found 'many'; allowed: a whole number from 1 to 256");
    refused("pool: 4.5\n", "c.yaml:1: pool: found '4.5'; allowed: a whole number from 1 to 256");
    refused("pool: '4'\n",
            "c.yaml:1: pool: found the text \"4\"; allowed: a whole number from 1 to "
            "256, without quotes");
    refused("pool: [4]\n", "c.yaml:1: pool: found a list; allowed: a whole number from 1 to 256");
    refused("pool:\n",
            "c.yaml:1: pool: found nothing; allowed: a whole number from 1 to 256 (leave "
            "the line out for the default)");
    refused("live_logs: yes\n", "c.yaml:1: live_logs: found 'yes'; allowed: true or false");
    refused("jail: maybe\n", "c.yaml:1: jail: found 'maybe'; allowed: require, prefer, off");
    refused("log_level: loud\n",
            "c.yaml:1: log_level: found 'loud'; allowed: debug, info, warn, error");
    refused("worker: {a: 1}\n", "c.yaml:1: worker: found a map; allowed: 1 to 64 of A-Z a-z 0-9 _ "
                                ". -, no '.' at the ends or twice in a row");
    refused("nats: 4\n", "c.yaml:1: nats: found a single value; allowed: a map of url, …");
    refused("nats:\n", "c.yaml:1: nats: found nothing; allowed: a map of url, …");
    refused("- pool\n", "c.yaml:1: found a list; allowed: a map of nats, …");
    refused("data_dir: \"a\\0b\"\n",
            "c.yaml:1: data_dir: found a text with a NUL byte; allowed: path of a folder");
}

static void values_out_of_range_are_refused(void **state)
{
    (void)state;
    refused("pool: 0\n", "c.yaml:1: pool: found '0'; allowed: a whole number from 1 to 256");
    refused("pool: 99999999999999999999\n",
            "c.yaml:1: pool: found '99999999999999999999'; allowed: "
            "a whole number from 1 to 256");
    refused("nats:\n  port: 65536\n",
            "c.yaml:2: nats.port: found '65536'; allowed: a whole number from 0 to 65535");
    refused("worker: a b\n", "c.yaml:1: worker: found 'a b'; allowed: 1 to 64 of A-Z a-z 0-9 _ . "
                             "-, no '.' at the ends or twice in a row");
    refused("nats: {prefix: a..b}\n",
            "c.yaml:1: nats.prefix: found 'a..b'; allowed: 1 to 64 of A-Z "
            "a-z 0-9 _ -, parts separated by '.'");
    refused("limits:\n  ceilings:\n    heap_mb: 7\n",
            "c.yaml:3: limits.ceilings.heap_mb: found '7'; allowed: a whole number from 8 to 4096");
    refused("tenants:\n - name: a\n - name: b\n   weight: 0\n",
            "c.yaml:4: tenants[1].weight: found '0'; allowed: a whole number from 1 to 1000");
}

static void secrets_do_not_stand_in_messages(void **state)
{
    (void)state;
    refused("nats: {url: 'http://me:geheim@x/'}\n",
            "c.yaml:1: nats.url: found a text that is not allowed; allowed: nats://HOST:PORT or "
            "tls://HOST:PORT, several separated by commas");
}

static void a_key_given_twice_is_refused(void **state)
{
    (void)state;
    refused("pool: 4\njail: off\npool: 4\n",
            "c.yaml:3: pool: found a second time (first in line 1); allowed: once");
}

static void bad_yaml_is_refused(void **state)
{
    (void)state;
    refused("\tpool: 4\n",
            "c.yaml:1: not YAML: column 1: found character that cannot start any token "
            "while scanning for the next token (a tab in the indentation? blanks only)");
    refused("pool: 4\n\tjail: off\n",
            "c.yaml:2: not YAML: column 1: found a tab character that violates indentation while "
            "scanning a plain scalar");
    refused("nats: {url: x\npool: 4\n",
            "c.yaml:2: not YAML: column 5: did not find expected ',' or "
            "'}' while parsing a flow mapping");
    refused("a: *b\n", "c.yaml:1: not YAML: column 4: found undefined alias");
    refused("pool: 4\n---\npool: 5\n", "c.yaml:3: found a second YAML document; allowed: one");
    refused("pool: \xff\n", "c.yaml: not YAML: invalid leading UTF-8 octet at byte 6");
}

static void deep_nesting_is_refused_at_once(void **state)
{
    (void)state;
    size_t n = 500000;
    char *deep = malloc(n);
    struct config *c;
    struct err e;
    memset(deep, '[', n);
    assert_int_equal(load(deep, n, &c, &e), ERR_INVALID);
    assert_string_equal(e.msg,
                        "c.yaml:1: found maps and lists inside one another more than 16 deep; "
                        "allowed: at most 16");
    free(deep);
}

static void an_alias_in_a_circle_ends(void **state)
{
    (void)state;
    refused("nats: &a {url: *a}\n", "c.yaml:1: nats.url: found a map; allowed: nats://HOST:PORT or "
                                    "tls://HOST:PORT, several separated by commas");
    refused("tenants: &a [*a]\n", "c.yaml:1: tenants[0]: found a list; allowed: a map of name, …");
}

static void a_file_too_large_is_refused(void **state)
{
    (void)state;
    size_t n = ((size_t)1 << 20) + 1;
    char *big = malloc(n);
    struct config *c;
    struct err e;
    memset(big, '#', n);
    assert_int_equal(load(big, n, &c, &e), ERR_INVALID);
    assert_string_equal(e.msg,
                        "configuration: c.yaml is larger than 1048576 bytes, the most allowed");
    n--;
    assert_int_equal(load(big, n, &c, &e), 0);
    config_free(c);
    free(big);
}

static void a_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct config *c;
    struct err e;
    assert_int_equal(config_load("none.yaml", &c, &e), ERR_NOT_FOUND);
    assert_string_equal(e.msg, "configuration: cannot open none.yaml: No such file or directory");
    assert_int_equal(config_load(folder, &c, &e), ERR_IO);
}

static void tenants_inherit_the_base_wherever_it_stands(void **state)
{
    (void)state;
    struct config *c = loaded("tenants:\n"
                              "  - {name: ci, weight: 5, max_running: 2,\n"
                              "     defaults: {cpu_ms: 50}, ceilings: {wall_ms: 700}}\n"
                              "  - name: web\n"
                              "limits: {defaults: {wall_ms: 900}, ceilings: {cpu_ms: 100}}\n");
    const struct tenant *ci = config_tenant(c, "ci"), *web = config_tenant(c, "web");
    assert_int_equal(c->tenant_count, 2);
    assert_null(config_tenant(c, "default"));
    assert_int_equal(ci->weight, 5);
    assert_int_equal(ci->max_running, 2);
    assert_int_equal(ci->defaults.v[LIMIT_CPU_MS], 50);
    assert_int_equal(ci->ceilings.v[LIMIT_CPU_MS], 100);
    assert_int_equal(ci->defaults.v[LIMIT_WALL_MS], 700); /* the base's 900, cut to its ceiling */
    assert_int_equal(web->weight, 1);
    assert_int_equal(web->defaults.v[LIMIT_WALL_MS], 900);
    assert_int_equal(web->defaults.v[LIMIT_CPU_MS], 100); /* the built-in 1000, cut */
    assert_int_equal(web->ceilings.v[LIMIT_HEAP_MB], limit_table[LIMIT_HEAP_MB].ceiling);
    config_free(c);
}

static void ceilings_by_time(void **state)
{
    (void)state;
    struct config *c = loaded("tenants:\n"
                              "  - {name: b, jobs_per_s: 5}\n"
                              "  - {name: a, jobs_per_s: 5, jobs_burst: 9, cpu_s_per_hour: 60}\n"
                              "  - {name: c}\n");
    const struct tenant *a = config_tenant(c, "a"), *b = config_tenant(c, "b");
    assert_int_equal(a->jobs_burst, 9);
    assert_int_equal(a->cpu_s_per_hour, 60);
    assert_int_equal(b->jobs_per_s, 5);
    assert_int_equal(b->jobs_burst, 5);
    assert_int_equal(config_tenant(c, "c")->jobs_per_s, 0);
    assert_null(config_tenant(c, "d"));
    config_free(c);
    refused("tenants:\n - name: a\n   jobs_burst: 3\n",
            "c.yaml:3: tenants[0].jobs_burst: found without jobs_per_s; allowed: with it");
    refused("tenants:\n - name: a\n   jobs_per_s: 200000\n",
            "c.yaml:3: tenants[0].jobs_per_s: found '200000'; allowed: a whole number from 0 to "
            "100000");
}

static void the_base_holds_for_the_default_tenant(void **state)
{
    (void)state;
    struct config *c = loaded("limits: {defaults: {heap_mb: 32}, ceilings: {heap_mb: 33}}\n");
    assert_int_equal(c->tenants[0].defaults.v[LIMIT_HEAP_MB], 32);
    assert_int_equal(c->tenants[0].ceilings.v[LIMIT_HEAP_MB], 33);
    config_free(c);
}

static void wrong_tenants_are_refused(void **state)
{
    (void)state;
    refused("tenants: []\n",
            "c.yaml:1: tenants: found 0 tenants; allowed: 1 to 1000 (leave it out for 'default')");
    refused("tenants: {name: a}\n",
            "c.yaml:1: tenants: found a map; allowed: a list of maps, each with a name");
    refused("tenants:\n - a\n",
            "c.yaml:2: tenants[0]: found a single value; allowed: a map of name, …");
    refused("tenants:\n - weight: 2\n",
            "c.yaml:2: tenants[0]: found no name; allowed: name: 1 to 64 "
            "of A-Z a-z 0-9 _ -");
    refused("tenants:\n - name: a.b\n",
            "c.yaml:2: tenants[0].name: found 'a.b'; allowed: 1 to 64 of A-Z a-z 0-9 _ -");
    refused("tenants:\n - name: a\n - name: a\n",
            "c.yaml:3: tenants[1].name: found 'a' a second time; allowed: each tenant once");
    refused(
        "tenants:\n - name: a\n   defaults: {cpu_ms: 60001}\n",
        "c.yaml:3: tenants[0].defaults.cpu_ms: found 60001; allowed: 1 to 60000 (the ceiling in "
        "force)");
    refused("limits:\n defaults: {cpu_ms: 9}\n ceilings: {cpu_ms: 8}\n",
            "c.yaml:2: limits.defaults.cpu_ms: found 9; allowed: 1 to 8 (the ceiling in force)");
}

static void the_most_tenants_are_taken_and_no_more(void **state)
{
    (void)state;
    for (int n = TENANTS_MAX; n <= TENANTS_MAX + 1; n++) {
        struct buf b = {0};
        struct config *c = NULL;
        struct err e;
        buf_adds(&b, "tenants:\n");
        for (int i = 0; i < n; i++)
            buf_addf(&b, "  - name: t%d\n", i);
        int rc = load(b.data, b.len, &c, &e);
        assert_int_equal(rc, n > TENANTS_MAX ? ERR_INVALID : 0);
        if (!rc)
            assert_non_null(config_tenant(c, "t999"));
        config_free(c);
        buf_free(&b);
    }
}

static void logging_in_two_ways_is_refused(void **state)
{
    (void)state;
    refused("nats: {user: u, token: t}\n",
            "found nats.user and nats.token; allowed: one way to log in: nats.user with "
            "nats.password, nats.token, nats.nkey_seed_file, or nats.creds_file");
    refused("nats: {password: p}\n",
            "nats.password: found without nats.user; allowed: both, or neither");
    refused("nats: {tls_key_file: k}\n",
            "nats.tls_key_file: found without nats.tls_cert_file; allowed: both, or neither");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_taken),
        cmocka_unit_test(an_empty_file_gives_the_defaults),
        cmocka_unit_test(egress_is_read),
        cmocka_unit_test(wrong_egress_is_refused),
        cmocka_unit_test(unknown_keys_are_refused),
        cmocka_unit_test(wrong_types_are_refused),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(secrets_do_not_stand_in_messages),
        cmocka_unit_test(a_key_given_twice_is_refused),
        cmocka_unit_test(bad_yaml_is_refused),
        cmocka_unit_test(deep_nesting_is_refused_at_once),
        cmocka_unit_test(an_alias_in_a_circle_ends),
        cmocka_unit_test(a_file_too_large_is_refused),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(tenants_inherit_the_base_wherever_it_stands),
        cmocka_unit_test(the_base_holds_for_the_default_tenant),
        cmocka_unit_test(ceilings_by_time),
        cmocka_unit_test(wrong_tenants_are_refused),
        cmocka_unit_test(the_most_tenants_are_taken_and_no_more),
        cmocka_unit_test(logging_in_two_ways_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
