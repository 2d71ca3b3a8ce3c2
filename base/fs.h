/* Files: bounded reads, private writes, folders. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* The whole file (path "-" is stdin) into malloc'd memory with a NUL behind it; caller frees.
 * ERR_LIMIT above max bytes, ERR_NOT_FOUND, ERR_IO. */
int fs_read_file(const char *path, size_t max, char **data, size_t *len, struct err *e);

/* Writes data to path through a temporary file, fsync and rename (folder synced too), so that a
 * crash leaves the old file or the new one. mode as for open(2). With must_be_new an existing file
 * is ERR_EXISTS and stays as it is. */
int fs_write_file(const char *path, const void *data, size_t len, int mode, bool must_be_new,
                  struct err *e);

/* mkdir -p; folders made get mode 0700. ERR_IO with the words of the system. */
int fs_make_dirs(const char *path, struct err *e);

/* Whether there is a regular file, a folder; links are followed. */
bool fs_is_file(const char *path);
bool fs_is_folder(const char *path);

/* The folder of the running program, without a slash at the end ("" for the root). */
int fs_exe_dir(char *out, size_t cap, struct err *e);

/* snprintf of a path that must fit: ERR_LIMIT otherwise. */
int fs_path(char *out, size_t cap, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
