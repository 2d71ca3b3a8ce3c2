/* What a cell may say when, and what it said: the frame protocol's state on our side. No I/O:
 * cell.c brings the frames and acts on the outcome, frame_fuzz.c brings noise. Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/host/cell.h"
#include "sandbox/host/inbox.h"

enum cell_state { CELL_STARTING, CELL_READY, CELL_RUNNING, CELL_DONE, CELL_GONE };

/* A stream that we have opened and that the cell has not closed. */
struct protocol_stream {
    uint64_t id;
    uint32_t may_come; /* bytes of DATA that the cell may still send */
    uint32_t may_go;   /* and those that we may */
    bool closing;      /* our CLOSE is sent, the cell's is awaited */
};

struct protocol {
    enum cell_state state; /* moved by protocol_*() and, to GONE, by its owner */
    uint64_t invocation;
    bool reuse;
    uint32_t line; /* invocations sent behind the present one, that the cell begins by itself */
    uint64_t value_max;
    uint32_t credit;      /* bytes of OUTPUT payload that the cell may still send */
    uint32_t consumed;    /* and those it has sent since it was last given more */
    uint32_t calls;       /* host calls in flight */
    uint64_t last_stream; /* ids of streams only grow, so one number tells which have been */
    uint64_t last_opened; /* likewise, of those that we opened */
    uint32_t streams;
    struct protocol_stream stream[FRAME_STREAMS_MAX];
    uint64_t call[FRAME_CALLS_MAX];
    struct buf text; /* texts of DONE and CLOSE that had to be changed */
};

enum said {
    SAID_BREACH = -1,
    SAID_NOTHING, /* a frame without consequence */
    SAID_READY,
    SAID_OUTPUT,
    SAID_CALL, /* id 0: a note */
    SAID_OPEN, /* a stream of a kind that there is none of: to be closed */
    SAID_CODE,
    SAID_DONE,
    SAID_DENIED,
    SAID_DATA,
    SAID_WINDOW, /* there is more room than there was */
    SAID_CLOSE,  /* the stream is out of the table: to be answered by CLOSE */
};

/* What the frame said; pointers into its payload or into struct protocol. */
struct saying {
    uint64_t id;      /* CALL, OPEN, DATA, WINDOW, CLOSE */
    bool ok;          /* CLOSE */
    int stream;       /* OUTPUT */
    const char *name; /* CALL, OPEN: checked letters, digits, '_', '-', '.' */
    size_t name_len;
    const char *text; /* OUTPUT, DATA, CODE: bytes; CALL: JSON, not parsed; CLOSE: valid UTF-8 */
    size_t len;
    uint32_t syscall;      /* DENIED */
    struct cell_done done; /* DONE, without cpu_us */
};

void protocol_init(struct protocol *p, struct inbox *in);
void protocol_free(struct protocol *p);

/* The invocation is sent: READY → RUNNING. Its number is above that of the one before. reuse: its
 * DONE may say that the cell stays: then RUNNING → READY. */
void protocol_invoke(struct protocol *p, struct inbox *in, uint64_t invocation,
                     uint64_t value_bytes, bool reuse);

/* Behind protocol_invoke(): of that invocation nothing but V8's code is wanted. */
void protocol_expect_code(struct protocol *p, struct inbox *in);

/* Takes a frame that inbox_feed() has let pass. SAID_BREACH with *why. */
enum said protocol_take(struct protocol *p, struct inbox *in, const struct frame *f,
                        const char *payload, struct saying *out, const char **why);

/* Bytes of credit to give back now, 0 while it is not worth a frame. */
uint32_t protocol_credit_due(struct protocol *p);

/* A call is answered; false when there is none of that id. */
bool protocol_answered(struct protocol *p, uint64_t call_id);

/* Opens a stream on which the cell may send so many bytes at first; its number, 0 when
 * FRAME_STREAMS_MAX are open. The following take numbers of streams for which we have not sent
 * CLOSE. */
uint64_t protocol_open(struct protocol *p, uint32_t window);
/* Bytes that may be sent now; so many are. */
uint32_t protocol_room(const struct protocol *p, uint64_t stream);
void protocol_sent(struct protocol *p, uint64_t stream, uint32_t bytes);
/* The cell may send so many more; all that it may send stays within FRAME_STREAM_WINDOW. */
void protocol_give(struct protocol *p, uint64_t stream, uint32_t bytes);
/* Our CLOSE is sent. */
void protocol_close(struct protocol *p, uint64_t stream);
