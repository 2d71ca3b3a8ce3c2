/* UTF-8 checks (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Offset of the first byte that is not valid UTF-8, or len when all of it is. */
size_t utf8_valid_prefix(const char *p, size_t len);

/* Appends p with every malformed sequence replaced by U+FFFD, as the WHATWG decoder (and so Node)
 * does it: one for the longest start of a character. */
void utf8_add_repaired(struct buf *out, const char *p, size_t len);

/* Largest n <= max such that p[0..n) does not end inside a character. */
size_t utf8_cut(const char *p, size_t len, size_t max);
