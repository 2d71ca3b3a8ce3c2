/* The files of a type check: which ones, what the job calls them, and where a person finds them.
 *
 * How this works: a job's files have paths below one folder. That is the current one where all that
 * is named lies below it, else the nearest that all of it has in common; errors are told with paths
 * as they are reached from here. The nearest tsconfig.json counts, from the first thing named that
 * has one up to the folder of its package.json, or the current one; it comes along with what it
 * extends, so that the compiler can follow it. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "cli/source/tsconfig.h"

struct source {
    char *path; /* as the job has it */
    char *text;
    size_t len;
};

struct sources {
    struct source *v;
    size_t n;
    bool any_typescript;
    struct tsconfig tsconfig;
    char here[PATH_MAX];   /* the current folder */
    char root[PATH_MAX];   /* that the paths of the job count from */
    char config[PATH_MAX]; /* the folder of the tsconfig.json; "": none */
    bool absolute;         /* things were named so */
};

/* Paths of files and folders; a folder is taken whole, without node_modules, names that begin with
 * a dot, and symbolic links. Fills out, which sources_free() frees. Errors name the path. */
int sources_collect(char *const *paths, int count, struct sources *out, struct err *e);

/* One of ours, beside the tsconfig.json. The text is static. */
void sources_add(struct sources *s, const char *name, const char *text);

/* What the compiler said, a line for each place, with paths that a person can open. */
void sources_print(const struct sources *s, const char *message, FILE *to);

void sources_free(struct sources *s);
