/* Frames that came before somebody wanted them: copies, in order. One thread, not in signal
 * handlers. */
#pragma once

#include <stdbool.h>

#include "sandbox/frame.h"

struct aside {
    struct aside *next;
    struct frame head;
    char payload[];
};

struct asides {
    struct aside *first, *last;
};

/* False: no memory. */
bool asides_put(struct asides *q, const struct frame *head, const char *payload);
struct aside *asides_take(struct asides *q); /* NULL: none; the caller's to free() */
void asides_drop(struct asides *q);          /* all */
