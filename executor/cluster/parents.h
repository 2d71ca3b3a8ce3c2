/* What a job that waits for others knows of them, and what that means for it. Pure functions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "config/outcome.h"
#include "queue/job/job.h"

#define PARENT_VALUE_MAX   ((size_t)256 << 10) /* of one value, as JSON */
#define PARENTS_VALUES_MAX ((size_t)4 << 20)   /* of all of a job's */
#define PARENTS_TEXT_MAX   512

struct parent {
    const char *id; /* the job's */
    bool known, ok;
    char outcome[24];
    char *value; /* JSON; NULL: null, or too large */
    size_t value_len;
    bool truncated; /* it has a value, which is too large */
};

struct parents {
    struct parent v[JOB_AFTER_MAX];
    int n;
    size_t bytes;
};

struct parents *parents_new(const struct job *j);
void parents_free(struct parents *p); /* NULL is fine */

/* That one's result, as the results stream has it. What is no result (somebody else publishes
 * there) counts as one with outcome `internal`. */
void parents_take(struct parents *p, int i, const char *envelope, size_t len);

/* Outcome in a result's envelope; false when it is none. */
bool parents_outcome(const char *envelope, size_t len, char outcome[24]);

enum parents_say {
    PARENTS_WAIT,  /* not all are known */
    PARENTS_READY, /* the job runs */
    PARENTS_END    /* it does not: outcome, name and text say how it ends */
};

struct parents_end {
    enum outcome outcome;
    const char *name;
    char text[PARENTS_TEXT_MAX];
};

/* late: it has waited as long as it may. */
enum parents_say parents_judge(const struct parents *p, enum on_failure on_failure, bool late,
                               struct parents_end *end);

/* {"<id>": {"outcome": …, "value": …, "truncated": true}, …} of all of them. */
void parents_json(const struct parents *p, struct buf *out);
