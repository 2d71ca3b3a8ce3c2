/* Subscribing, publishing and asking on a connection, and what came of it: for the tests of plain
 * messages and of what becomes of them when a connection is lost or closed. */
#pragma once

#include "tests/unit/link_fixture.h"

struct seen {
    int count;
    size_t bytes;
    char last[512], header[128], subject[128];
    bool has_header;
    int status;
    struct link *answer_on;
    struct link_sub *unsubscribe;
    struct link_msg *kept;
};

static inline void on_msg(struct link_msg *m, void *arg)
{
    struct seen *s = arg;
    s->count++;
    s->bytes += m->len;
    s->status = m->status;
    snprintf(s->last, sizeof s->last, "%.*s", (int)m->len, m->data);
    snprintf(s->subject, sizeof s->subject, "%s", m->subject);
    const char *h = link_msg_header(m, "Some-Header");
    s->has_header = h != NULL;
    snprintf(s->header, sizeof s->header, "%s", h ? h : "");
    if (s->answer_on && m->reply)
        assert_int_equal(link_publish(s->answer_on, m->reply, NULL, NULL, 0, m->data, m->len, NULL),
                         0);
    if (s->unsubscribe) {
        link_unsubscribe(s->unsubscribe);
        s->unsubscribe = NULL;
    }
}

static inline struct link_sub *subscribe(struct link *l, const char *subject, struct seen *s)
{
    struct link_sub *sub = NULL;
    struct err e = {0};
    if (link_subscribe(l, subject, NULL, 0, on_msg, s, &sub, &e))
        fail_msg("%s", e.msg);
    return sub;
}

static inline void publish(struct link *l, const char *subject, const char *text)
{
    struct err e = {0};
    if (link_publish(l, subject, NULL, NULL, 0, text, strlen(text), &e))
        fail_msg("%s", e.msg);
}

struct answers {
    int ok, failed, code;
    char why[256];
};

static inline void on_answer(struct link_msg *m, const struct err *why, void *arg)
{
    struct answers *a = arg;
    if (m) {
        a->ok++;
        return;
    }
    a->failed++;
    a->code = why->code;
    snprintf(a->why, sizeof a->why, "%s", why->msg);
}
