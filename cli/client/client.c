#include "cli/client/client.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define CONNECT_TIMEOUT_MS 5000
#define CLOSE_TIMEOUT_MS   1000

static void on_connected(void *arg)
{
    struct client *c = arg;
    if (c->link && c->reconnected) /* not the first time */
        c->reconnected(c->reconnected_arg);
}

static void on_disconnected(const char *why, void *arg)
{
    (void)why; /* the link connects again by itself; who waits asks again by itself */
    (void)arg;
}

static void on_closed(const char *why, void *arg)
{
    struct client *c = arg;
    c->closed = true;
    snprintf(c->closed_why, sizeof c->closed_why, "%s", why ? why : "no reason given");
}

int client_open(struct client *c, const struct settings *s, struct err *e)
{
    static const struct link_events events = {
        .connected = on_connected,
        .disconnected = on_disconnected,
        .closed = on_closed,
    };
    memset(c, 0, sizeof *c);
    int rc = settings_load(s, &c->config, e);
    if (!rc)
        rc = settings_nats_url(c->config, s, e);
    if (!rc)
        rc = subjects_init(&c->subjects, &c->config->nats, e);
    if (rc)
        return rc;
    CHECK(!uv_loop_init(&c->loop));
    c->loop_made = true;
    return link_open(&c->loop, &c->config->nats, "isolane client", CONNECT_TIMEOUT_MS, &events, c,
                     &c->link, e);
}

void client_close(struct client *c)
{
    link_close(c->link, CLOSE_TIMEOUT_MS);
    c->link = NULL;
    if (c->loop_made) {
        uv_run(&c->loop, UV_RUN_DEFAULT); /* close callbacks */
        CHECK(!uv_loop_close(&c->loop));
        c->loop_made = false;
    }
    config_free(c->config);
    c->config = NULL;
}
