/* What a script's text seems to import: enough to find the files that go with it, not a parser. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct import_found {
    const char *name; /* into the text */
    size_t len;
};

/* The next specifier from *at on, which moves behind it: a quoted text on one line behind `from`,
 * `import`, `import(` or `require(`. What stands so in a comment or a string is told as well: the
 * caller looks whether there is such a file. False: no more. */
bool import_next(const char *text, size_t len, size_t *at, struct import_found *out);
