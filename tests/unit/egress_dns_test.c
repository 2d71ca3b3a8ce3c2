/* Lookups against a DNS server of ours: what comes back, what each kind of failure becomes, and
 * that none of them lasts longer or holds more than it may. */
#include "tests/unit/egress_dns.h"

#include "egress/dns.h"

#define TIMEOUT_MS 5000
#define QUICK_MS   800 /* where nothing comes, or half of it at once */

static uv_loop_t loop;
static struct dns *dns;
static bool closed;

struct answer {
    bool came;
    int n;
    struct ip ips[DNS_ADDRESSES_MAX];
    struct err why;
};

static void on_closed(void *arg)
{
    (void)arg;
    closed = true;
}

static void open_with(int64_t timeout_ms, int64_t max_lookups, const char *resolvers)
{
    char *copy = mem_strdup(resolvers);
    struct egress_config c = {
        .resolvers = copy, .resolve_timeout_ms = timeout_ms, .max_lookups = max_lookups};
    struct err e;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(dns_open(&loop, &c, &dns, &e), 0);
    free(copy);
}

static int open_dns(void **state)
{
    (void)state;
    open_with(TIMEOUT_MS, 64, dns_server.resolvers);
    return 0;
}

static int open_quick(void **state)
{
    (void)state;
    open_with(QUICK_MS, 64, dns_server.resolvers);
    return 0;
}

static int close_dns(void **state)
{
    (void)state;
    if (dns) {
        closed = false;
        dns_close(dns, on_closed, NULL);
        dns = NULL;
    }
    while (uv_run(&loop, UV_RUN_ONCE))
        ;
    return !closed || uv_loop_close(&loop); /* UV_EBUSY: a handle is left */
}

static void on_done(void *arg, const struct ip *ips, int n, const struct err *why)
{
    struct answer *a = arg;
    assert_false(a->came);
    assert_true(n > 0 ? !why : why && why->code);
    a->came = true;
    a->n = n;
    memcpy(a->ips, ips, (size_t)n * sizeof *ips);
    if (why)
        a->why = *why;
}

static struct answer ask(const char *name)
{
    struct answer a = {.n = 0};
    dns_lookup(dns, name, on_done, &a);
    assert_false(a.came); /* never before it returns */
    while (!a.came)
        uv_run(&loop, UV_RUN_ONCE);
    return a;
}

static void expect_addresses(const char *name, const char *want)
{
    char got[1024] = "";
    struct answer a = ask(name);
    if (!a.n)
        fail_msg("%s: %s", name, a.why.msg);
    for (int i = 0; i < a.n; i++) {
        char ip[IP_TEXT];
        ip_text(&a.ips[i], ip);
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", i ? " " : "", ip);
    }
    assert_string_equal(got, want);
}

static void expect_failure(const char *name, int code, const char *words)
{
    struct answer a = ask(name);
    if (a.n || a.why.code != code || !strstr(a.why.msg, words) || !strstr(a.why.msg, name))
        fail_msg("%s: %d addresses, code %d (expected %d): %s", name, a.n, a.why.code, code,
                 a.why.msg);
}

static void both_families_come(void **state)
{
    (void)state;
    expect_addresses("public.test", "93.184.216.34 2606:2800:220:1::1");
    expect_addresses("mapped.test", "::ffff:127.0.0.1");
    expect_addresses("doubles.test", "93.184.216.34");
}

static void a_chain_of_names_is_followed(void **state)
{
    (void)state;
    expect_addresses("chain.test", "10.0.0.5");
}

static void what_does_not_fit_a_datagram_comes_by_tcp(void **state)
{
    (void)state;
    int before = atomic_load(&dns_server.by_tcp);
    expect_addresses("tcp.test", "93.184.216.34 10.0.0.5");
    assert_true(atomic_load(&dns_server.by_tcp) > before);
}

static void absence_is_told_from_failure(void **state)
{
    (void)state;
    expect_failure("nx.test", ERR_NOT_FOUND, "no such name");
    expect_failure("never-heard-of.test", ERR_NOT_FOUND, "no such name");
    expect_failure("empty.test", ERR_NOT_FOUND, "the name has no addresses");
    expect_failure("servfail.test", ERR_UNAVAILABLE, "the DNS servers fail");
    expect_failure("refused.test", ERR_UNAVAILABLE, "the DNS servers fail");
}

static void one_family_may_fail(void **state)
{
    (void)state;
    expect_addresses("half.test", "93.184.216.34");
    expect_addresses("fail-a.test", "2606:2800:220:1::1");
}

static void silence_ends(void **state)
{
    (void)state;
    expect_failure("silent.test", ERR_TIMEOUT, "egress.resolvers");
}

static void huge_answers_are_refused(void **state)
{
    (void)state;
    expect_failure("many.test", ERR_LIMIT, "found more than 64 addresses; allowed: up to 64");
}

static void malformed_answers_are_errors(void **state)
{
    (void)state;
    expect_failure("cut.test", ERR_PROTOCOL, "malformed");
    expect_failure("pointer.test", ERR_PROTOCOL, "malformed");
    struct answer a = ask("noise.test"); /* no answer to our question: as if nothing came */
    assert_true(a.n == 0 && a.why.code != ERR_NOT_FOUND);
}

static void answers_to_other_questions_are_not_taken(void **state)
{
    (void)state;
    expect_addresses("spoof.test", "93.184.216.34"); /* 127.0.0.1 came first, under a wrong id */
    struct answer a = ask("other.test");
    assert_int_equal(a.n, 0);
    assert_int_equal(a.why.code, ERR_TIMEOUT);
}

static void environment_and_hosts_file_say_nothing(void **state)
{
    (void)state;
    char file[] = "/tmp/isolane-hosts-XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0 && dprintf(fd, "nx public.test\n") > 0);
    setenv("HOSTALIASES", file, 1);   /* nx would become public.test */
    setenv("LOCALDOMAIN", "test", 1); /* public would be looked up as public.test */
    setenv("RES_OPTIONS", "ndots:5", 1);
    expect_failure("nx", ERR_NOT_FOUND, "no such name");
    expect_failure("public", ERR_NOT_FOUND, "no such name");
    int before = atomic_load(&dns_server.localhost);
    expect_failure("ip6-localhost", ERR_NOT_FOUND, "no such name"); /* Debian's hosts file has it */
    assert_true(atomic_load(&dns_server.localhost) > before);       /* it was DNS that was asked */
    unsetenv("HOSTALIASES");
    unsetenv("LOCALDOMAIN");
    unsetenv("RES_OPTIONS");
    close(fd);
    unlink(file);
}

static void lookups_run_side_by_side_up_to_the_bound(void **state)
{
    (void)state;
    enum { N = 20 };
    static struct answer a[N];
    int came = 0;
    close_dns(NULL);
    open_with(TIMEOUT_MS, 2, dns_server.resolvers);
    for (int i = 0; i < N; i++) {
        a[i] = (struct answer){.n = 0};
        dns_lookup(dns, i % 2 ? "public.test" : "nx.test", on_done, &a[i]);
    }
    while (came < N) {
        uv_run(&loop, UV_RUN_ONCE);
        came = 0;
        for (int i = 0; i < N; i++)
            came += a[i].came;
    }
    for (int i = 0; i < N; i++)
        assert_int_equal(a[i].n, i % 2 ? 2 : 0);
}

static void waiting_counts_as_time(void **state)
{
    (void)state;
    static struct answer a[3];
    close_dns(NULL);
    open_with(300, 1, dns_server.resolvers);
    memset(a, 0, sizeof a);
    for (int i = 0; i < 3; i++)
        dns_lookup(dns, "silent.test", on_done, &a[i]);
    while (!a[0].came || !a[1].came || !a[2].came)
        uv_run(&loop, UV_RUN_ONCE);
    for (int i = 0; i < 3; i++)
        assert_int_equal(a[i].why.code, ERR_TIMEOUT);
}

static void too_many_waiting_are_refused(void **state)
{
    (void)state;
    enum { N = DNS_WAITING_MAX + 2 }; /* one runs */
    static struct answer a[N];
    close_dns(NULL);
    open_with(60000, 1, dns_server.resolvers);
    memset(a, 0, sizeof a);
    for (int i = 0; i < N; i++)
        dns_lookup(dns, "silent.test", on_done, &a[i]);
    while (!a[N - 1].came)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(a[N - 1].why.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(a[N - 1].why.msg, "egress.max_lookups"));
    for (int i = 0; i < N - 1; i++)
        assert_false(a[i].came);
    dns_close(dns, on_closed, NULL); /* ends those that wait and the one that runs */
    dns = NULL;
    for (int i = 0; i < N - 1; i++) {
        assert_true(a[i].came);
        assert_int_equal(a[i].why.code, ERR_UNAVAILABLE);
    }
}

static void never(void *arg, const struct ip *ips, int n, const struct err *why)
{
    (void)arg, (void)ips, (void)n, (void)why;
    fail_msg("a cancelled lookup was answered");
}

static void a_cancelled_lookup_says_nothing(void **state)
{
    (void)state;
    dns_cancel(dns_lookup(dns, "public.test", never, NULL)); /* not begun */
    struct dns_lookup *l = dns_lookup(dns, "silent.test", never, NULL);
    int before = atomic_load(&dns_server.queries);
    while (atomic_load(&dns_server.queries) == before) /* under way */
        uv_run(&loop, UV_RUN_NOWAIT);
    dns_cancel(l);
    expect_addresses("public.test", "93.184.216.34 2606:2800:220:1::1");
}

static void a_second_server_is_asked(void **state)
{
    (void)state;
    char list[64];
    uint16_t port = 0;
    int fd = loopback_socket(SOCK_DGRAM, &port);
    close(fd); /* nobody there: the kernel refuses */
    close_dns(NULL);
    snprintf(list, sizeof list, "127.0.0.1:%u,%s", port, dns_server.resolvers);
    open_with(TIMEOUT_MS, 4, list);
    expect_addresses("private.test", "10.0.0.5");
}

int main(void)
{
#define T(f)     cmocka_unit_test_setup_teardown(f, open_dns, close_dns)
#define QUICK(f) cmocka_unit_test_setup_teardown(f, open_quick, close_dns)
    const struct CMUnitTest tests[] = {
        T(both_families_come),
        T(a_chain_of_names_is_followed),
        T(what_does_not_fit_a_datagram_comes_by_tcp),
        T(absence_is_told_from_failure),
        QUICK(one_family_may_fail),
        QUICK(silence_ends),
        T(huge_answers_are_refused),
        QUICK(malformed_answers_are_errors),
        QUICK(answers_to_other_questions_are_not_taken),
        T(environment_and_hosts_file_say_nothing),
        T(lookups_run_side_by_side_up_to_the_bound),
        T(waiting_counts_as_time),
        T(too_many_waiting_are_refused),
        T(a_cancelled_lookup_says_nothing),
        T(a_second_server_is_asked),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, dns_server_start, dns_server_stop);
}
