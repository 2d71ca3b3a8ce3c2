/* The tables of an archive (archive.h). Text only. */
#pragma once

#include "base/buf.h"
#include "results/db.h"

/* PRAGMA application_id: "ISAR" */
#define ARCHIVE_APPLICATION_ID 0x49534152
#define ARCHIVE_SCHEMA         5

extern const struct db_kind archive_kind;

enum archive_query {
    A_INSERT,       /* chain, result_seq, then all columns of results (schema.h) in order */
    A_OF_JOB,       /* id, tenant → chain, seq, hash */
    A_LINK,         /* chain, seq → prev, hash; of what is stored or kept as a second */
    A_CHAIN,        /* chain → worker, key, given, first, last */
    A_CHAIN_SET,    /* chain, worker, key, given, first, last */
    A_CHAINS,       /* → chain, worker, key, given, first, last, results, gaps, missing, beside */
    A_GAP_OF,       /* chain, seq → first, last of the gap that it is in */
    A_GAP_DROP,     /* chain, first */
    A_GAP_ADD,      /* chain, first, last, at */
    A_GAPS,         /* → chain, worker, first, last, at */
    A_FAULT_ADD,    /* result_seq, subject, kind, reason, chain, seq, prev, hash, at, envelope */
    A_FAULTS,       /* from n → n, result_seq, subject, kind, reason, at */
    A_FAULT_COUNT,  /* kind → count */
    A_FAULT_KNOWN,  /* envelope → 1 */
    A_UNTRUSTED,    /* behind n, keyid, up to n → n, result_seq, subject, envelope: for a retry */
    A_FAULT_LAST,   /* → n */
    A_FAULT_DROP,   /* n */
    A_POSITION,     /* stream → created, seq */
    A_POSITION_SET, /* stream, created, seq */
    A_ROWS,         /* from n, limit → all columns of results, n, chain */
    A_COUNT,
    ARCHIVE_QUERIES
};
void archive_query(enum archive_query q, int version, struct buf *sql);
