/* Between store.c and the files that keep further tables in the same database. */
#pragma once

#include "results/db.h"
#include "results/schema.h"
#include "results/store.h"

/* The statement of a query, prepared once. */
int store_stmt(struct store *s, enum query q, struct stmt **out, struct err *e);

/* Adds to a tenant's sums, inside a transaction. */
int store_tally(struct store *s, const char *tenant, int64_t rows, int64_t bytes, struct err *e);
