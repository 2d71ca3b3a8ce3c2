/* What tests of executor/ at a real nats-server share: one server, one connection and one loop for
 * all tests of a program, and waiting on that loop. A test sets up by start_nats() and
 * connect_nats(), and ends by stop_nats(). */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <uv.h>

#include "base/crypto.h"
#include "config/config.h"
#include "link/link.h"
#include "tests/unit/nats_server.h"

#define LATE_MS 30000

static struct nats_server server;
static uv_loop_t loop;
static struct link *nats;

/* The server, whose address is in server.url then, and the loop. 0, or <0. */
static inline int start_nats(void)
{
    struct err e = {0};
    if (crypto_init(&e))
        return -1;
    nats_server_init(&server);
    nats_server_start(&server);
    uv_loop_init(&loop);
    return 0;
}

/* The connection; c->url is the server's. 0, or <0. */
static inline int connect_nats(const struct nats_config *c)
{
    struct err e = {0};
    return link_open(&loop, c, "test", 5000, NULL, NULL, &nats, &e);
}

static inline void stop_nats(void)
{
    link_close(nats, 1000);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0); /* nothing is left on it */
    link_library_stop();
    nats_server_remove(&server);
}

static inline void on_late(uv_timer_t *t)
{
    (void)t;
    fail_msg("waited in vain");
}

/* Turns the loop until *what is not 0. */
static inline void run_until(const int *what)
{
    uv_timer_t t;
    uv_timer_init(&loop, &t);
    uv_timer_start(&t, on_late, LATE_MS, 0);
    while (!*what)
        uv_run(&loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&t, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
}
