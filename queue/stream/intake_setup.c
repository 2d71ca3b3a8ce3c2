/* Setting up the streams and consumers of an intake, again and again until they are there. */
#include "queue/stream/intake_inner.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define AGAIN_US    1000000 /* after a set-up that failed */
#define SETUP_TRIES 3       /* without any answer, before the first success */

static void on_no_rivals(const struct err *why, void *arg)
{
    struct intake *i = arg;
    i->rivals = NULL;
    if (why && why->code == ERR_INVALID && !i->ready_told) {
        i->ev.failed(why, i->arg);
        return;
    }
    if (why) {
        intake_tell(i, why);
        i->setup_again_us = clock_mono_us() + AGAIN_US;
        return;
    }
    memset(&i->rivals_seen, 0, sizeof i->rivals_seen);
    intake_set_up(i);
}

static void remove_rivals(struct intake *i)
{
    struct err e = {0};
    if (rivals_begin(i->link, i->config, &i->subjects, &i->rivals_seen, on_no_rivals, i, &i->rivals,
                     &e)) {
        intake_tell(i, &e);
        i->setup_again_us = clock_mono_us() + AGAIN_US;
    }
}

static void all_there(struct intake *i)
{
    i->state = PULLING;
    i->setups_unanswered = 0;
    i->trouble.msg[0] = 0;
    LIST_FOREACH(n, &i->pullers)
    {
        struct puller *p = LIST_ENTRY(n, struct puller, node);
        p->ready = true;
        if (p->consumer.made) /* what waited at the one before is void, said or not */
            puller_forget(p);
        p->consumer.made = false;
        puller_go_on(p);
    }
    if (!i->ready_told) {
        i->ready_told = true;
        i->ev.ready(i->arg);
    }
}

static void on_set_up(const struct streams_end *end, void *arg)
{
    struct intake *i = arg;
    const struct err *why = end->why;
    i->setup = NULL;
    if (!why) {
        if (!i->partial)
            i->sequences_repeat = end->sequences_repeat;
        all_there(i);
        return;
    }
    if (why->code == ERR_CONFLICT) {
        remove_rivals(i);
        return;
    }
    if (why->code == ERR_TIMEOUT)
        i->setups_unanswered++;
    if (!i->ready_told && (!end->passing || i->setups_unanswered >= SETUP_TRIES)) {
        i->ev.failed(why, i->arg);
        return;
    }
    intake_tell(i, why);
    i->setup_again_us = clock_mono_us() + AGAIN_US;
}

/* all: the streams too, and every consumer; else those that nobody has asked for yet. */
void intake_begin_set_up(struct intake *i, bool all)
{
    struct consumer **wanted = mem_alloc((size_t)i->puller_count * sizeof(struct consumer *));
    int n = 0;
    LIST_FOREACH(it, &i->pullers)
    {
        struct puller *p = LIST_ENTRY(it, struct puller, node);
        if (all || !p->ready)
            wanted[n++] = &p->consumer;
    }
    i->found = false;
    i->partial = !all;
    if (all || n)
        i->setup =
            streams_begin(i->link, i->config, &i->subjects, wanted, n,
                          all ? STREAMS_AND_CONSUMERS : CONSUMERS_ALONE, i->used_seq, on_set_up, i);
    free(wanted);
}

void intake_set_up(struct intake *i)
{
    if (i->state == STOPPED || i->setup || i->rivals)
        return;
    i->state = SETTING_UP;
    i->setup_again_us = 0;
    intake_begin_set_up(i, true);
}

bool intake_sequences_repeat(const struct intake *i)
{
    return i->sequences_repeat;
}

void intake_look(struct intake *i)
{
    if (i->state == PULLING)
        intake_set_up(i);
}

struct ensuring {
    bool done;
    struct err why; /* code 0: all there */
};

static void on_ensured(const struct streams_end *end, void *arg)
{
    struct ensuring *w = arg;
    w->done = true;
    if (end->why)
        w->why = *end->why;
}

int intake_ensure_streams(uv_loop_t *loop, struct link *l, const struct config *c,
                          const struct subjects *s, struct err *e)
{
    struct ensuring w = {0};
    streams_begin(l, c, s, NULL, 0, STREAMS_ALONE, 0, on_ensured, &w);
    while (!w.done) /* the time-outs of its requests end this at the latest */
        uv_run(loop, UV_RUN_ONCE);
    if (w.why.code && e)
        *e = w.why;
    return w.why.code;
}
