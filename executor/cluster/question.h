/* The JSON body of a request (docs/protocol.md: results.get, cancel): bytes that anybody who may
 * publish has written. Pure function, any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"
#include "link/subjects.h"

#define QUESTION_MAX 4096 /* bytes of a request */

struct question {
    char id[JOB_ID_MAX + 1], tenant[TENANT_NAME_MAX + 1]; /* "": not given */
    bool output;     /* of a running job: what it has printed so far, too … */
    int64_t from[2]; /* … of stdout and stderr, from these bytes on */
};

/* ERR_INVALID: field, found, allowed. An empty body is fine unless need_id. */
int question_read(const char *data, size_t len, bool need_id, struct question *q, struct err *e);
