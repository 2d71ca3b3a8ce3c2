#include "cli/doctor/doctor_disk.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "results/db.h"

#define SYNCS 9 /* odd: the median is one of them */
#define BLOCK 4096

/* A new empty file with a name of its own. */
static int make_file(const char *folder, char path[PATH_MAX], struct err *e)
{
    int rc = fs_path(path, PATH_MAX, e, "%s/.isolane-doctor-XXXXXX", folder);
    if (rc)
        return rc;
    int fd = mkostemp(path, O_CLOEXEC);
    return fd < 0 ? err_errno(e, "cannot write in %s", folder) : fd;
}

int disk_try_database(const char *folder, struct err *e)
{
    static const char *const steps[] = {"CREATE TABLE t(x); INSERT INTO t VALUES (1);"};
    static const struct db_kind kind = {
        .what = "a database of doctor's", .application = 1, .version = 1, .steps = steps};
    char path[PATH_MAX], more[PATH_MAX + 8];
    struct db *db = NULL;
    int fd = make_file(folder, path, e);
    if (fd < 0)
        return fd;
    close(fd);
    int rc = db_open(path, DB_WRITE, &kind, &db, e);
    db_close(db);
    unlink(path);
    snprintf(more, sizeof more, "%s-wal", path);
    unlink(more);
    snprintf(more, sizeof more, "%s-shm", path);
    unlink(more);
    return rc;
}

static int by_size(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

int disk_sync_us(const char *folder, double *us, struct err *e)
{
    static const char block[BLOCK];
    char path[PATH_MAX];
    int64_t took[SYNCS];
    int rc = 0, fd = make_file(folder, path, e);
    if (fd < 0)
        return fd;
    unlink(path);
    if (pwrite(fd, block, BLOCK, 0) != BLOCK || fsync(fd)) /* the first extends the file */
        rc = err_errno(e, "cannot write in %s", folder);
    for (int i = 0; i < SYNCS && !rc; i++) {
        int64_t began = clock_mono_us();
        if (pwrite(fd, block, BLOCK, 0) != BLOCK || fdatasync(fd))
            rc = err_errno(e, "cannot sync in %s", folder);
        took[i] = clock_mono_us() - began;
    }
    close(fd);
    if (rc)
        return rc;
    qsort(took, SYNCS, sizeof took[0], by_size);
    *us = (double)took[SYNCS / 2];
    return 0;
}
