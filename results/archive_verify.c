/* An archive held against what was signed: verify.h says what is checked. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "results/archive_inner.h"
#include "results/decode.h"
#include "results/row.h"
#include "results/verify.h"

#define CHUNK 256 /* rows in one read transaction */

struct walk {
    struct archive *a;
    const struct trust *keys;
    struct verify_archive_report *report;
    struct err *e;
    uint64_t last;
    int in_chunk;
};

/* The columns, made into a record and encoded again, are what was signed. */
static int check_signed(const struct sign_key *k, const struct row_view *v, struct err *e)
{
    struct buf text = {0}, again = {0};
    char *payload, hash[SHA256_HEX];
    size_t len;
    int rc = envelope_open(v->row.envelope, v->row.envelope_len, k, &payload, &len, e);
    if (rc)
        return rc;
    crypto_sha256_hex(payload, len, hash);
    rc = statement_result(payload, len, &text, e);
    free(payload);
    result_encode(&v->result, &again);
    if (!rc && (text.len != again.len || memcmp(text.data, again.data, text.len) != 0))
        rc = err_set(e, ERR_CORRUPT, "column of '%s' does not say what was signed",
                     result_difference(&text, &again));
    if (!rc && strcmp(hash, v->row.hash) != 0)
        rc = err_set(e, ERR_CORRUPT, "column of 'hash' is not the hash of what was signed");
    buf_free(&text);
    buf_free(&again);
    return rc;
}

/* Where the one before it in the chain is here, it has the hash that this one names. */
static int check_before(struct walk *w, const struct row_view *v, struct err *e)
{
    struct stmt *st;
    int rc = archive_stmt(w->a, A_LINK, &st, e);
    if (rc)
        return rc;
    stmt_bind_text(st, 1, v->row.chain);
    stmt_bind_int(st, 2, (int64_t)v->result.seq - 1);
    rc = stmt_step(st, "read a chain", e);
    if (rc == 1) {
        struct cell hash = stmt_cell(st, 1);
        if (hash.type != CELL_TEXT || strcmp(hash.p, v->result.prev) != 0)
            rc = err_set(e, ERR_CORRUPT, "it does not follow seq %" PRIu64 " of its chain",
                         v->result.seq - 1);
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

static int check_row(struct walk *w, struct stmt *st)
{
    struct cell cells[COLUMNS];
    struct row_view v;
    for (int c = 0; c < COLUMNS; c++)
        cells[c] = stmt_cell(st, c);
    w->last = (uint64_t)stmt_int(st, COLUMNS);
    int rc = row_view(cells, &v, w->e);
    v.row.chain = stmt_cell(st, COLUMNS + 1).p;
    const struct sign_key *k = !rc && v.row.chain ? trust_find(w->keys, v.row.chain) : NULL;
    if (!rc && !k)
        rc = err_set(w->e, ERR_DENIED, "signed by key %.64s, which is not trusted",
                     v.row.chain ? v.row.chain : "(none)");
    if (!rc)
        rc = check_signed(k, &v, w->e);
    if (!rc)
        rc = check_before(w, &v, w->e);
    row_view_free(&v);
    if (rc) {
        w->report->bad_place = w->last;
        err_wrap(w->e, "row %" PRIu64, w->last);
        return rc;
    }
    w->report->checked++;
    w->in_chunk++;
    return 0;
}

static int walk_chunk(struct walk *w)
{
    struct stmt *st;
    int rc = archive_stmt(w->a, A_ROWS, &st, w->e);
    if (rc)
        return rc;
    w->in_chunk = 0;
    stmt_bind_int(st, 1, (int64_t)w->last + 1);
    stmt_bind_int(st, 2, CHUNK);
    while ((rc = stmt_step(st, "read the results", w->e)) == 1)
        if ((rc = check_row(w, st)))
            break;
    stmt_done(st);
    return rc;
}

/* Rows and gaps of a chain cover it exactly. */
static int check_chain(const struct archive_chain *c, void *arg)
{
    struct walk *w = arg;
    if (c->results + c->beside + c->missing == c->last - c->first + 1)
        return 0;
    return err_set(w->e, ERR_CORRUPT,
                   "chain %.16s… of worker %s: seq %" PRIu64 " to %" PRIu64 " are %" PRIu64
                   " places, but it has %" PRIu64 " results, %" PRIu64 " beside and %" PRIu64
                   " in gaps",
                   c->chain, c->worker, c->first, c->last, c->last - c->first + 1, c->results,
                   c->beside, c->missing);
}

static int walk_all(struct walk *w, void (*progress)(uint64_t done, uint64_t total, void *arg),
                    void *arg)
{
    struct archive_sums sums;
    int rc = archive_sums(w->a, &sums, w->e);
    if (rc)
        return rc;
    w->report->chains = sums.chains;
    w->report->gaps = sums.gaps;
    w->report->missing = sums.missing;
    for (int i = ARCHIVE_FORK; i < ARCHIVE_ENDS; i++)
        w->report->faults += sums.faults[i];
    do {
        rc = walk_chunk(w);
        if (progress)
            progress(w->report->checked, sums.results, arg);
    } while (!rc && w->in_chunk == CHUNK && w->report->checked < sums.results);
    if (!rc)
        rc = archive_each_chain(w->a, check_chain, w, w->e);
    return rc;
}

int verify_archive(const char *path, const struct trust *trust, struct verify_archive_report *out,
                   void (*progress)(uint64_t done, uint64_t total, void *arg), void *arg,
                   struct err *e)
{
    struct trust own = {0};
    struct walk w = {.keys = trust ? trust : &own, .report = out, .e = e};
    *out = (struct verify_archive_report){0};
    int rc = crypto_init(e);
    if (!rc)
        rc = archive_open(path, ARCHIVE_READ, &w.a, e);
    if (!rc && !trust)
        rc = archive_keys(w.a, &own, e);
    if (!rc)
        rc = walk_all(&w, progress, arg);
    archive_close(w.a);
    trust_free(&own);
    return rc;
}
