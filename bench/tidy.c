/* How this works: the other process holds the reading end of a pipe whose writing end is ours
 * alone, and hears of the worker through it; the pipe's end is ours. It is in a session of its own,
 * so that Ctrl-C does not reach it, and no child of ours, so that nobody counts it as one. */
#include "bench/tidy.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/measure.h"

#define OPEN_FOLDERS 16
#define DRAIN_MS     10000 /* for a worker to end by itself */
#define KILLED_MS    5000  /* and for its processes to be gone */

static int tell = -1;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

int tidy_remove(const char *dir)
{
    return nftw(dir, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}

/* A pidfd: the number may be somebody else's by the time that it is needed. */
static void follow(pid_t pid, int *worker)
{
    if (*worker >= 0)
        close(*worker);
    *worker = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

static bool ended(int worker, int ms)
{
    struct pollfd p = {.fd = worker, .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

static void end_worker(int worker)
{
    if (worker < 0)
        return;
    syscall(SYS_pidfd_send_signal, worker, SIGTERM, NULL, 0);
    if (ended(worker, DRAIN_MS))
        return;
    syscall(SYS_pidfd_send_signal, worker, SIGKILL, NULL, 0);
    ended(worker, KILLED_MS);
}

static _Noreturn void clear_up(int hear, const char *dir)
{
    int worker = -1;
    pid_t pid;
    setsid();
    dup2(hear,
         STDIN_FILENO); /* nothing else of the bench's: who reads its output waits for its end */
    close_range(STDIN_FILENO + 1, ~0u, 0);
    while (read(STDIN_FILENO, &pid, sizeof pid) == (ssize_t)sizeof pid)
        follow(pid, &worker);
    end_worker(worker);
    tidy_remove(dir);
    _exit(0);
}

void tidy_watch(const char *dir)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        die("pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0)
        die("fork: %s", strerror(errno));
    if (pid == 0) {
        close(ends[1]);
        if (fork() == 0)
            clear_up(ends[0], dir);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    close(ends[0]);
    tell = ends[1];
}

void tidy_done(void)
{
    close(tell); /* it finds nothing to do, and ends */
    tell = -1;
}

void tidy_worker(pid_t pid)
{
    if (write(tell, &pid, sizeof pid) != (ssize_t)sizeof pid)
        die("nobody clears up behind this bench: %s", strerror(errno));
}
