/* For tests of the jail: children that confine themselves, and machines that give less than this
 * one. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/jail/cgroup.h"
#include "sandbox/jail/jail.h"

static const struct cgroup_limits no_limits __attribute__((unused)) = {0};

#define ORDINARY_USER 65534

/* In a child: the test's line is the exit status, so that the parent can name it. */
#define NEED(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            dprintf(STDERR_FILENO, "# line %d: not so: %s (errno %d)\n", __LINE__, #cond, errno);  \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static inline int wait_for(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
        ;
    return status;
}

/* Runs fn in a child, as an ordinary user if asked to; its wait status. */
static inline int in_child(void (*fn)(void), bool ordinary)
{
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGSYS, SIG_DFL); /* cmocka handles it otherwise */
        if (ordinary)
            NEED(setresgid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER) == 0 &&
                 setresuid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER) == 0 &&
                 prctl(PR_SET_DUMPABLE, 1) == 0);
        fn();
        _exit(0);
    }
    return wait_for(pid);
}

static inline void holds(void (*fn)(void))
{
    assert_int_equal(in_child(fn, false), 0);
    if (geteuid() == 0)
        assert_int_equal(in_child(fn, true), 0);
}

/* jail_clone() + jail_enter() as a zygote does; in the jailed process `fn` runs. */
static inline void jailed(void (*fn)(uint32_t layers))
{
    struct err e = {0};
    int pidfd = -1;
    uint32_t layers = 0;
    pid_t pid = jail_clone(JAIL_REQUIRE, -1, &pidfd, &layers, &e);
    if (pid < 0)
        dprintf(STDERR_FILENO, "# %s\n", e.msg);
    NEED(pid >= 0);
    if (pid == 0) {
        int rc = jail_enter(JAIL_REQUIRE, &layers, &e);
        if (rc)
            dprintf(STDERR_FILENO, "# %s\n", e.msg);
        NEED(rc == 0);
        fn(layers);
        _exit(0);
    }
    NEED(pidfd >= 0 && (fcntl(pidfd, F_GETFD) & FD_CLOEXEC));
    NEED(wait_for(pid) == 0);
}

/* What a container's seccomp profile does: from now on this system call fails with errnum. */
static inline void refuse_call(long nr, int errnum)
{
    struct sock_filter f[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)errnum),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof f / sizeof f[0], .filter = f};
    NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    NEED(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
}
