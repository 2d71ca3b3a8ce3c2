/* The store's rows in the real SQLite: committed, found, walked, the chain kept, and other readers
 * and writers beside; its file: results_database_test.c. */
#include "tests/unit/results_database.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "results/store_inner.h"

static void what_is_committed_is_found(void **state)
{
    (void)state;
    struct store *s = open_store("find.db", STORE_WRITE);
    struct buf b = {0};
    struct err e = {0};
    fill_store(s, 4, &key);
    store_close(s);
    s = open_store("find.db", STORE_READ);
    assert_int_equal(store_count(s), 4);
    assert_true(store_has(s, "ci", "j1"));
    assert_false(store_has(s, "default", "j1"));
    assert_true(store_has(s, NULL, "j2"));
    assert_false(store_has(s, NULL, "j5"));
    assert_int_equal(store_find(s, "ci", "j1", &b, &e), 0);
    char *payload;
    size_t len;
    assert_int_equal(envelope_open(b.data, b.len, &key, &payload, &len, &e), 0);
    assert_non_null(strstr(payload, "\"id\":\"j1\""));
    free(payload);
    size_t before = b.len;
    assert_int_equal(store_find(s, NULL, "j2", &b, &e), 0); /* appends */
    assert_true(b.len > before);
    before = b.len;
    assert_int_equal(store_find(s, "ci", "j9", &b, &e), ERR_NOT_FOUND);
    assert_non_null(strstr(e.msg, "j9"));
    assert_int_equal(b.len, before);
    store_close(s);
    buf_free(&b);
}

static void an_id_of_two_tenants_needs_the_tenant(void **state)
{
    (void)state;
    struct store *s = open_store("two.db", STORE_WRITE);
    uint64_t seq = 0;
    char prev[65] = ZEROS;
    struct signed_row a, b;
    struct buf found = {0};
    struct err e = {0};
    sign_next(&a, sample_result("same"), &key, &seq, prev);
    sign_next(&b, bare_result("same"), &key, &seq, prev);
    struct store_row rows[] = {a.row, b.row};
    assert_int_equal(store_commit(s, rows, 2, &e), 0);
    assert_int_equal(store_find(s, NULL, "same", &found, &e), ERR_CONFLICT);
    assert_int_equal(found.len, 0);
    assert_int_equal(store_find(s, "default", "same", &found, &e), 0);
    assert_memory_equal(found.data, b.envelope.data, b.envelope.len);
    signed_row_free(&a);
    signed_row_free(&b);
    buf_free(&found);
    store_close(s);
}

/* What a person sees who asks with SQL. */
static void every_field_has_its_column(void **state)
{
    (void)state;
    struct store *s = open_store("sql.db", STORE_WRITE);
    fill_store(s, 2, &key);
    store_close(s);
    assert_int_equal(
        sql_int(
            "sql.db",
            "SELECT count(*) FROM results WHERE seq = 1 AND id = 'j1' AND tenant = 'ci' AND class "
            "= 'normal' "
            "AND state = 'done' AND outcome = 'threw' AND value = '{\"n\":1.50}' AND "
            "length(stderr) = 4 "
            "AND stdout LIKE 'hello%' AND stdout_truncated = 0 AND stderr_truncated = 1 AND "
            "stderr_bytes = 1000 "
            "AND error_name = 'TypeError' AND error_line = 3 AND error_column = 7 AND error_stack "
            "LIKE '%3:7' "
            "AND cpu_ms = 1.234 AND wall_ms = 45006.789 AND heap_peak_bytes = 3456789 "
            "AND memory_peak_bytes = 12345678 AND attempts = 2 AND started_at > published_at "
            "AND finished_at = '2026-11-18T11:06:41.999999Z' AND worker = 'w1' AND engine LIKE "
            "'v8%' "
            "AND length(script_sha256) = 64 AND length(input_sha256) = 64 "
            "AND form = 6 AND json_extract(egress, '$.requests') = 2 AND language = 'typescript' "
            "AND json_extract(transform, '$.cached') AND "
            "json_extract(artifacts, '$[0].name') = 'a' AND reuse_mode = 'script' "
            "AND reuse_call = 3 AND limit_name = 'cpu_ms' "
            "AND limit_value = 100 AND limit_used = 103 "
            "AND profile = 'default' AND engine_flags LIKE '--single%' AND length(signed_by) = 64 "
            "AND permissions LIKE '[\"eval\"%' AND length(attestation_set) = 64 "
            "AND attestation_at LIKE '2026-11-18T%' "
            "AND jail = '[\"userns\",\"seccomp\"]' AND stream_seq = 77 AND prev GLOB '0*0' "
            "AND length(hash) = 64 AND json_extract(envelope, '$.payloadType') LIKE '%in-toto%'"),
        1);
    assert_int_equal(
        sql_int("sql.db", "SELECT count(*) FROM results WHERE seq = 2 AND outcome = 'invalid' AND "
                          "value IS NULL AND error_name IS NULL AND started_at IS NULL AND "
                          "stream_seq IS NULL AND jail = '[]' AND stdout = ''"),
        1);
}

static void one_bad_row_takes_its_whole_batch_back(void **state)
{
    (void)state;
    struct store *s = open_store("batch.db", STORE_WRITE);
    fill_store(s, 3, &key);
    uint64_t seq;
    char prev[65];
    struct signed_row a, b;
    struct err e = {0};
    assert_int_equal(store_chain_head(s, &seq, prev, &e), 0);
    sign_next(&a, sample_result("fresh"), &key, &seq, prev);
    sign_next(&b, sample_result("j1"), &key, &seq, prev); /* there already */
    struct store_row rows[] = {a.row, b.row};
    assert_int_equal(store_commit(s, rows, 2, &e), ERR_EXISTS);
    assert_non_null(strstr(e.msg, "job j1 of tenant ci"));
    assert_int_equal(store_count(s), 3);
    assert_false(store_has(s, "ci", "fresh"));
    assert_int_equal(store_commit(s, rows, 1, &e), 0); /* the handle is as good as new */
    assert_int_equal(store_count(s), 4);
    signed_row_free(&a);
    signed_row_free(&b);
    store_close(s);
}

static uint64_t chain_end(struct store *s, char hash[65])
{
    struct err e = {0};
    uint64_t seq = 99;
    assert_int_equal(store_chain_head(s, &seq, hash, &e), 0);
    return seq;
}

static void change(struct store *s, const char *sql)
{
    struct err e = {0};
    if (db_exec(store_db(s), sql, "change it", &e))
        fail_msg("%s: %s", sql, e.msg);
}

static void the_chain_ends_with_the_newer_of_result_and_checkpoint(void **state)
{
    (void)state;
    char hash[65], last[65];
    struct store *s = open_store("end.db", STORE_WRITE);
    assert_int_equal(chain_end(s, hash), 0);
    assert_string_equal(hash, ZEROS);
    fill_store(s, 3, &key);
    assert_int_equal(chain_end(s, last), 3);
    change(s, "INSERT INTO checkpoint VALUES (2, '', printf('%064d', 7), '', x'')");
    assert_int_equal(chain_end(s, hash), 3);
    assert_string_equal(hash, last);
    change(s, "UPDATE checkpoint SET seq = 4");
    assert_int_equal(chain_end(s, hash), 4);
    assert_int_equal(hash[63], '7');
    change(s, "DELETE FROM results");
    assert_int_equal(chain_end(s, hash), 4);
    assert_int_equal(hash[63], '7');
    store_close(s);
}

/* Every commit looks for it: a temporary table costs as much as three rows. */
static void the_end_of_the_chain_is_found_without_a_table_for_it(void **state)
{
    (void)state;
    struct store *s = open_store("plan.db", STORE_WRITE);
    struct buf sql = {0};
    struct stmt *st;
    struct err e = {0};
    int steps = 0;
    buf_adds(&sql, "EXPLAIN ");
    schema_query(Q_HEAD, store_version(s), &sql);
    assert_int_equal(stmt_new(store_db(s), sql.data, &st, &e), 0);
    for (; stmt_step(st, "explain", &e) == 1; steps++) {
        assert_string_not_equal(stmt_cell(st, 1).p, "OpenEphemeral");
        assert_string_not_equal(stmt_cell(st, 1).p, "SorterOpen");
    }
    assert_true(steps > 5);
    stmt_done(st);
    stmt_free(st);
    buf_free(&sql);
    store_close(s);
}

static void a_commit_that_is_repeated_is_one_commit(void **state)
{
    (void)state;
    struct store *s = open_store("again.db", STORE_WRITE);
    uint64_t seq = 0;
    char prev[65] = ZEROS;
    struct signed_row a, b;
    struct err e = {0};
    sign_next(&a, sample_result("a"), &key, &seq, prev);
    sign_next(&b, sample_result("b"), &key, &seq, prev);
    struct store_row rows[] = {a.row, b.row};
    assert_int_equal(store_commit(s, rows, 2, &e), 0);
    assert_int_equal(store_commit(s, rows, 2, &e), 0);
    assert_int_equal(store_count(s), 2);
    signed_row_free(&a);
    signed_row_free(&b);
    store_close(s);
}

static void rows_that_do_not_continue_the_chain_are_refused(void **state)
{
    (void)state;
    struct store *s = open_store("fork.db", STORE_WRITE);
    fill_store(s, 2, &key);
    struct signed_row a;
    struct err e = {0};
    uint64_t seq = 5; /* a gap */
    char prev[65] = ZEROS;
    sign_next(&a, sample_result("gap"), &key, &seq, prev);
    assert_int_equal(store_commit(s, &a.row, 1, &e), ERR_CONFLICT);
    assert_non_null(strstr(e.msg, "another process"));
    signed_row_free(&a);
    seq = 2; /* the right place, the wrong predecessor */
    memcpy(prev, ZEROS, 65);
    sign_next(&a, sample_result("prev"), &key, &seq, prev);
    assert_int_equal(store_commit(s, &a.row, 1, &e), ERR_CONFLICT);
    signed_row_free(&a);
    seq = 1; /* a place that is taken */
    sign_next(&a, sample_result("taken"), &key, &seq, prev);
    assert_int_equal(store_commit(s, &a.row, 1, &e), ERR_CONFLICT);
    signed_row_free(&a);
    assert_int_equal(store_count(s), 2);
    store_close(s);
}

static void a_second_writer_cannot_fork_the_chain(void **state)
{
    (void)state;
    struct store *a = open_store("pair.db", STORE_WRITE), *b = open_store("pair.db", STORE_WRITE);
    uint64_t seq = 0, seq_b = 0;
    char prev[65] = ZEROS, prev_b[65] = ZEROS;
    struct signed_row ra, rb;
    struct err e = {0};
    sign_next(&ra, sample_result("a"), &key, &seq, prev);
    sign_next(&rb, sample_result("b"), &key, &seq_b, prev_b);
    assert_int_equal(store_commit(a, &ra.row, 1, &e), 0);
    assert_int_equal(store_commit(b, &rb.row, 1, &e), ERR_CONFLICT);
    signed_row_free(&ra);
    signed_row_free(&rb);
    store_close(a);
    store_close(b);
}

static int count_up(uint64_t seq, const char *envelope, size_t len, void *arg)
{
    uint64_t *next = arg;
    assert_int_equal(seq, *next);
    assert_int_equal(envelope[0], '{');
    assert_int_equal(envelope[len - 1], '}');
    ++*next;
    return *next == 8 ? 77 : 0;
}

static void rows_are_walked_in_order_from_anywhere(void **state)
{
    (void)state;
    struct store *s = open_store("walk.db", STORE_WRITE);
    fill_store(s, 9, &key);
    uint64_t next = 3;
    assert_int_equal(store_each(s, 3, count_up, &next, NULL), 77);
    assert_int_equal(next, 8);
    next = 9;
    assert_int_equal(store_each(s, 9, count_up, &next, NULL), 0);
    assert_int_equal(next, 10);
    assert_int_equal(store_each(s, 10, count_up, &next, NULL), 0);
    store_close(s);
}

static int encode_row(const struct store_row *row, void *arg)
{
    struct buf *all = arg;
    result_encode(row->result, all);
    buf_addf(all, "|%s|%zu\n", row->hash, row->envelope_len);
    return 0;
}

static void rows_read_back_say_what_was_written(void **state)
{
    (void)state;
    struct store *s = open_store("back.db", STORE_WRITE);
    uint64_t seq = 0;
    char prev[65] = ZEROS;
    struct buf wrote = {0}, read = {0};
    for (int i = 0; i < 3; i++) {
        struct signed_row a;
        struct err e;
        char id[8];
        snprintf(id, sizeof id, "r%d", i);
        sign_next(&a, i == 1 ? bare_result(id) : sample_result(id), &key, &seq, prev);
        assert_int_equal(store_commit(s, &a.row, 1, &e), 0);
        if (i < 2)
            encode_row(&a.row, &wrote);
        signed_row_free(&a);
    }
    assert_int_equal(store_rows(s, 1, 2, encode_row, &read, NULL), 0); /* at most two */
    assert_string_equal(read.data, wrote.data);
    buf_free(&wrote);
    buf_free(&read);
    store_close(s);
}

/* ---- who else is there ---- */

struct reading {
    atomic_bool stop;
    atomic_int looks, errors;
    uint64_t last;
};

static void *read_on(void *arg)
{
    struct reading *r = arg;
    struct store *s = open_store("busy.db", STORE_READ);
    while (!r->stop) {
        uint64_t n = store_count(s);
        struct buf b = {0};
        struct err e;
        char id[32];
        snprintf(id, sizeof id, "j%d", (int)n);
        if (n < r->last || (n && store_find(s, NULL, id, &b, &e)))
            r->errors++;
        r->last = n;
        r->looks++;
        buf_free(&b);
    }
    store_close(s);
    return NULL;
}

static void readers_go_on_while_the_writer_commits(void **state)
{
    (void)state;
    struct store *s = open_store("busy.db", STORE_WRITE);
    struct reading r = {0};
    pthread_t t;
    fill_store(s, 1, &key);
    assert_int_equal(pthread_create(&t, NULL, read_on, &r), 0);
    while (r.looks < 10)
        usleep(1000);
    int before = r.looks;
    fill_store(s, 300, &key);
    while (r.last < 301 && r.errors == 0)
        usleep(1000);
    r.stop = true;
    pthread_join(t, NULL);
    assert_int_equal(r.errors, 0);
    assert_true(r.looks > before);
    store_close(s);
}

static void a_lock_of_somebody_else_is_told_and_passes(void **state)
{
    (void)state;
    struct store *s = open_store("locked.db", STORE_WRITE);
    sqlite3 *db;
    struct signed_row a;
    struct err e = {0};
    uint64_t seq = 0;
    char prev[65] = ZEROS;
    assert_int_equal(sqlite3_open(at("locked.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    sign_next(&a, sample_result("a"), &key, &seq, prev);
    assert_int_equal(store_commit(s, &a.row, 1, &e), ERR_IO);
    assert_non_null(strstr(e.msg, "another program holds the file's lock"));
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(store_commit(s, &a.row, 1, &e), 0);
    signed_row_free(&a);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_committed_is_found),
        cmocka_unit_test(an_id_of_two_tenants_needs_the_tenant),
        cmocka_unit_test(every_field_has_its_column),
        cmocka_unit_test(one_bad_row_takes_its_whole_batch_back),
        cmocka_unit_test(the_chain_ends_with_the_newer_of_result_and_checkpoint),
        cmocka_unit_test(the_end_of_the_chain_is_found_without_a_table_for_it),
        cmocka_unit_test(a_commit_that_is_repeated_is_one_commit),
        cmocka_unit_test(rows_that_do_not_continue_the_chain_are_refused),
        cmocka_unit_test(a_second_writer_cannot_fork_the_chain),
        cmocka_unit_test(rows_are_walked_in_order_from_anywhere),
        cmocka_unit_test(rows_read_back_say_what_was_written),
        cmocka_unit_test(readers_go_on_while_the_writer_commits),
        cmocka_unit_test(a_lock_of_somebody_else_is_told_and_passes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_dir_and_key, remove_test_dir);
}
