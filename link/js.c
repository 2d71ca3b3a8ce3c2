#include "link/js.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/jv.h"
#include "base/mem.h"
#include "link/subjects.h"

/* How this works: one small allocation a request holds the caller's callback until the reply. What
 * the server refuses is told by its error codes (nats-server's errors.json), which are stable, not
 * by its words. */

/* nats-server's err_code */
enum {
    NOT_ENABLED = 10076,
    NOT_ENABLED_FOR_ACCOUNT = 10039,
    STREAM_NOT_FOUND = 10059,
    STREAM_NAME_EXISTS = 10058,
    CONSUMER_NOT_FOUND = 10014,
    MESSAGE_NOT_FOUND = 10037,
    WRONG_LAST_SEQUENCE = 10071,
};

/* ---- the API ---- */

struct asking {
    js_answer cb;
    void *arg;
    char verb[128];
};

static int code_of(int64_t err_code)
{
    switch (err_code) {
    case STREAM_NOT_FOUND:
    case CONSUMER_NOT_FOUND:
    case MESSAGE_NOT_FOUND:
        return ERR_NOT_FOUND;
    case STREAM_NAME_EXISTS:
        return ERR_EXISTS;
    case WRONG_LAST_SEQUENCE:
        return ERR_CONFLICT;
    case NOT_ENABLED:
    case NOT_ENABLED_FOR_ACCOUNT:
        return ERR_UNAVAILABLE;
    default:
        return ERR_PROTOCOL;
    }
}

/* The "error" member of an answer as e. False: it has none. */
static bool refused(const struct jv *doc, const char *what, struct err *e)
{
    const struct jv *error = jv_get(doc, "error");
    int64_t code = 0;
    if (!error || jv_type(error) != JV_OBJECT)
        return false;
    jv_int(jv_get(error, "err_code"), &code);
    const char *text = jv_string(jv_get(error, "description"), NULL);
    err_set(e, code_of(code), "%s: %s (%" PRId64 ")", what, text ? text : "refused", code);
    return true;
}

/* An answer as a JSON object; NULL with e. */
static struct jv *read_answer(const struct link_msg *m, const char *what, struct err *e)
{
    struct jv *doc = NULL;
    if (jv_parse(m->data, m->len, &doc, e) || jv_type(doc) != JV_OBJECT) {
        jv_free(doc);
        err_set(e, ERR_PROTOCOL, "%s: JetStream answers with what is no JSON object", what);
        return NULL;
    }
    if (refused(doc, what, e)) {
        jv_free(doc);
        return NULL;
    }
    return doc;
}

static void on_answer(struct link_msg *m, const struct err *why, void *arg)
{
    struct asking *a = arg;
    struct err e = {0};
    struct jv *doc = NULL;
    if (m)
        doc = read_answer(m, a->verb, &e);
    else
        err_set(&e, why->code, "%s: %.600s", a->verb, why->msg);
    a->cb(doc, doc ? NULL : &e, a->arg);
    jv_free(doc);
    free(a);
}

int js_ask(struct link *l, const char *verb, const char *body, js_answer cb, void *arg,
           struct err *e)
{
    char subject[SUBJECT_MAX];
    struct asking *a = mem_alloc(sizeof *a);
    a->cb = cb;
    a->arg = arg;
    snprintf(a->verb, sizeof a->verb, "%s", verb);
    snprintf(subject, sizeof subject, "$JS.API.%s", verb);
    int rc = link_request(l, subject, NULL, 0, body ? body : "", body ? strlen(body) : 0,
                          JS_TIMEOUT_MS, on_answer, a, e);
    if (rc)
        free(a);
    return rc;
}

/* ---- streams ---- */

struct ensuring {
    js_done cb;
    void *arg;
};

static void on_made(const struct jv *doc, const struct err *why, void *arg)
{
    struct ensuring *s = arg;
    (void)doc;
    s->cb(why && why->code != ERR_EXISTS ? why : NULL, s->arg);
    free(s);
}

int js_ensure_stream(struct link *l, const char *name, const char *config, js_done cb, void *arg,
                     struct err *e)
{
    char verb[128];
    struct ensuring *s = mem_alloc(sizeof *s);
    s->cb = cb;
    s->arg = arg;
    snprintf(verb, sizeof verb, "STREAM.CREATE.%s", name);
    int rc = js_ask(l, verb, config, on_made, s, e);
    if (rc)
        free(s);
    return rc;
}

/* ---- publishing ---- */

struct storing {
    js_stored cb;
    void *arg;
};

static void on_stored(struct link_msg *m, const struct err *why, void *arg)
{
    struct storing *s = arg;
    struct err e = {0};
    int64_t seq = 0;
    bool duplicate = false;
    struct jv *doc = m ? read_answer(m, "publish", &e) : NULL;
    if (!m)
        e = *why;
    if (doc && (!jv_int(jv_get(doc, "seq"), &seq) || seq < 1))
        err_set(&e, ERR_PROTOCOL, "publish: a confirmation without a sequence");
    if (doc)
        duplicate = jv_is_true(jv_get(doc, "duplicate"));
    s->cb((uint64_t)seq, duplicate, e.code ? &e : NULL, s->arg);
    jv_free(doc);
    free(s);
}

#define HEADERS_MAX 8

int js_publish(struct link *l, const char *subject, const struct link_header *headers, int n,
               const void *data, size_t len, uint64_t last_seq, js_stored cb, void *arg,
               struct err *e)
{
    struct link_header all[HEADERS_MAX + 1];
    char expected[24];
    struct storing *s = mem_alloc(sizeof *s);
    CHECK(n <= HEADERS_MAX);
    if (n)
        memcpy(all, headers, (size_t)n * sizeof *headers);
    if (last_seq != JS_ANY) {
        snprintf(expected, sizeof expected, "%" PRIu64, last_seq);
        all[n++] = (struct link_header){"Nats-Expected-Last-Subject-Sequence", expected};
    }
    s->cb = cb;
    s->arg = arg;
    int rc = link_request(l, subject, all, n, data, len, JS_TIMEOUT_MS, on_stored, s, e);
    if (rc)
        free(s);
    return rc;
}

/* ---- reading one message ---- */

struct getting {
    js_found cb;
    void *arg;
};

int64_t js_time_us(const char *text)
{
    struct tm tm = {0};
    const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    if (!rest)
        return 0;
    int64_t us = (int64_t)timegm(&tm) * 1000000;
    int64_t unit = 100000;
    for (rest += *rest == '.'; *rest >= '0' && *rest <= '9' && unit; rest++, unit /= 10)
        us += (*rest - '0') * unit;
    return us;
}

static void on_got(struct link_msg *m, const struct err *why, void *arg)
{
    struct getting *g = arg;
    struct js_message found = {.m = m};
    struct err e = {0};
    if (!m) {
        e = *why;
    } else if (m->status == 404) {
        err_set(&e, ERR_NOT_FOUND, "no such message");
    } else if (m->status) {
        err_set(&e, ERR_PROTOCOL, "JetStream refuses a direct get (status %d)", m->status);
    } else {
        const char *seq = link_msg_header(m, "Nats-Sequence");
        found.subject = link_msg_header(m, "Nats-Subject");
        found.seq = seq ? strtoull(seq, NULL, 10) : 0;
        found.stored_at_us = js_time_us(link_msg_header(m, "Nats-Time-Stamp"));
        if (!found.seq || !found.subject)
            err_set(&e, ERR_PROTOCOL, "a direct get without sequence or subject");
    }
    g->cb(e.code ? NULL : &found, e.code ? &e : NULL, g->arg);
    free(g);
}

static int get(struct link *l, const char *subject, const char *body, js_found cb, void *arg,
               struct err *e)
{
    struct getting *g = mem_alloc(sizeof *g);
    g->cb = cb;
    g->arg = arg;
    int rc = link_request(l, subject, NULL, 0, body, strlen(body), JS_TIMEOUT_MS, on_got, g, e);
    if (rc)
        free(g);
    return rc;
}

int js_get_last(struct link *l, const char *stream, const char *subject, js_found cb, void *arg,
                struct err *e)
{
    char to[SUBJECT_MAX * 2];
    snprintf(to, sizeof to, "$JS.API.DIRECT.GET.%s.%s", stream, subject);
    return get(l, to, "", cb, arg, e);
}

int js_get(struct link *l, const char *stream, uint64_t seq, js_found cb, void *arg, struct err *e)
{
    char to[SUBJECT_MAX], body[40];
    snprintf(to, sizeof to, "$JS.API.DIRECT.GET.%s", stream);
    snprintf(body, sizeof body, "{\"seq\":%" PRIu64 "}", seq);
    return get(l, to, body, cb, arg, e);
}
