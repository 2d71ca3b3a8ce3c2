/* Between held.c (what is ready is put back), held_table.c (what waits, and for whom) and
 * held_put.c (a job comes to wait). held.c says how they hold together. */
#pragma once

#include <uthash.h>

#include "base/list.h"
#include "executor/cluster/groups.h"
#include "executor/cluster/held.h"
#include "link/follow.h"

#define NAME_TEXT (TENANT_NAME_MAX + 1 + JOB_ID_MAX + 1)

struct entry;

/* What is waited for: "<tenant>/<id>" → those that wait. */
struct awaited {
    char key[NAME_TEXT];
    struct list edges;
    UT_hash_handle hh;
};

struct edge {
    struct list node; /* in awaited.edges */
    struct entry *entry;
    struct awaited *awaited;
    bool known; /* it has a result */
};

struct entry {
    char key[NAME_TEXT];
    char tenant[TENANT_NAME_MAX + 1], id[JOB_ID_MAX + 1];
    uint64_t seq; /* of the entry's message */
    enum job_class cls;
    bool runs_anyway; /* on_failure: run */
    int64_t until_us, published_at_us;
    struct edge *edges;
    int n;
    int misses, copy_misses; /* how often in a row it, or its copy, was not there */
    bool busy, again;        /* being checked; once more behind that */
    bool release_now;        /* whatever it waits for */
    struct list node;        /* in held.all, in the order of sweeping */
    UT_hash_handle hh;
};

struct held {
    struct held_context ctx;
    struct groups_stream *stream;
    struct follow *follow;
    struct entry *entries;
    struct awaited *awaited;
    struct list all;
    uv_timer_t sweep;
    int under_way; /* requests whose answers need this struct */
    bool there, closed, timer_closed;
};

void held_maybe_free(struct held *h);
/* Asks for what the entry waits for, and puts it back when all of it is there. */
void held_check(struct held *h, struct entry *x);
/* There are entries: sweep. */
void held_sweep_on(struct held *h);

/* ---- held_table.c ---- */

void held_key(char out[NAME_TEXT], const char *tenant, const char *id);
struct entry *held_find(const struct held *h, const char *key);
void held_drop(struct held *h, struct entry *x);
/* The entry of that message, new in the table; NULL: it is there already, or makes no sense. */
struct entry *held_add(struct held *h, const char *tenant, const char *id, uint64_t seq,
                       const char *text, size_t len);
