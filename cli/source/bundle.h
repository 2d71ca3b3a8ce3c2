/* esbuild, run as a child: a project and the packages it depends on, as one script. */
#pragma once

#include <stddef.h>

#include "base/err.h"

#define BUNDLE_MAX        ((size_t)64 << 20)
#define BUNDLE_TIMEOUT_MS 120000

/* Bundles `main` (a path in the folder root) with all that it imports; packages come from the
 * node_modules of root and of the folders above it. *out: UTF-8 text with its source map at its
 * end, malloc'd, caller frees. ERR_NOT_FOUND: there is no esbuild (says where it was looked for and
 * what to do); ERR_INVALID: it refused the project, in its own words. */
int bundle(const char *root, const char *main, char **out, size_t *len, struct err *e);
