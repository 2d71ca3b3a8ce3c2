/* store: the real SQLite, looked at from outside with its own library where that matters. */
#include "tests/unit/results_sample.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "results/db.h"
#include "results/schema.h"

static struct sign_key key;

static int setup(void **state)
{
    if (make_test_dir(state))
        return -1;
    make_key(&key, "w.key");
    return 0;
}

static struct store *open_store(const char *name, enum store_mode mode)
{
    struct store *s = NULL;
    struct err e = {0};
    if (store_open(at(name), mode, &s, &e))
        fail_msg("%s: %s", name, e.msg);
    return s;
}

static void sql(const char *name, const char *text)
{
    sqlite3 *db;
    char *why = NULL;
    assert_int_equal(sqlite3_open(at(name), &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &why))
        fail_msg("%s: %s", text, why);
    sqlite3_close(db);
}

static int64_t sql_int(const char *name, const char *text)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_open(at(name), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t v = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return v;
}

static void check_refused(const char *name, enum store_mode mode, int code, const char *says)
{
    struct store *s = NULL;
    struct err e = {0};
    int rc = store_open(at(name), mode, &s, &e);
    if (rc != code || e.code != code || !strstr(e.msg, says) || !strstr(e.msg, name) ||
        strchr(e.msg, '\n'))
        fail_msg("%s: %d %d: %s", name, rc, e.code, e.msg);
    assert_null(s);
}

static void a_new_database_is_private_and_in_wal_mode(void **state)
{
    (void)state;
    mode_t old = umask(0);
    struct store *s = open_store("new.db", STORE_WRITE);
    umask(old);
    uint64_t seq = 99;
    char prev[65];
    struct stat st;
    assert_int_equal(store_chain_head(s, &seq, prev, NULL), 0);
    assert_int_equal(seq, 0);
    assert_string_equal(prev, ZEROS);
    assert_int_equal(store_count(s), 0);
    fill_store(s, 1, &key);
    static const char *const files[] = {"new.db", "new.db-wal", "new.db-shm"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        assert_int_equal(stat(at(files[i]), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    store_close(s);
    assert_int_equal(sql_int("new.db", "PRAGMA application_id"), SCHEMA_APPLICATION_ID);
    assert_int_equal(sql_int("new.db", "PRAGMA user_version"), STORE_SCHEMA);
    assert_int_equal(sql_int("new.db", "SELECT count(*) FROM pragma_table_info('results')"),
                     COLUMNS);
    assert_true(strncmp(store_sqlite_version(), "3.", 2) == 0);
    store_close(NULL);
}

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

static void the_wal_grows_once_and_is_never_truncated(void **state)
{
    (void)state;
    struct store *s = open_store("grow.db", STORE_WRITE);
    struct stat st;
    off_t last = 0, grew_late = 0;
    for (int i = 0; i < 30; i++) {
        fill_store(s, 100, &key);
        assert_int_equal(stat(at("grow.db-wal"), &st), 0);
        assert_true(st.st_size >= last);
        if (i >= 20)
            grew_late += st.st_size - last;
        last = st.st_size;
    }
    assert_in_range(last, 7 << 20, 10 << 20);
    assert_in_range(grew_late, 0, 512 << 10); /* by where a commit of 100 rows happens to end */
    store_close(s);
    assert_int_equal(stat(at("grow.db-wal"), &st), 0);
    assert_int_equal(st.st_size, last);
    s = open_store("grow.db", STORE_WRITE);
    fill_store(s, 10, &key);
    store_close(s);
    assert_int_equal(stat(at("grow.db-wal"), &st), 0);
    assert_int_equal(st.st_size, last);
}

static off_t size_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(at(name), &st), 0);
    return st.st_size;
}

static void check_count(const char *name, uint64_t rows)
{
    struct store *s = open_store(name, STORE_WRITE);
    struct err e = {0};
    assert_int_equal(db_integrity(store_db(s), &e), 0);
    assert_int_equal(store_count(s), rows);
    store_close(s);
}

/* Grown ahead, at any time: what lies in it is found again behind a crash, and commits need no more
 * room. */
static void a_wal_grown_ahead_keeps_what_is_in_it(void **state)
{
    (void)state;
    struct store *s = open_store("ahead.db", STORE_WRITE);
    struct err e = {0};
    fill_store(s, 3, &key);
    assert_int_equal(db_grow_wal(store_db(s), &e), 0);
    off_t wal = size_of("ahead.db-wal");
    assert_in_range(wal, 8 << 20, 10 << 20);
    assert_int_equal(shell("cp ahead.db a.db; cp ahead.db-wal a.db-wal"), 0); /* as after a crash */
    check_count("a.db", 3);
    fill_store(s, 40, &key);
    assert_int_equal(shell("cp ahead.db b.db; cp ahead.db-wal b.db-wal"), 0);
    check_count("b.db", 43);
    assert_int_equal(db_grow_wal(store_db(s), &e), 0); /* nothing to do */
    fill_store(s, 300, &key);                          /* the WAL is written over */
    assert_int_equal(size_of("ahead.db-wal"), wal);
    store_close(s);
    check_count("ahead.db", 343);
    assert_int_equal(size_of("ahead.db-wal"), wal);
}

static void growing_leaves_a_locked_or_full_file_alone(void **state)
{
    (void)state;
    struct store *s = open_store("room.db", STORE_WRITE);
    struct rlimit was, few = {1 << 20, RLIM_INFINITY};
    struct err e = {0};
    sqlite3 *other;
    off_t wal = size_of("room.db-wal");
    assert_int_equal(sqlite3_open(at("room.db"), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(db_grow_wal(store_db(s), &e), ERR_IO); /* somebody writes */
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_int_equal(size_of("room.db-wal"), wal);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    few.rlim_max = was.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0); /* no file may have 9 MB */
    assert_int_equal(db_grow_wal(store_db(s), &e), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(size_of("room.db-wal"), wal);
    fill_store(s, 5, &key);
    store_close(s);
    check_count("room.db", 5);
}

static void a_closed_database_is_complete_without_its_wal(void **state)
{
    (void)state;
    struct store *s = open_store("full.db", STORE_WRITE),
                 *reader = open_store("full.db", STORE_READ);
    assert_int_equal(store_count(reader), 0);
    fill_store(s, 20, &key);
    store_close(s); /* the reader outlives it */
    assert_int_equal(
        shell("mkdir ro && cp full.db ro/copy.db && chmod 444 ro/copy.db && chmod 555 ro"), 0);
    store_close(reader);
    s = open_store("ro/copy.db", STORE_READ); /* no WAL, nothing can be made beside it */
    assert_int_equal(store_count(s), 20);
    store_close(s);
    assert_int_equal(shell("test \"$(ls ro)\" = copy.db"), 0);
    assert_int_equal(shell("mkdir 'odd ?#%%20name' && cp full.db 'odd ?#%%20name/a?b#c.db'"), 0);
    s = open_store("odd ?#%20name/a?b#c.db", STORE_READ);
    assert_int_equal(store_count(s), 20);
    store_close(s);
}

/* ---- migrations ---- */

static void an_empty_database_of_version_0_is_brought_up_to_date(void **state)
{
    (void)state;
    int fd =
        open(at("zero.db"), O_CREAT | O_WRONLY, 0600); /* zero bytes: a crash at the first start */
    close(fd);
    struct store *s = open_store("zero.db", STORE_WRITE);
    fill_store(s, 1, &key);
    store_close(s);
    sql("v0.db", "PRAGMA journal_mode = WAL; PRAGMA user_version = 5; PRAGMA user_version = 0");
    s = open_store("v0.db", STORE_WRITE);
    fill_store(s, 2, &key);
    assert_int_equal(store_count(s), 2);
    store_close(s);
    assert_int_equal(sql_int("v0.db", "PRAGMA user_version"), STORE_SCHEMA);
    s = open_store("v0.db", STORE_WRITE); /* once is enough */
    assert_int_equal(store_count(s), 2);
    store_close(s);
}

static void a_migration_that_fails_leaves_the_file_as_it_was(void **state)
{
    (void)state;
    /* Ours by its id, of version 0, but with a table in the way of the first step. */
    char text[200];
    snprintf(text, sizeof text, "PRAGMA application_id = %d; CREATE TABLE results(x)",
             SCHEMA_APPLICATION_ID);
    sql("half.db", text);
    check_refused("half.db", STORE_WRITE, ERR_IO, "bring its schema up to date");
    assert_int_equal(sql_int("half.db", "PRAGMA user_version"), 0);
    assert_int_equal(sql_int("half.db", "SELECT count(*) FROM pragma_table_info('results')"), 1);
}

static void a_newer_schema_is_refused_and_left_untouched(void **state)
{
    (void)state;
    struct store *s = open_store("newer.db", STORE_WRITE);
    fill_store(s, 1, &key);
    store_close(s);
    sql("newer.db", "PRAGMA user_version = 99");
    assert_int_equal(shell("sha256sum newer.db > sum.txt"), 0);
    check_refused("newer.db", STORE_WRITE, ERR_VERSION, "schema 99");
    check_refused("newer.db", STORE_READ, ERR_VERSION, "newer version of this program");
    assert_int_equal(shell("sha256sum -c --status sum.txt"), 0);
}

/* ---- files that are wrong ---- */

static void other_files_are_refused_and_left_alone(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(fs_write_file(at("text.db"),
                                   "just a text file, and longer than a header of SQLite "
                                   "would be, so that it is looked at in earnest......",
                                   100, 0600, true, &e),
                     0);
    sql("foreign.db", "CREATE TABLE t(x); INSERT INTO t VALUES (1)");
    sql("id.db", "PRAGMA application_id = 7");
    assert_int_equal(shell("sha256sum text.db foreign.db id.db > other.txt"), 0);
    check_refused("text.db", STORE_WRITE, ERR_CORRUPT, "not an SQLite database");
    check_refused("text.db", STORE_READ, ERR_CORRUPT, "not an SQLite database");
    check_refused("foreign.db", STORE_WRITE, ERR_CORRUPT, "another program");
    check_refused("foreign.db", STORE_READ, ERR_CORRUPT, "another program");
    check_refused("id.db", STORE_WRITE, ERR_CORRUPT, "application_id 7");
    assert_int_equal(shell("sha256sum -c --status other.txt"), 0);
}

static void places_that_cannot_hold_a_database_are_said(void **state)
{
    (void)state;
    assert_int_equal(shell("mkdir folder.db; mkfifo fifo.db"), 0);
    check_refused("folder.db", STORE_WRITE, ERR_IO, "is a folder");
    check_refused("folder.db", STORE_READ, ERR_IO, "is a folder");
    check_refused("fifo.db", STORE_WRITE, ERR_IO, "no regular file");
    check_refused("no/such/x.db", STORE_WRITE, ERR_IO, "No such file or directory");
    check_refused("none.db", STORE_READ, ERR_NOT_FOUND, "No such file or directory");
    assert_int_not_equal(access(at("none.db"), F_OK), 0); /* reading makes nothing */
    int fd = open(at("nil.db"), O_CREAT | O_WRONLY, 0600);
    close(fd);
    check_refused("nil.db", STORE_READ, ERR_CORRUPT, "is empty");
}

/* Root may write anywhere: these three run as somebody else when we are root. */
static int as_nobody(void (*fn)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
            _exit(99);
        fn();
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static void try_unwritable(void)
{
    struct store *s = NULL;
    struct err e = {0};
    static const struct {
        const char *name;
        enum store_mode mode;
        int code;
        const char *says;
    } t[] = {
        {"closed/new.db", STORE_WRITE, ERR_IO, "Permission denied"},
        {"readonly.db", STORE_WRITE, ERR_IO, "must be writable"},
        {"secret.db", STORE_WRITE, ERR_IO, "unable to open database file; Permission denied"},
        {"secret.db", STORE_READ, ERR_IO, "Permission denied"},
    };
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        int rc = store_open(at(t[i].name), t[i].mode, &s, &e);
        if (rc != t[i].code || !strstr(e.msg, t[i].says) || !strstr(e.msg, t[i].name)) {
            printf("# %s: %d %s\n", t[i].name, rc, e.msg);
            fflush(stdout);
            _exit(1 + (int)i);
        }
    }
    if (store_open(at("readonly.db"), STORE_READ, &s, &e) || store_count(s) != 1)
        _exit(50);
    store_close(s);
}

static void what_may_not_be_written_is_said(void **state)
{
    (void)state;
    struct store *s = open_store("readonly.db", STORE_WRITE);
    fill_store(s, 1, &key);
    store_close(s);
    s = open_store("secret.db", STORE_WRITE);
    store_close(s);
    assert_int_equal(
        shell("mkdir closed && chmod 555 closed && chmod 755 . && rm -f readonly.db-* &&"
              "chmod 444 readonly.db && chmod 000 secret.db"),
        0);
    int rc = as_nobody(try_unwritable);
    assert_int_equal(shell("chmod 700 . closed"), 0);
    if (rc == 99)
        skip();
    assert_int_equal(rc, 0);
}

static int ignore_row(const struct store_row *row, void *arg)
{
    (void)row;
    (void)arg;
    return 0;
}

/* Random damage in many places: an error of ours or a plain answer, never a crash, and never
 * success in adding to a file that says itself that it is broken. */
static void damaged_files_are_survived(void **state)
{
    (void)state;
    struct store *s = open_store("sound.db", STORE_WRITE);
    fill_store(s, 60, &key);
    store_close(s);
    char *data;
    size_t len;
    struct err e = {0};
    assert_int_equal(fs_read_file(at("sound.db"), 10 << 20, &data, &len, &e), 0);
    uint32_t seed = 3;
    int refused = 0, corrupt_reads = 0;
    for (int round = 0; round < 300; round++) {
        char *bad = mem_copy(data, len);
        size_t bad_len = len;
        seed = seed * 1664525 + 1013904223;
        if (round % 3 == 0) { /* cut off */
            bad_len = seed % len;
        } else { /* a stretch of garbage; small ones near the start hit header and schema */
            size_t at_byte = round % 3 == 1 ? seed % 6000 : seed % len;
            for (size_t i = at_byte; i < len && i < at_byte + 300; i++)
                bad[i] = (char)(seed >> (i % 24));
        }
        shell("rm -f bad.db-wal bad.db-shm");
        assert_int_equal(fs_write_file(at("bad.db"), bad, bad_len, 0600, false, &e), 0);
        free(bad);
        s = NULL;
        int rc = store_open(at("bad.db"), STORE_WRITE, &s, &e);
        if (rc) {
            refused++;
            assert_non_null(strstr(e.msg, "bad.db"));
            continue;
        }
        rc = store_rows(s, 0, 1000, ignore_row, NULL, &e);
        if (rc) {
            corrupt_reads++;
            assert_int_equal(rc, ERR_CORRUPT);
        }
        store_close(s);
    }
    free(data);
    assert_true(refused > 20);
    assert_true(corrupt_reads > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_database_is_private_and_in_wal_mode),
        cmocka_unit_test(what_is_committed_is_found),
        cmocka_unit_test(an_id_of_two_tenants_needs_the_tenant),
        cmocka_unit_test(every_field_has_its_column),
        cmocka_unit_test(one_bad_row_takes_its_whole_batch_back),
        cmocka_unit_test(a_commit_that_is_repeated_is_one_commit),
        cmocka_unit_test(rows_that_do_not_continue_the_chain_are_refused),
        cmocka_unit_test(a_second_writer_cannot_fork_the_chain),
        cmocka_unit_test(rows_are_walked_in_order_from_anywhere),
        cmocka_unit_test(rows_read_back_say_what_was_written),
        cmocka_unit_test(readers_go_on_while_the_writer_commits),
        cmocka_unit_test(a_lock_of_somebody_else_is_told_and_passes),
        cmocka_unit_test(the_wal_grows_once_and_is_never_truncated),
        cmocka_unit_test(a_wal_grown_ahead_keeps_what_is_in_it),
        cmocka_unit_test(growing_leaves_a_locked_or_full_file_alone),
        cmocka_unit_test(a_closed_database_is_complete_without_its_wal),
        cmocka_unit_test(an_empty_database_of_version_0_is_brought_up_to_date),
        cmocka_unit_test(a_migration_that_fails_leaves_the_file_as_it_was),
        cmocka_unit_test(a_newer_schema_is_refused_and_left_untouched),
        cmocka_unit_test(other_files_are_refused_and_left_alone),
        cmocka_unit_test(places_that_cannot_hold_a_database_are_said),
        cmocka_unit_test(what_may_not_be_written_is_said),
        cmocka_unit_test(damaged_files_are_survived),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, remove_test_dir);
}
