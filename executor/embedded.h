/* The nats-server that `isolane up` runs as a child: JetStream on, loopback only, its files in the
 * data folder, a free port unless nats.port says which. It dies with us (parent-death signal, by
 * setpriv of util-linux); when it dies by itself it is started again on the same port. Loop thread
 * only. */
#pragma once

#include <stddef.h>
#include <uv.h>

#include "base/err.h"
#include "config/config.h"
#include "config/paths.h"

struct embedded;

/* Path of the server program: `configured`, else nats-server from PATH, /usr/sbin, /usr/local/sbin.
 * ERR_NOT_FOUND says what to install. */
int embedded_find_server(const char *configured, char *out, size_t cap, struct err *e);

/* Starts it and waits (running the loop) until it listens. Errors carry the server's own last
 * words. */
int embedded_start(uv_loop_t *loop, const struct config *c, const struct data_paths *p,
                   struct embedded **out, struct err *e);
const char *embedded_url(const struct embedded *s); /* "nats://127.0.0.1:41234" */

/* Ends it (SIGTERM, later SIGKILL) and waits for it, running the loop. NULL is fine. */
void embedded_stop(struct embedded *s);
