#include "sandbox/zygote/aside.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_NO_MEMORY = 70 };

void asides_put(struct asides *q, const struct frame *head, const char *payload)
{
    struct aside *a = malloc(sizeof *a + head->len);
    if (!a)
        _exit(EXIT_NO_MEMORY);
    a->next = NULL;
    a->head = *head;
    memcpy(a->payload, payload, head->len);
    if (q->last)
        q->last->next = a;
    else
        q->first = a;
    q->last = a;
}

struct aside *asides_take(struct asides *q)
{
    struct aside *a = q->first;
    if (!a)
        return NULL;
    q->first = a->next;
    if (!q->first)
        q->last = NULL;
    return a;
}

void asides_drop(struct asides *q)
{
    for (struct aside *a; (a = asides_take(q));)
        free(a);
}
