/* How this works
 *
 *   START → engine up and warm → memory prepared → jailed → its filter → (a tenant's source
 *   compiled: keep.h) → a cell tried → UP
 *   then, until the control socket ends: FORK → FORKED for each; a child ends → EXITED
 *
 * One thread, always: a fork copies only the thread that calls it, and V8 with others cannot live
 * in the child. It is asserted before every fork. What happens between START and UP may take its
 * time, what happens per FORK may not: every page that is written here is copied again for every
 * cell. */
#include "sandbox/zygote/zygote.h"

#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "sandbox/engine/engine.h"
#include "sandbox/jail/jail.h"
#include "sandbox/zygote/cell.h"
#include "sandbox/zygote/control.h"
#include "sandbox/zygote/keep.h"
#include "sandbox/zygote/maps.h"
#include "sandbox/zygote/memory.h"
#include "sandbox/zygote/signals.h"

#define CHILDREN_MAX 2048 /* as many as the jail lets there be (RLIMIT_NPROC) */

static struct {
    struct cell_start start;
    int keep_fd;  /* of the source to compile, -1: none */
    int child_fd; /* signalfd of SIGCHLD */
    int children;
    struct child {
        pid_t pid;
        uint64_t number;
    } child[CHILDREN_MAX];
} z;

static _Noreturn void give_up(const struct err *e)
{
    struct control_failed f = {.kind = CONTROL_FAILED, .code = (uint32_t)-e->code};
    snprintf(f.text, sizeof f.text, "%s", e->msg);
    ssize_t ignored = send(CONTROL_FD, &f, sizeof f, MSG_NOSIGNAL);
    (void)ignored;
    _exit(1);
}

static void tell(const void *message, size_t len)
{
    while (send(CONTROL_FD, message, len, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            _exit(0); /* the supervisor has gone */
}

/* ---- start ---- */

/* libc has the kernel write each process's CPU number into its thread's block, whenever it was
 * switched: in each cell a page to copy for a number that nobody asks for. */
static void leave_rseq(void)
{
    const unsigned least = sizeof(struct rseq), size = __rseq_size > least ? __rseq_size : least;
    if (__rseq_size > 0)
        syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, size,
                RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

static void set_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signals_install();
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void read_start(struct control_start *s)
{
    struct iovec v = {s, sizeof *s};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do
        n = recvmsg(CONTROL_FD, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    z.keep_fd = -1;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        memcpy(&z.keep_fd, CMSG_DATA(c), sizeof z.keep_fd);
    if (n != sizeof *s || s->kind != CONTROL_START || (s->keep != 0) != (z.keep_fd >= 0))
        _exit(n == 0 ? 0 : 2);
    s->preload[sizeof s->preload - 1] = '\0';
    s->snapshot[sizeof s->snapshot - 1] = s->v8_flags[sizeof s->v8_flags - 1] = '\0';
}

static int boot(const struct control_start *s, struct err *e)
{
    char why[512] = "";
    if (engine_boot(s->snapshot, s->v8_flags[0] ? s->v8_flags : NULL, s->few_cells != 0, &cell_host,
                    why, sizeof why))
        return err_set(e, ERR_UNAVAILABLE, "the engine does not start: %s", why);
    if (s->preload[0] && engine_preload(s->preload, (uint64_t)s->preload_mb << 20,
                                        s->preload_quick != 0, why, sizeof why))
        return err_set(e, ERR_UNAVAILABLE, "the tool of this profile does not start: %s", why);
    return 0;
}

static int open_signals(struct err *e)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    z.child_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return z.child_fd < 0 ? err_errno(e, "signalfd") : 0;
}

/* Holds exactly while the process has one thread: unshare(2). No /proc is needed for it. */
static bool one_thread(void)
{
    return syscall(SYS_unshare, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) == 0;
}

static int no_threads_left(struct err *e)
{
    return one_thread() ? 0
                        : err_set(e, ERR_UNAVAILABLE,
                                  "the engine has made a thread; a zygote that has one can't fork");
}

/* What is mapped before the fork no filter looks at. */
static int no_code_to_write(struct err *e)
{
    struct map *m;
    int n = maps_read(&m), bad = 0;
    if (n < 0)
        return err_set(e, ERR_UNAVAILABLE, "cannot read the zygote's mappings");
    for (int i = 0; i < n; i++)
        bad += m[i].writable && m[i].executable;
    maps_free(m);
    return bad == 0 ? 0
                    : err_set(e, ERR_UNAVAILABLE,
                              "%d mappings of the zygote can be written and executed; its profile "
                              "allows none",
                              bad);
}

static const char *how_it_ended(int status, char *out, size_t cap)
{
    if (WIFSIGNALED(status))
        snprintf(out, cap, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(out, cap, "exit status %d", WEXITSTATUS(status));
    return out;
}

/* Forks one cell that shows which of its layers hold, so that UP can say so of those to come. */
static int try_cell(uint32_t *layers, uint64_t *rss_bytes, struct err *e)
{
    int pipes[2], status = 0;
    struct cell_trial_report shown = {0};
    char how[64];
    const uint32_t wanted = ((1u << LAYERS) - 1) & ~JAIL_OPTIONAL;
    if (pipe2(pipes, O_CLOEXEC))
        return err_errno(e, "cannot make a pipe for the first cell");
    pid_t pid = fork();
    if (pid == 0)
        cell_trial(pipes[1], &z.start);
    close(pipes[1]);
    ssize_t n = pid < 0 ? -1 : read(pipes[0], &shown, sizeof shown);
    close(pipes[0]);
    if (pid < 0)
        return err_errno(e, "cannot fork the first cell");
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (n != sizeof shown || status != 0)
        return err_set(e, ERR_UNAVAILABLE, "the first cell did not get ready: it ended with %s",
                       how_it_ended(status, how, sizeof how));
    *layers |= shown.layers;
    *rss_bytes = shown.rss_bytes;
    for (int l = 0; l < LAYERS && z.start.jail == JAIL_REQUIRE; l++)
        if (wanted & ~*layers & (1u << l))
            return err_set(e, ERR_UNAVAILABLE, "jail layer %s does not hold in a cell",
                           jail_layer_name((enum jail_layer)l));
    return 0;
}

static int start(struct control_up *up, struct err *e)
{
    struct control_start s;
    struct memory_files files;
    struct memory_figures figures;
    read_start(&s);
    z.start.jail = (enum jail_mode)s.jail_mode;
    z.start.layers = s.layers;
    z.start.no_code = s.no_code != 0;
    if (!s.few_cells)
        memory_begin();
    int rc = boot(&s, e);
    if (!rc)
        rc = no_threads_left(e);
    if (!rc)
        rc = memory_files_open(&files, e);
    if (rc)
        return rc;
    rc = memory_prepare(cell_train, s.few_cells != 0, e);
    if (!rc && z.start.no_code)
        rc = no_code_to_write(e);
    if (!rc)
        rc = open_signals(e);
    if (!rc)
        rc = jail_enter(z.start.jail, &z.start.layers, e);
    if (!rc)
        rc = jail_seal_zygote(z.start.jail, e);
    if (!rc && s.keep) /* from here on it is a tenant's */
        rc = keep_source(z.keep_fd, (uint64_t)s.preload_mb << 20, e);
    if (!rc)
        rc = memory_measure(&files, &figures, e);
    z.start.data_bytes = rc ? 0 : figures.data_bytes;
    up->layers = z.start.layers;
    if (!rc)
        rc = try_cell(&up->layers, &up->cell_rss_bytes, e);
    if (!rc)
        rc = memory_measure(&files, &figures, e);
    memory_files_close(&files);
    if (rc)
        return rc;
    up->kind = CONTROL_UP;
    up->threads = figures.threads;
    up->mappings = figures.mappings;
    up->private_dirty_bytes = figures.private_dirty_bytes;
    up->huge_bytes = figures.huge_bytes;
    snprintf(up->engine, sizeof up->engine, "%s", engine_version());
    snprintf(up->flags, sizeof up->flags, "%s", engine_flags());
    return 0;
}

/* ---- FORK ---- */

static void tell_forked(uint64_t number, pid_t pid, int pidfd)
{
    struct control_forked f = {.kind = CONTROL_FORKED, .pid = pid, .number = number};
    struct iovec v = {&f, sizeof f};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof pidfd)];
    } control = {0};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    if (pidfd >= 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof pidfd);
        memcpy(CMSG_DATA(c), &pidfd, sizeof pidfd);
    }
    while (sendmsg(CONTROL_FD, &m, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            _exit(0);
}

static void fork_cell(uint64_t number, int sock, bool awaited)
{
    int pidfd = -1;
    if (z.children == CHILDREN_MAX) {
        tell_forked(number, -EAGAIN, -1);
        return;
    }
    pid_t pid = _Fork(); /* with one thread there is nothing for fork()'s handlers to mend */
    if (pid == 0)
        cell_main(sock, &z.start, awaited);
    if (pid < 0) {
        pid = -errno;
    } else {
        z.child[z.children++] = (struct child){pid, number};
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* before it is reaped: it is this child's */
        if (pidfd < 0)
            _exit(1); /* nobody could end this cell: all end, with the first of their namespace */
    }
    tell_forked(number, pid, pidfd);
    if (pidfd >= 0)
        close(pidfd);
}

/* False when the supervisor has closed its end. */
static bool take_fork(void)
{
    struct control_fork f;
    int socks[CONTROL_FORK_MAX];
    size_t count = 0;
    struct iovec v = {&f, sizeof f};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof socks)];
    } control;
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(CONTROL_FD, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        count = (c->cmsg_len - CMSG_LEN(0)) / sizeof socks[0];
        memcpy(socks, CMSG_DATA(c), count * sizeof socks[0]);
    }
    if (n != sizeof f || f.kind != CONTROL_FORK || f.n != count || (m.msg_flags & MSG_CTRUNC))
        return false;
    struct err e = {0};
    if (no_threads_left(&e))
        give_up(&e);
    for (size_t i = 0; i < count; i++) {
        fork_cell(f.number[i], socks[i], f.awaited != 0);
        close(socks[i]);
    }
    return true;
}

/* ---- EXITED ---- */

static uint64_t microseconds(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_usec;
}

static bool forget_child(pid_t pid, uint64_t *number)
{
    for (int i = 0; i < z.children; i++)
        if (z.child[i].pid == pid) {
            *number = z.child[i].number;
            z.child[i] = z.child[--z.children];
            return true;
        }
    return false;
}

static void reap(void)
{
    struct signalfd_siginfo info[2]; /* it can be pending once: one read takes all there is */
    struct control_exited exited[CONTROL_EXITED_MAX];
    size_t n = 0;
    struct rusage r;
    int status;
    pid_t pid;
    ssize_t ignored = read(z.child_fd, info, sizeof info);
    (void)ignored;
    while ((pid = wait4(-1, &status, WNOHANG, &r)) > 0) {
        struct control_exited *x = &exited[n];
        memset(x, 0, sizeof *x);
        if (!forget_child(pid, &x->number))
            continue; /* an orphan that came to us, pid 1 of the namespace */
        x->kind = CONTROL_EXITED;
        x->status = status;
        x->utime_us = microseconds(r.ru_utime);
        x->stime_us = microseconds(r.ru_stime);
        x->maxrss_kb = (uint64_t)r.ru_maxrss;
        x->minflt = (uint64_t)r.ru_minflt;
        if (++n == CONTROL_EXITED_MAX) {
            tell(exited, n * sizeof exited[0]);
            n = 0;
        }
    }
    if (n > 0)
        tell(exited, n * sizeof exited[0]);
}

/* Its frame and those of all that it calls lie below a page's end: how many pages of the stack a
 * cell copies is not left to where the kernel put it. */
static __attribute__((noinline)) _Noreturn void serve(void)
{
    struct pollfd fds[] = {{.fd = CONTROL_FD, .events = POLLIN},
                           {.fd = z.child_fd, .events = POLLIN}};
    for (;;) {
        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[1].revents)
            reap();
        if (fds[0].revents && !take_fork())
            _exit(0); /* and with pid 1 of the namespace, all cells */
    }
}

void zygote_main(void)
{
    struct err e = {0};
    struct control_up up;
    memset(&up, 0, sizeof up);
    close_range(CONTROL_FD + 1, ~0u, 0); /* the descriptor that this object was loaded from */
    prctl(PR_SET_NAME, "isolane-zygote");
    leave_rseq();
    set_signals();
    if (start(&up, &e))
        give_up(&e);
    memory_settle();
    tell(&up, sizeof up);
    volatile char *edge = alloca((uintptr_t)alloca(1) & (TOUCH_PAGE - 1));
    edge[0] = 0;
    serve();
}
