/* A real nats-server for one test: its own folder, a free port of 127.0.0.1, dead with the test. */
#pragma once

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

#define NATS_SERVER_PROGRAM "/usr/sbin/nats-server"

struct nats_server {
    char dir[64];
    char conf[128]; /* "": none */
    char url[64];   /* "nats://127.0.0.1:4711" */
    int port;       /* 0 before the first start */
    pid_t pid;      /* 0: not running */
    bool no_jetstream;
};

static inline void nats_server_init(struct nats_server *s)
{
    memset(s, 0, sizeof *s);
    strcpy(s->dir, "/tmp/isolane-nats-XXXXXX");
    if (!mkdtemp(s->dir))
        abort();
}

/* Text of the server's configuration, beside what its arguments say. */
static inline void nats_server_conf(struct nats_server *s, const char *text)
{
    struct err e = {0};
    snprintf(s->conf, sizeof s->conf, "%s/server.conf", s->dir);
    if (fs_write_file(s->conf, text, strlen(text), 0600, false, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        abort();
    }
}

static inline void nats_server_exec(struct nats_server *s)
{
    char port[16], store[128], log[128];
    const char *args[16] = {NATS_SERVER_PROGRAM, "-a", "127.0.0.1", "-p"};
    int n = 4;
    snprintf(port, sizeof port, "%d", s->port);
    snprintf(store, sizeof store, "%s/js", s->dir);
    snprintf(log, sizeof log, "%s/log", s->dir);
    args[n++] = port;
    args[n++] = "--ports_file_dir";
    args[n++] = s->dir;
    args[n++] = "-l";
    args[n++] = log;
    if (!s->no_jetstream)
        args[n++] = "-js";
    args[n++] = "-sd";
    args[n++] = store;
    if (s->conf[0]) {
        args[n++] = "-c";
        args[n++] = s->conf;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(NATS_SERVER_PROGRAM, (char *const *)(uintptr_t)args);
    _exit(127);
}

/* A port of 127.0.0.1 where nobody listens, below those that the kernel gives to connections
 * (ip_local_port_range): a client that dials while the server is away could be given the very port
 * as its own, be connected to itself, and keep the server from coming back. */
static inline int nats_server_free_port(void)
{
    for (int tries = 0; tries < 100; tries++) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        uint16_t drawn;
        if (getrandom(&drawn, sizeof drawn, 0) != sizeof drawn)
            abort();
        a.sin_port = htons((uint16_t)(20000 + drawn % 12000));
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        int rc = bind(fd, (struct sockaddr *)&a, sizeof a);
        close(fd);
        if (rc == 0)
            return ntohs(a.sin_port);
    }
    abort();
}

/* True when it listens. */
static inline bool nats_server_try(struct nats_server *s)
{
    char ports[192], text[4096] = "";
    fflush(NULL);
    s->pid = fork();
    if (s->pid == 0)
        nats_server_exec(s);
    snprintf(ports, sizeof ports, "%s/nats-server_%d.ports", s->dir, (int)s->pid);
    for (int i = 0; i < 12000 && !strchr(text, ']'); i++) {
        int fd = open(ports, O_RDONLY | O_CLOEXEC);
        ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
        text[got > 0 ? got : 0] = 0;
        if (fd >= 0)
            close(fd);
        usleep(5000);
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
            break;
    }
    const char *at = strstr(text, "127.0.0.1:");
    if (at)
        snprintf(s->url, sizeof s->url, "nats://127.0.0.1:%d", s->port);
    unlink(ports);
    return at != NULL;
}

/* Starts, on the same port and store when it ran before, and waits until it listens. */
static inline void nats_server_start(struct nats_server *s)
{
    char command[256];
    bool listens = s->port && nats_server_try(s);
    for (int i = 0; i < 5 && !s->url[0]; i++) { /* another test may take the port just before us */
        s->port = nats_server_free_port();
        listens = nats_server_try(s);
    }
    if (listens)
        return;
    snprintf(command, sizeof command, "cat %s/log >&2", s->dir);
    fprintf(stderr, "nats-server does not start in %s:\n", s->dir);
    (void)!system(command);
    abort();
}

/* SIGKILL by default: as a crash. */
static inline void nats_server_end(struct nats_server *s, int sig)
{
    if (!s->pid)
        return;
    kill(s->pid, sig);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

static inline void nats_server_remove(struct nats_server *s)
{
    char command[128];
    nats_server_end(s, SIGKILL);
    snprintf(command, sizeof command, "rm -rf %s", s->dir);
    (void)!system(command);
}
