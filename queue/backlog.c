/* How this works
 *
 * A lane is what one tenant has waiting in one class: a FIFO for each kind (a profile, with `reuse`
 * or without), and numbers that keep the order between them, so that a kind without cells holds up
 * none of the others. A class keeps its lanes that are not empty in a ring. The lane at the ring's
 * head may give as many jobs as its tenant's weight, then goes to the back: deficit round robin
 * with a cost of one per job. Over the classes credits do the same: 8, 4 and 1 jobs, handed out
 * anew when every class that has a job that may run has none left.
 *
 * A tenant at a ceiling (max_running, or queue/rate.h) is passed over. Of those that are held up by
 * a rate the earliest time is remembered: backlog_wake_us(). */
#include "queue/backlog.h"

#include <stdlib.h>

#include "base/mem.h"
#include "queue/rate.h"

static const int class_credits[CLASSES] = {[CLASS_HIGH] = 8, [CLASS_NORMAL] = 4, [CLASS_LOW] = 1};

#define KINDS (2 * PROFILES)

struct lane {
    struct list entries[KINDS]; /* struct backlog_entry, by order */
    struct list ring;           /* in class_queue.lanes while something waits in it */
    int64_t deficit;            /* jobs it may still give in this turn */
    int64_t first, behind;      /* lowest order given out, and the next one at the back */
    int waiting;
    int tenant;
};

struct class_queue {
    struct list lanes;
    struct lane *by_tenant;
    int credit;
};

struct backlog {
    const struct config *config;
    struct class_queue classes[CLASSES];
    int64_t *running;    /* by tenant */
    struct rate **rates; /* by tenant, NULL: it has none */
    int64_t wake_us;     /* see backlog_wake_us() */
    int count;
    int by_profile[PROFILES];
};

struct backlog *backlog_new(const struct config *c, int64_t now_us)
{
    struct backlog *b = mem_alloc(sizeof *b);
    size_t n = (size_t)c->tenant_count;
    b->config = c;
    b->running = mem_alloc(n * sizeof *b->running);
    b->rates = mem_alloc(n * sizeof *b->rates);
    b->wake_us = INT64_MAX;
    for (size_t i = 0; i < n; i++) {
        if (!rate_is_set(&c->tenants[i]))
            continue;
        b->rates[i] = mem_alloc(sizeof **b->rates);
        rate_init(b->rates[i], &c->tenants[i], now_us);
    }
    for (int k = 0; k < CLASSES; k++) {
        struct class_queue *q = &b->classes[k];
        list_init(&q->lanes);
        q->by_tenant = mem_alloc(n * sizeof *q->by_tenant);
        for (size_t i = 0; i < n; i++) {
            for (int p = 0; p < KINDS; p++)
                list_init(&q->by_tenant[i].entries[p]);
            list_init(&q->by_tenant[i].ring);
            q->by_tenant[i].tenant = (int)i;
        }
    }
    return b;
}

void backlog_free(struct backlog *b)
{
    if (!b)
        return;
    CHECK(b->count == 0);
    for (int k = 0; k < CLASSES; k++)
        free(b->classes[k].by_tenant);
    for (int i = 0; i < b->config->tenant_count; i++)
        free(b->rates[i]);
    free(b->rates);
    free(b->running);
    free(b);
}

static int tenant_index(const struct backlog *b, const struct tenant *t)
{
    CHECK(t >= b->config->tenants && t < b->config->tenants + b->config->tenant_count);
    return (int)(t - b->config->tenants);
}

static struct lane *lane_of(struct backlog *b, const struct backlog_entry *x)
{
    CHECK((unsigned)x->cls < CLASSES);
    return &b->classes[x->cls].by_tenant[tenant_index(b, x->tenant)];
}

static int kind_of(const struct backlog_entry *x)
{
    return (int)x->profile + (x->reuse ? PROFILES : 0);
}

static struct lane *enter(struct backlog *b, struct backlog_entry *x)
{
    struct lane *l = lane_of(b, x);
    CHECK(!x->queued && (unsigned)x->profile < PROFILES);
    x->queued = true;
    b->count++;
    b->by_profile[x->profile]++;
    if (l->waiting++ == 0)
        list_push_back(&b->classes[x->cls].lanes, &l->ring);
    return l;
}

void backlog_add(struct backlog *b, struct backlog_entry *x)
{
    struct lane *l = enter(b, x);
    x->order = l->behind++;
    list_push_back(&l->entries[kind_of(x)], &x->node);
}

void backlog_add_front(struct backlog *b, struct backlog_entry *x)
{
    struct lane *l = enter(b, x);
    x->order = --l->first;
    list_push_front(&l->entries[kind_of(x)], &x->node);
}

static void leave(struct backlog *b, struct backlog_entry *x)
{
    struct lane *l = lane_of(b, x);
    list_remove(&x->node);
    x->queued = false;
    b->count--;
    b->by_profile[x->profile]--;
    if (--l->waiting == 0) { /* an empty lane saves up nothing for later */
        list_remove(&l->ring);
        l->deficit = 0;
    }
}

void backlog_remove(struct backlog *b, struct backlog_entry *x)
{
    CHECK(x->queued);
    leave(b, x);
}

/* The lane's oldest entry of those kinds, or NULL. */
static struct backlog_entry *oldest(const struct lane *l, unsigned cells)
{
    struct backlog_entry *found = NULL;
    for (int p = 0; p < KINDS; p++) {
        if (!(cells & 1u << p) || list_empty(&l->entries[p]))
            continue;
        struct backlog_entry *x = LIST_ENTRY(l->entries[p].next, struct backlog_entry, node);
        if (!found || x->order < found->order)
            found = x;
    }
    return found;
}

static bool may_run(struct backlog *b, const struct lane *l, unsigned cells, int64_t now_us)
{
    int64_t most = b->config->tenants[l->tenant].max_running;
    struct rate *rate = b->rates[l->tenant];
    if ((most && b->running[l->tenant] >= most) || !oldest(l, cells))
        return false;
    int64_t ready_us = rate ? rate_ready_us(rate, now_us) : now_us;
    if (ready_us > now_us && ready_us < b->wake_us)
        b->wake_us = ready_us;
    return ready_us <= now_us;
}

/* The lane whose turn it is: the first of the ring that may run one more; those in front of
 * it go to the back. NULL when no lane may. */
static struct lane *turn(struct backlog *b, struct class_queue *q, unsigned cells, int64_t now_us)
{
    struct list *first = q->lanes.next;
    for (struct list *n = first; n != &q->lanes;) {
        struct lane *l = LIST_ENTRY(n, struct lane, ring);
        if (may_run(b, l, cells, now_us))
            return l;
        list_remove(n);
        list_push_back(&q->lanes, n);
        n = q->lanes.next;
        if (n == first)
            break;
    }
    return NULL;
}

static struct backlog_entry *give(struct backlog *b, struct class_queue *q, struct lane *l,
                                  unsigned cells)
{
    struct backlog_entry *x = oldest(l, cells);
    if (l->deficit == 0)
        l->deficit = b->config->tenants[l->tenant].weight;
    l->deficit--;
    if (l->deficit == 0 && l->waiting > 1) {
        list_remove(&l->ring);
        list_push_back(&q->lanes, &l->ring);
    }
    leave(b, x);
    b->running[l->tenant]++;
    if (b->rates[l->tenant])
        rate_began(b->rates[l->tenant]);
    return x;
}

struct backlog_entry *backlog_next(struct backlog *b, unsigned cells, int64_t now_us)
{
    struct lane *lanes[CLASSES];
    bool any = false, credit = false;
    b->wake_us = INT64_MAX;
    if (b->count == 0)
        return NULL;
    for (int k = 0; k < CLASSES; k++) {
        lanes[k] = turn(b, &b->classes[k], cells, now_us);
        any |= lanes[k] != NULL;
        credit |= lanes[k] && b->classes[k].credit > 0;
    }
    if (!any)
        return NULL;
    if (!credit)
        for (int k = 0; k < CLASSES; k++)
            b->classes[k].credit = class_credits[k];
    for (int k = 0; k < CLASSES; k++) {
        if (!lanes[k] || b->classes[k].credit == 0)
            continue;
        b->classes[k].credit--;
        return give(b, &b->classes[k], lanes[k], cells);
    }
    CHECK(!"a class with a lane has credit");
    return NULL;
}

void backlog_ended(struct backlog *b, const struct tenant *t)
{
    int i = tenant_index(b, t);
    CHECK(b->running[i] > 0);
    b->running[i]--;
}

void backlog_not_begun(struct backlog *b, const struct tenant *t)
{
    struct rate *rate = b->rates[tenant_index(b, t)];
    backlog_ended(b, t);
    if (rate)
        rate_undo(rate);
}

void backlog_lines_up(struct backlog *b, const struct tenant *t)
{
    backlog_ended(b, t);
}

void backlog_leaves_line(struct backlog *b, const struct tenant *t, bool began)
{
    b->running[tenant_index(b, t)]++;
    if (!began)
        backlog_not_begun(b, t);
}

void backlog_used(struct backlog *b, const struct tenant *t, int64_t cpu_us, int64_t at_us,
                  int64_t now_us)
{
    struct rate *rate = b->rates[tenant_index(b, t)];
    if (rate)
        rate_used(rate, cpu_us, at_us, now_us);
}

int64_t backlog_wake_us(const struct backlog *b)
{
    return b->wake_us;
}

int backlog_count(const struct backlog *b)
{
    return b->count;
}

int backlog_count_of(const struct backlog *b, enum profile p)
{
    return b->by_profile[p];
}

struct backlog_entry *backlog_withdraw(struct backlog *b, enum profile p)
{
    for (int k = 0; k < CLASSES; k++) {
        LIST_FOREACH(n, &b->classes[k].lanes)
        {
            struct backlog_entry *x =
                oldest(LIST_ENTRY(n, struct lane, ring), BACKLOG_CELLS(1u << p, 0));
            if (!x)
                continue;
            leave(b, x);
            return x;
        }
    }
    return NULL;
}
