/* The control protocol between supervisor and zygote: one SOCK_SEQPACKET pair, one struct a
 * message, descriptors beside it (SCM_RIGHTS). The zygote is trusted until a cell of it was taken
 * over, so the supervisor checks sizes and kinds all the same.
 *
 *   START   s→z  mode, flags; a source to compile: its descriptor beside it. Then the zygote
 *                loads, jails itself and answers UP or FAILED
 *   UP      z→s  layers in force, memory figures, engine version and flags
 *   FAILED  z→s  a line of text; the zygote exits
 *   FORK    s→z  n numbers, n descriptors (the cells' ends of their socketpairs)
 *   FORKED  z→s  number, pid (in the zygote's namespace), and the pidfd beside it
 *   EXITED  z→s  1 to CONTROL_EXITED_MAX structs in one message: number, wait status, rusage
 * End of file on either side ends the other. */
#pragma once

#include <stdint.h>

#define CONTROL_FD         3   /* the zygote's end, the only descriptor beside 0..2 it is given */
#define CONTROL_FORK_MAX   32  /* cells in one FORK */
#define CONTROL_EXITED_MAX 32  /* ended cells in one EXITED */
#define CONTROL_FLAGS_MAX  256 /* bytes of V8's flags, the NUL byte included */

enum control_kind {
    CONTROL_START = 1,
    CONTROL_UP,
    CONTROL_FAILED,
    CONTROL_FORK,
    CONTROL_FORKED,
    CONTROL_EXITED
};

struct control_start {
    uint32_t kind;
    uint32_t jail_mode;     /* enum jail_mode */
    uint32_t layers;        /* in force by what the supervisor did */
    uint32_t few_cells;     /* not 0: start quickly, forks need not be as cheap as can be */
    uint32_t no_code;       /* not 0: the profile makes no machine code, cells must not */
    uint32_t preload_quick; /* not 0: a handful of cells is all there will be */
    uint32_t preload_mb;    /* heap that the preloaded tool, or the source, may take */
    uint32_t keep;          /* not 0: a source comes beside it, to be compiled (keep.h) */
    char snapshot[4096];    /* path */
    char preload[4096];     /* path of a tool (sandbox/engine/preload.cc), empty: none */
    char v8_flags[512];     /* of the profile */
};

struct control_up {
    uint32_t kind;
    uint32_t layers;              /* all, those of the cells included (tried in a first cell) */
    uint32_t threads, mappings;   /* mappings: those that a fork copies */
    uint64_t private_dirty_bytes; /* without huge pages */
    uint64_t huge_bytes;
    uint64_t cell_rss_bytes; /* at most, of the cell tried, when it was ready */
    char engine[64];
    char flags[CONTROL_FLAGS_MAX]; /* V8's, in force */
};

#define CONTROL_ERRNO 0x10000u

struct control_failed {
    uint32_t kind;
    uint32_t code; /* -enum err_code, or CONTROL_ERRNO | errno: its words end the text */
    char text[760];
};

struct control_fork {
    uint32_t kind;
    uint32_t n;
    uint32_t awaited;                  /* not 0: jobs wait for them; they leave out the warm-up */
    uint32_t none;                     /* 0 */
    uint64_t number[CONTROL_FORK_MAX]; /* the supervisor's numbers of the cells, never re-used */
};

struct control_forked {
    uint32_t kind;
    int32_t pid; /* or -errno of the fork; no descriptor then */
    uint64_t number;
};

struct control_exited {
    uint32_t kind;
    int32_t status; /* as wait4(2) gives it */
    uint64_t number;
    uint64_t utime_us, stime_us;
    uint64_t maxrss_kb;
    uint64_t minflt;
};
