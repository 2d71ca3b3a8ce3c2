#include "executor/cluster/groups.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "link/js.h"

#define AGAIN_MS 1000
#define WARN_AT  3 /* failures in a row */

struct groups_stream {
    struct link *link;
    char *name, *config;
    void (*there)(void *arg);
    void *arg;
    uv_timer_t again;
    bool asked;   /* an answer is under way: it needs this struct */
    bool closed;  /* and its timer too */
    int failures; /* in a row */
};

static void maybe_free(struct groups_stream *g)
{
    if (g->asked || !g->closed)
        return;
    free(g->name);
    free(g->config);
    free(g);
}

static void ask(uv_timer_t *t);

static void on_ensured(const struct err *why, void *arg)
{
    struct groups_stream *g = arg;
    g->asked = false;
    if (uv_is_closing((uv_handle_t *)&g->again)) {
        maybe_free(g);
        return;
    }
    if (!why) {
        g->failures = 0;
        g->there(g->arg);
        return;
    }
    /* Not at the first: a server without JetStream is refused by the intake, in words of its own.
     */
    if (++g->failures == WARN_AT)
        log_warn("groups", "cannot make stream %s: %s; trying again", g->name, why->msg);
    uv_timer_start(&g->again, ask, AGAIN_MS, 0);
}

static void ask(uv_timer_t *t)
{
    struct groups_stream *g = t->data;
    struct err e = {0};
    g->asked = true;
    if (js_ensure_stream(g->link, g->name, g->config, on_ensured, g, &e)) {
        g->asked = false;
        uv_timer_start(&g->again, ask, AGAIN_MS, 0);
    }
}

struct groups_stream *groups_stream_open(uv_loop_t *loop, struct link *l, const char *name,
                                         const char *config, void (*there)(void *arg), void *arg)
{
    struct groups_stream *g = mem_alloc(sizeof *g);
    g->link = l;
    g->name = mem_strdup(name);
    g->config = mem_strdup(config);
    g->there = there;
    g->arg = arg;
    uv_timer_init(loop, &g->again);
    uv_unref((uv_handle_t *)&g->again);
    g->again.data = g;
    ask(&g->again);
    return g;
}

void groups_stream_lost(struct groups_stream *g)
{
    if (!g->asked)
        uv_timer_start(&g->again, ask, AGAIN_MS, 0);
}

static void on_closed(uv_handle_t *h)
{
    struct groups_stream *g = h->data;
    g->closed = true;
    maybe_free(g);
}

void groups_stream_close(struct groups_stream *g)
{
    if (g)
        uv_close((uv_handle_t *)&g->again, on_closed);
}
