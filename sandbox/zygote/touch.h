/* Which pages a process touches, page by page, found out by taking them all away. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOUCH_PAGE       ((uintptr_t)4096)
#define TOUCH_RANGES_MAX 256u
#define TOUCH_PAGES_MAX  8192u

/* Memory that parent and child share. Zero at first but for the ranges. */
struct touched {
    size_t ranges, pages; /* pages == TOUCH_PAGES_MAX: there were more */
    struct touch_range {
        uintptr_t start, end;
        int prot;  /* what they have and get back */
        bool data; /* the caller's */
    } range[TOUCH_RANGES_MAX];
    uintptr_t page[TOUCH_PAGES_MAX]; /* in the order in which they were touched first */
};

/* From here on each page of t's ranges is noted at the first access, until the process ends. For a
 * forked child that is thrown away: it gets a SIGSEGV handler that nothing takes back, and a system
 * call that is handed a buffer in an untouched page fails with EFAULT. The ranges must not hold the
 * stack, the alternate stack, this object's data or the thread's own block. */
void touch_trace(struct touched *t);

/* The pages that hold the tracer itself; they cannot be traced, and are no cell's. */
bool touch_is_own(uintptr_t page);
