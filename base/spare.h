/* Blocks of one size that come and go with every job: given back, they wait for the next. malloc()
 * keeps seven of a size within reach, and jobs come and go by the hundred.
 *
 * Ownership: a block is the taker's alone until spare_free(); what it points to is the taker's to
 * free before that. A list belongs to one thread, and so do its blocks: where functions are called
 * on any thread, the list is _Thread_local. At most SPARE_MAX blocks wait, for as long as the
 * thread lives. A build with AddressSanitizer keeps none, so that it sees every use after the end.
 */
#pragma once

#include <stddef.h>

#define SPARE_MAX 256

struct spare { /* zeroed: an empty list */
    void *first;
    size_t count;
};

void *spare_alloc(struct spare *s, size_t size); /* zeroed, never NULL; always the same size */
void *spare_take(struct spare *s, size_t size);  /* the same, not zeroed */
void spare_free(struct spare *s, void *p);       /* NULL is fine */
