/* A cluster's results in one database: decoding, chains, gaps, forks, keys, crashes, verification.
 */
#include "tests/unit/results_sample.h"

#include "results/archive.h"
#include "results/decode.h"
#include "results/list.h"
#include "results/verify.h"
#include "tests/unit/lacking.h"

static const struct subjects subjects = {
    .prefix = "isolane", .jobs_stream = "ISOLANE_JOBS", .results_stream = "ISOLANE_RESULTS"};

#define STREAM  "ISOLANE_RESULTS"
#define CREATED "2026-11-21T10:00:00Z"

/* ---- decoding ---- */

static void decode_and_compare(const struct result *r)
{
    struct buf text = {0}, again = {0};
    struct decoded d;
    struct err e = {0};
    result_encode(r, &text);
    if (result_decode(text.data, text.len, ZEROS, "envelope", 8, &d, &e))
        fail_msg("%s\n%s", e.msg, text.data);
    result_encode(&d.view.result, &again);
    assert_string_equal(text.data, again.data);
    assert_int_equal(d.view.result.out_len, r->out_len);
    assert_memory_equal(d.view.row.envelope, "envelope", 8);
    decoded_free(&d);
    buf_free(&text);
    buf_free(&again);
}

static void a_result_is_decoded_to_what_was_encoded(void **state)
{
    static const char *const values[] = {
        "null", "1.50", "\"\\ud800\"", "{\"a\":1,\"a\":2}", "[[],{\"seq\":9}]", "1e400"};
    struct result *full = sample_result("full"), *bare = bare_result("bare");
    (void)state;
    memcpy(full->prev, ZEROS, 65);
    memcpy(bare->prev, ZEROS, 65);
    decode_and_compare(full);
    decode_and_compare(bare);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        free(full->value);
        full->value = mem_strdup(values[i]);
        full->value_len = strlen(values[i]);
        decode_and_compare(full);
    }
    full->form = RESULT_FORM_THIRD;
    free(full->artifacts);
    full->artifacts = NULL;
    decode_and_compare(full);
    full->form = RESULT_FORM_FIRST;
    decode_and_compare(full);
    result_free(full);
    result_free(bare);
}

static void what_no_worker_writes_is_refused(void **state)
{
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"\"outcome\":\"threw\"", "\"outcome\":\"great\"", "outcome"},
        {"\"attempts\":2", "\"attempts\":2.5", "attempts"},
        {"\"attempts\":2", "\"attempts\":2,\"more\":1", "unknown"},
        {"\"truncated\":true", "\"truncated\":1", "truncated"},
        {"\"seq\":0", "\"seq\":-1", "seq"},
        {"\"id\":\"full\"", "\"id\":\"..\"", "id"},
        {"\"tenant\":\"ci\"", "\"tenant\":\"c i\"", "tenant"},
        {"\"cpu_ms\":1.234", "\"cpu_ms\":1.2345", "usage"},
        {"\"value\":{\"n\":1.50}", "\"value\":", "no JSON object"},
    };
    struct result *r = sample_result("full");
    struct buf text = {0};
    (void)state;
    memcpy(r->prev, ZEROS, 65);
    result_encode(r, &text);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = {0};
        struct decoded d;
        struct err e = {0};
        char *found = strstr(text.data, cases[i].from);
        if (!found)
            fail_msg("no %s in %s", cases[i].from, text.data);
        buf_add(&b, text.data, (size_t)(found - text.data));
        buf_adds(&b, cases[i].to);
        buf_adds(&b, found + strlen(cases[i].from));
        assert_int_equal(result_decode(b.data, b.len, ZEROS, "", 0, &d, &e), ERR_INVALID);
        if (!strstr(e.msg, cases[i].says))
            fail_msg("%s: '%s'", cases[i].to, e.msg);
        decoded_free(&d);
        buf_free(&b);
    }
    buf_free(&text);
    result_free(r);
}

/* ---- a worker, and what the results stream hands out of it ---- */

struct teller {
    struct sign_key key;
    uint64_t seq;
    char prev[65];
};

static void teller_make(struct teller *t, const char *name)
{
    make_key(&t->key, name);
    t->seq = 0;
    strcpy(t->prev, ZEROS);
}

static struct signed_row say_result(struct teller *t, const char *id)
{
    struct signed_row row;
    sign_next(&row, t->seq % 2 ? bare_result(id) : sample_result(id), &t->key, &t->seq, t->prev);
    return row;
}

static struct archive *archive;
static struct trust trusted;
static uint64_t result_seq;

static void open_archive(const char *name)
{
    struct err e = {0};
    if (archive_open(at(name), ARCHIVE_WRITE, &archive, &e) || archive_begin(archive, &e))
        fail_msg("%s", e.msg);
    trust_free(&trusted);
    result_seq = 0;
}

static void commit(void)
{
    struct err e = {0};
    if (archive_commit(archive, STREAM, CREATED, result_seq, &e) || archive_begin(archive, &e))
        fail_msg("%s", e.msg);
}

static void close_archive(void)
{
    archive_close(archive);
    archive = NULL;
}

static struct archive_news add_on(const char *subject, const char *envelope, size_t len)
{
    struct archive_message m = {
        .result_seq = ++result_seq, .subject = subject, .envelope = envelope, .len = len};
    struct archive_news news;
    struct err e = {0};
    if (archive_add(archive, &subjects, &trusted, &m, &news, &e))
        fail_msg("%s", e.msg);
    return news;
}

static struct archive_news add(const struct signed_row *row)
{
    char subject[SUBJECT_MAX];
    subject_result(&subjects, row->r->tenant, row->r->id, subject);
    return add_on(subject, row->envelope.data, row->envelope.len);
}

static void trust_it(const struct teller *t)
{
    struct err e = {0};
    assert_int_equal(trust_add(&trusted, &t->key, &e), 0);
}

static struct archive_sums sums(void)
{
    struct archive_sums s;
    struct err e = {0};
    if (archive_sums(archive, &s, &e))
        fail_msg("%s", e.msg);
    return s;
}

static int verify(const char *name, struct verify_archive_report *r, struct err *e)
{
    memset(e, 0, sizeof *e);
    return verify_archive(at(name), NULL, r, NULL, NULL, e);
}

/* ---- chains ---- */

static void results_of_two_workers_become_rows(void **state)
{
    struct teller a, b;
    struct verify_archive_report r;
    struct err e = {0};
    char id[32];
    uint64_t seq = 0;
    (void)state;
    open_archive("two.db");
    teller_make(&a, "a.key");
    teller_make(&b, "b.key");
    trust_it(&a);
    trust_it(&b);
    for (int i = 0; i < 10; i++) {
        snprintf(id, sizeof id, "j%d", i);
        struct signed_row row = say_result(i % 3 ? &a : &b, id);
        assert_int_equal(add(&row).end, ARCHIVED);
        assert_int_equal(add(&row).end, ARCHIVE_KNOWN); /* handed out again */
        signed_row_free(&row);
    }
    commit();
    struct archive_sums s = sums();
    assert_int_equal(s.results, 10);
    assert_int_equal(s.chains, 2);
    assert_int_equal(s.gaps, 0);
    assert_true(archive_sums_sound(&s));
    assert_int_equal(archive_position(archive, STREAM, CREATED, &seq, &e), 0);
    assert_int_equal(seq, 20);
    assert_int_equal(archive_position(archive, STREAM, "another day", &seq, &e), 0);
    assert_int_equal(seq, 0); /* another stream by that name */
    close_archive();
    if (verify("two.db", &r, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(r.checked, 10);
    assert_int_equal(verify_archive(at("two.db"), &trusted, &r, NULL, NULL, &e), 0);
    struct trust one = {0};
    trust_add(&one, &a.key, &e);
    assert_int_equal(verify_archive(at("two.db"), &one, &r, NULL, NULL, &e), ERR_DENIED);
    trust_free(&one);
}

static void a_crash_undoes_rows_and_position_together(void **state)
{
    struct teller a;
    struct err e = {0};
    uint64_t seq;
    (void)state;
    open_archive("crash.db");
    teller_make(&a, "c.key");
    trust_it(&a);
    struct signed_row one = say_result(&a, "one"), two = say_result(&a, "two");
    assert_int_equal(add(&one).end, ARCHIVED);
    commit();
    assert_int_equal(add(&two).end, ARCHIVED);
    close_archive(); /* without a commit */
    open_archive("crash.db");
    trust_it(&a);
    assert_int_equal(archive_position(archive, STREAM, CREATED, &seq, &e), 0);
    assert_int_equal(seq, 1);
    assert_int_equal(sums().results, 1);
    result_seq = seq;
    assert_int_equal(add(&two).end, ARCHIVED);
    commit();
    assert_int_equal(sums().results, 2);
    close_archive();
    signed_row_free(&one);
    signed_row_free(&two);
}

static int last_gap(const struct archive_gap *g, void *arg)
{
    struct archive_gap *out = arg;
    *out = *g;
    return 0;
}

static void results_that_come_late_close_their_gaps(void **state)
{
    static const int order[] = {3, 7, 5, 1, 6, 2, 9, 8, 4};
    struct teller a;
    struct signed_row rows[9];
    struct archive_gap gap = {0};
    struct verify_archive_report r;
    struct err e = {0};
    (void)state;
    open_archive("late.db");
    teller_make(&a, "l.key");
    trust_it(&a);
    for (int i = 0; i < 9; i++) {
        char id[32];
        snprintf(id, sizeof id, "l%d", i);
        rows[i] = say_result(&a, id);
    }
    struct archive_news news = {0};
    for (size_t i = 0; i < ARRAY_LEN(order) - 1; i++) {
        news = add(&rows[order[i] - 1]);
        assert_int_equal(news.end, ARCHIVED);
        if (order[i] == 7) {
            assert_true(news.gap);
            assert_non_null(strstr(news.text, "gap: worker w1, seq 4 to 6"));
        }
    }
    struct archive_sums s = sums();
    assert_int_equal(s.gaps, 1);
    assert_int_equal(s.missing, 1);
    commit();
    assert_int_equal(archive_each_gap(archive, last_gap, &gap, &e), 0);
    assert_int_equal(gap.first, 4);
    assert_int_equal(gap.last, 4);
    if (verify("late.db", &r, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(r.gaps, 1);
    assert_int_equal(add(&rows[3]).end, ARCHIVED);
    assert_int_equal(sums().gaps, 0);
    commit();
    close_archive();
    if (verify("late.db", &r, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(r.checked, 9);
    for (int i = 0; i < 9; i++)
        signed_row_free(&rows[i]);
}

static void a_worker_that_signs_two_chains_is_found(void **state)
{
    struct teller a, twin;
    struct verify_archive_report r;
    struct err e = {0};
    (void)state;
    open_archive("fork.db");
    teller_make(&a, "f.key");
    trust_it(&a);
    struct signed_row one = say_result(&a, "one");
    twin = a; /* its database was copied here */
    struct signed_row two = say_result(&a, "two"), other = say_result(&twin, "other"),
                      third = say_result(&twin, "third");
    assert_int_equal(add(&one).end, ARCHIVED);
    assert_int_equal(add(&two).end, ARCHIVED);
    struct archive_news news = add(&other);
    assert_int_equal(news.end, ARCHIVE_FORK);
    assert_non_null(strstr(news.text, "signed another statement for seq 2"));
    news = add(&third); /* a result all the same, behind the other 2 */
    assert_int_equal(news.end, ARCHIVE_FORK);
    assert_non_null(strstr(news.text, "seq 3 of worker w1 does not follow the 2"));
    commit();
    struct archive_sums s = sums();
    assert_int_equal(s.results, 3);
    assert_int_equal(s.faults[ARCHIVE_FORK], 2);
    assert_false(archive_sums_sound(&s));
    close_archive();
    assert_int_equal(verify("fork.db", &r, &e), ERR_CORRUPT);
    assert_non_null(strstr(e.msg, "does not follow seq 2"));
    struct signed_row *all[] = {&one, &two, &other, &third};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        signed_row_free(all[i]);
}

static void a_second_result_of_a_job_is_kept_beside_and_keeps_its_place(void **state)
{
    struct teller a, b;
    struct verify_archive_report r;
    struct err e = {0};
    (void)state;
    open_archive("second.db");
    teller_make(&a, "s1.key");
    teller_make(&b, "s2.key");
    trust_it(&a);
    trust_it(&b);
    struct signed_row first = say_result(&a, "job"), second = say_result(&b, "job"),
                      last = say_result(&b, "last");
    assert_int_equal(add(&first).end, ARCHIVED);
    struct archive_news news = add(&second);
    assert_int_equal(news.end, ARCHIVE_SECOND);
    assert_non_null(strstr(news.text, "job job of tenant ci has a result already: seq 1"));
    assert_int_equal(add(&second).end, ARCHIVE_KNOWN);
    assert_int_equal(add(&last).end, ARCHIVED);
    commit();
    struct archive_sums s = sums();
    assert_int_equal(s.gaps, 0);
    assert_int_equal(s.results, 2);
    assert_true(archive_sums_sound(&s));
    close_archive();
    if (verify("second.db", &r, &e))
        fail_msg("%s", e.msg);
    signed_row_free(&first);
    signed_row_free(&second);
    signed_row_free(&last);
}

/* ---- what is no honest result ---- */

static void count_news(const struct archive_news *news, void *arg)
{
    int *counts = arg;
    counts[news->end]++;
}

static void results_of_an_unknown_key_wait_for_it(void **state)
{
    struct teller a;
    struct err e = {0};
    int counts[ARCHIVE_ENDS] = {0};
    (void)state;
    open_archive("untrusted.db");
    teller_make(&a, "u.key");
    for (int i = 0; i < 3; i++) {
        char id[32];
        snprintf(id, sizeof id, "u%d", i);
        struct signed_row row = say_result(&a, id);
        struct archive_news news = add(&row);
        assert_int_equal(news.end, ARCHIVE_UNTRUSTED);
        assert_non_null(strstr(news.text, a.key.keyid));
        signed_row_free(&row);
    }
    assert_int_equal(sums().faults[ARCHIVE_UNTRUSTED], 3);
    commit();
    trust_it(&a);
    assert_int_equal(
        archive_retry(archive, &subjects, &trusted, a.key.keyid, count_news, counts, &e), 0);
    assert_int_equal(counts[ARCHIVED], 3);
    struct archive_sums s = sums();
    assert_int_equal(s.faults[ARCHIVE_UNTRUSTED], 0);
    assert_int_equal(s.results, 3);
    assert_int_equal(s.gaps, 0);
    close_archive();
}

static void what_was_altered_or_put_elsewhere_is_kept_as_a_fault(void **state)
{
    struct teller a;
    int counts[ARCHIVE_ENDS] = {0};
    struct err e = {0};
    (void)state;
    open_archive("faults.db");
    teller_make(&a, "x.key");
    trust_it(&a);
    struct signed_row row = say_result(&a, "one");
    char *forged = mem_strdup(row.envelope.data);
    forged[40] = forged[40] == 'A' ? 'B' : 'A';
    assert_int_equal(add_on("isolane.results.ci.one", forged, strlen(forged)).end, ARCHIVE_FORGED);
    assert_int_equal(add_on("isolane.results.ci.x", "{}", 2).end, ARCHIVE_UNREADABLE);
    assert_int_equal(add_on("isolane.results.ci.x", "", 0).end, ARCHIVE_UNREADABLE);
    assert_int_equal(add_on("isolane.results.rich.one", row.envelope.data, row.envelope.len).end,
                     ARCHIVE_MISPLACED);
    assert_int_equal(sums().results, 0);
    assert_int_equal(add(&row).end, ARCHIVED); /* the honest one is not held up */
    struct archive_sums s = sums();
    assert_int_equal(s.faults[ARCHIVE_FORGED], 1);
    assert_int_equal(s.faults[ARCHIVE_UNREADABLE], 2);
    assert_int_equal(s.faults[ARCHIVE_MISPLACED], 1);
    assert_false(archive_sums_sound(&s));
    /* A retry ends also where nothing has become better. */
    assert_int_equal(
        archive_retry(archive, &subjects, &trusted, a.key.keyid, count_news, counts, &e), 0);
    close_archive();
    free(forged);
    signed_row_free(&row);
}

/* ---- reading ---- */

static int collect(const struct store_row *row, void *arg)
{
    struct buf *b = arg;
    assert_non_null(row->chain);
    buf_addf(b, "%s@%llu ", row->result->id, (unsigned long long)row->place);
    return 0;
}

static void an_archive_is_listed_by_the_order_of_archiving(void **state)
{
    struct store *s = NULL;
    struct err e = {0};
    struct buf b = {0};
    struct list_filter f = {.limit = 3, .oldest_first = true, .cursor = 4};
    (void)state;
    if (store_open(at("two.db"), STORE_READ, &s, &e))
        fail_msg("%s", e.msg);
    assert_true(store_is_archive(s));
    assert_int_equal(store_count(s), 10);
    assert_int_equal(list_rows(s, &f, collect, &b, &e), 0);
    assert_string_equal(b.data, "j4@5 j5@6 j6@7 ");
    buf_clear(&b);
    assert_int_equal(store_find(s, NULL, "j3", &b, &e), 0);
    store_close(s);
    buf_free(&b);
    assert_int_equal(store_open(at("two.db"), STORE_WRITE, &s, &e), ERR_CORRUPT);
}

static void what_was_changed_in_an_archive_is_found(void **state)
{
    static const struct {
        const char *sql, *says;
    } cases[] = {
        {"UPDATE results SET stdout = 'x' WHERE n = 5", "row 5: column of 'stdout'"},
        {"UPDATE results SET hash = prev WHERE n = 5", "row 5: column of 'hash'"},
        {"DELETE FROM results WHERE n = 5", "results, 0 beside"},
        {"UPDATE results SET chain = (SELECT max(chain) FROM chains), seq = seq + 100 WHERE chain "
         "= (SELECT min(chain) FROM chains)",
         "row "},
        {"INSERT INTO gaps SELECT chain, first, first, 'x' FROM chains", "in gaps"},
        {"UPDATE chains SET key = zeroblob(32)", "its key is another's"},
    };
    struct verify_archive_report r;
    struct err e;
    (void)state;
    if (shell("command -v sqlite3 >/dev/null"))
        SKIP_FOR("no sqlite3");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(shell("rm -f t.db t.db-*; sqlite3 two.db '.backup t.db'; sqlite3 t.db "
                               "\"%s\"",
                               cases[i].sql),
                         0);
        if (!verify("t.db", &r, &e) || !strstr(e.msg, cases[i].says))
            fail_msg("%s: '%s'", cases[i].sql, e.msg);
    }
}

int main(void)
{
    static struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_is_decoded_to_what_was_encoded),
        cmocka_unit_test(what_no_worker_writes_is_refused),
        cmocka_unit_test(results_of_two_workers_become_rows),
        cmocka_unit_test(a_crash_undoes_rows_and_position_together),
        cmocka_unit_test(results_that_come_late_close_their_gaps),
        cmocka_unit_test(a_worker_that_signs_two_chains_is_found),
        cmocka_unit_test(a_second_result_of_a_job_is_kept_beside_and_keeps_its_place),
        cmocka_unit_test(results_of_an_unknown_key_wait_for_it),
        cmocka_unit_test(what_was_altered_or_put_elsewhere_is_kept_as_a_fault),
        cmocka_unit_test(an_archive_is_listed_by_the_order_of_archiving),
        cmocka_unit_test(what_was_changed_in_an_archive_is_found),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return RUN_OR_SKIP(tests, make_test_dir, remove_test_dir);
}
