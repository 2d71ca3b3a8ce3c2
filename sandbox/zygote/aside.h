/* Frames that came before somebody wanted them: copies, in order. One thread, not in signal
 * handlers. */
#pragma once

#include "sandbox/frame.h"

struct aside {
    struct aside *next;
    struct frame head;
    char payload[];
};

struct asides {
    struct aside *first, *last;
};

/* Without memory for it the process ends. */
void asides_put(struct asides *q, const struct frame *head, const char *payload);
struct aside *asides_take(struct asides *q); /* NULL: none; the caller's to free() */
void asides_drop(struct asides *q);          /* all */
