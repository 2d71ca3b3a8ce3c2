/* Commits that go out in large writes: what is told of is in the file, for every process, killed at
 * any moment or short of room. */
#include "tests/unit/results_database.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "results/db.h"
#include "results/verify.h"
#include "tests/unit/lacking.h"

static void check_whole(const char *name, uint64_t rows)
{
    struct verify_report r;
    struct err e = {0};
    if (verify_db(at(name), &key, &r, NULL, NULL, &e))
        fail_msg("%s: %s", name, e.msg);
    assert_int_equal(r.checked, rows);
    struct store *s = open_store(name, STORE_READ);
    assert_int_equal(db_integrity(store_db(s), &e), 0);
    store_close(s);
}

/* Write calls of this thread so far; -1: nobody counts them here. */
static long write_calls(void)
{
    char line[64];
    long n = -1;
    FILE *f = fopen("/proc/thread-self/io", "re");
    while (f && fgets(line, sizeof line, f))
        sscanf(line, "syscw: %ld", &n);
    if (f)
        fclose(f);
    return n;
}

static void a_commit_of_many_rows_is_few_writes(void **state)
{
    (void)state;
    struct store *s = open_store("few.db", STORE_WRITE);
    struct err e = {0};
    db_leave_wal(store_db(s));
    assert_int_equal(commit_rows(s, 1, &e), 0);
    int pages = db_wal_pages(store_db(s));
    long before = write_calls();
    assert_int_equal(commit_rows(s, BATCH, &e), 0);
    long calls = write_calls() - before;
    pages = db_wal_pages(store_db(s)) - pages;
    store_close(s);
    check_whole("few.db", 1 + BATCH);
    assert_true(pages > 20);
    if (before < 0)
        SKIP_FOR("no /proc/thread-self/io");
    assert_in_range(calls, 1, pages / 8);
}

/* In a child: commits batches until it is killed. */
static void write_until_killed(const char *name)
{
    struct store *s = NULL;
    struct err e = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (store_open(at(name), STORE_WRITE, &s, &e))
        _exit(3);
    while (!commit_rows(s, 1 + (int)(clock_mono_us() % BATCH), &e))
        ;
    fprintf(stderr, "%s\n", e.msg);
    _exit(4);
}

/* A reader in another process never sees a row that is not whole, nor fewer rows than before. */
static uint64_t read_on(struct store *s, uint64_t before)
{
    uint64_t seq;
    char hash[65];
    struct err e = {0};
    store_hold(s);
    if (store_chain_head(s, &seq, hash, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(store_count(s), seq);
    assert_true(seq >= before);
    for (uint64_t i = seq > 3 ? seq - 3 : 1; i <= seq; i++) {
        char id[32];
        struct buf envelope = {0};
        snprintf(id, sizeof id, "j%llu", (unsigned long long)i);
        if (store_find(s, "ci", id, &envelope, &e) ||
            verify_envelope(envelope.data, envelope.len, &key, &e))
            fail_msg("%s of %llu: %s", id, (unsigned long long)seq, e.msg);
        buf_free(&envelope);
    }
    store_let_go(s);
    return seq;
}

static void readers_beside_a_killed_writer_see_whole_commits(void **state)
{
    (void)state;
    struct store *first = open_store("kill.db", STORE_WRITE);
    struct err e = {0};
    assert_int_equal(commit_rows(first, 1, &e), 0);
    store_close(first);
    uint64_t seq = 1;
    uint32_t seed = (uint32_t)getpid();
    /* Ten, and more where a slow machine has hardly begun when it is killed. */
    for (int round = 0; round < 10 || (seq < 500 && round < 400); round++) {
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0)
            write_until_killed("kill.db");
        struct store *s = open_store("kill.db", STORE_READ);
        seed = seed * 1664525 + 1013904223;
        int64_t end = clock_mono_us() + 5000 + seed / 256 % 60000;
        do
            seq = read_on(s, seq);
        while (clock_mono_us() < end);
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        seq = read_on(s, seq);
        store_close(s);
    }
    struct store *s = open_store("kill.db", STORE_READ);
    seq = read_on(s, seq);
    store_close(s);
    check_whole("kill.db", seq);
}

/* No file of ours may become longer than so. */
static void limit_files(rlim_t bytes, struct rlimit *was)
{
    assert_int_equal(getrlimit(RLIMIT_FSIZE, was), 0);
    struct rlimit few = {bytes, was->rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
}

/* room: for the WAL, beside what it has. */
static void fails_without_room(const char *name, int rows, int room_kb)
{
    struct store *s = open_store(name, STORE_WRITE), *reader;
    struct err e = {0};
    struct rlimit was;
    char wal[32];
    struct stat st;
    assert_int_equal(commit_rows(s, 5, &e), 0);
    reader = open_store(name, STORE_READ);
    snprintf(wal, sizeof wal, "%s-wal", name);
    assert_int_equal(stat(at(wal), &st), 0);
    limit_files((rlim_t)st.st_size + (rlim_t)room_kb * 1024, &was);
    for (int i = 0; i < 3; i++) {
        int rc = commit_rows(s, rows, &e);
        uint64_t seen = store_count(reader), own = store_count(s);
        if (rc != ERR_IO || seen != 5 || own != 5 || !strstr(e.msg, "cannot")) {
            setrlimit(RLIMIT_FSIZE, &was);
            fail_msg("%d, %d rows, %d rows: %s", rc, (int)seen, (int)own, e.msg);
        }
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(commit_rows(s, rows, &e), 0);
    assert_int_equal(store_count(reader), 5 + (uint64_t)rows);
    store_close(reader);
    store_close(s);
    check_whole(name, 5 + (uint64_t)rows);
}

static void a_write_that_fails_fails_its_commit(void **state)
{
    (void)state;
    fails_without_room("sync.db", 12, 0);      /* all is written at the sync */
    fails_without_room("first.db", BATCH, 0);  /* a piece before, */
    fails_without_room("last.db", BATCH, 130); /* or only the second one */
}

static bool disk_is_full;

static ssize_t write_unless_full(int fd, const void *p, size_t n, off_t at)
{
    if (!disk_is_full)
        return pwrite(fd, p, n, at);
    errno = ENOSPC;
    return -1;
}

/* SQLite takes back the statement that finds the disk full, and leaves the transaction to whoever
 * began it: with pages of statements before it lost, that cannot be committed any more. */
static void what_was_lost_is_never_committed(void **state)
{
    (void)state;
    sqlite3_vfs *unix_vfs = sqlite3_vfs_find(NULL);
    struct store *s = open_store("lost.db", STORE_WRITE), *reader;
    struct err e = {0};
    struct db *db = store_db(s);
    assert_int_equal(db_exec(db,
                             "PRAGMA cache_size = 2; CREATE TABLE t (a INTEGER PRIMARY KEY, "
                             "b INT UNIQUE, c BLOB); WITH k (x) AS (VALUES (1) UNION ALL SELECT "
                             "x + 1 FROM k WHERE x < 40) INSERT INTO t SELECT x, x, "
                             "zeroblob(900) FROM k",
                             "", &e),
                     0);
    assert_int_equal(commit_rows(s, 3, &e), 0);
    reader = open_store("lost.db", STORE_READ);
    assert_int_equal(
        unix_vfs->xSetSystemCall(unix_vfs, "pwrite64", (sqlite3_syscall_ptr)write_unless_full),
        SQLITE_OK);
    assert_int_equal(
        unix_vfs->xSetSystemCall(unix_vfs, "pwrite", (sqlite3_syscall_ptr)write_unless_full),
        SQLITE_OK);
    for (int rows = 1; rows < 40; rows++) { /* so many pages are held when the disk fills */
        char sql[96];
        int64_t sum;
        assert_int_equal(db_begin(db, &e), 0);
        snprintf(sql, sizeof sql, "UPDATE t SET c = zeroblob(901) WHERE a <= %d", rows);
        assert_int_equal(db_exec(db, sql, "", &e), 0);
        disk_is_full = true;
        int rc = db_exec(db, "UPDATE t SET b = b + 100 WHERE a % 7 < 3", "write", &e);
        disk_is_full = false;
        if (rc && db_commit(db, &e) == 0)
            fail_msg("committed, though pages of %d rows are lost", rows);
        db_rollback(db);
        assert_int_equal(db_ask(db, "SELECT sum(length(c)) FROM t", &sum, &e), 0);
        assert_int_equal(store_count(reader), 3);
    }
    unix_vfs->xSetSystemCall(unix_vfs, "pwrite64", NULL);
    unix_vfs->xSetSystemCall(unix_vfs, "pwrite", NULL);
    assert_int_equal(commit_rows(s, 2, &e), 0); /* with room again all goes on */
    store_close(reader);
    store_close(s);
    check_whole("lost.db", 5);
}

/* Pages that the cache has no room for go into the WAL before the commit, and come back from it. */
static void a_transaction_larger_than_the_cache_is_whole(void **state)
{
    (void)state;
    struct store *s = open_store("large.db", STORE_WRITE);
    struct err e = {0};
    assert_int_equal(db_exec(store_db(s), "PRAGMA cache_size = 6", "", &e), 0);
    assert_int_equal(commit_rows(s, BATCH, &e), 0);
    assert_int_equal(db_begin(store_db(s), &e), 0); /* and one that is taken back */
    assert_int_equal(db_exec(store_db(s), "UPDATE results SET value = hex(zeroblob(9000))", "", &e),
                     0);
    db_rollback(store_db(s));
    assert_int_equal(commit_rows(s, BATCH, &e), 0);
    store_close(s);
    check_whole("large.db", 2 * BATCH);
}

/* Which nobody of us has; what it commits is read through another handle at once all the same. */
static void a_handle_that_does_not_sync_still_writes(void **state)
{
    (void)state;
    struct store *s = open_store("normal.db", STORE_WRITE), *reader;
    struct err e = {0};
    assert_int_equal(db_exec(store_db(s), "PRAGMA synchronous = NORMAL", "", &e), 0);
    assert_int_equal(commit_rows(s, 1, &e), 0);
    reader = open_store("normal.db", STORE_READ);
    for (uint64_t n = 1; n < 20; n++) {
        assert_int_equal(read_on(reader, n), n);
        assert_int_equal(commit_rows(s, 1, &e), 0);
    }
    store_close(reader);
    store_close(s);
    check_whole("normal.db", 20);
}

static off_t size_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(at(name), &st), 0);
    return st.st_size;
}

/* The database is lengthened before its pages come: whatever stops that, it stays whole. */
static void a_copy_of_the_wal_that_stops_midway_is_no_harm(void **state)
{
    (void)state;
    struct store *s = open_store("copy.db", STORE_WRITE), *reader, *copied;
    struct err e = {0};
    struct rlimit was;
    db_leave_wal(store_db(s));
    assert_int_equal(commit_rows(s, 5, &e), 0);
    reader = open_store("copy.db", STORE_READ);
    store_hold(reader);
    assert_int_equal(store_count(reader), 5);
    assert_int_equal(commit_rows(s, BATCH, &e), 0);
    assert_int_equal(db_copy_wal(store_db(s), &e), 0); /* as far as the reader lets it */
    assert_int_equal(store_count(reader), 5);
    assert_int_equal(shell("cp copy.db a.db; cp copy.db-wal a.db-wal"), 0); /* as after a crash */
    check_whole("a.db", 5 + BATCH);
    store_let_go(reader);
    off_t size = size_of("copy.db");
    limit_files((rlim_t)size / 2, &was);
    int rc = db_copy_wal(store_db(s), &e);
    setrlimit(RLIMIT_FSIZE, &was);
    assert_int_equal(rc, ERR_IO);
    assert_int_equal(store_count(reader), 5 + BATCH);
    assert_int_equal(shell("cp copy.db b.db; cp copy.db-wal b.db-wal"), 0);
    copied = open_store("b.db", STORE_WRITE);
    assert_int_equal(commit_rows(copied, 1, &e), 0);
    store_close(copied);
    check_whole("b.db", 5 + BATCH + 1);
    assert_int_equal(db_copy_wal(store_db(s), &e), 0);
    store_close(reader);
    store_close(s);
    check_whole("copy.db", 5 + BATCH);
    assert_int_equal(size_of("copy.db"),
                     sql_int("copy.db", "SELECT page_count * page_size FROM pragma_page_count, "
                                        "pragma_page_size"));
}

int main(void)
{
    static struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commit_of_many_rows_is_few_writes),
        cmocka_unit_test(readers_beside_a_killed_writer_see_whole_commits),
        cmocka_unit_test(a_write_that_fails_fails_its_commit),
        cmocka_unit_test(what_was_lost_is_never_committed),
        cmocka_unit_test(a_transaction_larger_than_the_cache_is_whole),
        cmocka_unit_test(a_handle_that_does_not_sync_still_writes),
        cmocka_unit_test(a_copy_of_the_wal_that_stops_midway_is_no_harm),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return RUN_OR_SKIP(tests, make_dir_and_key, remove_test_dir);
}
