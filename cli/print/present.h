/* What submit --wait and result print of an answer, and the exit code that follows from it. */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/command.h"

enum presentation {
    PRESENT_BLOCK,   /* for people */
    PRESENT_JSON,    /* the result object, one line */
    PRESENT_ENVELOPE /* the signed envelope, one line */
};

/* The result object out of an envelope; its signature is not looked at (that is verify's). Appends.
 */
int present_result_object(const char *envelope, size_t len, struct buf *out, struct err *e);

/* Prints a result. EXIT_JOB_OK, EXIT_JOB_NOT_OK, or EXIT_OURS (said). */
int present_envelope(const char *envelope, size_t len, enum presentation how);

/* Prints a worker's {"id":…,"state":…}: as it is with PRESENT_JSON or PRESENT_ENVELOPE, else in
 * words. EXIT_JOB_NOT_OK, for there is no result. */
int present_state(const char *json, size_t len, enum presentation how);
