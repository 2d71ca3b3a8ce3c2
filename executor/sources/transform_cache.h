/* What the toolchain made of sources, by the hash of everything that it depends on. Bounded, the
 * least recently used go first; kept in memory and, where there is a folder, on disk for the next
 * start. Losing an entry costs a transform, never more: an entry on disk that is not whole and
 * right is none. Loop thread only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"

#define TRANSFORM_CACHE_MB      32 /* in memory */
#define TRANSFORM_CACHE_DISK_MB 64
#define TRANSFORM_ENTRY_MAX     ((size_t)4 << 20) /* longer ones are not kept */

struct transform_cache;

struct transform_key {
    uint8_t v[SHA256_LEN];
};

/* folder: made when the first entry is put, NULL: memory alone. Bytes of 0: the bounds above. */
struct transform_cache *transform_cache_new(const char *folder, size_t memory_bytes,
                                            size_t disk_bytes);
void transform_cache_free(struct transform_cache *c); /* NULL is fine; what is on disk stays */

/* The bytes, until the next call here; NULL: not there. */
const char *transform_cache_get(struct transform_cache *c, const struct transform_key *k,
                                size_t *len);
void transform_cache_put(struct transform_cache *c, const struct transform_key *k, const char *data,
                         size_t len);

struct transform_cache_stats {
    size_t entries, bytes; /* in memory */
    uint64_t hits, misses;
};
struct transform_cache_stats transform_cache_stats(const struct transform_cache *c);
