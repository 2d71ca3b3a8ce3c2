#include "executor/front/custody.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/spare.h"
#include "base/text.h"

/* Bytes; what a result of a line or two needs. Such a block is kept for the next. */
#define USUAL_ENVELOPE ((size_t)4096)

static _Thread_local struct spare spare, spare_envelopes;

static size_t make_key(char out[CUSTODY_KEY_MAX], const char *tenant, const char *id)
{
    const char *end = out + CUSTODY_KEY_MAX;
    return (size_t)(text_add(text_add(text_add(out, end, tenant), end, "/"), end, id) - out);
}

struct custody *custody_find(struct custody_table *t, const char *tenant, const char *id)
{
    char key[CUSTODY_KEY_MAX];
    struct custody *c = NULL;
    HASH_FIND(hh, t->by_key, key, make_key(key, tenant, id), c);
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
    struct custody *c = spare_alloc(&spare, sizeof *c);
    size_t len = make_key(c->key, tenant, id);
    text_copy(c->tenant, sizeof c->tenant, tenant);
    text_copy(c->id, sizeof c->id, id);
    list_init(&c->node);
    HASH_ADD(hh, t->by_key, key, len, c);
    return c;
}

void custody_keep_envelope(struct custody *c, const char *envelope, size_t len)
{
    CHECK(!c->envelope);
    c->envelope_usual = len < USUAL_ENVELOPE;
    c->envelope =
        c->envelope_usual ? spare_take(&spare_envelopes, USUAL_ENVELOPE) : mem_grow(NULL, len + 1);
    memcpy(c->envelope, envelope, len);
    c->envelope[len] = 0;
    c->envelope_len = len;
}

void custody_remove(struct custody_table *t, struct custody *c)
{
    CHECK(!c->lease);
    HASH_DEL(t->by_key, c);
    list_remove(&c->node);
    if (c->envelope_usual)
        spare_free(&spare_envelopes, c->envelope);
    else
        free(c->envelope);
    spare_free(&spare, c);
}

int custody_count(const struct custody_table *t)
{
    return (int)HASH_COUNT(t->by_key);
}
