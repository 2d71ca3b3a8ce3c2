/* How this works
 *
 * One pass over the blocks of 512 bytes. Every length that the archive says is held against what is
 * left of it before it is used; nothing is made as large as the archive says it is. Names are
 * copied, the files' bytes stay where they are until all entries were seen; then the list is sorted
 * and becomes one pack. */
#include "queue/job/archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/pack.h"
#include "base/utf8.h"
#include "queue/job/job.h"

#define BLOCK     ((size_t)512)
#define SHOWN_MAX 80              /* characters of a name that an error repeats */
#define RAW_MAX   (100 + 1 + 155) /* bytes of a name in a header */

/* Where what stands in a header (POSIX.1-2017, pax, "ustar Interchange Format"). */
enum { NAME = 0, SIZE = 124, SUM = 148, TYPE = 156, MAGIC = 257, PREFIX = 345 };
enum { NAME_LEN = 100, SIZE_LEN = 12, SUM_LEN = 8, PREFIX_LEN = 155 };

struct found {
    char *path;
    const char *data;
    size_t path_len, len;
};

struct reading {
    const char *data;
    size_t len, at;
    struct found *files;
    size_t n, cap, entries, bytes;
    /* What a header of its own says of the entry behind it. */
    char *path; /* NULL: nothing */
    size_t path_len;
    bool sized;
    size_t size;
    struct err *e;
};

/* ---- words ---- */

/* A name as an error shows it: one line of UTF-8. */
static const char *shown_name(const char *s, size_t len, char out[SHOWN_MAX + 8])
{
    struct buf b = {0};
    utf8_add_repaired(&b, s, len < SHOWN_MAX ? len : SHOWN_MAX);
    size_t n = utf8_cut(b.data ? b.data : "", b.len, SHOWN_MAX);
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)b.data[i] < 0x20 || b.data[i] == 0x7f ? ' ' : b.data[i];
    strcpy(out + n, len > SHOWN_MAX ? "…" : "");
    buf_free(&b);
    return out;
}

static int wrong(struct reading *r, const char *what)
{
    return err_set(r->e, ERR_INVALID, "%s at byte %zu", what, r->at);
}

static int wrong_entry(struct reading *r, const char *name, size_t len, const char *what)
{
    char shown[SHOWN_MAX + 8];
    return err_set(r->e, ERR_INVALID, "entry '%s' %s", shown_name(name, len, shown), what);
}

/* ---- a header's fields ---- */

static size_t text_len(const char *field, size_t cap)
{
    const char *nul = memchr(field, 0, cap);
    return nul ? (size_t)(nul - field) : cap;
}

/* Octal digits between blanks, ended by a blank, a NUL or the field. */
static bool octal(const char *field, size_t cap, size_t *out)
{
    size_t i = 0, v = 0, digits = 0;
    while (i < cap && field[i] == ' ')
        i++;
    for (; i < cap && field[i] >= '0' && field[i] <= '7'; i++, digits++)
        v = v * 8 + (size_t)(field[i] - '0'); /* at most 12 digits: 36 bits */
    for (; i < cap; i++)
        if (field[i] != ' ' && field[i] != 0)
            return false;
    *out = v;
    return digits > 0;
}

static bool sum_holds(const char *h)
{
    size_t said, sum = SUM_LEN * ' ';
    for (size_t i = 0; i < BLOCK; i++)
        if (i < SUM || i >= SUM + SUM_LEN)
            sum += (unsigned char)h[i];
    return octal(h + SUM, SUM_LEN, &said) && said == sum;
}

static bool is_zero(const char *h)
{
    for (size_t i = 0; i < BLOCK; i++)
        if (h[i])
            return false;
    return true;
}

/* The name in the header itself; ustar's has a second part, which GNU's form uses otherwise. */
static size_t header_name(const char *h, char out[RAW_MAX])
{
    size_t n = 0, len = text_len(h + NAME, NAME_LEN);
    if (!memcmp(h + MAGIC, "ustar", 6) && h[PREFIX]) {
        n = text_len(h + PREFIX, PREFIX_LEN);
        memcpy(out, h + PREFIX, n);
        out[n++] = '/';
    }
    memcpy(out + n, h + NAME, len);
    return n + len;
}

/* ---- headers about the next entry ---- */

static void take_path(struct reading *r, const char *s, size_t len)
{
    free(r->path);
    r->path = mem_copy(s, len);
    r->path_len = len;
}

static bool take_size(struct reading *r, const char *s, size_t len)
{
    size_t v = 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9' || v > ARCHIVE_BYTES_MAX)
            return false;
        v = v * 10 + (size_t)(s[i] - '0');
    }
    r->size = v;
    r->sized = true;
    return len > 0;
}

/* One record: "<length of all of it> <key>=<value>\n". 0: there is none that is right. */
static size_t pax_record(struct reading *r, const char *s, size_t len, bool global)
{
    size_t n = 0, i = 0;
    for (; i < len && i < 6 && s[i] >= '0' && s[i] <= '9'; i++)
        n = n * 10 + (size_t)(s[i] - '0');
    if (i == 0 || i >= len || s[i] != ' ' || n > len || n < i + 4 || s[n - 1] != '\n')
        return 0;
    const char *key = s + i + 1, *equals = memchr(key, '=', n - i - 2);
    if (!equals || equals == key)
        return 0;
    size_t key_len = (size_t)(equals - key), value_len = n - 1 - (size_t)(equals + 1 - s);
    bool path = key_len == 4 && !memcmp(key, "path", 4);
    bool size = key_len == 4 && !memcmp(key, "size", 4);
    if (key_len > 10 && !memcmp(key, "GNU.sparse", 10))
        return 0;
    if (global && (path || size))
        return 0;
    if (path)
        take_path(r, equals + 1, value_len);
    return size && !take_size(r, equals + 1, value_len) ? 0 : n;
}

static int read_pax(struct reading *r, const char *s, size_t len, bool global)
{
    for (size_t at = 0; at < len;) {
        size_t n = pax_record(r, s + at, len - at, global);
        if (n == 0)
            return wrong(r, "has a pax header that is not understood");
        at += n;
    }
    return 0;
}

/* ---- entries ---- */

static int add_file(struct reading *r, const char *path, size_t len, const char *data, size_t size)
{
    if (r->n == JOB_FILES_MAX)
        return wrong_entry(r, path, len, "is one file too many; allowed: at most 4096");
    if (size > ARCHIVE_FILES_BYTES_MAX - r->bytes)
        return wrong_entry(r, path, len, "brings the files over 32 MiB together; allowed: that");
    if (r->n == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 64;
        r->files = mem_grow(r->files, r->cap * sizeof *r->files);
    }
    r->bytes += size;
    r->files[r->n++] = (struct found){mem_copy(path, len), data, len, size};
    return 0;
}

static const char *refusal(char type)
{
    switch (type) {
    case '1':
        return "is a hard link; allowed: files and folders";
    case '2':
        return "is a symbolic link; allowed: files and folders";
    case '3':
    case '4':
        return "is a device; allowed: files and folders";
    case '6':
        return "is a pipe; allowed: files and folders";
    case 'S':
        return "is a sparse file; allowed: files and folders";
    default:
        return "is of an unknown kind; allowed: files and folders";
    }
}

static int add_entry(struct reading *r, char type, const char *name, size_t name_len,
                     const char *data, size_t size)
{
    const char *path = name;
    size_t len = name_len;
    bool folder = type == '5';
    if (!folder && type != '0' && type != 0 && type != '7')
        return wrong_entry(r, name, name_len, refusal(type));
    while (len >= 2 && path[0] == '.' && path[1] == '/')
        path += 2, len -= 2;
    if (len > 0 && path[len - 1] == '/' && (folder || (type == 0 && size == 0)))
        len--, folder = true;
    if (folder && (len == 0 || (len == 1 && path[0] == '.')))
        return 0; /* "./": the folder itself */
    if (!pack_path_valid(path, len) || utf8_valid_prefix(path, len) < len)
        return wrong_entry(r, name, name_len,
                           "has a path that is refused; allowed: 1 to 255 bytes of UTF-8, "
                           "relative, parts between single '/', none of them '.' or '..', no '\\' "
                           "and no control characters");
    if (folder)
        return size ? wrong_entry(r, name, name_len, "is a folder with bytes; allowed: none") : 0;
    return add_file(r, path, len, data, size);
}

/* The entry whose header is at r->at; r->at moves behind it. */
static int read_entry(struct reading *r)
{
    const char *h = r->data + r->at;
    char own[RAW_MAX], type = h[TYPE];
    size_t size = 0, own_len = header_name(h, own);
    bool about = type == 'x' || type == 'g' || type == 'L';
    if (!sum_holds(h))
        return wrong(r, "is no tar archive, or damaged: a header's sum does not fit");
    if (r->entries++ == ARCHIVE_ENTRIES_MAX)
        return wrong(r, "has more than 16384 entries");
    const char *name = r->path && !about ? r->path : own;
    size_t name_len = r->path && !about ? r->path_len : own_len;
    if (!octal(h + SIZE, SIZE_LEN, &size))
        return wrong_entry(r, name, name_len, "has a size that is no octal number");
    if (r->sized && !about)
        size = r->size;
    size_t left = r->len - r->at - BLOCK;
    if (size > left)
        return wrong_entry(r, name, name_len, "has more bytes than the archive");
    const char *data = h + BLOCK;
    int rc = type == 'x' || type == 'g' ? read_pax(r, data, size, type == 'g') : 0;
    if (type == 'L')
        take_path(r, data, text_len(data, size));
    if (!about) {
        rc = add_entry(r, type, name, name_len, data, size);
        free(r->path);
        r->path = NULL;
        r->sized = false;
    }
    size_t padded = (size + BLOCK - 1) / BLOCK * BLOCK;
    r->at += BLOCK + (padded < left ? padded : left);
    return rc;
}

static int by_path(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return pack_compare(x->path, x->path_len, y->path, y->path_len);
}

static int read_all(struct reading *r)
{
    int rc = 0;
    for (;;) {
        if (r->len - r->at < BLOCK)
            return wrong(r, "is no tar archive, or cut off: there is no end");
        if (is_zero(r->data + r->at))
            break;
        if ((rc = read_entry(r)))
            return rc;
    }
    if (r->path || r->sized)
        return wrong(r, "ends behind a header for an entry that is not there");
    if (r->n == 0)
        return err_set(r->e, ERR_INVALID, "has no files");
    qsort(r->files, r->n, sizeof *r->files, by_path);
    for (size_t i = 1; i < r->n; i++)
        if (!by_path(&r->files[i - 1], &r->files[i]))
            return wrong_entry(r, r->files[i].path, r->files[i].path_len,
                               "is there twice; allowed: each path once");
    return 0;
}

static void make_pack(const struct reading *r, struct archive *out)
{
    struct buf pack = {0}, hashes = {0};
    char hex[SHA256_HEX];
    buf_reserve(&pack, r->bytes + r->n * 64);
    for (size_t i = 0; i < r->n; i++) {
        const struct found *f = &r->files[i];
        pack_add(&pack, f->path, f->path_len, f->data, f->len);
        crypto_sha256_hex(f->data, f->len, hex);
        buf_addf(&hashes, "%s  %.*s\n", hex, (int)f->path_len, f->path);
    }
    CHECK(!pack.full && !hashes.full);
    out->pack = buf_take(&pack, &out->len);
    out->hashes = buf_take(&hashes, &out->hashes_len);
}

int archive_read(const char *data, size_t len, struct archive *out, struct err *e)
{
    static const char zstd[] = "\x28\xb5\x2f\xfd";
    struct buf tar = {.max = ARCHIVE_BYTES_MAX};
    struct reading r = {.data = data, .len = len, .e = e};
    int rc = 0;
    *out = (struct archive){0};
    if (len > ARCHIVE_BYTES_MAX)
        return err_set(e, ERR_INVALID, "has %zu bytes; allowed: at most %zu", len,
                       ARCHIVE_BYTES_MAX);
    if (len >= 4 && !memcmp(data, zstd, 4))
        return err_set(e, ERR_INVALID, "is zstd; allowed: tar, plain or in gzip");
    if (archive_is_gzip(data, len)) {
        rc = archive_gunzip(data, len, &tar, e);
        r.data = tar.data;
        r.len = tar.len;
    }
    if (!rc)
        rc = read_all(&r);
    if (!rc)
        make_pack(&r, out);
    for (size_t i = 0; i < r.n; i++)
        free(r.files[i].path);
    free(r.files);
    free(r.path);
    buf_free(&tar);
    return rc;
}

void archive_free(struct archive *a)
{
    free(a->pack);
    free(a->hashes);
    *a = (struct archive){0};
}
