/* How this works
 *
 * What a fork costs here: 1.6–2 µs for each anonymous mapping, 0.7 for each file mapping, 0.15 for
 * each dirty page, and in the child 1.5 for each page it changes and 3.2 for each 64 kB window of
 * the program's text that it enters, because a fork does not copy the page tables of file mappings.
 * So:
 *
 *   1. let_fork       V8 marks its mappings MADV_DONTFORK; a child without them dies at once.
 *   2. find_hot       a training child runs what usual jobs run; which 2 MB chunks of the program's
 * text and constants it entered stands in its /proc/self/pagemap.
 *   3. make_huge      those chunks are copied into anonymous huge pages in place: a fork copies one
 * page table entry for each, and no child faults on them again. 28 MB for a zygote.
 *   4. keep_from_children   holes and libraries that nobody uses: mappings not to be copied.
 *
 * Small anonymous pages in place of the text would make every fork a millisecond dearer, so a run
 * of chunks is only moved in once the kernel has shown that it is made of huge pages altogether. */
#include "sandbox/zygote/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/zygote/maps.h"

#define PAGE        ((uintptr_t)4096)
#define CHUNK       ((uintptr_t)2 << 20) /* of text that is moved: the size of a huge page */
#define CHUNK_PAGES (CHUNK / PAGE)
#define CHUNKS_MAX  64u                   /* 128 MB; the program has some 60 MB of text in all */
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

/* ---- 2. find_hot ---- */

struct hot {
    size_t n;
    uintptr_t chunk[CHUNKS_MAX];
};

static bool any_present(int pagemap, uintptr_t chunk)
{
    uint64_t entries[CHUNK_PAGES];
    ssize_t n = pread(pagemap, entries, sizeof entries, (off_t)(chunk / PAGE * sizeof *entries));
    for (size_t i = 0; n == (ssize_t)sizeof entries && i < CHUNK_PAGES; i++)
        if (entries[i] >> 63) /* present: proc(5) */
            return true;
    return false;
}

/* In the training child: the chunks of the program's text and constants that it has entered. */
static void list_present(struct hot *hot)
{
    struct map *maps;
    int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), n = maps_read(&maps);
    for (int i = 0; pagemap >= 0 && i < n; i++) {
        if (maps[i].kind != MAP_PROGRAM || maps[i].writable)
            continue;
        uintptr_t at = (maps[i].start + CHUNK - 1) & ~(CHUNK - 1), end = maps[i].end & ~(CHUNK - 1);
        for (; at < end && hot->n < CHUNKS_MAX; at += CHUNK)
            if (any_present(pagemap, at))
                hot->chunk[hot->n++] = at;
    }
}

static _Noreturn void training_child(void (*train)(void), int to)
{
    struct hot hot = {0};
    train();
    list_present(&hot);
    _exit(write(to, &hot, sizeof hot) == sizeof hot ? 0 : 1);
}

static void find_hot(void (*train)(void), struct hot *hot)
{
    int pipes[2], status = 1;
    hot->n = 0;
    if (pipe2(pipes, O_CLOEXEC))
        return;
    pid_t pid = fork();
    if (pid == 0)
        training_child(train, pipes[1]);
    close(pipes[1]);
    ssize_t n =
        pid < 0 ? 0 : read(pipes[0], hot, sizeof *hot); /* one write below PIPE_BUF: whole */
    close(pipes[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (n != sizeof *hot || status != 0 || hot->n > CHUNKS_MAX)
        hot->n = 0;
}

/* ---- 3. make_huge ---- */

/* size bytes, aligned to huge pages; NULL when there are none. */
static char *aligned_mapping(size_t size)
{
    char *p = mmap(NULL, size + CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    char *start = (char *)(((uintptr_t)p + CHUNK - 1) & ~(CHUNK - 1));
    if (start > p)
        munmap(p, (size_t)(start - p));
    if (start + size < p + size + CHUNK)
        munmap(start + size, (size_t)(p + CHUNK - start));
    return start;
}

/* Copies one run of chunks into huge pages and puts them where it was. Nothing changes on failure.
 */
static bool move_run(uintptr_t at, size_t size, int prot)
{
    char *copy = aligned_mapping(size);
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

static const struct map *map_of(const struct map *maps, int n, uintptr_t at)
{
    for (int i = 0; i < n; i++)
        if (maps[i].start <= at && at < maps[i].end)
            return &maps[i];
    return NULL;
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
        if (m && m->kind == MAP_PROGRAM && m->readable && !m->writable && end <= m->end)
            move_run(at, end - at, PROT_READ | (m->executable ? PROT_EXEC : 0));
    }
    maps_free(maps);
}

/* ---- 4. keep_from_children ---- */

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

int memory_prepare(void (*train)(void), bool few_cells, struct err *e)
{
    struct hot hot;
    int rc = let_fork(e);
    if (rc)
        return rc;
    if (!few_cells) {
        find_hot(train, &hot);
        make_huge(&hot);
    }
    keep_from_children();
    return 0;
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
