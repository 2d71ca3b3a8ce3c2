/* How this works
 *
 * A linker puts an object's headers and its constants into pages of their own, so that they cannot
 * be executed. That is three mappings for each library where one would do, and a fork and the end
 * of the child pay a microsecond for each, used or not. Given the text's protection they are one
 * mapping with it, as all programs had it before linkers separated them. Bytes of a file that
 * nobody can write become executable; nothing that is writable does, and what was relocated
 * (addresses, in which an enemy might look for instructions) is left alone: the image has it
 * (image.c). */
#include "sandbox/zygote/join.h"

#include <sys/mman.h>

#include "sandbox/zygote/maps.h"

static bool is_constant(const struct map *m)
{
    return m->file && m->readable && !m->writable && !m->shared && m->kind < MAP_STUB;
}

static bool goes_on(const struct map *m, const struct map *next)
{
    return m->end == next->start && m->inode == next->inode &&
           m->offset + (m->end - m->start) == next->offset;
}

void join_text(void)
{
    struct map *maps;
    int n = maps_read(&maps);
    for (int i = 0; i + 1 < n; i++) {
        const struct map *m = &maps[i], *next = m + 1;
        if (!is_constant(m) || !is_constant(next) || !goes_on(m, next) ||
            m->executable == next->executable)
            continue;
        const struct map *plain = m->executable ? next : m;
        mprotect((void *)plain->start, plain->end - plain->start, PROT_READ | PROT_EXEC);
    }
    if (n >= 0)
        maps_free(maps);
}
