/* What there is for services beside the job that asks: the worker's loop and its wires. Belongs to
 * the executor, which outlives every attempt. */
#pragma once

#include <uv.h>

struct artifact_store;
struct config;
struct link;
struct subjects;
struct data_paths;
struct net;

struct service_world {
    uv_loop_t *loop;
    struct net *net; /* resolver and connections for scripts (executor/net.h) */
    const struct config *config;
    /* To NATS; NULL under `isolane run`, which has none: a service then says so, or works on files
     * below paths. */
    struct link *link;
    const struct subjects *subjects;
    const struct data_paths *paths; /* the data folder; NULL: none */
    struct artifact_store *artifacts;
};
