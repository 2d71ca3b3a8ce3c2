/* Fuzz target: a row of a results database that somebody hands us (`isolane verify --db`). For each
 * column a byte with its type, then its value: 8 bytes, or a length and as many bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "results/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t left;
};

static void take(struct input *in, void *to, size_t n)
{
    size_t have = n < in->left ? n : in->left;
    memset(to, 0, n);
    memcpy(to, in->data, have);
    in->data += have;
    in->left -= have;
}

static void take_cell(struct input *in, struct cell *c)
{
    uint8_t type = 0, len = 0;
    take(in, &type, 1);
    memset(c, 0, sizeof *c);
    c->type = (enum cell_type)(type % 5);
    if (c->type == CELL_INT)
        take(in, &c->i, sizeof c->i);
    if (c->type == CELL_REAL)
        take(in, &c->d, sizeof c->d);
    if (c->type != CELL_TEXT && c->type != CELL_BLOB)
        return;
    take(in, &len, 1);
    c->len = len < in->left ? len : in->left;
    c->p = mem_copy(in->data, c->len);
    in->data += c->len;
    in->left -= c->len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct cell cells[COLUMNS], back[COLUMNS];
    struct row_scratch scratch;
    struct row_view view;
    struct err e = {0};
    for (int i = 0; i < COLUMNS; i++)
        take_cell(&in, &cells[i]);
    int rc = row_view(cells, &view, &e);
    CHECK(rc == 0 || (rc == ERR_CORRUPT && strstr(e.msg, "column")));
    if (rc == 0) {
        struct buf text = {0};
        result_encode(&view.result, &text);
        CHECK(text.len > 0);
        buf_free(&text);
        row_cells(&view.row, back, &scratch);
        CHECK(back[COL_SEQ].i == cells[COL_SEQ].i || cells[COL_SEQ].type == CELL_NULL);
    }
    row_view_free(&view);
    for (int i = 0; i < COLUMNS; i++)
        free((void *)(uintptr_t)cells[i].p);
    return 0;
}
