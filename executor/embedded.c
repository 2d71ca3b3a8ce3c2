#include "executor/embedded.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/jv.h"
#include "base/log.h"
#include "base/mem.h"

#define START_TIMEOUT_US 10000000
#define STOP_TIMEOUT_MS  5000
#define POLL_MS          5
#define RESTART_MS       200
#define MAX_PAYLOAD                                                                                \
    "16MB" /* above config job_max_kb, so that a job too large is answered, not cut off */
#define PORTS_FILE_MAX 65536
#define LOG_MAX        ((size_t)64 << 20)

struct embedded {
    uv_loop_t *loop;
    char program[PATH_MAX], conf[PATH_MAX], log[PATH_MAX], ports[PATH_MAX], dir[PATH_MAX];
    char url[128];
    int port; /* 0: any free one */
    uv_process_t process;
    uv_timer_t timer;
    bool running, stopping, timed_out;
    int64_t exit_status;
    int exit_signal;
    int handles; /* open ones of ours: freed with the last */
};

static bool executable(const char *path)
{
    return access(path, X_OK) == 0;
}

int embedded_find_server(const char *configured, char *out, size_t cap, struct err *e)
{
    if (configured && strchr(configured, '/')) {
        if (!executable(configured))
            return err_errno(e, "nats_server: cannot run %s", configured);
        return fs_path(out, cap, e, "%s", configured);
    }
    const char *name = configured ? configured : "nats-server", *path = getenv("PATH");
    char places[8192];
    snprintf(places, sizeof places, "%s:/usr/sbin:/usr/local/sbin:/usr/local/bin",
             path ? path : "");
    for (char *rest = places, *dir; (dir = strsep(&rest, ":"));)
        if (*dir && fs_path(out, cap, NULL, "%s/%s", dir, name) == 0 && executable(out))
            return 0;
    return err_set(
        e, ERR_NOT_FOUND,
        "cannot find %s in PATH or /usr/sbin: install Debian's package nats-server, or set "
        "nats_server in the configuration",
        name);
}

static int write_conf(struct embedded *s, struct err *e)
{
    struct buf b = {0};
    buf_addf(&b, "# Written by isolane at each start: changes are lost.\n");
    buf_addf(&b, "listen: \"127.0.0.1:%d\"\n", s->port ? s->port : -1);
    buf_addf(&b, "server_name: \"isolane-%ld\"\n", (long)getpid());
    buf_addf(&b, "max_payload: %s\n", MAX_PAYLOAD);
    buf_addf(&b, "log_file: \"%s\"\n", s->log);
    buf_addf(&b, "ports_file_dir: \"%s\"\n", s->dir);
    buf_addf(&b, "jetstream { store_dir: \"%s/jetstream\" }\n", s->dir);
    int rc = fs_write_file(s->conf, b.data, b.len, 0600, false, e);
    buf_free(&b);
    return rc;
}

/* The last line of the server's log that says [ERR] or [FTL]: its own reason. */
static void last_words(const struct embedded *s, char *out, size_t cap)
{
    char *data = NULL;
    size_t len = 0;
    snprintf(out, cap, "see %s", s->log);
    if (fs_read_file(s->log, LOG_MAX, &data, &len, NULL))
        return;
    for (char *rest = data, *line; (line = strsep(&rest, "\n"));) {
        char *tag = strstr(line, "[FTL] ");
        if (!tag)
            tag = strstr(line, "[ERR] ");
        if (tag)
            snprintf(out, cap, "%s", tag + 6);
    }
    free(data);
}

static void on_closed(uv_handle_t *h)
{
    struct embedded *s = h->data;
    if (--s->handles == 0)
        free(s);
}

static int spawn(struct embedded *s, struct err *e);

static void on_restart(uv_timer_t *t)
{
    struct embedded *s = t->data;
    struct err e = {0};
    if (!s->stopping && spawn(s, &e))
        log_error("embedded", "%s", e.msg);
}

static void on_exit_cb(uv_process_t *p, int64_t status, int sig)
{
    struct embedded *s = p->data;
    bool listening = *s->url != 0;
    s->running = false;
    s->exit_status = status;
    s->exit_signal = sig;
    uv_close((uv_handle_t *)p, on_closed);
    if (s->stopping || !listening)
        return;
    log_warn("embedded", "nats-server ended (status %lld, signal %d); starting it again",
             (long long)status, sig);
    uv_timer_start(&s->timer, on_restart, RESTART_MS, 0);
}

/* As many processors for nats-server as it may use at once: half of them, for the worker and its
 * cells need them too. With all of them Go wakes a thread on another one for each few messages: a
 * quarter of the server's CPU time (bench/reuse, 2 cores). Whoever has set GOMAXPROCS is listened
 * to. */
static void processors(char *out, size_t cap)
{
    const char *set = getenv("GOMAXPROCS");
    unsigned half = uv_available_parallelism() / 2;
    if (set)
        snprintf(out, cap, "GOMAXPROCS=%.8s", set);
    else
        snprintf(out, cap, "GOMAXPROCS=%u", half ? half : 1);
}

static int spawn(struct embedded *s, struct err *e)
{
    char max[32];
    char *args[] = {"setpriv", "--pdeathsig", "TERM", "env", max, s->program, "-c", s->conf, NULL};
    uv_stdio_container_t none[3] = {
        {.flags = UV_IGNORE}, {.flags = UV_IGNORE}, {.flags = UV_IGNORE}};
    uv_process_options_t o = {
        .exit_cb = on_exit_cb,
        .file = args[0],
        .args = args,
        .stdio_count = 3,
        .stdio = none,
        .flags =
            UV_PROCESS_DETACHED, /* a Ctrl-C at the terminal is ours to handle, not the server's */
    };
    int rc = write_conf(s, e);
    if (rc)
        return rc;
    processors(max, sizeof max);
    s->process.data = s;
    s->handles++; /* libuv wants the handle closed even when spawning failed */
    rc = uv_spawn(s->loop, &s->process, &o);
    if (rc) {
        uv_close((uv_handle_t *)&s->process, on_closed);
        return err_set(e, ERR_UNAVAILABLE, "cannot start %s by setpriv (util-linux): %s",
                       s->program, uv_strerror(rc));
    }
    s->running = true;
    fs_path(s->ports, sizeof s->ports, NULL, "%s/nats-server_%d.ports", s->dir, s->process.pid);
    return 0;
}

/* The server writes its ports file once it listens. */
static bool read_ports(struct embedded *s)
{
    char *data = NULL;
    size_t len = 0;
    struct jv *doc = NULL;
    bool found = false;
    if (fs_read_file(s->ports, PORTS_FILE_MAX, &data, &len, NULL))
        return false;
    if (jv_parse(data, len, &doc, NULL) == 0) {
        const struct jv *list = jv_type(doc) == JV_OBJECT ? jv_get(doc, "nats") : NULL;
        const struct jv *first = list && jv_type(list) == JV_ARRAY ? jv_at(list, 0) : NULL;
        const char *url = first ? jv_string(first, NULL) : NULL;
        const char *colon = url ? strrchr(url, ':') : NULL;
        if (colon) {
            s->port = (int)strtol(colon + 1, NULL, 10);
            snprintf(s->url, sizeof s->url, "nats://127.0.0.1:%d", s->port);
            found = s->port > 0;
        }
    }
    jv_free(doc);
    free(data);
    return found;
}

static void on_poll(uv_timer_t *t)
{
    (void)t; /* only to turn the loop */
}

static int wait_until_listening(struct embedded *s, struct err *e)
{
    int64_t until = clock_mono_us() + START_TIMEOUT_US;
    uv_timer_start(&s->timer, on_poll, POLL_MS, POLL_MS);
    while (s->running && !read_ports(s) && clock_mono_us() < until)
        uv_run(s->loop, UV_RUN_ONCE);
    uv_timer_stop(&s->timer);
    if (*s->url)
        return 0;
    char words[400];
    last_words(s, words, sizeof words);
    if (!s->running)
        return err_set(e, ERR_UNAVAILABLE, "nats-server ended at once (exit status %lld): %s",
                       (long long)s->exit_status, words);
    return err_set(e, ERR_TIMEOUT, "nats-server does not listen after %d s: %s",
                   START_TIMEOUT_US / 1000000, words);
}

int embedded_start(uv_loop_t *loop, const struct config *c, const struct data_paths *p,
                   struct embedded **out, struct err *e)
{
    struct embedded *s = mem_alloc(sizeof *s);
    s->loop = loop;
    s->port = (int)c->nats.port;
    s->handles = 1;
    uv_timer_init(loop, &s->timer);
    s->timer.data = s;
    int rc = embedded_find_server(c->nats_server, s->program, sizeof s->program, e);
    if (!rc)
        rc = fs_make_dirs(p->nats_dir, e);
    if (!rc)
        rc = fs_path(s->dir, sizeof s->dir, e, "%s", p->nats_dir);
    if (!rc)
        rc = fs_path(s->conf, sizeof s->conf, e, "%s/nats-server.conf", p->nats_dir);
    if (!rc)
        rc = fs_path(s->log, sizeof s->log, e, "%s/nats-server.log", p->nats_dir);
    if (!rc) {
        unlink(s->log); /* of the last run: its errors are not ours */
        rc = spawn(s, e);
    }
    if (!rc)
        rc = wait_until_listening(s, e);
    if (rc) {
        embedded_stop(s);
        return rc;
    }
    *out = s;
    return 0;
}

const char *embedded_url(const struct embedded *s)
{
    return s->url;
}

static void on_stop_timeout(uv_timer_t *t)
{
    struct embedded *s = t->data;
    s->timed_out = true;
}

void embedded_stop(struct embedded *s)
{
    if (!s)
        return;
    s->stopping = true;
    if (s->running) {
        uv_process_kill(&s->process, SIGTERM);
        uv_timer_start(&s->timer, on_stop_timeout, STOP_TIMEOUT_MS, 0);
        while (s->running && !s->timed_out)
            uv_run(s->loop, UV_RUN_ONCE);
        if (s->running)
            uv_process_kill(&s->process, SIGKILL);
        while (s->running)
            uv_run(s->loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&s->timer, on_closed);
}
