/* Tables for people: aligned columns, cut to the width of the terminal, coloured on one. The one
 * door to libsmartcols. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum table_colour { COLOUR_NONE, COLOUR_GREEN, COLOUR_RED, COLOUR_YELLOW, COLOUR_DIM };

struct table_column {
    const char *name;
    bool right; /* aligned to the right: numbers */
    bool cut;   /* this column gives way when the terminal is narrow */
};

struct table_cell {
    const char *text; /* UTF-8, copied; NULL is empty; control characters are shown as blanks */
    enum table_colour colour;
};

struct table;

struct table *table_new(const struct table_column *columns, int n);
/* cells: one for each column. */
void table_row(struct table *t, const struct table_cell *cells);
/* Colours and cutting only when out is a terminal; colours not with NO_COLOR set. */
void table_print(struct table *t, FILE *out);
void table_free(struct table *t); /* NULL is fine */

/* True when out is a terminal that may be written in colour (https://no-color.org). */
bool colour_wanted(FILE *out);
/* Escape sequence that begins a colour, COLOUR_NONE: the one that ends it. */
const char *colour_code(enum table_colour c);
