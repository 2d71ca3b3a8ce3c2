/* Host services: what a cell may ask the supervisor for. One file each; the table is services.c.
 * The cell can only ask: permission and quota are those of the job that asks, not what the cell
 * claims. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "executor/attempt.h"

struct service_call {
    struct attempt *attempt;
    uint64_t call_id; /* 0: a note, nobody waits for an answer */
    const char *json; /* argument, not checked by anyone yet */
    size_t len;
    const struct attempt_owner *owner;
    void *owner_arg;
};

struct service {
    const char *name;
    size_t argument_max; /* bytes of JSON */
    /* 0 with *reply (malloc'd JSON, NULL: null), or <0 with e: the script gets it as an exception.
     */
    int (*handle)(const struct service_call *c, char **reply, struct err *e);
};

extern const struct service service_progress;

/* The service of that name, NULL when there is none. */
const struct service *service_find(const char *name, size_t len);
