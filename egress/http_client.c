/* How this works: libcurl says which sockets it watches and when it wants to be called (two
 * callbacks, to poll handles and a timer of libuv). What it has for an exchange is stored there by
 * the exchange's callbacks and told when libcurl has returned (settle()), so that whoever is told
 * may do anything, such as end the exchange, without libcurl on the stack. */
#include <dlfcn.h>
#include <stdlib.h>

#include "base/mem.h"
#include "egress/http_inner.h"

#define CONNECTIONS_KEPT 8 /* idle ones */
#define LIBRARY          "libcurl.so.4"

struct curl_functions http_curl;

struct watch {
    uv_poll_t poll;
    struct http_client *client;
    curl_socket_t fd;
};

/* ---- loading ---- */

int http_load(struct err *e)
{
    static const struct {
        const char *name;
        size_t at;
    } wanted[] = {
#define F(f) {"curl_" #f, offsetof(struct curl_functions, f)}
        F(easy_init),       F(easy_cleanup),     F(easy_setopt),         F(easy_getinfo),
        F(easy_pause),      F(easy_send),        F(easy_recv),           F(easy_strerror),
        F(slist_append),    F(slist_free_all),   F(multi_init),          F(multi_cleanup),
        F(multi_setopt),    F(multi_add_handle), F(multi_remove_handle), F(multi_socket_action),
        F(multi_info_read), F(multi_assign),
#undef F
    };
    static bool loaded;
    if (loaded)
        return 0;
    void *lib = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!lib)
        return err_set(e, ERR_UNAVAILABLE, "net: cannot load %s (%s); install libcurl4", LIBRARY,
                       dlerror());
    CURLcode (*init)(long) = NULL;
    *(void **)&init = dlsym(lib, "curl_global_init");
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        void *f = dlsym(lib, wanted[i].name);
        if (!f || !init) {
            dlclose(lib);
            return err_set(e, ERR_UNAVAILABLE, "net: %s has no %s; install a newer libcurl4",
                           LIBRARY, wanted[i].name);
        }
        *(void **)((char *)&http_curl + wanted[i].at) = f;
    }
    if (init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        dlclose(lib);
        return err_set(e, ERR_UNAVAILABLE, "net: %s does not start", LIBRARY);
    }
    loaded = true; /* for good: it is the process's */
    return 0;
}

/* ---- telling ---- */

void http_mark(struct http_party *p)
{
    if (list_empty(&p->node))
        list_push_back(&p->client->dirty, &p->node);
}

static void on_soon(uv_timer_t *h);

void http_mark_soon(struct http_party *p)
{
    struct http_client *c = p->client;
    http_mark(p);
    if (!c->settling && !uv_is_active((uv_handle_t *)&c->soon))
        uv_timer_start(&c->soon, on_soon, 0, 0);
}

static void read_ends(struct http_client *c)
{
    CURLMsg *m;
    int left;
    while ((m = http_curl.multi_info_read(c->multi, &left))) {
        struct http_party *p = NULL;
        CURLcode rc = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        CHECK(http_curl.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &p) == CURLE_OK);
        p->done(p, rc); /* m is void from here on */
    }
}

static void settle(struct http_client *c)
{
    struct list *n;
    c->settling = true;
    read_ends(c);
    while ((n = list_pop_front(&c->dirty))) {
        struct http_party *p = LIST_ENTRY(n, struct http_party, node);
        p->tell(p);
        if (list_empty(&c->dirty))
            read_ends(c);
    }
    c->settling = false;
}

static void on_soon(uv_timer_t *h)
{
    settle(h->data);
}

/* ---- the loop ---- */

static void one_handle_less(struct http_client *c)
{
    if (--c->handles == 0)
        free(c);
}

static void on_timer_closed(uv_handle_t *h)
{
    one_handle_less(h->data);
}

static void on_watch_closed(uv_handle_t *h)
{
    struct watch *w = h->data;
    one_handle_less(w->client);
    free(w);
}

static void act(struct http_client *c, curl_socket_t fd, int what)
{
    int running;
    CHECK(http_curl.multi_socket_action(c->multi, fd, what, &running) == CURLM_OK);
    settle(c);
}

static void on_readiness(uv_poll_t *h, int status, int events)
{
    struct watch *w = h->data;
    int what = status < 0 ? CURL_CSELECT_ERR : 0;
    if (events & UV_READABLE)
        what |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        what |= CURL_CSELECT_OUT;
    act(w->client, w->fd, what);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket)
{
    struct http_client *c = arg;
    struct watch *w = of_socket;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            http_curl.multi_assign(c->multi, fd, NULL);
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_watch_closed);
        }
        return 0;
    }
    if (!w) {
        w = mem_alloc(sizeof *w);
        w->client = c;
        w->fd = fd;
        if (uv_poll_init_socket(c->loop, &w->poll, fd)) {
            free(w);
            return -1; /* libcurl ends what it has under way */
        }
        w->poll.data = w;
        c->handles++;
        http_curl.multi_assign(c->multi, fd, w);
    }
    uv_poll_start(&w->poll,
                  (what & CURL_POLL_IN ? UV_READABLE : 0) |
                      (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
                  on_readiness);
    return 0;
}

static void on_timer(uv_timer_t *h)
{
    act(h->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout(CURLM *multi, long ms, void *arg)
{
    struct http_client *c = arg;
    (void)multi;
    if (ms < 0)
        uv_timer_stop(&c->timer);
    else
        uv_timer_start(&c->timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

/* ---- a client ---- */

int http_client_open(uv_loop_t *loop, const struct http_settings *s, struct http_client **out,
                     struct err *e)
{
    int rc = http_load(e);
    if (rc)
        return rc;
    struct http_client *c = mem_alloc(sizeof *c);
    c->loop = loop;
    c->ca_file = s->ca_file ? mem_strdup(s->ca_file) : NULL;
    c->connect_timeout_ms = s->connect_timeout_ms;
    list_init(&c->dirty);
    CHECK(uv_timer_init(loop, &c->timer) == 0 && uv_timer_init(loop, &c->soon) == 0);
    c->timer.data = c->soon.data = c;
    c->handles = 2;
    c->multi = http_curl.multi_init();
    CHECK(c->multi);
    CURLM *m = c->multi;
#define SET(o, v) CHECK(http_curl.multi_setopt(m, o, v) == CURLM_OK)
    SET(CURLMOPT_SOCKETFUNCTION, on_socket);
    SET(CURLMOPT_SOCKETDATA, c);
    SET(CURLMOPT_TIMERFUNCTION, on_timeout);
    SET(CURLMOPT_TIMERDATA, c);
    SET(CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)s->connections_max);
    SET(CURLMOPT_MAXCONNECTS, (long)(s->connections_kept ? s->connections_kept : CONNECTIONS_KEPT));
    SET(CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
#undef SET
    *out = c;
    return 0;
}

uv_loop_t *http_client_loop(const struct http_client *c)
{
    return c->loop;
}

void http_client_close(struct http_client *c)
{
    if (!c)
        return;
    CHECK(c->parties == 0 && !c->closed);
    c->closed = true;
    CHECK(http_curl.multi_cleanup(c->multi) == CURLM_OK); /* on_socket() lets go of each */
    free(c->ca_file);
    c->ca_file = NULL;
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
    uv_close((uv_handle_t *)&c->soon, on_timer_closed);
}
