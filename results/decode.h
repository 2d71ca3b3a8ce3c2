/* A JSON result object (docs/protocol.md "Result"), as it comes out of a signed envelope, back into
 * columns and a record. For results that other workers wrote: `isolane archive`. Any thread. */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/jv.h"
#include "results/row.h"

/* Members that are passed on as text: value, permissions, tries, artifacts, transform, jail, and
 * egress of usage. */
#define DECODED_RAW 7

struct decoded {
    struct cell cells[COLUMNS]; /* they point into doc and copies, and at hash and envelope */
    struct row_view view;       /* the same as a record: view.result */
    struct jv *doc;
    char *copies[DECODED_RAW];
};

/* hash and envelope go into the row as they are and must live as long as *out. Where the object
 * says less than a worker's own row (which of the two outputs was cut, how long it was, the job's
 * place in the stream) the row says what can be known: `stdout_truncated` then stands for both.
 *
 * The record, encoded again, is the text byte for byte: what has a member too many or too few, or
 * anything a worker does not write, is ERR_INVALID with the member's name. Free also after an
 * error. */
int result_decode(const char *json, size_t len, const char *hash, const char *envelope,
                  size_t envelope_len, struct decoded *out, struct err *e);
void decoded_free(struct decoded *d);

/* The first member in which two result objects differ, for messages. */
const char *result_difference(const struct buf *a, const struct buf *b);
