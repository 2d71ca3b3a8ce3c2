/* How this works
 *
 * Of V8's heap and of malloc's a cell touches so many pages that their page table entries, copied
 * by the fork and taken out at the end, cost it some 0.25 µs each, whether it changes them or not.
 * As one huge page they are one entry. The first write to it gives the child a page table of small
 * entries for the same memory, made in one go, and copies the small page that is written: 5 µs,
 * once. What no cell writes (V8's read-only heap) stays one entry to the end.
 *
 * A chunk is taken as it is, with the holes in it, when all there is has one protection: V8 puts
 * its read-only pages 128 kB apart, and one huge page stands for all these mappings too. */
#include "sandbox/zygote/whole.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/zygote/maps.h"

#define CHUNK      ((uintptr_t)2 << 20) /* a huge page */
#define CHUNKS_MAX 32u
#define WORTH      16u                   /* pages of it that a cell touches */
#define HOLE_MAX   ((uintptr_t)64 << 10) /* larger ones are reservations that V8 will use */

/* Where data was touched. */
struct chunks {
    size_t n;
    struct {
        uintptr_t at;
        unsigned pages;
    } chunk[CHUNKS_MAX];
};

/* Up to the next chunk: nothing else is to be in malloc's first one, or behind its last. */
static void end_heap_with_chunk(void)
{
    const void *ignored = sbrk((intptr_t)(-(uintptr_t)sbrk(0) & (CHUNK - 1)));
    (void)ignored;
}

void whole_begin(void)
{
    end_heap_with_chunk();
}

static bool is_data(const struct touched *t, uintptr_t page)
{
    for (size_t i = 0; i < t->ranges; i++)
        if (t->range[i].start <= page && page < t->range[i].end)
            return t->range[i].data;
    return false;
}

static void count_page(struct chunks *c, uintptr_t at)
{
    size_t k = 0;
    while (k < c->n && c->chunk[k].at != at)
        k++;
    if (k == CHUNKS_MAX)
        return;
    if (k == c->n) {
        c->chunk[k].at = at;
        c->chunk[k].pages = 0;
        c->n++;
    }
    c->chunk[k].pages++;
}

static void find_chunks(const struct touched *t, struct chunks *c)
{
    c->n = 0;
    for (size_t i = 0; i < t->pages; i++)
        if (is_data(t, t->page[i]))
            count_page(c, t->page[i] & ~(CHUNK - 1));
}

/* What V8 keeps from access between its pages: that it can be read does no harm. */
static bool is_hole(const struct map *m)
{
    return !m->readable && !m->writable && !m->executable && m->end - m->start <= HOLE_MAX;
}

static bool is_heap(const struct map *m)
{
    return m->readable && !m->executable && !m->shared && !m->file && m->kind == MAP_OTHER;
}

/* The protection that all data of the chunk has; -1: it has several, or other things are there, or
 * malloc's heap may still grow in it. */
static int one_protection(const struct map *maps, int n, uintptr_t chunk)
{
    const uintptr_t heap_end = (uintptr_t)sbrk(0);
    int prot = -1;
    if (chunk <= heap_end && heap_end < chunk + CHUNK)
        return -1;
    for (int i = 0; i < n; i++) {
        const struct map *m = &maps[i];
        if (m->end <= chunk || chunk + CHUNK <= m->start || is_hole(m))
            continue;
        const int has = PROT_READ | (m->writable ? PROT_WRITE : 0);
        if (!is_heap(m) || (prot >= 0 && prot != has))
            return -1;
        prot = has;
    }
    return prot;
}

static void copy_chunk(char *to, uintptr_t chunk, const struct map *maps, int n)
{
    for (int i = 0; i < n; i++) {
        const uintptr_t from = maps[i].start > chunk ? maps[i].start : chunk;
        const uintptr_t end = maps[i].end < chunk + CHUNK ? maps[i].end : chunk + CHUNK;
        if (from < end && !is_hole(&maps[i]))
            memcpy(to + (from - chunk), (const void *)from, end - from);
    }
}

/* Nothing changes on failure. Nothing of the data may change meanwhile: no allocation here. */
static bool make_whole(const struct map *maps, int n, uintptr_t chunk)
{
    const int prot = one_protection(maps, n, chunk);
    char *copy = prot < 0 ? NULL : maps_aligned(CHUNK, CHUNK);
    if (!copy)
        return false;
    bool ok = madvise(copy, CHUNK, MADV_HUGEPAGE) == 0;
    if (ok) {
        copy_chunk(copy, chunk, maps, n);
        ok = mprotect(copy, CHUNK, prot) == 0 &&
             maps_huge_kb((uintptr_t)copy) == (int64_t)(CHUNK >> 10) &&
             mremap(copy, CHUNK, CHUNK, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)chunk) != MAP_FAILED;
    }
    if (!ok)
        munmap(copy, CHUNK);
    return ok;
}

/* What lies in front of the chunk and behind it stays in the ranges. */
static void cut(struct touched *t, uintptr_t chunk)
{
    for (size_t i = t->ranges; i-- > 0;) {
        const struct touch_range r = t->range[i];
        if (r.end <= chunk || chunk + CHUNK <= r.start)
            continue;
        t->range[i] = t->range[--t->ranges];
        if (r.start < chunk)
            t->range[t->ranges++] = (struct touch_range){r.start, chunk, r.prot, r.data};
        if (r.end > chunk + CHUNK && t->ranges < TOUCH_RANGES_MAX)
            t->range[t->ranges++] = (struct touch_range){chunk + CHUNK, r.end, r.prot, r.data};
    }
}

void whole_make(struct touched *t)
{
    struct chunks c;
    end_heap_with_chunk();
    find_chunks(t, &c);
    for (size_t i = 0; i < c.n; i++) {
        struct map *maps;
        int n = c.chunk[i].pages >= WORTH ? maps_read(&maps) : -1;
        if (n < 0)
            continue;
        if (make_whole(maps, n, c.chunk[i].at))
            cut(t, c.chunk[i].at);
        maps_free(maps);
    }
}
