/* Artifacts as files, for `isolane run`: what is read was named on the command line, what is put
 * goes below one folder. Nobody else is on the loop, so files are read and written as they come; a
 * read takes one piece a turn. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "executor/artifacts/artifact_store_inner.h"

#define PIECE ((size_t)64 << 10)

struct files {
    struct artifact_store base;
    uv_loop_t *loop;
    const struct artifact_file *files;
    int count;
    const char *out;
};

static void free_files(struct artifact_store *s)
{
    free(s);
}

/* ---- reading ---- */

struct file_read {
    struct artifact_read base;
    struct artifact_read_events ev;
    void *arg;
    const char *path;
    int fd;
    uint64_t left;
    struct sha256 hash;
    uv_idle_t turn;
    char piece[PIECE];
};

static void hash_text(struct sha256 *h, char hex[SHA256_HEX])
{
    uint8_t digest[SHA256_LEN];
    crypto_sha256_end(h, digest);
    crypto_hex(digest, sizeof digest, hex);
}

static void on_read_turn(uv_idle_t *t)
{
    struct file_read *r = t->data;
    struct err e = {0};
    char hex[SHA256_HEX];
    ssize_t n = read(r->fd, r->piece, r->left < PIECE ? (size_t)r->left : PIECE);
    if (n < 0 && errno == EINTR)
        return;
    if (n > 0) {
        r->left -= (uint64_t)n;
        crypto_sha256_add(&r->hash, r->piece, (size_t)n);
        r->ev.data(r->piece, (size_t)n, r->arg);
        return;
    }
    uv_idle_stop(t);
    if (n < 0)
        err_errno(&e, "read %s", r->path);
    else if (r->left > 0)
        err_set(&e, ERR_CORRUPT, "%s became shorter while it was read", r->path);
    hash_text(&r->hash, hex);
    r->ev.done(hex, e.code ? &e : NULL, r->arg); /* may free r */
}

static void on_read_closed(uv_handle_t *h)
{
    free(h->data);
}

static void free_read(struct artifact_read *base)
{
    struct file_read *r = (struct file_read *)base;
    close(r->fd);
    uv_close((uv_handle_t *)&r->turn, on_read_closed);
}

static void pause_read(struct artifact_read *base, bool paused)
{
    struct file_read *r = (struct file_read *)base;
    if (paused)
        uv_idle_stop(&r->turn);
    else
        uv_idle_start(&r->turn, on_read_turn);
}

static const struct artifact_ops ops;

static int read_file(struct artifact_store *base, const char *tenant, const char *object,
                     uint64_t size, const struct artifact_read_events *ev, void *arg,
                     struct artifact_read **out, struct err *e)
{
    struct files *s = (struct files *)base;
    const char *path = NULL;
    (void)tenant;
    for (int i = 0; i < s->count; i++)
        if (!strcmp(s->files[i].object, object))
            path = s->files[i].path;
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (!path || (fd < 0 && errno == ENOENT))
        return err_set(e, ERR_NOT_FOUND, "there is no file for the artifact '%s'", object);
    struct stat st;
    if (fd < 0 || fstat(fd, &st)) {
        if (fd >= 0)
            close(fd);
        return err_errno(e, "open %s", path);
    }
    if ((uint64_t)st.st_size != size) {
        close(fd);
        return err_set(e, ERR_CORRUPT, "%s has %lld bytes, not %llu", path, (long long)st.st_size,
                       (unsigned long long)size);
    }
    struct file_read *r = mem_alloc(sizeof *r);
    r->base.ops = &ops;
    r->ev = *ev;
    r->arg = arg;
    r->path = path;
    r->fd = fd;
    r->left = size;
    crypto_sha256_begin(&r->hash);
    uv_idle_init(s->loop, &r->turn);
    r->turn.data = r;
    pause_read(&r->base, false);
    *out = &r->base;
    return 0;
}

/* ---- writing ---- */

struct file_write {
    struct artifact_write base;
    struct artifact_write_events ev;
    void *arg;
    int fd;
    char path[PATH_MAX], part[PATH_MAX];
    struct sha256 hash;
    struct err failed;
};

static int make_folder_of(const char *path, struct err *e)
{
    char dir[PATH_MAX];
    snprintf(dir, sizeof dir, "%s", path);
    *strrchr(dir, '/') = '\0';
    return fs_make_dirs(dir, e);
}

static int write_file(struct artifact_store *base, const char *tenant, const char *object,
                      const struct artifact_write_events *ev, void *arg,
                      struct artifact_write **out, struct err *e)
{
    struct files *s = (struct files *)base;
    (void)tenant;
    if (!s->out)
        return err_set(e, ERR_DENIED, "there is no folder for artifacts: give --artifacts-out DIR");
    struct file_write *w = mem_alloc(sizeof *w);
    w->base.ops = &ops;
    w->ev = *ev;
    w->arg = arg;
    int rc = fs_path(w->path, sizeof w->path, e, "%s/%s", s->out, object);
    if (!rc)
        rc = make_folder_of(w->path, e);
    if (!rc)
        rc = fs_path(w->part, sizeof w->part, e, "%s.part-XXXXXX", w->path);
    if (!rc && (w->fd = mkostemp(w->part, O_CLOEXEC)) < 0)
        rc = err_errno(e, "make %s", w->part);
    if (!rc && fchmod(w->fd, 0644)) {
        rc = err_errno(e, "set the mode of %s", w->part);
        close(w->fd);
        unlink(w->part);
    }
    if (rc) {
        free(w);
        return rc;
    }
    crypto_sha256_begin(&w->hash);
    *out = &w->base;
    return 0;
}

static bool add(struct artifact_write *base, const char *data, size_t len)
{
    struct file_write *w = (struct file_write *)base;
    crypto_sha256_add(&w->hash, data, len);
    while (len > 0 && !w->failed.code) {
        ssize_t n = write(w->fd, data, len);
        if (n < 0 && errno != EINTR)
            err_errno(&w->failed, "write %s", w->path);
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static void end(struct artifact_write *base)
{
    struct file_write *w = (struct file_write *)base;
    if (!w->failed.code && (fsync(w->fd) || rename(w->part, w->path)))
        err_errno(&w->failed, "write %s", w->path);
    if (!w->failed.code)
        w->part[0] = '\0';
    char hex[SHA256_HEX];
    hash_text(&w->hash, hex);
    w->ev.done(hex, w->failed.code ? &w->failed : NULL, w->arg); /* may free w */
}

static void free_write(struct artifact_write *base)
{
    struct file_write *w = (struct file_write *)base;
    close(w->fd);
    if (*w->part)
        unlink(w->part);
    free(w);
}

static void remove_file(struct artifact_store *base, const char *tenant, const char *object)
{
    struct files *s = (struct files *)base;
    char path[PATH_MAX];
    (void)tenant;
    if (s->out && !fs_path(path, sizeof path, NULL, "%s/%s", s->out, object))
        unlink(path);
}

static const struct artifact_ops ops = {
    .free = free_files,
    .read = read_file,
    .pause = pause_read,
    .read_free = free_read,
    .write = write_file,
    .add = add,
    .end = end,
    .write_free = free_write,
    .remove = remove_file,
};

struct artifact_store *artifact_store_files(uv_loop_t *loop, const struct artifact_file *files,
                                            int count, const char *out)
{
    struct files *s = mem_alloc(sizeof *s);
    s->base.ops = &ops;
    s->base.one_job = true;
    s->loop = loop;
    s->files = files;
    s->count = count;
    s->out = out;
    return &s->base;
}
