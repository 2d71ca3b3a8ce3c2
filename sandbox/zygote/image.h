/* Takes out of the zygote's page tables what its cells do not touch. */
#pragma once

#include "base/err.h"
#include "sandbox/zygote/maps.h"
#include "sandbox/zygote/touch.h"

/* Fills in t->range: the mappings that image_make() can do something about, and the program's
 * text. */
void image_ranges(const struct map *maps, int n, struct touched *t);

/* Once, with /proc there, after huge pages were made of text. t: what a cell touched; without pages
 * nothing is done. Fails only where it cannot undo what it began; what the machine does not give
 * costs nothing but the savings. */
int image_make(const struct touched *t, struct err *e);

/* Takes out again what the zygote has touched of the files since. Needs no /proc; the zygote calls
 * it as its last act before it serves forks. */
void image_drop_cold(void);
