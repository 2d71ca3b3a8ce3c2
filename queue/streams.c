/* How this works: a list of things (streams, then consumers) is walked one by one. Of each,
 * INFO is asked; when it is not there, CREATE; when somebody else made it in between, INFO again.
 * What is wanted is one JSON object, made by thing_config(): it is what CREATE sends and what
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
#include "queue/streams.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/log.h"
#include "base/mem.h"

#define API_TIMEOUT_MS    5000
#define API_SUBJECT_MAX   320
#define SHOWN_MAX         256
#define NS_PER_MS         ((int64_t)1000000)
#define MS_PER_HOUR       3600000
#define WORKERS_AT_ONCE   256 /* whose prefetch the consumers' bookkeeping is laid out for */
#define PULLS_WAITING_MAX 2048
#define EVENTS_OF_A_JOB   16
/* A mover that dies with a job in hand, or whose pull is void, delays it by this. */
#define MOVER_ACK_WAIT_MS 1000

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

/* Sequences from here on come from a clock (2001 and later), not from counting. */
#define CLOCKED_SEQ   1000000000000000ull
/* A stream that somebody else began to make so long ago is finished by us. */
#define UNFINISHED_US 10000000

enum op { INFO, CREATE, PURGE, UPDATE };

enum thing {
    RESULTS_STREAM, /* before the jobs stream: whether there are results */
    JOBS_STREAM,
    EVENTS_STREAM,
    DEAD_STREAM,
    LATER_STREAM,
    CONSUMER_MOVER, /* from here on consumers: of the stream of jobs for later … */
    FIRST_CONSUMER, /* … and those of the jobs stream that the caller names */
};

struct streams {
    struct link *link;
    const struct config *config;
    const struct subjects *subjects;
    streams_done done; /* NULL: cancelled */
    void *arg;
    struct consumer **consumers;
    int things;                   /* how many of streams and consumers */
    int now;                      /* enum thing and on */
    bool beginning, ended;        /* inside streams_begin(), which frees then */
    enum op op;                   /* of the request under way */
    uint64_t used_seq, first_seq; /* first_seq: of a stream made in three steps, else 0 */
    bool results_known;           /* the results stream has, or had, messages */
    char oldest_result[40];       /* when its oldest was stored, "" : none */
    bool repeat;
    bool was_there; /* CREATE said so: do not try again */
};

static struct consumer *consumer_now(const struct streams *s)
{
    CHECK(s->now >= FIRST_CONSUMER);
    return s->consumers[s->now - FIRST_CONSUMER];
}

static const char *stream_of(const struct streams *s, int t)
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
        consumer_name(consumer_now(s), name);
    return name;
}

/* "stream ISOLANE_JOBS", "consumer worker_high of stream ISOLANE_JOBS" */
static const char *shown(const struct streams *s, char *out, size_t cap)
{
    char name[CONSUMER_NAME_MAX];
    if (is_stream(s->now))
        snprintf(out, cap, "stream %s", stream_of(s, s->now));
    else
        snprintf(out, cap, "consumer %s of stream %s", name_of(s, name), stream_of(s, s->now));
    return out;
}

/* ---- what is wanted ---- */

static void jobs_config(const struct streams *s, struct jsonw *w)
{
    const struct nats_config *c = &s->config->nats;
    char subject[SUBJECT_MAX];
    jsonw_kstr(w, "name", s->subjects->jobs_stream);
    jsonw_name(w, "subjects");
    jsonw_array(w);
    /* Class by class: a job with a class that does not exist is refused to its publisher, rather
     * than kept for a consumer that will never be. */
    for (int k = 0; k < CLASSES; k++) {
        subject_job_class(s->subjects, (enum job_class)k, subject);
        if (s->first_seq && s->op == CREATE)
            subject_jobs_not_yet(s->subjects, subject);
        jsonw_str(w, subject);
        if (s->first_seq && s->op == CREATE)
            break;
    }
    jsonw_array_end(w);
    jsonw_kstr(w, "retention", "workqueue");
    jsonw_kstr(w, "storage", "file");
    jsonw_kstr(w, "discard", "new");
    jsonw_kint(w, "max_msgs", c->max_queued);
    jsonw_kint(w, "max_bytes", c->max_queued_mb << 20);
    if (c->max_queued_a_tenant) {
        jsonw_kint(w, "max_msgs_per_subject", c->max_queued_a_tenant);
        jsonw_kbool(w, "discard_new_per_subject", true);
    }
    jsonw_kint(w, "duplicate_window", c->duplicate_window_ms * NS_PER_MS);
    jsonw_kint(w, "num_replicas", c->replicas);
}

static void results_config(const struct streams *s, struct jsonw *w)
{
    const struct nats_config *c = &s->config->nats;
    char subject[SUBJECT_MAX];
    subject_results_all(s->subjects, subject);
    jsonw_kstr(w, "name", s->subjects->results_stream);
    jsonw_name(w, "subjects");
    jsonw_array(w);
    jsonw_str(w, subject);
    jsonw_array_end(w);
    jsonw_kstr(w, "retention", "limits");
    jsonw_kstr(w, "storage", "file");
    jsonw_kstr(w, "discard", "old");
    jsonw_kint(w, "max_age", c->results_max_age_hours * MS_PER_HOUR * NS_PER_MS);
    jsonw_kint(w, "num_replicas", c->replicas);
    jsonw_kbool(w, "allow_direct", true);
}

/* What the three have in common: name, subjects isolane.<kind>.<tenant>.<id>, bounds. */
static void kept_config(const struct streams *s, struct jsonw *w, const char *kind)
{
    const struct nats_config *c = &s->config->nats;
    char subject[SUBJECT_MAX];
    subject_all_of(s->subjects, kind, "*", subject);
    jsonw_kstr(w, "name", stream_of(s, s->now));
    jsonw_name(w, "subjects");
    jsonw_array(w);
    jsonw_str(w, subject);
    jsonw_array_end(w);
    jsonw_kstr(w, "storage", "file");
    jsonw_kint(w, "num_replicas", c->replicas);
    jsonw_kbool(w, "allow_direct", true);
}

static void events_config(const struct streams *s, struct jsonw *w)
{
    const struct nats_config *c = &s->config->nats;
    kept_config(s, w, "events");
    jsonw_kstr(w, "retention", "limits");
    jsonw_kstr(w, "discard", "old");
    jsonw_kint(w, "max_msgs_per_subject", EVENTS_OF_A_JOB);
    jsonw_kint(w, "max_age", c->events_max_age_hours * MS_PER_HOUR * NS_PER_MS);
    jsonw_kint(w, "max_bytes", c->events_max_mb << 20);
}

static void dead_config(const struct streams *s, struct jsonw *w)
{
    const struct nats_config *c = &s->config->nats;
    kept_config(s, w, "dead");
    jsonw_kstr(w, "retention", "limits");
    jsonw_kstr(w, "discard", "old");
    jsonw_kint(w, "max_msgs_per_subject", 1);
    jsonw_kint(w, "max_age", c->dead_max_age_hours * MS_PER_HOUR * NS_PER_MS);
    jsonw_kint(w, "max_bytes", c->dead_max_mb << 20);
}

/* As bounded as the queue that its jobs come from. */
static void later_config(const struct streams *s, struct jsonw *w)
{
    const struct nats_config *c = &s->config->nats;
    kept_config(s, w, "later");
    jsonw_kstr(w, "retention", "workqueue");
    jsonw_kstr(w, "discard", "new");
    jsonw_kint(w, "max_msgs", c->max_queued);
    jsonw_kint(w, "max_bytes", c->max_queued_mb << 20);
    jsonw_kint(w, "duplicate_window", c->duplicate_window_ms * NS_PER_MS);
}

/* All that wait are handed out and handed back with a delay, over and over. */
static void mover_config(const struct streams *s, struct jsonw *w)
{
    const struct nats_config *c = &s->config->nats;
    jsonw_kstr(w, "durable_name", MOVER_NAME);
    jsonw_kstr(w, "deliver_policy", "all");
    jsonw_kstr(w, "ack_policy", "explicit");
    jsonw_kint(w, "ack_wait", MOVER_ACK_WAIT_MS * NS_PER_MS);
    jsonw_kint(w, "max_deliver", -1);
    jsonw_kint(w, "max_ack_pending", c->max_queued);
    jsonw_kint(w, "max_waiting", PULLS_WAITING_MAX);
}

static void consumer_config(const struct streams *s, struct jsonw *w)
{
    const struct nats_config *c = &s->config->nats;
    char subject[SUBJECT_MAX], name[CONSUMER_NAME_MAX];
    consumer_name(consumer_now(s), name);
    consumer_filter(consumer_now(s), s->subjects, subject);
    jsonw_kstr(w, "durable_name", name);
    jsonw_kstr(w, "filter_subject", subject);
    jsonw_kstr(w, "deliver_policy", "all");
    jsonw_kstr(w, "ack_policy", "explicit");
    jsonw_kint(w, "ack_wait", c->ack_wait_ms * NS_PER_MS);
    jsonw_kint(w, "max_deliver", c->max_deliver);
    jsonw_kint(w, "max_ack_pending", c->prefetch * WORKERS_AT_ONCE);
    jsonw_kint(w, "max_waiting", PULLS_WAITING_MAX);
    if (consumer_now(s)->idle_ms)
        jsonw_kint(w, "inactive_threshold", consumer_now(s)->idle_ms * NS_PER_MS);
}

static void thing_config(const struct streams *s, struct jsonw *w)
{
    static void (*const configs[FIRST_CONSUMER])(const struct streams *, struct jsonw *) = {
        [JOBS_STREAM] = jobs_config,     [RESULTS_STREAM] = results_config,
        [EVENTS_STREAM] = events_config, [DEAD_STREAM] = dead_config,
        [LATER_STREAM] = later_config,   [CONSUMER_MOVER] = mover_config,
    };
    jsonw_object(w);
    if (s->now < FIRST_CONSUMER)
        configs[s->now](s, w);
    else
        consumer_config(s, w);
    jsonw_object_end(w);
}

/* ---- what is there ---- */

struct comparison {
    const struct streams *streams;
    const struct jv *found;
};

static int compare_member(const char *name, const struct jv *wanted, void *arg)
{
    const struct comparison *c = arg;
    const struct jv *found = jv_get(c->found, name);
    struct buf a = {0}, b = {0};
    char what[SHOWN_MAX];
    jv_dump(wanted, &a);
    if (found)
        jv_dump(found, &b);
    if (a.len != b.len || (a.len && memcmp(a.data, b.data, a.len) != 0))
        log_warn(
            "queue",
            "%s is there with %s %.120s, not %.120s as configured; it is used as it is (change one "
            "of the two)",
            shown(c->streams, what, sizeof what), name, found ? b.data : "unset", a.data);
    buf_free(&a);
    buf_free(&b);
    return 0;
}

static void compare(const struct streams *s, const struct jv *answer)
{
    struct comparison c = {.streams = s, .found = jv_get(answer, "config")};
    struct buf b = {0};
    struct jsonw w;
    struct jv *wanted = NULL;
    jsonw_init(&w, &b);
    thing_config(s, &w);
    CHECK(jv_parse(b.data, b.len, &wanted, NULL) == 0);
    if (jv_type(c.found) == JV_OBJECT)
        jv_each(wanted, compare_member, &c);
    jv_free(wanted);
    buf_free(&b);
}

/* Two times as JetStream writes them, fractions of any length. */
static int compare_times(const char *a, const char *b)
{
    int seconds = strncmp(a, b, 19);
    if (seconds || strlen(a) < 20 || strlen(b) < 20)
        return seconds;
    for (a += 19, b += 19; *a || *b; a += *a != 0, b += *b != 0) {
        int x = *a >= '0' && *a <= '9' ? *a : '0', y = *b >= '0' && *b <= '9' ? *b : '0';
        if (x != y)
            return x - y;
    }
    return 0;
}

static void note_results(struct streams *s, const struct jv *answer)
{
    const struct jv *state = jv_get(answer, "state");
    const char *oldest = jv_string(jv_get(state, "first_ts"), NULL);
    s->results_known = jv_number(jv_get(state, "last_seq")) > 0;
    if (oldest && jv_number(jv_get(state, "messages")) > 0)
        snprintf(s->oldest_result, sizeof s->oldest_result, "%s", oldest);
}

/* Whether sequences of this jobs stream were given before. */
static void note_jobs(struct streams *s, const struct jv *answer)
{
    const char *made = jv_string(jv_get(answer, "created"), NULL);
    double last = jv_number(jv_get(jv_get(answer, "state"), "last_seq"));
    bool younger = made && *s->oldest_result && compare_times(made, s->oldest_result) > 0;
    bool behind = s->used_seq && last < (double)s->used_seq;
    s->repeat = behind || (younger && last < (double)(CLOCKED_SEQ - 1));
    if (s->repeat)
        log_warn("queue",
                 "stream %s was made anew, or set back, by somebody else: it gives sequences that "
                 "older results have as their ids; where such a result is known, a job without an "
                 "id gets its result as <sequence>@<time published>",
                 s->subjects->jobs_stream);
}

/* Somebody has begun to make the jobs stream in three steps. */
static bool is_unfinished(const struct streams *s, const struct jv *answer)
{
    const struct jv *subjects = jv_get(jv_get(answer, "config"), "subjects");
    const char *only = jv_type(subjects) == JV_ARRAY ? jv_string(jv_at(subjects, 0), NULL) : NULL;
    char not_yet[SUBJECT_MAX];
    subject_jobs_not_yet(s->subjects, not_yet);
    return only && !strcmp(only, not_yet);
}

static bool is_old(const struct jv *answer)
{
    const char *made = jv_string(jv_get(answer, "created"), NULL);
    char before[CLOCK_RFC3339_LEN];
    clock_rfc3339(clock_real_us() - UNFINISHED_US, before);
    return made && compare_times(made, before) < 0;
}

static void choose_first_seq(struct streams *s)
{
    uint64_t now = (uint64_t)clock_real_us();
    s->first_seq = now > s->used_seq ? now : s->used_seq + 1;
}

/* ---- walking ---- */

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
    char what[SHOWN_MAX];
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
                   s->op != INFO ? "cannot make" : "cannot look at", shown(s, what, sizeof what),
                   link_url(s->link), text, code, hint);
}

static void on_refusal(struct streams *s, const struct jv *error)
{
    int64_t code = 0, class = 0;
    const char *text = jv_string(jv_get(error, "description"), NULL);
    struct err e = {0};
    char what[SHOWN_MAX];
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
                shown(s, what, sizeof what));
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
    if (s->now == JOBS_STREAM && is_unfinished(s, answer)) {
        if (is_old(answer)) {
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
    if (s->now < FIRST_CONSUMER || !consumer_now(s)->idle_ms)
        compare(s, answer);
    if (s->now == RESULTS_STREAM)
        note_results(s, answer);
    else if (s->now == JOBS_STREAM)
        note_jobs(s, answer);
    next(s);
}

static void was_made(struct streams *s)
{
    char what[SHOWN_MAX];
    shown(s, what, sizeof what);
    if (s->first_seq && s->now == JOBS_STREAM && s->op != UPDATE) {
        s->op = s->op == CREATE ? PURGE : UPDATE;
        step(s);
        return;
    }
    if (s->now >= FIRST_CONSUMER)
        consumer_now(s)->made = true;
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
    char what[SHOWN_MAX];
    if (jv_parse(m->data, m->len, &doc, &e) || jv_type(doc) != JV_OBJECT) {
        jv_free(doc);
        err_set(&e, ERR_PROTOCOL, "%s: the JetStream API at %s answers with what is no JSON object",
                shown(s, what, sizeof what), link_url(s->link));
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
    char what[SHOWN_MAX];
    shown(s, what, sizeof what);
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
    const char *stream = stream_of(s, s->now);
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
        jsonw_kstr(&w, "stream_name", stream_of(s, s->now));
        jsonw_name(&w, "config");
        thing_config(s, &w);
        jsonw_object_end(&w);
    } else if (s->op != INFO) {
        thing_config(s, &w);
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
