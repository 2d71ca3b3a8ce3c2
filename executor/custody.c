#include "executor/custody.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void make_key(char out[CUSTODY_KEY_MAX], const char *tenant, const char *id)
{
    snprintf(out, CUSTODY_KEY_MAX, "%s/%s", tenant, id);
}

struct custody *custody_find(struct custody_table *t, const char *tenant, const char *id)
{
    char key[CUSTODY_KEY_MAX];
    struct custody *c = NULL;
    make_key(key, tenant, id);
    HASH_FIND_STR(t->by_key, key, c);
    return c;
}

struct custody *custody_find_id(struct custody_table *t, const char *id, bool *ambiguous)
{
    struct custody *found = NULL;
    *ambiguous = false;
    /* Bounded by the prefetch: at most some hundreds, and only for requests that name no tenant. */
    for (struct custody *c = t->by_key; c; c = c->hh.next) {
        if (strcmp(c->id, id) != 0)
            continue;
        if (found) {
            *ambiguous = true;
            return NULL;
        }
        found = c;
    }
    return found;
}

struct custody *custody_add(struct custody_table *t, const char *tenant, const char *id)
{
    struct custody *c = mem_alloc(sizeof *c);
    make_key(c->key, tenant, id);
    snprintf(c->tenant, sizeof c->tenant, "%s", tenant);
    snprintf(c->id, sizeof c->id, "%s", id);
    list_init(&c->node);
    HASH_ADD_STR(t->by_key, key, c);
    return c;
}

void custody_remove(struct custody_table *t, struct custody *c)
{
    CHECK(!c->lease);
    HASH_DEL(t->by_key, c);
    list_remove(&c->node);
    free(c->envelope);
    free(c);
}

int custody_count(const struct custody_table *t)
{
    return (int)HASH_COUNT(t->by_key);
}
