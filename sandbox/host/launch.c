/* How this works
 *
 * The zygote is node's executable with the cell runtime preloaded. Between clone3() and execve()
 * the child is a copy of one thread of a program with several: it makes system calls and nothing
 * else, on memory that was prepared before. It is given, in this order,
 *
 *   0, 1  /dev/null    2  a pipe that we read when it has died    3  control    4  the cell runtime
 *
 * and nothing else that we have open. The runtime is passed as a descriptor because a path in
 * LD_PRELOAD must not contain spaces or colons. */
#include "sandbox/host/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/jail/cgroup.h"
#include "sandbox/jail/jail.h"
#include "sandbox/jail/layers_for_test.h"

#define RUNTIME_FD  4
#define STACK_BYTES (8u << 20)
#define ABOVE_ALL   16 /* lowest number that no descriptor of the child ends up as */

/* Everything the child needs, made by the parent. */
struct plan {
    char node[PATH_MAX];
    int fds[5]; /* what becomes 0..4 */
    struct control_failed no_exec;
};

static void prepare(struct plan *p, const struct zygote_options *o)
{
    snprintf(p->node, sizeof p->node, "%s", o->paths->node);
    p->no_exec = (struct control_failed){.kind = CONTROL_FAILED};
    snprintf(p->no_exec.text, sizeof p->no_exec.text, "cannot start the engine's program %.600s",
             p->node);
}

/* V8's own limit for JavaScript lies below this (sandbox/engine/engine.cc). The operator's ulimit
 * must not decide where a deep recursion ends; a hard limit below stays, and the engine takes less.
 */
static void limit_stack(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_STACK, &r))
        return;
    if (r.rlim_max > STACK_BYTES)
        r.rlim_max = STACK_BYTES;
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_STACK, &r);
}

static _Noreturn void become_zygote(struct plan *p)
{
    static char *const argv[] = {(char *)"isolane", (char *)"isolane-zygote", NULL};
    char *const env[] = {(char *)"LD_PRELOAD=/proc/self/fd/4", (char *)"LD_BIND_NOW=1",
                         jail_off_entry(), NULL};
    limit_stack();
    setsid(); /* a terminal's Ctrl-C is the supervisor's to handle */
    int failed = 0;
    for (int i = 0; i < 5; i++) {
        p->fds[i] = fcntl(p->fds[i], F_DUPFD_CLOEXEC, ABOVE_ALL);
        failed |= p->fds[i];
    }
    for (int i = 0; i < 5; i++)
        failed |= dup2(p->fds[i], i);
    close_range(RUNTIME_FD + 1, ~0u, 0);
    if (failed >= 0)
        execve(p->node, argv, env);
    p->no_exec.code = CONTROL_ERRNO | (uint32_t)errno;
    ssize_t ignored = send(CONTROL_FD, &p->no_exec, sizeof p->no_exec, MSG_NOSIGNAL);
    (void)ignored;
    _exit(127);
}

static void close_all(const int *fds, int n)
{
    for (int i = 0; i < n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static int open_for_child(const struct zygote_options *o, int fds[4], struct err *e)
{
    fds[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fds[0] < 0)
        return err_errno(e, "cannot open /dev/null");
    fds[1] = open(o->paths->cell, O_RDONLY | O_CLOEXEC);
    if (fds[1] < 0) {
        err_errno(e, "cannot open the cell runtime %s", o->paths->cell);
        return e ? (e->code = ERR_NOT_FOUND) : ERR_NOT_FOUND;
    }
    /* Non-blocking: a process with much to say must not wait for us. */
    if (pipe2(fds + 2, O_CLOEXEC | O_NONBLOCK))
        return err_errno(e, "cannot make a pipe for the zygote");
    return 0;
}

int launch_zygote(const struct zygote_options *o, struct launched *out, struct err *e)
{
    enum { NULL_FD, RUNTIME, WORDS_OUT, WORDS_IN, OURS, THEIRS, FDS };
    int fds[FDS] = {-1, -1, -1, -1, -1, -1};
    struct plan p;
    int rc = open_for_child(o, fds, e);
    if (!rc && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds + OURS))
        rc = err_errno(e, "cannot make the zygote's control socket");
    if (rc) {
        close_all(fds, FDS);
        return rc;
    }
    prepare(&p, o);
    const int order[5] = {fds[NULL_FD], fds[NULL_FD], fds[WORDS_IN], fds[THEIRS], fds[RUNTIME]};
    memcpy(p.fds, order, sizeof order);
    out->pid =
        jail_clone(o->jail, o->cgroup ? cgroup_fd(o->cgroup) : -1, &out->pidfd, &out->layers, e);
    if (out->pid == 0)
        become_zygote(&p);
    if (out->pid > 0) {
        out->control = fds[OURS];
        out->words = fds[WORDS_OUT];
        fds[OURS] = fds[WORDS_OUT] = -1;
    } else {
        rc = out->pid;
    }
    close_all(fds, FDS);
    return rc;
}
