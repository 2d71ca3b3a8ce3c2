/* Between store.c and the files that keep further tables in the same database. */
#pragma once

#include "results/db.h"
#include "results/schema.h"
#include "results/store.h"

/* For schema_query(). */
int store_version(const struct store *s);

/* The statement of a query, prepared once. */
int store_stmt(struct store *s, enum query q, struct stmt **out, struct err *e);

/* Steps through a query for all columns in order, then place and chain, a row at a time. */
int store_walk(struct stmt *st, int (*fn)(const struct store_row *row, void *arg), void *arg,
               struct err *e);

/* Adds to a tenant's sums, inside a transaction. */
int store_tally(struct store *s, const char *tenant, int64_t rows, int64_t bytes, struct err *e);
