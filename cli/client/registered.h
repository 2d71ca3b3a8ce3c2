/* The workers that the registry of a cluster knows (executor/cluster/worker_entry.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/client/client.h"
#include "executor/cluster/worker_entry.h"

struct registered {
    struct worker_entry entry;
    char *json; /* the entry as it is stored; owned */
    size_t len;
    int64_t age_ms; /* of its last heartbeat: our clock against the server's */
    bool silent;    /* it missed WORKER_SILENT heartbeats */
};

struct registered_list {
    struct registered *v; /* by name */
    int n, cap;
    int unread; /* entries that are no worker's, or of one that this build does not understand */
    struct err why; /* of the last of them */
};

/* All, or with `name` that one. Runs the loop. Without a registry the list is empty. */
int registered_read(struct client *c, const char *name, struct registered_list *out, struct err *e);
void registered_free(struct registered_list *l);
