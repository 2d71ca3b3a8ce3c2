/* A result as the columns of its row, and back. Knows the columns (schema.h) and the record, not
 * SQLite. Any thread. */
#pragma once

#include "base/err.h"
#include "base/jv.h"
#include "results/db.h"
#include "results/schema.h"
#include "results/store.h"

#define ROW_STAMP 32
#define ROW_JAIL  2048 /* JSON array of at most 32 layer names */

/* Texts made for a row; the cells point into it. */
struct row_scratch {
    char published[ROW_STAMP], started[ROW_STAMP], finished[ROW_STAMP], attested[ROW_STAMP];
    char jail[ROW_JAIL];
};

/* Fills all cells; they point into row and scratch. */
void row_cells(const struct store_row *row, struct cell out[COLUMNS], struct row_scratch *scratch);

/* A row read back: row.result points at result, whose strings are the cells' (never result_free()).
 */
struct row_view {
    struct store_row row;
    struct result result;
    const char *jail_names[33];
    struct jv *jail;
};

/* ERR_CORRUPT names the column that holds what row_cells() never makes. Free also after an error.
 */
int row_view(const struct cell in[COLUMNS], struct row_view *out, struct err *e);
void row_view_free(struct row_view *v);
