/* What the files of jv.h share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* At the opening quote of a string: the offset behind its closing quote, 0 when RFC 8259 does not
 * allow it (its UTF-8 is not looked at). */
size_t jv_string_check(const char *t, size_t len, size_t i);
/* The same without looking at what is inside; len when it is not closed. */
size_t jv_string_skip(const char *t, size_t len, size_t i);
size_t jv_space_skip(const char *t, size_t len, size_t i);

/* A long string that was taken out of a text. */
struct jv_long {
    size_t ordinal;  /* the how many-th string of the text that is a value, from 0 */
    size_t from, to; /* what it says, in the `said` of its text */
};

/* A text without its long strings: "" stands where each was. */
struct jv_short {
    struct buf text, said;
    struct jv_long *longs;
    size_t count, cap;
};

/* False when text has no long string that can be taken out; s then holds nothing. */
bool jv_shorten(const char *text, size_t len, struct jv_short *s);
void jv_short_free(struct jv_short *s);
