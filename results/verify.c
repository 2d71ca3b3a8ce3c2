#include "results/verify.h"
#include "base/crypto.h"
#include "base/jv.h"
#include "base/mem.h"
#include "results/decode.h"
#include "results/prune.h"
#include "results/store.h"

#include <stdlib.h>
#include <string.h>

/* How this works: three things are held against each other for every row: the signature (so the
 * text is the worker's), the chain (so no row is missing, moved or exchanged), and the columns (so
 * what SQL shows is what was signed). For the last, the row's columns are made into a result and
 * encoded as the worker would: that must be the signed predicate, byte for byte.
 *
 * Gaps: the table of runs and the checkpoint that signs it are read first. When the walk ends in a
 * fault and there is a new checkpoint by then, a worker has pruned rows meanwhile: it begins anew.
 *
 * The database is read a chunk at a time, so that a worker may go on writing and its WAL can start
 * over in between; rows are only ever added at the end, so chunks join seamlessly. What this cannot
 * see: rows cut off at the end of the chain. Compare `last` with what a worker or the results
 * stream says. */

#define CHUNK 256 /* rows in one read transaction */
#define TRIES 5   /* walks, while a worker prunes */

int verify_envelope(const char *json, size_t len, const struct sign_key *k, struct err *e)
{
    char *payload;
    size_t payload_len;
    int rc = envelope_open(json, len, k, &payload, &payload_len, e);
    if (rc)
        return rc;
    rc = statement_result(payload, payload_len, NULL, e);
    free(payload);
    return rc;
}

struct walk {
    const struct sign_key *key;
    struct verify_report *report;
    char prev[65]; /* what the next row must say */
    int in_chunk;
    struct buf signed_text, columns_text;
    struct store *store;
    struct prune_runs runs;
    struct prune_run checkpoint; /* first 0: none */
    size_t next_run;
};

static int fault(struct walk *w, uint64_t seq, struct err *e)
{
    w->report->bad_seq = seq;
    err_wrap(e, "result %llu", (unsigned long long)seq);
    if (e)
        e->code = ERR_CORRUPT;
    return ERR_CORRUPT;
}

static int check_columns(struct walk *w, const struct store_row *row, const char *payload,
                         size_t payload_len, struct err *e)
{
    buf_clear(&w->signed_text);
    buf_clear(&w->columns_text);
    int rc = statement_result(payload, payload_len, &w->signed_text, e);
    if (rc)
        return rc;
    result_encode(row->result, &w->columns_text);
    if (w->signed_text.len == w->columns_text.len &&
        !memcmp(w->signed_text.data, w->columns_text.data, w->signed_text.len))
        return 0;
    return err_set(e, ERR_CORRUPT, "column of '%s' does not say what was signed",
                   result_difference(&w->signed_text, &w->columns_text));
}

/* ---- gaps ---- */

/* What the checkpoint says about itself and the runs, against where it lies and what they are. */
static int check_checkpoint(struct walk *w, const char *envelope, size_t len, struct err *e)
{
    char *payload, digest[SHA256_HEX], hash[SHA256_HEX];
    size_t payload_len;
    struct checkpoint c;
    int rc = envelope_open(envelope, len, w->key, &payload, &payload_len, e);
    if (rc)
        return rc;
    crypto_sha256_hex(payload, payload_len, hash);
    rc = checkpoint_decode(payload, payload_len, &c, e);
    free(payload);
    if (rc)
        return rc;
    prune_digest(&w->runs, digest);
    if (strcmp(hash, w->checkpoint.hash) != 0 || strcmp(c.prev, w->checkpoint.prev) != 0 ||
        c.seq != w->checkpoint.first)
        return err_set(e, ERR_CORRUPT, "its columns do not say what was signed");
    if (strcmp(digest, c.digest) != 0)
        return err_set(e, ERR_CORRUPT,
                       "it signs other gaps than those in the table of what was pruned");
    return 0;
}

static int read_gaps(struct walk *w, struct err *e)
{
    char *envelope = NULL;
    size_t len = 0;
    prune_runs_free(&w->runs);
    int rc = prune_read(w->store, &w->runs, &w->checkpoint, &envelope, &len, e);
    if (!rc && envelope && (rc = check_checkpoint(w, envelope, len, e))) {
        w->report->bad_seq = w->checkpoint.first;
        err_wrap(e, "checkpoint %llu", (unsigned long long)w->checkpoint.first);
        if (e)
            e->code = rc = ERR_CORRUPT;
    }
    free(envelope);
    if (!w->checkpoint.first)
        prune_runs_free(&w->runs); /* nobody signed them: they cover nothing */
    w->next_run = 0;
    return rc;
}

/* Walks over what was pruned and over the checkpoint, up to where the next row must be. */
static void cross_gaps(struct walk *w)
{
    for (;;) {
        const struct prune_run *run = NULL;
        if (w->next_run < w->runs.n && w->runs.v[w->next_run].first == w->report->last + 1)
            run = &w->runs.v[w->next_run++];
        else if (w->checkpoint.first == w->report->last + 1)
            run = &w->checkpoint;
        if (!run || strcmp(run->prev, w->prev) != 0)
            return;
        if (run != &w->checkpoint)
            w->report->pruned += run->last - run->first + 1;
        memcpy(w->prev, run->hash, sizeof w->prev);
        w->report->last = run->last;
    }
}

static int check_chain(struct walk *w, const struct store_row *row, const char *hash, struct err *e)
{
    if (row->result->seq != w->report->last + 1)
        cross_gaps(w);
    uint64_t expected = w->report->last + 1;
    if (row->result->seq != expected)
        return err_set(e, ERR_CORRUPT, "%llu to %llu are missing before it",
                       (unsigned long long)expected, (unsigned long long)row->result->seq - 1);
    if (strcmp(row->result->prev, w->prev) != 0)
        return err_set(
            e, ERR_CORRUPT,
            "the chain is broken: it says that it follows a result with hash %.16s…, but the "
            "one before it has %.16s…",
            row->result->prev, w->prev);
    if (strcmp(row->hash, hash) != 0)
        return err_set(e, ERR_CORRUPT, "column of 'hash' is not the hash of what was signed");
    return 0;
}

struct chunk {
    struct walk *w;
    struct err *e;
};

static int check_row(const struct store_row *row, void *arg)
{
    struct chunk *c = arg;
    struct walk *w = c->w;
    char *payload;
    size_t len;
    char hash[SHA256_HEX];
    int rc = envelope_open(row->envelope, row->envelope_len, w->key, &payload, &len, c->e);
    if (!rc) {
        crypto_sha256_hex(payload, len, hash);
        rc = check_columns(w, row, payload, len, c->e);
        if (!rc)
            rc = check_chain(w, row, hash, c->e);
        free(payload);
    }
    if (rc)
        return fault(w, row->result->seq, c->e);
    if (!w->report->first)
        w->report->first = row->result->seq;
    w->report->last = row->result->seq;
    w->report->checked++;
    w->in_chunk++;
    memcpy(w->prev, hash, sizeof w->prev);
    return 0;
}

static void begin(struct walk *w)
{
    *w->report = (struct verify_report){0};
    memset(w->prev, '0', 64);
    w->prev[64] = 0;
}

static int walk_once(struct walk *w, void (*progress)(uint64_t done, uint64_t total, void *arg),
                     void *arg, struct err *e)
{
    struct verify_report *out = w->report;
    struct chunk c = {w, e};
    begin(w);
    int rc = read_gaps(w, e);
    if (rc)
        return rc;
    uint64_t total = store_count(w->store), from = (uint64_t)INT64_MIN; /* nothing hides below 1 */
    do {
        w->in_chunk = 0;
        rc = store_rows(w->store, from, CHUNK, check_row, &c, e);
        from = out->last + 1;
        if (progress)
            progress(out->checked, total > out->checked ? total : out->checked, arg);
        /* What a worker adds meanwhile is not waited for: it may write faster than this reads. */
    } while (!rc && w->in_chunk == CHUNK && out->checked < total);
    if (rc) {
        if (!out->bad_seq) /* a row whose columns or pages cannot even be read */
            out->bad_seq = out->last + 1;
        return rc;
    }
    cross_gaps(w);
    if (w->in_chunk < CHUNK && w->next_run < w->runs.n) {
        out->bad_seq = w->runs.v[w->next_run].first;
        rc = err_set(e, ERR_CORRUPT,
                     "result %llu: pruned, the checkpoint says, but the chain does not lead there",
                     (unsigned long long)out->bad_seq);
    }
    return rc;
}

/* Whether the worker has written another checkpoint than the one that the walk went by. */
static bool pruned_meanwhile(struct walk *w)
{
    struct prune_runs runs;
    struct prune_run checkpoint;
    char *envelope;
    size_t len;
    if (prune_read(w->store, &runs, &checkpoint, &envelope, &len, NULL))
        return false;
    free(envelope);
    prune_runs_free(&runs);
    return checkpoint.first != w->checkpoint.first;
}

int verify_db(const char *path, const struct sign_key *k, struct verify_report *out,
              void (*progress)(uint64_t done, uint64_t total, void *arg), void *arg, struct err *e)
{
    struct walk w = {.key = k, .report = out};
    begin(&w);
    int rc = crypto_init(e);
    if (!rc)
        rc = store_open(path, STORE_READ, &w.store, e);
    if (rc)
        return rc;
    for (int tries = 0; tries < TRIES; tries++) {
        rc = walk_once(&w, progress, arg, e);
        if (!rc || !pruned_meanwhile(&w))
            break;
    }
    store_close(w.store);
    prune_runs_free(&w.runs);
    buf_free(&w.signed_text);
    buf_free(&w.columns_text);
    return rc;
}
