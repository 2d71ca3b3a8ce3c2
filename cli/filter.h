/* The options by which `ls` and `export` choose results, and the database they look in. */
#pragma once

#include "cli/options.h"
#include "results/list.h"
#include "results/store.h"

struct filter {
    struct settings settings;
    const char *db, *tenant, *cls, *state, *outcome, *worker, *id_prefix, *since, *until;
    bool failed;
    struct list_filter list; /* filter_read() */
};

/* --db, --tenant, --outcome, … and the settings'. */
void filter_add_options(struct options *o, struct filter *f);

/* Checks what was given and fills f->list (limit and cursor are the command's). EXIT_USAGE (said)
 * or OPTIONS_GO. */
int filter_read(const struct command *self, struct filter *f);

/* Opens --db, else the data folder's results. */
int filter_open(const struct filter *f, struct store **out, struct err *e);
