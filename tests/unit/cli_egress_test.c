/* egress check: decisions as an operator sees them, against a DNS server of ours. Nothing is
 * dialled. */
#include "tests/unit/cli_run.h"

#include "tests/unit/egress_dns.h"

static char folder[] = "/tmp/isolane-egress-XXXXXX";
static int listener;
static uint16_t port;

static int setup(void **state)
{
    char yaml[1024];
    if (dns_server_start(state) || !mkdtemp(folder) || chdir(folder))
        return -1;
    setenv("HOME", folder, 1);
    setenv("NO_COLOR", "1", 1);
    unsetenv("ISOLANE_CONFIG");
    listener = listener_open(&port);
    snprintf(yaml, sizeof yaml,
             "egress: {resolvers: '%s', resolve_timeout_ms: 5000, max_redirects: 2}\n"
             "tenants:\n"
             "  - name: ci\n"
             "    permissions: {net: ['*.test', 'api.example.org:443', localhost]}\n"
             "  - name: inside\n"
             "    permissions: {net: ['*.test']}\n"
             "    egress_private: ['10.0.0.0/8:443', '127.0.0.1']\n"
             "  - name: nothing\n",
             dns_server.resolvers);
    return fs_write_file("c.yaml", yaml, strlen(yaml), 0600, false, NULL);
}

static int teardown(void **state)
{
    forget_said();
    unlink("c.yaml");
    unlink("out");
    unlink("err");
    close(listener);
    return chdir("/") || rmdir(folder) || dns_server_stop(state);
}

static void what_is_allowed_is_shown_with_its_rule(void **state)
{
    (void)state;
    EXPECT(0, &command_egress, "egress check https://public.test/x --tenant ci --config c.yaml",
           "permissions.net: *.test", NULL);
    assert_non_null(strstr(said_out, "93.184.216.34 (public)"));
    assert_non_null(strstr(said_out, "2606:2800:220:1::1 (public)"));
    assert_non_null(strstr(said_out, "\nallowed: net: public.test, port 443, may be reached\n"));
}

static void what_is_denied_is_shown_with_its_reason(void **state)
{
    (void)state;
    EXPECT(1, &command_egress, "egress check https://mixed.test/ --tenant ci --config c.yaml",
           "\ndenied: net: mixed.test resolves to 10.0.0.5 (private, RFC 1918); allowed: public "
           "addresses, or tenants[].egress_private\n",
           NULL);
    assert_non_null(strstr(said_out, "93.184.216.34 (public)"));
    EXPECT(1, &command_egress, "egress check https://public.test/ --tenant nothing --config c.yaml",
           "allowed: nothing (permissions.net is empty)", NULL);
    EXPECT(1, &command_egress, "egress check https://public.test:6667/ --tenant ci --config c.yaml",
           "port 6667 of public.test is another protocol's", NULL);
    EXPECT(1, &command_egress, "egress check ftp://public.test/ --tenant ci --config c.yaml",
           "scheme 'ftp'; allowed: https, http, wss, ws", NULL);
    EXPECT(1, &command_egress, "egress check https://nx.test/ --tenant ci --config c.yaml",
           "denied: net: nx.test: no such name", NULL);
    EXPECT(1, &command_egress,
           "egress check https://u:secret@public.test/ --config c.yaml --tenant ci", "credentials",
           NULL);
    assert_null(strstr(said_out, "secret"));
}

static void what_the_operator_opened_names_the_entry(void **state)
{
    (void)state;
    EXPECT(0, &command_egress, "egress check https://private.test/ --tenant inside --config c.yaml",
           "egress_private: 10.0.0.0/8:443", NULL);
    EXPECT(1, &command_egress, "egress check http://private.test/ --tenant inside --config c.yaml",
           "10.0.0.5 (private, RFC 1918)", NULL);
}

static void no_answer_is_not_a_verdict(void **state)
{
    (void)state;
    EXPECT(3, &command_egress, "egress check https://servfail.test/ --tenant ci --config c.yaml",
           "\nfailed: net: servfail.test: the DNS servers fail", NULL);
}

static void redirects_are_decided_in_turn(void **state)
{
    (void)state;
    EXPECT(1, &command_egress,
           "egress check http://public.test/ http://meta.test/ http://public.test/ --tenant ci "
           "--config c.yaml --json",
           "{\"tenant\":\"ci\",\"verdict\":\"denied\",\"hops\":[{\"verdict\":\"allowed\",", NULL);
    assert_non_null(strstr(said_out, "\"host\":\"meta.test\",\"port\":80,\"hop\":1,"));
    assert_non_null(
        strstr(said_out, "\"address\":\"169.254.169.254\",\"class\":\"cloud metadata\""));
    assert_null(strstr(said_out, "\"hop\":2"));
    EXPECT(1, &command_egress,
           "egress check http://a.test/ https://a.test/ --tenant ci --config c.yaml",
           "no such name", NULL);
    EXPECT(1, &command_egress,
           "egress check https://public.test/ http://public.test/ --tenant ci --config c.yaml",
           "a redirect from https to http", NULL);
    EXPECT(1, &command_egress,
           "egress check http://public.test/ http://public.test/ http://public.test/ "
           "http://public.test/ --tenant ci --config c.yaml",
           "redirect number 3, to public.test; allowed: up to 2", NULL);
}

static void nothing_is_connected_to(void **state)
{
    (void)state;
    char line[160];
    snprintf(line, sizeof line, "egress check http://loop.test:%u/ --tenant inside --config c.yaml",
             port);
    EXPECT(0, &command_egress, line, "egress_private: 127.0.0.1", NULL);
    snprintf(line, sizeof line, "egress check http://loop.test:%u/ --tenant ci --config c.yaml",
             port);
    EXPECT(1, &command_egress, line, "127.0.0.1 (loopback, RFC 1122)", NULL);
    assert_int_equal(listener_count(listener), 0);
}

static void a_wrong_command_line_is_told(void **state)
{
    (void)state;
    EXPECT(2, &command_egress, "egress check --config c.yaml", NULL, "check URL");
    EXPECT(2, &command_egress, "egress try https://a/ --config c.yaml", NULL, "allowed: check");
    EXPECT(2, &command_egress, "egress check https://a/ --tenant who --config c.yaml", NULL,
           "--tenant: found 'who'");
    EXPECT(0, &command_egress, "egress --help", "connects to nothing", NULL);
}

/* Whatever command reads the configuration: a worker does not start with it either. */
static void what_nothing_can_open_is_a_wrong_configuration(void **state)
{
    (void)state;
    static const char yaml[] = "tenants: [{name: a, egress_private: ['169.254.169.254']}]\n";
    assert_int_equal(fs_write_file("wrong.yaml", yaml, strlen(yaml), 0600, false, NULL), 0);
    EXPECT(3, &command_egress, "egress check https://a/ --config wrong.yaml", NULL,
           "tenant 'a': egress_private: found '169.254.169.254' (cloud metadata");
    EXPECT(3, &command_keys, "keys show --config wrong.yaml", NULL, "tenant 'a': egress_private");
    unlink("wrong.yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_allowed_is_shown_with_its_rule),
        cmocka_unit_test(what_is_denied_is_shown_with_its_reason),
        cmocka_unit_test(what_the_operator_opened_names_the_entry),
        cmocka_unit_test(no_answer_is_not_a_verdict),
        cmocka_unit_test(redirects_are_decided_in_turn),
        cmocka_unit_test(nothing_is_connected_to),
        cmocka_unit_test(a_wrong_command_line_is_told),
        cmocka_unit_test(what_nothing_can_open_is_a_wrong_configuration),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, teardown);
}
