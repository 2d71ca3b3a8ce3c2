/* How this works: a hash table of entries, and a list for each tenant, the last used in front. What
 * was seen once is a tag in a table in which later ones replace earlier ones: forgetting costs a
 * compilation, never more. */
#include "executor/cells/code_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

#define BUCKETS     1024u /* keys are hashes: their first bytes spread evenly */
#define SEEN        8192u /* sources noted */
#define ENTRY_BYTES 256   /* beside the code itself, about */
#define SHARE       4     /* a tenant has at most so small a part of the bytes */

struct entry {
    struct list used;   /* of its tenant */
    struct list bucket; /* those of its bucket */
    struct code_key key;
    int tenant;
    char *data; /* NULL: there is none to be had */
    size_t len;
};

struct tenant_share {
    struct list used;
    size_t bytes;
};

struct code_cache {
    size_t most;
    int tenants;
    struct tenant_share *share;
    struct list buckets[BUCKETS];
    uint64_t seen[SEEN]; /* 0: none */
    struct code_cache_stats stats;
};

struct code_cache *code_cache_new(size_t bytes, int tenants)
{
    struct code_cache *c = mem_alloc(sizeof *c);
    c->most = bytes;
    c->tenants = tenants;
    c->share = mem_alloc((size_t)tenants * sizeof *c->share);
    for (int i = 0; i < tenants; i++)
        list_init(&c->share[i].used);
    for (unsigned i = 0; i < BUCKETS; i++)
        list_init(&c->buckets[i]);
    return c;
}

static size_t weight(const struct entry *x)
{
    return ENTRY_BYTES + x->len;
}

static void drop(struct code_cache *c, struct entry *x)
{
    list_remove(&x->used);
    list_remove(&x->bucket);
    c->share[x->tenant].bytes -= weight(x);
    c->stats.bytes -= weight(x);
    c->stats.entries--;
    free(x->data);
    free(x);
}

static void drop_oldest(struct code_cache *c, struct tenant_share *s)
{
    drop(c, LIST_ENTRY(s->used.prev, struct entry, used));
}

void code_cache_free(struct code_cache *c)
{
    if (!c)
        return;
    for (int i = 0; i < c->tenants; i++)
        while (!list_empty(&c->share[i].used))
            drop_oldest(c, &c->share[i]);
    free(c->share);
    free(c);
}

static struct list *bucket_of(struct code_cache *c, const struct code_key *k)
{
    return &c->buckets[((unsigned)k->v[0] << 8 | k->v[1]) % BUCKETS];
}

static struct entry *find(struct code_cache *c, const struct code_key *k)
{
    LIST_FOREACH(n, bucket_of(c, k))
    {
        struct entry *x = LIST_ENTRY(n, struct entry, bucket);
        if (!memcmp(&x->key, k, sizeof *k))
            return x;
    }
    return NULL;
}

/* True when it was noted before. */
static bool note(struct code_cache *c, const struct code_key *k)
{
    uint64_t tag, place;
    memcpy(&place, k->v, sizeof place);
    memcpy(&tag, k->v + sizeof place, sizeof tag);
    uint64_t *at = &c->seen[place % SEEN];
    bool before = *at == (tag | 1);
    *at = tag | 1;
    return before;
}

enum code_state code_cache_find(struct code_cache *c, const struct code_key *k, const char **data,
                                size_t *len)
{
    struct entry *x = find(c, k);
    if (!x && !note(c, k))
        return CODE_NEW;
    if (!x || !x->data) {
        c->stats.misses++;
        return x ? CODE_NONE : CODE_AGAIN;
    }
    c->stats.hits++;
    list_remove(&x->used);
    list_push_front(&c->share[x->tenant].used, &x->used);
    *data = x->data;
    *len = x->len;
    return CODE_HERE;
}

static struct tenant_share *largest(struct code_cache *c)
{
    struct tenant_share *most = &c->share[0];
    for (int i = 1; i < c->tenants; i++)
        if (c->share[i].bytes > most->bytes)
            most = &c->share[i];
    return most;
}

void code_cache_put(struct code_cache *c, const struct code_key *k, int tenant, const char *data,
                    size_t len)
{
    CHECK(tenant >= 0 && tenant < c->tenants);
    struct tenant_share *s = &c->share[tenant];
    struct entry *x = find(c, k);
    if (x)
        drop(c, x);
    if (ENTRY_BYTES + len > c->most / SHARE) /* too long to be kept: not to be asked for again */
        len = 0;
    x = mem_alloc(sizeof *x);
    x->key = *k;
    x->tenant = tenant;
    x->data = len ? mem_copy(data, len) : NULL;
    x->len = len;
    list_push_front(&s->used, &x->used);
    list_push_back(bucket_of(c, k), &x->bucket);
    s->bytes += weight(x);
    c->stats.bytes += weight(x);
    c->stats.entries++;
    while (s->bytes > c->most / SHARE && s->used.prev != &x->used)
        drop_oldest(c, s);
    while (c->stats.bytes > c->most && c->stats.entries > 1)
        drop_oldest(c, largest(c));
}

struct code_cache_stats code_cache_stats(const struct code_cache *c)
{
    return c->stats;
}

size_t code_cache_bytes_of(const struct code_cache *c, int tenant)
{
    return c->share[tenant].bytes;
}
