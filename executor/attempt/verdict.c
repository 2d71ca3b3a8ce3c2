#include "executor/attempt/verdict.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "sandbox/jail/jail.h"

static void set(struct verdict *v, enum outcome o, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void set(struct verdict *v, enum outcome o, const char *name, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(v->message, sizeof v->message, fmt, ap);
    va_end(ap);
    v->outcome = o;
    v->own_error = true;
    v->name = name;
}

int64_t verdict_used(enum limit l, int64_t limit, uint64_t us_or_bytes)
{
    static const struct {
        uint64_t unit, add;
    } units[LIMITS] = {
        [LIMIT_CPU_MS] = {1000, 500},
        [LIMIT_WALL_MS] = {1000, 500},
        [LIMIT_HEAP_MB] = {1u << 20, (1u << 20) - 1},
        [LIMIT_MEMORY_MB] = {1u << 20, (1u << 20) - 1},
        [LIMIT_OUTPUT_KB] = {1024, 1023},
        [LIMIT_ARTIFACTS_MB] = {1u << 20, (1u << 20) - 1},
    };
    int64_t used = (int64_t)((us_or_bytes + units[l].add) / units[l].unit);
    return used > limit ? used : limit;
}

/* One shape for all: "cpu_ms: the limit of 100 was reached (used 103)". */
static void set_limit(struct verdict *v, enum outcome o, enum limit l, const struct limits *limits,
                      uint64_t us_or_bytes, const char *by)
{
    v->limit = l;
    v->used = verdict_used(l, limits->v[l], us_or_bytes);
    set(v, o, "BudgetExceeded", "%s: the limit of %" PRId64 " was reached%s (used %" PRId64 ")",
        limit_table[l].name, limits->v[l], by, v->used);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t printed(const struct cell_done *d)
{
    return d ? d->stdout_total + d->stderr_total : 0;
}

static void from_stop(struct verdict *v, enum stop_reason why, const struct cell_done *d,
                      const struct limits *limits, int64_t cpu_us, int64_t wall_us)
{
    switch (why) {
    case STOP_CPU:
        set_limit(v, OUTCOME_CPU_EXCEEDED, LIMIT_CPU_MS, limits, (uint64_t)cpu_us, "");
        return;
    case STOP_WALL:
        set_limit(v, OUTCOME_WALL_EXCEEDED, LIMIT_WALL_MS, limits, (uint64_t)wall_us, "");
        return;
    case STOP_OUTPUT:
        set_limit(v, OUTCOME_OUTPUT_EXCEEDED, LIMIT_OUTPUT_KB, limits, printed(d), "");
        return;
    case STOP_CANCEL:
        set(v, OUTCOME_CANCELLED, "Cancelled", "the job was cancelled on request");
        return;
    case STOP_NONE:
        break;
    }
    set(v, OUTCOME_CRASHED, "CellCrashed", "the cell stopped the script without being asked to");
}

static void from_done(struct verdict *v, const struct cell_done *d, const struct limits *limits,
                      int64_t cpu_us, int64_t wall_us)
{
    bool by_value = printed(d) <= (uint64_t)limits->v[LIMIT_OUTPUT_KB] * 1024;
    switch ((enum frame_end)d->end) {
    case FRAME_END_OK:
        v->outcome = OUTCOME_OK;
        return;
    case FRAME_END_THREW:
        v->outcome = OUTCOME_THREW;
        return;
    case FRAME_END_HEAP:
        set_limit(v, OUTCOME_HEAP_EXCEEDED, LIMIT_HEAP_MB, limits,
                  larger(d->over_bytes, d->heap_peak), "");
        return;
    case FRAME_END_MEMORY:
        set_limit(v, OUTCOME_MEMORY_EXCEEDED, LIMIT_MEMORY_MB, limits,
                  larger(d->over_bytes, d->memory_peak), "");
        return;
    case FRAME_END_OUTPUT:
        set_limit(v, OUTCOME_OUTPUT_EXCEEDED, LIMIT_OUTPUT_KB, limits,
                  by_value ? d->over_bytes : printed(d), by_value ? " by the job's value" : "");
        return;
    case FRAME_END_TERMINATED:
        from_stop(v, d->stopped, d, limits, cpu_us, wall_us);
        return;
    case FRAME_END_INTERNAL:
        set(v, OUTCOME_INTERNAL, "InternalError", "in the cell: %.*s",
            (int)(d->message_len < 250 ? d->message_len : 250), d->message);
        return;
    }
    set(v, OUTCOME_CRASHED, "CellCrashed", "the cell reported an unknown end (%d)", d->end);
}

static void from_gone(struct verdict *v, const struct cell_gone *g, const struct limits *limits,
                      int64_t cpu_us, int64_t wall_us)
{
    if (g->denied_syscall >= 0) {
        const char *name = jail_syscall_name((uint32_t)g->denied_syscall);
        set(v, OUTCOME_DENIED, "SystemCallDenied", "system call %s (%d) is not allowed in a cell",
            name ? name : "?", g->denied_syscall);
    } else if (g->breach) {
        set(v, OUTCOME_CRASHED, "ProtocolBreach", "the cell broke the frame protocol: %s",
            g->breach);
    } else if (g->stopped != STOP_NONE) {
        from_stop(v, g->stopped, NULL, limits, cpu_us, wall_us);
    } else if (g->with_zygote) {
        v->lost = true;
        set(v, OUTCOME_INTERNAL, "CellLost", "the cell was lost with its zygote");
    } else if (g->oom) {
        set(v, OUTCOME_CRASHED, "CellCrashed",
            "the kernel's OOM killer ended the cell: all cells together reached cgroup_memory_mb, "
            "or "
            "the machine ran out of memory");
    } else if (g->reaped && WIFSIGNALED(g->status) && WTERMSIG(g->status) == SIGSYS) {
        set(v, OUTCOME_DENIED, "SystemCallDenied", "a system call is not allowed in a cell");
    } else if (g->reaped && WIFSIGNALED(g->status)) {
        const char *abbrev = sigabbrev_np(WTERMSIG(g->status));
        set(v, OUTCOME_CRASHED, "CellCrashed", "the cell was ended by signal %d (SIG%s)",
            WTERMSIG(g->status), abbrev ? abbrev : "?");
    } else if (g->reaped) {
        set(v, OUTCOME_CRASHED, "CellCrashed",
            "the cell ended with exit status %d and without a result", WEXITSTATUS(g->status));
    } else {
        set(v, OUTCOME_CRASHED, "CellCrashed", "the cell went away without a result");
    }
}

void verdict_reach(const struct cell_done *done, const struct cell_gone *gone,
                   const struct limits *limits, int64_t cpu_us, int64_t wall_us,
                   struct verdict *out)
{
    CHECK(done || gone);
    memset(out, 0, sizeof *out);
    out->limit = LIMITS;
    if (done)
        from_done(out, done, limits, cpu_us < 0 ? 0 : cpu_us, wall_us);
    else
        from_gone(out, gone, limits, cpu_us < 0 ? 0 : cpu_us, wall_us);
}
