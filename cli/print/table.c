#include "cli/print/table.h"

#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/print/format.h"

#define WIDTH_MIN 40 /* a narrower terminal gets lines that wrap */

struct table {
    struct libscols_table *t;
    int columns;
};

bool colour_wanted(FILE *out)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(out)) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

const char *colour_code(enum table_colour c)
{
    switch (c) {
    case COLOUR_GREEN:
        return "\033[32m";
    case COLOUR_RED:
        return "\033[31m";
    case COLOUR_YELLOW:
        return "\033[33m";
    case COLOUR_DIM:
        return "\033[2m";
    case COLOUR_NONE:
        break;
    }
    return "\033[0m";
}

struct table *table_new(const struct table_column *columns, int n)
{
    struct table *t = mem_alloc(sizeof *t);
    t->t = scols_new_table();
    CHECK(t->t);
    t->columns = n;
    for (int i = 0; i < n; i++) {
        int flags = (columns[i].right ? SCOLS_FL_RIGHT : 0) | (columns[i].cut ? SCOLS_FL_TRUNC : 0);
        /* Hints of 1 character: as wide as the content; a fraction below one would claim that share
         * of the terminal also when it is not needed. */
        CHECK(scols_table_new_column(t->t, columns[i].name, 1, flags));
    }
    return t;
}

void table_row(struct table *t, const struct table_cell *cells)
{
    struct libscols_line *line = scols_table_new_line(t->t, NULL);
    CHECK(line);
    for (int i = 0; i < t->columns; i++) {
        struct buf b = {0};
        const char *text = cells[i].text ? cells[i].text : "";
        text_add_one_line(&b, text, strlen(text));
        CHECK(!scols_line_refer_data(line, (size_t)i, buf_take(&b, NULL)));
        if (cells[i].colour != COLOUR_NONE)
            scols_cell_set_color(scols_line_get_cell(line, (size_t)i),
                                 colour_code(cells[i].colour));
    }
}

void table_print(struct table *t, FILE *out)
{
    struct winsize w = {0};
    bool terminal = isatty(fileno(out)) && !ioctl(fileno(out), TIOCGWINSZ, &w) && w.ws_col;
    scols_table_set_stream(t->t, out);
    scols_table_enable_colors(t->t, colour_wanted(out));
    scols_table_set_termforce(t->t, terminal ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
    if (terminal)
        scols_table_set_termwidth(t->t, w.ws_col < WIDTH_MIN ? WIDTH_MIN : w.ws_col);
    scols_table_set_column_separator(t->t, "  ");
    CHECK(!scols_print_table(t->t));
}

void table_free(struct table *t)
{
    if (!t)
        return;
    scols_unref_table(t->t);
    free(t);
}
