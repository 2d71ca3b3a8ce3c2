/* For tests of sandbox/host: a loop, a zygote on the fake engine (or $ISOLANE_ENGINE_DIR), cells
 * whose events are written down. Everything runs until a condition holds or a deadline passes. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "sandbox/host/cell.h"
#include "sandbox/host/zygote.h"
#include "sandbox/jail/jail.h"
#include "sandbox/zygote/control.h"

#define WAIT_US (20 * INT64_C(1000000)) /* far beyond what any step takes on a busy machine */

struct world {
    uv_loop_t loop;
    struct engine_paths paths;
    struct zygote *z;
    int up, gone;
    struct err why;
    bool fake;
};

/* What was heard of a cell. */
struct seen {
    struct world *w;
    struct cell *c;
    int ready, done, gone, codes;
    struct buf out, err, value, name, message, code;
    struct cell_done d; /* without pointers: the texts stand above */
    struct cell_gone g;
    int calls, notes;
    uint64_t call_id;
    char call_name[80], call_json[256];
    bool answer; /* calls at once, with their own argument */
    bool hold;   /* tell nothing: output is dropped */
};

static inline void find_engine(struct world *w)
{
    char exe[PATH_MAX];
    struct err e = {0};
    static const char *const places[] = {"/../fake-engine", "/../../fake-engine"};
    w->fake = !getenv("ISOLANE_ENGINE_DIR");
    if (w->fake) {
        assert_int_equal(fs_exe_dir(exe, sizeof exe, &e), 0);
        for (size_t i = 0; i < 2; i++) {
            char dir[PATH_MAX + 32];
            snprintf(dir, sizeof dir, "%s%s", exe, places[i]);
            if (access(dir, F_OK) == 0)
                setenv("ISOLANE_ENGINE_DIR", dir, 1);
        }
    }
    int rc = engine_paths(&w->paths, &e);
    if (w->fake)
        unsetenv("ISOLANE_ENGINE_DIR");
    if (rc)
        fail_msg("%s (run: make fake-engine)", e.msg);
}

static inline void on_up(struct zygote *z, void *arg)
{
    (void)z;
    ((struct world *)arg)->up++;
}

static inline void on_zygote_gone(struct zygote *z, const struct err *why, void *arg)
{
    (void)z;
    struct world *w = arg;
    w->gone++;
    w->why = *why;
}

/* ---- waiting ---- */

static inline void on_beat(uv_timer_t *t)
{
    (void)t; /* only so that the loop comes round */
}

/* Runs the loop until *a >= n (NULL: never), for at most so long. False when it came to that. */
static inline bool run_for(struct world *w, const int *a, int n, int64_t most_us)
{
    int64_t t0 = clock_mono_us();
    uv_timer_t beat;
    uv_timer_init(&w->loop, &beat);
    uv_timer_start(&beat, on_beat, 2, 2);
    while (!(a && *a >= n) && clock_mono_us() - t0 < most_us)
        uv_run(&w->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&beat, NULL);
    uv_run(&w->loop, UV_RUN_NOWAIT);
    return a && *a >= n;
}

static inline void run_until(struct world *w, const int *a, int n, const char *what)
{
    if (!run_for(w, a, n, WAIT_US))
        fail_msg("waited too long for %s (zygote gone: %s)", what, w->gone ? w->why.msg : "no");
}

static inline void run_for_ms(struct world *w, int ms)
{
    run_for(w, NULL, 0, (int64_t)ms * 1000);
}

/* ---- zygote ---- */

static inline int start_zygote(struct world *w, enum jail_mode jail, const char *flags,
                               struct err *e)
{
    static const struct zygote_events ev = {.up = on_up, .gone = on_zygote_gone};
    struct zygote_options o = {.jail = jail, .paths = &w->paths, .v8_flags = flags};
    w->up = w->gone = 0;
    return zygote_start(&w->loop, &o, &ev, w, &w->z, e);
}

static inline void open_world(struct world *w)
{
    memset(w, 0, sizeof *w);
    assert_int_equal(uv_loop_init(&w->loop), 0);
    find_engine(w);
}

static inline void close_world(struct world *w)
{
    zygote_free(w->z);
    w->z = NULL;
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
}

static inline void bring_up(struct world *w)
{
    struct err e = {0};
    if (start_zygote(w, JAIL_REQUIRE, NULL, &e))
        fail_msg("zygote_start: %s", e.msg);
    while (!w->up && !w->gone)
        uv_run(&w->loop, UV_RUN_ONCE);
    if (w->gone)
        fail_msg("zygote gone: %s", w->why.msg);
}

/* cmocka fixtures: one zygote for a test. */
static inline int set_up(void **state)
{
    struct world *w = mem_alloc(sizeof *w);
    open_world(w);
    bring_up(w);
    *state = w;
    return 0;
}

static inline int tear_down(void **state)
{
    close_world(*state);
    free(*state);
    return 0;
}

/* ---- cells ---- */

static inline void on_ready(struct cell *c, void *arg)
{
    (void)c;
    ((struct seen *)arg)->ready++;
}

static inline void on_output(struct cell *c, int stream, const char *text, size_t len, void *arg)
{
    (void)c;
    struct seen *s = arg;
    buf_add(stream == FRAME_STDOUT ? &s->out : &s->err, text, len);
}

static inline void on_call(struct cell *c, uint64_t id, const char *name, size_t name_len,
                           const char *json, size_t len, void *arg)
{
    struct seen *s = arg;
    struct err e = {0};
    snprintf(s->call_name, sizeof s->call_name, "%.*s", (int)name_len, name);
    snprintf(s->call_json, sizeof s->call_json, "%.*s", (int)len, json);
    s->call_id = id;
    *(id ? &s->calls : &s->notes) += 1;
    if (id && s->answer)
        assert_int_equal(cell_reply(c, id, true, json, len, &e), 0);
}

static inline void on_code(struct cell *c, const char *bytes, size_t len, void *arg)
{
    (void)c;
    struct seen *s = arg;
    s->codes++;
    buf_add(&s->code, bytes, len);
}

static inline void on_done(struct cell *c, const struct cell_done *d, void *arg)
{
    (void)c;
    struct seen *s = arg;
    s->done++;
    s->d = *d;
    buf_add(&s->value, d->value, d->value_len);
    buf_add(&s->name, d->name, d->name_len);
    buf_add(&s->message, d->message, d->message_len);
    s->d.value = s->d.name = s->d.message = s->d.stack = NULL;
}

static inline void on_gone(struct cell *c, const struct cell_gone *g, void *arg)
{
    struct seen *s = arg;
    s->gone++;
    s->g = *g;
    s->c = NULL;
    cell_free(c);
}

static const struct cell_events seen_events = {
    .ready = on_ready,
    .output = on_output,
    .call = on_call,
    .code = on_code,
    .done = on_done,
    .gone = on_gone,
};

static inline void fork_one(struct world *w, struct seen *s)
{
    struct err e = {0};
    memset(s, 0, sizeof *s);
    s->w = w;
    if (cell_fork(w->z, 1, false, &seen_events, s, &s->c, &e))
        fail_msg("cell_fork: %s", e.msg);
}

static inline void fork_ready(struct world *w, struct seen *s)
{
    fork_one(w, s);
    run_until(w, &s->ready, 1, "READY");
}

#define INVOCATION 7

static inline struct cell_invocation invocation(const char *script)
{
    return (struct cell_invocation){
        .id = INVOCATION,
        .source = FRAME_MODULE,
        .attempt = 1,
        .clock_us = 1000,
        .heap_bytes = 64u << 20,
        .memory_bytes = 64u << 20,
        .output_bytes = 1u << 20,
        .value_bytes = 1u << 20,
        .job_id = "job-1",
        .tenant = "default",
        .name = "job.js",
        .script = script,
        .script_len = strlen(script),
        .input = "{\"n\":1}",
        .input_len = 7,
        .env = "{}",
        .env_len = 2,
    };
}

static inline void invoke(struct seen *s, const char *script)
{
    struct err e = {0};
    struct cell_invocation inv = invocation(script);
    if (cell_invoke(s->c, &inv, &e))
        fail_msg("cell_invoke: %s", e.msg);
}

/* A cell from fork to gone. */
static inline void run_script(struct world *w, struct seen *s, const char *script)
{
    fork_ready(w, s);
    invoke(s, script);
    run_until(w, &s->gone, 1, "the cell's end");
}

static inline const char *text_of(const struct buf *b)
{
    return b->data ? b->data : "";
}

static inline void forget(struct seen *s)
{
    struct buf *all[] = {&s->out, &s->err, &s->value, &s->name, &s->message, &s->code};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_free(all[i]);
}

static inline int open_fds(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    closedir(d);
    return n;
}
