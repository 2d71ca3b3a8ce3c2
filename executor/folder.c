#include "executor/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fs.h"

int folder_claim(const char *dir, const char *lock_path, int *fd, struct err *e)
{
    int rc = fs_make_dirs(dir, e);
    if (rc)
        return err_wrap(e, "data folder");
    int f = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (f < 0)
        return err_errno(e, "data folder: cannot open %s", lock_path);
    char pid[24] = "";
    if (flock(f, LOCK_EX | LOCK_NB)) {
        int why = errno;
        ssize_t n = pread(f, pid, sizeof pid - 1, 0);
        close(f);
        if (why != EWOULDBLOCK) {
            errno = why;
            return err_errno(e, "data folder: cannot lock %s", lock_path);
        }
        pid[n > 0 ? n : 0] = 0;
        pid[strcspn(pid, "\n")] = 0;
        return err_set(
            e, ERR_CONFLICT,
            "data folder %s is in use by process %s: end that one, or choose another with "
            "--data",
            dir, *pid ? pid : "?");
    }
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(f, 0) || pwrite(f, pid, (size_t)n, 0) != n) {
        rc = err_errno(e, "data folder: cannot write %s", lock_path);
        close(f);
        return rc;
    }
    *fd = f;
    return 0;
}
