#include "egress/resolve.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

struct resolution {
    const struct egress_policy *policy;
    egress_resolved done;
    void *arg;
    struct dns_lookup *lookup; /* NULL: none is under way */
    uv_timer_t soon;           /* what needs no lookup ends in the next turn of the loop */
    int64_t began_us;
    struct err why;
    struct egress_decision d;
};

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

static void finish(struct resolution *r)
{
    uv_close((uv_handle_t *)&r->soon, on_closed);
    r->done(r->arg, &r->d, r->d.verdict == EGRESS_ALLOWED ? NULL : &r->why);
}

static void on_soon(uv_timer_t *h)
{
    finish(h->data);
}

static void on_addresses(void *arg, const struct ip *ips, int n, const struct err *why)
{
    struct resolution *r = arg;
    r->lookup = NULL;
    r->d.resolve_us = clock_mono_us() - r->began_us;
    if (why)
        egress_policy_unresolved(&r->d, why, &r->why);
    else
        egress_policy_addresses(r->policy, &r->d, ips, n, &r->why);
    finish(r);
}

/* The host may be reached: what does it stand for? */
static void find_addresses(struct resolution *r, struct dns *dns)
{
    const struct host *h = &r->d.target.host;
    const struct ip loopback = ip_v4(127, 0, 0, 1);
    struct err nowhere;
    switch (host_special(h)) {
    case HOST_LOCALHOST:
        egress_policy_addresses(r->policy, &r->d, &loopback, 1, &r->why);
        return;
    case HOST_NOWHERE:
        err_set(&nowhere, ERR_NOT_FOUND,
                "%.253s: names under .invalid, .local and .onion are not looked up", h->text);
        egress_policy_unresolved(&r->d, &nowhere, &r->why);
        return;
    case HOST_ORDINARY:
        break;
    }
    if (h->ip.family)
        egress_policy_addresses(r->policy, &r->d, &h->ip, 1, &r->why);
    else
        r->lookup = dns_lookup(dns, h->text, on_addresses, r);
}

static struct resolution *make(uv_loop_t *loop, const struct egress_policy *p, egress_resolved done,
                               void *arg)
{
    struct resolution *r = mem_alloc(sizeof *r);
    r->policy = p;
    r->done = done;
    r->arg = arg;
    r->began_us = clock_mono_us();
    CHECK(uv_timer_init(loop, &r->soon) == 0);
    r->soon.data = r;
    return r;
}

static struct resolution *go(struct resolution *r, struct dns *dns, int refused)
{
    if (!refused)
        find_addresses(r, dns);
    if (!r->lookup)
        uv_timer_start(&r->soon, on_soon, 0, 0);
    return r;
}

struct resolution *egress_resolve(uv_loop_t *loop, struct dns *dns, const struct egress_policy *p,
                                  const char *url, size_t len, egress_resolved done, void *arg)
{
    struct resolution *r = make(loop, p, done, arg);
    return go(r, dns, egress_policy_host(p, url, len, &r->d, &r->why));
}

struct resolution *egress_resolve_redirect(uv_loop_t *loop, struct dns *dns,
                                           const struct egress_policy *p,
                                           const struct egress_decision *from, const char *url,
                                           size_t len, int max_hops, egress_resolved done,
                                           void *arg)
{
    struct resolution *r = make(loop, p, done, arg);
    return go(r, dns, egress_policy_redirect(p, from, url, len, max_hops, &r->d, &r->why));
}

void egress_resolve_cancel(struct resolution *r)
{
    if (r->lookup)
        dns_cancel(r->lookup);
    uv_close((uv_handle_t *)&r->soon, on_closed);
}
