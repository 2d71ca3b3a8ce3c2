/* Jobs that wait for the results of others: they lie in the stream ISOLANE_HELD, where they take up
 * no worker's places and no delivery, until what they wait for is there; then a worker puts them
 * back into the jobs stream (docs/protocol.md "Jobs that wait for others"; held.c says why none is
 * lost and none starts twice). Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "config/config.h"
#include "link/js.h"
#include "link/link.h"
#include "link/subjects.h"
#include "queue/stream/intake.h"
#include "queue/job/job.h"

struct held;
struct store;

struct held_context {
    uv_loop_t *loop;
    const struct config *config;
    const struct subjects *subjects;
    struct link *link;
    struct store *store; /* read handle of the loop thread */
    /* True: that job is cancelled, and is put back so that it gets its result. */
    bool (*cancelled)(const char *tenant, const char *id, int64_t published_at_us, void *arg);
    void *arg;
};

struct held *held_open(const struct held_context *ctx);

/* Takes the job's message over: when cb is called without an error it may be acked. ERR_LIMIT in
 * why->code: too many wait. until_us: then it is put back in any case. */
int held_put(struct held *h, const struct delivery *d, const struct job *j, int64_t until_us,
             js_done cb, void *arg, struct err *e);

/* The results stream has the result of that job: what waits for it may be ready. Costs a look at a
 * counter when nothing waits. */
void held_finished(struct held *h, const char *tenant, const char *id);
/* The job runs or has ended although a copy of it may still be here (a worker died between steps).
 */
void held_forget(struct held *h, const char *tenant, const char *id);

/* It waits here (tenant NULL: of any). */
bool held_has(const struct held *h, const char *tenant, const char *id);
/* Puts it back now, whatever it waits for; false when it is not here. */
bool held_release(struct held *h, const char *tenant, const char *id);
/* Asks ctx->cancelled() of all. */
void held_look_for_cancelled(struct held *h);

void held_close(struct held *h); /* NULL is fine */
