/* What the bench programs share: samples and percentiles, metrics printed as JSON lines, and what
 * the kernel knows about other processes. One thread. Here a failure ends the program (die): there
 * is nobody above it to handle one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* "bench: <text>" on stderr, exit 1. */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* die() with e's message when rc is not 0. */
void must(int rc, const struct err *e, const char *doing);

/* ---- samples ---- */

struct samples {
    double *v;
    size_t n, cap;
};

void samples_add(struct samples *s, double v);
/* p: 0..100, nearest rank. Sorts. die()s when there are none. */
double samples_percentile(struct samples *s, double p);
void samples_free(struct samples *s);

/* ---- output ---- */

/* {"metric":"dispatch.warm.done.p50","unit":"us","value":161.0} on stdout. name: plain ASCII, parts
 * joined by dots; unit: us, ms, bytes, /s, "" (a count or a ratio), %. */
void metric(const char *name, const char *unit, double value);
/* <name>.p50 and <name>.p99 of the samples. */
void metric_percentiles(const char *name, const char *unit, struct samples *s);

/* ---- options ---- */

struct bench_option {
    const char *name; /* "jobs": --jobs N */
    int64_t *to;      /* holds the default */
    int64_t min, max;
    const char *help;
};

/* Reads --name N pairs; --help prints them and exits 0; anything else: exit 2. */
void bench_options(int argc, char **argv, const char *about, const struct bench_option *rows,
                   size_t count);

/* ---- processes ---- */

/* User and system time of a whole process so far, µs (its CPU clock); die()s when it is gone. */
double process_cpu_us(pid_t pid);

/* What the children that a process has reaped used, in sum. CPU time has the kernel's tick (10 ms)
 * as its resolution: take it over many children. */
struct reaped {
    double cpu_us, minor_faults;
};
struct reaped process_reaped(pid_t pid);

/* Direct children now, up to cap; their number. */
size_t process_children(pid_t pid, pid_t *out, size_t cap);
/* The kernel's short name of a process, "" when it is gone. */
void process_name(pid_t pid, char *out, size_t cap);

struct process_memory {
    uint64_t private_dirty, anonymous, huge; /* bytes; private_dirty is without huge pages */
    int mappings;
};
/* False when this user may not look (another user namespace). */
bool process_memory(pid_t pid, struct process_memory *out);

/* Proportional set size: pages shared by n processes count as an n-th, bytes; 0 when this user may
 * not look. */
double process_pss(pid_t pid);

/* ---- time ---- */

double now_us(void); /* monotonic, below a microsecond */

/* Share of the machine's CPU time (0..100) that was in use over the last `ms` milliseconds, which
 * this sleeps through: how much others do while the bench runs. */
double machine_busy_percent(int ms);
