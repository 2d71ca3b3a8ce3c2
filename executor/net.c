#include "executor/net.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/mem.h"

struct line {
    UT_hash_handle hh;
    char tenant[TENANT_NAME_MAX + 1];
    struct http_client *client;
    int users;
    int64_t idle_since_us;
};

struct net {
    uv_loop_t *loop;
    const struct config *config;
    struct dns *dns;              /* NULL: not used yet */
    struct line *lines[NET_USES]; /* by tenant */
    uv_timer_t *sweep;            /* runs while there are lines */
};

static void on_sweep(uv_timer_t *h);

struct net *net_open(uv_loop_t *loop, const struct config *c)
{
    struct net *n = mem_alloc(sizeof *n);
    n->loop = loop;
    n->config = c;
    n->sweep = mem_alloc(sizeof *n->sweep);
    CHECK(uv_timer_init(loop, n->sweep) == 0);
    uv_unref((uv_handle_t *)n->sweep);
    n->sweep->data = n;
    return n;
}

static void close_line(struct net *n, enum net_use use, struct line *l)
{
    CHECK(l->users == 0);
    HASH_DEL(n->lines[use], l);
    http_client_close(l->client);
    free(l);
}

static void on_sweep(uv_timer_t *h)
{
    struct net *n = h->data;
    struct line *l, *next;
    const int64_t before = clock_mono_us() - NET_IDLE_MS * 1000LL;
    bool any = false;
    for (enum net_use use = 0; use < NET_USES; use++) {
        HASH_ITER(hh, n->lines[use], l, next)
        if (!l->users && l->idle_since_us <= before)
            close_line(n, use, l);
        any = any || n->lines[use];
    }
    if (!any)
        uv_timer_stop(h);
}

static void ignore_closed(void *arg)
{
    (void)arg;
}

static void free_handle(uv_handle_t *h)
{
    free(h);
}

void net_close(struct net *n)
{
    struct line *l, *next;
    if (!n)
        return;
    for (enum net_use use = 0; use < NET_USES; use++)
        HASH_ITER(hh, n->lines[use], l, next)
    close_line(n, use, l);
    if (n->dns)
        dns_close(n->dns, ignore_closed, NULL);
    uv_close((uv_handle_t *)n->sweep, free_handle);
    free(n);
}

int net_dns(struct net *n, struct dns **out, struct err *e)
{
    int rc = n->dns ? 0 : dns_open(n->loop, &n->config->egress, &n->dns, e);
    *out = n->dns;
    return rc;
}

int net_client(struct net *n, const char *tenant, enum net_use use, struct http_client **out,
               struct err *e)
{
    struct line *l;
    HASH_FIND_STR(n->lines[use], tenant, l);
    if (!l) {
        const struct http_settings s = {
            .ca_file = n->config->egress.ca_file,
            .connect_timeout_ms = n->config->egress.connect_timeout_ms,
            .connections_max = use == NET_REQUESTS ? NET_CONNECTIONS_MAX : NET_SOCKETS_MAX,
            .connections_kept = use == NET_REQUESTS ? 0 : NET_SOCKETS_MAX};
        struct http_client *c;
        int rc = http_client_open(n->loop, &s, &c, e);
        if (rc)
            return rc;
        l = mem_alloc(sizeof *l);
        l->client = c;
        memcpy(l->tenant, tenant, strlen(tenant) + 1);
        HASH_ADD_STR(n->lines[use], tenant, l);
        if (!uv_is_active((uv_handle_t *)n->sweep))
            uv_timer_start(n->sweep, on_sweep, NET_IDLE_MS, NET_IDLE_MS);
    }
    l->users++;
    *out = l->client;
    return 0;
}

void net_client_back(struct net *n, const char *tenant, enum net_use use)
{
    struct line *l;
    HASH_FIND_STR(n->lines[use], tenant, l);
    CHECK(l && l->users > 0);
    if (--l->users == 0)
        l->idle_since_us = clock_mono_us();
}
