/* The results database of one worker: SQLite, WAL, synchronous=FULL. One handle, one thread; open a
 * second handle for a second thread.
 *
 * Schema versions are PRAGMA user_version; migrations run in one transaction at open. A database of
 * a newer schema is ERR_VERSION and left untouched. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "results/record.h"

struct store;
struct db;

#define STORE_SCHEMA 8

enum store_mode { STORE_WRITE, STORE_READ };

/* STORE_WRITE creates the file (0600) if missing and migrates. STORE_READ changes nothing; a file
 * without a WAL beside it is taken for a finished copy and read without locks, so that it can lie
 * on read-only media (open a worker's own file for reading after its writer), and an archive
 * (archive.h) is opened as well: for list_rows(), store_find() and store_count(). ERR_IO /
 * ERR_VERSION / ERR_CORRUPT / ERR_NOT_FOUND (STORE_READ, no file); the message is one line that
 * names the file. */
int store_open(const char *path, enum store_mode mode, struct store **out, struct err *e);
void store_close(struct store *s); /* NULL is fine */
bool store_is_archive(const struct store *s);
/* For the other files of this room that keep tables in the same file (prune.c, list.c). */
struct db *store_db(struct store *s);

/* Last chain position, of a result or a checkpoint: 0 and 64 zeros in an empty database. */
int store_chain_head(struct store *s, uint64_t *seq, char prev[65], struct err *e);

/* The highest sequence of the jobs stream among the newest results; 0: none, or it cannot be read.
 */
uint64_t store_newest_stream_seq(struct store *s);

/* CPU time of a tenant's jobs whose results are younger than since_us (real time), newest first. */
int store_cpu_since(struct store *s, const char *tenant, int64_t since_us,
                    void (*fn)(int64_t cpu_us, int64_t finished_at_us, void *arg), void *arg,
                    struct err *e);

struct store_row {
    const struct result *result;
    const char *envelope;
    size_t envelope_len;
    const char *hash; /* hex SHA-256 of the statement: the next row's prev */
    /* Of rows that were read: where lists go on, and in an archive the key id of the chain. */
    uint64_t place;
    const char *chain;
};
/* Inserts n rows in one durable transaction: all or none. ERR_EXISTS when a (tenant, id) is there.
 */
int store_commit(struct store *s, const struct store_row *rows, int n, struct err *e);

/* Removes rows, writes down what was removed and the checkpoint that signs it, in one durable
 * transaction (prune.h). The checkpoint must continue the chain. */
struct checkpoint_row {
    uint64_t seq;
    const char *prev, *hash, *at; /* hex, hex, RFC 3339 */
    const char *envelope;
    size_t envelope_len;
};
struct prune_plan;
int store_prune(struct store *s, const struct prune_plan *plan, const struct checkpoint_row *cp,
                struct err *e);

/* Envelope of a job's result. tenant NULL: any tenant (ERR_CONFLICT when several have that id).
 * Appends to out. ERR_NOT_FOUND. */
int store_find(struct store *s, const char *tenant, const char *id, struct buf *out, struct err *e);
/* Between these two a reader sees the database as it was at the first question: many questions take
 * its locks once. Not on a writer. */
void store_hold(struct store *s);
void store_let_go(struct store *s);

/* tenant NULL: any. False also when the database cannot be read (logged). */
bool store_has(struct store *s, const char *tenant, const char *id);

/* The ids of at most n results, in order, behind that one ("", "": from the first): of a worker's
 * database only. tenant and id live for the call. */
int store_ids_after(struct store *s, const char *id, const char *tenant, int n,
                    void (*fn)(const char *tenant, const char *id, void *arg), void *arg,
                    struct err *e);

/* Envelopes in chain order, from seq >= from; stops when fn returns non-zero and returns that. */
int store_each(struct store *s, uint64_t from,
               int (*fn)(uint64_t seq, const char *envelope, size_t len, void *arg), void *arg,
               struct err *e);

/* Whole rows in chain order, from seq >= from (as a signed number), at most `limit` of them (each
 * call is one read transaction, which keeps the writer from starting its WAL over: keep it short).
 * row->result is made of the columns alone and belongs to the store, as everything in row; it lives
 * for the call. ERR_CORRUPT when a column holds what no worker writes. */
int store_rows(struct store *s, uint64_t from, int limit,
               int (*fn)(const struct store_row *row, void *arg), void *arg, struct err *e);

uint64_t store_count(struct store *s);
/* "3.40.1" */
const char *store_sqlite_version(void);
