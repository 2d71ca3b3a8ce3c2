/* What clients ask a worker over core NATS: `<prefix>.results.get` and `<prefix>.cancel.<id>`
 * (docs/protocol.md). Every worker hears every request; the one that knows the job answers at once,
 * one that does not looks into the cluster's results stream and answers "unknown" a little later,
 * so that the first answer a client sees is the best one. Loop thread only. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "executor/front/custody.h"
#include "executor/executor.h"
#include "link/link.h"
#include "link/subjects.h"

struct requests;
struct store;

struct requests_context {
    uv_loop_t *loop;
    const struct config *config;
    const struct subjects *subjects;
    struct link *link;
    struct executor *executor;
    struct custody_table *custodies;
    struct store *store; /* read handle of the loop thread */
    struct held *held;
};

int requests_open(const struct requests_context *ctx, struct requests **out, struct err *e);

/* True when a cancel for that id came before the job did (remembered for a while, bounded). */
bool requests_cancelled_early(struct requests *r, const char *id);

/* As if such a cancel had just come. */
void requests_remember(struct requests *r, const char *id);

/* Questions that this worker cannot answer by itself are refused in words, while on. */
void requests_shed(struct requests *r, bool on);

void requests_close(struct requests *r); /* NULL is fine */
