/* From a finished attempt to a durable signed row: loop thread → signer thread (chain position,
 * JSON, signature) → committer thread (group commit) → loop thread (`committed`). A row that is
 * alone is signed by the committer as well: one thread less to wake on its way.
 *
 * The signer gives out seq and prev in the order of submission; the committer inserts in that
 * order, at once when idle, lingering at most LINGER_MS under load (recorder.c says by which rule).
 * A commit that fails (disk full, busy) is retried with back-off for ever with the same rows, and
 * `stuck` tells the executor once per cause, which then stops taking jobs: nothing is lost, for
 * nothing was acked.
 *
 * One result per job: when (tenant, id) has a row already, the new result is not stored;
 * `committed` brings the envelope of the first one, and r->seq is 0. So a job that ran twice
 * (redelivered after a crash between commit and ack) ends like one that ran once. Because such a
 * result never enters the chain, it cannot hold up the ones behind it.
 *
 * One recorder writes to a database. If another process does all the same, the commit does not fit
 * the chain any more: `stuck` says so (ERR_CONFLICT) and it stays stuck until a restart, which goes
 * on from the new end of the chain.
 *
 * Memory: what is pending is bounded by the caller, who has at most so many jobs in flight. Beside
 * that, 512 rows are kept to be used again, 4 MB at most. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "results/envelope.h"
#include "results/record.h"

struct recorder;

struct recorder_options {
    const char *db_path;
    const struct sign_key *key; /* copied */
    size_t envelope_max; /* larger ones are cut until they fit (results/fit.h); 0: ENVELOPE_MAX */
    /* For workers, which have many results to store: the WAL is made long at once (db_grow_wal()),
     * and new jobs are told from known ones without the disk (known.h). */
    bool many;
};

struct recorder_events {
    /* The row is durable. envelope lives for the call; the result is freed afterwards unless the
     * handler takes it by setting *r to NULL. tag: as given to recorder_submit(). */
    void (*committed)(struct result **r, const char *envelope, size_t len, void *tag, void *arg);
    void (*stuck)(const struct err *why, void *arg); /* a commit fails; it is being retried */
    void (*unstuck)(void *arg);
    /* What recorder_prune() was given is carried out. more: the bounds ask for another. */
    void (*pruned)(size_t rows, bool more, void *arg);
};

int recorder_open(uv_loop_t *loop, const struct recorder_options *o,
                  const struct recorder_events *ev, void *arg, struct recorder **out,
                  struct err *e);

/* Takes ownership of r (id, tenant, cls and state set). Loop thread. Never blocks. */
void recorder_submit(struct recorder *rec, struct result *r, void *tag);

/* Carries a plan out, behind the results that were submitted before: its checkpoint gets a place in
 * the chain, is signed, and committed with the removal. One at a time: not before `pruned` of the
 * one before. Takes ownership of plan. worker: name in the statement. */
struct prune_plan;
void recorder_prune(struct recorder *rec, struct prune_plan *plan, const char *worker);

/* False: no result of that job is in the database. True: look. Loop thread, cheap. */
bool recorder_may_have(const struct recorder *rec, const char *tenant, const char *id);

/* Changes the bound of an envelope (the server's max_payload became known); 0: ENVELOPE_MAX. Less
 * than FIT_MIN is taken as FIT_MIN. */
void recorder_set_envelope_max(struct recorder *rec, size_t bytes);

/* How many jobs wait for a cell now. With some waiting, the machine is the bottleneck and commits
 * linger, for a commit shared is CPU saved (about 100 us a job); with none, a result's own time is
 * what counts and it is committed at once. Never told: lingers by recorder.c's rule alone. Any
 * time, cheap. */
void recorder_set_waiting(struct recorder *rec, int jobs);

/* Rows submitted and not yet committed. */
int recorder_pending(const struct recorder *rec);

/* Commits made so far; rows divided by it is what lingering is judged by. Loop thread. */
uint64_t recorder_commits(const struct recorder *rec);

/* Waits for what is submitted (up to timeout_ms; ERR_TIMEOUT with what is lacking), joins the
 * threads, frees; results that could not be stored are dropped, their jobs are not acked and come
 * again. Events are delivered from inside. The last of the memory goes in a close callback: run the
 * loop once more. NULL is fine. */
int recorder_close(struct recorder *rec, int timeout_ms, struct err *e);
