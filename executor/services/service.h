/* Host services: what a cell may ask the supervisor for. One file each; the table is services.c.
 * The cell can only ask: permission and quota are those of the job that asks, not what the cell
 * claims. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
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
    /* 0 with the answer's JSON in reply (empty: null), which is wiped afterwards; or <0 with e: the
     * script's promise is rejected with an error of the class service_error_name(). */
    int (*handle)(const struct service_call *c, struct buf *reply, struct err *e);
};

extern const struct service service_progress, service_secret;

/* The service of that name, NULL when there is none. */
const struct service *service_find(const char *name, size_t len);

/* The class of errors that a script sees (sandbox/js/host_errors.js) for an error code:
 * ERR_DENIED PermissionDenied, ERR_LIMIT BudgetExceeded, ERR_INVALID InvalidArgument, ERR_NOT_FOUND
 * NotFound, ERR_CONFLICT and ERR_EXISTS Conflict, anything else HostError. */
const char *service_error_name(int code);
