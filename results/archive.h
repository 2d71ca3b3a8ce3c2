/* The results of a whole cluster in one SQLite database: every message of the results stream, its
 * signature checked, its place in its worker's chain noted. One handle, one thread.
 *
 * What arrives is a row of `results`, or one of `faults` with its envelope and a reason: nothing is
 * lost on the way. A chain is known by the id of its key. Results come in the order in which the
 * stream took them, which is not always that of a chain: what is not there yet is a gap, and goes
 * when it comes. A gap that stays is a result that the stream refused (another worker had the job's
 * result in first), or something that somebody took away:
 * docs/operations.md says how to tell. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "link/subjects.h"
#include "results/trust.h"

struct archive;
struct db;

enum archive_mode { ARCHIVE_WRITE, ARCHIVE_READ };
int archive_open(const char *path, enum archive_mode mode, struct archive **out, struct err *e);
void archive_close(struct archive *a); /* NULL is fine; what was not committed is undone */
struct db *archive_db(struct archive *a);

/* Where to read on: behind that sequence of the stream; 0: from its start, also when the stream is
 * another than the one that was followed (created: its time of birth, as the server says it). */
int archive_position(struct archive *a, const char *stream, const char *created, uint64_t *seq,
                     struct err *e);

/* Everything between is durable together with the position, or not at all. */
int archive_begin(struct archive *a, struct err *e);
int archive_commit(struct archive *a, const char *stream, const char *created, uint64_t seq,
                   struct err *e);

enum archive_end {
    ARCHIVED,
    ARCHIVE_KNOWN,      /* it is there already */
    ARCHIVE_SECOND,     /* its job has a result; this one is kept beside */
    ARCHIVE_CHECKPOINT, /* no result: a worker's retention removed some; it has a place in the chain
                         */
    ARCHIVE_FORK,       /* the worker signed two different statements for one place of its chain */
    ARCHIVE_UNTRUSTED,  /* signed by a key that is not trusted; kept until it is */
    ARCHIVE_FORGED,     /* its signature does not hold */
    ARCHIVE_UNREADABLE, /* it holds what no worker writes */
    ARCHIVE_MISPLACED,  /* it says another tenant or id than its subject */
    ARCHIVE_ENDS
};
extern const char *const archive_end_names[ARCHIVE_ENDS];

struct archive_message {
    uint64_t result_seq; /* in the results stream */
    const char *subject, *envelope;
    size_t len;
};

struct archive_news {
    enum archive_end end;
    bool gap;       /* it opened one */
    char text[700]; /* one line: what a person should know; "": nothing */
};

/* Only an error of the database is an error. Inside archive_begin(). */
int archive_add(struct archive *a, const struct subjects *s, const struct trust *t,
                const struct archive_message *m, struct archive_news *news, struct err *e);

/* Adds anew what was kept as untrusted, or as unreadable by an older program, and is of that key,
 * which is trusted by now. told is called
 * for each. Inside archive_begin(). */
int archive_retry(struct archive *a, const struct subjects *s, const struct trust *t,
                  const char *keyid, void (*told)(const struct archive_news *news, void *arg),
                  void *arg, struct err *e);

struct archive_sums {
    uint64_t results, chains, gaps, missing; /* missing: results in the gaps */
    uint64_t faults[ARCHIVE_ENDS];           /* by kind, from ARCHIVE_SECOND on */
};
int archive_sums(struct archive *a, struct archive_sums *out, struct err *e);
/* No fork, nothing that is not as a worker wrote it; gaps are not looked at. */
bool archive_sums_sound(const struct archive_sums *s);

struct archive_chain {
    const char *chain, *worker;
    const uint8_t *key; /* ED25519_PUBLIC bytes */
    bool given;         /* its key was given, not taken from the registry at first sight */
    uint64_t first, last, results, gaps, missing;
    uint64_t beside; /* kept as ARCHIVE_SECOND, and checkpoints */
};
int archive_each_chain(struct archive *a, int (*fn)(const struct archive_chain *c, void *arg),
                       void *arg, struct err *e);

struct archive_gap {
    const char *chain, *worker, *at; /* at: when it was seen, RFC 3339 */
    uint64_t first, last;
};
int archive_each_gap(struct archive *a, int (*fn)(const struct archive_gap *g, void *arg),
                     void *arg, struct err *e);

/* The keys that its chains were checked with. `given`: were they given, for what is added. */
int archive_keys(struct archive *a, struct trust *out, struct err *e);
/* Keys that were given rather than learnt: new chains of theirs are noted as such. */
void archive_set_given(struct archive *a, const struct trust *given);
