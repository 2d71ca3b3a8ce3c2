#include "executor/front/after.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* How this works: the results stream is the truth, so it is asked each time the job comes: for all
 * it waits for, and for its own result (a message that was put back twice comes a second time). All
 * questions are under way at once; the last answer decides. */

#define US_PER_S 1000000

struct look {
    const struct after_context *ctx;
    const struct after_events *ev;
    struct custody *custody;
    struct parents *parents;
    int open; /* answers to come */
    bool known;
    struct err why; /* code 0: every answer came */
};

struct question {
    struct look *look;
    int i; /* index of the parent, -1: the job's own result */
};

static int64_t wait_until_us(const struct look *l)
{
    const struct delivery *d = l->custody->delivery;
    int64_t until = d->published_at_us + l->ctx->config->nats.after_wait_s * US_PER_S;
    int64_t deadline = job_deadline_us(l->custody->job, d->published_at_us);
    return deadline && deadline < until ? deadline : until;
}

static void look_free(struct look *l)
{
    parents_free(l->parents);
    free(l);
}

static void on_held(const struct err *why, void *arg)
{
    struct look *l = arg;
    if (why)
        l->ev->failed(l->custody, why);
    else
        l->ev->held(l->custody);
    look_free(l);
}

static void hold(struct look *l, int64_t until_us)
{
    struct custody *c = l->custody;
    struct err e = {0};
    l->ev->holding(c);
    if (held_put(l->ctx->held, c->delivery, c->job, until_us, on_held, l, &e) == 0)
        return;
    l->ev->failed(c, &e);
    look_free(l);
}

static void run(struct look *l)
{
    struct job *j = l->custody->job;
    struct buf b = {0};
    parents_json(l->parents, &b);
    free(j->parents);
    j->parents = buf_take(&b, &j->parents_len);
    if (l->custody->delivery->delivered > 1)
        held_forget(l->ctx->held, j->tenant, j->id);
    l->ev->ready(l->custody);
}

static void decide(struct look *l)
{
    struct job *j = l->custody->job;
    struct parents_end end = {0};
    int64_t until_us = wait_until_us(l);
    if (!l->ctx->held) /* we are closing */
        err_set(&l->why, ERR_UNAVAILABLE, "the worker ends");
    if (l->why.code) {
        l->ev->failed(l->custody, &l->why);
    } else if (l->known) {
        held_forget(l->ctx->held, j->tenant, j->id);
        l->ev->known(l->custody);
    } else {
        switch (parents_judge(l->parents, j->on_failure, clock_real_us() >= until_us, &end)) {
        case PARENTS_WAIT:
            hold(l, until_us);
            return;
        case PARENTS_READY:
            run(l);
            break;
        case PARENTS_END:
            if (l->custody->delivery->delivered > 1)
                held_forget(l->ctx->held, j->tenant, j->id);
            l->ev->ended(l->custody, &end);
            break;
        }
    }
    look_free(l);
}

static void on_result(const struct js_message *found, const struct err *why, void *arg)
{
    struct question *q = arg;
    struct look *l = q->look;
    if (found && q->i < 0)
        l->known = true;
    else if (found)
        parents_take(l->parents, q->i, found->m->data, found->m->len);
    else if (why->code != ERR_NOT_FOUND)
        l->why = *why;
    free(q);
    if (--l->open == 0)
        decide(l);
}

static void ask(struct look *l, int i, const char *id)
{
    char subject[SUBJECT_MAX];
    struct err e = {0};
    struct question *q = mem_alloc(sizeof *q);
    q->look = l;
    q->i = i;
    subject_result(l->ctx->subjects, l->custody->tenant, id, subject);
    l->open++;
    if (js_get_last(l->ctx->link, l->ctx->subjects->results_stream, subject, on_result, q, &e)) {
        l->open--;
        l->why = e;
        free(q);
    }
}

void after_begin(const struct after_context *ctx, const struct after_events *ev, struct custody *c)
{
    struct look *l = mem_alloc(sizeof *l);
    l->ctx = ctx;
    l->ev = ev;
    l->custody = c;
    l->parents = parents_new(c->job);
    l->open = 1; /* answers come in later turns, but nothing depends on it */
    ask(l, -1, c->id);
    for (int i = 0; i < l->parents->n; i++)
        ask(l, i, l->parents->v[i].id);
    if (--l->open == 0)
        decide(l);
}
