/* How this works
 *
 * What a fork costs here, the end of the child included: 2 to 3 µs for each mapping that holds
 * memory of the process's own, 0.7 for each other, 0.25 for each page of its own that is there, and
 * in the child 1.5 for each page it changes and 3.8 for each 64 kB window of a file that it enters,
 * because a fork does not copy the page tables of file mappings. So:
 *
 *   1. let_fork       V8 marks its mappings MADV_DONTFORK; a child without them dies at once.
 *   2. spare_use_up   what malloc has free between blocks is taken (spare.h).
 *   3. find_touched   a training child does what a usual cell does; which pages it touches is
 *                     noted one by one (touch.h).
 *   4. make_huge      2 MB chunks of the program's text and constants of which it touched more than
 *                     a few pages are copied into anonymous huge pages in place: a fork copies one
 *                     page table entry for each, and no child faults on them. Some 40 MB for a
 *                     zygote.
 *   5. whole_make     so are heaps of which a cell touches much (whole.h).
 *   6. image_make     of the others, and of libraries, what is not touched goes out of the page
 *                     tables (image.h).
 *   7. join_text      headers and constants beside text become one mapping with it (join.h).
 *   8. keep_from_children   holes and libraries that nobody uses: mappings not to be copied.
 *
 * Small anonymous pages in place of the whole text would make every fork a millisecond dearer, so a
 * run of chunks is only moved in once the kernel has shown that it is made of huge pages
 * altogether. */
#include "sandbox/zygote/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/zygote/image.h"
#include "sandbox/zygote/join.h"
#include "sandbox/zygote/maps.h"
#include "sandbox/zygote/spare.h"
#include "sandbox/zygote/whole.h"

#define CHUNK       ((uintptr_t)2 << 20) /* of text that is moved: the size of a huge page */
#define CHUNKS_MAX  64u                  /* 128 MB; the program has some 60 MB of text in all */
#define CHUNK_WORTH 16u /* pages; fewer are cheaper by themselves (image.c), in fewer mappings */
#define NEAR_WORTH  2u  /* but beside such a chunk, where they take the place of a page table */
#define HOLE_MAX    ((uintptr_t)64 << 10) /* larger ones are reservations that V8 will use */

/* ---- 1. let_fork ---- */

static int let_fork(struct err *e)
{
    struct map *maps;
    int n = maps_read(&maps);
    if (n < 0) {
        errno = -n;
        return err_errno(e, "cannot read /proc/self/maps");
    }
    /* Refused for the kernel's own three (vvar, vdso, vsyscall), which every process has anyway. */
    for (int i = 0; i < n; i++)
        madvise((void *)maps[i].start, maps[i].end - maps[i].start, MADV_DOFORK);
    maps_free(maps);
    return 0;
}

/* ---- 3. find_touched ---- */

struct hot {
    size_t n;
    uintptr_t chunk[CHUNKS_MAX]; /* ascending */
    unsigned pages[CHUNKS_MAX];  /* of it that were touched */
};

/* Runs train() in a child. What it touched stays in shared memory: munmap() it. NULL: not known. */
static struct touched *find_touched(void (*train)(int, int, struct touched *))
{
    struct map *maps;
    int socks[2] = {-1, -1}, status = 1, n = maps_read(&maps);
    struct touched *t =
        mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (t == MAP_FAILED)
        t = NULL;
    if (n > 0 && t)
        image_ranges(maps, n, t);
    if (n >= 0)
        maps_free(maps);
    if (!t || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks))
        return t;
    pid_t pid = fork();
    if (pid == 0)
        train(socks[0], socks[1], t);
    close(socks[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(socks[1]);
    if (status != 0)
        t->pages = 0; /* half of it would be worse than nothing */
    return t;
}

static void add_chunk(struct hot *hot, uintptr_t chunk)
{
    size_t i = 0;
    while (i < hot->n && hot->chunk[i] < chunk)
        i++;
    if (i == hot->n || hot->chunk[i] != chunk) {
        if (hot->n == CHUNKS_MAX)
            return;
        memmove(&hot->chunk[i + 1], &hot->chunk[i], (hot->n - i) * sizeof hot->chunk[0]);
        memmove(&hot->pages[i + 1], &hot->pages[i], (hot->n++ - i) * sizeof hot->pages[0]);
        hot->chunk[i] = chunk;
        hot->pages[i] = 0;
    }
    hot->pages[i]++;
}

/* At most one other lies between them. */
static bool are_near(uintptr_t chunk, uintptr_t next)
{
    return next - chunk <= 2 * CHUNK;
}

/* What is near a chunk that is worth it becomes worth it, and so on: a page table with few entries
 * costs a fork and its end some 3 µs. */
static void warm_neighbours(struct hot *hot)
{
    for (size_t i = 1; i < hot->n; i++)
        if (hot->pages[i] >= NEAR_WORTH && hot->pages[i - 1] >= CHUNK_WORTH &&
            are_near(hot->chunk[i - 1], hot->chunk[i]))
            hot->pages[i] += CHUNK_WORTH;
    for (size_t i = hot->n; i-- > 1;)
        if (hot->pages[i - 1] >= NEAR_WORTH && hot->pages[i] >= CHUNK_WORTH &&
            are_near(hot->chunk[i - 1], hot->chunk[i]))
            hot->pages[i - 1] += CHUNK_WORTH;
}

static void drop_lukewarm(struct hot *hot)
{
    size_t kept = 0;
    warm_neighbours(hot);
    for (size_t i = 0; i < hot->n; i++)
        if (hot->pages[i] >= CHUNK_WORTH) {
            hot->chunk[kept] = hot->chunk[i];
            hot->pages[kept++] = hot->pages[i];
        }
    hot->n = kept;
}

/* Whether the chunk lies altogether in one mapping of the program's text or constants. */
static bool may_move(const struct map *maps, int n, uintptr_t chunk)
{
    const struct map *m = map_of(maps, n, chunk);
    return m && m->kind == MAP_PROGRAM && m->readable && !m->writable && chunk + CHUNK <= m->end;
}

/* The chunks that were touched much, and one that lies alone between two of them: two mappings less
 * for each fork to copy are worth more than its 2 MB. */
static void find_hot(const struct touched *t, struct hot *hot)
{
    struct map *maps;
    int n = maps_read(&maps);
    hot->n = 0;
    for (size_t i = 0; n >= 0 && i < t->pages; i++)
        if (may_move(maps, n, t->page[i] & ~(CHUNK - 1)))
            add_chunk(hot, t->page[i] & ~(CHUNK - 1));
    drop_lukewarm(hot);
    for (size_t i = 1; i < hot->n; i++)
        if (hot->chunk[i] == hot->chunk[i - 1] + 2 * CHUNK &&
            map_of(maps, n, hot->chunk[i]) == map_of(maps, n, hot->chunk[i - 1]))
            add_chunk(hot, hot->chunk[i - 1] + CHUNK);
    if (n >= 0)
        maps_free(maps);
}

/* ---- 4. make_huge ---- */

/* Copies one run of chunks into huge pages and puts them where it was. Nothing changes on failure.
 */
static bool move_run(uintptr_t at, size_t size, int prot)
{
    char *copy = maps_aligned(size, CHUNK);
    if (!copy)
        return false;
    bool ok = madvise(copy, size, MADV_HUGEPAGE) == 0;
    if (ok) {
        memcpy(copy, (const void *)at, size);
        ok = mprotect(copy, size, prot) == 0 &&
             maps_huge_kb((uintptr_t)copy) == (int64_t)(size >> 10) &&
             mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)at) != MAP_FAILED;
    }
    if (!ok)
        munmap(copy, size);
    return ok;
}

static void make_huge(const struct hot *hot)
{
    struct map *maps;
    int n = maps_read(&maps);
    if (n < 0)
        return;
    for (size_t i = 0, next; i < hot->n; i = next) {
        const struct map *m = map_of(maps, n, hot->chunk[i]);
        uintptr_t at = hot->chunk[i], end = at + CHUNK;
        for (next = i + 1; m && next < hot->n && hot->chunk[next] == end && end < m->end; next++)
            end += CHUNK;
        if (m && end <= m->end)
            move_run(at, end - at, PROT_READ | (m->executable ? PROT_EXEC : 0));
    }
    maps_free(maps);
}

/* ---- 8. keep_from_children ---- */

static uint32_t kept_from_children; /* mappings */

static void keep_from_children(void)
{
    struct map *maps;
    int n = maps_read(&maps);
    for (int i = 0; i < n; i++) {
        const struct map *m = &maps[i];
        bool hole = !m->readable && !m->writable && !m->executable && !m->shared &&
                    m->end - m->start <= HOLE_MAX;
        if ((hole || m->kind == MAP_STUB) &&
            madvise((void *)m->start, m->end - m->start, MADV_DONTFORK) == 0)
            kept_from_children++;
    }
    if (n >= 0)
        maps_free(maps);
}

void memory_begin(void)
{
    whole_begin();
}

int memory_prepare(void (*train)(int, int, struct touched *), bool few_cells, struct err *e)
{
    struct hot hot;
    int rc = let_fork(e);
    if (rc)
        return rc;
    if (!few_cells)
        spare_use_up();
    struct touched *t = few_cells ? NULL : find_touched(train);
    if (t) {
        find_hot(t, &hot);
        make_huge(&hot);
        whole_make(t);
        rc = image_make(t, e);
        munmap(t, sizeof *t);
        join_text();
    }
    keep_from_children();
    return rc;
}

void memory_settle(void)
{
    image_drop_cold();
}

/* ---- figures ---- */

int memory_files_open(struct memory_files *f, struct err *e)
{
    f->status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    f->maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    f->rollup = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    if (f->status >= 0 && f->maps >= 0 && f->rollup >= 0)
        return 0;
    int rc = err_errno(e, "cannot open the zygote's figures under /proc/self");
    memory_files_close(f);
    return rc;
}

void memory_files_close(struct memory_files *f)
{
    const int fds[] = {f->status, f->maps, f->rollup};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

int memory_measure(const struct memory_files *f, struct memory_figures *out, struct err *e)
{
    char *text = proc_scratch(PROC_TEXT_MAX);
    int64_t threads = -1, data = -1, dirty = -1, huge = -1;
    long n = text ? proc_read(f->maps, text, PROC_TEXT_MAX) : -ENOMEM;
    out->mappings = 0;
    for (long i = 0; i < n; i++)
        out->mappings += text[i] == '\n';
    if (out->mappings > kept_from_children)
        out->mappings -= kept_from_children;
    if (n > 0 && (n = proc_read(f->status, text, PROC_TEXT_MAX)) > 0) {
        threads = proc_field_kb(text, "Threads:");
        data = proc_field_kb(text, "VmData:");
    }
    if (n > 0 && (n = proc_read(f->rollup, text, PROC_TEXT_MAX)) > 0) {
        dirty = proc_field_kb(text, "Private_Dirty:");
        huge = proc_field_kb(text, "AnonHugePages:");
    }
    if (text)
        munmap(text, PROC_TEXT_MAX);
    if (threads < 0 || data < 0 || dirty < 0 || huge < 0) {
        errno = n < 0 ? (int)-n : EIO;
        return err_errno(e, "cannot read the zygote's figures under /proc/self");
    }
    out->threads = (uint32_t)threads;
    out->data_bytes = (uint64_t)data << 10;
    out->huge_bytes = (uint64_t)huge << 10;
    out->private_dirty_bytes = dirty > huge ? (uint64_t)(dirty - huge) << 10 : 0;
    return 0;
}
