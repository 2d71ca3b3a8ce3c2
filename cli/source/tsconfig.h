/* What a project's tsconfig.json says of how its TypeScript is transformed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct tsconfig {
    char *typescript; /* the job's field of that name, a JSON object; NULL: nothing is said */
    bool paths;       /* names of imports are mapped to files, which only a bundle has */
};

/* From its text: JSON with comments and commas before a closing bracket, as the compiler reads it.
 * Of compilerOptions: jsx, jsxFactory, jsxFragmentFactory, jsxImportSource, experimentalDecorators,
 * paths; `extends` is not followed. Fills out, whose typescript the caller frees. ERR_INVALID. */
int tsconfig_read(const char *text, size_t len, struct tsconfig *out, struct err *e);

/* That of a folder; nothing is said where there is none. Errors name the file. */
int tsconfig_of(const char *folder, struct tsconfig *out, struct err *e);
