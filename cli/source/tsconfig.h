/* What a project's tsconfig.json says of how its TypeScript is transformed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct tsconfig {
    char *typescript; /* the job's field of that name, a JSON object; NULL: nothing is said */
    bool paths;       /* names of imports are mapped to files, which only a bundle has */
    char **files;     /* it and those that it extends, without symbolic links */
    size_t file_count;
};

/* From its text: JSON with comments and commas before a closing bracket, as the compiler reads it.
 * Of compilerOptions: jsx, jsxFactory, jsxFragmentFactory, jsxImportSource, experimentalDecorators,
 * paths; its own alone. Fills out. ERR_INVALID. */
int tsconfig_read(const char *text, size_t len, struct tsconfig *out, struct err *e);

/* That of a folder, with what it extends: a file by its path, or of a package in the node_modules
 * of the folder or of one above; of several the last says, and the file itself has the last word.
 * They may lie outside of the folder: nothing but the options above comes from them. Nothing is
 * said where the folder has none. ERR_INVALID for a circle, more than 16 in a chain or 64 in all;
 * errors name the file. */
int tsconfig_of(const char *folder, struct tsconfig *out, struct err *e);

void tsconfig_free(struct tsconfig *t);
