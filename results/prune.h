/* Results for years in a file that does not grow for ever: what a tenant's retention no longer
 * keeps is removed, and the chain still proves that nothing else is missing.
 *
 * Removed rows leave runs behind (table `pruned`): first and last seq, the hash before the run and
 * the hash at its end, so the chain's links reach across. Runs alone would be anybody's word. So
 * each pruning ends in a checkpoint: a signed in-toto statement with a place of its own in the
 * chain that says the SHA-256 of all runs. Only the newest checkpoint is kept; the one before it
 * becomes part of a run. verify_db() accepts a gap that a signed checkpoint covers, and no other.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"
#include "config/config.h"

struct store;

/* How long a tenant's results are kept; 0: no such bound. What any bound gives up is removed,
 * oldest first; the newest row of a database always stays. */
struct retention {
    char tenant[TENANT_NAME_MAX + 1]; /* "": every tenant that has no entry of its own */
    int64_t max_age_s;
    int64_t max_rows;
    int64_t max_bytes; /* of envelopes; a row takes about twice that */
};

/* Rows first..last are gone. prev: the hash that `first` followed; hash: that of `last`. */
struct prune_run {
    uint64_t first, last;
    char prev[SHA256_HEX], hash[SHA256_HEX];
};

struct prune_runs {
    struct prune_run *v;
    size_t n, cap;
};
void prune_runs_free(struct prune_runs *r);
/* Hex SHA-256 over the lines "<first> <last> <prev> <hash>\n", in order. */
void prune_digest(const struct prune_runs *r, char out[SHA256_HEX]);
uint64_t prune_rows(const struct prune_runs *r);

struct prune_plan {
    uint64_t *seqs; /* rows to remove, ascending */
    size_t n;
    struct tally {
        char tenant[TENANT_NAME_MAX + 1];
        int64_t rows, bytes;
    } * tallies; /* what each tenant loses */
    size_t tally_count;
    struct prune_runs before, after; /* the table as it is and as it will be */
    char digest[SHA256_HEX];         /* of `after` */
    bool more;                       /* the bounds ask for more than `most` */
};

/* What those retentions remove now, at most `most` rows. *out is NULL when there is nothing. Any
 * thread, on a handle of its own; valid until the next pruning of this file. ERR_CORRUPT: rows or
 * runs whose links do not hold. */
int prune_plan_make(struct store *s, const struct retention *r, size_t n, int64_t now_us,
                    size_t most, struct prune_plan **out, struct err *e);
void prune_plan_free(struct prune_plan *p); /* NULL is fine */

/* The statement of a checkpoint: docs/verify.md. */
#define CHECKPOINT_PREDICATE "https://isolane.dev/checkpoint/v1"
struct checkpoint {
    uint64_t seq;
    char prev[SHA256_HEX];
    char at[32]; /* RFC 3339 */
    char worker[65];
    uint64_t removed; /* rows that this pruning removed */
    uint64_t rows, runs;
    char digest[SHA256_HEX];
};
void checkpoint_encode(const struct checkpoint *c, struct buf *statement);
/* Reads a statement that envelope_open() gave. ERR_INVALID names what is wrong. */
int checkpoint_decode(const char *statement, size_t len, struct checkpoint *out, struct err *e);

/* The table of runs, and the newest checkpoint as a run of one with its envelope (first 0 and NULL:
 * there is none), from one moment. Caller frees out and *envelope. */
int prune_read(struct store *s, struct prune_runs *out, struct prune_run *checkpoint,
               char **envelope, size_t *envelope_len, struct err *e);
