/* How an attempt ended (the guest's side; our own failures are `struct err`). */
#pragma once

enum outcome {
    OUTCOME_OK,
    OUTCOME_THREW,           /* an exception or rejection nobody caught, a syntax error */
    OUTCOME_CPU_EXCEEDED,    /* limits.cpu_ms */
    OUTCOME_WALL_EXCEEDED,   /* limits.wall_ms */
    OUTCOME_HEAP_EXCEEDED,   /* limits.heap_mb: the JavaScript heap */
    OUTCOME_MEMORY_EXCEEDED, /* limits.memory_mb: everything else (array buffers, WebAssembly, …) */
    OUTCOME_OUTPUT_EXCEEDED, /* limits.output_kb */
    OUTCOME_DENIED,          /* a system call outside the allow-list */
    OUTCOME_CANCELLED,
    OUTCOME_CRASHED,  /* the cell died or broke the protocol */
    OUTCOME_INVALID,  /* the job itself is wrong; it never ran */
    OUTCOME_INTERNAL, /* our fault; the error says what */
    OUTCOMES
};

#define OUTCOME_TEXT 24 /* bytes that a name fits into */

/* "ok", "threw", "cpu_exceeded", … */
const char *outcome_name(enum outcome o);
