/* The one door to SQLite: opening, statements, transactions, and what a person reads when one of
 * them fails. Knows nothing of results. One handle, one thread; open a second handle for a second
 * thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct db;
struct stmt;

enum cell_type { CELL_NULL, CELL_INT, CELL_REAL, CELL_TEXT, CELL_BLOB };

/* A value on its way in or out. */
struct cell {
    enum cell_type type;
    int64_t i;
    double d;
    const char *p; /* text (NUL behind) or blob; belongs to whoever filled the cell */
    size_t len;
};

enum db_mode { DB_WRITE, DB_READ };

/* Which program's file it is, and which shapes of it there have been. */
struct db_kind {
    const char *what;    /* for messages: "results database" */
    int64_t application; /* PRAGMA application_id */
    int version;         /* newest PRAGMA user_version */
    /* steps[n] takes a file from user_version n to n + 1. */
    const char *const *steps;
};

/* DB_WRITE creates the file (0600) if missing, puts it into WAL mode with synchronous=FULL and
 * brings it up to date in one transaction. DB_READ changes nothing; a file without a WAL beside it
 * is taken for a finished copy and read without locks, so that it can lie on read-only media.
 * ERR_IO / ERR_VERSION / ERR_CORRUPT / ERR_NOT_FOUND (DB_READ, no file); the message is one line
 * that names the file. kind is kept. */
int db_open(const char *path, enum db_mode mode, const struct db_kind *kind, struct db **out,
            struct err *e);
void db_close(struct db *db); /* NULL is fine; its statements must be freed before */

const char *db_path(const struct db *db);
int db_version(const struct db *db); /* of the file, after a migration if there was one */

/* Statements that give no rows. `doing` ends the sentence "cannot …". */
int db_exec(struct db *db, const char *sql, const char *doing, struct err *e);
/* One integer. */
int db_ask(struct db *db, const char *sql, int64_t *out, struct err *e);

/* BEGIN IMMEDIATE … COMMIT; db_rollback() is harmless when nothing is open. */
int db_begin(struct db *db, struct err *e);
int db_commit(struct db *db, struct err *e);
void db_rollback(struct db *db);

/* Makes the WAL of a writer as long as it will become, so that no commit has to (a lone one then
 * takes 0.1 ms longer, for the first 200 of a new file). Some milliseconds, once in a file's life.
 * A disk without the room is no error: the WAL stays as it is. */
int db_grow_wal(struct db *db, struct err *e);

/* From now on commits leave the WAL to their caller. db_wal_pages(): how many pages are in it
 * behind the last commit; from db_wal_pages_max() on somebody should copy them into the database.
 */
void db_leave_wal(struct db *db);
int db_wal_pages(const struct db *db);
/* At so many pages a WAL has the length that db_grow_wal() gives it. */
int db_wal_pages_max(const struct db *db);
/* Copies the WAL into the database as far as readers let it; the commit behind a whole copy begins
 * the WAL anew, unless a reader is in the way. Others may read and commit meanwhile, through
 * handles of their own. Nothing, and 0, while another copies. */
int db_copy_wal(struct db *db, struct err *e);

int stmt_new(struct db *db, const char *sql, struct stmt **out, struct err *e);
void stmt_free(struct stmt *st); /* NULL is fine */
/* at: from 1. The bytes of texts and blobs are not copied: they must live until stmt_done(). */
void stmt_bind(struct stmt *st, int at, const struct cell *c);
void stmt_bind_int(struct stmt *st, int at, int64_t v);
void stmt_bind_text(struct stmt *st, int at, const char *text);
/* 1: a row; 0: no more; <0 with e. ERR_EXISTS: a unique index has it already. */
int stmt_step(struct stmt *st, const char *doing, struct err *e);
/* c: from 0. Lives until the next step. */
struct cell stmt_cell(struct stmt *st, int c);
int64_t stmt_int(struct stmt *st, int c);
/* Ends its transaction and lets go of what was bound. */
void stmt_done(struct stmt *st);

/* Copies the database, which others may use meanwhile, into a new file (ERR_EXISTS when there is
 * one). `progress` may be NULL. */
int db_backup(struct db *db, const char *to, void (*progress)(int done, int total, void *arg),
              void *arg, struct err *e);

/* SQLite's own check of pages and indexes. ERR_CORRUPT: the first thing it found. */
int db_integrity(struct db *db, struct err *e);

/* "3.40.1" */
const char *db_sqlite_version(void);
