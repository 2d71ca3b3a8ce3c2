/* How this works
 *
 * Each namespace is tried in a child of its own. The other layers are tried in one more child that
 * goes the zygote's way (jail_clone, every step of jail_enter) and sends what it found over a pipe,
 * and then a cell's way: sealed, it makes a system call that is not allowed, and has to die of it.
 */
#include "sandbox/jail/cgroup.h"
#include "sandbox/jail/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the trial child found out. */
struct trial {
    uint32_t layers;
    struct err e[LAYERS];
};

static const char *const shows[LAYERS] = {
    [LAYER_USER_NS] = "a process can be made in a user namespace of its own",
    [LAYER_MOUNT_NS] = "root replaced by an empty, read-only tmpfs",
    [LAYER_PID_NS] = "cells see no process but those of their zygote",
    [LAYER_NET_NS] = "no network, not even loopback",
    [LAYER_IPC_NS] = "no System V objects or message queues of the host",
    [LAYER_UTS_NS] = "own host name",
    [LAYER_CGROUP_NS] = "the host's cgroup tree is hidden",
    [LAYER_NO_CAPS] = "all capability sets empty, foreign user where one can be mapped",
    [LAYER_NO_NEW_PRIVS] = "exec can't add privileges",
    [LAYER_RLIMITS] = "core and file size 0, few files and processes",
    [LAYER_LANDLOCK] = "nothing can be opened, bound or connected to",
    [LAYER_SECCOMP] = "a system call that is not allowed ended its process",
    [LAYER_CGROUP] = "limits for all cells together",
    [LAYER_NOT_DUMPABLE] = "no ptrace, no core, /proc files closed",
};

static void say_available(struct jail_check *c, enum jail_layer l)
{
    c->layer = jail_layer_name(l);
    c->available = true;
    c->optional = false;
    snprintf(c->detail, sizeof c->detail, "%s", shows[l]);
    c->remedy[0] = '\0';
}

static void say_missing(struct jail_check *c, enum jail_layer l, int errnum, const char *detail)
{
    c->layer = jail_layer_name(l);
    c->available = c->optional = false;
    snprintf(c->detail, sizeof c->detail, "%s", detail);
    jail_remedy(l, errnum, c->remedy, sizeof c->remedy);
}

static void check_namespaces(struct jail_check out[LAYERS])
{
    uint64_t base = 0;
    for (int i = 0; i < JAIL_NAMESPACES; i++) {
        const struct jail_namespace *ns = &jail_namespaces[i];
        int errnum = jail_try_clone(base | ns->flag);
        if (errnum)
            say_missing(&out[ns->layer], ns->layer, errnum, strerror(errnum));
        else
            say_available(&out[ns->layer], ns->layer);
        if (ns->layer == LAYER_USER_NS && !errnum)
            base = ns->flag; /* it is what allows an ordinary user the others */
    }
}

/* Never returns. Tells over `to`, then behaves as a cell that does what it must not. */
static _Noreturn void trial_child(int to, uint32_t layers)
{
    struct trial t;
    memset(&t, 0, sizeof t);
    t.layers = layers;
    jail_walk_steps(false, &t.layers, t.e);
    signal(SIGSYS, SIG_DFL);
    uint32_t sealed = 0;
    if (write(to, &t, sizeof t) != (ssize_t)sizeof t)
        _exit(1);
    int rc = jail_seal_cell(JAIL_PREFER, false, &sealed);
    if (write(to, &sealed, sizeof sealed) != (ssize_t)sizeof sealed || rc)
        _exit(1);
    syscall(SYS_getppid); /* not in the table: must not come back */
    _exit(2);
}

static bool read_whole(int fd, void *p, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = read(fd, (char *)p + at, len - at);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        at += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Fills t, *sealed and *status; false with e when no trial could be made at all. */
static bool run_trial(struct trial *t, uint32_t *sealed, int *status, struct err *e)
{
    int pipes[2], pidfd = -1;
    uint32_t layers = 0;
    if (pipe2(pipes, O_CLOEXEC)) {
        err_errno(e, "cannot make a pipe");
        return false;
    }
    pid_t pid = jail_clone(JAIL_PREFER, -1, &pidfd, &layers, e);
    if (pid == 0)
        trial_child(pipes[1], layers);
    close(pipes[1]);
    bool ok = pid > 0 && read_whole(pipes[0], t, sizeof *t);
    if (!ok || !read_whole(pipes[0], sealed, sizeof *sealed))
        *sealed = 0;
    close(pipes[0]);
    if (pid < 0)
        return false;
    close(pidfd);
    while (waitpid(pid, status, __WALL) < 0 && errno == EINTR)
        ;
    if (!ok)
        err_set(e, ERR_UNAVAILABLE, "the trial process ended early (wait status 0x%x)", *status);
    return ok;
}

/* It was in force in the trial, failed there, or is not in this kernel. */
static void check_landlock(struct jail_check *c, const struct trial *t, const char *no_trial)
{
    const enum jail_layer l = LAYER_LANDLOCK;
    int abi = jail_landlock_abi();
    if (t->layers & (1u << l)) {
        say_available(c, l);
        snprintf(c->detail, sizeof c->detail, "version %d: %s", abi, shows[l]);
    } else if (jail_landlock_absent(abi)) {
        say_missing(c, l, -abi, "this kernel has no Landlock, or it is switched off");
        c->optional = true;
    } else {
        say_missing(c, l, abi < 0 ? -abi : EPERM, no_trial ? no_trial : t->e[l].msg);
    }
}

static void check_steps(struct jail_check out[LAYERS])
{
    static const enum jail_layer tried[] = {LAYER_MOUNT_NS, LAYER_NO_CAPS, LAYER_NO_NEW_PRIVS,
                                            LAYER_RLIMITS};
    struct trial t;
    uint32_t sealed = 0;
    int status = 0;
    struct err e = {0};
    memset(&t, 0, sizeof t);
    bool ran = run_trial(&t, &sealed, &status, &e);
    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++) {
        enum jail_layer l = tried[i];
        if (t.layers & (1u << l))
            say_available(&out[l], l);
        else if (!ran || t.e[l].code)
            say_missing(&out[l], l, 0, ran ? t.e[l].msg : e.msg);
        /* else: the namespace itself is missing, and check_namespaces() has said so */
    }
    check_landlock(&out[LAYER_LANDLOCK], &t, ran ? NULL : e.msg);
    if (sealed & (1u << LAYER_NOT_DUMPABLE))
        say_available(&out[LAYER_NOT_DUMPABLE], LAYER_NOT_DUMPABLE);
    else
        say_missing(&out[LAYER_NOT_DUMPABLE], LAYER_NOT_DUMPABLE, 0,
                    ran ? "prctl(PR_SET_DUMPABLE) is refused" : e.msg);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        say_available(&out[LAYER_SECCOMP], LAYER_SECCOMP);
    else
        say_missing(&out[LAYER_SECCOMP], LAYER_SECCOMP, 0,
                    ran ? "the filter is refused, or does not hold" : e.msg);
}

/* As a worker started from here would have it, and taken away again. */
static void check_cgroup(const struct cgroup_limits *limits, struct jail_check *c)
{
    const enum jail_layer l = LAYER_CGROUP;
    struct cgroup *g = NULL;
    struct err e = {0};
    if (!cgroup_limits_any(limits)) {
        say_missing(c, l, 0, "no limit is configured");
        snprintf(c->remedy, sizeof c->remedy, "set cgroup_memory_mb, cgroup_pids");
    } else {
        int rc = cgroup_open(limits, &g, &e);
        if (rc) {
            say_missing(c, l, -rc, e.msg);
        } else {
            say_available(c, l);
            cgroup_describe(g, c->detail, sizeof c->detail);
        }
        cgroup_close(g);
    }
    c->optional = !c->available;
}

int jail_doctor(const struct cgroup_limits *limits, struct jail_check *out, int cap)
{
    struct jail_check all[LAYERS];
    memset(all, 0, sizeof all);
    check_namespaces(all);
    check_steps(all);
    check_cgroup(limits, &all[LAYER_CGROUP]);
    int n = cap < LAYERS ? cap : LAYERS;
    memcpy(out, all, (size_t)n * sizeof *out);
    return n;
}
