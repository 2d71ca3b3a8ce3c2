/* What a zygote and an idle cell cost in memory, as the kernel counts it (/proc/PID/smaps). The
 * zygote is read when it has no cell any more: with one, its pages are shared and would count for
 * neither. */
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/bed.h"
#include "bench/measure.h"
#include "bench/zygotebed.h"

#define CELLS     4
#define SETTLE_MS 200

static void tell(const char *who, pid_t pid)
{
    struct process_memory m;
    char name[64];
    if (!process_memory(pid, &m)) {
        fprintf(stderr, "bench: this user may not read the memory of %s: left out\n", who);
        return;
    }
    snprintf(name, sizeof name, "memory.%s.private-dirty", who);
    metric(name, "bytes", (double)m.private_dirty);
    snprintf(name, sizeof name, "memory.%s.huge", who);
    metric(name, "bytes", (double)m.huge);
    snprintf(name, sizeof name, "memory.%s.mappings", who);
    metric(name, "", m.mappings);
}

int main(int argc, char **argv)
{
    static struct bed bed;
    struct zygote_bed z;
    pid_t cells[CELLS * 2];
    bench_options(argc, argv, "Memory of a zygote and of an idle cell.", NULL, 0);
    bed_make(&bed);
    zygote_bed_open(&z, &bed, CELLS);
    usleep(SETTLE_MS * 1000);
    size_t count = process_children(z.pid, cells, ARRAY_LEN(cells));
    if (count < CELLS)
        die("the zygote has not %d cells", CELLS);
    pid_t one = cells[count / 2];

    tell("cell", one);
    zygote_bed_end_cells(&z);
    usleep(SETTLE_MS * 1000);
    tell("zygote", z.pid);

    zygote_bed_close(&z);
    bed_remove(&bed);
    return 0;
}
