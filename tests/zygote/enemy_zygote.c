/* A zygote that was taken over: started in place of node by tests/unit/host_enemy_zygote_test.c, it
 * speaks the control protocol and lies. What it does stands in the V8 flags of START:
 *
 *   up-short · up-long · up-twice · kind N · exited-early · descriptors-early
 *                         malformed, oversized, unknown, out of order, before or instead of UP
 *   and after UP, when a cell is asked for:
 *   honest                forks a cell that is ready and waits; tells of its end
 *   silent                nothing
 *   stranger PID          hands back the pidfd of that process
 *   self · null · none    … of itself; /dev/null; nothing
 *   many N                … the right one and N more
 *   swap                  … two cells' exchanged
 *   speak                 says READY in its cell's place
 *   forked-twice · forked-unknown · exited-alive · exited-unknown · exited-unforked · kind-inside
 *   flood-exited · flood-forked · flood-descriptors · flood-words
 *   linger                a process of it stays and floods control socket and stderr after its end
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/frame.h"
#include "sandbox/zygote/control.h"

static struct control_start start;
static struct control_fork asked;
static int socks[CONTROL_FORK_MAX];

/* ---- saying ---- */

static void send_with(const void *m, size_t len, const int *fds, int n)
{
    struct iovec v = {(void *)(uintptr_t)m, len};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(250 * sizeof(int))];
    } control;
    struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1};
    memset(&control, 0, sizeof control);
    if (n > 0) {
        h.msg_control = control.bytes;
        h.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&h);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
        memcpy(CMSG_DATA(c), fds, (size_t)n * sizeof(int));
    }
    if (sendmsg(CONTROL_FD, &h, MSG_NOSIGNAL) < 0)
        _exit(0);
}

static void say_up(size_t len)
{
    char room[8192] = {0};
    struct control_up up = {
        .kind = CONTROL_UP, .layers = ~0u, .threads = 1, .engine = "enemy \x1b[31m"};
    memcpy(room, &up, sizeof up);
    send_with(room, len, NULL, 0);
}

static void say_forked(uint64_t number, int pid, const int *fds, int n)
{
    struct control_forked f = {.kind = CONTROL_FORKED, .pid = pid, .number = number};
    send_with(&f, sizeof f, fds, n);
}

static void say_exited(uint64_t number)
{
    struct control_exited x = {.kind = CONTROL_EXITED, .number = number};
    send_with(&x, sizeof x, NULL, 0);
}

static int pidfd_of(int pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* A real cell is in the zygote's pid namespace and ends with it; these have to see to it. */
static int fork_bound(void)
{
    int pid = fork();
    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

static int fork_cell(int sock)
{
    const struct frame ready = {.type = FRAME_READY};
    int pid = fork_bound();
    if (pid != 0)
        return pid;
    close(CONTROL_FD);
    if (write(sock, &ready, sizeof ready) != sizeof ready)
        _exit(1);
    for (;;)
        pause();
}

static void fork_honestly(int i)
{
    int pid = fork_cell(socks[i]), fd = pidfd_of(pid);
    close(socks[i]); /* so that the supervisor sees its end */
    say_forked(asked.number[i], pid, &fd, 1);
    close(fd);
}

/* ---- ways to lie, when cells are asked for ---- */

static void hand_back(int fd)
{
    int pid = fork_cell(socks[0]);
    say_forked(asked.number[0], pid, &fd, fd >= 0);
}

static void silent(void)
{
}

static void stranger(void)
{
    hand_back(pidfd_of(atoi(start.v8_flags + strlen("stranger "))));
}

static void self(void)
{
    hand_back(pidfd_of(getpid()));
}

static void null(void)
{
    hand_back(open("/dev/null", O_RDWR));
}

static void none(void)
{
    hand_back(-1);
}

static void many(void)
{
    int fds[250], n = 1 + atoi(start.v8_flags + strlen("many "));
    int pid = fork_cell(socks[0]);
    for (int i = 0; i < n; i++)
        fds[i] = i ? 0 : pidfd_of(pid);
    say_forked(asked.number[0], pid, fds, n);
}

static void swap(void)
{
    int pids[2] = {fork_cell(socks[0]), fork_cell(socks[1])};
    for (int i = 0; i < 2; i++) {
        int fd = pidfd_of(pids[1 - i]);
        say_forked(asked.number[i], pids[i], &fd, 1);
    }
}

static void speak(void)
{
    const struct frame ready = {.type = FRAME_READY};
    int pid = fork_bound();
    if (pid == 0)
        for (;;)
            pause();
    if (write(socks[0], &ready, sizeof ready) != sizeof ready)
        _exit(1);
    int fd = pidfd_of(pid);
    say_forked(asked.number[0], pid, &fd, 1);
}

static void forked_twice(void)
{
    fork_honestly(0);
    int fd = pidfd_of(getpid());
    say_forked(asked.number[0], getpid(), &fd, 1);
}

static void forked_unknown(void)
{
    int fd = pidfd_of(getpid());
    say_forked(UINT64_C(1) << 40, getpid(), &fd, 1);
}

static void exited_alive(void)
{
    fork_honestly(0);
    say_exited(asked.number[0]);
}

static void exited_unknown(void)
{
    say_exited(0);
}

static void exited_unforked(void)
{
    say_exited(asked.number[0]);
}

static void kind_inside(void)
{
    struct control_exited x[2] = {{.kind = CONTROL_EXITED, .number = asked.number[0]},
                                  {.kind = CONTROL_UP, .number = asked.number[0]}};
    send_with(x, sizeof x, NULL, 0);
}

static void flood_exited(void)
{
    struct control_exited x[CONTROL_EXITED_MAX];
    memset(x, 0, sizeof x);
    for (int i = 0; i < CONTROL_EXITED_MAX; i++)
        x[i] = (struct control_exited){.kind = CONTROL_EXITED, .number = asked.number[0]};
    for (;;)
        send_with(x, sizeof x, NULL, 0);
}

static void flood_forked(void)
{
    for (;;)
        say_forked(asked.number[0], -11, NULL, 0);
}

static void flood_descriptors(void)
{
    struct control_exited x = {.kind = CONTROL_EXITED, .number = asked.number[0]};
    int fds[2] = {0, 0};
    for (;;)
        send_with(&x, sizeof x, fds, 2);
}

static void flood_words(void)
{
    char text[4096];
    memset(text, '!', sizeof text);
    fcntl(2, F_SETFL, O_WRONLY);
    for (int i = 0; i < 100; i++)
        if (fork() == 0)
            for (;;)
                if (write(2, text, sizeof text) < 0)
                    _exit(0);
    _exit(9);
}

static void linger(void)
{
    if (fork() == 0) {
        setsid();
        char byte = '!';
        fcntl(2, F_SETFL, O_WRONLY | O_NONBLOCK);
        for (;;) {
            struct control_failed f = {.kind = CONTROL_FAILED, .text = "\xff\xfe lingering"};
            if (send(CONTROL_FD, &f, sizeof f, MSG_NOSIGNAL) < 0)
                _exit(0); /* our side has closed: the test is over */
            ssize_t ignored = write(2, &byte, 1);
            (void)ignored;
        }
    }
    usleep(20000);
    _exit(9);
}

static void honest(void)
{
    for (uint32_t i = 0; i < asked.n; i++)
        fork_honestly((int)i);
}

static const struct {
    const char *name;
    void (*lie)(void);
} lies[] = {
    {"honest", honest},
    {"silent", silent},
    {"stranger", stranger},
    {"self", self},
    {"null", null},
    {"none", none},
    {"many", many},
    {"swap", swap},
    {"speak", speak},
    {"forked-twice", forked_twice},
    {"forked-unknown", forked_unknown},
    {"exited-alive", exited_alive},
    {"exited-unknown", exited_unknown},
    {"exited-unforked", exited_unforked},
    {"kind-inside", kind_inside},
    {"flood-exited", flood_exited},
    {"flood-forked", flood_forked},
    {"flood-descriptors", flood_descriptors},
    {"flood-words", flood_words},
    {"linger", linger},
};

/* ---- life ---- */

static bool does(const char *what)
{
    return !strncmp(start.v8_flags, what, strlen(what)) &&
           (start.v8_flags[strlen(what)] == '\0' || start.v8_flags[strlen(what)] == ' ');
}

static void come_up(void)
{
    struct control_exited x = {.kind = CONTROL_EXITED, .number = 2};
    uint32_t kind = (uint32_t)strtoul(start.v8_flags + 5, NULL, 10);
    int fds[2] = {0, 0};
    size_t whole = sizeof(struct control_up);
    if (does("up-short"))
        say_up(whole - 1);
    else if (does("up-long"))
        say_up(8192);
    else if (does("kind"))
        send_with(&kind, sizeof kind, NULL, 0);
    else if (does("exited-early"))
        send_with(&x, sizeof x, NULL, 0);
    else if (does("descriptors-early"))
        send_with(&x, sizeof x, fds, 2);
    else
        say_up(whole);
    if (does("up-twice"))
        say_up(whole);
}

static void take_fork(void)
{
    struct iovec v = {&asked, sizeof asked};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof socks)];
    } control;
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(CONTROL_FD, &m, 0);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (n != sizeof asked || !c)
        _exit(0);
    memcpy(socks, CMSG_DATA(c), asked.n * sizeof socks[0]);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++)
        if (does(lies[i].name))
            lies[i].lie();
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    if (recv(CONTROL_FD, &start, sizeof start, 0) != sizeof start)
        return 1;
    come_up();
    for (;;)
        take_fork();
}
