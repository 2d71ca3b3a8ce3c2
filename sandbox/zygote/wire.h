/* The cell's end of its socket: output held back and sent within credit, frames in and out. One
 * thread; the functions marked [signal] may also run in a signal handler on it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/engine/engine.h"
#include "sandbox/frame.h"

#define CELL_FD 0 /* the cell's only descriptor */

/* Makes `sock` CELL_FD and closes everything else. */
void wire_attach(int sock);

void wire_ready(void); /* sends READY */

struct wire_frame {
    struct frame head;
    const char *payload; /* until the next wire_next(); of INVOKE until wire_rest() */
    void *own;           /* wire.c's: memory that the payload has for itself */
};

#define WIRE_IDLE (-2)

/* The next frame, CREDIT already taken out: 1, or 0 when none came within wait_us (-1: for ever;
 * WIRE_IDLE: for ever, and with one system call less) or a signal interrupted the wait (never that
 * of WIRE_IDLE). Leaves the process when the supervisor has gone or talks nonsense. */
int wire_next(struct wire_frame *out, int64_t wait_us);

/* Replies that have not come yet. */
unsigned wire_calls(void);

/* An invocation begins: its id, and how many bytes of output are sent at the most. */
void wire_begin(uint64_t invocation, uint64_t output_bytes);

/* The invocation is over and another may come. keep: the bytes of this INVOKE stay where they are,
 * for ever. Calls without a reply are forgotten. */
void wire_rest(bool keep);

/* engine_host.output, .call and .stream. Outside an invocation (warm-up) they take everything and
 * send nothing. */
bool wire_output(int stream, const char *text, size_t len);
bool wire_call(uint64_t id, const char *name, const char *json, size_t len);
bool wire_stream(int frame_type, uint64_t id, const char *payload, size_t len);

/* Sends what is held back, waiting for credit. */
void wire_flush(void);
/* [signal] The same without waiting; left to the interrupted code when that is at it. */
void wire_flush_now(void);

/* [signal] Sends what is held back, waiting for credit; the process ends behind it. */
void wire_flush_dying(void);

/* Sends DONE behind what is held back. */
void wire_done(const struct engine_result *r);
/* [signal] DONE without a value: the process is about to end by itself. */
void wire_last_words(int end, const char *message);
/* [signal] A cell with much memory waits behind its DONE until the supervisor has hung up: the CPU
 * time of giving the memory back is not the job's, and would be in its usage. */
void wire_wait_for_end(void);

/* CODE, before DONE. len: 1 to FRAME_CODE_MAX. */
void wire_code(const char *code, size_t len);
/* [signal] DENIED behind what is held back. */
void wire_denied(uint32_t syscall_number);
