/* Heaps that cells use much of, in huge pages. */
#pragma once

#include "sandbox/zygote/touch.h"

/* Before the engine starts: what malloc gets from now on begins with a huge page. */
void whole_begin(void);

/* Once, while there is no cell, and before image_make(), with malloc's heap as large as it will be
 * in the zygote. t: what a cell touched. Of 2 MB of heap of which that is more than a few pages a
 * huge page is made, and they are no longer among t's ranges. What the machine does not give costs
 * nothing but the savings. */
void whole_make(struct touched *t);
