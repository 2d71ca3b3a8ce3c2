/* What http_client.c (connections and the loop), http_party.c (whoever uses one), http_exchange.c
 * (one request), http_response.c (what comes of it) and http_socket.c (a connection's bytes) share.
 * Nobody else includes it. */
#pragma once

#include <curl/curl.h>

#include "base/buf.h"
#include "base/list.h"
#include "egress/http.h"

/* libcurl's functions, found at run time. */
struct curl_functions {
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *);
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
    CURLcode (*easy_pause)(CURL *, int);
    CURLcode (*easy_send)(CURL *, const void *, size_t, size_t *);
    CURLcode (*easy_recv)(CURL *, void *, size_t, size_t *);
    const char *(*easy_strerror)(CURLcode);
    struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
    void (*slist_free_all)(struct curl_slist *);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_cleanup)(CURLM *);
    CURLMcode (*multi_setopt)(CURLM *, CURLMoption, ...);
    CURLMcode (*multi_add_handle)(CURLM *, CURL *);
    CURLMcode (*multi_remove_handle)(CURLM *, CURL *);
    CURLMcode (*multi_socket_action)(CURLM *, curl_socket_t, int, int *);
    CURLMcode (*multi_assign)(CURLM *, curl_socket_t, void *);
    CURLMsg *(*multi_info_read)(CURLM *, int *);
};
extern struct curl_functions http_curl; /* filled by http_load() */

struct http_client {
    uv_loop_t *loop;
    CURLM *multi;
    char *ca_file;
    int64_t connect_timeout_ms;
    uv_timer_t timer;  /* libcurl's */
    uv_timer_t soon;   /* what calls from outside asked for */
    struct list dirty; /* parties with something to tell */
    int parties;
    int handles; /* open ones of the loop: freed with the last */
    bool settling, closed;
};

/* Who has something under way with a client: the first member of an exchange, and of a socket. */
struct http_party {
    struct http_client *client;
    struct list node;                                /* in client->dirty, or in none */
    void (*done)(struct http_party *p, CURLcode rc); /* libcurl is through with it */
    void (*tell)(struct http_party *p);              /* tells what there is to tell */
    CURL *easy;                                      /* NULL before it goes and after its end */
    struct curl_slist *pin;
    char error[CURL_ERROR_SIZE];
    struct egress_decision d;
    struct err why;
};

struct http_exchange {
    struct http_party p;
    struct http_events ev;
    void *arg;
    struct curl_slist *fields;

    char *method, *path;
    bool has_body, head_only;
    int64_t body_len, body_max, total_ms, idle_ms;

    /* Response. The head is told once it is whole; then what is in `in`. */
    struct buf head;
    int status, field_count;
    char reason[HTTP_REASON_MAX + 1];
    bool http2, head_whole, head_told, last_was_field;
    struct buf in;
    bool in_paused; /* libcurl holds back what it has read */
    bool unpause;   /* and is to be asked again */
    bool held_back; /* the consumer has enough */
    int64_t received;

    /* Request. `keep`: all of it stays in `out`, to be sent again over another connection. */
    struct buf out;
    size_t out_at; /* what libcurl has taken, with keep */
    bool keep, out_paused, out_ended;
    size_t room, give; /* what may be sent now; what is to be given by `want` */
    int64_t sent, taken_in;

    uv_timer_t clock;
    uint64_t started_ms, moved_ms; /* uv_now() */
    bool over;                     /* ended; `end` is to be told */
    bool finished;                 /* libcurl is through with it */
    int connects;                  /* those of handles that are done */
    bool other_connection, fresh;
    bool telling, dead;
};

/* http_client.c: to be looked at when libcurl is done with this turn. */
void http_mark(struct http_party *p);
/* The same from a call from outside: in a later turn of the loop. */
void http_mark_soon(struct http_party *p);

/* http_party.c: p is zero but for `done` and `tell`. */
void http_party_join(struct http_party *p, struct http_client *c);
/* Off the client's lists; libcurl lets go of it. */
void http_party_leave(struct http_party *p);
void http_party_release(struct http_party *p); /* libcurl alone: `easy` is NULL afterwards */
/* A handle of libcurl for what d allows, and nothing else: addresses, TLS, time to connect. path:
 * what follows the origin. */
void http_party_aim(struct http_party *p, const struct egress_decision *d, const char *path);
/* Off it goes. */
void http_party_go(struct http_party *p);
/* Is that peer one that was decided about? Else p->why. */
bool http_party_peer_fits(struct http_party *p, const char *peer, int port);
/* p->why for an end of libcurl's that has none yet. */
void http_party_explain(struct http_party *p, CURLcode rc);

/* For CURLOPT_HEADERFUNCTION and CURLOPT_WRITEFUNCTION; arg: the exchange. */
size_t http_on_header(char *p, size_t size, size_t count, void *arg);
size_t http_on_body(char *p, size_t size, size_t count, void *arg);
/* Says in x->why that its head is too large. */
void http_over_head(struct http_exchange *x);
