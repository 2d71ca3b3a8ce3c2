/* How this works. The client library (link/native.c) is used in its event-loop mode, with an
 * adapter of our own (link/sockpoll.c), and kept to the loop's thread wherever it can be.
 *
 * In: the loop reads the socket and lets the library parse; the messages then lie in its
 * subscriptions, which are made without a callback, and are handed out in the same turn. No other
 * thread sees them, and what is not read yet waits in the kernel's buffer, where the server notices
 * it: no queue grows here.
 *
 * Out: a publish goes into the library's buffer; the loop writes that once, before it waits again.
 * (The library's flusher thread is not used: it would wait a millisecond for company.)
 *
 * Replies to requests come on one wildcard inbox. It alone has a callback on a library thread: read
 * without one, the library swallows "no responders" and does not tell whose it was. Events
 * (connected, disconnected, closed, errors) come on library threads too. Both kinds reach the loop
 * through link/mailbox.c. PubAcks, of which there is one a job, have an inbox that is read like any
 * subscription (link_request_many()): whose "no responders" it was does not matter there.
 *
 * While the library reconnects it holds its lock for as long as a connect takes, so nothing of it
 * is touched then: publishes are kept in link/outbox.c, requests are refused.
 *
 * The library closes sockets with a reset, which makes the server drop what it has not read yet: so
 * link_close() pushes everything out first and waits for the server's end-of-file. */
#include "link/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "link/asked.h"
#include "link/link_inner.h"
#include "link/login.h"
#include "link/mailbox.h"
#include "link/native.h"
#include "link/outbox.h"
#include "link/sockpoll.h"
#include "link/tls_record.h"

#define DRAIN_MS        5000
#define LIBRARY_STOP_MS 2000

enum mail_kind { MAIL_REPLY, MAIL_EVENT };

struct mail {
    struct letter letter; /* first */
    enum mail_kind kind;
    void *msg; /* MAIL_REPLY */
    enum native_event event;
    char text[LINK_TEXT_MAX];
};

struct link_sub {
    struct list node;
    struct link *link;
    struct native_sub *native;
    link_handler handler;
    void *arg;
    bool gone; /* unsubscribed while messages are handed out: freed after that */
    char subject[];
};

/* ---- messages ---- */

const char *link_msg_header(const struct link_msg *m, const char *name)
{
    return m->native ? native_msg_header(m->native, name) : NULL;
}

int link_msg_header_count(const struct link_msg *m, const char *name)
{
    return m->native ? native_msg_header_count(m->native, name) : 0;
}

struct link_msg *link_msg_keep(struct link_msg *m)
{
    /* Without a native message (a 503 on a subscription) the subject is the subscription's. */
    size_t n = m->native ? 0 : strlen(m->subject) + 1;
    struct link_msg *kept = mem_alloc(sizeof *kept + n);
    *kept = *m;
    if (n)
        kept->subject = memcpy(kept + 1, m->subject, n);
    m->native = NULL;
    return kept;
}

void link_msg_free(struct link_msg *kept)
{
    if (!kept)
        return;
    native_msg_free(kept->native);
    free(kept);
}

/* ---- the socket ---- */

static void hand_out(struct link_sub *s)
{
    struct link_msg m;
    while (!s->gone && native_next(s->native, &m)) {
        if (!m.subject)
            m.subject = s->subject;
        s->handler(&m, s->arg);
        native_msg_free(m.native);
    }
}

static void free_sub(struct link_sub *s)
{
    list_remove(&s->node);
    native_sub_free(s->native);
    free(s);
}

static void on_readable(void *owner)
{
    struct link *l = owner;
    if (l->tls && !tls_record_whole(sockpoll_fd(l->poll)))
        return;
    native_read(l->native);
    l->dealing = true;
    LIST_FOREACH(n, &l->subs) /* none is freed meanwhile; new ones come behind */
    {
        hand_out(LIST_ENTRY(n, struct link_sub, node));
    }
    l->dealing = false;
    LIST_FOREACH(n, &l->subs)
    {
        struct link_sub *s = LIST_ENTRY(n, struct link_sub, node);
        if (s->gone)
            free_sub(s);
    }
}

static void on_writable(void *owner)
{
    struct link *l = owner;
    native_write(l->native);
}

/* ---- calls of the library: any thread ---- */

static int watch(int fd, void *owner)
{
    struct link *l = owner;
    return sockpoll_attach(l->poll, fd);
}

static void unwatch(void *owner)
{
    struct link *l = owner;
    sockpoll_detach(l->poll);
}

static void want_write(bool want, void *owner)
{
    struct link *l = owner;
    sockpoll_want_write(l->poll, want);
}

static void on_reply(void *msg, void *owner)
{
    struct link *l = owner;
    struct mail *m = mem_alloc(sizeof *m);
    m->kind = MAIL_REPLY;
    m->msg = msg;
    mailbox_post(l->mailbox, &m->letter);
}

static void on_event(enum native_event ev, const char *text, void *owner)
{
    struct link *l = owner;
    struct mail *m = mem_alloc(sizeof *m);
    m->kind = MAIL_EVENT;
    m->event = ev;
    snprintf(m->text, sizeof m->text, "%s", text);
    mailbox_post(l->mailbox, &m->letter);
}

static const struct native_calls native_calls = {
    .watch = watch,
    .unwatch = unwatch,
    .want_write = want_write,
    .reply = on_reply,
    .event = on_event,
};

/* ---- out ---- */

#define EACH_BYTE(b) ((uint64_t)(b)*0x0101010101010101u)

/* No byte below `least` (at most 128), none of 0x7f; eight at a time. */
static bool plain(const char *s, unsigned char least)
{
    size_t len = strlen(s), i = 0;
    for (uint64_t w; len - i >= sizeof w; i += sizeof w) {
        memcpy(&w, s + i, sizeof w);
        uint64_t del = w ^ EACH_BYTE(0x7f);
        if ((((w - EACH_BYTE(least)) & ~w) | ((del - EACH_BYTE(1)) & ~del)) & EACH_BYTE(0x80))
            return false;
    }
    for (; i < len; i++)
        if ((unsigned char)s[i] < least || s[i] == 0x7f)
            return false;
    return true;
}

/* Nothing that would break out of its line of the protocol. */
static int check_lines(const char *subject, const char *reply, const struct link_header *headers,
                       int header_count, struct err *e)
{
    if (!*subject || !plain(subject, '!'))
        return err_set(e, ERR_INVALID,
                       "subject: found an empty one, or a space or control character");
    if (reply && (!*reply || !plain(reply, '!')))
        return err_set(e, ERR_INVALID,
                       "reply: found an empty one, or a space or control character");
    for (int i = 0; i < header_count; i++)
        if (!*headers[i].name || !plain(headers[i].name, '!') || strchr(headers[i].name, ':') ||
            !plain(headers[i].value, ' '))
            return err_set(e, ERR_INVALID, "header %.60s: found a control character",
                           headers[i].name);
    return 0;
}

static int send_now(struct link *l, const char *subject, const char *reply,
                    const struct link_header *headers, int header_count, const void *data,
                    size_t len, struct err *e)
{
    int waiting = native_buffered(l->native);
    if (waiting > 0 && len <= LINK_PENDING_MAX && (size_t)waiting + len > LINK_PENDING_MAX)
        return err_set(e, ERR_UNAVAILABLE, "%s does not read: %d bytes wait already",
                       native_url(l->native), waiting);
    return native_publish(l->native, subject, reply, headers, header_count, data, len, e);
}

int link_publish(struct link *l, const char *subject, const char *reply,
                 const struct link_header *headers, int header_count, const void *data, size_t len,
                 struct err *e)
{
    int rc = check_lines(subject, reply, headers, header_count, e);
    if (rc)
        return rc;
    if (l->up)
        return send_now(l, subject, reply, headers, header_count, data, len, e);
    if (l->closed)
        return err_set(e, ERR_UNAVAILABLE, "the connection to %s is closed", native_url(l->native));
    if (!outbox_add(&l->outbox, subject, reply, headers, header_count, data, len))
        return err_set(e, ERR_UNAVAILABLE,
                       "no connection to %s, and %zu bytes wait for one already",
                       native_url(l->native), l->outbox.bytes);
    return 0;
}

static void send_kept(struct link *l)
{
    for (struct kept_message *m; (m = outbox_take(&l->outbox));) {
        struct err e = {0};
        if (send_now(l, m->subject, m->reply, m->headers, m->header_count, m->data, m->len, &e))
            log_warn("link", "a message kept while there was no connection is lost: %s", e.msg);
        free(m);
    }
}

struct request {
    const char *inbox;
    bool of_many;
    int timeout_ms;
    link_reply cb;
    void *arg;
};

static int request(struct link *l, const char *subject, const struct link_header *headers,
                   int header_count, const void *data, size_t len, const struct request *q,
                   struct err *e)
{
    char reply[128];
    int rc = check_lines(subject, NULL, headers, header_count, e);
    if (rc)
        return rc;
    if (!l->up)
        return err_set(e, ERR_UNAVAILABLE, "no connection to %s", native_url(l->native));
    uint64_t number = asked_add(l->asked, subject, q->of_many, q->timeout_ms, q->cb, q->arg);
    const char *end = reply + sizeof reply;
    text_add_hex(text_add(text_add(reply, end, q->inbox), end, "."), end, number);
    rc = send_now(l, subject, reply, headers, header_count, data, len, e);
    if (rc)
        asked_drop(l->asked, number);
    return rc;
}

int link_request(struct link *l, const char *subject, const struct link_header *headers,
                 int header_count, const void *data, size_t len, int timeout_ms, link_reply cb,
                 void *arg, struct err *e)
{
    const struct request q = {
        .inbox = native_inbox(l->native), .timeout_ms = timeout_ms, .cb = cb, .arg = arg};
    return request(l, subject, headers, header_count, data, len, &q, e);
}

static void take_reply(struct link *l, struct link_msg *m)
{
    const char *token = strrchr(m->subject, '.');
    asked_reply(l->asked, token ? strtoull(token + 1, NULL, 16) : 0, m);
}

static void on_reply_of_many(struct link_msg *m, void *arg)
{
    struct link *l = arg;
    if (!m->native) /* "no responders", and no word of whose */
        asked_fail_many(l->asked);
    else
        take_reply(l, m);
}

int link_request_many(struct link *l, const char *subject, const struct link_header *headers,
                      int header_count, const void *data, size_t len, int timeout_ms, link_reply cb,
                      void *arg, struct err *e)
{
    char all[LINK_INBOX_MAX + 2];
    const struct request q = {
        .inbox = l->many_inbox, .of_many = true, .timeout_ms = timeout_ms, .cb = cb, .arg = arg};
    if (l->up && !l->many) {
        snprintf(l->many_inbox, sizeof l->many_inbox, "%s-many", native_inbox(l->native));
        snprintf(all, sizeof all, "%s.*", l->many_inbox);
        if (link_subscribe(l, all, NULL, 0, on_reply_of_many, l, &l->many, e))
            return ERR_UNAVAILABLE;
    }
    return request(l, subject, headers, header_count, data, len, &q, e);
}

/* ---- letters from the library's threads, read on the loop ---- */

static void read_reply(struct link *l, void *msg)
{
    struct link_msg m;
    native_msg_show(msg, &m);
    take_reply(l, &m);
    native_msg_free(m.native);
}

static void lost(struct link *l, const char *why)
{
    struct err e;
    l->up = false;
    err_set(&e, ERR_UNAVAILABLE, "the connection to %s was lost before the answer came (%s)",
            native_url(l->native), why);
    asked_fail_all(l->asked, &e);
}

static void read_event(struct link *l, enum native_event event, const char *text)
{
    switch (event) {
    case NATIVE_DISCONNECTED:
        lost(l, text);
        if (l->ev.disconnected)
            l->ev.disconnected(text, l->arg);
        break;
    case NATIVE_RECONNECTED:
        l->up = true;
        native_learn(l->native);
        send_kept(l);
        if (l->ev.connected)
            l->ev.connected(l->arg);
        break;
    case NATIVE_CLOSED:
        l->closed = true;
        lost(l, text);
        if (l->ev.closed)
            l->ev.closed(text, l->arg);
        break;
    case NATIVE_ERROR:
        log_warn("link", "%s says: %s", native_url(l->native), text);
        snprintf(l->last_error, sizeof l->last_error, "%s", text);
        break;
    }
}

static void read_letter(struct letter *letter, void *arg)
{
    struct link *l = arg;
    struct mail *m = CONTAINER_OF(letter, struct mail, letter);
    if (l->closing)
        native_msg_free(m->msg);
    else if (m->kind == MAIL_REPLY)
        read_reply(l, m->msg);
    else
        read_event(l, m->event, m->text);
    free(m);
}

/* ---- opening and closing ---- */

static void one_handle_less(void *arg)
{
    struct link *l = arg;
    if (--l->handles == 0)
        free(l);
}

static const struct sockpoll_calls poll_calls = {
    .readable = on_readable,
    .writable = on_writable,
    .closed = one_handle_less,
};

/* Closes the parts on the loop; the link is freed with the last of them, in a later turn. */
static void close_parts(struct link *l)
{
    l->closing = true;
    outbox_clear(&l->outbox);
    if (l->poll)
        sockpoll_close(l->poll);
    if (l->mailbox)
        mailbox_close(l->mailbox, one_handle_less);
    asked_close(l->asked, one_handle_less, l);
}

int link_open(uv_loop_t *loop, const struct nats_config *c, const char *name, int timeout_ms,
              const struct link_events *ev, void *arg, struct link **out, struct err *e)
{
    struct login login;
    int rc = login_prepare(c, &login, e);
    if (rc)
        return rc;
    struct link *l = mem_alloc(sizeof *l);
    l->loop = loop;
    if (ev)
        l->ev = *ev;
    l->arg = arg;
    l->tls = login.tls;
    list_init(&l->subs);
    outbox_init(&l->outbox);
    l->asked = asked_new(loop);
    asked_set_hint(l->asked, l->last_error);
    l->handles = 1;
    rc = sockpoll_open(loop, &poll_calls, l, &l->poll, e);
    l->handles += l->poll != NULL;
    if (!rc)
        rc = mailbox_open(loop, read_letter, l, &l->mailbox, e);
    l->handles += l->mailbox != NULL;
    if (!rc)
        rc = native_open(&login, name, timeout_ms, &native_calls, l, &l->native, e);
    login_free(&login);
    if (rc) {
        close_parts(l);
        return rc;
    }
    l->up = true;
    *out = l;
    if (l->ev.connected)
        l->ev.connected(l->arg);
    return 0;
}

void link_close(struct link *l, int timeout_ms)
{
    if (!l)
        return;
    CHECK(!l->dealing && !l->closing);
    struct err why;
    err_set(&why, ERR_UNAVAILABLE, "the connection to %s is closed", native_url(l->native));
    link_push_out(l, clock_mono_us() + (int64_t)timeout_ms * 1000);
    l->up = false;
    l->closed = true;
    asked_fail_all(l->asked, &why);
    l->closing = true;
    native_close(l->native);
    LIST_FOREACH(n, &l->subs) /* after that: before, each would want to tell the server */
    {
        free_sub(LIST_ENTRY(n, struct link_sub, node));
    }
    close_parts(l);
}

void link_library_stop(void)
{
    native_library_stop(LIBRARY_STOP_MS);
}

/* ---- subscriptions ---- */

int link_subscribe(struct link *l, const char *subject, const char *queue, int max_pending,
                   link_handler h, void *arg, struct link_sub **out, struct err *e)
{
    int rc = check_lines(subject, queue, NULL, 0, e);
    if (rc)
        return rc;
    size_t n = strlen(subject) + 1;
    struct link_sub *s = mem_alloc(sizeof *s + n);
    memcpy(s->subject, subject, n);
    s->link = l;
    s->handler = h;
    s->arg = arg;
    rc = native_subscribe(l->native, subject, queue, max_pending, &s->native, e);
    if (rc) {
        free(s);
        return rc;
    }
    list_push_back(&l->subs, &s->node);
    *out = s;
    return 0;
}

void link_unsubscribe(struct link_sub *s)
{
    if (!s)
        return;
    if (s->link->dealing)
        s->gone = true;
    else
        free_sub(s);
}

void link_drain(struct link_sub *s)
{
    if (s && s->link->up)
        native_sub_drain(s->native, DRAIN_MS);
}

/* ---- facts ---- */

bool link_is_up(const struct link *l)
{
    return l->up;
}

int64_t link_max_payload(const struct link *l)
{
    return native_max_payload(l->native);
}

const char *link_url(const struct link *l)
{
    return native_url(l->native);
}
