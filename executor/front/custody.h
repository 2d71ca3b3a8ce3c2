/* The deliveries in this worker's hands, found by (tenant, id). Only bookkeeping: serve.c acts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "base/list.h"
#include "config/config.h"
#include "executor/attempt/attempt.h"
#include "link/subjects.h"
#include "queue/stream/intake.h"

enum custody_state {
    CUSTODY_LOOKING,
    CUSTODY_HELD,
    CUSTODY_STORING,
    CUSTODY_MOVING,
    CUSTODY_PUBLISHING,
    CUSTODY_BURYING
};

#define CUSTODY_KEY_MAX (TENANT_NAME_MAX + 1 + JOB_ID_MAX + 1)

struct custody {
    struct serve *serve;
    enum custody_state state;
    char key[CUSTODY_KEY_MAX]; /* "<tenant>/<id>" */
    char tenant[TENANT_NAME_MAX + 1], id[JOB_ID_MAX + 1];
    struct delivery *delivery; /* NULL: the result of a batch, or a call: no message asked for it */
    struct call *call;         /* calls.h; NULL: none */
    struct job *job;           /* LOOKING, MOVING to wait for others: not with the executor */
    struct attempt *attempt;   /* HELD and STORING; NULL in the latter: drained meanwhile */
    char *envelope;            /* PUBLISHING, BURYING; NULL: it is read from the database */
    size_t envelope_len;
    bool envelope_usual;        /* custody.c's: of the usual size */
    char outcome[OUTCOME_TEXT]; /* likewise, of its result; "": it cannot be read */
    struct lease *lease;        /* its concurrency_key's place, or waited for; NULL: none */
    bool sent;                  /* a publish is under way: not to be freed before its answer */
    bool cancelled;             /* STORING, LOOKING: asked for meanwhile */
    bool parked;                /* waits here for its time, counted in serve's bounds */
    bool kept;                  /* PUBLISHING: its envelope counts in serve's bound */
    bool dead;                  /* its result says so: a copy is due */
    int64_t retry_at_us;        /* STORING: real time of its next attempt */
    int64_t progress_at_us;     /* last progress message */
    struct list node;           /* in the list of what waits for a PubAck, or for another try */
    UT_hash_handle hh;
};

/* MOVING: to wait for other jobs, not for its time. */
static inline bool custody_waits(const struct custody *c)
{
    return c->job != NULL;
}

struct custody_table {
    struct custody *by_key;
};

struct custody *custody_find(struct custody_table *t, const char *tenant, const char *id);
/* By id alone: the one of any tenant, NULL when none has it (or two have: *ambiguous). */
struct custody *custody_find_id(struct custody_table *t, const char *id, bool *ambiguous);
struct custody *custody_add(struct custody_table *t, const char *tenant, const char *id);
/* c->envelope, NULL so far, becomes a copy with a NUL behind it. It goes with c. */
void custody_keep_envelope(struct custody *c, const char *envelope, size_t len);
void custody_remove(struct custody_table *t, struct custody *c); /* frees it, not its delivery */
int custody_count(const struct custody_table *t);
