/* Supervisor's handle on one cell: a forked process behind a socketpair. Loop thread only.
 *
 *   STARTING  asked of the zygote            → READY (its READY frame) | GONE
 *   READY     in the pool                    → RUNNING (cell_invoke) | GONE
 *   RUNNING   has an invocation              → DONE (its DONE frame) | GONE
 *                                            → READY (DONE that stays: another may follow)
 *   DONE      result handed over, exiting    → GONE
 *   GONE      reaped or lost with its zygote; told once through `gone`
 *
 * Nothing the cell says is trusted: frames are checked against frame_table and the state; a breach
 * kills the cell and `gone` says so (breach != NULL). CPU time is read by us from the process's CPU
 * clock, not taken from the cell's word (but see cell_line.c). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "sandbox/frame.h"
#include "sandbox/host/watch.h"
#include "sandbox/host/zygote.h"

struct cell;

struct cell_invocation {
    uint64_t id; /* comes back in the events */
    int source;  /* enum frame_source */
    int reuse;   /* enum frame_reuse */
    bool kept;   /* name, script and files are what the cell's zygote keeps: none are sent */
    uint32_t attempt, clock_us, permissions;
    uint64_t heap_bytes, memory_bytes, output_bytes, value_bytes;
    int64_t cpu_us, wall_us;            /* budgets that the watch holds (watch.h); 0: none */
    const char *job_id, *tenant, *name; /* NUL-terminated */
    const char *script, *input, *env;   /* bytes, with lengths; copied into the frame */
    const char *grants;                 /* likewise; what the script may ask for */
    const char *parents;                /* likewise; results of the jobs it waited for */
    const char *files;                  /* likewise; base/pack.h, or empty (frame.h) */
    const char *code;                   /* likewise; V8's code for the source (frame.h), or empty */
    size_t script_len, input_len, env_len, grants_len, parents_len, files_len, code_len;
};

/* A DONE frame, checked: lengths bounded, texts valid UTF-8, value one JSON text. Lives for the
 * call. */
struct cell_done {
    int end; /* enum frame_end */
    uint32_t line, column;
    const char *value, *name, *message, *stack;
    size_t value_len, name_len, message_len, stack_len;
    uint64_t heap_peak, memory_peak, stdout_total, stderr_total;
    uint64_t over_bytes; /* what was in use, with what was asked for, when a ceiling stopped it */
    int64_t cpu_us; /* measured by the supervisor, from invoke to now; -1: lost with its zygote */
    enum stop_reason stopped; /* what we had asked it to stop for */
    int64_t ended_at_us;      /* clock_mono_us() when the watch saw its end, or where others waited
                                 in line; 0: now */
    bool stays; /* the cell is READY again: it asked for re-use, and was never asked to stop */
};

struct cell_gone {
    bool with_zygote; /* lost because its zygote ended: not the job's fault */
    bool reaped;      /* status and usage below are known */
    int status;       /* wait status */
    int64_t cpu_us;   /* user + system of the whole process, up to the kill if the watch did it */
    enum stop_reason stopped; /* what we had asked it to stop for */
    int64_t ended_at_us; /* clock_mono_us() when the watch killed it or saw its end; 0: neither */
    uint64_t maxrss_kb;
    bool oom;             /* the kernel ended it because memory had run out */
    uint64_t memory_peak; /* bytes it took at the most beyond what the zygote gave it */
    int denied_syscall;   /* number from the DENIED frame, -1 when there was none */
    const char *breach;   /* what it did against the protocol, NULL when nothing */
};

struct cell_events {
    void (*ready)(struct cell *c, void *arg);
    /* Text of the script, already within the credit. */
    void (*output)(struct cell *c, int stream, const char *text, size_t len, void *arg);
    /* A host call (call_id != 0: answer with cell_reply(), now or later) or a note (0). The name is
     * 1 to FRAME_CALL_NAME_MAX letters, digits, '_', '-', '.'; the JSON is at most FRAME_CALL_MAX
     * bytes that nobody has looked at yet. */
    void (*call)(struct cell *c, uint64_t call_id, const char *name, size_t name_len,
                 const char *json, size_t len, void *arg);
    /* V8's code, of an invocation that asked for it (FRAME_COMPILE): bytes that mean nothing here,
     * and that may do anything to a cell that is given them. At most once, before `done`. NULL
     * where no such invocation is made. */
    void (*code)(struct cell *c, const char *bytes, size_t len, void *arg);
    void (*done)(struct cell *c, const struct cell_done *d, void *arg);
    void (*gone)(struct cell *c, const struct cell_gone *g, void *arg);
};

/* Asks the zygote for n cells (1..CONTROL_FORK_MAX) in one message; out[i] are in STARTING.
 * awaited: jobs wait for them, so they leave out what would only make their first job shorter. */
int cell_fork(struct zygote *z, int n, bool awaited, const struct cell_events *ev, void *arg,
              struct cell **out, struct err *e);

/* READY → RUNNING. Writes the INVOKE frame (what does not fit now goes out with the loop).
 * ERR_LIMIT: the job is too large for a frame; ERR_UNAVAILABLE: the cell is not ready, or has just
 * died: take another. */
int cell_invoke(struct cell *c, const struct cell_invocation *inv, struct err *e);
/* RUNNING: whether an invocation FRAME_REUSE_AGAIN may be sent to wait in the cell (frame.h,
 * "Lines"); sends it. It has not begun before cell_go_on(). ERR_LIMIT: it is too large for that;
 * ERR_UNAVAILABLE: the cell takes no more. */
bool cell_takes_more(const struct cell *c);
int cell_line_up(struct cell *c, const struct cell_invocation *inv, struct err *e);
/* READY → RUNNING, from inside `done` of a DONE that stays: the first in line. Gives the time at
 * which it began, clock_mono_us(). Whoever does not want that has to kill the cell, which then has
 * run none of those in line as far as anybody can tell. */
int64_t cell_go_on(struct cell *c);

/* Answers a call once. ERR_NOT_FOUND: no such call is in flight; ERR_LIMIT: over FRAME_REPLY_MAX
 * bytes. What waits to be sent is wiped afterwards. */
int cell_reply(struct cell *c, uint64_t call_id, bool ok, const char *json, size_t len,
               struct err *e);

/* CPU time since cell_invoke() in µs, read from the kernel; -1 when the process is gone. */
int64_t cell_cpu_us(struct cell *c);

/* RUNNING: asks the script to stop for this reason, if it was not asked for another before;
 * repeated until it has, and SIGKILL after 100 ms (a second for cpu_ms, while it has no processor).
 * The reason comes back in `done` or `gone`. */
void cell_stop(struct cell *c, enum stop_reason why);
/* Asks the script to stop, once (SIGUSR1: engine_terminate()); its DONE(TERMINATED) should follow
 * at once. Repeating is harmless. */
void cell_terminate(struct cell *c);
/* Asks the cell to send the output it holds back (SIGUSR2). */
void cell_flush(struct cell *c);
/* SIGKILL by pidfd. `gone` follows; frames that had been sent before may still be told. */
void cell_kill(struct cell *c);

int cell_pid(const struct cell *c); /* on the host; 0 before READY */
void *cell_arg(const struct cell *c);
void cell_set_arg(struct cell *c, void *arg);

/* Only after `gone`, or with its zygote being freed. NULL is fine. */
void cell_free(struct cell *c);
