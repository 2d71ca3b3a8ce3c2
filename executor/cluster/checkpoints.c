#include "executor/cluster/checkpoints.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "link/js.h"
#include "results/envelope.h"
#include "results/prune.h"

#define AGAIN_MS 2000

struct checkpoints {
    struct checkpoints_context ctx;
    uv_timer_t again;
    bool sent, newer, closed, timer_closed; /* newer: asked for again while one is under way */
};

static void maybe_free(struct checkpoints *c)
{
    if (c->closed && c->timer_closed && !c->sent)
        free(c);
}

static void on_again(uv_timer_t *t)
{
    checkpoints_publish(t->data);
}

static void on_stored(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct checkpoints *c = arg;
    (void)seq;
    (void)duplicate;
    c->sent = false;
    if (c->closed) {
        maybe_free(c);
    } else if (why && why->code != ERR_CONFLICT) { /* ERR_CONFLICT: it is there already */
        log_debug("retention", "a checkpoint is not published yet: %s", why->msg);
        uv_timer_start(&c->again, on_again, AGAIN_MS, 0);
    } else if (c->newer) {
        checkpoints_publish(c);
    } else {
        c->ctx.stored(c->ctx.arg);
    }
}

void checkpoints_publish(struct checkpoints *c)
{
    struct prune_runs runs = {0};
    struct prune_run place = {0};
    char *envelope = NULL, subject[SUBJECT_MAX], keyid[KEYID_LEN];
    size_t len = 0;
    struct err e = {0};
    c->newer = c->sent;
    if (c->sent)
        return;
    if (prune_read(c->ctx.store, &runs, &place, &envelope, &len, &e)) {
        log_warn("retention", "a checkpoint is not published yet: %s", e.msg);
        uv_timer_start(&c->again, on_again, AGAIN_MS, 0);
    } else if (!envelope || !envelope_keyid(envelope, len, keyid)) {
        c->ctx.stored(c->ctx.arg);
    } else {
        subject_checkpoint(c->ctx.subjects, keyid, place.first, subject);
        c->sent = true;
        if (js_publish(c->ctx.link, subject, NULL, 0, envelope, len, 0, on_stored, c, &e))
            on_stored(0, false, &e, c);
    }
    prune_runs_free(&runs);
    free(envelope);
}

struct checkpoints *checkpoints_open(const struct checkpoints_context *ctx)
{
    struct checkpoints *c = mem_alloc(sizeof *c);
    c->ctx = *ctx;
    uv_timer_init(ctx->loop, &c->again);
    uv_unref((uv_handle_t *)&c->again);
    c->again.data = c;
    return c;
}

static void on_closed(uv_handle_t *h)
{
    struct checkpoints *c = h->data;
    c->timer_closed = true;
    maybe_free(c);
}

void checkpoints_close(struct checkpoints *c)
{
    if (!c)
        return;
    c->closed = true;
    uv_close((uv_handle_t *)&c->again, on_closed);
}
