#include "egress/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct entry {
    struct host_pattern pattern;
    char *text; /* as the list has it */
};

struct egress_policy {
    struct entry net[PERMISSION_LIST_MAX];
    int net_count;
    struct ip_block inside[EGRESS_PRIVATE_MAX];
    int inside_count;
};

static int deny(struct egress_decision *d, enum egress_reason why, int code, struct err *e,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
static int deny(struct egress_decision *d, enum egress_reason why, int code, struct err *e,
                const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(d->text, sizeof d->text, fmt, ap);
    va_end(ap);
    d->verdict = EGRESS_DENIED;
    d->reason = why;
    return err_set(e, code, "%s", d->text);
}

/* ---- making one ---- */

static int take_inside(struct egress_policy *p, const struct ip_block *b, struct err *e)
{
    char text[IP_BLOCK_TEXT];
    struct address_kind k = address_kind(&b->ip);
    /* A whole block that nothing can open; in a wider one, what cannot be opened stays shut. */
    if (b->bits == IP_BITS(b->ip.family) && k.cls != ADDRESS_PUBLIC && !k.can_be_allowed) {
        ip_block_text(b, text);
        return err_set(e, ERR_INVALID,
                       "egress_private: found '%s' (%s, %s); allowed: addresses that can be opened "
                       "(never cloud metadata, multicast, unspecified, IPv4 inside IPv6)",
                       text, k.name, k.source);
    }
    p->inside[p->inside_count++] = *b;
    return 0;
}

int egress_policy_new(const struct permission_entries *net, const struct ip_block *inside,
                      int inside_count, struct egress_policy **out, struct err *e)
{
    struct egress_policy *p = mem_alloc(sizeof *p);
    int rc = 0;
    if (net->n > PERMISSION_LIST_MAX || inside_count > EGRESS_PRIVATE_MAX)
        rc = err_set(e, ERR_LIMIT,
                     "net: found %d entries, egress_private: %d; allowed: up to %d and %d", net->n,
                     inside_count, PERMISSION_LIST_MAX, EGRESS_PRIVATE_MAX);
    for (int i = 0; i < net->n && !rc; i++) {
        struct entry *x = &p->net[p->net_count];
        rc = host_pattern_parse(net->v[i], &x->pattern, e);
        if (rc) {
            err_wrap(e, "net[%d]", i);
            break;
        }
        x->text = mem_strdup(net->v[i]);
        p->net_count++;
    }
    for (int i = 0; i < inside_count && !rc; i++)
        rc = take_inside(p, &inside[i], e);
    if (rc) {
        egress_policy_free(p);
        return rc;
    }
    *out = p;
    return 0;
}

void egress_policy_free(struct egress_policy *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->net_count; i++)
        free(p->net[i].text);
    free(p);
}

int egress_check_config(const struct config *c, struct err *e)
{
    for (int i = 0; i < c->tenant_count; i++) {
        const struct tenant *t = &c->tenants[i];
        struct egress_policy *p;
        int rc = egress_policy_new(&t->permissions.list[PERMISSION_NET], t->egress_private,
                                   t->egress_private_count, &p, e);
        if (rc)
            return err_wrap(e, "tenant '%s'", t->name);
        egress_policy_free(p);
    }
    return 0;
}

/* ---- the host ---- */

static const struct entry *entry_for(const struct egress_policy *p, const struct egress_target *t)
{
    for (int i = 0; i < p->net_count; i++)
        if (host_pattern_fits(&p->net[i].pattern, &t->host, t->port))
            return &p->net[i];
    return NULL;
}

/* The list for a message; a long one is cut. */
static void show_list(const struct egress_policy *p, char *out, size_t cap)
{
    size_t n = 0;
    out[0] = 0;
    if (!p->net_count)
        snprintf(out, cap, "nothing (permissions.net is empty)");
    for (int i = 0; i < p->net_count; i++) {
        size_t need = strlen(p->net[i].text) + 2;
        if (n + need + 8 > cap) {
            snprintf(out + n, cap - n, ", …");
            return;
        }
        n += (size_t)snprintf(out + n, cap - n, "%s%s", i ? ", " : "", p->net[i].text);
    }
}

static int judge_host(const struct egress_policy *p, struct egress_decision *d, struct err *e)
{
    char list[200];
    const struct egress_target *t = &d->target;
    if (egress_port_bad(t->port))
        return deny(d, REASON_PORT, ERR_DENIED, e,
                    "net: port %u of %s is another protocol's and never allowed", t->port,
                    t->host.text);
    const struct entry *x = entry_for(p, t);
    if (!x) {
        show_list(p, list, sizeof list);
        return deny(d, REASON_NOT_LISTED, ERR_DENIED, e,
                    "net: %.100s, port %u, is not in permissions.net; allowed: %s", t->host.text,
                    t->port, list);
    }
    snprintf(d->rule, sizeof d->rule, "%s", x->text);
    return 0;
}

static int parse(const char *url, size_t len, struct egress_decision *d, struct err *e)
{
    static const enum egress_reason reasons[] = {
        [URL_FINE] = REASON_NONE,     [URL_MALFORMED] = REASON_URL,
        [URL_SCHEME] = REASON_SCHEME, [URL_CREDENTIALS] = REASON_CREDENTIALS,
        [URL_HOST] = REASON_HOST,     [URL_PORT] = REASON_PORT};
    enum url_fault fault;
    struct err why;
    int rc = egress_target_parse(url, len, &d->target, &fault, &why);
    return rc ? deny(d, reasons[fault], rc, e, "%s", why.msg) : 0;
}

int egress_policy_host(const struct egress_policy *p, const char *url, size_t len,
                       struct egress_decision *d, struct err *e)
{
    *d = (struct egress_decision){0};
    int rc = parse(url, len, d, e);
    return rc ? rc : judge_host(p, d, e);
}

static bool is_websocket(enum egress_scheme s)
{
    return s == SCHEME_WSS || s == SCHEME_WS;
}

int egress_policy_redirect(const struct egress_policy *p, const struct egress_decision *from,
                           const char *url, size_t len, int max_hops, struct egress_decision *d,
                           struct err *e)
{
    const enum egress_scheme before = from->target.scheme;
    const int hop = from->hop + 1;
    CHECK(from->verdict == EGRESS_ALLOWED && d != from);
    *d = (struct egress_decision){.hop = hop};
    int rc = parse(url, len, d, e);
    if (rc)
        return rc;
    if (hop > max_hops)
        return deny(d, REASON_REDIRECTS, ERR_DENIED, e,
                    "net: found redirect number %d, to %.200s; allowed: up to %d", hop,
                    d->target.host.text, max_hops);
    if ((egress_scheme_secure(before) && !egress_scheme_secure(d->target.scheme)) ||
        is_websocket(before) != is_websocket(d->target.scheme))
        return deny(d, REASON_DOWNGRADE, ERR_DENIED, e,
                    "net: found a redirect from %s to %s (%.200s); allowed: to the same scheme, or "
                    "from http to https",
                    egress_scheme_names[before], egress_scheme_names[d->target.scheme],
                    d->target.host.text);
    return judge_host(p, d, e);
}

/* ---- its addresses ---- */

static bool judge_address(const struct egress_policy *p, uint16_t port, struct egress_seen *s)
{
    struct address_kind k = address_kind(&s->ip);
    s->allowed = k.cls == ADDRESS_PUBLIC;
    for (int i = 0; i < p->inside_count && k.can_be_allowed; i++)
        if (ip_block_has(&p->inside[i], &s->ip, port)) {
            s->allowed = true;
            ip_block_text(&p->inside[i], s->rule);
            break;
        }
    return s->allowed;
}

int egress_policy_addresses(const struct egress_policy *p, struct egress_decision *d,
                            const struct ip *ips, int n, struct err *e)
{
    const struct egress_seen *bad = NULL;
    char shown[ADDRESS_SHOWN];
    CHECK(d->verdict == EGRESS_OPEN && n >= 1);
    if (n > EGRESS_ADDRESSES_MAX)
        return deny(d, REASON_TOO_MANY, ERR_DENIED, e,
                    "net: %.200s resolves to %d addresses; allowed: up to %d", d->target.host.text,
                    n, EGRESS_ADDRESSES_MAX);
    for (int i = 0; i < n; i++) {
        struct egress_seen *s = &d->seen[d->seen_count++];
        *s = (struct egress_seen){.ip = ips[i]};
        if (!judge_address(p, d->target.port, s) && !bad)
            bad = s;
    }
    if (!bad) {
        d->verdict = EGRESS_ALLOWED;
        snprintf(d->text, sizeof d->text, "net: %.200s, port %u, may be reached",
                 d->target.host.text, d->target.port);
        return 0;
    }
    address_show(&bad->ip, shown);
    return deny(d, REASON_ADDRESS, ERR_DENIED, e, "net: %.200s %s %s; allowed: public addresses%s",
                d->target.host.text, d->target.host.ip.family ? "is" : "resolves to", shown,
                address_kind(&bad->ip).can_be_allowed ? ", or tenants[].egress_private" : "");
}

int egress_policy_unresolved(struct egress_decision *d, const struct err *why, struct err *e)
{
    CHECK(d->verdict == EGRESS_OPEN && why->code);
    enum egress_reason reason = why->code == ERR_NOT_FOUND ? REASON_NO_SUCH_NAME
                                : why->code == ERR_LIMIT   ? REASON_TOO_MANY
                                                           : REASON_RESOLVER;
    int rc = deny(d, reason, why->code, e, "net: %.300s", why->msg);
    if (reason == REASON_RESOLVER)
        d->verdict = EGRESS_FAILED;
    return rc;
}

/* ---- what is connected to ---- */

int egress_check_sockaddr(const struct egress_decision *d, const struct sockaddr *sa, socklen_t len,
                          struct err *e)
{
    struct ip ip;
    uint16_t port;
    char shown[IP_TEXT];
    if (d->verdict != EGRESS_ALLOWED)
        return err_set(e, ERR_DENIED, "net: %.200s was not allowed", d->target.host.text);
    if (!ip_from_sockaddr(sa, len, &ip, &port))
        return err_set(e, ERR_DENIED, "net: %.200s: found an address that is neither IPv4 nor IPv6",
                       d->target.host.text);
    for (int i = 0; i < d->seen_count; i++)
        if (d->seen[i].allowed && port == d->target.port && ip_equal(&ip, &d->seen[i].ip))
            return 0;
    ip_text(&ip, shown);
    return err_set(
        e, ERR_DENIED,
        "net: %.200s: found a connection to %s port %u; allowed: the addresses that were "
        "decided about, port %u",
        d->target.host.text, shown, port, d->target.port);
}

void egress_pin(const struct egress_decision *d, struct buf *out)
{
    CHECK(d->verdict == EGRESS_ALLOWED && d->seen_count);
    buf_addf(out, "%s:%u:", d->target.host.text, d->target.port);
    for (int i = 0; i < d->seen_count; i++) {
        char ip[IP_TEXT];
        bool six = d->seen[i].ip.family == 6;
        ip_text(&d->seen[i].ip, ip);
        buf_addf(out, "%s%s%s%s", i ? "," : "", six ? "[" : "", ip, six ? "]" : "");
    }
}
