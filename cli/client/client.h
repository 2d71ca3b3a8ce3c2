/* A command's connection to NATS, and questions about one job over it. Loop thread only; each
 * command has one client and runs its loop. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/options.h"
#include "config/config.h"
#include "link/link.h"
#include "link/subjects.h"

struct client {
    struct config *config;
    struct subjects subjects;
    uv_loop_t loop;
    bool loop_made;
    struct link *link;
    void (*reconnected)(void *arg); /* the command's; NULL: it does not matter to it */
    void *reconnected_arg;
    bool closed; /* the connection ended for good; closed_why says how */
    char closed_why[256];
};

/* Configuration, server (settings_nats_url()), connection. On failure client_close() is due too. */
int client_open(struct client *c, const struct settings *s, struct err *e);
void client_close(struct client *c);

/* ---- one question ---- */

enum answer_kind {
    ANSWER_RESULT, /* text is the envelope */
    ANSWER_STATE,  /* text is {"id":…,"state":…} as a worker says it */
    ANSWER_NONE    /* why: ERR_NOT_FOUND: no worker answers, and the results stream has none;
                      ERR_UNAVAILABLE: nobody answers at all; else: what a worker said against it */
};

struct answer {
    enum answer_kind kind;
    const char *text; /* lives for the call */
    size_t len;
    struct err why;
};

struct question {
    const char *tenant; /* NULL: any (the results stream is then asked for `default`) */
    const char *id;
    bool output;          /* of a running job: what it has printed so far, too … */
    const uint64_t *from; /* … of stdout and stderr, from these bytes on; NULL: from the first */
};

struct lookup;
typedef void (*lookup_done)(const struct answer *a, void *arg);

/* Asks the workers for the job's result or state, and where none answers the results stream itself.
 * `done` is called once, from the loop, unless dropped before. q is copied. */
int lookup_start(struct client *c, const struct question *q, lookup_done done, void *arg,
                 struct lookup **out, struct err *e);
/* Its `done` will not be called any more. Not from inside `done`; NULL is fine. */
void lookup_drop(struct lookup *l);

/* The same, running the loop. text is copied into `keep`. */
int lookup_wait(struct client *c, const struct question *q, struct answer *out, struct buf *keep,
                struct err *e);

/* ---- waiting for a result ---- */

struct waiting;

/* From here on no result of that job is missed: to be called before it is published. */
int waiting_new(struct client *c, const char *tenant, const char *id, struct waiting **out,
                struct err *e);
/* Runs the loop until the result is there: its envelope is appended to out. timeout_ms 0: as long
 * as it takes. ERR_TIMEOUT, ERR_UNAVAILABLE. */
int waiting_run(struct waiting *w, int64_t timeout_ms, struct buf *out, struct err *e);
/* The job's last known state, in words. */
const char *waiting_state(const struct waiting *w);
void waiting_free(struct waiting *w); /* NULL is fine; before client_close() */
