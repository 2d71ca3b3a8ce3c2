/* How this works
 *
 * One clone3() makes the child and all its namespaces. In a new user namespace nobody has a name
 * until the maps are written, and only the parent may write a map that names somebody else than
 * itself, so the child waits on a pipe for that. If the parent dies first, the pipe ends and so
 * does the child.
 *
 * Who is who: inside, the child begins as uid 0, which outside is whoever runs the worker: it can
 * still read the engine's files. A worker that runs as root also maps 65534 to a uid that owns
 * nothing and is nobody else's on the host; jail_enter() changes to it. An ordinary user can map
 * only itself, so its cells stay that user, without capabilities, in an empty root, behind the
 * filter.
 *
 * A cgroup is given as a descriptor of its folder: the child is born in it and never moved.
 *
 * The caller may have threads: between clone3() and the return in the child only system calls are
 * made. */
#include "sandbox/jail/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/jail/layers_for_test.h"

/* Above everything that adduser, /etc/subuid, systemd's dynamic users and its containers give out
 * (they end at 1,879,048,191) and below 2^31, which some tools read as negative. */
#define FOREIGN_OUTSIDE 0x7ff0150au
#define NOBODY_OUTSIDE  65534u /* where a container maps no more than the usual 65,536 uids */

const struct jail_namespace jail_namespaces[JAIL_NAMESPACES] = {
    {LAYER_USER_NS, CLONE_NEWUSER},     {LAYER_MOUNT_NS, CLONE_NEWNS}, {LAYER_PID_NS, CLONE_NEWPID},
    {LAYER_NET_NS, CLONE_NEWNET},       {LAYER_IPC_NS, CLONE_NEWIPC},  {LAYER_UTS_NS, CLONE_NEWUTS},
    {LAYER_CGROUP_NS, CLONE_NEWCGROUP},
};

static pid_t clone_child(uint64_t flags, int cgroup, int *pidfd)
{
    struct clone_args a = {.flags = flags, .exit_signal = SIGCHLD};
    if (cgroup >= 0) {
        a.flags |= CLONE_INTO_CGROUP;
        a.cgroup = (__u64)cgroup;
    }
    if (pidfd) {
        a.flags |= CLONE_PIDFD;
        a.pidfd = (uint64_t)(uintptr_t)pidfd;
    }
    return (pid_t)syscall(SYS_clone3, &a, sizeof a);
}

int jail_try_clone_into(uint64_t flags, int cgroup)
{
    pid_t pid = clone_child(flags, cgroup, NULL);
    if (pid == 0)
        _exit(0);
    if (pid < 0)
        return errno;
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
    return 0;
}

int jail_try_clone(uint64_t flags)
{
    return jail_try_clone_into(flags, -1);
}

/* ---- maps, written by the parent ---- */

static int write_proc(pid_t pid, const char *file, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, text, strlen(text));
    int rc = n == (ssize_t)strlen(text) ? 0 : n < 0 ? -errno : -EIO;
    close(fd);
    return rc;
}

/* The best map that the kernel accepts: a refused write leaves the map open for the next. */
static int write_map(pid_t pid, const char *file, unsigned own)
{
    static const unsigned foreign[] = {FOREIGN_OUTSIDE, NOBODY_OUTSIDE};
    char text[96];
    int rc = -EPERM;
    for (size_t i = 0; own == 0 && i < sizeof foreign / sizeof foreign[0] && rc; i++) {
        snprintf(text, sizeof text, "0 0 1\n65534 %u 1\n", foreign[i]);
        rc = write_proc(pid, file, text);
    }
    if (!rc)
        return 0;
    /* A process that may map only itself must give up setgroups() before it may map its group. */
    if (!strcmp(file, "gid_map"))
        write_proc(pid, "setgroups", "deny");
    snprintf(text, sizeof text, "0 %u 1\n", own);
    return write_proc(pid, file, text);
}

static int write_maps(pid_t pid, struct err *e)
{
    int rc = write_map(pid, "uid_map", geteuid());
    if (!rc)
        rc = write_map(pid, "gid_map", getegid());
    return rc ? jail_refused(e, LAYER_USER_NS, -rc, "the kernel refuses the map of uids and gids")
              : 0;
}

/* ---- flags ---- */

static uint64_t all_flags(void)
{
    uint64_t flags = 0;
    for (int i = 0; i < JAIL_NAMESPACES; i++)
        if (!jail_off((int)jail_namespaces[i].layer))
            flags |= jail_namespaces[i].flag;
    return flags;
}

static uint32_t layers_of(uint64_t flags)
{
    uint32_t layers = 0;
    for (int i = 0; i < JAIL_NAMESPACES; i++)
        if (flags & jail_namespaces[i].flag)
            layers |= 1u << jail_namespaces[i].layer;
    return layers;
}

/* Those that the kernel gives one by one; the user namespace first, because it allows the others.
 */
static uint64_t flags_to_be_had(uint64_t wanted)
{
    uint64_t flags = 0;
    for (int i = 0; i < JAIL_NAMESPACES; i++) {
        uint64_t more = flags | jail_namespaces[i].flag;
        if ((wanted & jail_namespaces[i].flag) && jail_try_clone(more) == 0)
            flags = more;
    }
    return flags;
}

static int say_which_is_refused(int errnum, bool into_cgroup, struct err *e)
{
    uint64_t flags = 0;
    for (int i = 0; i < JAIL_NAMESPACES; i++) {
        flags |= jail_namespaces[i].flag;
        int rc = jail_try_clone(flags);
        if (rc)
            return jail_refused(e, jail_namespaces[i].layer, rc,
                                "the kernel refuses the namespace");
    }
    return jail_refused(e, into_cgroup ? LAYER_CGROUP : LAYER_USER_NS, errnum,
                        "the kernel refuses to make the process");
}

/* ---- the clone itself ---- */

static pid_t in_child(const int go[2])
{
    char byte;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(go[1]);
    ssize_t n;
    do
        n = read(go[0], &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n != 1)
        _exit(126); /* the parent is gone, or could not write the maps */
    close(go[0]);
    return 0;
}

static pid_t clone_with(uint64_t flags, int cgroup, int *pidfd, uint32_t *layers, struct err *e)
{
    int go[2], rc = 0;
    if (pipe2(go, O_CLOEXEC))
        return err_errno(e, "cannot make a pipe for a new process");
    *layers = layers_of(flags) | (cgroup >= 0 ? 1u << LAYER_CGROUP : 0);
    /* Of a process that is not dumpable, as a worker is, /proc/<pid>/uid_map belongs to root. The
     * child is born dumpable and stays so until execve() makes it so anyway. */
    int dumpable = prctl(PR_GET_DUMPABLE);
    prctl(PR_SET_DUMPABLE, 1);
    pid_t pid = clone_child(flags, cgroup, pidfd);
    if (pid == 0)
        return in_child(go);
    int saved = errno;
    prctl(PR_SET_DUMPABLE, dumpable);
    close(go[0]);
    if (pid < 0) {
        close(go[1]);
        return say_which_is_refused(saved, cgroup >= 0, e);
    }
    if (flags & CLONE_NEWUSER)
        rc = write_maps(pid, e);
    if (!rc && write(go[1], "", 1) != 1)
        rc = err_errno(e, "cannot start a new process");
    close(go[1]);
    if (rc) {
        close(*pidfd);
        while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
            ;
        return rc;
    }
    return pid;
}

pid_t jail_clone(enum jail_mode mode, int cgroup, int *pidfd, uint32_t *layers, struct err *e)
{
    uint64_t flags = mode == JAIL_OFF ? 0 : all_flags();
    if (mode == JAIL_OFF)
        cgroup = -1;
    pid_t pid = clone_with(flags, cgroup, pidfd, layers, e);
    if (pid >= 0 || mode != JAIL_PREFER)
        return pid;
    pid = clone_with(flags_to_be_had(flags), cgroup, pidfd, layers, e);
    if (pid >= 0)
        return pid;
    /* The user namespace came, its maps were refused: what is left without it. */
    return clone_with(flags_to_be_had(flags & ~(uint64_t)CLONE_NEWUSER), cgroup, pidfd, layers, e);
}
