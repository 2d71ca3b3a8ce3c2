/* The frame protocol between supervisor and cell, both sides (C17, also included by the cell).
 *
 * One SOCK_STREAM socketpair a cell. Every frame is a 16-byte header and a payload, little-endian
 * as the machine has it (both ends are the same machine). It is multiplexed: `id` names the
 * invocation, the host call or the stream that a frame belongs to. A new capability is a new call
 * name or stream kind, not a new channel.
 *
 *   frame        dir   id          payload                        allowed
 *   READY        c→s   0           nothing                        once, first
 *   INVOKE       s→c   invocation  struct frame_invoke + bytes    cell idle; or see lines below
 *   OUTPUT       c→s   invocation  u8 stream (1, 2) + bytes       running, within credit
 *   CREDIT       s→c   invocation  u32 bytes more of OUTPUT       running
 *   CALL         c→s   call        struct frame_call + name+JSON  running; id != 0
 *   NOTE         c→s   invocation  struct frame_call + name+JSON  running; a call without a reply
 *   REPLY        s→c   call        u32 ok + JSON                  answers CALL
 *   OPEN         both  stream      struct frame_open + kind       running
 *   DATA         both  stream      bytes, within credit           stream open
 *   WINDOW       both  stream      u32 bytes more of DATA         stream open
 *   CLOSE        both  stream      u32 ok + UTF-8 text            stream open; see below
 *   CODE         c→s   invocation  V8's code (below)              running a COMPILE, once
 *   DONE         c→s   invocation  struct frame_done + bytes      running; ends the invocation
 *   DENIED       c→s   invocation  u32 system call number         any time; from the SIGSYS handler
 *
 * Credit of OUTPUT counts bytes of payload (the stream's byte included).
 *
 * Streams carry bytes in both directions. They are opened by the supervisor, in reply to a call: it
 * sends OPEN, then names the stream's number in the call's REPLY. Its numbers are even, those of
 * streams that a cell opens odd; each only grow. A cell's OPEN is answered by CLOSE with ok = 0,
 * since there is no kind that a cell may open.
 * DATA needs credit. The receiver gives it: what OPEN's window says for the one who did not open,
 * WINDOW for both, and never more than FRAME_STREAM_WINDOW that is not used up. A side that opens
 * begins without any.
 * CLOSE ends a stream for both directions, well (ok = 1: all that was meant has been sent) or not
 * (ok = 0, the text says why; the supervisor's is JSON like that of a REPLY that refuses). The
 * other side answers it by a CLOSE of its own; when both were sent, the number is dead. After its
 * CLOSE a side sends nothing more of the stream, and drops what comes, which had crossed it.
 * Streams end with the invocation without further words.
 *
 * Re-use. A cell ends with its invocation, unless INVOKE asks for re-use and DONE says `stays`:
 * then it is idle, and the next INVOKE has a number above the last. Calls that have no answer by
 * DONE get none: a REPLY that crosses DONE is of a call number that is no longer waited for.
 *
 * Code. INVOKE of FRAME_COMPILE or FRAME_COMPILE_SCRIPT runs nothing: the cell compiles the source,
 * says CODE (nothing else is allowed before DONE; no CODE where there was none to make) and ends.
 * The bytes are a base/pack.h: under FRAME_CODE_MAIN and behind FRAME_CODE_FILE what V8 made
 * of the file that runs and of those that it imports. They are opaque to the supervisor, which
 * hands them to later INVOKEs of the same tenant's same source and of nobody else (`code`).
 *
 * Lines. Behind an invocation FRAME_REUSE_AGAIN others of that kind may be sent before it is done:
 * at most FRAME_LINE_MAX wait, each of at most FRAME_LINE_BYTES. The cell takes them up one after
 * the other, with nothing between a DONE and the first frame of the next. It has begun none of them
 * before the DONE in front: so when that does not stay, or does not come, they have not run.
 *
 * The supervisor trusts nothing that a cell says: lengths are bounded per type by frame_table, the
 * state is checked, and a breach is ERR_PROTOCOL: the cell is killed, its job ends `crashed`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum frame_type {
    FRAME_READY = 1,
    FRAME_INVOKE,
    FRAME_OUTPUT,
    FRAME_CREDIT,
    FRAME_CALL,
    FRAME_NOTE,
    FRAME_REPLY,
    FRAME_OPEN,
    FRAME_DATA,
    FRAME_WINDOW,
    FRAME_CLOSE,
    FRAME_DONE,
    FRAME_DENIED,
    FRAME_CODE,
    FRAME_TYPES
};

struct frame {
    uint32_t len;   /* of the payload alone */
    uint16_t type;  /* enum frame_type */
    uint16_t flags; /* 0 */
    uint64_t id;
};

#define FRAME_OUTPUT_MAX    (16u << 10)  /* bytes of text in one OUTPUT frame */
#define FRAME_OUTPUT_WINDOW (128u << 10) /* OUTPUT credit at the start of an invocation */
#define FRAME_CALL_MAX      (64u << 10)
#define FRAME_REPLY_MAX     (512u << 10) /* the longest secret, every byte escaped */
#define FRAME_CALL_NAME_MAX 64u
#define FRAME_CALLS_MAX     256u /* host calls in flight from one cell */
#define FRAME_DATA_MAX      (64u << 10)
#define FRAME_STREAMS_MAX   64u          /* open at once in one cell */
#define FRAME_STREAM_WINDOW (256u << 10) /* the most credit that a direction of a stream has */
#define FRAME_TEXT_MAX      (64u << 10)  /* error message, stack: cut by the cell to this */
#define FRAME_VALUE_MAX     (16u << 20)
#define FRAME_INVOKE_MAX    (72u << 20)
#define FRAME_CODE_MAX      (8u << 20)

/* Names in a pack of code: the file that runs (eight bytes, so that what stands behind them is
 * aligned and V8 need not copy it), and the beginning of those of other files. */
#define FRAME_CODE_MAIN  "00000000"
#define FRAME_CODE_FILE  "f/"
#define FRAME_LINE_MAX   16u
#define FRAME_LINE_BYTES (4u << 10) /* of an INVOKE that waits, or that others wait behind */

enum frame_stream { FRAME_STDOUT = 1, FRAME_STDERR = 2 };
/* FRAME_PROBE: no script; the cell attacks its jail (sandbox/zygote/probe.c) and DONE's value says
 * how each attempt ended. FRAME_COMPILE: a module, FRAME_COMPILE_SCRIPT: a classic script, of which
 * only V8's code is wanted. */
enum frame_source {
    FRAME_MODULE = 1,
    FRAME_SCRIPT = 2,
    FRAME_PROBE = 3,
    FRAME_COMPILE = 4,
    FRAME_COMPILE_SCRIPT = 5
};

/* INVOKE payload; the byte strings follow, code in front, then in the order of the other *_len
 * members; no terminators. */
struct frame_invoke {
    uint64_t heap_bytes;                   /* of the JavaScript heap */
    uint64_t memory_bytes;                 /* of everything */
    uint64_t output_bytes;                 /* stdout + stderr */
    uint64_t value_bytes;                  /* of the value's JSON */
    uint32_t source;                       /* enum frame_source */
    uint32_t attempt;                      /* 1, 2, … */
    uint32_t clock_us;                     /* what the guest's clocks are coarsened to */
    uint32_t permissions;                  /* FRAME_ALLOW_* bits */
    uint32_t id_len, tenant_len, name_len; /* name: file name for stacks */
    uint32_t script_len;
    uint32_t input_len; /* JSON */
    uint32_t env_len;   /* JSON object of strings */
    uint32_t
        grants_len; /* JSON object: what the script may ask for, {"secrets": [names]}; or empty */
    uint32_t parents_len; /* JSON object: results of the jobs it waited for; or empty */
    uint32_t reuse;       /* enum frame_reuse */
    uint32_t code_len;    /* V8's code for it, of a CODE frame; or empty */
    uint32_t kept;        /* 1: name, script and files are those that its zygote has compiled; the
                             frame's are empty */
    uint32_t files_len;   /* the job's files (base/pack.h), of which name is the one that runs; then
                             script is empty. Or empty: script runs under that name */
};

/* What is left of an invocation for the next one in the same cell. */
enum frame_reuse {
    FRAME_REUSE_NONE,   /* nothing: the cell ends with it */
    FRAME_REUSE_TENANT, /* the process: each runs in a context of its own */
    FRAME_REUSE_SCRIPT, /* the module: it is evaluated, and its default export called … */
    FRAME_REUSE_AGAIN,  /* … and called again; the INVOKE has no script */
    FRAME_REUSES
};

enum { FRAME_ALLOW_EVAL = 1, FRAME_ALLOW_WASM = 2, FRAME_ALLOW_SAB = 4 };

/* How the cell says that an invocation ended. TERMINATED: the supervisor asked for it (it knows
 * why); the supervisor makes the job's outcome out of this, its own clocks and the wait status. */
enum frame_end {
    FRAME_END_OK = 1,
    FRAME_END_THREW,
    FRAME_END_HEAP,
    FRAME_END_MEMORY,
    FRAME_END_OUTPUT, /* more than output_bytes printed, or a value over value_bytes */
    FRAME_END_TERMINATED,
    FRAME_END_INTERNAL, /* the cell's own fault; message says what */
};

/* DONE payload; followed by value (JSON, empty: undefined), error name, message, stack. */
struct frame_done {
    uint32_t end;          /* enum frame_end */
    uint32_t line, column; /* of the error, from 1; 0: not known */
    uint32_t value_len, name_len, message_len, stack_len;
    uint32_t stays;                      /* 1: the cell is idle now; else it ends */
    uint64_t heap_peak;                  /* bytes of JavaScript heap at the highest */
    uint64_t memory_peak;                /* bytes the process took beyond what the zygote gave it */
    uint64_t stdout_total, stderr_total; /* bytes printed, also those over the cap */
    uint64_t cpu_us, at_us; /* stays: clocks of the process and CLOCK_MONOTONIC at this end, which
                               is the beginning of the next in line; else 0 */
    uint64_t over_bytes;    /* HEAP, MEMORY, OUTPUT: in use together with what was asked for; 0: not
                               known */
};

struct frame_call {
    uint32_t name_len; /* then the name, then JSON up to the end of the payload */
};

struct frame_open {
    uint32_t window; /* bytes the opener may be sent before it gives more */
    uint32_t kind_len;
};

/* Which side may send a type, and the bounds of its payload. */
struct frame_rule {
    const char *name;
    bool from_cell, from_host;
    uint32_t min, max;
};
extern const struct frame_rule frame_table[FRAME_TYPES];

/* Checks a header that came from the cell (from_cell) or from the supervisor against the table:
 * 0, or -1 with a static text in *why. */
int frame_check(const struct frame *f, bool from_cell, const char **why);

#ifdef __cplusplus
}
#endif
