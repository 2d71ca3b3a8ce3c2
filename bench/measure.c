#include "bench/measure.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define EXIT_USAGE 2

static _Noreturn void end(int status, const char *fmt, va_list ap)
{
    fputs("bench: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    exit(status);
}

void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    end(EXIT_FAILURE, fmt, ap);
}

static _Noreturn __attribute__((format(printf, 1, 2))) void refuse(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    end(EXIT_USAGE, fmt, ap);
}

void must(int rc, const struct err *e, const char *doing)
{
    if (rc)
        die("%s: %s", doing, e->msg);
}

/* ---- samples ---- */

void samples_add(struct samples *s, double v)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 1024;
        s->v = mem_grow(s->v, s->cap * sizeof *s->v);
    }
    s->v[s->n++] = v;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double samples_percentile(struct samples *s, double p)
{
    if (s->n == 0)
        die("no samples to take a percentile of");
    qsort(s->v, s->n, sizeof *s->v, by_value);
    double rank = ceil(p / 100 * (double)s->n);
    return s->v[rank < 1 ? 0 : (size_t)rank - 1];
}

void samples_free(struct samples *s)
{
    free(s->v);
    *s = (struct samples){0};
}

/* ---- output ---- */

void metric(const char *name, const char *unit, double value)
{
    printf("{\"metric\":\"%s\",\"unit\":\"%s\",\"value\":%.6g}\n", name, unit, value);
    fflush(stdout);
}

void metric_percentiles(const char *name, const char *unit, struct samples *s)
{
    static const int ranks[] = {50, 99};
    for (size_t i = 0; i < ARRAY_LEN(ranks); i++) {
        char full[128];
        snprintf(full, sizeof full, "%s.p%d", name, ranks[i]);
        metric(full, unit, samples_percentile(s, ranks[i]));
    }
}

/* ---- options ---- */

static _Noreturn void print_help(const char *about, const struct bench_option *rows, size_t count)
{
    printf("%s\n\n", about);
    for (size_t i = 0; i < count; i++)
        printf("  --%-10s %s (default %" PRId64 ", %" PRId64 " to %" PRId64 ")\n", rows[i].name,
               rows[i].help, *rows[i].to, rows[i].min, rows[i].max);
    exit(0);
}

static void take_option(const struct bench_option *o, const char *text)
{
    char *rest = NULL;
    errno = 0;
    long long v = text ? strtoll(text, &rest, 10) : 0;
    if (!text || rest == text || *rest || errno || v < o->min || v > o->max)
        refuse("--%s: found '%s'; allowed: %" PRId64 " to %" PRId64, o->name, text ? text : "",
               o->min, o->max);
    *o->to = v;
}

void bench_options(int argc, char **argv, const char *about, const struct bench_option *rows,
                   size_t count)
{
    for (int i = 1; i < argc; i += 2) {
        const struct bench_option *found = NULL;
        if (!strcmp(argv[i], "--help"))
            print_help(about, rows, count);
        for (size_t k = 0; k < count; k++)
            if (!strncmp(argv[i], "--", 2) && !strcmp(argv[i] + 2, rows[k].name))
                found = &rows[k];
        if (!found)
            refuse("unknown option '%s'; --help lists them", argv[i]);
        take_option(found, i + 1 < argc ? argv[i + 1] : NULL);
    }
}

/* ---- processes ---- */

double process_cpu_us(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    int rc = clock_getcpuclockid(pid, &clock);
    if (rc || clock_gettime(clock, &t))
        die("CPU time of process %d: %s", (int)pid, strerror(rc ? rc : errno));
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool open_proc(pid_t pid, const char *file, FILE **out)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    *out = fopen(path, "re");
    return *out != NULL;
}

/* The fields of /proc/PID/stat behind the name, which may hold blanks and brackets: field 3 is
 * first. */
static bool read_stat(pid_t pid, char *buf, size_t cap, char **fields)
{
    FILE *f;
    if (!open_proc(pid, "stat", &f))
        return false;
    size_t n = fread(buf, 1, cap - 1, f);
    fclose(f);
    buf[n] = 0;
    char *close_bracket = strrchr(buf, ')');
    *fields = close_bracket ? close_bracket + 2 : NULL;
    return *fields != NULL;
}

struct reaped process_reaped(pid_t pid)
{
    char text[1024], *fields;
    unsigned long minor, user, system;
    if (!read_stat(pid, text, sizeof text, &fields) ||
        sscanf(fields,
               "%*c %*d %*d %*d %*d %*d %*u %*u %lu %*u %*u %*u %*u %lu %lu", /* 11, 16, 17 */
               &minor, &user, &system) != 3)
        die("process %d is gone", (int)pid);
    double tick_us = 1e6 / (double)sysconf(_SC_CLK_TCK);
    return (struct reaped){
        .cpu_us = (double)(user + system) * tick_us,
        .minor_faults = (double)minor,
    };
}

size_t process_children(pid_t pid, pid_t *out, size_t cap)
{
    size_t n = 0;
    DIR *d = opendir("/proc");
    if (!d)
        die("cannot read /proc: %s", strerror(errno));
    for (struct dirent *entry; n < cap && (entry = readdir(d));) {
        char text[1024], *fields, *end;
        long p = strtol(entry->d_name, &end, 10);
        int parent;
        if (*end || p <= 0 || !read_stat((pid_t)p, text, sizeof text, &fields))
            continue;
        if (sscanf(fields, "%*c %d", &parent) == 1 && parent == pid)
            out[n++] = (pid_t)p;
    }
    closedir(d);
    return n;
}

void process_name(pid_t pid, char *out, size_t cap)
{
    FILE *f;
    out[0] = 0;
    if (!open_proc(pid, "comm", &f))
        return;
    if (!fgets(out, (int)cap, f))
        out[0] = 0;
    out[strcspn(out, "\n")] = 0;
    fclose(f);
}

/* smaps and not smaps_rollup: huge pages have to be taken off mapping by mapping. Those of a zygote
 * are its own while it has no cell (Private_Dirty counts them) and shared as soon as it has one. */
bool process_memory(pid_t pid, struct process_memory *out)
{
    FILE *f;
    char line[512];
    unsigned long long kb;
    uint64_t dirty = 0;
    *out = (struct process_memory){0};
    if (!open_proc(pid, "smaps", &f))
        return false;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "Private_Dirty: %llu", &kb) == 1) {
            dirty = kb << 10;
            out->private_dirty += dirty;
        } else if (sscanf(line, "Anonymous: %llu", &kb) == 1) {
            out->anonymous += kb << 10;
        } else if (sscanf(line, "AnonHugePages: %llu", &kb) == 1) {
            out->huge += kb << 10;
            if (dirty >= kb << 10)
                out->private_dirty -= kb << 10;
        } else if (!strncmp(line, "VmFlags:", 8)) { /* the last line of each mapping */
            out->mappings++;
        }
    }
    fclose(f);
    return out->mappings > 0;
}

double process_pss(pid_t pid)
{
    FILE *f;
    char line[512];
    unsigned long long kb = 0;
    if (!open_proc(pid, "smaps_rollup", &f))
        return 0;
    while (fgets(line, sizeof line, f) && sscanf(line, "Pss: %llu", &kb) != 1)
        ;
    fclose(f);
    return (double)kb * 1024;
}

/* ---- time ---- */

double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Ticks in use and ticks in all, of all CPUs, since the boot. */
static void machine_ticks(double *used, double *all)
{
    unsigned long long t[8] = {0}; /* user nice system idle iowait irq softirq steal */
    FILE *f = fopen("/proc/stat", "re");
    if (!f || fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3],
                     &t[4], &t[5], &t[6], &t[7]) != 8)
        die("cannot read /proc/stat");
    fclose(f);
    *all = 0;
    for (int i = 0; i < 8; i++)
        *all += (double)t[i];
    *used = *all - (double)t[3] - (double)t[4];
}

double machine_busy_percent(int ms)
{
    double used, all, used_then, all_then;
    machine_ticks(&used_then, &all_then);
    usleep((useconds_t)ms * 1000);
    machine_ticks(&used, &all);
    return all > all_then ? (used - used_then) * 100 / (all - all_then) : 0;
}
