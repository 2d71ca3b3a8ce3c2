/* Files of jobs that lie in archives in their tenant's bucket (queue/job/archive.h): fetched by
 * name, held against size and SHA-256, unpacked on a thread of libuv's pool, kept by their hash for
 * the jobs that follow. Loop thread only.
 *
 * A set is one tenant's: who knows a hash gets nothing of others. Few are on their way at once and
 * the bytes kept are bounded; those that were used least recently go first. An object that is not
 * there, not what the job names, or no archive that is taken ends the job; a store that does not
 * answer is asked again for some minutes. */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "base/err.h"
#include "base/list.h"
#include "config/config.h"

#define FILESETS_KEPT_MAX ((size_t)64 << 20) /* bytes */
#define FILESETS_AT_ONCE  2                  /* on their way; the others wait in order */

struct artifact_store;
struct attempt;
struct filesets;
struct fileset_fetch;

/* What an attempt has while it waits; zeroed at first. */
struct fileset_waiter {
    struct list node;
    struct fileset_fetch *fetch; /* NULL: it does not wait */
    struct attempt *attempt;
    int times; /* that its set was fetched */
};

/* why NULL: its set is here (filesets_take). ERR_INVALID: it never will be; else: not this time,
 * and long enough was waited. */
typedef void (*filesets_done)(struct attempt *a, const struct err *why, void *arg);

/* store NULL: there are none. c and store are kept. */
struct filesets *filesets_new(uv_loop_t *loop, const struct config *c, struct artifact_store *store,
                              filesets_done done, void *arg);
/* Nobody may wait. What is being unpacked is thrown away when that is done. NULL is fine. */
void filesets_free(struct filesets *f);

/* Gives the job its files when they are here. True: done, or rc says why the job cannot run
 * (ERR_INVALID). */
bool filesets_take(struct filesets *f, struct attempt *a, int *rc, struct err *e);

/* The attempt is PARKED and waits for its files; `done` follows, never from in here. */
void filesets_fetch(struct filesets *f, struct attempt *a);
/* It waits no longer. Nothing when it does not. */
void filesets_forget(struct attempt *a);
bool filesets_is_waiting(const struct attempt *a);
