/* Attested start: a zygote's cells get no job before one of them has attacked its own jail with the
 * set of sandbox/jail/probes.h and every attempt was stopped by the layer that has to stop it.
 * pool_attest.c runs it when a zygote comes up and every attest_interval_s; attest_once() for a
 * person.
 *
 * What it is worth: the report is made by our own code in a cell that has seen no guest, so it
 * tells that the jail holds as the kernel runs it here and now (a filter that was not compiled in,
 * a namespace that did not come, a kernel without a check). It does not tell that a zygote which
 * was taken over is sound. Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"
#include "config/config.h"
#include "config/paths.h"
#include "sandbox/host/cell.h"
#include "sandbox/jail/probes.h"

enum attest_end {
    ATTEST_HELD,    /* by the layer that has to hold it */
    ATTEST_SKIPPED, /* that layer is not in force (jail: prefer) */
    ATTEST_ESCAPED  /* it succeeded, or something else stopped it */
};

struct attest_report {
    struct {
        enum attest_end end;
        char how[80]; /* "trapped openat", "Operation not permitted", "it succeeded" */
    } row[JAIL_PROBE_COUNT];
    int count[3]; /* by enum attest_end */
};

/* Canonical text of the set, and SHA-256 of it in hex (static, made once). */
void attest_set_text(struct buf *out);
const char *attest_set_hash(void);

/* Reads a cell's report. 0: every attempt of a layer in force was held. ERR_DENIED: one was not; e
 * names it, and out has all. ERR_PROTOCOL: malformed or not complete. */
int attest_judge(const char *json, size_t len, uint32_t layers, struct attest_report *out,
                 struct err *e);

/* ---- in a cell ---- */

struct attest_run;

/* rc: as attest_judge(); or ERR_TIMEOUT, ERR_UNAVAILABLE when no report came; or 1 when the cell
 * was lost with its zygote. The run is freed behind it; the cell ends. why is NULL when rc is 0 or
 * 1, r only valid when rc is 0 or ERR_DENIED. */
typedef void attest_ended_fn(int rc, const struct attest_report *r, const struct err *why,
                             void *arg);

/* The cell must be ready and its events then those below, with the run as their argument. */
int attest_begin(uv_loop_t *loop, struct cell *c, uint32_t layers, attest_ended_fn *fn, void *arg,
                 struct attest_run **out, struct err *e);
extern const struct cell_events attest_cell_events;

/* Nobody wants to know any more. NULL is fine. */
void attest_drop(struct attest_run *r);

/* ---- for a person ---- */

/* A zygote and one cell of it, started for this and gone afterwards. *layers: what was in force. As
 * attest_judge(); other codes when there is no zygote or no report. */
int attest_once(const struct config *c, const struct engine_paths *paths, struct attest_report *out,
                uint32_t *layers, struct err *e);
