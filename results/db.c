#include "results/db.h"
#include "base/buf.h"
#include "base/mem.h"
#include "results/gather.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How this works: a commit in WAL mode with synchronous=FULL appends pages to <file>-wal and syncs
 * that once. Extending a file makes its sync up to twice as dear as overwriting, so the WAL may
 * grow to WAL_BYTES once and is then written over from its start, for ever: it is never truncated,
 * and not deleted when the last handle closes (SQLITE_FCNTL_PERSIST_WAL). Workers have it grown
 * when they start (db_grow_wal()): behind the frames of the last commit SQLite takes anything for
 * the remains of a former round, zeros too.
 *
 * A file is recognised before anything is changed in it: application_id, user_version, and whether
 * it is empty. */

/* When it is copied into the database: by the commit that finds it so large, or by whom
 * db_leave_wal() leaves it to (recorder_wal.c). With 4 MB, SQLite's own default, that is each 100th
 * lone result, and half of it page versions that later ones replace: the slowest hundredth of them
 * took 1 ms, now 0.4. */
#define WAL_BYTES       (8 << 20)
#define WAL_MARGIN      (1 << 20) /* grown ahead beyond that: the last commit of a round */
/* Of new files. A result's row is 3.5 to 4 kB: pages of 4 kB hold one each, these hold two, and
 * what the kernel asks for a page is asked half as often (16 kB: no less CPU, and a lone row, which
 * writes four pages, becomes dearer). */
#define PAGE_BYTES      8192
/* Another process may hold the lock; the recorder tries again anyway. */
#define BUSY_TIMEOUT_MS 1000
#define BACKUP_PAGES    256 /* copied between two looks at whether somebody else wants the file */

struct db {
    sqlite3 *db;
    const struct db_kind *kind;
    int version;
    int wal_pages, wal_pages_max; /* of a writer; wal_pages: since db_leave_wal() */
    bool writes;
    struct stmt *begin, *commit; /* made when first used */
    char path[PATH_MAX];
};

struct stmt {
    struct db *db;
    sqlite3_stmt *st;
};

/* ---- errors ---- */

static int code_of(int sqlite_code)
{
    switch (sqlite_code & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return ERR_CORRUPT;
    case SQLITE_CONSTRAINT:
        return sqlite_code == SQLITE_CONSTRAINT_UNIQUE ? ERR_EXISTS : ERR_INVALID;
    default:
        return ERR_IO;
    }
}

static const struct hint {
    int kind;
    const char *text;
} hints[] = {
    {SQLITE_CORRUPT, "the file is damaged: put a copy back, or move it away to start a new one"},
    {SQLITE_BUSY, "another program holds the file's lock"},
    {SQLITE_FULL, "free space on its disk"},
    {SQLITE_READONLY, "the file and its folder must be writable"},
};

/* One line out of what SQLite says about its last failure. */
static int fail(struct db *db, const char *doing, struct err *e)
{
    int code = sqlite3_extended_errcode(db->db), kind = code & 0xff,
        os = sqlite3_system_errno(db->db);
    if (kind == SQLITE_NOTADB)
        return err_set(e, ERR_CORRUPT,
                       "%s is not an SQLite database (or its first page is damaged)", db->path);
    const char *more = "";
    if ((kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN) && os)
        more = strerror(os);
    for (size_t i = 0; i < ARRAY_LEN(hints); i++)
        if (hints[i].kind == kind)
            more = hints[i].text;
    return err_set(e, code_of(code), "%s %s: cannot %s: %s%s%s", db->kind->what, db->path, doing,
                   sqlite3_errmsg(db->db), *more ? "; " : "", more);
}

/* ---- statements ---- */

int db_exec(struct db *db, const char *sql, const char *doing, struct err *e)
{
    return sqlite3_exec(db->db, sql, NULL, NULL, NULL) ? fail(db, doing, e) : 0;
}

int db_ask(struct db *db, const char *sql, int64_t *out, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = 0;
    if (sqlite3_prepare_v2(db->db, sql, -1, &st, NULL) || sqlite3_step(st) != SQLITE_ROW)
        rc = fail(db, "read it", e);
    else
        *out = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return rc;
}

/* A statement that is used again and again, without parsing it each time. */
static int run_kept(struct db *db, struct stmt **kept, const char *sql, const char *doing,
                    struct err *e)
{
    int rc = *kept ? 0 : stmt_new(db, sql, kept, e);
    if (rc)
        return rc;
    rc = stmt_step(*kept, doing, e);
    stmt_done(*kept);
    return rc;
}

int db_begin(struct db *db, struct err *e)
{
    return run_kept(db, &db->begin, "BEGIN IMMEDIATE", "lock it for a commit", e);
}

int db_commit(struct db *db, struct err *e)
{
    return run_kept(db, &db->commit, "COMMIT", "commit", e);
}

void db_rollback(struct db *db)
{
    if (!sqlite3_get_autocommit(db->db)) /* some failures have rolled back already */
        sqlite3_exec(db->db, "ROLLBACK", NULL, NULL, NULL);
}

int stmt_new(struct db *db, const char *sql, struct stmt **out, struct err *e)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v3(db->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL))
        return fail(db, "use its tables", e);
    *out = mem_alloc(sizeof **out);
    **out = (struct stmt){db, st};
    return 0;
}

void stmt_free(struct stmt *st)
{
    if (!st)
        return;
    sqlite3_finalize(st->st);
    free(st);
}

void stmt_bind(struct stmt *st, int at, const struct cell *c)
{
    switch (c->type) {
    case CELL_NULL:
        sqlite3_bind_null(st->st, at);
        break;
    case CELL_INT:
        sqlite3_bind_int64(st->st, at, c->i);
        break;
    case CELL_REAL:
        sqlite3_bind_double(st->st, at, c->d);
        break;
    case CELL_TEXT:
        sqlite3_bind_text64(st->st, at, c->p, c->len, SQLITE_STATIC, SQLITE_UTF8);
        break;
    case CELL_BLOB:
        sqlite3_bind_blob64(st->st, at, c->p, c->len, SQLITE_STATIC);
        break;
    }
}

void stmt_bind_int(struct stmt *st, int at, int64_t v)
{
    sqlite3_bind_int64(st->st, at, v);
}

void stmt_bind_text(struct stmt *st, int at, const char *text)
{
    sqlite3_bind_text(st->st, at, text, -1, SQLITE_STATIC);
}

int stmt_step(struct stmt *st, const char *doing, struct err *e)
{
    int step = sqlite3_step(st->st);
    return step == SQLITE_ROW ? 1 : step == SQLITE_DONE ? 0 : fail(st->db, doing, e);
}

struct cell stmt_cell(struct stmt *st, int c)
{
    switch (sqlite3_column_type(st->st, c)) {
    case SQLITE_INTEGER:
        return (struct cell){.type = CELL_INT, .i = sqlite3_column_int64(st->st, c)};
    case SQLITE_FLOAT:
        return (struct cell){.type = CELL_REAL, .d = sqlite3_column_double(st->st, c)};
    case SQLITE_TEXT:
        return (struct cell){.type = CELL_TEXT,
                             .p = (const char *)sqlite3_column_text(st->st, c),
                             .len = (size_t)sqlite3_column_bytes(st->st, c)};
    case SQLITE_BLOB:
        return (struct cell){.type = CELL_BLOB,
                             .p = sqlite3_column_blob(st->st, c),
                             .len = (size_t)sqlite3_column_bytes(st->st, c)};
    default:
        return (struct cell){.type = CELL_NULL};
    }
}

int64_t stmt_int(struct stmt *st, int c)
{
    return sqlite3_column_int64(st->st, c);
}

void stmt_done(struct stmt *st)
{
    sqlite3_reset(st->st);
    sqlite3_clear_bindings(st->st);
}

/* ---- opening ---- */

struct identity {
    int64_t application, version, tables;
};

static int identify(struct db *db, struct identity *id, struct err *e)
{
    int rc = db_ask(db, "PRAGMA application_id", &id->application, e);
    if (!rc)
        rc = db_ask(db, "PRAGMA user_version", &id->version, e);
    if (!rc)
        rc = db_ask(db, "SELECT count(*) FROM sqlite_schema", &id->tables, e);
    if (rc)
        return rc;
    bool fresh = id->application == 0 && id->version == 0 && id->tables == 0;
    if (!fresh && id->application != db->kind->application)
        return err_set(e, ERR_CORRUPT,
                       "%s is an SQLite database of another program or kind (application_id %lld), "
                       "not a %s",
                       db->path, (long long)id->application, db->kind->what);
    if (id->version > db->kind->version)
        return err_set(
            e, ERR_VERSION,
            "%s was written by a newer version of this program (schema %lld; this one knows "
            "up to %d): use that version, or another data folder",
            db->path, (long long)id->version, db->kind->version);
    return 0;
}

static int migrate(struct db *db, struct err *e)
{
    int64_t version = 0;
    int rc = db_exec(db, "BEGIN IMMEDIATE", "lock it", e);
    if (rc)
        return rc;
    rc = db_ask(db, "PRAGMA user_version", &version, e); /* another process may have been first */
    for (int64_t v = version; v < db->kind->version && !rc; v++)
        rc = db_exec(db, db->kind->steps[v], "bring its schema up to date", e);
    if (!rc && version < db->kind->version) {
        char sql[128];
        snprintf(sql, sizeof sql, "PRAGMA application_id = %lld; PRAGMA user_version = %d; COMMIT",
                 (long long)db->kind->application, db->kind->version);
        rc = db_exec(db, sql, "bring its schema up to date", e);
    }
    db_rollback(db);
    return rc;
}

static int use_wal(struct db *db, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = 0, on = 1;
    if (sqlite3_prepare_v2(db->db, "PRAGMA journal_mode = WAL", -1, &st, NULL) ||
        sqlite3_step(st) != SQLITE_ROW)
        rc = fail(db, "switch it to WAL mode", e);
    else if (strcmp((const char *)sqlite3_column_text(st, 0), "wal") != 0)
        rc = err_set(e, ERR_IO,
                     "%s %s: its file system cannot do SQLite's WAL mode (a network "
                     "file system?): use a local disk",
                     db->kind->what, db->path);
    sqlite3_finalize(st);
    if (!rc)
        sqlite3_file_control(db->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    return rc;
}

/* Zeros from its end on, on their way to the disk before the first commit has to wait for them. */
static int fill_wal(const char *path, struct err *e)
{
    static const char zeros[1 << 16];
    struct stat st;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        int rc = err_errno(e, "cannot grow %s", path);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    for (off_t at = st.st_size; at < WAL_BYTES + WAL_MARGIN;) {
        ssize_t n = pwrite(fd, zeros, sizeof zeros, at);
        if (n <= 0) {
            CHECK(ftruncate(fd, st.st_size) == 0);
            break;
        }
        at += n;
    }
    sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    close(fd); /* SQLite's locks are on other files: closing this one lets go of none */
    return 0;
}

int db_grow_wal(struct db *db, struct err *e)
{
    char path[PATH_MAX + 8];
    snprintf(path, sizeof path, "%s-wal", db->path);
    int rc = db_begin(db, e); /* nobody else, in any process, appends to it meanwhile */
    if (!rc)
        rc = fill_wal(path, e);
    db_rollback(db);
    return rc;
}

static int on_commit(void *arg, sqlite3 *handle, const char *name, int pages)
{
    struct db *db = arg;
    (void)handle;
    (void)name;
    db->wal_pages = pages;
    return SQLITE_OK;
}

void db_leave_wal(struct db *db)
{
    sqlite3_wal_hook(db->db, on_commit, db); /* in the place of SQLite's own */
}

int db_wal_pages(const struct db *db)
{
    return db->wal_pages;
}

int db_wal_pages_max(const struct db *db)
{
    return db->wal_pages_max;
}

int db_copy_wal(struct db *db, struct err *e)
{
    int rc = sqlite3_wal_checkpoint_v2(db->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return rc == SQLITE_OK || rc == SQLITE_BUSY ? 0 : fail(db, "copy the WAL into it", e);
}

static int set_up_writer(struct db *db, struct err *e)
{
    struct identity id;
    char sql[128];
    int64_t page;
    int rc = identify(db, &id, e);
    if (rc)
        return rc;
    if (sqlite3_db_readonly(db->db, "main") == 1)
        return err_set(e, ERR_IO, "%s %s: the file is read-only; it must be writable",
                       db->kind->what, db->path);
    snprintf(sql, sizeof sql, "PRAGMA page_size = %d", PAGE_BYTES);
    rc = db_exec(db, sql, "set it up", e); /* says nothing to a file that has pages */
    if (!rc)
        rc = use_wal(db, e);
    if (!rc)
        rc = db_ask(db, "PRAGMA page_size", &page, e);
    if (rc)
        return rc;
    db->wal_pages_max = (int)(WAL_BYTES / page);
    snprintf(sql, sizeof sql, "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = %d",
             db->wal_pages_max);
    rc = db_exec(db, sql, "set it up", e);
    if (!rc)
        rc = migrate(db, e);
    db->version = db->kind->version;
    return rc;
}

static int set_up_reader(struct db *db, struct err *e)
{
    struct identity id;
    int rc = identify(db, &id, e);
    if (!rc && id.version == 0)
        rc = err_set(e, ERR_CORRUPT, "%s is empty: no worker has written results to it", db->path);
    db->version = (int)id.version;
    return rc;
}

/* Makes the file with our mode; SQLite gives its WAL the same. */
static int make_file(const struct db *db, struct err *e)
{
    int fd = open(db->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EEXIST)
        return err_errno(e, "cannot make the %s %s", db->kind->what, db->path);
    if (fd >= 0)
        close(fd);
    return 0;
}

/* "file:<path>?immutable=1" */
static void immutable_uri(const char *path, struct buf *uri)
{
    buf_adds(uri, "file:");
    for (const char *p = path; *p; p++) {
        if (strchr("%?#", *p))
            buf_addf(uri, "%%%02X", (unsigned)*p);
        else
            buf_addc(uri, *p);
    }
    buf_adds(uri, "?immutable=1");
}

static int open_file(struct db *db, enum db_mode mode, struct err *e)
{
    char wal[PATH_MAX + 8];
    struct buf uri = {0};
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (mode == DB_WRITE) {
        flags |= SQLITE_OPEN_READWRITE;
        buf_adds(&uri, db->path);
    } else {
        struct stat st;
        flags |= SQLITE_OPEN_READONLY;
        snprintf(wal, sizeof wal, "%s-wal", db->path);
        if (stat(wal, &st) && errno == ENOENT) {
            flags |= SQLITE_OPEN_URI;
            immutable_uri(db->path, &uri);
        } else {
            buf_adds(&uri, db->path);
        }
    }
    int rc = sqlite3_open_v2(uri.data, &db->db, flags, mode == DB_WRITE ? gather_vfs() : NULL);
    buf_free(&uri);
    CHECK(db->db != NULL);
    return rc ? fail(db, "open it", e) : 0;
}

int db_open(const char *path, enum db_mode mode, const struct db_kind *kind, struct db **out,
            struct err *e)
{
    struct stat st;
    struct db *db = mem_alloc(sizeof *db);
    int rc = 0;
    db->kind = kind;
    if (snprintf(db->path, sizeof db->path, "%s", path) >= (int)sizeof db->path)
        rc = err_set(e, ERR_IO, "%s: the path is longer than %d bytes", kind->what, PATH_MAX - 1);
    else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        rc = err_set(e, ERR_IO, "%s is %s; a %s is a file", path,
                     S_ISDIR(st.st_mode) ? "a folder" : "no regular file", kind->what);
    else if (mode == DB_READ && access(path, R_OK)) {
        int code = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
        rc = err_errno(e, "cannot open the %s %s", kind->what, path);
        if (code == ERR_NOT_FOUND)
            rc = code;
        if (e)
            e->code = rc;
    }
    if (!rc && mode == DB_WRITE)
        rc = make_file(db, e);
    if (!rc)
        rc = open_file(db, mode, e);
    if (!rc) {
        sqlite3_busy_timeout(db->db, BUSY_TIMEOUT_MS);
        rc = mode == DB_WRITE ? set_up_writer(db, e) : set_up_reader(db, e);
        db->writes = mode == DB_WRITE && !rc;
    }
    if (rc) {
        db_close(db);
        return rc;
    }
    *out = db;
    return 0;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    /* Closing the last handle does this too, but a reader elsewhere may outlive us, and the file
     * alone should then be complete as well. */
    if (db->writes)
        db_copy_wal(db, NULL);
    stmt_free(db->begin);
    stmt_free(db->commit);
    CHECK(sqlite3_close(db->db) == SQLITE_OK);
    free(db);
}

const char *db_path(const struct db *db)
{
    return db->path;
}

int db_version(const struct db *db)
{
    return db->version;
}

/* ---- care ---- */

int db_backup(struct db *db, const char *to, void (*progress)(int done, int total, void *arg),
              void *arg, struct err *e)
{
    struct db copy = {.kind = db->kind};
    snprintf(copy.path, sizeof copy.path, "%s", to);
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST
                   ? err_set(e, ERR_EXISTS, "%s is there already; a backup is a new file", to)
                   : err_errno(e, "cannot make the backup %s", to);
    close(fd);
    int rc = 0, step = SQLITE_OK;
    if (sqlite3_open_v2(to, &copy.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, NULL)) {
        rc = fail(&copy, "open it", e);
        sqlite3_close(copy.db);
        unlink(to);
        return rc;
    }
    sqlite3_backup *b = sqlite3_backup_init(copy.db, "main", db->db, "main");
    if (!b)
        rc = fail(&copy, "begin the backup", e);
    while (!rc && step != SQLITE_DONE) {
        step = sqlite3_backup_step(b, BACKUP_PAGES);
        if (progress)
            progress(sqlite3_backup_pagecount(b) - sqlite3_backup_remaining(b),
                     sqlite3_backup_pagecount(b), arg);
        if (step == SQLITE_BUSY || step == SQLITE_LOCKED)
            sqlite3_sleep(20);
        else if (step != SQLITE_OK && step != SQLITE_DONE)
            break;
    }
    if (b && sqlite3_backup_finish(b) && !rc)
        rc = fail(&copy, "copy the pages", e);
    /* A copy is one file: no WAL beside it that a mover would forget. */
    if (!rc)
        rc = db_exec(&copy, "PRAGMA journal_mode = DELETE", "finish the backup", e);
    sqlite3_close(copy.db);
    if (rc)
        unlink(to);
    return rc;
}

int db_integrity(struct db *db, struct err *e)
{
    struct stmt *st;
    int rc = stmt_new(db, "PRAGMA integrity_check(1)", &st, e);
    if (rc)
        return rc;
    rc = stmt_step(st, "check its pages", e);
    struct cell c = rc == 1 ? stmt_cell(st, 0) : (struct cell){0};
    if (rc == 1)
        rc = c.type == CELL_TEXT && !strcmp(c.p, "ok")
                 ? 0
                 : err_set(e, ERR_CORRUPT, "%s %s: %.300s", db->kind->what, db->path,
                           c.p ? c.p : "no answer");
    stmt_free(st);
    return rc;
}

const char *db_sqlite_version(void)
{
    return sqlite3_libversion();
}
