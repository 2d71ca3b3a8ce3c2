/* How this works: the worker that counts a batch tells its counts every second, as progress of the
 * batch's id; its result is a result like any other. Both are listened for, so a tenant's login
 * that sees its own subjects is enough. */
#include "cli/client/batch_watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jv.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/print/present.h"
#include "cli/print/progress.h"
#include "config/outcome.h"

#define COUNTS_WAIT_MS 3500 /* for the first counts: they come every second */

struct watch {
    struct client *client;
    const char *tenant, *id;
    bool json;
    struct progress *bar;
    struct buf counts; /* the last message */
    bool late;
};

static int64_t number(const struct jv *doc, const char *name)
{
    int64_t n = 0;
    return jv_int(jv_get(doc, name), &n) ? n : 0;
}

static void on_counts(struct link_msg *m, void *arg)
{
    struct watch *w = arg;
    struct jv *doc = NULL;
    if (m->status || jv_parse(m->data, m->len, &doc, NULL))
        return;
    const struct jv *batch = jv_get(doc, "batch");
    if (jv_type(batch) == JV_OBJECT) {
        int64_t ok = number(jv_get(batch, "outcomes"), "ok");
        buf_clear(&w->counts);
        jv_dump(batch, &w->counts);
        if (w->bar)
            progress_update(w->bar, (uint64_t)number(batch, "jobs"), (uint64_t)ok,
                            (uint64_t)(number(batch, "ended") - ok));
    }
    jv_free(doc);
}

/* "    97  ok" … */
static void print_outcomes(const struct jv *outcomes)
{
    for (int o = 0; o < OUTCOMES; o++)
        if (number(outcomes, outcome_name((enum outcome)o)))
            printf("%10" PRId64 "  %s\n", number(outcomes, outcome_name((enum outcome)o)),
                   outcome_name((enum outcome)o));
}

static int show_counts(const struct watch *w)
{
    struct jv *doc = NULL;
    if (!w->counts.len) {
        say("batch '%s' of tenant '%s': no worker counts it: was it submitted, and is a worker "
            "running?",
            w->id, w->tenant);
        return EXIT_JOB_NOT_OK;
    }
    if (w->json) {
        printf("%s\n", w->counts.data);
        return out_finish(EXIT_JOB_NOT_OK);
    }
    if (jv_parse(w->counts.data, w->counts.len, &doc, NULL) == 0) {
        int64_t jobs = number(doc, "jobs"), ended = number(doc, "ended"),
                running = number(doc, "running");
        int64_t queued = jobs - ended - running;
        printf("batch %s: %" PRId64 " of %" PRId64 " jobs have ended\n%10" PRId64 "  queued\n"
               "%10" PRId64 "  running\n",
               w->id, ended, jobs, queued > 0 ? queued : 0, running);
        print_outcomes(jv_get(doc, "outcomes"));
    }
    jv_free(doc);
    return out_finish(EXIT_JOB_NOT_OK);
}

static int show_result(const struct watch *w, const struct buf *envelope)
{
    struct buf result = {0};
    struct jv *doc = NULL;
    struct err e = {0};
    if (w->json)
        return present_envelope(envelope->data, envelope->len, PRESENT_JSON);
    int rc = present_result_object(envelope->data, envelope->len, &result, &e);
    if (!rc)
        rc = jv_parse(result.data, result.len, &doc, &e);
    buf_free(&result);
    if (rc)
        return fail(&e);
    const char *outcome = jv_string(jv_get(doc, "outcome"), NULL);
    const char *message = jv_string(jv_get(jv_get(doc, "error"), "message"), NULL);
    const struct jv *value = jv_get(doc, "value");
    bool ok = outcome && !strcmp(outcome, "ok");
    if (message)
        printf("batch %s: %s\n", w->id, message);
    else
        printf("batch %s: all %" PRId64 " jobs ended ok\n", w->id, number(value, "jobs"));
    print_outcomes(jv_get(value, "outcomes"));
    jv_free(doc);
    return out_finish(ok ? EXIT_JOB_OK : EXIT_JOB_NOT_OK);
}

static int wait_for_result(struct watch *w, struct waiting *waiting, int64_t wait_s)
{
    struct buf envelope = {0};
    struct err e = {0};
    int code;
    w->bar = w->json ? NULL : progress_new(0);
    int rc = waiting_run(waiting, wait_s * 1000, &envelope, &e);
    progress_free(w->bar);
    w->bar = NULL;
    if (!rc) {
        code = show_result(w, &envelope);
    } else if (rc == ERR_TIMEOUT) {
        say("waited %" PRId64 " s; the batch has not ended", wait_s);
        code = show_counts(w);
    } else {
        code = fail(&e);
    }
    buf_free(&envelope);
    return code;
}

static void on_late(uv_timer_t *t)
{
    struct watch *w = t->data;
    w->late = true;
}

/* The result if it is there, else the next counts. */
static int show_now(struct watch *w)
{
    struct buf keep = {0};
    struct answer a;
    struct err e = {0};
    uv_timer_t late;
    struct question q = {.tenant = w->tenant, .id = w->id};
    int code, rc = lookup_wait(w->client, &q, &a, &keep, &e);
    if (!rc && a.kind == ANSWER_RESULT) {
        code = show_result(w, &keep);
    } else if (rc) {
        code = fail(&e);
    } else {
        uv_timer_init(&w->client->loop, &late);
        late.data = w;
        uv_timer_start(&late, on_late, COUNTS_WAIT_MS, 0);
        while (!w->counts.len && !w->late && !w->client->closed)
            uv_run(&w->client->loop, UV_RUN_ONCE);
        uv_close((uv_handle_t *)&late, NULL);
        uv_run(&w->client->loop, UV_RUN_NOWAIT); /* it stands on our stack */
        code = show_counts(w);
    }
    buf_free(&keep);
    return code;
}

int batch_watch(struct client *c, const char *tenant, const char *id, int64_t wait_s, bool json)
{
    struct watch w = {.client = c, .tenant = tenant, .id = id, .json = json};
    struct waiting *waiting = NULL;
    struct link_sub *sub = NULL;
    struct err e = {0};
    char subject[SUBJECT_MAX];
    int code;
    subject_progress(&c->subjects, tenant, id, subject);
    int rc = link_subscribe(c->link, subject, NULL, 0, on_counts, &w, &sub, &e);
    if (!rc && wait_s >= 0)
        rc = waiting_new(c, tenant, id, &waiting, &e);
    if (rc)
        code = fail(&e);
    else
        code = waiting ? wait_for_result(&w, waiting, wait_s) : show_now(&w);
    waiting_free(waiting);
    link_unsubscribe(sub);
    buf_free(&w.counts);
    return code;
}
