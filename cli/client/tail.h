/* What a reader of a job's output knows and still needs (docs/protocol.md, Output and progress):
 * pieces with an attempt and an offset come in any order, twice or not at all, and every byte is
 * given on once, in order. Pure bookkeeping, no I/O; one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { TAIL_OUT, TAIL_ERR, TAIL_STREAMS };
extern const char *const tail_stream_names[TAIL_STREAMS]; /* "stdout", "stderr" */

struct tail {
    int64_t attempt;               /* that it reads; 0: none heard of */
    uint64_t shown[TAIL_STREAMS];  /* bytes given on, or had before */
    uint64_t wanted[TAIL_STREAMS]; /* bytes that are known to exist */
    void (*piece)(struct tail *t, int stream, uint64_t offset, const char *text, size_t len);
    void (*begins)(struct tail *t); /* attempt has changed: another one prints from its beginning */
};

/* A message of isolane.logs.…; anything else is ignored. */
void tail_message(struct tail *t, const char *json, size_t len);

/* A worker's answer to tail_question(). True when it has more to give: ask again now. */
bool tail_answer(struct tail *t, const char *json, size_t len);

/* Something that exists was missed: to be asked for. */
bool tail_has_gap(const struct tail *t);

/* The job's result: what is left of its output is given on. stdout and stderr are the result's. */
struct jv;
void tail_result(struct tail *t, const struct jv *result);
