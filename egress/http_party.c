/* What a request and a socket have in common: a handle of libcurl that reaches what was decided
 * about and nothing else. It is told addresses, each address that it opens and each peer is held
 * against the decision; no proxy, no netrc, no environment. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "egress/http_inner.h"
#include "egress/policy.h"

#define STAGGER_MS   250L /* RFC 8305 section 5, as egress/connect.h */
#define CONNECTION_S 30L  /* an idle connection is not used again after that */
#define PIN_S        (HTTP_TIMEOUT_MAX_MS / 1000 + 60L) /* outlives every request */

void http_party_join(struct http_party *p, struct http_client *c)
{
    CHECK(!c->closed);
    p->client = c;
    list_init(&p->node);
    c->parties++;
}

void http_party_release(struct http_party *p)
{
    if (p->easy) {
        http_curl.multi_remove_handle(p->client->multi, p->easy);
        http_curl.easy_cleanup(p->easy);
        p->easy = NULL;
    }
}

void http_party_leave(struct http_party *p)
{
    list_remove(&p->node);
    http_party_release(p);
    p->client->parties--;
    http_curl.slist_free_all(p->pin);
    p->pin = NULL;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct http_party *p = arg;
    (void)purpose;
    if (egress_check_sockaddr(&p->d, &a->addr, (socklen_t)a->addrlen, &p->why))
        return CURL_SOCKET_BAD;
    return socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
}

bool http_party_peer_fits(struct http_party *p, const char *peer, int port)
{
    struct ip ip;
    struct sockaddr_storage sa;
    if (ip_parse(peer, strlen(peer), &ip) && port > 0 && port < 65536) {
        socklen_t len = ip_to_sockaddr(&ip, (uint16_t)port, &sa);
        return !egress_check_sockaddr(&p->d, (struct sockaddr *)&sa, len, &p->why);
    }
    err_set(&p->why, ERR_DENIED, "net: %.200s: the peer is not known", p->d.target.host.text);
    return false;
}

#define SET(o, v) CHECK(http_curl.easy_setopt(p->easy, o, v) == CURLE_OK)

static void set_target(struct http_party *p, const char *path)
{
    struct egress_target t = p->d.target;
    char origin[EGRESS_ORIGIN_MAX];
    struct buf b = {0};
    t.scheme = egress_scheme_secure(t.scheme) ? SCHEME_HTTPS : SCHEME_HTTP;
    egress_origin(&t, origin);
    buf_addf(&b, "%s%s", origin, path);
    SET(CURLOPT_URL, b.data);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, egress_scheme_names[t.scheme]);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_UNRESTRICTED_AUTH, 0L);
    if (!p->d.target.host.ip.family) {
        buf_clear(&b);
        buf_addc(&b, '+'); /* goes out of libcurl's cache again */
        egress_pin(&p->d, &b);
        p->pin = http_curl.slist_append(NULL, b.data);
        CHECK(p->pin);
        SET(CURLOPT_RESOLVE, p->pin);
        SET(CURLOPT_DNS_CACHE_TIMEOUT, PIN_S);
    }
    SET(CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, STAGGER_MS);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)p->client->connect_timeout_ms);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
    SET(CURLOPT_OPENSOCKETDATA, p);
    SET(CURLOPT_MAXAGE_CONN, CONNECTION_S);
    buf_free(&b);
}

static void set_tls(struct http_party *p)
{
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (p->client->ca_file) {
        SET(CURLOPT_CAINFO, p->client->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
}

void http_party_aim(struct http_party *p, const struct egress_decision *d, const char *path)
{
    CHECK(!p->easy && d->verdict == EGRESS_ALLOWED);
    p->d = *d;
    p->easy = http_curl.easy_init();
    CHECK(p->easy);
    set_target(p, path);
    set_tls(p);
    SET(CURLOPT_ERRORBUFFER, p->error);
    SET(CURLOPT_PRIVATE, p);
    SET(CURLOPT_NOSIGNAL, 1L);
}
#undef SET

void http_party_go(struct http_party *p)
{
    CHECK(http_curl.multi_add_handle(p->client->multi, p->easy) == CURLM_OK);
}

void http_party_explain(struct http_party *p, CURLcode rc)
{
    const char *host = p->d.target.host.text;
    const char *text = p->error[0] ? p->error : http_curl.easy_strerror(rc);
    switch (rc) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        err_set(&p->why, ERR_UNAVAILABLE, "net: %.200s: no connection: %.300s", host, text);
        return;
    case CURLE_OPERATION_TIMEDOUT:
        err_set(&p->why, ERR_TIMEOUT,
                "net: %.200s: no connection within %lld ms; see egress.connect_timeout_ms", host,
                (long long)p->client->connect_timeout_ms);
        return;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
        err_set(&p->why, ERR_PROTOCOL, "net: %.200s: TLS: %.300s", host, text);
        return;
    case CURLE_PARTIAL_FILE:
        err_set(&p->why, ERR_PROTOCOL, "net: %.200s: the response's body ends early: %.300s", host,
                text);
        return;
    default:
        err_set(&p->why, ERR_PROTOCOL, "net: %.200s: %.300s", host, text);
    }
}
