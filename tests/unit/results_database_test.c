/* The store's file: made, its WAL, brought up to date, and every file that is none of ours, may not
 * be written or is damaged; looked at from outside with SQLite's own library. */
#include "tests/unit/results_database.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "results/db.h"
#include "results/schema.h"
#include "tests/unit/lacking.h"

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

/* ---- the WAL ---- */

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
        SKIP_FOR("no other user to become: only root may");
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
    static struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_database_is_private_and_in_wal_mode),
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
    return RUN_OR_SKIP(tests, make_dir_and_key, remove_test_dir);
}
