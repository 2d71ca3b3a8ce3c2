/* The parts of the link that need no server: subjects, ids, addresses, NKeys, what is kept, what
 * waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "link/address.h"
#include "link/asked.h"
#include "link/nkey.h"
#include "link/outbox.h"
#include "link/subjects.h"

/* ---- subjects ---- */

static struct subjects subjects_of(const char *prefix, const char *stream_prefix)
{
    struct subjects s;
    struct err e = {0};
    struct nats_config c = {.prefix = (char *)(uintptr_t)prefix,
                            .stream_prefix = (char *)(uintptr_t)stream_prefix};
    assert_int_equal(subjects_init(&s, &c, &e), 0);
    return s;
}

static void test_subjects(void **state)
{
    (void)state;
    struct subjects s = subjects_of("isolane", "ISOLANE");
    char out[SUBJECT_MAX];
    assert_string_equal(s.jobs_stream, "ISOLANE_JOBS");
    assert_string_equal(s.results_stream, "ISOLANE_RESULTS");
    subject_job(&s, "ci", CLASS_HIGH, out);
    assert_string_equal(out, "isolane.jobs.ci.high");
    subject_job_class(&s, CLASS_LOW, out);
    assert_string_equal(out, "isolane.jobs.*.low");
    subject_result(&s, "ci", "a.b", out);
    assert_string_equal(out, "isolane.results.ci.a.b");
    subject_results_all(&s, out);
    assert_string_equal(out, "isolane.results.*.>");
    subject_results_get(&s, out);
    assert_string_equal(out, "isolane.results.get");
    subject_cancel(&s, ">", out);
    assert_string_equal(out, "isolane.cancel.>");
    subject_logs(&s, "ci", "7", out);
    assert_string_equal(out, "isolane.logs.ci.7");
    subject_progress(&s, "ci", "7", out);
    assert_string_equal(out, "isolane.progress.ci.7");
    subject_direct_get(&s, "ci", "7", out);
    assert_string_equal(out, "$JS.API.DIRECT.GET.ISOLANE_RESULTS.isolane.results.ci.7");
}

static void test_subjects_taken_apart(void **state)
{
    (void)state;
    struct subjects s = subjects_of("a.b", "X");
    char tenant[TENANT_NAME_MAX + 1];
    enum job_class c;
    assert_true(subject_parse_job(&s, "a.b.jobs.ci.low", tenant, sizeof tenant, &c));
    assert_string_equal(tenant, "ci");
    assert_int_equal(c, CLASS_LOW);
    const char *bad[] = {"",
                         "a.b.jobs",
                         "a.b.jobs.ci",
                         "a.b.jobs.ci.",
                         "a.b.jobs.ci.urgent",
                         "a.b.jobs..low",
                         "a.b.jobs.c$i.low",
                         "a.b.jobs.ci.low.x",
                         "a.b.results.ci.low",
                         "a.bjobs.ci.low",
                         "isolane.jobs.ci.low"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(subject_parse_job(&s, bad[i], tenant, sizeof tenant, &c));
    char longest[128] = "a.b.jobs.";
    memset(longest + 9, 'x', 65);
    strcpy(longest + 9 + 65, ".low");
    assert_false(subject_parse_job(&s, longest, tenant, sizeof tenant, &c));
    assert_true(subject_parse_job(&s, "a.b.jobs.x.high", tenant, sizeof tenant, &c));
    assert_string_equal(subject_parse_cancel(&s, "a.b.cancel.x.y"), "x.y");
    assert_null(subject_parse_cancel(&s, "a.b.cancel."));
    assert_null(subject_parse_cancel(&s, "a.b.cancel"));
    assert_null(subject_parse_cancel(&s, "isolane.cancel.x"));
}

static void test_prefixes_too_long(void **state)
{
    (void)state;
    struct subjects s;
    struct err e = {0};
    char text[100];
    memset(text, 'x', 99);
    text[99] = 0;
    struct nats_config c = {.prefix = text, .stream_prefix = "S"};
    assert_int_equal(subjects_init(&s, &c, &e), ERR_INVALID);
    assert_string_equal(e.msg, "nats.prefix: found 99 characters; allowed: at most 64");
    c.prefix = "p";
    c.stream_prefix = text;
    assert_int_equal(subjects_init(&s, &c, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "nats.stream_prefix: found 99"));
}

static void test_job_ids(void **state)
{
    (void)state;
    const char *good[] = {"a", "1", "A-z_0.9:x=@y+z", "a.b.c"};
    const char *bad[] = {"", ".", ".a", "a.", "a..b", "a b", "a*", ">", "a/b", "\xc3\xa4", "a\n"};
    char longest[JOB_ID_MAX + 2];
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(job_id_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(job_id_valid(bad[i], strlen(bad[i])));
    assert_false(job_id_valid("a\0b", 3));
    memset(longest, 'x', sizeof longest);
    assert_true(job_id_valid(longest, JOB_ID_MAX));
    assert_false(job_id_valid(longest, JOB_ID_MAX + 1));
    assert_true(job_id_is_sequence("007"));
    assert_false(job_id_is_sequence(""));
    assert_false(job_id_is_sequence("7a"));
    assert_int_equal(job_class_by_name("normal"), CLASS_NORMAL);
    assert_int_equal(job_class_by_name("Normal"), -1);
}

/* ---- addresses ---- */

static void test_addresses(void **state)
{
    (void)state;
    struct address_list l;
    struct err e = {0};
    char shown[ADDRESS_MAX], all[64];
    assert_int_equal(address_split("nats://a:1, tls://u:p@b:2,c", &l, &e), 0);
    assert_int_equal(l.count, 3);
    assert_true(l.tls);
    assert_string_equal(l.url[1], "tls://u:p@b:2");
    address_list_shown(&l, all, sizeof all);
    assert_string_equal(all, "nats://a:1, tls://b:2, nats://c:4222");
    address_list_shown(&l, all, 10); /* cut, not overrun */
    assert_string_equal(all, "nats://a:");
    address_free(&l);
    address_shown("nats://token@[::1]:4333", shown);
    assert_string_equal(shown, "nats://[::1]:4333");
    address_shown("nats://u:p@ss@host", shown);
    assert_string_equal(shown, "nats://host:4222");
    address_shown("", shown);
    assert_string_equal(shown, "nats://localhost:4222");
    char huge[1000];
    memset(huge, 'h', sizeof huge - 1);
    huge[sizeof huge - 1] = 0;
    address_shown(huge, shown);
    assert_true(strlen(shown) < ADDRESS_MAX);
}

static void test_addresses_refused(void **state)
{
    (void)state;
    struct address_list l;
    struct err e = {0};
    assert_int_equal(address_split("", &l, &e), ERR_INVALID);
    assert_int_equal(address_split("nats://a,,nats://b", &l, &e), ERR_INVALID);
    assert_int_equal(address_split("ws://a", &l, &e), ERR_INVALID);
    assert_string_equal(e.msg, "nats.url: found the scheme 'ws'; allowed: nats, tls");
    assert_int_equal(address_split("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", &l, &e),
                     ERR_INVALID);
}

/* ---- NKeys ---- */

/* Made for this test. */
#define SEED "SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU"

static void test_nkey_of_a_seed_file(void **state)
{
    (void)state;
    uint8_t seed[ED25519_SEED];
    char pub[NKEY_PUBLIC_TEXT], text[NKEY_SEED_TEXT];
    struct err e = {0};
    const char *file = "# a comment\n-----BEGIN USER NKEY SEED-----\n  " SEED " \r\n"
                       "------END USER NKEY SEED------\n";
    if (nkey_find_user_seed(file, strlen(file), seed, pub, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(strlen(pub), NKEY_PUBLIC_TEXT - 1);
    assert_int_equal(pub[0], 'U');
    nkey_seed_text(NKEY_USER, seed, text);
    assert_string_equal(text, SEED);
    assert_int_equal(nkey_find_user_seed(SEED, strlen(SEED), seed, text, &e), 0);
    assert_string_equal(text, pub);
}

static void test_nkey_refused(void **state)
{
    (void)state;
    uint8_t seed[ED25519_SEED];
    char pub[NKEY_PUBLIC_TEXT], broken[] = SEED;
    struct err e = {0};
    assert_int_equal(nkey_find_user_seed("", 0, seed, pub, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "no user seed in it"));
    assert_int_equal(nkey_find_user_seed("SU", 2, seed, pub, &e), ERR_INVALID);
    assert_int_equal(nkey_find_user_seed(SEED "A", sizeof SEED, seed, pub, &e), ERR_INVALID);
    broken[20] = broken[20] == 'A' ? 'B' : 'A'; /* the checksum tells */
    assert_int_equal(nkey_find_user_seed(broken, strlen(broken), seed, pub, &e), ERR_INVALID);
    assert_null(strstr(e.msg, broken)); /* the error does not carry the secret */
    broken[20] = '1';                   /* not of the alphabet */
    assert_int_equal(nkey_find_user_seed(broken, strlen(broken), seed, pub, &e), ERR_INVALID);
    char account[NKEY_SEED_TEXT];
    memset(seed, 7, sizeof seed);
    nkey_seed_text(NKEY_ACCOUNT, seed, account);
    assert_int_equal(strncmp(account, "SA", 2), 0);
    assert_int_equal(nkey_find_user_seed(account, strlen(account), seed, pub, &e), ERR_INVALID);
}

/* ---- what is kept while there is no connection ---- */

static void test_outbox(void **state)
{
    (void)state;
    struct outbox o;
    struct link_header h[2] = {{"A", "1"}, {"B", ""}};
    outbox_init(&o);
    assert_null(outbox_take(&o));
    assert_true(outbox_add(&o, "s1", NULL, NULL, 0, "", 0));
    assert_true(outbox_add(&o, "s2", "r", h, 2, "a\0b", 3));
    struct kept_message *m = outbox_take(&o);
    assert_string_equal(m->subject, "s1");
    assert_null(m->reply);
    assert_int_equal(m->len, 0);
    free(m);
    m = outbox_take(&o);
    assert_string_equal(m->reply, "r");
    assert_string_equal(m->headers[1].name, "B");
    assert_string_equal(m->headers[0].value, "1");
    assert_memory_equal(m->data, "a\0b", 3);
    free(m);
    assert_int_equal(o.bytes, 0);
    size_t half = LINK_PENDING_MAX / 2;
    char *data = mem_alloc(half);
    assert_true(outbox_add(&o, "s", NULL, NULL, 0, data, half));
    assert_false(outbox_add(&o, "s", NULL, NULL, 0, data, half)); /* its subject is too much */
    assert_true(outbox_add(&o, "s", NULL, NULL, 0, data, 100));
    free(data);
    outbox_clear(&o);
    assert_int_equal(o.bytes, 0);
}

/* ---- requests that wait ---- */

struct told {
    int replies, failures, code;
    char why[256];
    struct asked *again; /* ask once more from inside the call */
};

static void on_told(struct link_msg *m, const struct err *why, void *arg)
{
    struct told *t = arg;
    t->replies += m != NULL;
    t->failures += m == NULL;
    if (why) {
        t->code = why->code;
        snprintf(t->why, sizeof t->why, "%s", why->msg);
    }
    if (t->again)
        asked_add(t->again, "again", false, 60000, on_told, t);
    t->again = NULL;
}

static void count(void *arg)
{
    ++*(int *)arg;
}

static void test_asked(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct told a = {0}, b = {0}, c = {0};
    struct link_msg m = {.data = "x", .len = 1}, nobody = {.data = "", .status = 503};
    int closed = 0;
    uv_loop_init(&loop);
    struct asked *q = asked_new(&loop);
    asked_set_hint(q, "");
    uint64_t first = asked_add(q, "one", false, 60000, on_told, &a);
    uint64_t second = asked_add(q, "two", false, 20, on_told, &b);
    uint64_t third = asked_add(q, "three", false, 40, on_told, &c);
    assert_true(first && second && third && first != second);
    asked_reply(q, third, &nobody);
    assert_int_equal(c.code, ERR_UNAVAILABLE);
    asked_reply(q, 12345, &m); /* nobody's */
    int64_t from = clock_mono_us();
    while (!b.failures)
        uv_run(&loop, UV_RUN_ONCE);
    assert_true(clock_mono_us() - from >= 20000);
    assert_string_equal(b.why, "no answer on 'two' within 20 ms");
    asked_reply(q, second, &m); /* too late */
    assert_int_equal(b.replies, 0);
    asked_reply(q, first, &m);
    asked_reply(q, first, &m); /* only once */
    assert_int_equal(a.replies, 1);
    asked_drop(q, asked_add(q, "unsent", false, 60000, on_told, &a));
    struct err why;
    err_set(&why, ERR_UNAVAILABLE, "gone");
    a.again = q;
    asked_add(q, "x", false, 60000, on_told, &a);
    asked_add(q, "y", false, 60000, on_told, &b);
    asked_fail_all(q, &why);
    assert_int_equal(a.failures, 1); /* what was asked from inside is not of those */
    assert_int_equal(b.failures, 2);
    asked_fail_all(q, &why);
    assert_int_equal(a.failures, 2);
    asked_add(q, "x", false, 60000, on_told, &a);
    asked_add(q, "y", true, 60000, on_told, &b);
    b.again = q;
    asked_fail_many(q);
    assert_int_equal(a.failures, 2);
    assert_int_equal(b.failures, 3);
    assert_non_null(strstr(b.why, "'y' (no responders)"));
    asked_fail_all(q, &why);
    asked_close(q, count, &closed);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(closed, 1);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_a_refusal_explains_a_silence(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct told a = {0}, b = {0};
    int closed = 0;
    uv_loop_init(&loop);
    struct asked *q = asked_new(&loop);
    asked_set_hint(q, "Permissions Violation for Publish to \"some.subject\"");
    asked_add(q, "some.subject", false, 1, on_told, &a);
    asked_add(q, "other", false, 1, on_told, &b);
    while (!a.failures || !b.failures)
        uv_run(&loop, UV_RUN_ONCE);
    assert_non_null(strstr(a.why, "; the server said: Permissions Violation"));
    assert_null(strstr(b.why, "the server said"));
    asked_close(q, count, &closed);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
}

static int set_up(void **state)
{
    (void)state;
    return crypto_init(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subjects),
        cmocka_unit_test(test_subjects_taken_apart),
        cmocka_unit_test(test_prefixes_too_long),
        cmocka_unit_test(test_job_ids),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_addresses_refused),
        cmocka_unit_test(test_nkey_of_a_seed_file),
        cmocka_unit_test(test_nkey_refused),
        cmocka_unit_test(test_outbox),
        cmocka_unit_test(test_asked),
        cmocka_unit_test(test_a_refusal_explains_a_silence),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, NULL);
}
