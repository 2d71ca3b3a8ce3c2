/* A cell, for those who handle it: cell.c (its life, and what comes from it), cell_send.c (what
 * goes to it), zygote.c (table and lists). */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "sandbox/host/internal.h"
#include "sandbox/host/protocol.h"

/* DATA of all its streams that may wait for a cell; beyond it there is no room (cell_stream.h). */
#define CELL_DATA_MAX (256u << 10)

/* What may wait for a cell that does not read, beside the rest of its INVOKE: an answer to each of
 * its calls, DATA, and the small frames between them. */
#define CELL_ANSWERS_MAX                                                                           \
    (FRAME_CALLS_MAX * (FRAME_CALL_MAX + 64u) + FRAME_REPLY_MAX + CELL_DATA_MAX)

/* An invocation that is sent and waits in the cell. */
struct lined {
    uint64_t id, value_bytes;
    int64_t cpu_us, wall_us;
};

struct cell {
    struct zygote *z;
    uint64_t number;
    struct cell *hash_next;
    struct list wait_node, gather_node;
    int64_t waits_since_us;
    struct cell_events ev;
    void *arg;
    struct protocol p;
    struct inbox in;
    struct buf out; /* frames that the socket did not take; out_at of them are sent */
    size_t out_at;
    struct list streams; /* struct cell_stream: those that both sides may use */
    int fd, pidfd;
    int theirs; /* the cell's end, until FORKED: the zygote has it by then */
    int pid;    /* of the pidfd, as the kernel told us; 0: not known, or dead by then */
    int sender; /* of whoever wrote into the socket first; 0: nobody yet */
    bool told_ready, kill_wanted, killed, lost, hung_up;
    bool busy, doomed; /* cell_free() came while busy */
    bool reaped;
    bool pressing; /* zygote_press() */
    struct control_exited exited;
    bool corked;   /* frames are gathered in `out`: cell_uncork() sends them */
    bool line_may; /* the present invocation is one that others may wait behind; p.line of them: */
    struct lined line[FRAME_LINE_MAX];
    uint32_t line_at;                         /* the first */
    struct watched watched;                   /* from INVOKE to DONE, or the end */
    int64_t cpu_at_invoke_us, cpu_at_done_us; /* on the process's clock; -1: it has gone */
    int64_t done_at_us; /* of the last DONE, where others waited in line; else 0 */
    int denied;
    const char *breach;
    bool holds_done; /* a DONE that waits for EXITED: */
    struct frame done_head;
    struct buf done_payload;
};

/* On the process's CPU clock; -1 when the process has gone. */
int64_t cell_process_cpu_us(const struct cell *c);

/* The cell broke the protocol: nothing more is heard from it, it is killed. why is static. */
void cell_break_off(struct cell *c, const char *why);

/* Between the two, frames to the cell are gathered: then they cost one system call. */
void cell_cork(struct cell *c);
void cell_uncork(struct cell *c);
/* The same, until the turn of the loop is done. */
void cell_cork_for_turn(struct cell *c);

/* Whether it can be sent: 0 and the payload's length. Sends it. */
int cell_check_invocation(const struct cell_invocation *inv, size_t *len, struct err *e);
void cell_send_invocation(struct cell *c, const struct cell_invocation *inv, size_t len);

/* ---- cell_line.c ---- */

/* Two clocks that are read one after the other. */
#define LINE_CLOCK_US 1000

/* A DONE that stays, with others in line: when by the cell's own clocks it ended, within what we
 * know. Sets cpu_at_done_us and gives the time, clock_mono_us(). */
int64_t cell_line_done(struct cell *c, const struct frame_done *d);

/* Sends what had to wait; only while there is something. */
void cell_send_queued(struct cell *c);

/* A frame whose payload is a number and, behind it, bytes; a frame of bytes alone. */
void cell_send_small(struct cell *c, enum frame_type type, uint64_t id, uint32_t word,
                     const char *text, size_t len);
void cell_send_bytes(struct cell *c, enum frame_type type, uint64_t id, const char *bytes,
                     size_t len);

/* ---- cell_stream.c ---- */

/* What the cell said of a stream: SAID_DATA, SAID_WINDOW, SAID_CLOSE. */
void cell_stream_said(struct cell *c, enum said said, const struct saying *s);
/* There may be room again: tells those that wait for it. */
void cell_stream_writable(struct cell *c);
