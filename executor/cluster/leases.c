#include "executor/cluster/leases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "link/kv.h"

#define TICK_MS       500      /* at the most … */
#define TICKS         20       /* … and so many in the time to live */
#define AGAIN_US      1000000  /* after an answer that did not come */
#define SAY_AGAIN_US  30000000 /* the same trouble is logged again after this */
#define RENEW_PART    3        /* of the time to live */
#define GIVE_UP_PARTS 6        /* held for five of six parts of it without a renewal: lost */
#define EXPIRY_US     1000000  /* an entry that nobody renewed is over so long after its time */
#define BUCKET_BYTES  (64 << 20)
#define VALUE_MAX     512
#define PLACE_TEXT    (LEASE_KEY_MAX + 8) /* "<key>.<number>" */

enum lease_state { ASKING, WAITING, HELD, LOST };

/* All that this worker wants of one key. */
struct group {
    char key[LEASE_KEY_MAX + 1];
    struct list waiting; /* struct lease, first come first */
    int waiting_count, members;
    UT_hash_handle hh;
};

struct lease {
    struct leases *leases;
    struct group *group;
    struct list node; /* in leases.all */
    struct list wait; /* in group.waiting */
    int limit, number;
    enum lease_state state;
    const struct lease_events *ev;
    void *arg;
    bool under_way; /* a write is: it frees a released one */
    bool released, waits_told;
    uint64_t revision;
    int64_t sent_us, renewed_us, again_us; /* again_us: ASKING, 0: no need */
};

/* What the bucket says of one place. */
struct place {
    char name[PLACE_TEXT];
    bool taken;
    uint64_t revision; /* 0: not known */
    int64_t seen_us;
    UT_hash_handle hh;
};

struct leases {
    uv_loop_t *loop;
    const struct config *config;
    struct kv *kv;
    struct kv_watch *watch;
    struct group *groups;
    struct place *places;
    struct list all;
    struct buf value;
    int64_t ttl_us, said_us;
    uv_timer_t *tick;
    uint64_t tick_ms;
    bool asked, there; /* the bucket is being made; is there */
    int64_t ensure_us; /* not before this */
};

static void ask(struct lease *x);

static void trouble(struct leases *l, const char *what, const struct err *why)
{
    int64_t now = clock_mono_us();
    if (l->said_us && now - l->said_us < SAY_AGAIN_US)
        return;
    l->said_us = now;
    log_warn("leases", "%s: %s; trying again", what, why->msg);
}

/* ---- places ---- */

static void place_name(const struct lease *x, int number, char out[PLACE_TEXT])
{
    snprintf(out, PLACE_TEXT, "%s.%d", x->group->key, number);
}

static struct place *find_place(const struct leases *l, const char *name)
{
    struct place *p = NULL;
    HASH_FIND_STR(l->places, name, p);
    return p;
}

static void drop_place(struct leases *l, struct place *p)
{
    HASH_DEL(l->places, p);
    free(p);
}

static void note_place(struct leases *l, const char *name, bool taken, uint64_t revision)
{
    struct place *p = find_place(l, name);
    if (p && revision && revision < p->revision)
        return; /* older news */
    if (!p) {
        p = mem_alloc(sizeof *p);
        snprintf(p->name, sizeof p->name, "%s", name);
        HASH_ADD_STR(l->places, name, p);
    }
    p->taken = taken;
    p->revision = revision;
    p->seen_us = clock_mono_us();
}

/* The first that may be free, from the one that was tried last. -1: none. */
static int choose(const struct lease *x)
{
    char name[PLACE_TEXT];
    for (int i = 0; i < x->limit; i++) {
        int n = (x->number + i) % x->limit;
        place_name(x, n, name);
        const struct place *p = find_place(x->leases, name);
        if (!p || !p->taken)
            return n;
    }
    return -1;
}

/* ---- one lease ---- */

static void stop_waiting(struct lease *x)
{
    if (x->state != WAITING)
        return;
    list_remove(&x->wait);
    x->group->waiting_count--;
    x->state = ASKING;
}

static void wait(struct lease *x)
{
    x->state = WAITING;
    if (x->waits_told) /* it was in front */
        list_push_front(&x->group->waiting, &x->wait);
    else
        list_push_back(&x->group->waiting, &x->wait);
    x->group->waiting_count++;
    if (x->waits_told)
        return;
    x->waits_told = true;
    x->ev->waits(x, x->arg);
}

static void lease_free(struct lease *x)
{
    struct leases *l = x->leases;
    struct group *g = x->group;
    list_remove(&x->node);
    if (--g->members == 0) {
        HASH_DEL(l->groups, g);
        free(g);
    }
    free(x);
}

static void on_deleted(uint64_t revision, const struct err *why, void *arg)
{
    (void)revision;
    (void)arg;
    if (why)
        log_debug("leases", "a place is left to expire: %s", why->msg);
}

static void delete_entry(struct lease *x)
{
    char name[PLACE_TEXT];
    struct err e = {0};
    place_name(x, x->number, name);
    if (kv_delete(x->leases->kv, name, x->revision, on_deleted, NULL, &e))
        log_debug("leases", "a place is left to expire: %s", e.msg);
}

static void on_taken(uint64_t revision, const struct err *why, void *arg)
{
    struct lease *x = arg;
    struct leases *l = x->leases;
    char name[PLACE_TEXT];
    x->under_way = false;
    place_name(x, x->number, name);
    if (!why) {
        x->revision = revision;
        x->renewed_us = x->sent_us;
        note_place(l, name, true, revision);
        if (x->released) {
            delete_entry(x);
            lease_free(x);
            return;
        }
        x->state = HELD;
        x->ev->got(x, x->arg);
        return;
    }
    if (x->released) {
        lease_free(x);
        return;
    }
    if (why->code != ERR_CONFLICT) {
        trouble(l, "a place cannot be taken", why);
        l->there = l->there && why->code != ERR_UNAVAILABLE;
        x->again_us = clock_mono_us() + AGAIN_US;
        return;
    }
    struct place *p = find_place(l, name);
    if (p && !p->taken) /* the mark of its release is gone too: without a revision */
        drop_place(l, p);
    else
        note_place(l, name, true, p ? p->revision : 0);
    ask(x);
}

static void ask(struct lease *x)
{
    struct leases *l = x->leases;
    char name[PLACE_TEXT];
    struct err e = {0};
    stop_waiting(x);
    x->again_us = 0;
    if (!l->there) {
        x->again_us = 1; /* as soon as it is */
        return;
    }
    int n = choose(x);
    if (n < 0) {
        wait(x);
        return;
    }
    x->number = n;
    x->sent_us = clock_mono_us();
    x->under_way = true;
    place_name(x, n, name);
    const struct place *p = find_place(l, name);
    if (kv_put(l->kv, name, l->value.data, l->value.len, p ? p->revision : 0, on_taken, x, &e)) {
        x->under_way = false;
        trouble(l, "a place cannot be taken", &e);
        x->again_us = clock_mono_us() + AGAIN_US;
    }
}

static void lose(struct lease *x, const char *why)
{
    log_warn("leases", "the place %s.%d is lost: %s", x->group->key, x->number, why);
    x->state = LOST;
    x->ev->lost(x, x->arg);
}

static void on_renewed(uint64_t revision, const struct err *why, void *arg)
{
    struct lease *x = arg;
    x->under_way = false;
    if (!why) {
        x->revision = revision;
        x->renewed_us = x->sent_us;
    }
    if (x->released) {
        if (!why)
            delete_entry(x);
        lease_free(x);
    } else if (why && why->code == ERR_CONFLICT && x->state == HELD) {
        lose(x, "it was not renewed in time, and is not ours any more");
    } else if (why) {
        trouble(x->leases, "a place cannot be renewed", why);
        x->leases->there = x->leases->there && why->code != ERR_UNAVAILABLE;
    }
}

static void renew(struct lease *x, int64_t now)
{
    struct leases *l = x->leases;
    char name[PLACE_TEXT];
    struct err e = {0};
    if (now - x->renewed_us > l->ttl_us / GIVE_UP_PARTS * (GIVE_UP_PARTS - 1)) {
        lose(x, "no renewal was confirmed in time");
        return;
    }
    if (x->under_way || now - x->renewed_us < l->ttl_us / RENEW_PART)
        return;
    place_name(x, x->number, name);
    x->sent_us = now;
    x->under_way = true;
    if (kv_put(l->kv, name, l->value.data, l->value.len, x->revision, on_renewed, x, &e)) {
        x->under_way = false;
        trouble(l, "a place cannot be renewed", &e);
    }
}

/* ---- the bucket ---- */

/* "<key>.<number>": those who wait for the key. */
static void wake(struct leases *l, const char *name)
{
    char key[LEASE_KEY_MAX + 1];
    struct group *g = NULL;
    const char *dot = strrchr(name, '.');
    size_t n = dot ? (size_t)(dot - name) : 0;
    if (!n || n >= sizeof key)
        return;
    memcpy(key, name, n);
    key[n] = 0;
    HASH_FIND_STR(l->groups, key, g);
    if (g && !list_empty(&g->waiting))
        ask(LIST_ENTRY(g->waiting.next, struct lease, wait));
}

static void on_entry(const struct kv_entry *entry, void *arg)
{
    struct leases *l = arg;
    if (strlen(entry->key) >= PLACE_TEXT)
        return;
    note_place(l, entry->key, !entry->deleted, entry->revision);
    if (entry->deleted)
        wake(l, entry->key);
}

static void on_watch_failed(const struct err *why, void *arg)
{
    struct leases *l = arg;
    trouble(l, "places cannot be followed", why);
    kv_watch_free(l->watch);
    l->watch = NULL;
    l->there = false;
    l->ensure_us = clock_mono_us() + AGAIN_US;
}

static void on_ensured(const struct err *why, void *arg)
{
    static const struct kv_watch_events handlers = {.entry = on_entry, .failed = on_watch_failed};
    struct leases *l = arg;
    struct err e = {0};
    l->asked = false;
    if (!why && !l->watch && kv_watch(l->kv, NULL, &handlers, l, &l->watch, &e))
        why = &e;
    if (why) {
        trouble(l, "the bucket of places cannot be had", why);
        l->ensure_us = clock_mono_us() + AGAIN_US;
        return;
    }
    l->there = true;
    LIST_FOREACH(n, &l->all)
    {
        struct lease *x = LIST_ENTRY(n, struct lease, node);
        if (x->state == ASKING && !x->under_way && !x->released)
            ask(x);
    }
}

static void ensure(struct leases *l)
{
    if (l->there || l->asked || clock_mono_us() < l->ensure_us)
        return;
    l->asked = true;
    kv_ensure(l->kv, on_ensured, l);
}

/* Entries that expire at the server are not told of: nobody renewed them. */
static void drop_expired(struct leases *l, int64_t now)
{
    struct place *p, *next;
    HASH_ITER(hh, l->places, p, next)
    {
        if (now - p->seen_us < l->ttl_us + EXPIRY_US)
            continue;
        drop_place(l, p);
    }
}

/* Whoever was woken for a place that is free may have gone. */
static void wake_all(struct leases *l)
{
    struct group *g, *next;
    HASH_ITER(hh, l->groups, g, next)
    {
        struct lease *first =
            list_empty(&g->waiting) ? NULL : LIST_ENTRY(g->waiting.next, struct lease, wait);
        if (first && choose(first) >= 0)
            ask(first);
    }
}

static void on_tick(uv_timer_t *t)
{
    struct leases *l = t->data;
    int64_t now = clock_mono_us();
    ensure(l);
    drop_expired(l, now);
    if (l->there)
        wake_all(l);
    LIST_FOREACH(n, &l->all)
    {
        struct lease *x = LIST_ENTRY(n, struct lease, node);
        if (x->released)
            continue;
        if (x->state == HELD)
            renew(x, now);
        else if (x->state == ASKING && !x->under_way && x->again_us && now >= x->again_us)
            ask(x);
    }
    if (list_empty(&l->all) && !l->places)
        uv_timer_stop(t);
}

/* ---- life ---- */

struct lease *lease_ask(struct leases *l, const char *key, int limit, const struct lease_events *ev,
                        void *arg)
{
    struct lease *x = mem_alloc(sizeof *x);
    struct group *g = NULL;
    CHECK(strlen(key) <= LEASE_KEY_MAX && limit >= 1 && limit <= LEASE_PLACES_MAX);
    HASH_FIND_STR(l->groups, key, g);
    if (!g) {
        g = mem_alloc(sizeof *g);
        snprintf(g->key, sizeof g->key, "%s", key);
        list_init(&g->waiting);
        HASH_ADD_STR(l->groups, key, g);
    }
    g->members++;
    x->leases = l;
    x->group = g;
    x->limit = limit;
    x->ev = ev;
    x->arg = arg;
    x->state = ASKING;
    x->again_us = 1;
    list_push_back(&l->all, &x->node);
    list_init(&x->wait);
    if (!uv_is_active((uv_handle_t *)l->tick))
        uv_timer_start(l->tick, on_tick, 0, l->tick_ms);
    if (l->there && list_empty(&g->waiting) && choose(x) >= 0)
        ask(x);
    else if (l->there)
        uv_timer_start(l->tick, on_tick, 0, l->tick_ms);
    return x;
}

bool lease_held(const struct lease *x)
{
    return x->state == HELD;
}

int lease_waiting(const struct lease *x)
{
    return x->group->waiting_count;
}

void lease_release(struct lease *x)
{
    if (!x)
        return;
    CHECK(!x->released);
    stop_waiting(x);
    x->released = true;
    if (x->under_way)
        return; /* its answer goes on */
    if (x->state == HELD)
        delete_entry(x);
    lease_free(x);
}

struct leases *leases_open(uv_loop_t *loop, struct link *link, const struct config *c,
                           const struct subjects *s)
{
    struct leases *l = mem_alloc(sizeof *l);
    struct jsonw w;
    const struct kv_options o = {
        .bucket = s->leases_bucket,
        .about = "Isolane: places that workers hold for a time",
        .history = 1,
        .ttl_ms = c->nats.lease_s * 1000,
        .max_bytes = BUCKET_BYTES,
        .max_value = VALUE_MAX,
        .replicas = (int)c->nats.replicas,
    };
    l->loop = loop;
    l->config = c;
    l->ttl_us = o.ttl_ms * 1000;
    l->tick_ms = (uint64_t)(o.ttl_ms / TICKS < TICK_MS ? o.ttl_ms / TICKS : TICK_MS);
    l->kv = kv_new(loop, link, &o);
    list_init(&l->all);
    jsonw_init(&w, &l->value);
    jsonw_object(&w);
    jsonw_kstr(&w, "worker", c->worker);
    jsonw_object_end(&w);
    l->tick = mem_alloc(sizeof *l->tick);
    uv_timer_init(loop, l->tick);
    uv_unref((uv_handle_t *)l->tick);
    l->tick->data = l;
    return l;
}

static void free_handle(uv_handle_t *h)
{
    free(h);
}

void leases_close(struct leases *l)
{
    struct place *p, *next;
    if (!l)
        return;
    LIST_FOREACH(n, &l->all)
    {
        struct lease *x = LIST_ENTRY(n, struct lease, node);
        if (x->state == HELD && !x->under_way)
            delete_entry(x);
        lease_free(x);
    }
    kv_watch_free(l->watch);
    kv_free(l->kv); /* answers that are under way come to nobody */
    HASH_ITER(hh, l->places, p, next)
    {
        drop_place(l, p);
    }
    buf_free(&l->value);
    uv_close((uv_handle_t *)l->tick, free_handle);
    free(l);
}
