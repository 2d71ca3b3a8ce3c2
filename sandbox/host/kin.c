/* How this works
 *
 * Linux 6.13 answers in one ioctl: PIDFD_GET_INFO. It is asked only of a file that lies in pidfs:
 * to a file of another kind the same number might mean something else. Before that, the pid stands
 * in /proc/self/fdinfo and the parent in /proc/<pid>/stat; that the number was not a newcomer's
 * meanwhile is shown by the process being there still when all is read. */
#include "sandbox/host/kin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PIDFS_TYPE 0x50494446 /* PID_FS_MAGIC, linux/magic.h of 6.9 */

/* struct pidfd_info of linux/pidfd.h in its first size; Debian 12's headers have none. */
struct info {
    uint64_t mask, cgroupid;
    uint32_t pid, tgid, ppid;
    uint32_t ids[8];
    int32_t exit_code;
};
#define INFO_PID 1u
#define GET_INFO _IOWR(0xFF, 11, struct info)

static bool read_proc(const char *path, char *text, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, cap - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* Field 4; the name in field 2 may hold anything, but no ')' follows its own. */
static long parent_of(const char *stat)
{
    const char *at = strrchr(stat, ')');
    return at && at[1] == ' ' && at[2] && at[3] == ' ' ? strtol(at + 4, NULL, 10) : -1;
}

enum kin kin_by_proc(int pidfd, pid_t parent, pid_t *pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    const char *line = read_proc(path, text, sizeof text) ? strstr(text, "\nPid:\t") : NULL;
    if (!line)
        return KIN_STRANGER;
    long p = strtol(line + 6, NULL, 10);
    if (p < 0)
        return KIN_DEAD;
    snprintf(path, sizeof path, "/proc/%ld/stat", p); /* 0: not in our namespace; no such file */
    bool child = read_proc(path, text, sizeof text) && parent_of(text) == parent;
    if (syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) && errno == ESRCH)
        return KIN_DEAD;
    *pid = (pid_t)p;
    return child ? KIN_CHILD : KIN_STRANGER;
}

enum kin kin_of(int pidfd, pid_t parent, pid_t *pid)
{
    struct statfs fs;
    struct info i = {.mask = INFO_PID};
    if (fstatfs(pidfd, &fs) || fs.f_type != PIDFS_TYPE)
        return kin_by_proc(pidfd, parent, pid);
    if (ioctl(pidfd, GET_INFO, &i))
        return errno == ESRCH ? KIN_DEAD : kin_by_proc(pidfd, parent, pid);
    *pid = (pid_t)i.pid;
    return i.pid > 0 && i.ppid == (uint32_t)parent ? KIN_CHILD : KIN_STRANGER;
}
