#include "executor/worker.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "executor/embedded.h"
#include "executor/folder.h"
#include "executor/cluster/presence.h"
#include "executor/front/serve.h"
#include "sandbox/jail/cgroup.h"

struct worker {
    const struct worker_options *o;
    uv_loop_t loop;
    uv_signal_t on_term, on_int;
    struct embedded *nats;
    struct serve *serve;
    struct cgroup *cgroup;
    struct err why;
    bool ended, url_written, signalled;
};

static void write_url(struct worker *w, const char *url)
{
    struct err e = {0};
    struct buf b = {0};
    buf_addf(&b, "%s\n", url);
    if (fs_write_file(w->o->paths->url, b.data, b.len, 0600, false, &e))
        log_warn("worker", "clients on this machine will not find the server: %s", e.msg);
    else
        w->url_written = true;
    buf_free(&b);
}

/* To systemd, where it started us. */
static void tell_service(const char *state)
{
    int rc = notify_service(state);
    if (rc < 0)
        log_warn("worker", "cannot tell the service manager %s: %s", state, strerror(-rc));
}

static void on_ready(void *arg)
{
    struct worker *w = arg;
    const char *url = w->nats ? embedded_url(w->nats) : w->o->config->nats.url;
    if (w->nats)
        write_url(w, url);
    w->o->ready(url, w->o->arg);
    tell_service("READY=1");
}

static void on_failed(const struct err *why, void *arg)
{
    struct worker *w = arg;
    if (w->ended)
        return;
    w->why = *why;
    w->ended = true;
    uv_stop(&w->loop);
}

/* It is draining: on_drained() follows. */
static void on_unsafe(const struct err *why, void *arg)
{
    struct worker *w = arg;
    w->why = *why;
}

static void on_drained(void *arg)
{
    struct worker *w = arg;
    w->ended = true;
    uv_stop(&w->loop);
}

static void on_drain(int grace_ms, void *arg)
{
    struct worker *w = arg;
    log_info("worker", "asked to drain, %d s for what runs", grace_ms / 1000);
    tell_service("STOPPING=1");
    serve_drain(w->serve, grace_ms);
}

static void on_signal(uv_signal_t *h, int sig)
{
    struct worker *w = h->data;
    log_info("worker", "signal %d: draining", sig);
    tell_service("STOPPING=1");
    if (w->serve)
        serve_drain(w->serve, w->signalled ? 0 : DRAIN_GRACE_MS);
    else
        on_drained(w);
    w->signalled = true;
}

/* An optional layer: without it the worker starts and logs why; `isolane doctor` has the remedy,
 * and results list the layers in force. */
static void open_cgroup(struct worker *w)
{
    const struct cgroup_limits l = cgroup_limits_of(w->o->config);
    struct err e = {0};
    char text[256];
    if (w->o->config->jail == JAIL_OFF || !cgroup_limits_any(&l))
        return;
    if (cgroup_open(&l, &w->cgroup, &e)) {
        log_info("worker", "no cgroup around the cells: %s (isolane doctor knows more)", e.msg);
        return;
    }
    cgroup_describe(w->cgroup, text, sizeof text);
    log_info("worker", "cgroup around the cells: %s", text);
}

static int open_all(struct worker *w, struct err *e)
{
    static const struct serve_events handlers = {
        .ready = on_ready,
        .failed = on_failed,
        .unsafe = on_unsafe,
        .drain = on_drain,
        .drained = on_drained,
    };
    struct config *c = w->o->config;
    open_cgroup(w); /* before there are other processes than this one */
    if (w->o->embedded) {
        int rc = embedded_start(&w->loop, c, w->o->paths, &w->nats, e);
        if (rc)
            return rc;
        free(c->nats.url);
        c->nats.url = mem_strdup(embedded_url(w->nats));
    }
    struct serve_options so = {
        .config = c, .paths = w->o->paths, .engine = w->o->engine, .cgroup = w->cgroup};
    return serve_open(&w->loop, &so, &handlers, w, &w->serve, e);
}

static void close_all(struct worker *w)
{
    if (w->url_written)
        unlink(w->o->paths->url);
    if (w->serve)
        serve_close(w->serve);
    embedded_stop(w->nats);
    uv_close((uv_handle_t *)&w->on_term, NULL);
    uv_close((uv_handle_t *)&w->on_int, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT); /* the close callbacks */
    if (uv_loop_close(&w->loop))
        log_debug("worker", "handles left at the end");
    cgroup_close(w->cgroup);
}

int worker_run(const struct worker_options *o, struct err *e)
{
    struct worker w = {.o = o};
    int lock = -1;
    int rc = folder_claim(o->paths->dir, o->paths->lock, &lock, e);
    if (rc)
        return rc;
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&w.loop);
    uv_signal_init(&w.loop, &w.on_term);
    uv_signal_init(&w.loop, &w.on_int);
    w.on_term.data = w.on_int.data = &w;
    uv_signal_start(&w.on_term, on_signal, SIGTERM);
    uv_signal_start(&w.on_int, on_signal, SIGINT);
    rc = open_all(&w, e);
    while (!rc && !w.ended)
        uv_run(&w.loop, UV_RUN_DEFAULT);
    close_all(&w);
    close(lock);
    if (!rc && w.why.code) {
        rc = w.why.code;
        if (e)
            *e = w.why;
    }
    return rc;
}
