/* Checkpoints of retention (results/prune.h) go to the results stream too, so that who follows it
 * knows why a worker's chain has a place without a result. Loop thread only. */
#pragma once

#include <uv.h>

#include "link/link.h"
#include "link/subjects.h"

struct checkpoints;
struct store;

struct checkpoints_context {
    uv_loop_t *loop;
    struct link *link;
    const struct subjects *subjects;
    struct store *store;       /* read handle of the loop thread */
    void (*stored)(void *arg); /* the one that checkpoints_publish() was called for is */
    void *arg;
};

struct checkpoints *checkpoints_open(const struct checkpoints_context *ctx);
/* Publishes the newest of the database, until the stream has it; `stored` follows, also when there
 * is none. */
void checkpoints_publish(struct checkpoints *c);
void checkpoints_close(struct checkpoints *c); /* before link_close(); NULL is fine */
