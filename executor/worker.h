/* A whole worker as `isolane up` and `isolane worker` run it: folder lock, nats-server (up),
 * front-end, signals, drain. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "config/config.h"
#include "config/paths.h"

struct worker_options {
    struct config *config; /* nats.url is set to the embedded server's by `embedded` */
    const struct data_paths *paths;
    const struct engine_paths *engine;
    bool embedded; /* start a nats-server of our own */
    /* Jobs are being taken. */
    void (*ready)(const char *url, void *arg);
    void *arg;
};

/* Runs until SIGTERM or SIGINT (drains: waiting jobs are handed back, running ones may end for
 * DRAIN_GRACE_MS; a second signal cuts that short) or until it can't go on (then <0 with e). */
int worker_run(const struct worker_options *o, struct err *e);
