#include "cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/print/format.h"

static void say_with(const char *command, const char *fmt, va_list ap)
{
    char text[1600];
    struct buf line = {0};
    vsnprintf(text, sizeof text, fmt, ap);
    /* A job's words may stand in it: neither a second line nor an escape sequence. */
    text_add_one_line(&line, text, strlen(text));
    fprintf(stderr, command ? "isolane: %s: %s\n" : "isolane: %s%s\n", command ? command : "",
            line.data);
    buf_free(&line);
}

void say(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say_with(NULL, fmt, ap);
    va_end(ap);
}

int fail(const struct err *e)
{
    say("%s", e->msg);
    /* "--set: pool: found …": what is wrong came from the command line. */
    return e->code == ERR_INVALID && !strncmp(e->msg, "--", 2) ? EXIT_USAGE : EXIT_OURS;
}

int fail_input(const struct err *e)
{
    say("%s", e->msg);
    return e->code == ERR_UNAVAILABLE || e->code == ERR_TIMEOUT ? EXIT_OURS : EXIT_USAGE;
}

int err_of_option(struct err *e, const char *option)
{
    err_wrap(e, "%s", option);
    return e->code = ERR_INVALID;
}

int input_check(const char *path, struct err *e)
{
    char nothing;
    if (!strcmp(path, "-"))
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool good = fd >= 0 && (read(fd, &nothing, 0) == 0 || errno == EAGAIN); /* no folder */
    if (!good) {
        err_errno(e, "cannot read %s", path);
        e->code = ERR_INVALID;
    }
    if (fd >= 0)
        close(fd);
    return good ? 0 : ERR_INVALID;
}

int fail_usage(const struct command *self, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say_with(self->name, fmt, ap);
    va_end(ap);
    return EXIT_USAGE;
}

bool out_is_left(void)
{
    struct pollfd p = {.fd = STDOUT_FILENO};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

int out_finish(int code)
{
    if ((!fflush(stdout) && !ferror(stdout)) || out_is_left())
        return code;
    say("cannot write to standard output: %s", strerror(errno));
    return EXIT_OURS;
}
