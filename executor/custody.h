/* The deliveries in this worker's hands, found by (tenant, id). Only bookkeeping: serve.c acts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "base/list.h"
#include "config/config.h"
#include "executor/attempt.h"
#include "link/subjects.h"
#include "queue/intake.h"

enum custody_state { CUSTODY_LOOKING, CUSTODY_HELD, CUSTODY_PUBLISHING };

#define CUSTODY_KEY_MAX (TENANT_NAME_MAX + 1 + JOB_ID_MAX + 1)

struct custody {
    struct serve *serve;
    enum custody_state state;
    char key[CUSTODY_KEY_MAX]; /* "<tenant>/<id>" */
    char tenant[TENANT_NAME_MAX + 1], id[JOB_ID_MAX + 1];
    struct delivery *delivery;
    struct job *job;         /* LOOKING only: not with the executor yet */
    struct attempt *attempt; /* HELD only */
    char *envelope;          /* PUBLISHING only */
    size_t envelope_len;
    bool sent;              /* a publish is under way */
    int64_t progress_at_us; /* last progress message */
    struct list node;       /* PUBLISHING: in the list of what waits for a PubAck */
    UT_hash_handle hh;
};

struct custody_table {
    struct custody *by_key;
};

struct custody *custody_find(struct custody_table *t, const char *tenant, const char *id);
/* By id alone: the one of any tenant, NULL when none has it (or two have: *ambiguous). */
struct custody *custody_find_id(struct custody_table *t, const char *id, bool *ambiguous);
struct custody *custody_add(struct custody_table *t, const char *tenant, const char *id);
void custody_remove(struct custody_table *t, struct custody *c); /* frees it, not its delivery */
int custody_count(const struct custody_table *t);
