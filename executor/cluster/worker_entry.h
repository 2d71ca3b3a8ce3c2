/* What a worker says of itself in the registry (bucket ISOLANE_WORKERS): one JSON object a worker,
 * under its name. docs/protocol.md "Workers" is its text. Pure functions but for
 * worker_process_*(); any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define WORKER_ENTRY_MAX   4096 /* bytes of one entry */
#define WORKER_SILENT      3    /* heartbeats missed: the worker is taken for dead */
#define WORKER_TTL_S       900  /* an entry that nobody renews goes after this */
#define WORKER_PROCESS_MAX 128

enum worker_state {
    WORKER_STARTING, /* takes no jobs yet */
    WORKER_TAKING,
    WORKER_DRAINING, /* takes no more, ends when those it has are done or handed back */
    WORKER_STUCK,    /* takes none while its results cannot be written */
    WORKER_STATES
};

struct worker_entry {
    char worker[65];   /* its name */
    char instance[33]; /* of this run of it: random, hex */
    char host[65];
    char process[WORKER_PROCESS_MAX]; /* worker_process_self() */
    char version[33], engine[65];     /* engine "": not started yet */
    char keyid[65], key[45]; /* that signs its results: id, and base64 of its public half */
    int64_t pid;
    enum worker_state state;
    int64_t heartbeat_ms; /* a new entry comes so often */
    int64_t started_at_us, beat_at_us;
    int64_t running, waiting, max_running;
    int64_t cells_ready, cells_starting, cells_taken;
    int64_t done; /* results since it started */
    /* Compile caches: sources that came again and had code, or had none; what is kept. 0 in entries
     * of workers that do not say so. */
    int64_t code_hits, code_misses, code_kb;
    int64_t branches, branch_jobs; /* zygotes with a source, jobs that had a cell of theirs */
    char jail[257];                /* layers in force, a JSON array of names; "": none yet */
};

const char *worker_state_name(enum worker_state s);

void worker_entry_write(const struct worker_entry *w, struct buf *out);
/* ERR_INVALID: field, found. Members that are not known are left alone: a newer worker may say
 * more. */
int worker_entry_read(const char *json, size_t len, struct worker_entry *out, struct err *e);

/* Which process this is, so that another of this machine can tell whether it is gone:
 * "<boot id>/<pid namespace>/<pid>/<start time>". */
void worker_process_self(char out[WORKER_PROCESS_MAX]);
/* True when that process is, or was, one of this machine and boot, in this pid namespace. */
bool worker_process_local(const char *process);
/* True when it was one of those and is gone. What cannot be known is false. */
bool worker_process_gone(const char *process);
