#include "cli/doctor/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

extern char **environ;

static int start(char *const argv[], int to, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, to, 1);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    sigemptyset(&none);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    int rc = posix_spawn(pid, argv[0], &files, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

/* Reads to the end of file or the deadline; keeps what fits. False: too late. */
static bool read_all(int fd, int64_t until_us, char *out, size_t cap)
{
    size_t n = 0;
    char spill[512];
    for (;;) {
        int64_t left_ms = (until_us - clock_mono_us()) / 1000;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            break;
        bool room = n < cap - 1;
        ssize_t got = read(fd, room ? out + n : spill, room ? cap - 1 - n : sizeof spill);
        if (got <= 0) {
            out[n] = 0;
            return true;
        }
        n += room ? (size_t)got : 0;
    }
    out[n] = 0;
    return false;
}

int probe_line(char *const argv[], int timeout_ms, char *out, size_t cap, struct err *e)
{
    int ends[2], status = 0;
    pid_t pid;
    out[0] = 0;
    if (pipe2(ends, O_CLOEXEC))
        return err_errno(e, "cannot make a pipe");
    int rc = start(argv, ends[1], &pid);
    close(ends[1]);
    if (rc) {
        close(ends[0]);
        return err_set(e, ERR_UNAVAILABLE, "cannot run %s: %s", argv[0], strerror(rc));
    }
    bool in_time = read_all(ends[0], clock_mono_us() + (int64_t)timeout_ms * 1000, out, cap);
    close(ends[0]);
    if (!in_time)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    out[strcspn(out, "\r\n")] = 0;
    if (!in_time)
        return err_set(e, ERR_TIMEOUT, "%s did not end within %d ms", argv[0], timeout_ms);
    if (WIFSIGNALED(status))
        return err_set(e, ERR_UNAVAILABLE, "%s was ended by signal %d", argv[0], WTERMSIG(status));
    if (WEXITSTATUS(status))
        return err_set(e, ERR_UNAVAILABLE, "%s ended with status %d", argv[0], WEXITSTATUS(status));
    return 0;
}
