/* Offline verification: one envelope, or a database's whole chain. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "results/envelope.h"

struct verify_report {
    uint64_t checked;     /* envelopes */
    uint64_t first, last; /* seq */
    uint64_t pruned;      /* rows that retention removed, as a signed checkpoint says */
    uint64_t bad_seq;     /* of the first fault, 0: none */
};

/* Every row of an archive (archive.h): signature by the key of its chain, columns, the links
 * between neighbours that are both there, and that its chains, gaps and rows add up. Its gaps are
 * told in the report and are no fault here, nor is what its table `faults` holds: that is what an
 * archive is for. trust NULL: the keys that the archive itself holds; else each chain's key must be
 * among those. ERR_CORRUPT, ERR_DENIED. */
struct trust;
struct verify_archive_report {
    uint64_t checked, chains, gaps, missing;
    uint64_t faults;    /* of the worse kinds: archive_sums_sound() */
    uint64_t bad_place; /* n of the first row that is wrong, 0: none */
};
int verify_archive(const char *path, const struct trust *trust, struct verify_archive_report *out,
                   void (*progress)(uint64_t done, uint64_t total, void *arg), void *arg,
                   struct err *e);

/* Signature of one envelope (ERR_INVALID, ERR_CORRUPT, ERR_DENIED as envelope_open()). */
int verify_envelope(const char *json, size_t len, const struct sign_key *k, struct err *e);

/* Every envelope of the database: signature, that the row's columns say what the signed text says,
 * that seq has no gap but those that a signed checkpoint covers (prune.h) and each prev is the hash
 * of the one before. The first fault ends it: ERR_CORRUPT names seq and fault. `progress` may be
 * NULL. */
int verify_db(const char *path, const struct sign_key *k, struct verify_report *out,
              void (*progress)(uint64_t done, uint64_t total, void *arg), void *arg, struct err *e);
