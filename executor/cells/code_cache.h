/* What V8 made of jobs' sources (sandbox/engine/code.cc), by key: in memory, bounded. Loop thread
 * only.
 *
 * A source is noted when it is first seen and made code for when it comes again: most come once.
 * Bytes are shared out so that no tenant can push another's out: a tenant has at most a quarter of
 * them, and where all together are over the bound, the tenant with the most gives up what it has
 * not used for longest. Nothing is kept on disk: it is executable input, and made again within
 * milliseconds. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"

struct code_cache;

struct code_key {
    uint8_t v[SHA256_LEN];
};

enum code_state {
    CODE_NEW,   /* not seen before, or so long ago that it is forgotten; it is noted now */
    CODE_AGAIN, /* seen before: worth making code for */
    CODE_NONE,  /* there is none to be had, or it is being made */
    CODE_HERE
};

/* tenants: how many there are; the numbers below are less. */
struct code_cache *code_cache_new(size_t bytes, int tenants);
void code_cache_free(struct code_cache *c); /* NULL is fine */

/* CODE_HERE: the bytes, until the next put. */
enum code_state code_cache_find(struct code_cache *c, const struct code_key *k, const char **data,
                                size_t *len);

/* len 0: there is none to be had (CODE_NONE from now on). */
void code_cache_put(struct code_cache *c, const struct code_key *k, int tenant, const char *data,
                    size_t len);

struct code_cache_stats {
    size_t entries, bytes;
    uint64_t hits, misses; /* of sources that were seen before */
};
struct code_cache_stats code_cache_stats(const struct code_cache *c);
size_t code_cache_bytes_of(const struct code_cache *c, int tenant);
