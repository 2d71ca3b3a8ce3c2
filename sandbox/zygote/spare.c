/* How this works
 *
 * malloc gives out what was freed before it cuts anything off the end of its heap. What the start
 * of the engine has freed lies here and there among blocks that are never written again, and every
 * cell would copy a page for each piece that it gets. So the zygote takes them all, the largest
 * first: what remains of one is found among the smaller sizes. A size of which nothing is left is
 * recognised by the block's address, at the end of the heap. */
#include "sandbox/zygote/spare.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP      16u   /* between malloc's sizes */
#define LEAST     24u   /* the smallest block it makes */
#define KEPT_MOST 1032u /* up to here what is freed does not go back to the end of the heap */
#define MOST      (512u << 10) /* larger ones are mappings, or nearly */

void spare_use_up(void)
{
    const struct mallinfo2 m = mallinfo2();
    const size_t left_over = m.fordblks - m.keepcost;
    const uintptr_t rest = (uintptr_t)sbrk(0) - m.keepcost; /* was never given out */
    size_t size = (left_over < MOST ? left_over : MOST) / STEP * STEP + LEAST; /* down to it */
    for (; size >= LEAST; size -= STEP) {
        char *p;
        do
            p = malloc(size);
        while (p && (uintptr_t)p < rest);
        if (size > KEPT_MOST)
            free(p); /* else one block of each size stays at the end: the next is cut behind it */
    }
}
