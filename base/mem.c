#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void check_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "isolane: internal check failed: %s (%s:%d)\n", what, file, line);
    abort();
}

#define SMALL                                                                                      \
    1032 /* bytes: what glibc keeps at hand for each thread, for malloc() and not calloc() */

void *mem_alloc(size_t size)
{
    void *p = size && size <= SMALL ? malloc(size) : calloc(1, size ? size : 1);
    CHECK(p != NULL);
    if (size <= SMALL) {
        __asm__("" : "+r"(p)); /* or the compiler makes a calloc() of the two */
        memset(p, 0, size);
    }
    return p;
}

void *mem_grow(void *p, size_t size)
{
    void *q = realloc(p, size ? size : 1);
    CHECK(q != NULL);
    return q;
}

void *mem_copy(const void *p, size_t size)
{
    char *q = malloc(size + 1);
    CHECK(q != NULL);
    if (size)
        memcpy(q, p, size);
    q[size] = 0;
    return q;
}

char *mem_strdup(const char *s)
{
    return mem_copy(s, strlen(s));
}
