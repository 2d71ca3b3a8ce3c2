/* V8's code for jobs' sources, so that a source that comes again is not parsed again: who has some
 * made, and where. Loop thread only. What is kept: code_cache.h.
 *
 *   a source is seen the second time → its task waits → a fresh cell of the same profile compiles
 * it (sandbox/engine/code.cc: it runs nothing of it, gets no job, and ends) → kept → given to the
 *   next job of that tenant with that source
 *
 * No job waits for any of that. The key holds the tenant, every byte of the source, V8's version
 * and flags: code is only ever run by those who could have sent the source that it was made of, for
 * that source. What a tenant's compilations cost counts as its own use. */
#pragma once

#include "base/err.h"
#include "config/config.h"
#include "executor/cells/code_cache.h"
#include "executor/cells/pools.h"
#include "queue/job/job.h"
#include "sandbox/host/cell.h"

struct codes;

struct codes_events {
    /* A task has ended, having taken so much CPU time. */
    void (*ended)(const struct tenant *t, int64_t cpu_us, void *arg);
};

/* NULL where the configuration wants none. */
struct codes *codes_open(const struct config *c, const struct codes_events *ev, void *arg);
/* Before the pools are closed. Tells nothing. NULL is fine. */
void codes_close(struct codes *s);

struct code_text {
    const char *data; /* lives until the next codes_*() call */
    size_t len;       /* 0: none */
    bool kept;        /* the cell's zygote has compiled the source (branches.h): it has it */
};

/* The code for a job that is about to begin in that cell. s may be NULL. */
struct code_text codes_for(struct codes *s, const struct job *j, const struct tenant *t,
                           struct cell *c);

/* Starts what waits, when there is a ready cell for it. s may be NULL. */
void codes_pump(struct codes *s, struct pools *ps);

/* Of a job whose cell has that V8 with those flags. */
void codes_key_of(const struct job *j, const char *engine, const char *flags, struct code_key *out);

struct code_cache_stats codes_stats(const struct codes *s); /* zeroes for NULL */
