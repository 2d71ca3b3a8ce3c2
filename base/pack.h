/* Files in one piece of bytes: what a job's files are from their decoder to their cell.
 *
 *   of each file   u32 length of its path, u32 length of its bytes (as the machine has numbers:
 * both ends are the same machine), the path, the bytes
 *
 * in ascending order of the paths' bytes, no path twice. A file's bytes are whatever they are: text
 * is nothing else than bytes that happen to be UTF-8.
 *
 * A path is relative and normal: parts between single '/', none of them empty, "." or "..", at most
 * PACK_PATH_MAX bytes in all, no control characters, no '\' and no NUL. Nothing here touches a file
 * system. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PACK_PATH_MAX 255

struct pack_file {
    const char *path, *data; /* not NUL-terminated; into the pack */
    size_t path_len, data_len;
};

struct buf;

bool pack_path_valid(const char *path, size_t len);

/* < 0, 0, > 0: the order of two paths. */
int pack_compare(const char *a, size_t a_len, const char *b, size_t b_len);

/* The file at *at, which moves behind it. False at the end, and where lengths do not add up. */
bool pack_next(const char *pack, size_t len, size_t *at, struct pack_file *out);

/* The form above, all of it: lengths, paths, order. *count: how many files. */
bool pack_check(const char *pack, size_t len, size_t *count);

/* Of a pack that was checked. */
bool pack_find(const char *pack, size_t len, const char *path, size_t path_len,
               struct pack_file *out);

/* Appends a file; the caller keeps the order. (base/pack_write.c: the cell has no struct buf.) */
void pack_add(struct buf *out, const char *path, size_t path_len, const void *data,
              size_t data_len);

#ifdef __cplusplus
}
#endif
