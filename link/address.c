#include "link/address.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define DEFAULT_PORT "4222"

/* The part behind the scheme. */
static const char *behind_scheme(const char *url)
{
    const char *at = strstr(url, "://");
    return at ? at + 3 : url;
}

static bool is_tls(const char *url)
{
    return strncmp(url, "tls://", 6) == 0;
}

static int add(struct address_list *l, const char *from, size_t n, struct err *e)
{
    while (n && *from == ' ') {
        from++;
        n--;
    }
    while (n && from[n - 1] == ' ')
        n--;
    if (!n)
        return err_set(e, ERR_INVALID, "nats.url: found an empty address in the list");
    if (l->count == ADDRESSES)
        return err_set(e, ERR_INVALID, "nats.url: found more than %d addresses", ADDRESSES);
    char *url = mem_copy(from, n);
    l->url[l->count++] = url;
    if (is_tls(url))
        l->tls = true;
    else if (strstr(url, "://") && strncmp(url, "nats://", 7) != 0)
        return err_set(e, ERR_INVALID, "nats.url: found the scheme '%.*s'; allowed: nats, tls",
                       (int)(strstr(url, "://") - url > 20 ? 20 : strstr(url, "://") - url), url);
    return 0;
}

int address_split(const char *urls, struct address_list *out, struct err *e)
{
    memset(out, 0, sizeof *out);
    int rc = 0;
    for (const char *at = urls; !rc;) {
        size_t n = strcspn(at, ",");
        rc = add(out, at, n, e);
        if (!at[n])
            break;
        at += n + 1;
    }
    if (rc)
        address_free(out);
    return rc;
}

void address_free(struct address_list *l)
{
    for (int i = 0; i < l->count; i++)
        free(l->url[i]);
    l->count = 0;
}

/* host and port; a literal IPv6 address stands in brackets, which are dropped. */
static void host_and_port(const char *url, char host[ADDRESS_MAX], char port[8])
{
    const char *at = behind_scheme(url), *user = strrchr(at, '@');
    if (user)
        at = user + 1;
    const char *end = at + strcspn(at, "/"), *bracket = memchr(at, ']', (size_t)(end - at));
    const char *colon = NULL;
    for (const char *p = bracket ? bracket : at; p < end; p++)
        if (*p == ':')
            colon = p;
    const char *host_end = colon ? colon : end;
    if (*at == '[' && bracket) {
        at++;
        host_end = bracket;
    }
    snprintf(host, ADDRESS_MAX, "%.*s", (int)(host_end - at), at);
    snprintf(port, 8, "%.*s", colon ? (int)(end - colon - 1) : 4, colon ? colon + 1 : DEFAULT_PORT);
    if (!*port)
        snprintf(port, 8, DEFAULT_PORT);
    if (!*host)
        snprintf(host, ADDRESS_MAX, "localhost");
}

void address_shown(const char *url, char out[ADDRESS_MAX])
{
    char host[ADDRESS_MAX], port[8];
    host_and_port(url, host, port);
    bool v6 = strchr(host, ':') != NULL;
    int n = snprintf(out, ADDRESS_MAX, "%s://%s%s%s:%s", is_tls(url) ? "tls" : "nats",
                     v6 ? "[" : "", host, v6 ? "]" : "", port);
    if (n >= ADDRESS_MAX)
        memcpy(out + ADDRESS_MAX - 4, "...", 4);
}

void address_list_shown(const struct address_list *l, char *out, size_t cap)
{
    size_t at = 0;
    out[0] = 0;
    for (int i = 0; i < l->count && at < cap; i++) {
        char one[ADDRESS_MAX];
        address_shown(l->url[i], one);
        at += (size_t)snprintf(out + at, cap - at, "%s%s", i ? ", " : "", one);
    }
}

/* 0, or the errno of the attempt. */
static int try_connect(const struct addrinfo *a, int timeout_ms)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    if (fd < 0)
        return errno;
    int failed = connect(fd, a->ai_addr, a->ai_addrlen) ? errno : 0;
    if (failed == EINPROGRESS) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        socklen_t size = sizeof failed;
        if (poll(&p, 1, timeout_ms) <= 0)
            failed = ETIMEDOUT;
        else
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    }
    close(fd);
    return failed;
}

void address_why_not(const char *url, int timeout_ms, char *out, size_t cap)
{
    char host[ADDRESS_MAX], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int failed = 0;
    host_and_port(url, host, port);
    int rc = getaddrinfo(host, port, &hints, &found);
    if (rc) {
        snprintf(out, cap, "the name cannot be resolved (%s)", gai_strerror(rc));
        return;
    }
    for (const struct addrinfo *a = found; a; a = a->ai_next) {
        failed = try_connect(a, timeout_ms);
        if (!failed)
            break;
    }
    freeaddrinfo(found);
    if (failed == ECONNREFUSED)
        snprintf(out, cap, "connection refused: nothing listens there");
    else
        snprintf(out, cap, "%s", failed ? strerror(failed) : "");
}
