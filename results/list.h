/* Results by what one looks for, a page at a time: for `isolane ls` and `isolane export`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"
#include "config/outcome.h"
#include "link/subjects.h"
#include "results/record.h"

struct store;
struct store_row;

struct list_filter {
    const char *tenant, *cls, *state, *outcome, *worker; /* NULL: any */
    const char *id_prefix;                               /* NULL: any */
    bool failed;                                         /* every outcome but ok */
    int64_t since_us, until_us; /* finished_at in [since, until); 0: open */
    bool oldest_first;
    uint64_t cursor; /* goes on behind this row's `place`, in the list's direction; 0: its start */
    int limit;       /* rows, 1.. */
};

/* Calls fn with whole rows (as store_rows()), in order of seq, newest first unless asked otherwise;
 * a non-zero answer ends it and is returned. One read transaction: keep `limit` small (a page). */
int list_rows(struct store *s, const struct list_filter *f,
              int (*fn)(const struct store_row *row, void *arg), void *arg, struct err *e);

/* "2026-11-21", "2026-11-21T10:00", "2026-11-21T10:00:00Z", "15m", "2h", "7d" (so long ago) → µs.
 * False: none of these. */
bool list_time(const char *text, int64_t now_us, int64_t *out);
