/* How one batch is counted: the results stream has one message for each job that has ended, on a
 * subject of its own, so the messages under isolane.results.<tenant>.<batch>.> are the count. Only
 * their headers are fetched (Isolane-Outcome); results of workers that send none are read. */
#include "executor/cluster/batches_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/cluster/parents.h"
#include "link/js.h"
#include "results/record.h"

#define FOLLOW_BATCH 1024
#define US_PER_HOUR  ((int64_t)3600 * 1000000)
#define TEXT_MAX     512

/* An answer finds its batch by name: it may be gone meanwhile. */
struct step {
    struct batches *all;
    char key[BATCH_KEY_TEXT];
};

static struct step *step_new(struct batch *x)
{
    struct step *s = mem_alloc(sizeof *s);
    s->all = x->all;
    memcpy(s->key, x->key, sizeof s->key);
    x->all->under_way++;
    return s;
}

static struct batch *step_end(struct step *s)
{
    struct batches *b = s->all;
    struct batch *x = b->closed ? NULL : batch_find(b, s->key);
    b->under_way--;
    free(s);
    batches_maybe_free(b);
    return x;
}

/* ---- counting ---- */

static void write_counts(const struct batch *x, struct jsonw *w)
{
    jsonw_object(w);
    jsonw_kint(w, "jobs", x->jobs);
    jsonw_kint(w, "ended", x->ended);
    jsonw_name(w, "outcomes");
    jsonw_object(w);
    for (int o = 0; o < OUTCOMES; o++)
        if (x->counts[o])
            jsonw_kint(w, outcome_name((enum outcome)o), x->counts[o]);
    jsonw_object_end(w);
}

static void describe_failures(const struct batch *x, char out[TEXT_MAX])
{
    int n = snprintf(out, TEXT_MAX, "%" PRId64 " of %" PRId64 " jobs did not end ok",
                     x->jobs - x->counts[OUTCOME_OK], x->jobs);
    const char *before = ": ";
    for (int o = 0; o < OUTCOMES && n < TEXT_MAX; o++) {
        if (o == OUTCOME_OK || !x->counts[o])
            continue;
        n += snprintf(out + n, (size_t)(TEXT_MAX - n), "%s%s %" PRId64, before,
                      outcome_name((enum outcome)o), x->counts[o]);
        before = ", ";
    }
}

static void end(struct batch *x, bool late)
{
    struct batch_end how = {.tenant = x->tenant,
                            .id = x->id,
                            .published_at_us = x->stored_at_us,
                            .outcome = OUTCOME_OK};
    struct buf value = {0};
    struct jsonw w;
    char text[TEXT_MAX];
    if (late) {
        how.error_name = "BatchIncomplete";
        snprintf(text, sizeof text,
                 "%" PRId64 " of %" PRId64 " jobs have a result, and the first results are as old "
                 "as the results stream keeps them (nats.results_max_age_hours)",
                 x->ended, x->jobs);
    } else if (x->counts[OUTCOME_OK] < x->jobs) {
        how.error_name = "BatchFailed";
        describe_failures(x, text);
    }
    if (how.error_name) {
        how.outcome = OUTCOME_THREW;
        how.error_message = text;
    }
    jsonw_init(&w, &value);
    write_counts(x, &w);
    jsonw_object_end(&w);
    how.value = value.data;
    how.value_len = value.len;
    fault(F_BATCH_COUNTED);
    follow_close(x->follow);
    x->follow = NULL;
    x->state = BATCH_ENDING;
    x->all->counting--;
    x->all->ctx.end(&how, x->all->ctx.arg);
    buf_free(&value);
}

static void look_whether_all(struct batch *x)
{
    if (x->state == BATCH_COUNTING && !x->fetching && x->ended >= x->jobs)
        end(x, false);
}

static void count(struct batch *x, const char *outcome)
{
    int o = 0;
    while (o < OUTCOMES && strcmp(outcome, outcome_name((enum outcome)o)) != 0)
        o++;
    x->counts[o < OUTCOMES ? o : OUTCOME_INTERNAL]++;
    x->ended++;
}

static void on_fetched(const struct js_message *found, const struct err *why, void *arg)
{
    struct batch *x = step_end(arg);
    char outcome[24] = "internal";
    (void)why;
    if (!x || x->state != BATCH_COUNTING || !x->fetching)
        return;
    x->fetching--;
    if (!found) { /* counted again from the beginning */
        batch_stop(x);
        return;
    }
    if (!parents_outcome(found->m->data, found->m->len, outcome))
        log_warn("batches", "the result of a job of %s cannot be read", x->key);
    count(x, outcome);
    look_whether_all(x);
}

static void on_result(const struct follow_message *m, void *arg)
{
    struct batch *x = arg;
    const char *outcome = link_msg_header(m->m, RESULT_OUTCOME_HEADER);
    struct err e = {0};
    if (outcome) {
        count(x, outcome);
    } else {
        struct step *s = step_new(x);
        x->fetching++;
        if (js_get(x->all->ctx.link, x->all->ctx.subjects->results_stream, m->seq, on_fetched, s,
                   &e)) {
            step_end(s);
            batch_stop(x);
            return;
        }
    }
    if (!m->pending) /* the newest that there is */
        look_whether_all(x);
}

static void on_caught_up(void *arg)
{
    look_whether_all(arg);
}

static void on_failed(const struct err *why, void *arg)
{
    struct batch *x = arg;
    log_warn("batches", "results of %s cannot be followed: %s; trying again", x->key, why->msg);
    batch_stop(x);
}

static void follow_results(struct batch *x)
{
    static const struct follow_events handlers = {on_result, on_caught_up, on_failed};
    char filter[SUBJECT_MAX], all[BATCH_ID_MAX + 3];
    struct err e = {0};
    snprintf(all, sizeof all, "%s.>", x->id);
    subject_result(x->all->ctx.subjects, x->tenant, all, filter);
    const struct follow_options o = {.stream = x->all->ctx.subjects->results_stream,
                                     .filter = filter,
                                     .headers_only = true,
                                     .batch = FOLLOW_BATCH};
    memset(x->counts, 0, sizeof x->counts);
    x->ended = x->fetching = 0;
    if (follow_open(x->all->ctx.loop, x->all->ctx.link, &o, &handlers, x, &x->follow, &e))
        batch_stop(x);
    else
        x->state = BATCH_COUNTING;
}

static void on_looked(const struct js_message *found, const struct err *why, void *arg)
{
    struct batch *x = step_end(arg);
    if (!x)
        return;
    x->asked = false;
    if (x->state != BATCH_LOOKING)
        return;
    if (found) {
        x->state = BATCH_MARKING;
        x->all->counting--;
        batch_mark(x);
    } else if (why->code == ERR_NOT_FOUND) {
        follow_results(x);
    } else {
        batch_stop(x);
    }
}

void batch_begin(struct batch *x)
{
    char subject[SUBJECT_MAX];
    struct err e = {0};
    CHECK(x->state == BATCH_OPEN);
    if (x->asked)
        return;
    struct step *s = step_new(x);
    x->state = BATCH_LOOKING;
    x->asked = true;
    x->all->counting++;
    subject_result(x->all->ctx.subjects, x->tenant, x->id, subject);
    if (js_get_last(x->all->ctx.link, x->all->ctx.subjects->results_stream, subject, on_looked, s,
                    &e)) {
        x->asked = false;
        step_end(s);
        batch_stop(x);
    }
}

void batch_stop(struct batch *x)
{
    if (x->state == BATCH_LOOKING || x->state == BATCH_COUNTING)
        x->all->counting--;
    if (x->state == BATCH_LOOKING || x->state == BATCH_COUNTING)
        x->state = BATCH_OPEN;
    follow_close(x->follow);
    x->follow = NULL;
}

static void tell(const struct batch *x)
{
    char subject[SUBJECT_MAX], when[CLOCK_RFC3339_LEN], text[TEXT_MAX];
    struct buf b = {0};
    struct jsonw w;
    struct err e = {0};
    clock_rfc3339(clock_real_us(), when);
    int n = snprintf(text, sizeof text, "%.6g", (double)x->ended / (double)x->jobs);
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_name(&w, "fraction");
    jsonw_raw(&w, text, (size_t)n);
    snprintf(text, sizeof text, "%" PRId64 " of %" PRId64 " jobs have ended", x->ended, x->jobs);
    jsonw_kstr(&w, "text", text);
    jsonw_kstr(&w, "at", when);
    jsonw_name(&w, "batch");
    write_counts(x, &w);
    jsonw_kint(&w, "running", x->running);
    jsonw_object_end(&w);
    jsonw_object_end(&w);
    subject_progress(x->all->ctx.subjects, x->tenant, x->id, subject);
    if (link_publish(x->all->ctx.link, subject, NULL, NULL, 0, b.data, b.len, &e))
        log_debug("batches", "progress of %s: %s", x->key, e.msg);
    buf_free(&b);
}

void batch_tick(struct batch *x)
{
    int64_t kept_us = x->all->ctx.config->nats.results_max_age_hours * US_PER_HOUR;
    if (x->state != BATCH_COUNTING)
        return;
    x->running = x->running_now;
    x->running_now = 0;
    tell(x);
    if (!x->fetching && clock_real_us() - x->stored_at_us > kept_us)
        end(x, true);
}

/* ---- the end ---- */

static void on_marked(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct batch *x = step_end(arg);
    (void)seq;
    (void)duplicate;
    if (x)
        x->asked = false; /* told by the stream, it goes; else the next tick tries again */
    if (why)
        log_debug("batches", "a batch is not marked as ended yet: %s", why->msg);
}

void batch_mark(struct batch *x)
{
    char subject[SUBJECT_MAX], text[64];
    struct err e = {0};
    if (x->asked)
        return;
    struct step *s = step_new(x);
    x->asked = true;
    int n = snprintf(text, sizeof text, "{\"jobs\":%" PRId64 ",\"ended\":true}", x->jobs);
    subject_batch(x->all->ctx.subjects, x->tenant, x->id, subject);
    if (js_publish(x->all->ctx.link, subject, NULL, 0, text, (size_t)n, JS_ANY, on_marked, s, &e)) {
        x->asked = false;
        step_end(s);
    }
}
