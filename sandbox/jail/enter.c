/* How this works
 *
 * The zygote calls jail_enter() once, with everything loaded and opened: after it there is no file
 * to open, no other user to become and no privilege to regain. The steps are a flat table in the
 * order in which they must happen (the root needs capabilities, the user change needs them to be
 * still there); each proves its effect by reading it back before its layer counts as in force.
 *
 * Single-threaded by then: the system calls below act on one thread, which is the process. */
#include "sandbox/jail/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sandbox/jail/layers_for_test.h"

#define FOREIGN_INSIDE 65534 /* see clone.c */

#define FILES_MAX     64   /* a zygote holds under ten, and 32 more while it takes a FORK */
#define PROCESSES_MAX 2048 /* more cells than a worker may have (max_running + pool) */

/* ---- resource limits ---- */

static int limit_resources(struct err *e)
{
    static const struct {
        int resource;
        rlim_t most;
    } limits[] = {
        {RLIMIT_CORE, 0},           {RLIMIT_FSIZE, 0},
        {RLIMIT_MEMLOCK, 0},        {RLIMIT_MSGQUEUE, 0},
        {RLIMIT_NICE, 0},           {RLIMIT_RTPRIO, 0},
        {RLIMIT_NOFILE, FILES_MAX}, {RLIMIT_NPROC, PROCESSES_MAX},
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct rlimit now, back;
        rlim_t most = limits[i].most;
        if (getrlimit((__rlimit_resource_t)limits[i].resource, &now))
            return jail_refused(e, LAYER_RLIMITS, errno, "getrlimit");
        if (now.rlim_max < most)
            most = now.rlim_max;
        struct rlimit want = {most, most};
        if (setrlimit((__rlimit_resource_t)limits[i].resource, &want) ||
            getrlimit((__rlimit_resource_t)limits[i].resource, &back))
            return jail_refused(e, LAYER_RLIMITS, errno, "setrlimit");
        if (back.rlim_cur != most || back.rlim_max != most)
            return jail_refused(e, LAYER_RLIMITS, EPERM, "a limit did not take");
    }
    return 0;
}

/* ---- no namespaces inside ours ---- */

/* A user namespace inside ours would have all capabilities again, over namespaces of its own: much
 * of the kernel that only root used to reach. The seccomp filter forbids to make one; so does this,
 * for whoever got past it. Where /proc/sys cannot be written (some containers) the filter is what
 * there is. */
static int no_more_namespaces(struct err *e)
{
    static const char *const kinds[] = {"user", "mnt", "pid",    "net",
                                        "ipc",  "uts", "cgroup", "time"};
    (void)e;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/sys/user/max_%s_namespaces", kinds[i]);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        ssize_t ignored = write(fd, "0", 1);
        (void)ignored;
        close(fd);
    }
    return 0;
}

/* ---- an empty root ---- */

/* /proc is there (the zygote has just read its maps from it), so it serves as the mount point. The
 * old root is stacked on the new one by pivot_root(".", ".") and then taken off: pivot_root(2),
 * NOTES. */
static int empty_root(struct err *e)
{
    const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return jail_refused(e, LAYER_MOUNT_NS, errno, "cannot make the mounts private");
    if (mount("isolane", "/proc", "tmpfs", flags, "size=4k,nr_inodes=2,mode=0555"))
        return jail_refused(e, LAYER_MOUNT_NS, errno, "cannot mount an empty tmpfs");
    if (chdir("/proc") || syscall(SYS_pivot_root, ".", "."))
        return jail_refused(e, LAYER_MOUNT_NS, errno, "pivot_root");
    if (umount2(".", MNT_DETACH) || chdir("/"))
        return jail_refused(e, LAYER_MOUNT_NS, errno, "cannot take the old root away");
    struct statvfs fs;
    if (statvfs("/", &fs))
        return jail_refused(e, LAYER_MOUNT_NS, errno, "statvfs of the new root");
    if (!(fs.f_flag & ST_RDONLY) || access("/proc", F_OK) == 0 || mkdir("/x", 0700) == 0)
        return jail_refused(e, LAYER_MOUNT_NS, EEXIST, "the root is not empty and read-only");
    return 0;
}

/* ---- a name ---- */

/* A new namespace begins with a copy of the host's name. */
static int own_name(struct err *e)
{
    static const char name[] = "isolane";
    struct utsname back;
    if (sethostname(name, sizeof name - 1) || setdomainname("", 0))
        return jail_refused(e, LAYER_UTS_NS, errno, "sethostname");
    if (uname(&back) || strcmp(back.nodename, name) != 0)
        return jail_refused(e, LAYER_UTS_NS, EPERM, "the host's name is still there");
    return 0;
}

/* ---- privileges ---- */

static int capabilities(struct __user_cap_data_struct set[2], bool write)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    return (int)syscall(write ? SYS_capset : SYS_capget, &h, set);
}

/* Nothing can come back: not by exec of a set-uid or capable file, not by uid 0, not by ambience. A
 * process without CAP_SETPCAP cannot do this, and has nothing that could come back either. */
static void close_the_ways_back(void)
{
    for (int cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
        ;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    prctl(PR_SET_SECUREBITS,
          SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
              SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
              SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
          0, 0, 0);
}

static int become_nobody(struct err *e)
{
    /* EPERM: an ordinary user without a namespace, or one that had to give setgroups() up. EINVAL:
     * nobody else is mapped. Both leave the process who it is. */
    if (setgroups(0, NULL) && errno != EPERM)
        return jail_refused(e, LAYER_NO_CAPS, errno, "setgroups");
    if (setresgid(FOREIGN_INSIDE, FOREIGN_INSIDE, FOREIGN_INSIDE) && errno != EINVAL &&
        errno != EPERM)
        return jail_refused(e, LAYER_NO_CAPS, errno, "setresgid");
    if (setresuid(FOREIGN_INSIDE, FOREIGN_INSIDE, FOREIGN_INSIDE) && errno != EINVAL &&
        errno != EPERM)
        return jail_refused(e, LAYER_NO_CAPS, errno, "setresuid");
    return 0;
}

static int drop_capabilities(struct err *e)
{
    struct __user_cap_data_struct set[2] = {{0}, {0}};
    if (capabilities(set, true))
        return jail_refused(e, LAYER_NO_CAPS, errno, "capset");
    memset(set, 0xff, sizeof set);
    if (capabilities(set, false))
        return jail_refused(e, LAYER_NO_CAPS, errno, "capget");
    for (int i = 0; i < 2; i++)
        if (set[i].effective || set[i].permitted || set[i].inheritable)
            return jail_refused(e, LAYER_NO_CAPS, EPERM, "capabilities are left after capset");
    return 0;
}

static int drop_privileges(struct err *e)
{
    const bool keep_capabilities = jail_off(LAYER_NO_CAPS);
    if (!keep_capabilities)
        close_the_ways_back();
    int rc = jail_off(PART_FOREIGN_UID) ? 0 : become_nobody(e);
    if (rc || keep_capabilities)
        return rc ? rc : JAIL_STEP_ABSENT;
    return drop_capabilities(e);
}

static int no_new_privs(struct err *e)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return jail_refused(e, LAYER_NO_NEW_PRIVS, errno, "prctl(PR_SET_NO_NEW_PRIVS)");
    return 0;
}

/* ---- the list ---- */

static const struct {
    enum jail_layer layer;
    int (*step)(struct err *e);
} steps[] = {
    {LAYER_RLIMITS, limit_resources},
    {LAYER_USER_NS, no_more_namespaces}, /* only in a user namespace of its own; needs /proc */
    {LAYER_MOUNT_NS, empty_root},        /* only in a mount namespace of its own */
    {LAYER_UTS_NS, own_name},            /* the same */
    {LAYER_NO_CAPS, drop_privileges},
    {LAYER_NO_NEW_PRIVS, no_new_privs},
    {LAYER_LANDLOCK, jail_landlock}, /* needs no_new_privs; forbids to mount */
};

int jail_walk_steps(bool stop_at_first, uint32_t *layers, struct err *e)
{
    int failures = 0;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        uint32_t bit = 1u << steps[i].layer;
        bool of_namespace = steps[i].layer == LAYER_USER_NS || steps[i].layer == LAYER_MOUNT_NS ||
                            steps[i].layer == LAYER_UTS_NS;
        if (of_namespace && !(*layers & bit))
            continue;
        *layers &= ~bit;
        if (jail_off((int)steps[i].layer) && steps[i].layer != LAYER_NO_CAPS) /* has two parts */
            continue;
        int rc = steps[i].step(&e[steps[i].layer]);
        if (rc == 0)
            *layers |= bit;
        if (rc < 0 && ++failures && stop_at_first)
            break;
    }
    return failures;
}

int jail_enter(enum jail_mode mode, uint32_t *layers, struct err *e)
{
    struct err each[LAYERS];
    memset(each, 0, sizeof each);
    if (mode != JAIL_OFF && jail_walk_steps(mode == JAIL_REQUIRE, layers, each) &&
        mode == JAIL_REQUIRE) {
        for (int l = 0; l < LAYERS; l++)
            if (each[l].code) {
                if (e)
                    *e = each[l];
                return each[l].code;
            }
    }
    /* The zygote of an ordinary worker is of that user's like its cells, and holds the control
     * socket. Cells inherit it, and say so themselves (seal.c). */
    const unsigned long dumpable = jail_off(LAYER_NOT_DUMPABLE);
    if (mode != JAIL_OFF && prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0) && mode == JAIL_REQUIRE)
        return jail_refused(e, LAYER_NOT_DUMPABLE, errno, "prctl(PR_SET_DUMPABLE)");
    /* A change of user clears the parent-death signal that jail_clone() asked for. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL))
        return err_errno(e, "prctl(PR_SET_PDEATHSIG)");
    return 0;
}
