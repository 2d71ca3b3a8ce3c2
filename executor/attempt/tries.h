/* The runs of a job that ended badly and were not the last: what its result lists as `tries`, and
 * what an event carries to another worker. Bounded: the last TRIES_MAX, texts cut. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/jv.h"
#include "config/outcome.h"

#define TRIES_MAX         20
#define TRIES_NAME_MAX    64  /* bytes of an error's name */
#define TRIES_MESSAGE_MAX 256 /* bytes of an error's message */

struct tries {
    int n;
    char *json[TRIES_MAX]; /* objects, oldest first; owned */
};

struct one_try {
    int attempt;
    enum outcome outcome;
    const char *error_name, *error_message; /* name NULL: no error */
    int64_t started_at_us, finished_at_us;
    const char *worker;
    int64_t cpu_us, wall_us;
};

void tries_add(struct tries *t, const struct one_try *one);
/* From the array of an event: what is no object of ours is left out. */
void tries_restore(struct tries *t, const struct jv *array);
/* Appends a JSON array. */
void tries_write(const struct tries *t, struct buf *out);
void tries_free(struct tries *t);
