/* The set, run for a person: a zygote, one cell, a report. A loop of its own. */
#include <stdlib.h>

#include "base/mem.h"
#include "executor/cells/attest.h"

struct once {
    uv_loop_t loop;
    struct zygote *zygote;
    struct cell *cell;
    struct attest_run *run;
    struct attest_report *report;
    uint32_t layers;
    int rc;
    struct err why;
    bool ended;
};

static void finish(struct once *o, int rc, const struct err *why)
{
    if (o->ended)
        return;
    o->ended = true;
    o->rc = rc;
    if (why)
        o->why = *why;
}

static void on_ended(int rc, const struct attest_report *r, const struct err *why, void *arg)
{
    struct once *o = arg;
    o->run = NULL;
    if (rc == 0 || rc == ERR_DENIED)
        *o->report = *r;
    if (rc != 1) /* lost with its zygote: that is told by itself */
        finish(o, rc, why);
}

static void on_ready(struct cell *c, void *arg)
{
    struct once *o = arg;
    struct err e = {0};
    if (attest_begin(&o->loop, c, o->layers, on_ended, o, &o->run, &e))
        finish(o, e.code, &e);
}

static void on_output(struct cell *c, int stream, const char *text, size_t len, void *arg)
{
    struct once *o = arg;
    attest_cell_events.output(c, stream, text, len, o->run);
}

static void on_call(struct cell *c, uint64_t id, const char *name, size_t name_len,
                    const char *json, size_t len, void *arg)
{
    struct once *o = arg;
    attest_cell_events.call(c, id, name, name_len, json, len, o->run);
}

static void on_done(struct cell *c, const struct cell_done *d, void *arg)
{
    struct once *o = arg;
    attest_cell_events.done(c, d, o->run);
}

static void on_gone(struct cell *c, const struct cell_gone *g, void *arg)
{
    struct once *o = arg;
    struct err e = {0};
    if (o->run)
        attest_cell_events.gone(c, g, o->run);
    cell_free(c);
    o->cell = NULL;
    if (!g->with_zygote) {
        err_set(&e, ERR_UNAVAILABLE, "the first cell did not get ready");
        finish(o, e.code, &e);
    }
}

static void on_up(struct zygote *z, void *arg)
{
    static const struct cell_events events = {
        .ready = on_ready, .output = on_output, .call = on_call, .done = on_done, .gone = on_gone};
    struct once *o = arg;
    struct err e = {0};
    o->layers = zygote_info(z)->layers;
    if (cell_fork(z, 1, false, &events, o, &o->cell, &e))
        finish(o, e.code, &e);
}

static void on_zygote_gone(struct zygote *z, const struct err *why, void *arg)
{
    (void)z;
    finish(arg, why->code, why);
}

int attest_once(const struct config *c, const struct engine_paths *paths, struct attest_report *out,
                uint32_t *layers, struct err *e)
{
    static const struct zygote_events events = {.up = on_up, .gone = on_zygote_gone};
    const struct zygote_options options = {.jail = c->jail, .paths = paths, .few_cells = true};
    struct once o = {.report = out};
    uv_loop_init(&o.loop);
    int rc = zygote_start(&o.loop, &options, &events, &o, &o.zygote, e);
    if (!rc) {
        while (!o.ended)
            uv_run(&o.loop, UV_RUN_ONCE);
        rc = o.rc;
        if (rc && e)
            *e = o.why;
    }
    attest_drop(o.run);
    cell_free(o.cell);
    zygote_free(o.zygote);
    uv_run(&o.loop, UV_RUN_DEFAULT); /* the close callbacks */
    uv_loop_close(&o.loop);
    *layers = o.layers;
    return rc;
}
