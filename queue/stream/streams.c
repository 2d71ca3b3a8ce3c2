/* How this works: a list of things (streams, then consumers) is walked one by one. Of each,
 * INFO is asked; when it is not there, CREATE; when somebody else made it in between, INFO again.
 * What is wanted is one JSON object, made by streams_wanted(): it is what CREATE sends and what
 * INFO's answer is compared with, member by member.
 *
 * A jobs stream that is made while results are known must not give the sequences of its predecessor
 * again: they are ids of jobs. It is made in three steps, so that no job can come in between:
 *
 *   CREATE with a subject that nobody publishes to → PURGE up to the first sequence → UPDATE
 *
 * (nats-server before 2.10 has no first_seq, but a purge of an empty stream moves its sequences.)
 * The first sequence is the time in microseconds: above all that any worker has seen, without
 * asking them, and a number that JSON keeps exact. */
#include "queue/stream/streams_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/log.h"
#include "base/mem.h"

#define API_TIMEOUT_MS  5000
#define API_SUBJECT_MAX 320

/* Codes of the JetStream API (nats-server, server/errors.json) that are told apart here. */
enum {
    JS_CLUSTER_NO_PEERS = 10005,
    JS_CONSUMER_NAME_EXISTS = 10013,
    JS_CONSUMER_NOT_FOUND = 10014,
    JS_NOT_ENABLED_FOR_ACCOUNT = 10039,
    JS_STORAGE_EXCEEDED = 10047,
    JS_STREAM_NAME_EXISTS = 10058,
    JS_STREAM_NOT_FOUND = 10059,
    JS_STREAM_SUBJECT_OVERLAP = 10065,
    JS_STREAM_REPLICAS_NOT_SUPPORTED = 10074,
    JS_NOT_ENABLED = 10076,
    JS_CONSUMER_OVERLAPS = 10100,
    JS_CONSUMER_EXISTS = 10105,
    JS_CONSUMER_ALREADY_EXISTS = 10148,
};

struct consumer *streams_consumer(const struct streams *s)
{
    CHECK(s->now >= FIRST_CONSUMER);
    return s->consumers[s->now - FIRST_CONSUMER];
}

const char *streams_name(const struct streams *s, int t)
{
    const struct subjects *n = s->subjects;
    switch (t) {
    case RESULTS_STREAM:
        return n->results_stream;
    case EVENTS_STREAM:
        return n->events_stream;
    case DEAD_STREAM:
        return n->dead_stream;
    case LATER_STREAM:
    case CONSUMER_MOVER:
        return n->later_stream;
    default:
        return n->jobs_stream;
    }
}

static bool is_stream(int t)
{
    return t < CONSUMER_MOVER;
}

/* Of a consumer. */
static const char *name_of(const struct streams *s, char name[CONSUMER_NAME_MAX])
{
    if (s->now == CONSUMER_MOVER)
        strcpy(name, MOVER_NAME);
    else
        consumer_name(streams_consumer(s), name);
    return name;
}

/* "stream ISOLANE_JOBS", "consumer worker_high of stream ISOLANE_JOBS" */
const char *streams_shown(const struct streams *s, char *out, size_t cap)
{
    char name[CONSUMER_NAME_MAX];
    if (is_stream(s->now))
        snprintf(out, cap, "stream %s", streams_name(s, s->now));
    else
        snprintf(out, cap, "consumer %s of stream %s", name_of(s, name), streams_name(s, s->now));
    return out;
}

/* ---- walking ---- */

static void choose_first_seq(struct streams *s)
{
    uint64_t now = (uint64_t)clock_real_us();
    s->first_seq = now > s->used_seq ? now : s->used_seq + 1;
}

static void streams_free(struct streams *s)
{
    free(s->consumers);
    free(s);
}

static void step(struct streams *s);

static void end(struct streams *s, const struct err *why, bool passing)
{
    streams_done done = s->done;
    void *arg = s->arg;
    struct streams_end how = {.why = why, .passing = passing, .sequences_repeat = s->repeat};
    if (s->beginning)
        s->ended = true;
    else
        streams_free(s);
    done(&how, arg);
}

static void next(struct streams *s)
{
    s->now++;
    s->op = INFO;
    s->was_there = false;
    if (s->now == s->things)
        end(s, NULL, false);
    else
        step(s);
}

/* What a person can do about an answer of the API that says no. */
static int refused(const struct streams *s, int64_t code, const char *text, struct err *e)
{
    char what[STREAMS_SHOWN_MAX];
    const char *hint = "";
    if (code == JS_NOT_ENABLED || code == JS_NOT_ENABLED_FOR_ACCOUNT)
        return err_set(e, ERR_UNAVAILABLE,
                       "JetStream is not switched on at %s for our account (%s): enable it in the "
                       "server's configuration",
                       link_url(s->link), text);
    if (code == JS_STORAGE_EXCEEDED)
        hint =
            "; lower nats.max_queued_mb, or give the server's JetStream more room (max_file_store)";
    else if (code == JS_STREAM_SUBJECT_OVERLAP)
        hint = "; another stream takes these subjects: remove it, or choose another nats.prefix";
    else if (code == JS_STREAM_REPLICAS_NOT_SUPPORTED || code == JS_CLUSTER_NO_PEERS)
        hint = "; nats.replicas over 1 needs a cluster of at least as many servers";
    return err_set(e, ERR_UNAVAILABLE, "%s %s at %s: %s (JetStream error %" PRId64 ")%s",
                   s->op != INFO ? "cannot make" : "cannot look at",
                   streams_shown(s, what, sizeof what), link_url(s->link), text, code, hint);
}

static void on_refusal(struct streams *s, const struct jv *error)
{
    int64_t code = 0, class = 0;
    const char *text = jv_string(jv_get(error, "description"), NULL);
    struct err e = {0};
    char what[STREAMS_SHOWN_MAX];
    jv_int(jv_get(error, "err_code"), &code);
    jv_int(jv_get(error, "code"), &class);
    if (s->op == INFO && !s->was_there &&
        (code == JS_STREAM_NOT_FOUND || code == JS_CONSUMER_NOT_FOUND)) {
        s->op = CREATE;
        if (s->now == JOBS_STREAM && (s->results_known || s->used_seq))
            choose_first_seq(s);
        step(s);
    } else if (s->op == CREATE &&
               (code == JS_STREAM_NAME_EXISTS || code == JS_CONSUMER_NAME_EXISTS ||
                code == JS_CONSUMER_EXISTS || code == JS_CONSUMER_ALREADY_EXISTS)) {
        s->op = INFO; /* another worker was quicker, with other settings */
        s->first_seq = 0;
        s->was_there = true;
        step(s);
    } else if (code == JS_CONSUMER_OVERLAPS) {
        err_set(&e, ERR_CONFLICT, "%s: another consumer takes its subjects",
                streams_shown(s, what, sizeof what));
        end(s, &e, true);
    } else {
        refused(s, code, text ? text : "no reason given", &e);
        bool passing = class == 503 && code != JS_NOT_ENABLED && code != JS_NOT_ENABLED_FOR_ACCOUNT;
        end(s, &e, passing);
    }
}

static void is_there(struct streams *s, const struct jv *answer)
{
    struct err e = {0};
    if (s->now == JOBS_STREAM && streams_unfinished(s, answer)) {
        if (streams_old(answer)) {
            choose_first_seq(s);
            s->op = PURGE;
            step(s);
        } else {
            err_set(&e, ERR_UNAVAILABLE, "stream %s is being made by another worker",
                    s->subjects->jobs_stream);
            end(s, &e, true);
        }
        return;
    }
    if (s->now < FIRST_CONSUMER || !streams_consumer(s)->idle_ms)
        streams_compare(s, answer);
    if (s->now == RESULTS_STREAM)
        streams_note_results(s, answer);
    else if (s->now == JOBS_STREAM)
        streams_note_jobs(s, answer);
    next(s);
}

static void was_made(struct streams *s)
{
    char what[STREAMS_SHOWN_MAX];
    streams_shown(s, what, sizeof what);
    if (s->first_seq && s->now == JOBS_STREAM && s->op != UPDATE) {
        s->op = s->op == CREATE ? PURGE : UPDATE;
        step(s);
        return;
    }
    if (s->now >= FIRST_CONSUMER)
        streams_consumer(s)->made = true;
    if (s->now == JOBS_STREAM && s->first_seq)
        log_warn("queue",
                 "made %s although there are results: its sequences begin at %" PRIu64
                 ", so that no job without an id gets the id of an older one",
                 what, s->first_seq);
    else
        log_info("queue", "made %s", what);
    next(s);
}

static void on_answer(struct streams *s, const struct link_msg *m)
{
    struct jv *doc = NULL;
    struct err e = {0};
    char what[STREAMS_SHOWN_MAX];
    if (jv_parse(m->data, m->len, &doc, &e) || jv_type(doc) != JV_OBJECT) {
        jv_free(doc);
        err_set(&e, ERR_PROTOCOL, "%s: the JetStream API at %s answers with what is no JSON object",
                streams_shown(s, what, sizeof what), link_url(s->link));
        end(s, &e, true);
        return;
    }
    const struct jv *error = jv_get(doc, "error");
    if (error)
        on_refusal(s, error);
    else if (s->op == INFO)
        is_there(s, doc);
    else
        was_made(s);
    jv_free(doc);
}

static void no_answer(struct streams *s, const struct err *why)
{
    struct err e = {0};
    char what[STREAMS_SHOWN_MAX];
    streams_shown(s, what, sizeof what);
    if (why->code == ERR_UNAVAILABLE && link_is_up(s->link)) {
        err_set(
            &e, ERR_UNAVAILABLE,
            "JetStream is not switched on at %s: start nats-server with -js, or with a jetstream "
            "block in its configuration",
            link_url(s->link));
        end(s, &e, false);
        return;
    }
    if (why->code == ERR_TIMEOUT)
        err_set(&e, ERR_TIMEOUT,
                "%s: the JetStream API at %s does not answer (%.300s): may our login publish to "
                "$JS.API.> "
                "and subscribe to _INBOX.>?",
                what, link_url(s->link), why->msg);
    else
        err_set(&e, why->code, "%s: %.600s", what, why->msg);
    end(s, &e, true);
}

static void on_reply(struct link_msg *m, const struct err *why, void *arg)
{
    struct streams *s = arg;
    if (!s->done)
        streams_free(s);
    else if (m)
        on_answer(s, m);
    else
        no_answer(s, why);
}

static void api_subject(const struct streams *s, char out[API_SUBJECT_MAX])
{
    char name[CONSUMER_NAME_MAX];
    const char *stream = streams_name(s, s->now);
    if (is_stream(s->now)) {
        static const char *const verbs[] = {"INFO", "CREATE", "PURGE", "UPDATE"};
        snprintf(out, API_SUBJECT_MAX, "$JS.API.STREAM.%s.%s", verbs[s->op], stream);
        return;
    }
    snprintf(out, API_SUBJECT_MAX, "$JS.API.CONSUMER.%s.%s.%s",
             s->op == CREATE ? "DURABLE.CREATE" : "INFO", stream, name_of(s, name));
}

static void step(struct streams *s)
{
    char subject[API_SUBJECT_MAX];
    struct buf b = {0};
    struct jsonw w;
    struct err e = {0};
    api_subject(s, subject);
    jsonw_init(&w, &b);
    if (s->op == PURGE) {
        buf_addf(&b, "{\"seq\":%" PRIu64 "}", s->first_seq);
    } else if (s->op == CREATE && !is_stream(s->now)) {
        jsonw_object(&w);
        jsonw_kstr(&w, "stream_name", streams_name(s, s->now));
        jsonw_name(&w, "config");
        streams_wanted(s, &w);
        jsonw_object_end(&w);
    } else if (s->op != INFO) {
        streams_wanted(s, &w);
    }
    if (link_request(s->link, subject, NULL, 0, b.data ? b.data : "", b.len, API_TIMEOUT_MS,
                     on_reply, s, &e))
        no_answer(s, &e);
    buf_free(&b);
}

struct streams *streams_begin(struct link *l, const struct config *c, const struct subjects *s,
                              struct consumer **consumers, int count, enum streams_scope scope,
                              uint64_t used_seq, streams_done done, void *arg)
{
    struct streams *t = mem_alloc(sizeof *t);
    t->link = l;
    t->config = c;
    t->subjects = s;
    t->done = done;
    t->arg = arg;
    t->used_seq = used_seq;
    t->consumers = count ? mem_copy(consumers, (size_t)count * sizeof *consumers) : NULL;
    t->things = scope == STREAMS_ALONE ? CONSUMER_MOVER : FIRST_CONSUMER + count;
    t->now = scope == CONSUMERS_ALONE ? FIRST_CONSUMER : 0;
    t->beginning = true;
    CHECK(t->now < t->things);
    step(t);
    t->beginning = false;
    if (!t->ended)
        return t;
    streams_free(t);
    return NULL;
}

void streams_cancel(struct streams *t)
{
    if (t)
        t->done = NULL;
}
