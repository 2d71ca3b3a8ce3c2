#include "results/store.h"
#include "base/log.h"
#include "base/mem.h"
#include "results/row.h"
#include "results/schema.h"

#include <assert.h>
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
 * grow to WAL_PAGES once and is then written over from its start, for ever: it is never truncated,
 * and not deleted when the last handle closes (SQLITE_FCNTL_PERSIST_WAL). Growing it ahead with
 * filler was measured and left out: it saves the first 350 results of a new file 0.1 ms each and
 * costs its first start 25 ms.
 *
 * A database is recognised before anything is changed in it: application_id, user_version, and
 * whether it is empty. Statements are prepared once, at first use. */

static_assert(SCHEMA_STEPS == STORE_SCHEMA, "one step for each schema version");

/* 4 MB, SQLite's own default: more made no result cheaper, only checkpoints longer. */
#define WAL_PAGES       1000
/* Another process may hold the lock; the recorder tries again anyway. */
#define BUSY_TIMEOUT_MS 1000

struct store {
    sqlite3 *db;
    sqlite3_stmt *q[QUERIES];
    int version; /* of the schema that the file has */
    bool writes;
    char path[PATH_MAX];
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
static int fail(struct store *s, const char *doing, struct err *e)
{
    int code = sqlite3_extended_errcode(s->db), kind = code & 0xff,
        os = sqlite3_system_errno(s->db);
    if (kind == SQLITE_NOTADB)
        return err_set(e, ERR_CORRUPT,
                       "%s is not an SQLite database (or its first page is damaged)", s->path);
    const char *more = "";
    if ((kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN) && os)
        more = strerror(os);
    for (size_t i = 0; i < ARRAY_LEN(hints); i++)
        if (hints[i].kind == kind)
            more = hints[i].text;
    return err_set(e, code_of(code), "results database %s: cannot %s: %s%s%s", s->path, doing,
                   sqlite3_errmsg(s->db), *more ? "; " : "", more);
}

/* ---- statements ---- */

static int prepare(struct store *s, enum query q, sqlite3_stmt **out, struct err *e)
{
    struct buf sql = {0};
    int rc = 0;
    if (!s->q[q]) {
        schema_query(q, s->version, &sql);
        if (sqlite3_prepare_v3(s->db, sql.data, (int)sql.len + 1, SQLITE_PREPARE_PERSISTENT,
                               &s->q[q], NULL))
            rc = fail(s, "use its tables", e);
        buf_free(&sql);
    }
    *out = s->q[q];
    return rc;
}

/* Ends a statement's transaction; its bindings must not outlive what they point at. */
static void done(sqlite3_stmt *st)
{
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}

/* Runs a statement that gives no rows. */
static int run(struct store *s, enum query q, const char *doing, struct err *e)
{
    sqlite3_stmt *st;
    int rc = prepare(s, q, &st, e);
    if (rc)
        return rc;
    if (sqlite3_step(st) != SQLITE_DONE)
        rc = fail(s, doing, e);
    sqlite3_reset(st);
    return rc;
}

static int exec(struct store *s, const char *sql, const char *doing, struct err *e)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) ? fail(s, doing, e) : 0;
}

/* One integer out of a query that is not worth keeping. */
static int ask_int(struct store *s, const char *sql, int64_t *out, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = 0;
    if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) || sqlite3_step(st) != SQLITE_ROW)
        rc = fail(s, "read it", e);
    else
        *out = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return rc;
}

/* ---- opening ---- */

struct identity {
    int64_t application, version, tables;
};

static int identify(struct store *s, struct identity *id, struct err *e)
{
    int rc = ask_int(s, "PRAGMA application_id", &id->application, e);
    if (!rc)
        rc = ask_int(s, "PRAGMA user_version", &id->version, e);
    if (!rc)
        rc = ask_int(s, "SELECT count(*) FROM sqlite_schema", &id->tables, e);
    if (rc)
        return rc;
    bool fresh = id->application == 0 && id->version == 0 && id->tables == 0;
    if (!fresh && id->application != SCHEMA_APPLICATION_ID)
        return err_set(e, ERR_CORRUPT,
                       "%s is an SQLite database of another program (application_id %lld)", s->path,
                       (long long)id->application);
    if (id->version > STORE_SCHEMA)
        return err_set(
            e, ERR_VERSION,
            "%s was written by a newer version of this program (schema %lld; this one knows "
            "up to %d): use that version, or another data folder",
            s->path, (long long)id->version, STORE_SCHEMA);
    return 0;
}

static int migrate(struct store *s, struct err *e)
{
    int64_t version = 0;
    int rc = exec(s, "BEGIN IMMEDIATE", "lock it", e);
    if (rc)
        return rc;
    rc = ask_int(s, "PRAGMA user_version", &version, e); /* another process may have been first */
    for (int64_t v = version; v < STORE_SCHEMA && !rc; v++)
        rc = exec(s, schema_steps[v], "bring its schema up to date", e);
    if (!rc && version < STORE_SCHEMA) {
        char sql[128];
        snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
                 SCHEMA_APPLICATION_ID, STORE_SCHEMA);
        rc = exec(s, sql, "bring its schema up to date", e);
    }
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static int use_wal(struct store *s, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = 0, on = 1;
    if (sqlite3_prepare_v2(s->db, "PRAGMA journal_mode = WAL", -1, &st, NULL) ||
        sqlite3_step(st) != SQLITE_ROW)
        rc = fail(s, "switch it to WAL mode", e);
    else if (strcmp((const char *)sqlite3_column_text(st, 0), "wal") != 0)
        rc = err_set(e, ERR_IO,
                     "results database %s: its file system cannot do SQLite's WAL mode (a network "
                     "file system?): use a local disk",
                     s->path);
    sqlite3_finalize(st);
    if (!rc)
        sqlite3_file_control(s->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    return rc;
}

static int set_up_writer(struct store *s, struct err *e)
{
    struct identity id;
    char sql[128];
    sqlite3_stmt *st;
    int rc = identify(s, &id, e);
    if (rc)
        return rc;
    if (sqlite3_db_readonly(s->db, "main") == 1)
        return err_set(e, ERR_IO, "results database %s: the file is read-only; it must be writable",
                       s->path);
    rc = use_wal(s, e);
    snprintf(sql, sizeof sql, "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = %d",
             WAL_PAGES);
    if (!rc)
        rc = exec(s, sql, "set it up", e);
    if (!rc)
        rc = migrate(s, e);
    s->version = STORE_SCHEMA;
    if (!rc)
        rc =
            prepare(s, Q_INSERT, &st, e); /* a damaged schema shows here, not at the first result */
    return rc;
}

static int set_up_reader(struct store *s, struct err *e)
{
    struct identity id;
    int rc = identify(s, &id, e);
    s->version = (int)id.version;
    if (!rc && id.version == 0)
        rc = err_set(e, ERR_CORRUPT, "%s is empty: no worker has written results to it", s->path);
    return rc;
}

/* Makes the file with our mode; SQLite gives its WAL the same. */
static int make_file(const char *path, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EEXIST)
        return err_errno(e, "cannot make the results database %s", path);
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

static int open_db(struct store *s, enum store_mode mode, struct err *e)
{
    char wal[PATH_MAX + 8];
    struct buf uri = {0};
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (mode == STORE_WRITE) {
        flags |= SQLITE_OPEN_READWRITE;
        buf_adds(&uri, s->path);
    } else {
        struct stat st;
        flags |= SQLITE_OPEN_READONLY;
        snprintf(wal, sizeof wal, "%s-wal", s->path);
        if (stat(wal, &st) && errno == ENOENT) {
            flags |= SQLITE_OPEN_URI;
            immutable_uri(s->path, &uri);
        } else {
            buf_adds(&uri, s->path);
        }
    }
    int rc = sqlite3_open_v2(uri.data, &s->db, flags, NULL);
    buf_free(&uri);
    CHECK(s->db != NULL);
    return rc ? fail(s, "open it", e) : 0;
}

int store_open(const char *path, enum store_mode mode, struct store **out, struct err *e)
{
    struct stat st;
    struct store *s = mem_alloc(sizeof *s);
    int rc = 0;
    if (snprintf(s->path, sizeof s->path, "%s", path) >= (int)sizeof s->path)
        rc = err_set(e, ERR_IO, "results database: the path is longer than %d bytes", PATH_MAX - 1);
    else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        rc = err_set(e, ERR_IO, "%s is %s; a results database is a file", path,
                     S_ISDIR(st.st_mode) ? "a folder" : "no regular file");
    else if (mode == STORE_READ && access(path, R_OK)) {
        int code = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
        rc = err_errno(e, "cannot open the results database %s", path);
        if (code == ERR_NOT_FOUND)
            rc = code;
        if (e)
            e->code = rc;
    }
    if (!rc && mode == STORE_WRITE)
        rc = make_file(path, e);
    if (!rc)
        rc = open_db(s, mode, e);
    if (!rc) {
        sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
        rc = mode == STORE_WRITE ? set_up_writer(s, e) : set_up_reader(s, e);
        s->writes = mode == STORE_WRITE && !rc;
    }
    if (rc) {
        store_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (int q = 0; q < QUERIES; q++)
        sqlite3_finalize(s->q[q]);
    /* Closing the last handle does this too, but a reader elsewhere may outlive us, and the file
     * alone should then be complete as well. */
    if (s->writes)
        sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    CHECK(sqlite3_close(s->db) == SQLITE_OK);
    free(s);
}

/* ---- writing ---- */

static void bind(sqlite3_stmt *st, int at, const struct cell *c)
{
    switch (c->type) {
    case CELL_NULL:
        sqlite3_bind_null(st, at);
        break;
    case CELL_INT:
        sqlite3_bind_int64(st, at, c->i);
        break;
    case CELL_REAL:
        sqlite3_bind_double(st, at, c->d);
        break;
    case CELL_TEXT:
        sqlite3_bind_text64(st, at, c->p, c->len, SQLITE_STATIC, SQLITE_UTF8);
        break;
    case CELL_BLOB:
        sqlite3_bind_blob64(st, at, c->p, c->len, SQLITE_STATIC);
        break;
    }
}

static int insert(struct store *s, const struct store_row *row, struct err *e)
{
    struct cell cells[COLUMNS];
    struct row_scratch scratch;
    sqlite3_stmt *st;
    int rc = prepare(s, Q_INSERT, &st, e);
    if (rc)
        return rc;
    row_cells(row, cells, &scratch);
    for (int c = 0; c < COLUMNS; c++)
        bind(st, c + 1, &cells[c]);
    if (sqlite3_step(st) != SQLITE_DONE)
        rc = fail(s, "add a result", e);
    if (rc == ERR_EXISTS)
        err_set(e, rc, "results database %s: job %s of tenant %s has a result already", s->path,
                row->result->id, row->result->tenant);
    done(st);
    return rc;
}

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

int store_chain_head(struct store *s, uint64_t *seq, char prev[65], struct err *e)
{
    sqlite3_stmt *st;
    int rc = prepare(s, Q_HEAD, &st, e);
    if (rc)
        return rc;
    int step = sqlite3_step(st);
    if (step == SQLITE_ROW && sqlite3_column_bytes(st, 1) == 64) {
        *seq = (uint64_t)sqlite3_column_int64(st, 0);
        memcpy(prev, sqlite3_column_text(st, 1), 65);
    } else if (step == SQLITE_DONE) {
        *seq = 0;
        memcpy(prev, zeros, sizeof zeros);
    } else if (step == SQLITE_ROW) {
        rc =
            err_set(e, ERR_CORRUPT, "results database %s: the last row's hash is damaged", s->path);
    } else {
        rc = fail(s, "read its last row", e);
    }
    sqlite3_reset(st);
    return rc;
}

/* Whether the rows are in already: their last one is there with the same hash (rows of one commit
 * are in together or not at all). */
static bool is_in(struct store *s, const struct store_row *last)
{
    sqlite3_stmt *st;
    if (prepare(s, Q_HASH, &st, NULL))
        return false;
    sqlite3_bind_int64(st, 1, (int64_t)last->result->seq);
    bool same = sqlite3_step(st) == SQLITE_ROW &&
                !strcmp((const char *)sqlite3_column_text(st, 0), last->hash);
    done(st);
    return same;
}

static int insert_all(struct store *s, const struct store_row *rows, int n, bool *were_in,
                      struct err *e)
{
    uint64_t seq;
    char hash[65];
    int rc = store_chain_head(s, &seq, hash, e);
    if (rc)
        return rc;
    if (rows[0].result->seq != seq + 1 || strcmp(rows[0].result->prev, hash) != 0) {
        *were_in = is_in(s, &rows[n - 1]);
        if (*were_in)
            return 0;
        return err_set(
            e, ERR_CONFLICT,
            "results database %s: its chain ends at %llu, but the next result to store is "
            "%llu: another process writes to it; stop that one and start this one again",
            s->path, (unsigned long long)seq, (unsigned long long)rows[0].result->seq);
    }
    for (int i = 0; i < n && !rc; i++)
        rc = insert(s, &rows[i], e);
    return rc;
}

int store_commit(struct store *s, const struct store_row *rows, int n, struct err *e)
{
    CHECK(n > 0);
    bool were_in = false;
    int rc = run(s, Q_BEGIN, "lock it for a commit", e);
    if (rc)
        return rc;
    rc = insert_all(s, rows, n, &were_in, e);
    if (!rc && !were_in)
        rc = run(s, Q_COMMIT, "commit", e);
    if (!sqlite3_get_autocommit(s->db)) /* some failures have rolled back already */
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* ---- reading ---- */

static int lookup(struct store *s, enum query with, enum query any, const char *tenant,
                  const char *id, sqlite3_stmt **st, struct err *e)
{
    int rc = prepare(s, tenant ? with : any, st, e);
    if (rc)
        return rc;
    sqlite3_bind_text(*st, 1, id, -1, SQLITE_STATIC);
    if (tenant)
        sqlite3_bind_text(*st, 2, tenant, -1, SQLITE_STATIC);
    return 0;
}

int store_find(struct store *s, const char *tenant, const char *id, struct buf *out, struct err *e)
{
    sqlite3_stmt *st;
    int rc = lookup(s, Q_FIND, Q_FIND_ANY, tenant, id, &st, e);
    if (rc)
        return rc;
    size_t before = out->len;
    int step = sqlite3_step(st);
    if (step == SQLITE_ROW) {
        const void *p = sqlite3_column_blob(st, 0);
        buf_add(out, p, (size_t)sqlite3_column_bytes(st, 0));
        step = sqlite3_step(st);
        if (step == SQLITE_ROW) {
            out->len = before;
            rc = err_set(e, ERR_CONFLICT, "several tenants have a job %s: name the tenant", id);
        } else if (step != SQLITE_DONE) {
            out->len = before;
            rc = fail(s, "read a result", e);
        }
    } else if (step == SQLITE_DONE) {
        rc = err_set(e, ERR_NOT_FOUND, "no result of job %s in %s", id, s->path);
    } else {
        rc = fail(s, "read a result", e);
    }
    done(st);
    return rc;
}

bool store_has(struct store *s, const char *tenant, const char *id)
{
    struct err e = {0};
    sqlite3_stmt *st;
    int step = SQLITE_DONE;
    if (lookup(s, Q_HAS, Q_HAS_ANY, tenant, id, &st, &e) == 0) {
        step = sqlite3_step(st);
        if (step != SQLITE_ROW && step != SQLITE_DONE)
            fail(s, "look up a job", &e);
        done(st);
    }
    if (e.code)
        log_error("store", "%s", e.msg);
    return step == SQLITE_ROW;
}

int store_each(struct store *s, uint64_t from,
               int (*fn)(uint64_t seq, const char *envelope, size_t len, void *arg), void *arg,
               struct err *e)
{
    sqlite3_stmt *st;
    int rc = prepare(s, Q_EACH, &st, e);
    if (rc)
        return rc;
    sqlite3_bind_int64(st, 1, (int64_t)from);
    int step = SQLITE_DONE;
    while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW) {
        const char *p = sqlite3_column_blob(st, 1);
        rc = fn((uint64_t)sqlite3_column_int64(st, 0), p, (size_t)sqlite3_column_bytes(st, 1), arg);
    }
    if (!rc && step != SQLITE_DONE)
        rc = fail(s, "read the results", e);
    done(st);
    return rc;
}

static struct cell column(sqlite3_stmt *st, int c)
{
    switch (sqlite3_column_type(st, c)) {
    case SQLITE_INTEGER:
        return (struct cell){.type = CELL_INT, .i = sqlite3_column_int64(st, c)};
    case SQLITE_FLOAT:
        return (struct cell){.type = CELL_REAL, .d = sqlite3_column_double(st, c)};
    case SQLITE_TEXT:
        return (struct cell){.type = CELL_TEXT,
                             .p = (const char *)sqlite3_column_text(st, c),
                             .len = (size_t)sqlite3_column_bytes(st, c)};
    case SQLITE_BLOB:
        return (struct cell){.type = CELL_BLOB,
                             .p = sqlite3_column_blob(st, c),
                             .len = (size_t)sqlite3_column_bytes(st, c)};
    default:
        return (struct cell){.type = CELL_NULL};
    }
}

int store_rows(struct store *s, uint64_t from, int limit,
               int (*fn)(const struct store_row *row, void *arg), void *arg, struct err *e)
{
    sqlite3_stmt *st;
    int rc = prepare(s, Q_ROWS, &st, e);
    if (rc)
        return rc;
    sqlite3_bind_int64(st, 1, (int64_t)from);
    sqlite3_bind_int(st, 2, limit);
    int step = SQLITE_DONE;
    while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW) {
        struct cell cells[COLUMNS];
        struct row_view v;
        for (int c = 0; c < COLUMNS; c++)
            cells[c] = column(st, c);
        rc = row_view(cells, &v, e);
        if (!rc)
            rc = fn(&v.row, arg);
        row_view_free(&v);
    }
    if (!rc && step != SQLITE_DONE)
        rc = fail(s, "read the results", e);
    done(st);
    return rc;
}

uint64_t store_count(struct store *s)
{
    sqlite3_stmt *st;
    uint64_t n = 0;
    if (prepare(s, Q_COUNT, &st, NULL))
        return 0;
    if (sqlite3_step(st) == SQLITE_ROW)
        n = (uint64_t)sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return n;
}

const char *store_sqlite_version(void)
{
    return sqlite3_libversion();
}
