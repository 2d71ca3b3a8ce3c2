#include "bench/upworker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "bench/measure.h"
#include "bench/tidy.h"

#define UP_TIMEOUT_MS 30000

extern char **environ;

static void read_line(int fd, char *out, size_t cap)
{
    size_t len = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (len + 1 < cap) {
        if (poll(&p, 1, UP_TIMEOUT_MS) <= 0)
            die("isolane up: not ready after %d ms", UP_TIMEOUT_MS);
        ssize_t n = read(fd, out + len, 1);
        if (n <= 0)
            die("isolane up ended before it was ready");
        if (out[len] == '\n')
            break;
        len++;
    }
    out[len] = 0;
}

void up_worker_start(struct up_worker *w, const struct bed *bed, char *config_file)
{
    char program[PATH_MAX], line[1024];
    char data[PATH_MAX];
    char *args[] = {program,     "up", "--data", data, config_file ? "--config" : NULL,
                    config_file, NULL};
    const char *build = getenv("ISOLANE_BUILD");
    int out[2];
    posix_spawn_file_actions_t fa;
    struct err e = {0};
    snprintf(data, sizeof data, "%s", bed->dir);
    must(fs_path(program, sizeof program, &e, "%s/isolane", build ? build : "build"), &e,
         "isolane");
    if (pipe2(out, O_CLOEXEC))
        die("pipe: %s", strerror(errno));
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_adddup2(&fa, out[1], STDOUT_FILENO);
    int rc = posix_spawn(&w->supervisor, program, &fa, NULL, args, environ);
    if (rc)
        die("cannot start %s: %s", program, strerror(rc));
    tidy_worker(w->supervisor);
    posix_spawn_file_actions_destroy(&fa);
    close(out[1]);
    read_line(out[0], line, sizeof line);
    close(out[0]);
    const char *url = strstr(line, "nats://");
    if (!url)
        die("isolane up said '%s': no URL in it", line);
    snprintf(w->url, sizeof w->url, "%s", url);
}

void up_worker_stop(struct up_worker *w)
{
    int status;
    kill(w->supervisor, SIGTERM);
    if (waitpid(w->supervisor, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        die("isolane up ended with wait status %#x; expected: exit 0", status);
    tidy_worker(0);
}
