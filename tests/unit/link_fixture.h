/* What tests of link/ at a real nats-server share: a server, a loop and a connection for each test,
 * what the connection told, and waiting on the loop. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <uv.h>

#include "base/clock.h"
#include "base/log.h"
#include "link/link.h"
#include "tests/unit/until.h"
#include "tests/unit/nats_server.h"

struct fixture {
    struct nats_server server;
    uv_loop_t loop;
    uv_timer_t tick; /* so that a turn of the loop ends: UNTIL() looks again */
    struct nats_config config;
    struct link *link;
    int connected, disconnected, closed; /* how often it was told, by any connection of the test */
    char why[256];
};

static inline void on_connected(void *arg)
{
    struct fixture *f = arg;
    f->connected++;
}

static inline void on_disconnected(const char *why, void *arg)
{
    struct fixture *f = arg;
    f->disconnected++;
    snprintf(f->why, sizeof f->why, "%s", why);
}

static inline void on_closed(const char *why, void *arg)
{
    struct fixture *f = arg;
    f->closed++;
    snprintf(f->why, sizeof f->why, "%s", why);
}

/* One more connection to the test's server; the caller closes it. */
static inline struct link *open_link(struct fixture *f)
{
    static const struct link_events events = {on_connected, on_disconnected, on_closed};
    struct link *l = NULL;
    struct err e = {0};
    f->config.url = f->server.url;
    if (link_open(&f->loop, &f->config, "test", WAIT_MS, &events, f, &l, &e))
        fail_msg("%s", e.msg);
    return l;
}

static inline void on_tick(uv_timer_t *t)
{
    (void)t;
}

static inline int set_up(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    log_set_level(LOG_OFF);
    nats_server_init(&f->server);
    nats_server_start(&f->server);
    uv_loop_init(&f->loop);
    uv_timer_init(&f->loop, &f->tick);
    uv_timer_start(&f->tick, on_tick, 5, 5);
    uv_unref((uv_handle_t *)&f->tick);
    f->link = open_link(f);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;
    link_close(f->link, 1000);
    uv_close((uv_handle_t *)&f->tick, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0); /* nothing of the link is left on it */
    nats_server_remove(&f->server);
    free(f);
    return 0;
}

#define WITH_SERVER(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

/* The group's end, for what the library keeps for the whole process. */
static inline int stop_library(void **state)
{
    (void)state;
    link_library_stop();
    return 0;
}
