/* How this works: a lookup is a c-ares channel with two questions, a timer and the channel's
 * sockets as poll handles. c-ares says through on_socket() what it wants to know of a socket; we
 * tell it what happened, and look after each such call whether both questions are answered
 * (settle()). Nothing is destroyed inside a callback of c-ares: it still holds what it called from.
 *
 * A channel for each lookup costs about a tenth of a millisecond and keeps lookups apart: other
 * source ports, other query ids, and cancelling is destroying.
 *
 * The one file that includes ares.h. */
#include "egress/dns.h"

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "egress/host.h"

#define TRIES     3
#define TRY_SHARE 4 /* the first try gets this part of the time, each next one twice as much */
#define EDNS_UDP_BYTES                                                                             \
    1232 /* what fits every path (DNS flag day 2020); longer answers come by TCP */
#define DNS_PORT   53
#define FAMILIES   2
#define PARSED_MAX (DNS_ADDRESSES_MAX + 1) /* one more than allowed shows that it is too many */

struct dns {
    uv_loop_t *loop;
    char *servers; /* for c-ares; NULL: the system's */
    int64_t timeout_ms, max_running;
    struct list waiting, running;
    int waiting_count, running_count;
    int lookups; /* not freed yet */
    bool closing;
    uv_timer_t closer;
    void (*closed)(void *arg);
    void *closed_arg;
};

struct dns_lookup {
    struct list in; /* dns->waiting or dns->running */
    struct dns *dns;
    char name[HOST_TEXT];
    dns_done done;
    void *arg;
    ares_channel channel; /* NULL while it waits */
    uv_timer_t timer;
    int64_t deadline_us;
    struct list sockets;
    int handles;          /* open ones: freed with the last */
    int unanswered;       /* questions */
    int status[FAMILIES]; /* of the questions: ARES_* */
    struct ip ips[PARSED_MAX * FAMILIES];
    int n;
    bool finished; /* c-ares's last words are not listened to */
};

struct dns_socket {
    struct list in; /* lookup->sockets */
    struct dns_lookup *lookup;
    uv_poll_t poll;
    int fd;
};

static void finish(struct dns_lookup *l, const struct err *why);
static void start_waiting(struct dns *d);
static void on_timer(uv_timer_t *h);

/* ---- the end of things ---- */

static void on_closer_closed(uv_handle_t *h)
{
    struct dns *d = h->data;
    d->closed(d->closed_arg);
    free(d->servers);
    ares_library_cleanup();
    free(d);
}

static void maybe_closed(struct dns *d)
{
    if (d->closing && !d->lookups && !uv_is_closing((uv_handle_t *)&d->closer))
        uv_close((uv_handle_t *)&d->closer, on_closer_closed);
}

static void one_handle_less(struct dns_lookup *l)
{
    struct dns *d = l->dns;
    if (--l->handles > 0)
        return;
    free(l);
    d->lookups--;
    maybe_closed(d);
}

static void on_timer_closed(uv_handle_t *h)
{
    one_handle_less(h->data);
}

static void on_poll_closed(uv_handle_t *h)
{
    struct dns_socket *s = h->data;
    struct dns_lookup *l = s->lookup;
    free(s);
    one_handle_less(l);
}

/* ---- c-ares and the loop ---- */

static void settle(struct dns_lookup *l)
{
    if (!l->unanswered) {
        finish(l, NULL);
        return;
    }
    struct timeval tv;
    int64_t left_us = l->deadline_us - clock_mono_us();
    if (left_us < 0)
        left_us = 0;
    if (ares_timeout(l->channel, NULL, &tv)) {
        int64_t next_us = (int64_t)tv.tv_sec * 1000000 + tv.tv_usec;
        left_us = next_us < left_us ? next_us : left_us;
    }
    uv_timer_start(&l->timer, on_timer, (uint64_t)(left_us + 999) / 1000, 0);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
    struct dns_socket *s = h->data;
    struct dns_lookup *l = s->lookup;
    bool r = status < 0 || (events & UV_READABLE), w = status < 0 || (events & UV_WRITABLE);
    ares_process_fd(l->channel, r ? s->fd : ARES_SOCKET_BAD, w ? s->fd : ARES_SOCKET_BAD);
    settle(l);
}

static struct dns_socket *socket_of(struct dns_lookup *l, int fd)
{
    LIST_FOREACH(it, &l->sockets)
    {
        struct dns_socket *s = LIST_ENTRY(it, struct dns_socket, in);
        if (s->fd == fd)
            return s;
    }
    return NULL;
}

/* c-ares: what it wants to know of fd; nothing: it closes it right after this call. */
static void on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct dns_lookup *l = arg;
    struct dns_socket *s = socket_of(l, fd);
    if (!readable && !writable) {
        if (!s)
            return;
        list_remove(&s->in);
        uv_poll_stop(&s->poll);
        uv_close((uv_handle_t *)&s->poll, on_poll_closed);
        return;
    }
    if (!s) {
        s = mem_alloc(sizeof *s);
        s->lookup = l;
        s->fd = fd;
        s->poll.data = s;
        /* A fresh socket can be polled, short of the kernel's memory or its limit of watches. */
        CHECK(uv_poll_init_socket(l->dns->loop, &s->poll, fd) == 0);
        l->handles++;
        list_push_back(&l->sockets, &s->in);
    }
    uv_poll_start(&s->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), on_poll);
}

/* ---- answers ---- */

static void add(struct dns_lookup *l, uint8_t family, const void *bytes)
{
    struct ip ip = {.family = family};
    memcpy(ip.b, bytes, family == 4 ? 4 : 16);
    for (int i = 0; i < l->n; i++)
        if (ip_equal(&l->ips[i], &ip))
            return;
    l->ips[l->n++] = ip;
}

static void on_a(void *arg, int status, int timeouts, unsigned char *p, int len)
{
    struct dns_lookup *l = arg;
    struct ares_addrttl v[PARSED_MAX];
    int n = PARSED_MAX;
    (void)timeouts;
    if (l->finished)
        return;
    l->unanswered--;
    if (status == ARES_SUCCESS)
        status = ares_parse_a_reply(p, len, NULL, v, &n);
    l->status[0] = status;
    for (int i = 0; status == ARES_SUCCESS && i < n; i++)
        add(l, 4, &v[i].ipaddr);
}

static void on_aaaa(void *arg, int status, int timeouts, unsigned char *p, int len)
{
    struct dns_lookup *l = arg;
    struct ares_addr6ttl v[PARSED_MAX];
    int n = PARSED_MAX;
    (void)timeouts;
    if (l->finished)
        return;
    l->unanswered--;
    if (status == ARES_SUCCESS)
        status = ares_parse_aaaa_reply(p, len, NULL, v, &n);
    l->status[1] = status;
    for (int i = 0; status == ARES_SUCCESS && i < n; i++)
        add(l, 6, &v[i].ip6addr);
}

static bool is_absence(int status)
{
    return status == ARES_SUCCESS || status == ARES_ENOTFOUND || status == ARES_ENODATA;
}

/* Both questions are answered, neither with an address. */
static int no_addresses(const struct dns_lookup *l, struct err *e)
{
    int status = is_absence(l->status[0]) ? l->status[1] : l->status[0];
    if (status == ARES_ENOTFOUND)
        return err_set(e, ERR_NOT_FOUND, "%.253s: no such name", l->name);
    if (is_absence(status))
        return err_set(e, ERR_NOT_FOUND, "%.253s: the name has no addresses", l->name);
    if (status == ARES_ETIMEOUT)
        return err_set(e, ERR_TIMEOUT,
                       "%.253s: found no answer of the DNS servers; see egress.resolvers", l->name);
    if (status == ARES_EBADRESP || status == ARES_EFORMERR)
        return err_set(e, ERR_PROTOCOL, "%.253s: found a DNS answer that is malformed (%s)",
                       l->name, ares_strerror(status));
    return err_set(e, ERR_UNAVAILABLE, "%.253s: the DNS servers fail: %s; see egress.resolvers",
                   l->name, ares_strerror(status));
}

/* IPv4 in front, else in the order of the answers, whichever answer was first. */
static int in_order(const struct dns_lookup *l, struct ip out[DNS_ADDRESSES_MAX])
{
    int n = 0;
    for (int family = 4; family <= 6; family += 2)
        for (int i = 0; i < l->n; i++)
            if (l->ips[i].family == family)
                out[n++] = l->ips[i];
    return n;
}

/* why NULL: from what was answered */
static void finish(struct dns_lookup *l, const struct err *why)
{
    struct dns *d = l->dns;
    struct err e = {0};
    struct ip ips[DNS_ADDRESSES_MAX];
    int n = 0;
    CHECK(!l->finished);
    l->finished = true;
    list_remove(&l->in);
    if (l->channel) {
        d->running_count--;
        ares_destroy(l->channel);
    } else {
        d->waiting_count--;
    }
    uv_close((uv_handle_t *)&l->timer, on_timer_closed);
    if (why)
        e = *why;
    else if (l->n > DNS_ADDRESSES_MAX)
        err_set(&e, ERR_LIMIT, "%.253s: found more than %d addresses; allowed: up to %d", l->name,
                DNS_ADDRESSES_MAX, DNS_ADDRESSES_MAX);
    else if (!l->n)
        no_addresses(l, &e);
    else
        n = in_order(l, ips);
    if (l->done)
        l->done(l->arg, ips, n, e.code ? &e : NULL);
    start_waiting(d);
}

/* ---- a lookup ---- */

static void on_timer(uv_timer_t *h)
{
    struct dns_lookup *l = h->data;
    struct err e;
    /* Of one that waits, the timer is the deadline's alone (the loop's clock may be a little
     * early). */
    if (!l->channel || clock_mono_us() >= l->deadline_us) {
        err_set(&e, ERR_TIMEOUT,
                "%.253s: found no answer of the DNS servers within %lld ms; see egress.resolvers",
                l->name, (long long)l->dns->timeout_ms);
        finish(l, l->n ? NULL : &e); /* one of the two may have been answered */
        return;
    }
    ares_process_fd(l->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    settle(l);
}

static int open_channel(struct dns_lookup *l)
{
    const struct dns *d = l->dns;
    static char dns_only[] = "b";
    struct ares_options o = {.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
                             .timeout = (int)(d->timeout_ms / TRY_SHARE),
                             .tries = TRIES,
                             .ndomains = 0,
                             .lookups = dns_only,
                             .ednspsz = EDNS_UDP_BYTES,
                             .sock_state_cb = on_socket,
                             .sock_state_cb_data = l};
    int rc =
        ares_init_options(&l->channel, &o,
                          ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_DOMAINS |
                              ARES_OPT_LOOKUPS | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB);
    if (rc == ARES_SUCCESS && d->servers)
        rc = ares_set_servers_ports_csv(l->channel, d->servers);
    return rc;
}

/* In a turn of the loop of its own, so that an answer never comes before dns_lookup() returned. */
static void on_start(uv_timer_t *h)
{
    struct dns_lookup *l = h->data;
    struct err e;
    int rc = open_channel(l);
    if (rc != ARES_SUCCESS) {
        err_set(&e, ERR_UNAVAILABLE, "%.253s: cannot ask DNS: %s", l->name, ares_strerror(rc));
        finish(l, &e);
        return;
    }
    l->unanswered = FAMILIES;
    ares_query(l->channel, l->name, 1 /* IN */, 1 /* A */, on_a, l);
    ares_query(l->channel, l->name, 1 /* IN */, 28 /* AAAA */, on_aaaa, l);
    settle(l);
}

static void start_waiting(struct dns *d)
{
    while (!d->closing && d->running_count < d->max_running && !list_empty(&d->waiting)) {
        struct dns_lookup *l = LIST_ENTRY(list_pop_front(&d->waiting), struct dns_lookup, in);
        d->waiting_count--;
        d->running_count++;
        list_push_back(&d->running, &l->in);
        uv_timer_start(&l->timer, on_start, 0, 0);
    }
}

static void on_refused(uv_timer_t *h)
{
    struct dns_lookup *l = h->data;
    struct err e;
    if (l->dns->closing)
        err_set(&e, ERR_UNAVAILABLE, "%.253s: not looked up, the worker is ending", l->name);
    else
        err_set(&e, ERR_UNAVAILABLE,
                "%.253s: found more than %d lookups waiting; see egress.max_lookups", l->name,
                DNS_WAITING_MAX);
    finish(l, &e);
}

struct dns_lookup *dns_lookup(struct dns *d, const char *name, dns_done done, void *arg)
{
    struct dns_lookup *l = mem_alloc(sizeof *l);
    CHECK(strlen(name) < sizeof l->name);
    strcpy(l->name, name);
    l->dns = d;
    l->done = done;
    l->arg = arg;
    l->deadline_us = clock_mono_us() + d->timeout_ms * 1000;
    list_init(&l->sockets);
    CHECK(uv_timer_init(d->loop, &l->timer) == 0);
    l->timer.data = l;
    l->handles = 1;
    d->lookups++;
    bool refused = d->closing || d->waiting_count >= DNS_WAITING_MAX;
    list_push_back(&d->waiting, &l->in);
    d->waiting_count++;
    if (refused) {
        uv_timer_start(&l->timer, on_refused, 0, 0);
        return l;
    }
    uv_timer_start(&l->timer, on_timer, (uint64_t)d->timeout_ms, 0);
    start_waiting(d);
    return l;
}

void dns_cancel(struct dns_lookup *l)
{
    struct err e = {.code = ERR_UNAVAILABLE};
    l->done = NULL;
    finish(l, &e);
}

/* ---- all of them ---- */

/* "192.0.2.1,[2001:db8::1]:5353" with every port written out, as c-ares reads it without doubt. */
static char *servers_text(const char *list)
{
    struct buf out = {0};
    for (const char *p = list;;) {
        char one[IP_BLOCK_TEXT], text[IP_BLOCK_TEXT];
        struct ip_block b;
        size_t n = strcspn(p, ",");
        CHECK(n < sizeof one);
        memcpy(one, p, n);
        one[n] = 0;
        CHECK(ip_block_parse(one, &b)); /* config/keys.c has seen to it */
        b.port = b.port ? b.port : DNS_PORT;
        ip_block_text(&b, text);
        buf_addf(&out, "%s%s", out.len ? "," : "", text);
        if (!p[n])
            return buf_take(&out, &n);
        p += n + 1;
    }
}

int dns_open(uv_loop_t *loop, const struct egress_config *c, struct dns **out, struct err *e)
{
    int rc = ares_library_init(ARES_LIB_INIT_ALL);
    if (rc != ARES_SUCCESS)
        return err_set(e, ERR_UNAVAILABLE, "cannot start c-ares: %s", ares_strerror(rc));
    struct dns *d = mem_alloc(sizeof *d);
    d->loop = loop;
    d->servers = c->resolvers ? servers_text(c->resolvers) : NULL;
    d->timeout_ms = c->resolve_timeout_ms;
    d->max_running = c->max_lookups;
    list_init(&d->waiting);
    list_init(&d->running);
    CHECK(uv_timer_init(loop, &d->closer) == 0);
    d->closer.data = d;
    *out = d;
    return 0;
}

void dns_close(struct dns *d, void (*closed)(void *arg), void *arg)
{
    struct err e;
    d->closing = true;
    d->closed = closed;
    d->closed_arg = arg;
    while (!list_empty(&d->waiting) || !list_empty(&d->running)) {
        struct list *first = list_empty(&d->running) ? d->waiting.next : d->running.next;
        struct dns_lookup *l = LIST_ENTRY(first, struct dns_lookup, in);
        err_set(&e, ERR_UNAVAILABLE, "%.253s: not looked up, the worker is ending", l->name);
        finish(l, &e);
    }
    maybe_closed(d);
}
