#include "cli/source/tar.h"

#include <stdio.h>
#include <string.h>

#include "base/pack.h"

#define BLOCK    512
#define NAME_LEN 100

static void add_head(struct buf *out, const char *name, size_t name_len, char type, size_t size)
{
    char h[BLOCK] = {0};
    unsigned sum = 0;
    memcpy(h, name, name_len < NAME_LEN ? name_len : NAME_LEN);
    memcpy(h + 100, "0000644", 7);
    memcpy(h + 108, "0000000", 7);
    memcpy(h + 116, "0000000", 7);
    snprintf(h + 124, 12, "%011zo", size & 077777777777);
    memcpy(h + 136, "00000000000", 11);
    memset(h + 148, ' ', 8);
    h[156] = type;
    memcpy(h + 257, "ustar\00000", 8);
    for (int i = 0; i < BLOCK; i++)
        sum += (unsigned char)h[i];
    snprintf(h + 148, 8, "%06o", sum);
    buf_add(out, h, BLOCK);
}

static void add_body(struct buf *out, const char *data, size_t len)
{
    static const char zero[BLOCK];
    buf_add(out, data, len);
    buf_add(out, zero, (BLOCK - len % BLOCK) % BLOCK);
}

/* "<length of all of it> path=<path>\n" */
static void add_long_name(struct buf *out, const struct pack_file *f)
{
    char record[PACK_PATH_MAX + 16];
    int n = (int)f->path_len + 6 + 4; /* " path=", "\n" and three digits */
    snprintf(record, sizeof record, "%d path=%.*s\n", n, (int)f->path_len, f->path);
    add_head(out, "pax", 3, 'x', (size_t)n);
    add_body(out, record, (size_t)n);
}

void tar_write(const char *files, size_t len, struct buf *out)
{
    static const char end[2 * BLOCK];
    struct pack_file f;
    size_t at = 0;
    while (pack_next(files, len, &at, &f)) {
        if (f.path_len > NAME_LEN)
            add_long_name(out, &f);
        add_head(out, f.path, f.path_len, '0', f.data_len);
        add_body(out, f.data, f.data_len);
    }
    buf_add(out, end, sizeof end);
}
