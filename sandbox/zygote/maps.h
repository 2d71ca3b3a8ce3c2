/* /proc/self/maps as an array, and the other files there that memory.c reads. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum map_kind {
    MAP_OTHER,
    MAP_PROGRAM, /* bin/node */
    MAP_STUB,    /* libraries that glibc 2.34 emptied and keeps for their names */
    MAP_KERNEL   /* the stack and what the kernel puts into every process */
};

struct map {
    uintptr_t start, end;
    uintptr_t offset, inode; /* of a file */
    bool readable, writable, executable, shared;
    bool file; /* of a file, not anonymous */
    enum map_kind kind;
};

#define MAPS_MAX 1024

/* Reads them all: their number, or -errno (-E2BIG: more than MAPS_MAX). The array lives in a
 * mapping of its own that maps_free() takes away: no trace of it is left in the heap. */
int maps_read(struct map **out);
void maps_free(struct map *m);

/* The one that `at` lies in, or NULL. */
const struct map *map_of(const struct map *maps, int n, uintptr_t at);

/* Scratch memory that leaves no trace in the heap: munmap() it. NULL when there is none. */
void *proc_scratch(size_t size);

/* Memory of `size` bytes at an address that is a multiple of `alignment`, both multiples of a page:
 * munmap() it. NULL when there is none. */
char *maps_aligned(size_t size, size_t alignment);

#define PROC_TEXT_MAX (1u << 20) /* smaps of a thousand mappings */

/* Value in kB behind "name" ("Private_Dirty:") in a file of lines "name  value kB", read from its
 * start; -1 when it is not there. */
int64_t proc_field_kb(const char *text, const char *name);

/* The whole of an open file under /proc into buf, NUL-terminated: its length, or -errno. */
long proc_read(int fd, char *buf, size_t cap);

/* kB of anonymous huge pages in the mapping that starts at `start`, from /proc/self/smaps; 0 if
 * none. */
int64_t maps_huge_kb(uintptr_t start);
