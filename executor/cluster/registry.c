#include "executor/cluster/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "link/kv.h"

/* How this works: one request is under way at a time. A timer is the heartbeat when the name is
 * held, and the next try before. */

#define AGAIN_MS 1000
#define LOOK_MS  200 /* between two looks at an entry that may be dead */
#define TRIES    5   /* without an answer, before the first success */

enum registry_state { MAKING, CLAIMING, LOOKING, HELD, REFUSED };

struct registry {
    struct kv *kv;
    struct registry_events ev;
    void *arg;
    enum registry_state state;
    uv_timer_t timer;
    struct worker_entry me;
    uint64_t revision; /* of our entry, or of the one to be replaced */
    bool under_way, dirty, held_told;
    int unanswered;
    uint64_t seen; /* revision of another's entry, 0: none seen */
    int64_t seen_us;
};

static void act(struct registry *r);
static void on_timer(uv_timer_t *t);

static void later(struct registry *r, int64_t ms)
{
    uv_timer_start(&r->timer, on_timer, (uint64_t)ms, 0);
}

static void refuse(struct registry *r, const struct err *why)
{
    r->state = REFUSED;
    uv_timer_stop(&r->timer);
    r->ev.refused(why, r->arg);
}

/* No answer, or one that tells nothing about the entry. */
static void failed(struct registry *r, const struct err *why)
{
    struct err e;
    log_debug("registry", "%s", why->msg);
    if (why->code == ERR_TIMEOUT) /* a cluster without a leader answers that it has none */
        r->unanswered++;
    if (!r->held_told && r->unanswered >= TRIES) {
        err_set(&e, why->code,
                "no entry in the registry: %.400s (may our login use $KV.> and $JS.API.>? "
                "nats.heartbeat_s: 0 does without)",
                why->msg);
        refuse(r, &e);
        return;
    }
    later(r, r->state == HELD ? r->me.heartbeat_ms : AGAIN_MS);
}

/* ---- writing ---- */

static void on_written(uint64_t revision, const struct err *why, void *arg)
{
    struct registry *r = arg;
    r->under_way = false;
    if (r->state == REFUSED)
        return;
    if (why && why->code == ERR_CONFLICT) {
        r->state = LOOKING;
        act(r);
        return;
    }
    if (why) {
        failed(r, why);
        return;
    }
    r->state = HELD;
    r->revision = revision;
    r->unanswered = 0;
    r->seen = 0;
    later(r, r->dirty ? 0 : r->me.heartbeat_ms);
    if (!r->held_told) {
        r->held_told = true;
        r->ev.held(r->arg);
    }
}

static void write_entry(struct registry *r, uint64_t replaces)
{
    struct buf b = {0};
    struct err e = {0};
    r->ev.fill(&r->me, r->arg);
    r->me.beat_at_us = clock_real_us();
    r->dirty = false;
    worker_entry_write(&r->me, &b);
    if (kv_put(r->kv, r->me.worker, b.data, b.len, replaces, on_written, r, &e))
        failed(r, &e);
    else
        r->under_way = true;
    buf_free(&b);
}

/* ---- somebody's entry ---- */

static void another(struct registry *r, const struct worker_entry *w)
{
    struct err e;
    char since[CLOCK_RFC3339_LEN];
    clock_rfc3339(w->started_at_us, since);
    if (r->held_told)
        err_set(&e, ERR_EXISTS,
                "the name '%s' was taken by another worker while this one was not heard of: pid "
                "%lld on %s, since %s",
                r->me.worker, (long long)w->pid, w->host, since);
    else
        err_set(&e, ERR_EXISTS,
                "a worker named '%s' is there already: pid %lld on %s, since %s; give this one a "
                "name of its own (`worker` in the configuration, ISOLANE_WORKER), or end that one",
                r->me.worker, (long long)w->pid, w->host, since);
    refuse(r, &e);
}

/* Whether the entry may be replaced now; else it is looked at again, or we are refused. */
static bool may_replace(struct registry *r, const struct kv_entry *entry, bool readable,
                        const struct worker_entry *w)
{
    int64_t now = clock_mono_us();
    int64_t patience_ms =
        WORKER_SILENT * (readable && w->heartbeat_ms ? w->heartbeat_ms : r->me.heartbeat_ms);
    if (readable && worker_process_gone(w->process))
        return true;
    if (!r->seen && readable && !r->held_told)
        log_warn("registry",
                 "the name '%s' is held by pid %lld on %s: waiting at most %.1f s for a sign of it",
                 r->me.worker, (long long)w->pid, w->host, (double)patience_ms / 1000);
    if (r->seen && r->seen != entry->revision) { /* it lives */
        another(r, w);
        return false;
    }
    if (!r->seen) {
        r->seen = entry->revision;
        r->seen_us = now;
    }
    return now - r->seen_us > patience_ms * 1000;
}

static void on_entry(const struct kv_entry *entry, const struct err *why, void *arg)
{
    struct registry *r = arg;
    struct worker_entry w;
    r->under_way = false;
    if (r->state == REFUSED)
        return;
    if (!entry && why->code == ERR_NOT_FOUND) {
        r->state = CLAIMING;
        write_entry(r, 0);
        return;
    }
    if (!entry) {
        failed(r, why);
        return;
    }
    bool readable = !worker_entry_read(entry->value, entry->len, &w, NULL);
    if (readable && !strcmp(w.instance, r->me.instance)) { /* written, and the answer was lost */
        r->state = CLAIMING;
        write_entry(r, entry->revision);
    } else if (readable && r->held_told) {
        another(r, &w);
    } else if (may_replace(r, entry, readable, &w)) {
        log_info("registry", "taking over the name '%s' from an instance that is gone",
                 r->me.worker);
        r->state = CLAIMING;
        write_entry(r, entry->revision);
    } else if (r->state != REFUSED) {
        later(r, LOOK_MS);
    }
}

/* ---- the next step ---- */

static void on_made(const struct err *why, void *arg)
{
    struct registry *r = arg;
    r->under_way = false;
    if (r->state == REFUSED)
        return;
    if (why) {
        failed(r, why);
        return;
    }
    r->state = CLAIMING;
    act(r);
}

static void act(struct registry *r)
{
    struct err e = {0};
    if (r->under_way)
        return;
    switch (r->state) {
    case MAKING:
        r->under_way = true; /* before: kv_ensure() may answer at once */
        kv_ensure(r->kv, on_made, r);
        break;
    case CLAIMING:
        write_entry(r, 0);
        break;
    case LOOKING:
        if (kv_get(r->kv, r->me.worker, on_entry, r, &e))
            failed(r, &e);
        else
            r->under_way = true;
        break;
    case HELD:
        write_entry(r, r->revision);
        break;
    case REFUSED:
        break;
    }
}

static void on_timer(uv_timer_t *t)
{
    act(t->data);
}

void registry_tell(struct registry *r)
{
    if (!r || r->state != HELD)
        return;
    r->dirty = true;
    if (!r->under_way)
        later(r, 0);
}

/* ---- life ---- */

const char *registry_instance(const struct registry *r)
{
    return r->me.instance;
}

struct registry *registry_open(uv_loop_t *loop, struct link *l, const struct registry_options *o,
                               const struct registry_events *ev, void *arg)
{
    struct registry *r = mem_alloc(sizeof *r);
    uint8_t random[16];
    struct kv_options ko = {
        .bucket = o->bucket,
        .about = "workers of Isolane and their heartbeats",
        .history = 1,
        .ttl_ms = WORKER_TTL_S * 1000,
        .max_bytes = -1,
        .max_value = WORKER_ENTRY_MAX,
        .replicas = o->replicas,
    };
    r->kv = kv_new(loop, l, &ko);
    r->ev = *ev;
    r->arg = arg;
    crypto_random(random, sizeof random);
    crypto_hex(random, sizeof random, r->me.instance);
    snprintf(r->me.worker, sizeof r->me.worker, "%s", o->worker);
    snprintf(r->me.version, sizeof r->me.version, "%s", ISOLANE_VERSION);
    gethostname(r->me.host, sizeof r->me.host - 1);
    worker_process_self(r->me.process);
    r->me.pid = getpid();
    r->me.started_at_us = clock_real_us();
    r->me.heartbeat_ms = o->heartbeat_ms;
    uv_timer_init(loop, &r->timer);
    r->timer.data = r;
    later(r, 0);
    return r;
}

static void on_deleted(uint64_t revision, const struct err *why, void *arg)
{
    (void)revision; /* nobody waits for it */
    (void)why;
    (void)arg;
}

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

void registry_close(struct registry *r)
{
    struct err e = {0};
    if (!r)
        return;
    /* With a heartbeat under way its revision is not known yet; it was ours a moment ago. */
    if (r->state == HELD &&
        kv_delete(r->kv, r->me.worker, r->under_way ? KV_ANY : r->revision, on_deleted, NULL, &e))
        log_debug("registry", "the entry stays until it runs out: %s", e.msg);
    kv_free(r->kv);
    uv_close((uv_handle_t *)&r->timer, on_closed);
}
