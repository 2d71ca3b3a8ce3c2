/* A test build (-DISOLANE_ESCAPE, tests/escape) may leave layers out, so that what stands behind
 * them is seen to hold alone. In the product no layer can be left out: these are constants, and the
 * code that they guard is not in the program (tests/escape proves it). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sandbox/jail/jail.h"

/* What is no layer of its own in results, and can be left out all the same. */
enum jail_part {
    PART_FOREIGN_UID = LAYERS,
    PART_ONE_DESCRIPTOR, /* a cell keeps nothing open but its socket */
    JAIL_PARTS
};

#ifdef ISOLANE_ESCAPE

/* Whether this layer (enum jail_layer) or part is left out: tests/escape/layers.c. */
bool jail_off(int layer_or_part);
/* The environment's entry that says so, for the zygote; NULL: none. Async-signal-safe. */
char *jail_off_entry(void);

#else

static inline bool jail_off(int layer_or_part)
{
    (void)layer_or_part;
    return false;
}

static inline char *jail_off_entry(void)
{
    return NULL;
}

#endif
