/* Between zygote.c, cell.c and launch.c. Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "sandbox/host/cell.h"
#include "sandbox/host/zygote.h"
#include "sandbox/zygote/control.h"

/* ---- launch.c: makes the process ---- */

struct launched {
    pid_t pid;
    int pidfd;
    int control; /* our end of the control socket */
    int words;   /* what the process writes to stderr, non-blocking */
    uint32_t layers;
};

int launch_zygote(const struct zygote_options *o, struct launched *out, struct err *e);

/* ---- zygote.c, for cells ---- */

/* A number that no cell of this zygote has had. */
uint64_t zygote_number(struct zygote *z);
/* From now on cell_on_… are called for it. */
void zygote_add(struct zygote *z, uint64_t number, struct cell *c);
void zygote_remove(struct zygote *z, uint64_t number);

/* Watches a cell's socket: for reading, and for writing too when want_out. */
int zygote_watch(struct zygote *z, int fd, uint64_t number, bool want_out, bool first);
void zygote_unwatch(struct zygote *z, int fd);

int zygote_ask_fork(struct zygote *z, int n, bool awaited, const uint64_t *numbers, const int *fds,
                    struct err *e);

/* One buffer that every read of this zygote goes through, and what one cell gets of a turn of the
 * loop: 3,000 of the smallest notes, a millisecond or two. */
#define SCRATCH_SIZE ((size_t)64 << 10)
char *zygote_scratch(struct zygote *z);

/* Memory for frames that wait for a cell. keep: takes out's, emptied and wiped; false: it has
 * enough. kept: gives that to an empty `out`; false: it has none. */
bool zygote_keep_out(struct zygote *z, struct buf *out);
bool zygote_kept_out(struct zygote *z, struct buf *out);

/* The clocks of its cells. */
struct watch *zygote_watcher(struct zygote *z);

/* A cell that has to do something within a bounded time (get ready, end). cell_on_late() is called
 * when it has not been taken off the list by then. */
enum zygote_wait {
    WAIT_READY, /* asked for, to send READY */
    WAIT_END,   /* has nothing more to say, to end by itself */
    WAIT_GONE,  /* killed, to be reported as ended */
    WAITS
};
void zygote_expect(struct zygote *z, enum zygote_wait w, struct cell *c);

/* cell_turn_done() is called for it when this turn of the loop is done. */
void zygote_uncork_later(struct zygote *z, struct cell *c);

/* Somebody waits for what the zygote has to tell of a cell: it is read soon. *pressing: whether
 * that cell is counted among those already. */
void zygote_press(struct zygote *z, bool *pressing);
void zygote_unpress(struct zygote *z, bool *pressing);

/* True when the kernel's OOM killer has ended a process of the zygote's cgroup of which nobody has
 * been told yet. */
bool zygote_out_of_memory(struct zygote *z);

/* The process is of no use any more: kills it; `gone` follows with this reason. */
void zygote_fail(struct zygote *z, int code, const char *why);

/* ---- cell.c, for the zygote ---- */

void cell_on_socket(struct cell *c, bool readable, bool writable);
/* What was gathered for it in this turn of the loop is sent. */
void cell_turn_done(struct cell *c);
void cell_on_forked(struct cell *c, int pid, int pidfd);
void cell_on_exited(struct cell *c, const struct control_exited *x);
void cell_on_late(struct cell *c);
void cell_on_lost(struct cell *c); /* its zygote has ended */
