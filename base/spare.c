#include "base/spare.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#ifdef __SANITIZE_ADDRESS__
#define KEEPS false
#else
#define KEEPS true
#endif

/* A waiting block begins with the address of the next. */

void *spare_take(struct spare *s, size_t size)
{
    void *p = s->first;
    CHECK(size >= sizeof p);
    if (!p)
        return mem_grow(NULL, size);
    memcpy(&s->first, p, sizeof s->first);
    s->count--;
    return p;
}

void *spare_alloc(struct spare *s, size_t size)
{
    return s->first ? memset(spare_take(s, size), 0, size) : mem_alloc(size);
}

void spare_free(struct spare *s, void *p)
{
    if (!p || !KEEPS || s->count >= SPARE_MAX) {
        free(p);
        return;
    }
    memcpy(p, &s->first, sizeof s->first);
    s->first = p;
    s->count++;
}
