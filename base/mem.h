/* Memory and "can't be" checks. Running out of memory in the supervisor is not handled: the process
 * ends, its jobs are redelivered. That is simpler to get right than 400 half-tested branches. */
#pragma once

#include <stddef.h>

void *mem_alloc(size_t size);               /* zeroed, never NULL */
void *mem_grow(void *p, size_t size);       /* realloc, never NULL */
char *mem_strdup(const char *s);            /* never NULL */
void *mem_copy(const void *p, size_t size); /* copy plus a NUL byte behind it */
_Noreturn void check_failed(const char *what, const char *file, int line);

/* For what can't be unless the program itself is wrong. Always on, also in release builds. */
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            check_failed(#cond, __FILE__, __LINE__);                                               \
    } while (0)

#define ARRAY_LEN(a)                    (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
