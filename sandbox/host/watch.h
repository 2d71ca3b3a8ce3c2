/* The clocks of one zygote's cells, on a thread of their own: what the loop is busy with (a job of
 * 16 MB that is decoded, results that are encoded) must not let a script run beyond its budget.
 *
 * A watched cell is looked at whenever a budget can be near its end, and every 50 ms, but not in
 * its first WATCH_FIRST_US: so a short job costs no look at all, and many of them a waking every 50
 * ms. A budget used up:
 *
 *   some ms before          SIGUSR2: what the cell holds back of its output comes, and its clock is
 *                           put right (see watch.c)
 *   at once, and again      SIGUSR1: engine_terminate(); a cell that is inside V8's C++ code ends
 *                           itself after 3 ms (sandbox/engine/stop.cc)
 *   at the last             SIGKILL by pidfd, see kill_due()
 *
 * Everything here is called by the loop thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"

#define WATCH_FIRST_US 5000
#define WATCH_FLUSH_US 2000

/* Why a cell was asked to stop, if it was. */
enum stop_reason { STOP_NONE, STOP_CPU, STOP_WALL, STOP_OUTPUT, STOP_CANCEL };

/* How a watched run ended. Times: clock_mono_us(). */
struct watch_report {
    enum stop_reason stopped;
    int64_t ended_at_us; /* when it was killed or, asked to stop, seen to have ended; 0: neither */
    bool killed;
    int64_t killed_cpu_us; /* used by then; what follows is the kernel clearing up */
};

/* One run of a cell. Fields belong to watch.c from watch_begin() to watch_end(). */
struct watched {
    struct list node;
    bool active; /* the loop thread's */
    int pid, pidfd;
    int64_t started_us, cpu_at_start_us;
    int64_t cpu_limit_us, wall_limit_us; /* 0: none */
    int64_t look_at_us;
    int64_t last_cpu_us;
    int64_t asked_at_us, asked_cpu_us;
    bool flushed, synced, idle;
    struct watch_report report;
};

struct watch;

int watch_new(struct watch **out, struct err *e);
/* Nothing is watched any more. Ends the thread. NULL is fine. */
void watch_free(struct watch *w);

/* From now on: pid and pidfd of a process that is there, its CPU clock's value now and the limits
 * are filled in by the caller; pidfd stays open until watch_end(). */
void watch_begin(struct watch *w, struct watched *x);
/* The same for a run that began a moment ago (clock_mono_us()). */
void watch_begin_at(struct watch *w, struct watched *x, int64_t started_us);
/* Asks it to stop for this reason, if it was not asked for another before. */
void watch_stop(struct watch *w, struct watched *x, enum stop_reason why);
/* The run is over: no signal is sent behind this. Harmless when it is not watched. */
void watch_end(struct watch *w, struct watched *x);

/* CPU clock of a whole process, all its threads, in µs; -1 when it is gone. pidfd: tells that the
 * pid is not a newcomer's. */
int64_t watch_process_cpu_us(int pid, int pidfd);
/* The same, of whatever process has that pid now. */
int64_t watch_pid_cpu_us(int pid);
