/* How this works
 *
 * A fork copies the page table entries of a mapping that holds memory of the process's own, one by
 * one, and the child's end takes each out again: 0.15 µs and 0.1 for each page that is there,
 * whether a cell uses it or not. A mapping of a file without such pages is not copied: the child
 * faults on it instead, 3 µs for each window of 64 kB that it enters, and has 16 entries to take
 * out for it. Most of the zygote's heaps no cell ever looks at (start-up data of the program, what
 * V8 made for rare cases), and of libraries it needs a page here and there.
 *
 *   heaps      are written to a memory file that is then mapped in their place, privately. Nothing
 *              of it is in the page table, but the hot pages, which are the zygote's own copies.
 *   libraries  hot pages become the zygote's own as well, the others go out of the page table.
 *
 * So a fork copies exactly what a cell touches. What it touches beyond that it finds in the files.
 * The memory file is sealed against writing; private mappings never write to it anyway. */
#include "sandbox/zygote/image.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DATA_MAX   ((uintptr_t)256 << 20) /* larger ones are reservations */
#define JOINED_MAX ((uintptr_t)1 << 20)
#define COLD_MAX   1024u
#define HOT_MOST   128u                  /* pages of one mapping of text */
#define STACK_KEPT ((uintptr_t)16 << 10) /* below the frame that looks */
#define BATCH      512u                  /* entries of pagemap read at once */
#define PRESENT    (1ull << 63)
#define SWAPPED    (1ull << 62)
#define FILE_PAGE  (1ull << 61) /* of a file or shared: proc(5) */

static char in_zeroes[1];
static volatile char in_data[1] = {1}; /* what is never written would not lie there */

static bool holds(const struct map *m, const volatile void *p)
{
    return m->start <= (uintptr_t)p && (uintptr_t)p < m->end;
}

static int protection(const struct map *m)
{
    return (m->readable ? PROT_READ : 0) | (m->writable ? PROT_WRITE : 0) |
           (m->executable ? PROT_EXEC : 0);
}

static void add_range(struct touched *t, uintptr_t start, uintptr_t end, int prot, bool data)
{
    if (start < end && t->ranges < TOUCH_RANGES_MAX)
        t->range[t->ranges++] = (struct touch_range){start, end, prot, data};
}

/* The entries of pagemap from `at` on, of n pages at most: how many were read. */
static size_t entries_at(int pagemap, uintptr_t at, uintptr_t end, uint64_t entries[BATCH])
{
    size_t pages = (end - at) / TOUCH_PAGE, n = pages < BATCH ? pages : BATCH;
    ssize_t got =
        pread(pagemap, entries, n * sizeof *entries, (off_t)(at / TOUCH_PAGE * sizeof *entries));
    return got > 0 ? (size_t)got / sizeof *entries : 0;
}

/* Relocated constants are the process's own pages, and must not go. */
static bool all_from_file(int pagemap, const struct map *m)
{
    uint64_t entries[BATCH];
    for (uintptr_t at = m->start; at < m->end;) {
        size_t n = entries_at(pagemap, at, m->end, entries);
        for (size_t i = 0; i < n; i++)
            if ((entries[i] & SWAPPED) || ((entries[i] & PRESENT) && !(entries[i] & FILE_PAGE)))
                return false;
        if (n == 0)
            return false;
        at += n * TOUCH_PAGE;
    }
    return true;
}

/* Text and constants, as the file has them. */
static bool is_text(const struct map *m, int pagemap)
{
    return m->file && m->readable && !m->writable && !m->shared && m->kind != MAP_STUB &&
           all_from_file(pagemap, m);
}

/* Of what is not text: heaps, data, relocated constants. Not memory in which a system call finds
 * its buffers, nor the thread's own block. */
static bool is_data(const struct map *m)
{
    return m->readable && !m->executable && !m->shared && m->kind < MAP_STUB &&
           m->end - m->start <= DATA_MAX && !holds(m, in_zeroes) && !holds(m, in_data) &&
           !holds(m, __builtin_thread_pointer());
}

/* Small constants of a library that lie in front of its relocated ones: as data both are one
 * mapping. */
static bool joins_data(const struct map *m, const struct map *next, int pagemap)
{
    return !m->executable && m->end - m->start <= JOINED_MAX && next->start == m->end &&
           !next->writable && next->file && is_data(next) && !is_text(next, pagemap);
}

void image_ranges(const struct map *maps, int n, struct touched *t)
{
    int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    for (int i = 0; pagemap >= 0 && i < n; i++) {
        const struct map *m = &maps[i];
        bool text = is_text(m, pagemap) && !(i + 1 < n && joins_data(m, m + 1, pagemap));
        bool data = !text && is_data(m);
        uintptr_t from = m->start;
        if (!text && !data)
            continue;
        for (uintptr_t at = m->start; at < m->end; at += TOUCH_PAGE)
            if (touch_is_own(at)) {
                add_range(t, from, at, protection(m), data);
                from = at + TOUCH_PAGE;
            }
        add_range(t, from, m->end, protection(m), data);
    }
    if (pagemap >= 0)
        close(pagemap);
}

/* ---- cold pages ---- */

static struct {
    size_t n;
    struct {
        uintptr_t start, end;
    } run[COLD_MAX];
} * cold; /* runs of pages of files that no cell touches */

static void add_cold(uintptr_t start, uintptr_t end)
{
    if (start < end && cold->n < COLD_MAX) {
        cold->run[cold->n].start = start;
        cold->run[cold->n++].end = end;
    }
}

static bool is_hot(const struct touched *t, uintptr_t page)
{
    for (size_t i = 0; i < t->pages; i++)
        if (t->page[i] == page)
            return true;
    return false;
}

/* Of a file, and never to be written again: what the process has changed there is lost. */
static void add_cold_between_hot(const struct touched *t, const struct touch_range *r)
{
    uintptr_t from = r->start;
    for (uintptr_t at = r->start; at < r->end; at += TOUCH_PAGE)
        if (is_hot(t, at)) {
            add_cold(from, at);
            from = at + TOUCH_PAGE;
        }
    add_cold(from, r->end);
}

/* ---- data ---- */

static bool write_all(int fd, uintptr_t from, size_t len, off_t to)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, (const void *)from, len, to);
        if (n <= 0)
            return false;
        from += (size_t)n, to += n, len -= (size_t)n;
    }
    return true;
}

/* What is there of the range, at its place behind `base`. What a file's pages hold counts, there or
 * not; of other memory holes stay holes. */
static bool save(int memory, int pagemap, const struct touch_range *m, bool file, off_t base)
{
    uint64_t entries[BATCH];
    for (uintptr_t at = m->start; at < m->end;) {
        size_t n = entries_at(pagemap, at, m->end, entries);
        for (size_t i = 0, next; i < n; i = next) {
            next = i + 1;
            if (!file && !(entries[i] & (PRESENT | SWAPPED)))
                continue;
            while (next < n && (file || (entries[next] & (PRESENT | SWAPPED))))
                next++;
            uintptr_t from = at + i * TOUCH_PAGE;
            if (!write_all(memory, from, (next - i) * TOUCH_PAGE, base + (off_t)(from - m->start)))
                return false;
        }
        if (n == 0)
            return false;
        at += n * TOUCH_PAGE;
    }
    return true;
}

/* Puts the file in the place of the range, with the hot pages as the process's own: a write that
 * changes nothing makes them so, and unlike a read it brings no neighbours into the page table. */
static bool replace(const struct touched *t, const struct touch_range *r, int memory, off_t base)
{
    const size_t len = r->end - r->start;
    if (mmap((void *)r->start, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, memory,
             base) == MAP_FAILED)
        return false;
    for (size_t i = 0; i < t->pages; i++)
        if (r->start <= t->page[i] && t->page[i] < r->end)
            __asm__ volatile("lock orb $0, (%0)" : : "r"(t->page[i]) : "memory");
    return (r->prot & PROT_WRITE) || mprotect((void *)r->start, len, r->prot) == 0;
}

/* Nothing of the data may change between save() and replace(): no allocation here. */
static int data_to_file(const struct touched *t, const struct map *maps, int n, int pagemap,
                        struct err *e)
{
    off_t size = 0;
    int rc = 0, memory = memfd_create("isolane-zygote", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    for (size_t i = 0; memory >= 0 && !rc && i < t->ranges; i++) {
        const struct touch_range *r = &t->range[i];
        const struct map *m = map_of(maps, n, r->start);
        const off_t base = size;
        if (!r->data || !m)
            continue;
        size += (off_t)(r->end - r->start);
        if (ftruncate(memory, size) || !save(memory, pagemap, r, m->file, base))
            break;
        if (!replace(t, r, memory, base))
            rc = err_errno(e, "cannot map the zygote's memory");
        else if (cold && m->file && !(r->prot & PROT_WRITE))
            add_cold_between_hot(t, r);
    }
    if (memory < 0)
        return 0;
    if (!rc && fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
        rc = err_errno(e, "cannot seal the zygote's memory");
    close(memory);
    return rc;
}

/* ---- text ---- */

/* Writing a page's own contents to it makes it the process's own. /proc needs no permission to
 * write on the mapping. */
static void own_hot(int mem, const struct touched *t, const struct touch_range *r)
{
    for (size_t i = 0; mem >= 0 && i < t->pages; i++)
        if (r->start <= t->page[i] && t->page[i] < r->end)
            write_all(mem, t->page[i], TOUCH_PAGE, (off_t)t->page[i]);
}

static size_t hot_pages(const struct touched *t, const struct touch_range *r)
{
    size_t hot = 0;
    for (size_t i = 0; i < t->pages; i++)
        hot += r->start <= t->page[i] && t->page[i] < r->end;
    return hot;
}

/* What has become huge pages meanwhile is left alone. So is text that is hot all over, because the
 * machine has no huge pages to give: its own pages would be megabytes, and every fork would copy
 * their entries. */
static void text_to_hot(const struct touched *t, const struct map *maps, int n, int mem)
{
    for (size_t i = 0; i < t->ranges; i++)
        for (int k = 0; !t->range[i].data && k < n; k++) {
            struct touch_range r = t->range[i];
            r.start = r.start > maps[k].start ? r.start : maps[k].start;
            r.end = r.end < maps[k].end ? r.end : maps[k].end;
            if (!maps[k].file || r.start >= r.end || hot_pages(t, &r) > HOT_MOST)
                continue;
            add_cold_between_hot(t, &r);
            own_hot(mem, t, &r);
        }
}

/* The zygote's start needed more of the stack than its forks do. */
static void stack_to_drop(const struct map *maps, int n)
{
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    const struct map *m = map_of(maps, n, here);
    if (m && here - m->start > STACK_KEPT)
        add_cold(m->start, (here - STACK_KEPT) & ~(TOUCH_PAGE - 1));
}

void image_drop_cold(void)
{
    if (!cold)
        return;
    for (size_t i = 0; i < cold->n; i++)
        madvise((void *)cold->run[i].start, cold->run[i].end - cold->run[i].start, MADV_DONTNEED);
    munmap(cold, sizeof *cold);
    cold = NULL;
}

/* ---- all ---- */

int image_make(const struct touched *t, struct err *e)
{
    struct map *maps;
    int rc = 0, pagemap = -1, mem = -1;
    int n = t->pages > 0 && t->pages < TOUCH_PAGES_MAX ? maps_read(&maps) : 0;
    if (n <= 0)
        return 0;
    pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    cold = proc_scratch(sizeof *cold);
    if (mem >= 0 && cold)
        text_to_hot(t, maps, n, mem);
    if (cold)
        stack_to_drop(maps, n);
    if (pagemap >= 0)
        rc = data_to_file(t, maps, n, pagemap, e);
    maps_free(maps);
    if (pagemap >= 0)
        close(pagemap);
    if (mem >= 0)
        close(mem);
    return rc;
}
