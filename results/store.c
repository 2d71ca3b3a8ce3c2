#include "results/store.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "results/archive_schema.h"
#include "results/row.h"
#include "results/store_inner.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define OUT_OF_ORDER_US 300000000 /* a row is committed at most so long behind younger ones */

/* How this works: statements are prepared once, at first use. A commit is one transaction whose
 * first row must continue the chain. */

static_assert(SCHEMA_STEPS == STORE_SCHEMA, "one step for each schema version");

struct store {
    struct db *db;
    bool archive;
    struct stmt *q[QUERIES];
};

static const struct db_kind kind = {
    .what = "results database",
    .application = SCHEMA_APPLICATION_ID,
    .version = STORE_SCHEMA,
    .steps = schema_steps,
};

int store_version(const struct store *s)
{
    return (s->archive ? SCHEMA_OF_ARCHIVE : 0) + db_version(s->db);
}

int store_stmt(struct store *s, enum query q, struct stmt **out, struct err *e)
{
    struct buf sql = {0};
    int rc = 0;
    if (!s->q[q]) {
        schema_query(q, store_version(s), &sql);
        rc = stmt_new(s->db, sql.data, &s->q[q], e);
        buf_free(&sql);
    }
    *out = s->q[q];
    return rc;
}

int store_open(const char *path, enum store_mode mode, struct store **out, struct err *e)
{
    struct store *s = mem_alloc(sizeof *s);
    struct stmt *st;
    int rc = db_open(path, mode == STORE_WRITE ? DB_WRITE : DB_READ, &kind, &s->db, e);
    if (rc == ERR_CORRUPT && mode == STORE_READ &&
        !db_open(path, DB_READ, &archive_kind, &s->db, NULL)) {
        s->archive = true;
        rc = 0;
    }
    if (!rc && mode == STORE_WRITE) /* a damaged schema shows here, not at the first result */
        rc = store_stmt(s, Q_INSERT, &st, e);
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
        stmt_free(s->q[q]);
    db_close(s->db);
    free(s);
}

bool store_is_archive(const struct store *s)
{
    return s->archive;
}

struct db *store_db(struct store *s)
{
    return s->db;
}

/* ---- writing ---- */

static int insert(struct store *s, const struct store_row *row, struct err *e)
{
    struct cell cells[COLUMNS];
    struct row_scratch scratch;
    struct stmt *st;
    int rc = store_stmt(s, Q_INSERT, &st, e);
    if (rc)
        return rc;
    row_cells(row, cells, &scratch);
    for (int c = 0; c < COLUMNS; c++)
        stmt_bind(st, c + 1, &cells[c]);
    rc = stmt_step(st, "add a result", e);
    if (rc == ERR_EXISTS)
        err_set(e, rc, "results database %s: job %s of tenant %s has a result already",
                db_path(s->db), row->result->id, row->result->tenant);
    stmt_done(st);
    return rc;
}

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

int store_chain_head(struct store *s, uint64_t *seq, char prev[65], struct err *e)
{
    struct stmt *st;
    int rc = store_stmt(s, Q_HEAD, &st, e);
    if (rc)
        return rc;
    rc = stmt_step(st, "read its last row", e);
    struct cell hash = rc == 1 ? stmt_cell(st, 1) : (struct cell){0};
    if (rc == 1 && hash.type == CELL_TEXT && hash.len == 64) {
        *seq = (uint64_t)stmt_int(st, 0);
        memcpy(prev, hash.p, 65);
        rc = 0;
    } else if (rc == 1) {
        rc = err_set(e, ERR_CORRUPT, "results database %s: the last row's hash is damaged",
                     db_path(s->db));
    } else if (rc == 0) {
        *seq = 0;
        memcpy(prev, zeros, sizeof zeros);
    }
    stmt_done(st);
    return rc;
}

/* Whether the rows are in already: their last one is there with the same hash (rows of one commit
 * are in together or not at all). */
static bool is_in(struct store *s, const struct store_row *last)
{
    struct stmt *st;
    if (store_stmt(s, Q_HASH, &st, NULL))
        return false;
    stmt_bind_int(st, 1, (int64_t)last->result->seq);
    bool same = stmt_step(st, "read a hash", NULL) == 1 && stmt_cell(st, 0).type == CELL_TEXT &&
                !strcmp(stmt_cell(st, 0).p, last->hash);
    stmt_done(st);
    return same;
}

int store_tally(struct store *s, const char *tenant, int64_t rows, int64_t bytes, struct err *e)
{
    struct stmt *st;
    int rc = store_stmt(s, Q_TALLY, &st, e);
    if (rc)
        return rc;
    stmt_bind_text(st, 1, tenant);
    stmt_bind_int(st, 2, rows);
    stmt_bind_int(st, 3, bytes);
    rc = stmt_step(st, "keep the sums by tenant", e);
    stmt_done(st);
    return rc;
}

/* One statement for each run of rows of one tenant; jobs come in bunches. */
static int tally_all(struct store *s, const struct store_row *rows, int n, struct err *e)
{
    int rc = 0;
    for (int i = 0; i < n && !rc;) {
        const char *tenant = rows[i].result->tenant;
        int64_t count = 0, bytes = 0;
        for (; i < n && !strcmp(rows[i].result->tenant, tenant); i++) {
            count++;
            bytes += (int64_t)rows[i].envelope_len;
        }
        rc = store_tally(s, tenant, count, bytes, e);
    }
    return rc;
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
            db_path(s->db), (unsigned long long)seq, (unsigned long long)rows[0].result->seq);
    }
    for (int i = 0; i < n && !rc; i++)
        rc = insert(s, &rows[i], e);
    return rc ? rc : tally_all(s, rows, n, e);
}

int store_commit(struct store *s, const struct store_row *rows, int n, struct err *e)
{
    CHECK(n > 0);
    bool were_in = false;
    int rc = db_begin(s->db, e);
    if (rc)
        return rc;
    rc = insert_all(s, rows, n, &were_in, e);
    if (!rc && !were_in)
        rc = db_commit(s->db, e);
    db_rollback(s->db);
    return rc;
}

/* ---- reading ---- */

static int lookup(struct store *s, enum query with, enum query any, const char *tenant,
                  const char *id, struct stmt **st, struct err *e)
{
    int rc = store_stmt(s, tenant ? with : any, st, e);
    if (rc)
        return rc;
    stmt_bind_text(*st, 1, id);
    if (tenant)
        stmt_bind_text(*st, 2, tenant);
    return 0;
}

int store_find(struct store *s, const char *tenant, const char *id, struct buf *out, struct err *e)
{
    struct stmt *st;
    int rc = lookup(s, Q_FIND, Q_FIND_ANY, tenant, id, &st, e);
    if (rc)
        return rc;
    size_t before = out->len;
    rc = stmt_step(st, "read a result", e);
    if (rc == 1) {
        struct cell c = stmt_cell(st, 0);
        buf_add(out, c.p, c.len);
        rc = stmt_step(st, "read a result", e);
        if (rc)
            out->len = before;
        if (rc == 1)
            rc = err_set(e, ERR_CONFLICT, "several tenants have a job %s: name the tenant", id);
    } else if (rc == 0) {
        rc = err_set(e, ERR_NOT_FOUND, "no result of job %s in %s", id, db_path(s->db));
    }
    stmt_done(st);
    return rc;
}

void store_hold(struct store *s)
{
    struct err e = {0};
    if (db_exec(s->db, "BEGIN", "look up jobs", &e))
        log_error("store", "%s", e.msg);
}

void store_let_go(struct store *s)
{
    struct err e = {0};
    if (db_exec(s->db, "COMMIT", "look up jobs", &e))
        log_error("store", "%s", e.msg);
}

bool store_has(struct store *s, const char *tenant, const char *id)
{
    struct err e = {0};
    struct stmt *st;
    int step = 0;
    if (lookup(s, Q_HAS, Q_HAS_ANY, tenant, id, &st, &e) == 0) {
        step = stmt_step(st, "look up a job", &e);
        stmt_done(st);
    }
    if (e.code)
        log_error("store", "%s", e.msg);
    return step == 1;
}

int store_ids_after(struct store *s, const char *id, const char *tenant, int n,
                    void (*fn)(const char *tenant, const char *id, void *arg), void *arg,
                    struct err *e)
{
    struct stmt *st;
    int rc = store_stmt(s, Q_IDS, &st, e);
    if (rc)
        return rc;
    stmt_bind_text(st, 1, id);
    stmt_bind_text(st, 2, tenant);
    stmt_bind_int(st, 3, n);
    while ((rc = stmt_step(st, "read the jobs' ids", e)) == 1)
        fn(stmt_cell(st, 1).p, stmt_cell(st, 0).p, arg);
    stmt_done(st);
    return rc;
}

int store_each(struct store *s, uint64_t from,
               int (*fn)(uint64_t seq, const char *envelope, size_t len, void *arg), void *arg,
               struct err *e)
{
    struct stmt *st;
    int rc = store_stmt(s, Q_EACH, &st, e), step;
    if (rc)
        return rc;
    stmt_bind_int(st, 1, (int64_t)from);
    while (!rc && (step = stmt_step(st, "read the results", e))) {
        struct cell c = step == 1 ? stmt_cell(st, 1) : (struct cell){0};
        rc = step < 0 ? step : fn((uint64_t)stmt_int(st, 0), c.p, c.len, arg);
    }
    stmt_done(st);
    return rc;
}

int store_walk(struct stmt *st, int (*fn)(const struct store_row *row, void *arg), void *arg,
               struct err *e)
{
    int rc;
    while ((rc = stmt_step(st, "read the results", e)) == 1) {
        struct cell cells[COLUMNS];
        struct row_view v;
        for (int c = 0; c < COLUMNS; c++)
            cells[c] = stmt_cell(st, c);
        rc = row_view(cells, &v, e);
        v.row.place = (uint64_t)stmt_int(st, COLUMNS);
        v.row.chain = stmt_cell(st, COLUMNS + 1).p;
        if (!rc)
            rc = fn(&v.row, arg);
        row_view_free(&v);
        if (rc)
            break;
    }
    return rc;
}

int store_rows(struct store *s, uint64_t from, int limit,
               int (*fn)(const struct store_row *row, void *arg), void *arg, struct err *e)
{
    struct stmt *st;
    int rc = store_stmt(s, Q_ROWS, &st, e);
    if (rc)
        return rc;
    stmt_bind_int(st, 1, (int64_t)from);
    stmt_bind_int(st, 2, limit);
    rc = store_walk(st, fn, arg, e);
    stmt_done(st);
    return rc;
}

uint64_t store_count(struct store *s)
{
    struct stmt *st;
    uint64_t n = 0;
    if (store_stmt(s, Q_COUNT, &st, NULL))
        return 0;
    if (stmt_step(st, "count its rows", NULL) == 1)
        n = (uint64_t)stmt_int(st, 0);
    stmt_done(st);
    return n;
}

uint64_t store_newest_stream_seq(struct store *s)
{
    struct stmt *st;
    int64_t seq = 0;
    if (store_stmt(s, Q_STREAM_SEQ, &st, NULL))
        return 0;
    if (stmt_step(st, "find its newest job", NULL) == 1)
        seq = stmt_int(st, 0);
    stmt_done(st);
    return seq > 0 ? (uint64_t)seq : 0;
}

int store_cpu_since(struct store *s, const char *tenant, int64_t since_us,
                    void (*fn)(int64_t cpu_us, int64_t finished_at_us, void *arg), void *arg,
                    struct err *e)
{
    struct stmt *st;
    int rc = store_stmt(s, Q_CPU, &st, e);
    if (rc)
        return rc;
    stmt_bind_text(st, 1, tenant);
    while ((rc = stmt_step(st, "add up CPU time", e)) == 1) {
        int64_t at_us;
        struct cell when = stmt_cell(st, 0);
        if (when.type != CELL_TEXT || !clock_parse_time(when.p, &at_us))
            continue;
        if (at_us < since_us - OUT_OF_ORDER_US)
            break;
        if (at_us >= since_us)
            fn(stmt_int(st, 1), at_us, arg);
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

const char *store_sqlite_version(void)
{
    return db_sqlite_version();
}
