/* What a cell may say when, and what it said: the frame protocol's state on our side. No I/O:
 * cell.c brings the frames and acts on the outcome, frame_fuzz.c brings noise. Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/host/cell.h"
#include "sandbox/host/inbox.h"

enum cell_state { CELL_STARTING, CELL_READY, CELL_RUNNING, CELL_DONE, CELL_GONE };

struct protocol {
    enum cell_state state; /* moved by protocol_*() and, to GONE, by its owner */
    uint64_t invocation;
    uint64_t value_max;
    uint32_t credit;      /* bytes of OUTPUT payload that the cell may still send */
    uint32_t consumed;    /* and those it has sent since it was last given more */
    uint32_t calls;       /* host calls in flight */
    uint64_t last_stream; /* ids of streams only grow, so one number tells which have been */
    uint64_t call[FRAME_CALLS_MAX];
    struct buf text; /* texts of DONE that had to be changed */
};

enum said {
    SAID_BREACH = -1,
    SAID_NOTHING, /* a frame without consequence */
    SAID_READY,
    SAID_OUTPUT,
    SAID_CALL, /* id 0: a note */
    SAID_OPEN, /* a stream of a kind that there is none of: to be closed */
    SAID_DONE,
    SAID_DENIED,
};

/* What the frame said; pointers into its payload or into struct protocol. */
struct saying {
    uint64_t id;      /* CALL, OPEN */
    int stream;       /* OUTPUT */
    const char *name; /* CALL, OPEN: checked letters, digits, '_', '-', '.' */
    size_t name_len;
    const char *text; /* OUTPUT: bytes; CALL: JSON, not parsed */
    size_t len;
    uint32_t syscall;      /* DENIED */
    struct cell_done done; /* DONE, without cpu_us */
};

void protocol_init(struct protocol *p, struct inbox *in);
void protocol_free(struct protocol *p);

/* The invocation is sent: READY → RUNNING. */
void protocol_invoke(struct protocol *p, struct inbox *in, uint64_t invocation,
                     uint64_t value_bytes);

/* Takes a frame that inbox_feed() has let pass. SAID_BREACH with *why. */
enum said protocol_take(struct protocol *p, struct inbox *in, const struct frame *f,
                        const char *payload, struct saying *out, const char **why);

/* Bytes of credit to give back now, 0 while it is not worth a frame. */
uint32_t protocol_credit_due(struct protocol *p);

/* A call is answered; false when there is none of that id. */
bool protocol_answered(struct protocol *p, uint64_t call_id);
