/* fork + exit + wait of a process of the zygote's size. What a fork costs is the copying of
 * mappings and of page tables, so a child of this program gets as many mappings, as many anonymous
 * small pages and as much memory in huge pages as a real zygote was just seen to have, and forks
 * processes that end at once. Pages of files cost a fork nothing (they are found again by faults).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/floor_parts.h"
#include "bench/measure.h"
#include "bench/zygotebed.h"

#define SETTLE_MS 200 /* until what ended cells shared is the zygote's alone */
#define PAGE      ((size_t)4096)
#define HUGE_PAGE ((size_t)2 << 20)

static void *pages(size_t len, int advice)
{
    char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        die("mmap: %s", strerror(errno));
    madvise(p, len, advice); /* refused by kernels without huge pages: then there are none */
    return p;
}

static void touch(char *p, size_t len, size_t step)
{
    for (size_t at = 0; at < len; at += step)
        p[at] = 1;
}

/* Neighbours of unlike protection stay mappings of their own. */
static void grow_to(const struct process_memory *to)
{
    struct process_memory own;
    if (!process_memory(getpid(), &own))
        die("cannot read the own smaps");
    char *huge = pages(to->huge + HUGE_PAGE, MADV_HUGEPAGE);
    huge += HUGE_PAGE - (uintptr_t)huge % HUGE_PAGE;
    touch(huge, to->huge, PAGE);
    size_t small = to->anonymous - to->huge, has = own.anonymous - own.huge;
    size_t count = to->mappings > own.mappings + 2 ? (size_t)(to->mappings - own.mappings - 2) : 1;
    size_t each = small > has ? (small - has) / PAGE / count : 0;
    if (each == 0)
        each = 1;
    each *= PAGE;
    char *rest = pages(each * count, MADV_NOHUGEPAGE);
    touch(rest, each * count, PAGE);
    for (size_t i = 0; i < count; i += 2)
        if (mprotect(rest + i * each, each, PROT_READ))
            die("mprotect: %s", strerror(errno));
}

static double used_us(void)
{
    double us = 0;
    static const int who[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    for (int i = 0; i < 2; i++) {
        struct rusage u;
        getrusage(who[i], &u);
        us += (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
              (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    }
    return us;
}

void floor_forks(int64_t count, struct samples *out)
{
    for (int64_t i = 0; i < count; i++) {
        double from = now_us();
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        if (pid < 0 || waitpid(pid, NULL, 0) != pid)
            die("fork: %s", strerror(errno));
        samples_add(out, now_us() - from);
    }
}

static void time_forks(int64_t count)
{
    struct samples s = {0};
    double used = used_us();
    floor_forks(count, &s);
    used = used_us() - used;
    metric_percentiles("floor.fork-zygote", "us", &s);
    metric("floor.fork-zygote.cpu", "us", used / (double)count);
    samples_free(&s);
}

static _Noreturn void be_like(const struct process_memory *zygote, int64_t count)
{
    struct process_memory own;
    grow_to(zygote);
    process_memory(getpid(), &own);
    metric("floor.fork-zygote.mappings", "", own.mappings);
    metric("floor.fork-zygote.small", "bytes", (double)(own.anonymous - own.huge));
    metric("floor.fork-zygote.huge", "bytes", (double)own.huge);
    time_forks(count);
    _exit(0);
}

void floor_fork(struct bed *bed, const struct floor_options *o)
{
    struct zygote_bed z;
    struct process_memory m;
    int status;
    zygote_bed_open(&z, bed, 1);
    zygote_bed_end_cells(&z);
    usleep(SETTLE_MS * 1000);
    bool seen = process_memory(z.pid, &m);
    zygote_bed_close(&z);
    if (!seen) {
        fprintf(stderr, "bench: this user may not read the memory of the zygote: a fork of its "
                        "size is left out\n");
        return;
    }
    pid_t pid = fork();
    if (pid < 0)
        die("fork: %s", strerror(errno));
    if (pid == 0)
        be_like(&m, o->count);
    if (waitpid(pid, &status, 0) != pid || status)
        die("the process of the zygote's size ended with wait status %#x", (unsigned)status);
}
