#include "sandbox/jail/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A kernel switch under /proc/sys, or -1 where this kernel has no such switch. */
static long kernel_switch(const char *path)
{
    char text[32];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return -1;
    text[n] = '\0';
    return strtol(text, NULL, 10);
}

static const char *user_namespace_remedy(int errnum)
{
    if (kernel_switch("/proc/sys/kernel/unprivileged_userns_clone") == 0)
        return "run: sysctl -w kernel.unprivileged_userns_clone=1, or start the worker as root";
    if (kernel_switch("/proc/sys/user/max_user_namespaces") == 0)
        return "run: sysctl -w user.max_user_namespaces=15000";
    if (kernel_switch("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
        return "AppArmor restricts user namespaces on this machine: give isolane a profile with "
               "'userns,', or run: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
    switch (errnum) {
    case ENOENT:
    case EROFS:
        return "the worker needs a /proc that it can write to: mount one, not read-only or masked";
    case ENOSYS:
        return "the kernel is older than 5.3, or a container's seccomp profile hides clone3: allow "
               "clone3 there";
    case EINVAL:
        return "the kernel is built without CONFIG_USER_NS: use one that has it";
    case ENOSPC:
    case EUSERS:
        return "too many or too deeply nested user namespaces: raise user.max_user_namespaces, or "
               "start the worker outside of this container";
    default:
        return "in a container, allow it to make user namespaces (its seccomp or AppArmor profile "
               "refuses them now)";
    }
}

/* As in user.max_…_namespaces. */
static const char *sysctl_word(enum jail_layer l)
{
    switch (l) {
    case LAYER_PID_NS:
        return "pid";
    case LAYER_NET_NS:
        return "net";
    case LAYER_IPC_NS:
        return "ipc";
    case LAYER_UTS_NS:
        return "uts";
    case LAYER_CGROUP_NS:
        return "cgroup";
    default:
        return "mnt";
    }
}

void jail_remedy(enum jail_layer l, int errnum, char *out, size_t cap)
{
    const char *text;
    switch (l) {
    case LAYER_USER_NS:
        text = user_namespace_remedy(errnum);
        break;
    case LAYER_MOUNT_NS:
        if (kernel_switch("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
            text = user_namespace_remedy(errnum);
        else if (errnum == ENOSPC)
            text = "raise sysctl user.max_mnt_namespaces";
        else if (errnum == EINVAL)
            text = "pivot_root does not work from an initramfs: boot into a real root file system";
        else
            text = "in a container, allow mount and pivot_root inside new user namespaces";
        break;
    case LAYER_SECCOMP:
        text = "the kernel needs CONFIG_SECCOMP_FILTER, on x86-64";
        break;
    case LAYER_LANDLOCK:
        if (jail_landlock_absent(-errnum))
            text =
                "boot with lsm=landlock,... (kernel 5.13 or newer with CONFIG_SECURITY_LANDLOCK); "
                "the worker starts without it";
        else
            text =
                "in a container, allow landlock_create_ruleset and landlock_restrict_self in its "
                "seccomp profile";
        break;
    case LAYER_CGROUP:
        if (errnum == EAGAIN)
            text = "raise cgroup_pids, or lower pool and max_running";
        else if (errnum == EOPNOTSUPP || errnum == ENOENT)
            text = "boot with systemd.unified_cgroup_hierarchy=1, so that cgroup v2 has the "
                   "controllers memory, pids and cpu";
        else
            text =
                "give the worker a cgroup of its own: the unit of packaging/ has Delegate=yes; by "
                "hand: systemd-run --scope -p Delegate=yes (in a container: mount cgroup v2 "
                "writable)";
        break;
    case LAYER_NO_CAPS:
    case LAYER_NO_NEW_PRIVS:
    case LAYER_RLIMITS:
    case LAYER_NOT_DUMPABLE:
        text = "something outside (a container's seccomp profile?) refuses it: allow it there";
        break;
    default:
        if (errnum == ENOSPC) {
            snprintf(out, cap, "raise sysctl user.max_%s_namespaces", sysctl_word(l));
            return;
        }
        if (errnum == EINVAL)
            text = "the kernel is built without this kind of namespace";
        else
            text = "in a container, allow it to make such namespaces";
    }
    snprintf(out, cap, "%s", text);
}

int jail_refused(struct err *e, enum jail_layer l, int errnum, const char *what)
{
    char remedy[256];
    jail_remedy(l, errnum, remedy, sizeof remedy);
    err_set(e, ERR_UNAVAILABLE, "jail layer %s: %s: %s; %s (or set 'jail: prefer' to go without)",
            jail_layer_name(l), what, strerror(errnum), remedy);
    return -1;
}
