/* A job's TypeScript as a tool takes it, and what a tool answered. The tools: sandbox/toolchain.
 * Nothing here runs or waits; what a tool says is as little trusted as what any cell says. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "executor/sources/transform_cache.h"
#include "queue/job/job.h"

enum transform_step {
    TRANSFORM_CHECK,   /* are the types right? */
    TRANSFORM_FAST,    /* JavaScript, by amaro; or that it takes the compiler */
    TRANSFORM_COMPILE, /* JavaScript, by the TypeScript compiler */
    TRANSFORM_STEPS
};

/* The profile whose cells do it. */
enum profile transform_profile(enum transform_step s);

/* Whether only the compiler can: JSX. */
bool transform_needs_compiler(const struct job *j);

/* Appends the JSON that the tool gets as its input. */
void transform_input(const struct job *j, enum transform_step s, struct buf *out);

/* version: of the tools. */
void transform_key_of(const struct job *j, enum transform_step s, const char *version,
                      struct transform_key *out);

/* What is wrong with the sources, as the result will say it. */
struct transform_error {
    char *name, *message, *stack; /* owned; stack may be NULL */
    uint32_t line, column;        /* 0: not known */
};
void transform_error_free(struct transform_error *x);

enum transform_answer {
    TRANSFORM_DONE,           /* codes hold what was made (empty for a check) */
    TRANSFORM_NEEDS_COMPILER, /* of TRANSFORM_FAST */
    TRANSFORM_WRONG,          /* the error is filled */
    TRANSFORM_NONSENSE        /* no answer of a tool that works as it should */
};

/* Reads the value that a tool gave. codes: base/pack.h, the job's TypeScript files by path. */
enum transform_answer transform_read(const struct job *j, enum transform_step s, const char *json,
                                     size_t len, struct buf *codes, struct transform_error *error);

/* The sources become what was made of them. False where the pack is not of this job. */
bool transform_apply(struct job *j, const char *codes, size_t len);
