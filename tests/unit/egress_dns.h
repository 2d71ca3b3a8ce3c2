/* A DNS server of ours (RFC 1035) on 127.0.0.1, UDP and TCP on one port, on a thread of its own.
 * What it answers depends on the name alone (zone[] below) and, for names that change, on how often
 * they were asked for. Also a listener that counts who connects, and running a loop until something
 * came.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/ip.h"
#include "base/mem.h"

#define DNS_MESSAGE_MAX 65535
#define DNS_UDP_MAX     1232

enum dns_trick {
    DNS_PLAIN,
    DNS_NXDOMAIN,
    DNS_SERVFAIL,
    DNS_REFUSED,
    DNS_SILENT,      /* no answer at all */
    DNS_SILENT_AAAA, /* an answer to A alone */
    DNS_SERVFAIL_A,  /* an answer to AAAA alone */
    DNS_TCP,         /* truncated by UDP, whole by TCP */
    DNS_MANY,        /* 300 A records, by TCP */
    DNS_CHAIN,       /* five CNAMEs in front */
    DNS_CUT,         /* the message ends inside a record */
    DNS_LOOP,        /* a compressed name that points at itself */
    DNS_NOISE,       /* random bytes behind the right id */
    DNS_SPOOF,       /* first 127.0.0.1 under a wrong id, then the answer */
    DNS_OTHER_NAME,  /* an answer to another question */
    DNS_CHANGES      /* first[] to the first A query, a[] to all after it */
};

struct dns_name {
    const char *name, *a, *aaaa; /* addresses separated by blanks */
    enum dns_trick trick;
    const char *first;
};

static const struct dns_name zone[] = {
    {"public.test", "93.184.216.34", "2606:2800:220:1::1", DNS_PLAIN, NULL},
    {"private.test", "10.0.0.5", NULL, DNS_PLAIN, NULL},
    {"mixed.test", "93.184.216.34 10.0.0.5 93.184.216.35", NULL, DNS_PLAIN, NULL},
    {"mixed6.test", "93.184.216.34", "::1", DNS_PLAIN, NULL},
    {"mapped.test", NULL, "::ffff:127.0.0.1", DNS_PLAIN, NULL},
    {"nat64.test", NULL, "64:ff9b::127.0.0.1", DNS_PLAIN, NULL},
    {"meta.test", "169.254.169.254", NULL, DNS_PLAIN, NULL},
    {"meta6.test", NULL, "fd00:ec2::254", DNS_PLAIN, NULL},
    {"zero.test", "0.0.0.0", NULL, DNS_PLAIN, NULL},
    {"loop.test", "127.0.0.1", NULL, DNS_PLAIN, NULL},
    {"loops.test", "127.0.0.1 127.0.0.2 127.0.0.3", NULL, DNS_PLAIN, NULL},
    {"loop6.test", "127.0.0.1", "::1", DNS_PLAIN, NULL},
    {"doubles.test", "93.184.216.34 93.184.216.34", NULL, DNS_PLAIN, NULL},
    {"empty.test", NULL, NULL, DNS_PLAIN, NULL},
    {"nx.test", NULL, NULL, DNS_NXDOMAIN, NULL},
    {"servfail.test", NULL, NULL, DNS_SERVFAIL, NULL},
    {"refused.test", NULL, NULL, DNS_REFUSED, NULL},
    {"silent.test", NULL, NULL, DNS_SILENT, NULL},
    {"half.test", "93.184.216.34", NULL, DNS_SILENT_AAAA, NULL},
    {"fail-a.test", NULL, "2606:2800:220:1::1", DNS_SERVFAIL_A, NULL},
    {"tcp.test", "93.184.216.34 10.0.0.5", NULL, DNS_TCP, NULL},
    {"many.test", NULL, NULL, DNS_MANY, NULL},
    {"chain.test", "10.0.0.5", NULL, DNS_CHAIN, NULL},
    {"cut.test", "93.184.216.34", NULL, DNS_CUT, NULL},
    {"pointer.test", "93.184.216.34", NULL, DNS_LOOP, NULL},
    {"noise.test", NULL, NULL, DNS_NOISE, NULL},
    {"spoof.test", "93.184.216.34", NULL, DNS_SPOOF, NULL},
    {"other.test", "93.184.216.34", NULL, DNS_OTHER_NAME, NULL},
    {"rebind.test", "127.0.0.1", NULL, DNS_CHANGES, "93.184.216.34"},
    {"flip.test", "127.0.0.2", NULL, DNS_CHANGES, "127.0.0.1"},
};

static struct dns_server {
    int udp, tcp, stop[2];
    uint16_t port;
    pthread_t thread;
    atomic_int queries, by_tcp, localhost; /* localhost: questions that must not come */
    atomic_int asked[ARRAY_LEN(zone)];     /* A queries of each name */
    char resolvers[32];                    /* for egress.resolvers */
} dns_server;

struct dns_text {
    uint8_t b[DNS_MESSAGE_MAX];
    size_t n;
};

static void put16(struct dns_text *t, unsigned v)
{
    t->b[t->n++] = (uint8_t)(v >> 8);
    t->b[t->n++] = (uint8_t)v;
}

static void put_name(struct dns_text *t, const char *name)
{
    while (*name) {
        size_t n = strcspn(name, ".");
        t->b[t->n++] = (uint8_t)n;
        memcpy(t->b + t->n, name, n);
        t->n += n;
        name += n + (name[n] == '.');
    }
    t->b[t->n++] = 0;
}

/* owner: offset of a name in the message, or its text */
static void put_record_head(struct dns_text *t, const char *owner, unsigned type, unsigned len)
{
    if (owner)
        put_name(t, owner);
    else
        put16(t, 0xc00c); /* the question's name */
    put16(t, type);
    put16(t, 1);
    put16(t, 0);
    put16(t, 5); /* seconds */
    put16(t, len);
}

static unsigned put_addresses(struct dns_text *t, const char *owner, const char *list,
                              unsigned type)
{
    unsigned count = 0;
    while (list && *list) {
        struct ip ip;
        size_t n = strcspn(list, " ");
        if (!ip_parse(list, n, &ip))
            abort();
        unsigned len = ip.family == 4 ? 4 : 16;
        put_record_head(t, owner, type, len);
        memcpy(t->b + t->n, ip.b, len);
        t->n += len;
        count++;
        list += n + (list[n] == ' ');
    }
    return count;
}

/* Name, type and length of a query's question; false: none. */
static bool read_question(const uint8_t *q, size_t len, char name[256], unsigned *type, size_t *end)
{
    size_t at = 12, n = 0;
    while (at < len && q[at]) {
        if (at + 1 + q[at] >= len || n + q[at] + 2u > 256)
            return false;
        memcpy(name + n, q + at + 1, q[at]);
        n += q[at];
        name[n++] = '.';
        at += 1u + q[at];
    }
    if (at + 5 > len)
        return false;
    name[n ? n - 1 : 0] = 0;
    *type = (unsigned)(q[at + 1] << 8 | q[at + 2]);
    *end = at + 5;
    return true;
}

static unsigned put_many(struct dns_text *t)
{
    for (unsigned i = 0; i < 300; i++) {
        put_record_head(t, NULL, 1, 4);
        put16(t, 0x5db8); /* 93.184.x.y */
        put16(t, i);
    }
    return 300;
}

static unsigned put_chain(struct dns_text *t, const char *name, const char *list)
{
    char from[64], to[64];
    snprintf(from, sizeof from, "%s", name);
    for (int i = 1; i <= 5; i++) {
        snprintf(to, sizeof to, "c%d.chain.test", i);
        put_record_head(t, from, 5, (unsigned)strlen(to) + 2);
        put_name(t, to);
        strcpy(from, to);
    }
    return 5 + put_addresses(t, from, list, 1);
}

/* The answer to q in *t. False: say nothing. */
static bool dns_answer(const uint8_t *q, size_t len, bool tcp, struct dns_text *t)
{
    char name[256] = "";
    unsigned type, count = 0, flags = 0x8180;
    size_t end, i = 0;
    if (len < 12 || !read_question(q, len, name, &type, &end))
        return false;
    atomic_fetch_add(&dns_server.queries, 1);
    if (tcp)
        atomic_fetch_add(&dns_server.by_tcp, 1);
    if (strstr(name, "localhost"))
        atomic_fetch_add(&dns_server.localhost, 1);
    while (i < ARRAY_LEN(zone) && strcmp(zone[i].name, name) != 0)
        i++;
    const struct dns_name nowhere = {.name = name, .trick = DNS_NXDOMAIN};
    const struct dns_name *z = i < ARRAY_LEN(zone) ? &zone[i] : &nowhere;
    int before = z != &nowhere && type == 1 ? atomic_fetch_add(&dns_server.asked[i], 1) : 0;
    const char *list = type == 1 ? z->a : type == 28 ? z->aaaa : NULL;
    if (z->trick == DNS_SILENT || (z->trick == DNS_SILENT_AAAA && type == 28))
        return false;
    memcpy(t->b, q, end);
    t->n = end;
    if (z->trick == DNS_CHANGES && type == 1 && !before)
        list = z->first;
    if (z->trick == DNS_NXDOMAIN)
        flags |= 3;
    else if (z->trick == DNS_SERVFAIL || (z->trick == DNS_SERVFAIL_A && type == 1))
        flags |= 2;
    else if (z->trick == DNS_REFUSED)
        flags |= 5;
    else if ((z->trick == DNS_TCP || z->trick == DNS_MANY) && !tcp)
        flags |= 0x0200;
    else if (z->trick == DNS_MANY && type == 1)
        count = put_many(t);
    else if (z->trick == DNS_CHAIN && type == 1)
        count = put_chain(t, name, list);
    else
        count = put_addresses(t, NULL, list, type);
    if (z->trick == DNS_LOOP && count) {
        size_t at = end; /* the first record's name */
        t->b[at] = (uint8_t)(0xc0 | at >> 8);
        t->b[at + 1] = (uint8_t)at;
    }
    if (z->trick == DNS_CUT && count)
        t->n -= 7;
    if (z->trick == DNS_OTHER_NAME)
        t->b[13] ^= 1;
    if (z->trick == DNS_NOISE)
        for (size_t k = 12; k < 200; k++)
            t->b[t->n = k] = (uint8_t)(k * 167 + 13);
    size_t whole = t->n;
    t->n = 2;
    put16(t, flags);
    put16(t, 1);
    put16(t, count);
    put16(t, 0);
    put16(t, 0);
    t->n = whole;
    return true;
}

static void dns_by_udp(void)
{
    static struct dns_text t; /* of this thread alone */
    uint8_t q[DNS_UDP_MAX];
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    ssize_t n = recvfrom(dns_server.udp, q, sizeof q, 0, (struct sockaddr *)&from, &len);
    if (n < 0 || !dns_answer(q, (size_t)n, false, &t))
        return;
    if (n > 20 && !memcmp(q + 13, "spoof", 5)) {
        struct dns_text fake = {.n = 0};
        char name[256] = "";
        unsigned type;
        size_t end = 0;
        read_question(q, (size_t)n, name, &type, &end);
        memcpy(fake.b, t.b, end);
        fake.n = end;
        put_addresses(&fake, NULL, "127.0.0.1", 1);
        fake.b[1] ^= 0x55;
        fake.b[7] = 1;
        sendto(dns_server.udp, fake.b, fake.n, 0, (struct sockaddr *)&from, len);
    }
    sendto(dns_server.udp, t.b, t.n, 0, (struct sockaddr *)&from, len);
}

/* Requests on one connection, one after another, until the other side ends it. */
static void dns_by_tcp(void)
{
    static struct dns_text t;
    int fd = accept(dns_server.tcp, NULL, NULL);
    uint8_t head[2], q[DNS_UDP_MAX];
    while (fd >= 0 && recv(fd, head, 2, MSG_WAITALL) == 2) {
        size_t len = (size_t)(head[0] << 8 | head[1]);
        if (len > sizeof q || recv(fd, q, len, MSG_WAITALL) != (ssize_t)len ||
            !dns_answer(q, len, true, &t))
            break;
        uint8_t out[2] = {(uint8_t)(t.n >> 8), (uint8_t)t.n};
        if (send(fd, out, 2, MSG_NOSIGNAL | MSG_MORE) != 2 ||
            send(fd, t.b, t.n, MSG_NOSIGNAL) != (ssize_t)t.n)
            break;
    }
    if (fd >= 0)
        close(fd);
}

static void *dns_thread(void *arg)
{
    (void)arg;
    for (;;) {
        struct pollfd p[] = {{.fd = dns_server.udp, .events = POLLIN},
                             {.fd = dns_server.tcp, .events = POLLIN},
                             {.fd = dns_server.stop[0], .events = POLLIN}};
        if (poll(p, ARRAY_LEN(p), -1) < 0)
            continue;
        if (p[2].revents)
            return NULL;
        if (p[0].revents)
            dns_by_udp();
        if (p[1].revents)
            dns_by_tcp();
    }
}

/* A socket bound to 127.0.0.1 (*port 0: any, and set). -1: the port is taken. */
static int loopback_socket(int type, uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t len = sizeof a;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) ||
        getsockname(fd, (struct sockaddr *)&a, &len)) {
        close(fd);
        return -1;
    }
    *port = ntohs(a.sin_port);
    return fd;
}

static inline int dns_server_start(void **state)
{
    (void)state;
    for (int tries = 0; tries < 50; tries++) {
        dns_server.port = 0;
        dns_server.tcp = loopback_socket(SOCK_STREAM, &dns_server.port);
        dns_server.udp = loopback_socket(SOCK_DGRAM, &dns_server.port);
        if (dns_server.tcp >= 0 && dns_server.udp >= 0)
            break;
        close(dns_server.tcp);
    }
    if (dns_server.udp < 0 || listen(dns_server.tcp, 64) || pipe(dns_server.stop) ||
        pthread_create(&dns_server.thread, NULL, dns_thread, NULL))
        return -1;
    snprintf(dns_server.resolvers, sizeof dns_server.resolvers, "127.0.0.1:%u", dns_server.port);
    return 0;
}

static inline int dns_server_stop(void **state)
{
    (void)state;
    if (write(dns_server.stop[1], "x", 1) != 1 || pthread_join(dns_server.thread, NULL))
        return -1;
    close(dns_server.udp);
    close(dns_server.tcp);
    close(dns_server.stop[0]);
    close(dns_server.stop[1]);
    return 0;
}

/* ---- a listener that nobody should have connected to, or that somebody should ---- */

static inline int listener_open(uint16_t *port)
{
    *port = 0;
    int fd = loopback_socket(SOCK_STREAM | SOCK_NONBLOCK, port);
    if (fd < 0 || listen(fd, 64))
        abort();
    return fd;
}

/* Connections that came since the last call. */
static inline int listener_count(int fd)
{
    int n = 0;
    for (int c; (c = accept(fd, NULL, NULL)) >= 0; n++)
        close(c);
    return n;
}
