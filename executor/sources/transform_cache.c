/* How this works: a hash table of lists, and one list of all entries, the last used in front. A
 * file on disk is named by its key and begins with a line that has the SHA-256 of the key and the
 * data behind it, so what was cut short, altered or moved to another name is found out. Files are
 * written beside their name and renamed, not synced. When they are more than the bound, the oldest
 * go until a quarter of it is free. */
#include "executor/sources/transform_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"

#define BUCKETS 1024u /* keys are hashes: their first bytes spread evenly */

static const char magic[] = "isolane-transform-1 ";
#define HEAD_LEN (sizeof magic - 1 + SHA256_HEX) /* the line feed is in SHA256_HEX's last */

struct entry {
    struct list used;   /* all */
    struct list bucket; /* those of its bucket */
    struct transform_key key;
    char *data;
    size_t len;
};

struct transform_cache {
    struct list used;
    struct list buckets[BUCKETS];
    size_t memory_most, disk_most, disk_bytes;
    char *folder; /* NULL: none, or it cannot be used */
    bool folder_made;
    struct transform_cache_stats stats;
};

static struct list *bucket_of(struct transform_cache *c, const struct transform_key *k)
{
    return &c->buckets[((unsigned)k->v[0] << 8 | k->v[1]) % BUCKETS];
}

struct transform_cache *transform_cache_new(const char *folder, size_t memory_bytes,
                                            size_t disk_bytes)
{
    struct transform_cache *c = mem_alloc(sizeof *c);
    list_init(&c->used);
    for (unsigned i = 0; i < BUCKETS; i++)
        list_init(&c->buckets[i]);
    c->memory_most = memory_bytes ? memory_bytes : (size_t)TRANSFORM_CACHE_MB << 20;
    c->disk_most = disk_bytes ? disk_bytes : (size_t)TRANSFORM_CACHE_DISK_MB << 20;
    c->folder = folder ? mem_strdup(folder) : NULL;
    return c;
}

static void drop(struct transform_cache *c, struct entry *x)
{
    list_remove(&x->used);
    list_remove(&x->bucket);
    c->stats.entries--;
    c->stats.bytes -= x->len;
    free(x->data);
    free(x);
}

void transform_cache_free(struct transform_cache *c)
{
    if (!c)
        return;
    while (!list_empty(&c->used))
        drop(c, LIST_ENTRY(c->used.next, struct entry, used));
    free(c->folder);
    free(c);
}

static struct entry *find(struct transform_cache *c, const struct transform_key *k)
{
    LIST_FOREACH(n, bucket_of(c, k))
    {
        struct entry *x = LIST_ENTRY(n, struct entry, bucket);
        if (!memcmp(&x->key, k, sizeof *k))
            return x;
    }
    return NULL;
}

/* Takes ownership of data. */
static struct entry *keep(struct transform_cache *c, const struct transform_key *k, char *data,
                          size_t len)
{
    struct entry *x = mem_alloc(sizeof *x);
    x->key = *k;
    x->data = data;
    x->len = len;
    list_push_front(&c->used, &x->used);
    list_push_back(bucket_of(c, k), &x->bucket);
    c->stats.entries++;
    c->stats.bytes += len;
    while (c->stats.bytes > c->memory_most && c->used.prev != &x->used)
        drop(c, LIST_ENTRY(c->used.prev, struct entry, used));
    return x;
}

/* ---- on disk ---- */

static int path_of(const struct transform_cache *c, const struct transform_key *k, char *out,
                   size_t cap)
{
    char name[SHA256_HEX];
    crypto_hex(k->v, sizeof k->v, name);
    return fs_path(out, cap, NULL, "%s/%s", c->folder, name);
}

static void head_of(const struct transform_key *k, const char *data, size_t len,
                    char out[HEAD_LEN + 1])
{
    struct sha256 h;
    uint8_t sum[SHA256_LEN];
    char hex[SHA256_HEX];
    crypto_sha256_begin(&h);
    crypto_sha256_add(&h, k->v, sizeof k->v);
    crypto_sha256_add(&h, data, len);
    crypto_sha256_end(&h, sum);
    crypto_hex(sum, sizeof sum, hex);
    snprintf(out, HEAD_LEN + 1, "%s%s\n", magic, hex);
}

static struct entry *read_entry(struct transform_cache *c, const struct transform_key *k)
{
    char path[PATH_MAX], head[HEAD_LEN + 1], *text;
    size_t len;
    if (!c->folder || path_of(c, k, path, sizeof path) ||
        fs_read_file(path, TRANSFORM_ENTRY_MAX + HEAD_LEN, &text, &len, NULL))
        return NULL;
    if (len >= HEAD_LEN) {
        head_of(k, text + HEAD_LEN, len - HEAD_LEN, head);
        if (!memcmp(text, head, HEAD_LEN)) {
            memmove(text, text + HEAD_LEN, len - HEAD_LEN + 1); /* the NUL behind it as well */
            return keep(c, k, text, len - HEAD_LEN);
        }
    }
    free(text);
    unlink(path);
    return NULL;
}

struct found {
    char *path;
    struct timespec at;
    size_t bytes;
};

static int oldest_first(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->at.tv_sec != y->at.tv_sec)
        return x->at.tv_sec < y->at.tv_sec ? -1 : 1;
    return (x->at.tv_nsec > y->at.tv_nsec) - (x->at.tv_nsec < y->at.tv_nsec);
}

/* What lies in the folder, counted; over the bound, the oldest go. */
static void tidy(struct transform_cache *c)
{
    struct found *v = NULL;
    size_t n = 0, cap = 0, sum = 0;
    DIR *d = opendir(c->folder);
    for (struct dirent *f; d && (f = readdir(d));) {
        struct stat s;
        if (f->d_name[0] == '.' || fstatat(dirfd(d), f->d_name, &s, AT_SYMLINK_NOFOLLOW) ||
            !S_ISREG(s.st_mode))
            continue;
        char path[PATH_MAX];
        if (fs_path(path, sizeof path, NULL, "%s/%s", c->folder, f->d_name))
            continue;
        if (n == cap)
            v = mem_grow(v, (cap = cap ? 2 * cap : 64) * sizeof *v);
        v[n++] = (struct found){mem_strdup(path), s.st_mtim, (size_t)s.st_size};
        sum += (size_t)s.st_size;
    }
    if (d)
        closedir(d);
    bool over = sum > c->disk_most;
    if (over)
        qsort(v, n, sizeof *v, oldest_first);
    for (size_t i = 0; i < n; i++) {
        if (over && sum > c->disk_most / 4 * 3 && !unlink(v[i].path))
            sum -= v[i].bytes;
        free(v[i].path);
    }
    free(v);
    c->disk_bytes = sum;
}

static bool make_folder(struct transform_cache *c)
{
    struct err e = {0};
    if (c->folder_made)
        return true;
    if (fs_make_dirs(c->folder, &e)) {
        log_warn("toolchain", "transforms are not kept on disk: %s", e.msg);
        free(c->folder);
        c->folder = NULL;
        return false;
    }
    tidy(c);
    return c->folder_made = true;
}

static bool write_whole(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return true;
}

static void write_entry(struct transform_cache *c, const struct transform_key *k, const char *data,
                        size_t len)
{
    char path[PATH_MAX], part[PATH_MAX], head[HEAD_LEN + 1];
    if (!c->folder || !make_folder(c) || path_of(c, k, path, sizeof path) ||
        fs_path(part, sizeof part, NULL, "%s/.part-%ld", c->folder, (long)getpid()))
        return;
    head_of(k, data, len, head);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    bool whole = write_whole(fd, head, HEAD_LEN) && write_whole(fd, data, len);
    close(fd);
    if (!whole || rename(part, path)) { /* a full disk: it stays in memory */
        unlink(part);
        return;
    }
    c->disk_bytes += HEAD_LEN + len;
    if (c->disk_bytes > c->disk_most)
        tidy(c);
}

/* ---- for the toolchain ---- */

const char *transform_cache_get(struct transform_cache *c, const struct transform_key *k,
                                size_t *len)
{
    struct entry *x = find(c, k);
    if (!x)
        x = read_entry(c, k);
    if (!x) {
        c->stats.misses++;
        return NULL;
    }
    c->stats.hits++;
    list_remove(&x->used);
    list_push_front(&c->used, &x->used);
    *len = x->len;
    return x->data;
}

void transform_cache_put(struct transform_cache *c, const struct transform_key *k, const char *data,
                         size_t len)
{
    struct entry *x = find(c, k);
    if (x)
        drop(c, x);
    if (len > TRANSFORM_ENTRY_MAX)
        return;
    keep(c, k, mem_copy(data, len), len);
    write_entry(c, k, data, len);
}

struct transform_cache_stats transform_cache_stats(const struct transform_cache *c)
{
    return c->stats;
}
