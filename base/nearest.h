/* "Did you mean …": the known word nearest to one that is not known, by edit distance (swapped
 * neighbours count as one edit). Any thread.
 *
 *     struct nearest n = {.word = found};
 *     for each known word: nearest_try(&n, known);
 *     if (n.best) … "; did you mean 'best'?" */
#pragma once

#include <stddef.h>

#define NEAREST_WORD_MAX 64 /* longer words are like nothing */

struct nearest {
    const char *word; /* what was found */
    const char *best; /* nearest so far that is near enough to be meant, else NULL */
    size_t distance;  /* of best */
};

void nearest_try(struct nearest *n, const char *known);
