/* How this works: a hash by number finds the request of a reply; a list in the order of deadlines,
 * with one timer for its head, finds those whose time is over. Nearly all requests have one of two
 * or three time-outs, so a new one belongs at or close to the list's end. */
#include "link/asked.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"

struct request {
    uint64_t number;
    link_reply cb;
    void *arg;
    int timeout_ms;
    int64_t until_us; /* monotonic */
    bool of_many;
    struct list node; /* in by_deadline */
    UT_hash_handle hh;
    char subject[];
};

struct asked {
    uv_loop_t *loop;
    uv_timer_t timer;
    struct request *by_number;
    struct list by_deadline;
    uint64_t last_number;
    const char *hint;
    void (*closed)(void *arg);
    void *closed_arg;
};

struct asked *asked_new(uv_loop_t *loop)
{
    struct asked *a = mem_alloc(sizeof *a);
    a->loop = loop;
    list_init(&a->by_deadline);
    uv_timer_init(loop, &a->timer);
    a->timer.data = a;
    return a;
}

static void take_out(struct asked *a, struct request *r)
{
    HASH_DEL(a->by_number, r);
    list_remove(&r->node);
}

static void fail(struct request *r, const struct err *why)
{
    r->cb(NULL, why, r->arg);
    free(r);
}

static void fail_unanswered(struct request *r)
{
    struct err why;
    err_set(&why, ERR_UNAVAILABLE, "nobody answers on '%s' (no responders)", r->subject);
    fail(r, &why);
}

static void time_out(struct asked *a, struct request *r)
{
    struct err why;
    /* Only what can be the reason: this subject, or that of the replies. */
    bool hint = a->hint && (strcasestr(a->hint, r->subject) || strstr(a->hint, "Subscription"));
    err_set(&why, ERR_TIMEOUT, "no answer on '%s' within %d ms%s%s", r->subject, r->timeout_ms,
            hint ? "; the server said: " : "", hint ? a->hint : "");
    take_out(a, r);
    fail(r, &why);
}

static void on_timer(uv_timer_t *t);

static void arm(struct asked *a)
{
    if (list_empty(&a->by_deadline)) {
        uv_timer_stop(&a->timer);
        return;
    }
    struct request *first = LIST_ENTRY(a->by_deadline.next, struct request, node);
    int64_t left_us = first->until_us - clock_mono_us();
    uv_timer_start(&a->timer, on_timer, left_us > 0 ? (uint64_t)left_us / 1000 + 1 : 0, 0);
}

static void on_timer(uv_timer_t *t)
{
    struct asked *a = t->data;
    int64_t now = clock_mono_us();
    while (!list_empty(&a->by_deadline)) {
        struct request *r = LIST_ENTRY(a->by_deadline.next, struct request, node);
        if (r->until_us > now)
            break;
        time_out(a, r);
    }
    arm(a);
}

uint64_t asked_add(struct asked *a, const char *subject, bool of_many, int timeout_ms,
                   link_reply cb, void *arg)
{
    size_t size = strlen(subject) + 1;
    struct request *r = mem_alloc(sizeof *r + size);
    memcpy(r->subject, subject, size);
    r->number = ++a->last_number;
    r->cb = cb;
    r->arg = arg;
    r->of_many = of_many;
    r->timeout_ms = timeout_ms;
    r->until_us = clock_mono_us() + (int64_t)timeout_ms * 1000;
    HASH_ADD(hh, a->by_number, number, sizeof r->number, r);
    struct list *after = a->by_deadline.prev;
    while (after != &a->by_deadline &&
           LIST_ENTRY(after, struct request, node)->until_us > r->until_us)
        after = after->prev;
    list_push_front(after, &r->node);
    /* The timer of an earlier head fires in time for it too: it is only set anew for a new head. */
    if (a->by_deadline.next == &r->node)
        arm(a);
    return r->number;
}

static struct request *find(struct asked *a, uint64_t number)
{
    struct request *r = NULL;
    HASH_FIND(hh, a->by_number, &number, sizeof number, r);
    return r;
}

void asked_drop(struct asked *a, uint64_t number)
{
    struct request *r = find(a, number);
    CHECK(r);
    take_out(a, r);
    free(r);
}

void asked_reply(struct asked *a, uint64_t number, struct link_msg *m)
{
    struct request *r = find(a, number);
    if (!r)
        return;
    take_out(a, r);
    if (m->status == 503 && m->len == 0) {
        fail_unanswered(r);
        return;
    }
    r->cb(m, NULL, r->arg);
    free(r);
}

void asked_fail_all(struct asked *a, const struct err *why)
{
    /* Those that are there now: a callback may ask again. */
    uint64_t last = a->last_number;
    LIST_FOREACH(n, &a->by_deadline)
    {
        struct request *r = LIST_ENTRY(n, struct request, node);
        if (r->number <= last) {
            take_out(a, r);
            fail(r, why);
        }
    }
    arm(a);
}

void asked_fail_many(struct asked *a)
{
    uint64_t last = a->last_number;
    LIST_FOREACH(n, &a->by_deadline)
    {
        struct request *r = LIST_ENTRY(n, struct request, node);
        if (r->of_many && r->number <= last) {
            take_out(a, r);
            fail_unanswered(r);
        }
    }
    arm(a);
}

void asked_set_hint(struct asked *a, const char *hint)
{
    a->hint = hint;
}

static void on_closed(uv_handle_t *h)
{
    struct asked *a = h->data;
    a->closed(a->closed_arg);
    free(a);
}

void asked_close(struct asked *a, void (*closed)(void *arg), void *arg)
{
    CHECK(list_empty(&a->by_deadline));
    a->closed = closed;
    a->closed_arg = arg;
    uv_close((uv_handle_t *)&a->timer, on_closed);
}
