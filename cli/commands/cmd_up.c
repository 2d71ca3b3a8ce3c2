/* up: a worker with a nats-server of its own. worker: a worker at a server that is there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "cli/command.h"
#include "cli/options.h"
#include "executor/worker.h"

#define NEWS_MAX 1024

struct start {
    struct worker_options worker;
    struct data_paths paths;
    struct engine_paths engine;
    int news; /* --detach: pipe to the waiting parent, -1: none */
};

/* One line for whoever waits: 'R' ready or 'E' failed, and its text. */
static void tell(struct start *s, char kind, const char *text)
{
    if (s->news < 0) {
        if (kind == 'R') {
            printf("%s\n", text);
            fflush(stdout);
        } else {
            say("%s", text);
        }
        return;
    }
    char line[NEWS_MAX];
    int n = snprintf(line, sizeof line, "%c%s", kind, text);
    ssize_t ignored = write(s->news, line, n < NEWS_MAX ? (size_t)n : NEWS_MAX - 1);
    (void)ignored;
    close(s->news);
    s->news = -1;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC); /* the terminal is the parent's */
    if (null >= 0)
        dup2(null, STDOUT_FILENO);
}

static void on_ready(const char *url, void *arg)
{
    struct start *s = arg;
    char text[NEWS_MAX - 2];
    snprintf(text, sizeof text, "isolane is up (pid %ld, data %s): %s", (long)getpid(),
             s->paths.dir, url);
    tell(s, 'R', text);
}

/* The parent's side of --detach: prints what the child says and ends with it. */
static int wait_for_news(int fd)
{
    char line[NEWS_MAX + 1];
    size_t len = 0;
    for (ssize_t n; len < NEWS_MAX && (n = read(fd, line + len, NEWS_MAX - len)) != 0;) {
        if (n < 0 && errno != EINTR)
            break;
        if (n > 0)
            len += (size_t)n;
    }
    line[len] = 0;
    if (line[0] == 'R') {
        puts(line + 1);
        return out_finish(EXIT_JOB_OK);
    }
    say("%s", len > 1 ? line + 1 : "the worker ended before it was ready");
    return EXIT_OURS;
}

/* Forks; in the parent *code is set and true returned. Before any thread exists. */
static bool detach(struct start *s, int *code)
{
    int p[2];
    if (pipe2(p, O_CLOEXEC)) {
        say("cannot detach: %s", strerror(errno));
        *code = EXIT_OURS;
        return true;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0) {
        close(p[1]);
        *code = pid < 0 ? EXIT_OURS : wait_for_news(p[0]);
        if (pid < 0)
            say("cannot detach: %s", strerror(errno));
        close(p[0]);
        return true;
    }
    close(p[0]);
    setsid();
    s->news = p[1];
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int log = open(s->paths.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (in >= 0)
        dup2(in, STDIN_FILENO);
    if (log >= 0)
        dup2(log, STDERR_FILENO);
    return false;
}

static int start(const struct command *self, int argc, char **argv, bool embedded)
{
    struct settings settings = {0};
    struct options o = {.command = self};
    struct start s = {.news = -1};
    struct config *c = NULL;
    struct err e = {0};
    bool detached = false;
    options_add_settings(&o, &settings, !embedded);
    if (embedded)
        options_add(&o,
                    (const struct option_row[]){
                        {.name = "detach",
                         .type = OPTION_FLAG,
                         .to = &detached,
                         .help = "go on in the background once it is ready"},
                    },
                    1);
    int code = options_parse(&o, argc, argv, 0, 0, NULL);
    if (code != OPTIONS_GO)
        goto out;
    if (settings_load(&settings, &c, &e) || (!embedded && settings_nats_url(c, &settings, &e)) ||
        data_paths(c->data_dir, &s.paths, &e) || engine_paths(&s.engine, &e)) {
        code = fail(&e);
        goto out;
    }
    if (detached && (fs_make_dirs(s.paths.dir, &e) ? (code = fail(&e), true) : detach(&s, &code)))
        goto out;
    s.worker = (struct worker_options){
        .config = c,
        .paths = &s.paths,
        .engine = &s.engine,
        .embedded = embedded,
        .ready = on_ready,
        .arg = &s,
    };
    code = EXIT_JOB_OK;
    if (worker_run(&s.worker, &e)) {
        tell(&s, 'E', e.msg);
        code = EXIT_OURS;
    }
out:
    config_free(c);
    options_free(&o);
    return code;
}

static int run_up(const struct command *self, int argc, char **argv)
{
    return start(self, argc, argv, true);
}

static int run_worker(const struct command *self, int argc, char **argv)
{
    return start(self, argc, argv, false);
}

const struct command command_up = {
    .name = "up",
    .summary = "start a worker and a nats-server for it",
    .usage = "[options]",
    .about = "Starts a nats-server (JetStream, loopback only, its files in the data folder) and a "
             "worker at\n"
             "it. Prints one line with the server's URL when jobs are taken. Ends on SIGINT or "
             "SIGTERM: jobs\n"
             "that run may end, the others are handed back to the queue and run at the next start.",
    .exits = "0 ended on request, 2 usage or input, 3 our failure",
    .example = "  isolane up --data ./data --detach\n"
               "  isolane submit hello.js --data ./data --wait",
    .run = run_up,
};

const struct command command_worker = {
    .name = "worker",
    .summary = "start a worker at a NATS server that is there",
    .usage = "[options]",
    .about =
        "Pulls jobs from JetStream, runs each in its own jailed process and publishes signed "
        "results.\n"
        "Start as many as there is work for, each with its own data folder. Ends as `up` does.",
    .exits = "0 ended on request, 2 usage or input, 3 our failure",
    .example = "  isolane worker --nats nats://10.0.0.5:4222 --config /etc/isolane.yaml",
    .run = run_worker,
};
