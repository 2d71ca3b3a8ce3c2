#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void check_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "isolane: internal check failed: %s (%s:%d)\n", what, file, line);
    abort();
}

void *mem_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    CHECK(p != NULL);
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
