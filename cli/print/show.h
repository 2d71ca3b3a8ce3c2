/* Results as people read them. Input is always the JSON result object (docs/protocol.md "Result"),
 * so that `run`, `result`, `submit --wait` and a result that came from another worker look the
 * same. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

/* One result as a block of lines: outcome, value, error with stack, stdout, stderr, usage, times.
 * Coloured on a terminal. ERR_INVALID when json is no result object. */
int show_result(const char *json, size_t len, FILE *out, struct err *e);

/* The one-line summary of a result, without a line end: "ok in 3.1 ms (cpu 2.9 ms)". */
int show_line(const char *json, size_t len, FILE *out, struct err *e);

/* True when the result object says outcome "ok". False for anything else. */
bool result_is_ok(const char *json, size_t len);

/* The result object with null in place of its value, for jv_parse(): a value is the script's own
 * JSON and may hold what that refuses. Appends. ERR_INVALID when json is no JSON. */
int result_without_value(const char *json, size_t len, struct buf *out, struct err *e);

/* A table of many results: job, outcome, time, cpu, heap, output. */
struct summary;

struct summary *summary_new(void);
/* label: what the first column shows, NULL: the id. ERR_INVALID when json is no result object; the
 * row then says so, so that none is missing. */
int summary_add(struct summary *s, const char *label, const char *json, size_t len, struct err *e);
/* A job that has no result yet: its state ("running") stands where the outcome would. */
void summary_add_state(struct summary *s, const char *id, const char *state);
uint64_t summary_count(const struct summary *s);
uint64_t summary_not_ok(const struct summary *s);
/* The table and one line of totals under it. */
void summary_print(struct summary *s, FILE *out);
void summary_free(struct summary *s); /* NULL is fine */
