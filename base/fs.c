#include "base/fs.h"
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int fs_path(char *out, size_t cap, struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(out, cap, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= cap)
        return err_set(e, ERR_LIMIT, "path is %d bytes long; at most %zu", n, cap - 1);
    return 0;
}

int fs_read_file(const char *path, size_t max, char **data, size_t *len, struct err *e)
{
    int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    if (fd < 0) {
        int code = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
        err_errno(e, "cannot open %s", path);
        if (e)
            e->code = code;
        return code;
    }
    struct buf b = {.max = max};
    char chunk[65536];
    int rc = 0;
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            rc = err_errno(e, "cannot read %s", path);
            break;
        }
        if (n == 0)
            break;
        buf_add(&b, chunk, (size_t)n);
        if (b.full || b.len > max) {
            rc = err_set(e, ERR_LIMIT, "%s is larger than %zu bytes, the most allowed", path, max);
            break;
        }
    }
    if (fd != STDIN_FILENO)
        close(fd);
    if (rc)
        buf_free(&b);
    else
        *data = buf_take(&b, len);
    return rc;
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return -1;
        p += w;
        n -= (size_t)w;
    }
    return 0;
}

static void sync_folder_of(const char *path)
{
    char dir[PATH_MAX];
    snprintf(dir, sizeof dir, "%s", path);
    char *slash = strrchr(dir, '/');
    if (!slash)
        strcpy(dir, ".");
    else
        slash[slash == dir ? 1 : 0] = 0;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

int fs_write_file(const char *path, const void *data, size_t len, int mode, bool must_be_new,
                  struct err *e)
{
    static _Atomic unsigned writes; /* two threads may write the same file at the same time */
    char tmp[PATH_MAX];
    int rc = fs_path(tmp, sizeof tmp, e, "%s.%ld-%u.tmp", path, (long)getpid(),
                     atomic_fetch_add(&writes, 1));
    if (rc)
        return rc;
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
    if (fd < 0)
        return err_errno(e, "cannot create %s", tmp);
    if (fchmod(fd, (mode_t)mode) || write_all(fd, data, len) || fsync(fd)) {
        rc = err_errno(e, "cannot write %s", tmp);
        goto out;
    }
    if (must_be_new) { /* link() refuses to replace, rename() would not */
        if (link(tmp, path)) {
            rc = errno == EEXIST ? err_set(e, ERR_EXISTS, "%s exists already", path)
                                 : err_errno(e, "cannot create %s", path);
            goto out;
        }
        unlink(tmp);
    } else if (rename(tmp, path)) {
        rc = err_errno(e, "cannot replace %s", path);
        goto out;
    }
    sync_folder_of(path);
out:
    close(fd);
    if (rc)
        unlink(tmp);
    return rc;
}

int fs_make_dirs(const char *path, struct err *e)
{
    char p[PATH_MAX];
    int rc = fs_path(p, sizeof p, e, "%s", path);
    if (rc)
        return rc;
    if (!*p)
        return err_set(e, ERR_IO, "the folder's path is empty");
    for (char *s = p + 1;; s++) {
        if (*s != '/' && *s != 0)
            continue;
        char keep = *s;
        *s = 0;
        if (mkdir(p, 0700) && errno != EEXIST)
            return err_errno(e, "cannot make folder %s", p);
        *s = keep;
        if (!keep)
            break;
    }
    struct stat st;
    if (stat(path, &st))
        return err_errno(e, "cannot use folder %s", path);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_IO, "%s is a file; a folder is needed", path);
    return 0;
}

bool fs_is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool fs_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int fs_exe_dir(char *out, size_t cap, struct err *e)
{
    ssize_t n = readlink("/proc/self/exe", out, cap - 1);
    if (n < 0)
        return err_errno(e, "cannot read /proc/self/exe");
    out[n] = 0;
    char *slash = strrchr(out, '/');
    if ((size_t)n >= cap - 1 || !slash)
        return err_set(e, ERR_LIMIT, "the program's path is longer than %zu bytes", cap - 2);
    *slash = 0;
    return 0;
}
