/* Host services: what a cell may ask the supervisor for. One file each; the table is services.c.
 * The cell can only ask: permission and quota are those of the job that asks, not what the cell
 * claims. Loop thread only.
 *
 * An answer may come later: the handler keeps what service_later() gives it and returns
 * SERVICE_LATER. Such an answer is owed by the present run of the attempt: when the run ends first
 * (the script is done, stopped, its cell or the zygote is lost, the worker drains) the service is
 * told so by `cancel`, once, and must forget it. At most FRAME_CALLS_MAX are owed to one job.
 *
 * Bytes that do not fit into an answer, or come bit by bit, go over a stream
 * (sandbox/host/cell_stream.h): the service opens it on service_cell() and names its number in the
 * answer. Streams end with the run as well, and tell so by themselves. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "executor/attempt/attempt.h"
#include "sandbox/host/cell_stream.h"

struct service_run;

struct service_call {
    struct attempt *attempt;
    struct service_run *run;
    struct cell *cell; /* for streams; of the present run */
    uint64_t call_id;  /* 0: a note, nobody waits for an answer */
    const char *json;  /* argument, not checked by anyone yet */
    size_t len;
    const struct attempt_owner *owner;
    void *owner_arg;
    const struct service_world *world; /* what there is beside the job; never NULL */
};

#define SERVICE_LATER 1

struct service {
    const char *name;
    size_t argument_max; /* bytes of JSON */
    /* 0 with the answer's JSON in reply (empty: null), which is wiped afterwards; or <0 with e: the
     * script's promise is rejected with an error of the class service_error_name(); or
     * SERVICE_LATER. */
    int (*handle)(const struct service_call *c, struct buf *reply, struct err *e);
};

extern const struct service service_emit, service_fetch, service_fetch_body, service_fetch_cancel,
    service_kv, service_progress, service_secret, service_websocket, service_websocket_cancel;
extern const struct service service_artifact_list, service_artifact_get, service_artifact_put,
    service_artifact_put_end;

/* The service of that name, NULL when there is none. */
const struct service *service_find(const char *name, size_t len);

/* The class of errors that a script sees (sandbox/js/host_errors.js) for an error code:
 * ERR_DENIED PermissionDenied, ERR_LIMIT BudgetExceeded, ERR_INVALID InvalidArgument, ERR_NOT_FOUND
 * NotFound, ERR_CONFLICT and ERR_EXISTS Conflict, ERR_CORRUPT IntegrityError, anything else
 * HostError. */
const char *service_error_name(int code);

/* ---- answers that come later ---- */

struct service_pending;

/* The answer to this call is owed from now on; the handler returns SERVICE_LATER. `cancel` is
 * called when the run ends before service_answer() or service_refuse(): p is no more then. NULL for
 * a note (call_id 0): there is nobody to answer; the handler must refuse it or go on without. */
struct service_pending *service_later(const struct service_call *c, void (*cancel)(void *arg),
                                      void *arg);

/* Answers; p is no more. json may be empty: null. From within the handler that made p, too. */
void service_answer(struct service_pending *p, const char *json, size_t len);
void service_refuse(struct service_pending *p, const struct err *why);

/* Aborts a stream of a service's: the script's read or write is rejected with an error of that
 * class, as a refused call is. s is no more. */
void service_stream_refuse(struct cell_stream *s, const struct err *why);

/* ---- what a service keeps for a run ---- */

/* Memory of its own that a service keeps from the first use to the end of the run: made of `size`
 * zero bytes when there is none for that key, else what there is. The key is the address of
 * something that only this service has. `end` is called when the run is over (answers owed were
 * cancelled, streams are closed by then; what was made last ends first), before the memory is
 * freed; NULL: nothing to do. */
void *service_state(struct service_run *run, const void *key, size_t size,
                    void (*end)(void *state));
/* The same without making one: NULL. */
void *service_state_find(const struct service_run *run, const void *key);

/* ---- for attempt.c ---- */

struct service_run {
    struct list pending; /* answers owed */
    struct list states;
};

void service_run_begin(struct service_run *run);
/* The cell takes no answers any more. Repeating is harmless. */
void service_run_end(struct service_run *run);

/* A call or note came from the cell: finds the service, checks, runs it, answers. */
void service_take(const struct service_call *c, const char *name, size_t name_len);
