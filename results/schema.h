/* The shape of the results database: its columns, and the steps that bring an older file up to
 * date. Text only: store.c talks to SQLite. */
#pragma once

#include "base/buf.h"

/* PRAGMA application_id: "ISOL". A file with another one belongs to another program. */
#define SCHEMA_APPLICATION_ID 0x49534f4c

enum column {
    COL_SEQ,
    COL_ID,
    COL_TENANT,
    COL_CLASS,
    COL_STATE,
    COL_OUTCOME,
    COL_VALUE,
    COL_STDOUT,
    COL_STDERR,
    COL_STDOUT_TRUNCATED,
    COL_STDERR_TRUNCATED,
    COL_STDOUT_BYTES,
    COL_STDERR_BYTES,
    COL_ERROR_NAME,
    COL_ERROR_MESSAGE,
    COL_ERROR_STACK,
    COL_ERROR_LINE,
    COL_ERROR_COLUMN,
    COL_CPU_MS,
    COL_WALL_MS,
    COL_HEAP_PEAK_BYTES,
    COL_MEMORY_PEAK_BYTES,
    COL_ATTEMPTS,
    COL_PUBLISHED_AT,
    COL_STARTED_AT,
    COL_FINISHED_AT,
    COL_WORKER,
    COL_ENGINE,
    COL_SCRIPT_SHA256,
    COL_INPUT_SHA256,
    COL_JAIL,
    COL_STREAM_SEQ,
    COL_PREV,
    COL_HASH,
    COL_ENVELOPE,
    /* since version 2 */
    COL_FORM,
    COL_LIMIT_NAME,
    COL_LIMIT_VALUE,
    COL_LIMIT_USED,
    COL_PROFILE,
    COL_ENGINE_FLAGS,
    COL_SIGNED_BY,
    COL_PERMISSIONS,
    COL_ATTESTATION_SET,
    COL_ATTESTATION_AT,
    /* since version 4 */
    COL_TRIES,
    /* since version 5 */
    COL_REUSE_MODE,
    COL_REUSE_CALL,
    /* since version 6 */
    COL_ARTIFACTS,
    /* since version 7 */
    COL_LANGUAGE,
    COL_TRANSFORM,
    /* since version 8 */
    COL_EGRESS,
    COLUMNS
};

extern const char *const schema_columns[COLUMNS];

/* A column more is one more for archives as well (archive_schema.c), and is read from the JSON
 * object by decode.c; tests/unit/results_archive_test.c tells when that was forgotten.
 *
 * schema_steps[n] takes a database from user_version n to n + 1. Steps that were released are never
 * edited: a change of the schema is one more step, and one more STORE_SCHEMA. */
#define SCHEMA_STEPS 8
extern const char *const schema_steps[SCHEMA_STEPS];

/* What store.c asks of the database. */
enum query {
    Q_HEAD,     /* → seq, hash of the last row */
    Q_INSERT,   /* all columns, in order */
    Q_FIND,     /* id, tenant → envelope */
    Q_FIND_ANY, /* id → envelopes, at most two */
    Q_HAS,      /* id, tenant → 1 */
    Q_HAS_ANY,  /* id → 1 */
    Q_IDS,      /* id, tenant, n → id, tenant of the n behind it */
    Q_EACH,     /* from seq → seq, envelope */
    Q_ROWS,     /* from seq, limit → all columns in order, place, chain */
    Q_HASH,     /* seq → hash */
    Q_COUNT,
    Q_TALLY,          /* tenant, rows, bytes: adds to the tenant's sums */
    Q_DELETE,         /* seq */
    Q_RUNS,           /* → first, last, prev, hash of what was pruned */
    Q_RUN_DELETE,     /* first */
    Q_RUN_INSERT,     /* first, last, prev, hash */
    Q_CHECKPOINT,     /* → seq, prev, hash, envelope */
    Q_CHECKPOINT_SET, /* seq, prev, hash, at, envelope: the only one from now on */
    Q_CHECKPOINT_DROP,
    Q_TENANTS,    /* → tenant, rows, bytes */
    Q_LIST,       /* → all columns, place, chain; conditions are to follow */
    Q_OLDEST,     /* tenant, from seq → seq, prev, hash, bytes, finished_at */
    Q_CPU,        /* tenant → finished_at, CPU time in us, newest first */
    Q_STREAM_SEQ, /* → highest stream_seq of the newest rows */
    QUERIES
};
/* "version" of an archive's table, which has the same columns: this and the archive's own. */
#define SCHEMA_OF_ARCHIVE 1000
/* All columns in order, as a SELECT or INSERT names them. */
void schema_add_columns(int version, struct buf *sql);
/* The column that lists go on by. */
const char *schema_place(int version);
/* Appends the SQL of a query, for a file of that user_version: what its rows lack is read as what a
 * migration would have put there, so that a reader needs no migrated file. */
void schema_query(enum query q, int version, struct buf *sql);
