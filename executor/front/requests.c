#include "executor/front/requests.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "executor/cluster/held.h"
#include "executor/cluster/question.h"
#include "link/js.h"
#include "queue/stream/later.h"
#include "results/store.h"

#define LOOK_TIMEOUT_MS  2000 /* for a look into the results stream */
#define LOOKUPS_MAX      4096 /* questions that wait for the stream, or for their delay */
#define UNKNOWN_DELAY_MS 40   /* a worker that knows nothing lets the others answer first */
#define REMEMBERED       1024 /* cancels that came before their job … */
#define REMEMBER_US      (600 * 1000000ll) /* … and for how long */

struct early_cancel {
    char id[JOB_ID_MAX + 1];
    int64_t until_us;
};

struct requests {
    struct requests_context ctx;
    struct link_sub *get_sub, *cancel_sub;
    struct early_cancel early[REMEMBERED];
    int early_next;
    struct list lookups; /* struct lookup: questions under way */
    int looking;         /* how many */
    bool shedding;       /* none are begun */
};

/* One results.get that this worker could not answer by itself. */
struct lookup {
    struct requests *requests; /* NULL: closed meanwhile */
    struct list node;
    char *reply_to;
    char tenant[TENANT_NAME_MAX + 1], id[JOB_ID_MAX + 1];
    uv_timer_t delay;
};

/* ---- answers ---- */

static void answer(struct requests *r, const char *to, const char *data, size_t len)
{
    struct err e = {0};
    if (to && link_publish(r->ctx.link, to, NULL, NULL, 0, data, len, &e))
        log_warn("requests", "cannot answer: %s", e.msg);
}

static void answer_error(struct requests *r, const char *to, const struct err *why)
{
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "error", why->msg);
    jsonw_object_end(&w);
    answer(r, to, b.data, b.len);
    buf_free(&b);
}

/* {"id", "tenant", "state", begun and not ended. */
static void begin_state(struct jsonw *w, struct buf *b, const char *id, const char *tenant,
                        const char *state)
{
    jsonw_init(w, b);
    jsonw_object(w);
    jsonw_kstr(w, "id", id);
    if (tenant && *tenant)
        jsonw_kstr(w, "tenant", tenant);
    jsonw_kstr(w, "state", state);
}

static void answer_state(struct requests *r, const char *to, const char *id, const char *tenant,
                         const char *state)
{
    struct buf b = {0};
    struct jsonw w;
    begin_state(&w, &b, id, tenant, state);
    jsonw_object_end(&w);
    answer(r, to, b.data, b.len);
    buf_free(&b);
}

/* JSON makes six bytes of one at the worst; two streams share a message. */
#define PIECE_SHARE 14
#define PIECE_MAX   ((size_t)128 << 10)

/* What was printed from those bytes on, as much as surely fits into a message; `more` says that
 * there is more: so that who joins late, or missed some, can follow without a gap. */
static void write_output(struct requests *r, struct jsonw *w, const struct attempt *a,
                         const int64_t from[2])
{
    static const char *const names[] = {"stdout", "stderr"};
    size_t most = (size_t)link_max_payload(r->ctx.link) / PIECE_SHARE, begin[2];
    bool more = false;
    if (most > PIECE_MAX)
        most = PIECE_MAX;
    for (int i = 0; i < 2; i++) {
        size_t len;
        const char *text = attempt_output(a, i ? FRAME_STDERR : FRAME_STDOUT, &len);
        begin[i] = (uint64_t)from[i] < len ? (size_t)from[i] : len;
        size_t n = utf8_cut(text + begin[i], len - begin[i], most);
        more = more || n < len - begin[i];
        jsonw_name(w, names[i]);
        jsonw_string(w, text + begin[i], n);
    }
    jsonw_name(w, "from");
    jsonw_object(w);
    for (int i = 0; i < 2; i++)
        jsonw_kint(w, names[i], (int64_t)begin[i]);
    jsonw_object_end(w);
    jsonw_kbool(w, "more", more);
}

static void answer_running(struct requests *r, const char *to, const struct custody *c,
                           const struct question *q)
{
    struct buf b = {0};
    struct jsonw w;
    int64_t started_us = attempt_started_us(c->attempt);
    begin_state(&w, &b, c->id, c->tenant, "running");
    jsonw_kint(&w, "attempt", attempt_number(c->attempt));
    if (started_us > 0) {
        char when[CLOCK_RFC3339_LEN];
        clock_rfc3339(started_us, when);
        jsonw_kstr(&w, "started_at", when);
    }
    if (q->output && attempt_state(c->attempt) == ATTEMPT_RUNNING)
        write_output(r, &w, c->attempt, q->from);
    jsonw_object_end(&w);
    answer(r, to, b.data, b.len);
    buf_free(&b);
}

static void answer_parked(struct requests *r, const char *to, const struct custody *c)
{
    struct buf b = {0};
    struct jsonw w;
    char when[CLOCK_RFC3339_LEN];
    int used = attempt_number(c->attempt);
    begin_state(&w, &b, c->id, c->tenant, used ? "retrying" : "delayed");
    if (used)
        jsonw_kint(&w, "attempt", used);
    clock_rfc3339(clock_real_us() + attempt_due_in_ms(c->attempt) * 1000, when);
    jsonw_kstr(&w, used ? "retry_at" : "not_before", when);
    jsonw_object_end(&w);
    answer(r, to, b.data, b.len);
    buf_free(&b);
}

/* ---- results.get ---- */

static void lookup_closed(uv_handle_t *h)
{
    struct lookup *l = h->data;
    free(l->reply_to);
    free(l);
}

static struct lookup *lookup_begin(struct requests *r, const struct question *q,
                                   const char *reply_to)
{
    struct lookup *l = mem_alloc(sizeof *l);
    l->requests = r;
    l->reply_to = reply_to ? mem_strdup(reply_to) : NULL;
    memcpy(l->id, q->id, sizeof l->id);
    memcpy(l->tenant, q->tenant, sizeof l->tenant);
    uv_timer_init(r->ctx.loop, &l->delay);
    l->delay.data = l;
    list_push_back(&r->lookups, &l->node);
    r->looking++;
    return l;
}

static void lookup_end(struct lookup *l)
{
    if (l->requests)
        l->requests->looking--;
    list_remove(&l->node);
    uv_close((uv_handle_t *)&l->delay, lookup_closed);
}

static void on_delay(uv_timer_t *t)
{
    struct lookup *l = t->data;
    answer_state(l->requests, l->reply_to, l->id, l->tenant, "unknown");
    lookup_end(l);
}

/* The one tenant there is, where the question names none; NULL: there are several. */
static const char *known_tenant(const struct requests *r, const char *asked)
{
    if (*asked)
        return asked;
    return r->ctx.config->tenant_count == 1 ? r->ctx.config->tenants[0].name : NULL;
}

static void look_for_job(struct lookup *l);

/* The jobs stream still has that sequence: it waits there, no worker has pulled it yet. */
static void on_job_there(struct link_msg *m, const struct err *why, void *arg)
{
    (void)why;
    struct lookup *l = arg;
    if (!l->requests) {
        lookup_end(l);
    } else if (m && m->status == 0 && !memmem(m->data, m->len, "\"error\"", 7)) {
        answer_state(l->requests, l->reply_to, l->id, l->tenant, "queued");
        lookup_end(l);
    } else {
        uv_timer_start(&l->delay, on_delay, UNKNOWN_DELAY_MS, 0);
    }
}

/* It lies in ISOLANE_LATER. */
static void on_later(struct link_msg *m, const struct err *why, void *arg)
{
    (void)why;
    struct lookup *l = arg;
    if (l->requests && m && m->status == 0) {
        bool tried = link_msg_header(m, LATER_ATTEMPT_HEADER) != NULL;
        answer_state(l->requests, l->reply_to, l->id, l->tenant, tried ? "retrying" : "delayed");
        lookup_end(l);
    } else if (l->requests) {
        look_for_job(l);
    } else {
        lookup_end(l);
    }
}

static void look_for_later(struct lookup *l)
{
    struct requests *r = l->requests;
    char later[SUBJECT_MAX], subject[SUBJECT_MAX * 2];
    struct err e = {0};
    const char *tenant = known_tenant(r, l->tenant);
    subject_later(r->ctx.subjects, tenant, l->id, later);
    snprintf(subject, sizeof subject, "$JS.API.DIRECT.GET.%s.%s", r->ctx.subjects->later_stream,
             later);
    if (link_request(r->ctx.link, subject, NULL, 0, "", 0, LOOK_TIMEOUT_MS, on_later, l, &e))
        look_for_job(l);
}

static void look_for_job(struct lookup *l)
{
    struct requests *r = l->requests;
    char subject[SUBJECT_MAX], body[64];
    struct err e = {0};
    if (job_id_is_sequence(l->id)) {
        snprintf(subject, sizeof subject, "$JS.API.STREAM.MSG.GET.%s",
                 r->ctx.subjects->jobs_stream);
        int n = snprintf(body, sizeof body, "{\"seq\":%.20s}", l->id);
        if (link_request(r->ctx.link, subject, NULL, 0, body, (size_t)n, LOOK_TIMEOUT_MS,
                         on_job_there, l, &e) == 0)
            return;
    }
    uv_timer_start(&l->delay, on_delay, UNKNOWN_DELAY_MS, 0);
}

static void on_direct_get(struct link_msg *m, const struct err *why, void *arg)
{
    (void)why;
    struct lookup *l = arg;
    if (!l->requests) {
        lookup_end(l);
    } else if (m && m->status == 0 && m->len > 0) {
        answer(l->requests, l->reply_to, m->data, m->len);
        lookup_end(l);
    } else {
        look_for_later(l);
    }
}

static void look_in_stream(struct requests *r, const struct question *q, const char *reply_to)
{
    struct err e = {0};
    if (r->shedding) {
        err_set(&e, ERR_LIMIT,
                "this worker is past its limit of memory (shed_at_mb): ask again, or poll by "
                "JetStream direct get");
        answer_error(r, reply_to, &e);
        return;
    }
    if (r->looking >= LOOKUPS_MAX) {
        err_set(&e, ERR_LIMIT,
                "%d questions are under way at this worker (at most %d): ask again, or poll by "
                "JetStream direct get",
                r->looking, LOOKUPS_MAX);
        answer_error(r, reply_to, &e);
        return;
    }
    struct lookup *l = lookup_begin(r, q, reply_to);
    const char *tenant = known_tenant(r, q->tenant);
    if (!tenant) { /* the stream's subject needs the tenant */
        look_for_job(l);
        return;
    }
    char subject[SUBJECT_MAX];
    subject_direct_get(r->ctx.subjects, tenant, l->id, subject);
    if (link_request(r->ctx.link, subject, NULL, 0, "", 0, LOOK_TIMEOUT_MS, on_direct_get, l, &e))
        look_for_job(l);
}

static struct custody *find_custody(struct requests *r, const struct question *q, struct err *e)
{
    bool ambiguous = false;
    if (*q->tenant)
        return custody_find(r->ctx.custodies, q->tenant, q->id);
    struct custody *c = custody_find_id(r->ctx.custodies, q->id, &ambiguous);
    if (ambiguous)
        err_set(e, ERR_CONFLICT, "id: several tenants have a job '%s'; give \"tenant\" too", q->id);
    return c;
}

static void on_get(struct link_msg *m, void *arg)
{
    struct requests *r = arg;
    struct question q;
    struct err e = {0};
    if (!m->reply)
        return;
    if (question_read(m->data, m->len, true, &q, &e)) {
        answer_error(r, m->reply, &e);
        return;
    }
    struct custody *c = find_custody(r, &q, &e);
    if (e.code) {
        answer_error(r, m->reply, &e);
        return;
    }
    if (c && c->state == CUSTODY_MOVING) {
        answer_state(r, m->reply, c->id, c->tenant, custody_waits(c) ? "held" : "delayed");
        return;
    }
    if (c && c->state != CUSTODY_PUBLISHING && c->state != CUSTODY_BURYING) {
        enum attempt_state state = c->attempt ? attempt_state(c->attempt) : ATTEMPT_WAITING;
        bool running = state == ATTEMPT_RUNNING || state == ATTEMPT_RECORDING;
        if (running)
            answer_running(r, m->reply, c, &q);
        else if (state == ATTEMPT_PARKED)
            answer_parked(r, m->reply, c);
        else
            answer_state(r, m->reply, c->id, c->tenant, "queued");
        return;
    }
    struct buf b = {0};
    int rc = store_find(r->ctx.store, *q.tenant ? q.tenant : NULL, q.id, &b, &e);
    if (rc == 0)
        answer(r, m->reply, b.data, b.len);
    else if (rc == ERR_NOT_FOUND && held_has(r->ctx.held, *q.tenant ? q.tenant : NULL, q.id))
        answer_state(r, m->reply, q.id, q.tenant, "held");
    else if (rc == ERR_NOT_FOUND)
        look_in_stream(r, &q, m->reply);
    else
        answer_error(r, m->reply, &e);
    buf_free(&b);
}

/* ---- cancel ---- */

void requests_remember(struct requests *r, const char *id)
{
    struct early_cancel *c = &r->early[r->early_next++ % REMEMBERED];
    snprintf(c->id, sizeof c->id, "%s", id);
    c->until_us = clock_mono_us() + REMEMBER_US;
}

bool requests_cancelled_early(struct requests *r, const char *id)
{
    int64_t now = clock_mono_us();
    int filled = r->early_next < REMEMBERED ? r->early_next : REMEMBERED;
    for (int i = 0; i < filled; i++)
        if (r->early[i].until_us > now && !strcmp(r->early[i].id, id)) {
            r->early[i].until_us = 0;
            return true;
        }
    return false;
}

/* ---- cancel of a job in ISOLANE_LATER ---- */

/* Every worker has heard of the cancel and holds it against the job: it is put into the queue at
 * once, as its mover would when it is due, and whoever gets it ends it. */
static void on_hurried(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct lookup *l = arg;
    (void)seq;
    (void)duplicate; /* another worker did the same */
    if (l->requests)
        answer_state(l->requests, l->reply_to, l->id, l->tenant, why ? "unknown" : "cancelling");
    lookup_end(l);
}

static void on_cancel_later(const struct js_message *found, const struct err *why, void *arg)
{
    struct lookup *l = arg;
    struct requests *r = l->requests;
    struct err e = {0};
    (void)why;
    if (r && found &&
        !later_publish(r->ctx.link, r->ctx.subjects, found->m, found->subject, found->seq,
                       on_hurried, l, &e))
        return;
    if (r)
        answer_state(r, l->reply_to, l->id, l->tenant, "unknown");
    lookup_end(l);
}

/* False: the answer is ours to give at once. */
static bool cancel_later(struct requests *r, const struct question *q, const char *reply_to)
{
    char subject[SUBJECT_MAX];
    struct err e = {0};
    const char *tenant = known_tenant(r, q->tenant);
    if (!tenant || r->looking >= LOOKUPS_MAX)
        return false;
    struct lookup *l = lookup_begin(r, q, reply_to);
    subject_later(r->ctx.subjects, tenant, l->id, subject);
    if (!js_get_last(r->ctx.link, r->ctx.subjects->later_stream, subject, on_cancel_later, l, &e))
        return true;
    lookup_end(l);
    return false;
}

static void on_cancel(struct link_msg *m, void *arg)
{
    struct requests *r = arg;
    struct question q;
    struct err e = {0};
    const char *id = subject_parse_cancel(r->ctx.subjects, m->subject);
    if (!id || !job_id_valid(id, strlen(id))) {
        err_set(&e, ERR_INVALID, "id: the subject's last part is no valid job id");
        answer_error(r, m->reply, &e);
        return;
    }
    if (question_read(m->data, m->len, false, &q, &e)) {
        answer_error(r, m->reply, &e);
        return;
    }
    snprintf(q.id, sizeof q.id, "%s", id);
    struct custody *c = find_custody(r, &q, &e);
    if (e.code) {
        answer_error(r, m->reply, &e);
        return;
    }
    if (c && (c->state == CUSTODY_STORING || c->state == CUSTODY_LOOKING ||
              (c->state == CUSTODY_MOVING && custody_waits(c)))) {
        c->cancelled = true; /* as soon as the answer is there that it waits for */
        answer_state(r, m->reply, id, c->tenant, "cancelling");
    } else if (c && c->attempt) {
        char tenant[TENANT_NAME_MAX + 1];
        memcpy(tenant, c->tenant, sizeof tenant);
        executor_cancel(r->ctx.executor, c->attempt);
        answer_state(r, m->reply, id, tenant, "cancelling");
    } else if (c || store_has(r->ctx.store, *q.tenant ? q.tenant : NULL, id)) {
        answer_state(r, m->reply, id, c ? c->tenant : q.tenant, "done");
    } else {
        /* It may wait in the stream, or with another worker: held against it if it comes here. One
         * that waits for others comes, to one of the workers: all have heard this. */
        requests_remember(r, id);
        if (held_release(r->ctx.held, *q.tenant ? q.tenant : NULL, id))
            answer_state(r, m->reply, id, q.tenant, "cancelling");
        else if (!cancel_later(r, &q, m->reply))
            answer_state(r, m->reply, id, q.tenant, "unknown");
    }
}

/* ---- life ---- */

int requests_open(const struct requests_context *ctx, struct requests **out, struct err *e)
{
    struct requests *r = mem_alloc(sizeof *r);
    char subject[SUBJECT_MAX];
    r->ctx = *ctx;
    list_init(&r->lookups);
    subject_results_get(ctx->subjects, subject);
    int rc = link_subscribe(ctx->link, subject, NULL, 0, on_get, r, &r->get_sub, e);
    if (!rc) {
        subject_cancel(ctx->subjects, ">", subject);
        rc = link_subscribe(ctx->link, subject, NULL, 0, on_cancel, r, &r->cancel_sub, e);
    }
    if (rc) {
        requests_close(r);
        return rc;
    }
    *out = r;
    return 0;
}

void requests_shed(struct requests *r, bool on)
{
    r->shedding = on;
}

void requests_close(struct requests *r)
{
    if (!r)
        return;
    link_unsubscribe(r->get_sub);
    link_unsubscribe(r->cancel_sub);
    /* A lookup that waits for the link ends when the link answers (at the latest when it closes);
     * one that only waits for its delay ends here. */
    LIST_FOREACH(n, &r->lookups)
    {
        struct lookup *l = LIST_ENTRY(n, struct lookup, node);
        l->requests = NULL;
        list_remove(&l->node);
        if (uv_is_active((uv_handle_t *)&l->delay))
            lookup_end(l);
    }
    free(r);
}
