/* A tar archive of a job's files, as it lies in the tenant's bucket: taken apart in memory, into
 * the form that files of a message have (base/pack.h). Untrusted input (fuzz target:
 * archive_fuzz.c). Pure functions, any thread.
 *
 * What is taken: ustar, pax (path, size) and GNU's long names, plain or in one gzip member. Regular
 * files and folders alone; a folder is nothing but a part of its files' paths. Links, devices,
 * pipes, sparse files, absolute paths, "..", a path given twice and whatever else there is in tar
 * are refused, by the entry's name. A leading "./" goes. No file system is touched. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define ARCHIVE_BYTES_MAX       ((size_t)40 << 20) /* of the object, and of the tar in its gzip */
#define ARCHIVE_FILES_BYTES_MAX ((size_t)32 << 20) /* of all files together */
#define ARCHIVE_ENTRIES_MAX     16384              /* folders and headers of their own included */

struct archive {
    char *pack; /* base/pack.h */
    size_t len;
    char *hashes; /* a line "<hex SHA-256>  <path>\n" for each file, in the pack's order */
    size_t hashes_len;
};

/* ERR_INVALID with words that fit behind the name of the object. */
int archive_read(const char *data, size_t len, struct archive *out, struct err *e);
void archive_free(struct archive *a);

/* queue/job/archive_gzip.c: true when the bytes begin as gzip's do. */
struct buf;
bool archive_is_gzip(const char *data, size_t len);
/* Appends what is in the one member to out, as far as its max allows. */
int archive_gunzip(const char *data, size_t len, struct buf *out, struct err *e);
