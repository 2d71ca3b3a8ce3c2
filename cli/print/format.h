/* Figures and foreign text as people read them. Pure functions. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define FIGURE_MAX 32
/* "0.91 ms", "12.3 ms", "1.24 s", "2 min 3 s" */
void figure_ms(double ms, char out[FIGURE_MAX]);
/* "512 B", "1.5 KiB", "2.0 MiB" */
void figure_bytes(double bytes, char out[FIGURE_MAX]);

/* Appends text that a job wrote so that it can do a terminal no harm: escape sequences and other
 * control characters are replaced by U+FFFD, malformed UTF-8 likewise; line ends and tabs stay.
 * Every line is indented by `indent` blanks; a line end is added at the end when there is none. */
void text_add_shown(struct buf *out, const char *text, size_t len, int indent);

/* Appends the same as one line: control characters, line ends among them, as blanks. Always leaves
 * a string in out, an empty one for an empty text. */
void text_add_one_line(struct buf *out, const char *text, size_t len);

/* The first line that is not empty, cut to `width` characters and "…". */
void text_add_first_line(struct buf *out, const char *text, size_t len, size_t width);
