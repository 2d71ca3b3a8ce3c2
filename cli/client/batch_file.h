/* A file of jobs: NDJSON, one job object a line, empty lines are passed by. Read twice, line by
 * line: once to check every line before anything is published, once to publish; what is kept in
 * memory is one line, and eight bytes for each id that a line brings along. One thread. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "link/subjects.h"

struct batch_file;

struct batch_file_facts {
    int64_t jobs;
    char id[BATCH_ID_MAX + 1]; /* as given, else "batch-" and 16 hex digits of the file's SHA-256 */
};

/* Checks the file. id NULL: it is made of the file's bytes, and lines may have no ids of their own.
 * line_max: bytes of a job. ERR_INVALID: "FILE:3: …" says what is wrong; ERR_IO. */
int batch_file_check(const char *path, const char *id, size_t line_max,
                     struct batch_file_facts *out, struct err *e);

int batch_file_open(const char *path, const struct batch_file_facts *facts, size_t line_max,
                    struct batch_file **out, struct err *e);
/* The next job: its message, with its id in it, and that id: "<batch>.<n>", n counts the jobs from
 * 1, or the line's own. 1: one more; 0: that was all; <0. */
int batch_file_next(struct batch_file *f, struct buf *message, char id[JOB_ID_MAX + 1],
                    struct err *e);
void batch_file_close(struct batch_file *f); /* NULL is fine */
