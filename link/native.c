#include "link/native.h"

#include <limits.h>
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/log.h"
#include "base/mem.h"
#include "link/creds.h"

#define IO_BUFFER           (64 * 1024) /* one read; the library's default is half of it */
#define RECONNECT_WAIT_MS   100
#define RECONNECT_JITTER_MS 200   /* so that a hundred workers do not come back as one */
#define CONNECT_TIMEOUT_MS  2000  /* the most for one server */
#define PING_MS             10000 /* a dead peer is noticed after PING_MS * (PINGS_OUT + 1) */
#define PINGS_OUT           2
#define TLS_WRITE_MS        10000 /* under TLS the library itself waits for room: not for ever */
#define REPLIES_MAX         65536 /* that wait for the loop; there is one for each request */
#define REPLIES_BYTES_MAX   (1 << 30)
#define NONCES              8 /* tried before a login is given up: see sign_nonce() */

struct native {
    struct native_calls calls;
    void *owner;
    natsConnection *nc;
    natsSubscription *inbox_sub;
    uv_sem_t inbox_done, closed_told; /* the library's threads are done with us */
    int64_t max_payload;
    char *secret_file; /* where seed (and JWT) lie; NULL: another kind of login */
    bool unlucky;      /* the last nonce could not be signed: see sign_nonce() */
    char url[ADDRESS_MAX], inbox[80];
};

struct native_sub {
    natsSubscription *sub;
    uint64_t waiting; /* messages that were there when last asked, and were not taken yet */
};

/* What natsMsg_Destroy() has a thread of the library's call for each message. That thread is woken
 * for it and wants the lock that the next Destroy takes: a fifth of the loop's time under load. The
 * function is exported, though not in nats.h; where a build of the library hides it, NULL. */
extern void natsMsg_free(void *msg) __attribute__((weak));

/* ---- messages ---- */

static int status_of(natsMsg *m)
{
    const char *text = NULL;
    /* A status message has no body: looking into the headers of one that has costs a parse. */
    if (natsMsg_GetDataLength(m) > 0 || natsMsgHeader_Get(m, "Status", &text) != NATS_OK || !text)
        return 0;
    return (int)strtol(text, NULL, 10);
}

void native_msg_show(void *msg, struct link_msg *out)
{
    natsMsg *m = msg;
    const char *data = natsMsg_GetData(m);
    *out = (struct link_msg){
        .subject = natsMsg_GetSubject(m),
        .reply = natsMsg_GetReply(m),
        .data = data ? data : "",
        .len = (size_t)natsMsg_GetDataLength(m),
        .status = status_of(m),
        .native = m,
    };
}

const char *native_msg_header(void *msg, const char *name)
{
    const char *value = NULL;
    return natsMsgHeader_Get(msg, name, &value) == NATS_OK ? value : NULL;
}

int native_msg_header_count(void *msg, const char *name)
{
    const char **values = NULL;
    int n = 0;
    if (natsMsgHeader_Values(msg, name, &values, &n) != NATS_OK)
        return 0;
    free(values);
    return n;
}

void native_msg_free(void *msg)
{
    if (natsMsg_free)
        natsMsg_free(msg);
    else
        natsMsg_Destroy(msg);
}

/* ---- what the library calls, on threads of its own ---- */

static void on_reply(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *arg)
{
    struct native *n = arg;
    (void)nc;
    (void)sub;
    n->calls.reply(msg, n->owner);
}

static void on_inbox_done(void *arg)
{
    struct native *n = arg;
    uv_sem_post(&n->inbox_done);
}

static void on_disconnected(natsConnection *nc, void *arg)
{
    struct native *n = arg;
    (void)nc;
    n->calls.event(NATIVE_DISCONNECTED, "the server closed it or does not answer", n->owner);
}

static void on_reconnected(natsConnection *nc, void *arg)
{
    struct native *n = arg;
    (void)nc;
    n->calls.event(NATIVE_RECONNECTED, "", n->owner);
}

static void on_closed(natsConnection *nc, void *arg)
{
    struct native *n = arg;
    const char *text = NULL;
    natsStatus s = natsConnection_GetLastError(nc, &text);
    n->calls.event(NATIVE_CLOSED, text && *text ? text : natsStatus_GetText(s), n->owner);
    uv_sem_post(&n->closed_told);
}

static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus s, void *arg)
{
    struct native *n = arg;
    natsStatus last = NATS_OK;
    const char *text = nats_GetLastError(&last);
    (void)nc;
    (void)sub;
    n->calls.event(NATIVE_ERROR, last == s && text ? text : natsStatus_GetText(s), n->owner);
}

/* ---- the loop, as the library sees it ---- */

static natsStatus attach(void **data, void *loop, natsConnection *nc, natsSock fd)
{
    struct native *n = loop; /* we are what natsOptions_SetEventLoop() was told is the loop */
    (void)nc;
    *data = n;
    return n->calls.watch(fd, n->owner) < 0 ? NATS_SYS_ERROR : NATS_OK;
}

static natsStatus change_read(void *data, bool add)
{
    struct native *n = data;
    if (!add) /* adding is attach()'s: the library only ever takes it back */
        n->calls.unwatch(n->owner);
    return NATS_OK;
}

static natsStatus change_write(void *data, bool add)
{
    struct native *n = data;
    n->calls.want_write(add, n->owner);
    return NATS_OK;
}

static natsStatus detach(void *data)
{
    struct native *n = data;
    n->calls.unwatch(n->owner);
    return NATS_OK;
}

void native_read(struct native *n)
{
    natsConnection_ProcessReadEvent(n->nc);
}

void native_write(struct native *n)
{
    natsConnection_ProcessWriteEvent(n->nc);
}

int native_buffered(struct native *n)
{
    return natsConnection_Buffered(n->nc);
}

/* ---- opening ---- */

/* The library's words, without the place in its sources: "(conn.c:1905): Authorization Violation".
 */
static const char *last_text(natsStatus s)
{
    const char *text = nats_GetLastError(NULL);
    if (!text || !*text)
        return natsStatus_GetText(s);
    const char *behind = *text == '(' ? strstr(text, "): ") : NULL;
    return behind ? behind + 3 : text;
}

static natsStatus failed_login(const struct err *e, char **text)
{
    *text = strdup(e->msg); /* the library frees it */
    return NATS_ERR;
}

/* The library takes a signature for a C string when it encodes it: one that begins with a zero byte
 * (of 256 one) is not sent at all, and the server refuses us. Such a nonce is given up here; the
 * next connect gets another. That is also why the library's own signing is not used: it cannot
 * tell. */
static natsStatus sign_nonce(char **text, unsigned char **sig, int *len, const char *nonce,
                             void *arg)
{
    struct native *n = arg;
    struct err e = {0};
    unsigned char *made = malloc(ED25519_SIG); /* the library frees it */
    n->unlucky = false;
    int rc = made ? creds_sign(n->secret_file, nonce, made, &e) : ERR_LIMIT;
    if (!rc && made[0] == 0) {
        n->unlucky = true;
        rc = err_set(&e, ERR_UNAVAILABLE, "a nonce that cannot be answered");
    }
    if (rc) {
        free(made);
        return failed_login(&e, text);
    }
    *sig = made;
    *len = ED25519_SIG;
    return NATS_OK;
}

static natsStatus give_jwt(char **jwt, char **text, void *arg)
{
    const struct native *n = arg;
    struct err e = {0};
    return creds_jwt(n->secret_file, jwt, &e) ? failed_login(&e, text) : NATS_OK;
}

static int option_error(const char *what, natsStatus s, struct err *e)
{
    return s == NATS_OK ? 0 : err_set(e, ERR_INVALID, "%s: %s", what, last_text(s));
}

static int set_login(natsOptions *o, struct native *n, const struct login *l, struct err *e)
{
    const struct nats_config *c = l->config;
    natsStatus s = NATS_OK;
    if (c->user || c->password)
        s = natsOptions_SetUserInfo(o, c->user ? c->user : "", c->password ? c->password : "");
    if (s == NATS_OK && c->token)
        s = natsOptions_SetToken(o, c->token);
    if (s != NATS_OK)
        return option_error("nats.user, nats.token", s, e);
    if (c->nkey_seed_file) {
        n->secret_file = mem_strdup(c->nkey_seed_file);
        s = natsOptions_SetNKey(o, l->nkey, sign_nonce, n);
    } else if (c->creds_file) {
        n->secret_file = mem_strdup(c->creds_file);
        s = natsOptions_SetUserCredentialsCallbacks(o, give_jwt, n, sign_nonce, n);
    }
    return option_error("nats.nkey_seed_file, nats.creds_file", s, e);
}

static int set_tls(natsOptions *o, const struct nats_config *c, struct err *e)
{
    natsStatus s = natsOptions_SetSecure(o, true);
    if (s == NATS_OK)
        s = natsOptions_SetWriteDeadline(o, TLS_WRITE_MS);
    if (s != NATS_OK)
        return option_error("nats.tls", s, e);
    if (c->tls_ca_file)
        s = natsOptions_LoadCATrustedCertificates(o, c->tls_ca_file);
    if (s != NATS_OK)
        return option_error("nats.tls_ca_file", s, e);
    if (c->tls_cert_file)
        s = natsOptions_LoadCertificatesChain(o, c->tls_cert_file, c->tls_key_file);
    return option_error("nats.tls_cert_file, nats.tls_key_file", s, e);
}

static int set_behaviour(natsOptions *o, struct native *n, const char *name, struct err *e)
{
    natsStatus s = natsOptions_SetName(o, name);
    if (s == NATS_OK)
        s = natsOptions_SetMaxReconnect(o, -1);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectWait(o, RECONNECT_WAIT_MS);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectJitter(o, RECONNECT_JITTER_MS, RECONNECT_JITTER_MS);
    if (s == NATS_OK)
        s = natsOptions_SetPingInterval(o, PING_MS);
    if (s == NATS_OK)
        s = natsOptions_SetMaxPingsOut(o, PINGS_OUT);
    if (s == NATS_OK)
        s = natsOptions_SetIOBufSize(o, IO_BUFFER);
    if (s == NATS_OK)
        s = natsOptions_SetSendAsap(o, true);
    if (s == NATS_OK)
        s = natsOptions_SetDisconnectedCB(o, on_disconnected, n);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectedCB(o, on_reconnected, n);
    if (s == NATS_OK)
        s = natsOptions_SetClosedCB(o, on_closed, n);
    if (s == NATS_OK)
        s = natsOptions_SetErrorHandler(o, on_error, n);
    if (s == NATS_OK)
        s = natsOptions_SetEventLoop(o, n, attach, change_read, change_write, detach);
    return option_error("options of the connection", s, e);
}

static enum login_failure failure_of(natsStatus s)
{
    switch (s) {
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
        return LOGIN_REFUSED;
    case NATS_SECURE_CONNECTION_WANTED:
        return LOGIN_NO_TLS;
    case NATS_SSL_ERROR:
        return LOGIN_TLS;
    default:
        return LOGIN_UNREACHABLE;
    }
}

static int dial(struct native *n, const struct login *l, const char *name, int timeout_ms,
                struct err *e)
{
    natsOptions *o = NULL;
    natsStatus s = natsOptions_Create(&o);
    if (s == NATS_OK)
        s = natsOptions_SetServers(o, (const char **)(uintptr_t)l->to.url, l->to.count);
    if (s == NATS_OK)
        s = natsOptions_SetTimeout(o, timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms
                                                                      : CONNECT_TIMEOUT_MS);
    int rc = option_error("nats.url", s, e);
    if (!rc)
        rc = set_behaviour(o, n, name, e);
    if (!rc && l->tls)
        rc = set_tls(o, l->config, e);
    if (!rc)
        rc = set_login(o, n, l, e);
    if (!rc) {
        for (int i = 0; i < NONCES && (i == 0 || n->unlucky); i++)
            s = natsConnection_Connect(&n->nc, o);
        if (s != NATS_OK)
            rc = login_failed(l, failure_of(s), last_text(s), e);
    }
    natsOptions_Destroy(o);
    return rc;
}

static int open_inbox(struct native *n, struct err *e)
{
    natsInbox *unique = NULL;
    char subject[sizeof n->inbox + 2];
    natsStatus s = natsInbox_Create(&unique);
    if (s == NATS_OK) {
        snprintf(n->inbox, sizeof n->inbox, "%s", unique);
        snprintf(subject, sizeof subject, "%s.*", n->inbox);
        s = natsConnection_Subscribe(&n->inbox_sub, n->nc, subject, on_reply, n);
    }
    natsInbox_Destroy(unique);
    if (s == NATS_OK)
        s = natsSubscription_SetPendingLimits(n->inbox_sub, REPLIES_MAX, REPLIES_BYTES_MAX);
    if (s == NATS_OK)
        s = natsSubscription_SetOnCompleteCB(n->inbox_sub, on_inbox_done, n);
    return s == NATS_OK ? 0
                        : err_set(e, ERR_UNAVAILABLE, "cannot subscribe to replies at %s: %s",
                                  n->url, last_text(s));
}

int native_open(const struct login *login, const char *name, int timeout_ms,
                const struct native_calls *calls, void *owner, struct native **out, struct err *e)
{
    struct native *n = mem_alloc(sizeof *n);
    n->calls = *calls;
    n->owner = owner;
    CHECK(uv_sem_init(&n->inbox_done, 0) == 0 && uv_sem_init(&n->closed_told, 0) == 0);
    int rc = dial(n, login, name, timeout_ms, e);
    if (!rc) {
        native_learn(n);
        rc = open_inbox(n, e);
    }
    if (rc) {
        native_close(n);
        return rc;
    }
    *out = n;
    return 0;
}

/* ---- closing ---- */

void native_close(struct native *n)
{
    if (n->nc) {
        natsConnection_Close(n->nc);
        uv_sem_wait(&n->closed_told);
    }
    if (n->inbox_sub) {
        natsSubscription_Destroy(n->inbox_sub);
        uv_sem_wait(&n->inbox_done);
    }
    natsConnection_Destroy(n->nc);
    uv_sem_destroy(&n->inbox_done);
    uv_sem_destroy(&n->closed_told);
    free(n->secret_file);
    free(n);
}

void native_library_stop(int timeout_ms)
{
    nats_CloseAndWait(timeout_ms);
}

/* ---- facts ---- */

void native_learn(struct native *n)
{
    char url[1024] = "";
    if (natsConnection_GetConnectedUrl(n->nc, url, sizeof url) == NATS_OK && *url)
        address_shown(url, n->url);
    n->max_payload = natsConnection_GetMaxPayload(n->nc);
}

const char *native_url(const struct native *n)
{
    return n->url;
}

int64_t native_max_payload(const struct native *n)
{
    return n->max_payload;
}

const char *native_inbox(const struct native *n)
{
    return n->inbox;
}

/* ---- out ---- */

static int not_sent(const struct native *n, natsStatus s, const char *subject, size_t len,
                    struct err *e)
{
    switch (s) {
    case NATS_OK:
        return 0;
    case NATS_MAX_PAYLOAD:
        return err_set(
            e, ERR_LIMIT,
            "message of %zu bytes for '%.100s': over the server's max_payload of %lld bytes", len,
            subject, (long long)n->max_payload);
    case NATS_INVALID_SUBJECT:
        return err_set(e, ERR_INVALID, "subject: found '%.100s', which is not allowed", subject);
    case NATS_CONNECTION_CLOSED:
        return err_set(e, ERR_UNAVAILABLE, "the connection to %s is closed", n->url);
    default:
        return err_set(e, ERR_UNAVAILABLE, "cannot send to %s: %s", n->url, last_text(s));
    }
}

static natsStatus publish_with_headers(struct native *n, const char *subject, const char *reply,
                                       const struct link_header *headers, int header_count,
                                       const void *data, int len)
{
    natsMsg *m = NULL;
    natsStatus s = natsMsg_Create(&m, subject, reply, data, len);
    for (int i = 0; s == NATS_OK && i < header_count; i++)
        s = natsMsgHeader_Set(m, headers[i].name, headers[i].value);
    if (s == NATS_OK)
        s = natsConnection_PublishMsg(n->nc, m);
    native_msg_free(m);
    return s;
}

int native_publish(struct native *n, const char *subject, const char *reply,
                   const struct link_header *headers, int header_count, const void *data,
                   size_t len, struct err *e)
{
    natsStatus s;
    if (len > INT_MAX || (n->max_payload > 0 && len > (size_t)n->max_payload))
        s = NATS_MAX_PAYLOAD;
    else if (header_count)
        s = publish_with_headers(n, subject, reply, headers, header_count, data, (int)len);
    else if (reply)
        s = natsConnection_PublishRequest(n->nc, subject, reply, data, (int)len);
    else
        s = natsConnection_Publish(n->nc, subject, data, (int)len);
    return not_sent(n, s, subject, len, e);
}

int native_flush(struct native *n, int timeout_ms, struct err *e)
{
    natsStatus s = natsConnection_FlushTimeout(n->nc, timeout_ms);
    if (s == NATS_TIMEOUT)
        return err_set(e, ERR_TIMEOUT, "%s did not confirm what was sent within %d ms", n->url,
                       timeout_ms);
    return s == NATS_OK ? 0
                        : err_set(e, ERR_UNAVAILABLE, "the connection to %s was lost: %s", n->url,
                                  natsStatus_GetText(s));
}

/* ---- in ---- */

int native_subscribe(struct native *n, const char *subject, const char *queue, int max_pending,
                     struct native_sub **out, struct err *e)
{
    struct native_sub *s = mem_alloc(sizeof *s);
    natsStatus st = queue ? natsConnection_QueueSubscribeSync(&s->sub, n->nc, subject, queue)
                          : natsConnection_SubscribeSync(&s->sub, n->nc, subject);
    if (st == NATS_OK)
        st = natsSubscription_SetPendingLimits(s->sub, max_pending > 0 ? max_pending : -1, -1);
    if (st != NATS_OK) {
        err_set(e, ERR_UNAVAILABLE, "cannot subscribe to '%.100s' at %s: %s", subject, n->url,
                last_text(st));
        native_sub_free(s);
        return ERR_UNAVAILABLE;
    }
    *out = s;
    return 0;
}

bool native_next(struct native_sub *s, struct link_msg *out)
{
    /* First asked, for a time-out costs the library an error text; once for many, for every call
     * takes locks. Messages come by native_read() alone. */
    for (;;) {
        natsMsg *m = NULL;
        if (s->waiting == 0 && natsSubscription_QueuedMsgs(s->sub, &s->waiting) != NATS_OK)
            s->waiting = 0;
        if (s->waiting == 0)
            return false;
        s->waiting--;
        switch (natsSubscription_NextMsg(&m, s->sub, 0)) {
        case NATS_OK:
            native_msg_show(m, out);
            return true;
        case NATS_NO_RESPONDERS:
            *out = (struct link_msg){.data = "", .status = 503};
            return true;
        case NATS_SLOW_CONSUMER: /* told once; those that were not dropped follow */
            s->waiting = 0;
            log_warn("link", "messages on '%s' were dropped: more came at once than its limit",
                     natsSubscription_GetSubject(s->sub));
            break;
        default:
            s->waiting = 0;
            return false;
        }
    }
}

void native_sub_drain(struct native_sub *s, int timeout_ms)
{
    natsSubscription_DrainTimeout(s->sub, timeout_ms);
}

void native_sub_free(struct native_sub *s)
{
    natsSubscription_Destroy(s->sub);
    free(s);
}
