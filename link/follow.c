#include "link/follow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/log.h"
#include "base/mem.h"
#include "link/acksubject.h"
#include "link/js.h"
#include "link/subjects.h"

/* How this works
 *
 *   MAKING ──► PULLING ──► DEAD
 *     ▲           │ consumer gone, server silent, messages missing
 *     └───────────┘
 *
 * One pull is at the server at a time; the next goes out when it is used up. Each message carries
 * its number among those this consumer was handed: one that is not the next means that some were
 * lost on the way, and a new consumer begins behind the last one told.
 *
 * A message that was pending when a consumer began may be replaced before it is handed out (the
 * last of its subject, in a bucket that keeps one). nats-server 2.9 goes on to count it as pending,
 * and "everything has been told" would never come. Where messages are pending and none comes, a new
 * consumer is made as well, since what is pending at its beginning is counted anew; and where the
 * newest of each subject are read, as soon as there came as many as were pending when it began. */

#define NS_PER_US    ((int64_t)1000)
#define EXPIRES_US   20000000
#define HEARTBEAT_US 2000000
#define SILENCE_US   (2 * HEARTBEAT_US + 2000000)
#define INACTIVE_US  60000000 /* the server forgets a consumer that nobody pulls from */
#define WATCH_MS     1000
#define AGAIN_US     1000000
#define STALL_US     1500000 /* messages are pending, and none comes */
#define PULL_BYTES   ((int64_t)16 << 20)

enum follow_state { MAKING, PULLING, DEAD };

struct follow {
    struct link *link;
    struct follow_options o;
    char *stream, *filter;
    struct follow_events ev;
    void *arg;
    enum follow_state state;
    uv_timer_t watch;
    struct link_sub *sub;
    char inbox[64];
    char consumer[64];
    uint64_t pull; /* number of the present pull, last token of its reply subject */
    int left;      /* messages it may still bring; 0: none is at the server */
    uint64_t last; /* stream sequence of the last message told */
    uint64_t next; /* consumer sequence of the next one */
    int64_t due;   /* messages that were pending when this consumer began, and have not come */
    int64_t heard_us, moved_us, not_before_us; /* moved: a message came, or this consumer began */
    bool caught_up;                            /* told, and nothing since */
    bool was_caught_up;                        /* once */
    bool asked; /* a CONSUMER.CREATE is under way: its answer needs this struct */
    bool started, closed, paused;
};

static void make(struct follow *f);

static void on_watch_closed(uv_handle_t *h)
{
    struct follow *f = h->data;
    free(f->stream);
    free(f->filter);
    free(f);
}

static void maybe_free(struct follow *f)
{
    if (f->closed && !f->asked)
        uv_close((uv_handle_t *)&f->watch, on_watch_closed);
}

static void die(struct follow *f, const struct err *why)
{
    f->state = DEAD;
    f->ev.failed(why, f->arg);
}

static void tell_caught_up(struct follow *f)
{
    if (f->caught_up)
        return;
    f->caught_up = f->was_caught_up = true;
    if (f->ev.caught_up)
        f->ev.caught_up(f->arg);
}

static void pull(struct follow *f)
{
    char subject[SUBJECT_MAX], reply[96], body[160];
    struct err e = {0};
    int64_t bytes =
        link_max_payload(f->link) * 2 > PULL_BYTES ? link_max_payload(f->link) * 2 : PULL_BYTES;
    snprintf(subject, sizeof subject, "$JS.API.CONSUMER.MSG.NEXT.%s.%s", f->stream, f->consumer);
    snprintf(reply, sizeof reply, "%s.%" PRIu64, f->inbox, ++f->pull);
    int n = snprintf(body, sizeof body,
                     "{\"batch\":%d,\"max_bytes\":%" PRId64 ",\"expires\":%" PRId64
                     ",\"idle_heartbeat\":%" PRId64 "}",
                     f->o.batch, bytes, EXPIRES_US * NS_PER_US, HEARTBEAT_US * NS_PER_US);
    f->heard_us = clock_mono_us();
    if (link_publish(f->link, subject, reply, NULL, 0, body, (size_t)n, &e)) {
        f->not_before_us = f->heard_us + AGAIN_US;
        f->left = 0;
        return;
    }
    f->left = f->o.batch;
}

static void on_made(const struct jv *doc, const struct err *why, void *arg)
{
    struct follow *f = arg;
    f->asked = false;
    if (f->closed) {
        maybe_free(f);
        return;
    }
    const char *name = doc ? jv_string(jv_get(doc, "name"), NULL) : NULL;
    int64_t pending = 0;
    if (!name || strlen(name) >= sizeof f->consumer) {
        if (why && (why->code == ERR_NOT_FOUND || (why->code == ERR_PROTOCOL && !f->started))) {
            die(f, why);
            return;
        }
        if (why)
            log_debug("link", "cannot follow %s yet: %s", f->stream, why->msg);
        f->not_before_us = clock_mono_us() + AGAIN_US;
        return; /* on_watch() tries again */
    }
    strcpy(f->consumer, name);
    f->state = PULLING;
    f->started = true;
    f->next = 1;
    f->moved_us = clock_mono_us();
    jv_int(jv_get(doc, "num_pending"), &pending);
    f->due = pending;
    f->left = 0;
    if (!f->paused)
        pull(f);
    if (pending == 0)
        tell_caught_up(f);
}

static void write_start(struct follow *f, struct jsonw *w)
{
    if (f->last) {
        jsonw_kstr(w, "deliver_policy", "by_start_sequence");
        jsonw_kint(w, "opt_start_seq", (int64_t)f->last + 1);
    } else if (f->o.new_only) {
        jsonw_kstr(w, "deliver_policy", "new");
    } else if (f->o.last_each) {
        jsonw_kstr(w, "deliver_policy", "last_per_subject");
    } else if (f->o.from_seq > 1) {
        jsonw_kstr(w, "deliver_policy", "by_start_sequence");
        jsonw_kint(w, "opt_start_seq", (int64_t)f->o.from_seq);
    } else {
        jsonw_kstr(w, "deliver_policy", "all");
    }
}

static void make(struct follow *f)
{
    struct buf b = {0};
    struct jsonw w;
    struct err e = {0};
    char verb[128];
    f->state = MAKING;
    f->left = 0;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "stream_name", f->stream);
    jsonw_name(&w, "config");
    jsonw_object(&w);
    write_start(f, &w);
    jsonw_kstr(&w, "ack_policy", "none");
    jsonw_kstr(&w, "replay_policy", "instant");
    jsonw_kint(&w, "max_deliver", 1);
    jsonw_kint(&w, "inactive_threshold", INACTIVE_US * NS_PER_US);
    if (f->filter)
        jsonw_kstr(&w, "filter_subject", f->filter);
    if (f->o.headers_only)
        jsonw_kbool(&w, "headers_only", true);
    jsonw_object_end(&w);
    jsonw_object_end(&w);
    snprintf(verb, sizeof verb, "CONSUMER.CREATE.%s", f->stream);
    f->asked = true;
    if (js_ask(f->link, verb, b.data, on_made, f, &e)) {
        f->asked = false;
        f->not_before_us = clock_mono_us() + AGAIN_US;
    }
    buf_free(&b);
}

/* What the server says about the present pull: it is over, or (100) still there. */
static void on_status(struct follow *f, const struct link_msg *m)
{
    if (m->status == 100)
        return;
    f->left = 0;
    bool gone = m->status == 409 || m->status == 503;
    const char *what = link_msg_header(m, "Description");
    if (gone && what && strstr(what, "max_bytes")) /* the next message did not fit: ask anew */
        gone = false;
    if (gone) {
        f->not_before_us = clock_mono_us() + AGAIN_US;
        make(f);
        return;
    }
    if (!f->paused)
        pull(f);
}

static void on_message(struct link_msg *m, void *arg)
{
    struct follow *f = arg;
    struct ack_facts facts;
    f->heard_us = clock_mono_us();
    if (f->state != PULLING)
        return;
    if (m->status) {
        const char *number = strrchr(m->subject, '.');
        if (number && strtoull(number + 1, NULL, 10) == f->pull)
            on_status(f, m);
        return;
    }
    if (!m->reply || !ack_subject_parse(m->reply, &facts) || facts.stream_seq <= f->last)
        return;
    if (facts.consumer_len != strlen(f->consumer) ||
        memcmp(facts.consumer, f->consumer, facts.consumer_len) != 0)
        return; /* a pull of one that was left */
    if (facts.consumer_seq != f->next) {
        log_info("link", "messages of %s were lost on the way: reading on behind %" PRIu64,
                 f->stream, f->last);
        make(f);
        return;
    }
    f->next++;
    f->moved_us = f->heard_us;
    f->last = facts.stream_seq;
    f->caught_up = false;
    if (f->left)
        f->left--;
    f->due--;
    struct follow_message told = {m, facts.stream_seq, facts.stored_at_us, facts.pending};
    f->ev.message(&told, f->arg);
    if (f->closed || f->state != PULLING)
        return;
    if (facts.pending == 0)
        tell_caught_up(f);
    else if (f->o.last_each && f->due <= 0 && !f->was_caught_up)
        make(f);
    if (!f->closed && !f->paused && f->state == PULLING && f->left == 0)
        pull(f);
}

void follow_pause(struct follow *f, bool paused)
{
    if (f->paused == paused)
        return;
    f->paused = paused;
    f->moved_us = clock_mono_us();
    if (!paused && !f->closed && f->state == PULLING && f->left == 0)
        pull(f);
}

static void on_watch(uv_timer_t *t)
{
    struct follow *f = t->data;
    int64_t now = clock_mono_us();
    if (f->closed || f->state == DEAD || f->asked || now < f->not_before_us || !link_is_up(f->link))
        return;
    if (f->paused && f->state == PULLING && f->left == 0)
        return;
    bool stalled =
        f->state == PULLING && !f->caught_up && !f->paused && now - f->moved_us > STALL_US;
    if (f->state == MAKING || stalled || (f->left && now - f->heard_us > SILENCE_US))
        make(f);
    else if (f->left == 0)
        pull(f);
}

int follow_open(uv_loop_t *loop, struct link *l, const struct follow_options *o,
                const struct follow_events *ev, void *arg, struct follow **out, struct err *e)
{
    unsigned char random[8];
    char hex[2 * sizeof random + 1], subject[80];
    struct follow *f = mem_alloc(sizeof *f);
    CHECK(o->batch > 0);
    f->link = l;
    f->o = *o;
    f->stream = mem_strdup(o->stream);
    /* "Last of each subject" has to say of which, even when it is all. */
    const char *filter = o->filter ? o->filter : o->last_each ? ">" : NULL;
    f->filter = filter ? mem_strdup(filter) : NULL;
    f->ev = *ev;
    f->arg = arg;
    crypto_random(random, sizeof random);
    crypto_hex(random, sizeof random, hex);
    snprintf(f->inbox, sizeof f->inbox, "_INBOX.%s", hex);
    snprintf(subject, sizeof subject, "%s.*", f->inbox);
    f->watch.data = f;
    uv_timer_init(loop, &f->watch);
    uv_unref((uv_handle_t *)&f->watch);
    int rc = link_subscribe(l, subject, NULL, 0, on_message, f, &f->sub, e);
    if (rc) {
        f->closed = true;
        maybe_free(f);
        return rc;
    }
    uv_timer_start(&f->watch, on_watch, WATCH_MS, WATCH_MS);
    make(f);
    *out = f;
    return 0;
}

void follow_close(struct follow *f)
{
    if (!f || f->closed)
        return;
    f->closed = true;
    link_unsubscribe(f->sub);
    uv_timer_stop(&f->watch);
    maybe_free(f);
}
