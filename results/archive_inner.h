/* Between archive.c, what it tells (archive_report.c) and what checks it (archive_verify.c). */
#pragma once

#include "results/archive.h"
#include "results/archive_schema.h"

struct archive {
    struct db *db;
    struct stmt *q[ARCHIVE_QUERIES];
    const struct trust *given;
};

/* The statement of a query, prepared once. */
int archive_stmt(struct archive *a, enum archive_query q, struct stmt **out, struct err *e);
