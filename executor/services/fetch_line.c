/* The requests of a run that wait: as many as egress.max_concurrent are under way.
 *
 * How this works: they begin in order, as others end. A timer does that, since an end is told from
 * deep inside the request that ends. Requests end by themselves, by their bounds of time at the
 * latest, but for those whose response the script does not read. When all are such ones, for
 * egress.connect_timeout_ms, the first of the line is refused: a script that waits for it would
 * wait for ever, and is told what to do instead. */
#include "executor/services/fetch_inner.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "executor/services/world.h"

#define LINE_BYTES (4u << 20) /* bytes that those of a run may ask for together */

static const struct egress_config *config_of(const struct fetch_run *r)
{
    return &r->net->world->config->egress;
}

bool fetch_line_is_free(const struct fetch_run *r)
{
    return r->running < config_of(r)->max_concurrent && list_empty(&r->line);
}

static int refusal(const struct fetch_run *r, struct err *e)
{
    return err_set(e, ERR_LIMIT,
                   "net: found more than %" PRId64
                   " requests at once, responses whose bodies are not read to their end among "
                   "them; allowed: up to that many (egress.max_concurrent)",
                   config_of(r)->max_concurrent);
}

static struct fetch *first(struct fetch_run *r)
{
    return list_empty(&r->line) ? NULL : LIST_ENTRY(r->line.next, struct fetch, node);
}

static void go_on(struct fetch *f)
{
    struct fetch_waiting *w = f->waiting;
    struct fetch_ask ask = w->ask;
    struct egress_decision from = w->from;
    const bool body_ended = w->body_ended;
    w->ask = (struct fetch_ask){0};
    fetch_line_leave(f);
    if (body_ended)
        ask.body_stream = 0; /* nothing came over it */
    fetch_begin(f, &ask, ask.from ? &from : NULL);
    fetch_ask_free(&ask);
}

/* Does none go on unless the script reads? */
static bool all_unread(struct fetch_run *r)
{
    LIST_FOREACH(n, &r->fetches)
    {
        const struct fetch *f = LIST_ENTRY(n, struct fetch, node);
        if (!f->down || cell_stream_room(f->down) > 0)
            return false;
    }
    return true;
}

static void on_turn(uv_timer_t *h)
{
    struct fetch_run *r = h->data;
    struct fetch *f;
    struct err e;
    if (r->running >= config_of(r)->max_concurrent && all_unread(r) && (f = first(r))) {
        refusal(r, &e);
        fetch_fail(f, &e);
    }
    while (r->running < config_of(r)->max_concurrent && (f = first(r)))
        go_on(f);
    if (first(r))
        uv_timer_start(h, on_turn, (uint64_t)config_of(r)->connect_timeout_ms, 0);
}

int fetch_line_join(struct fetch *f, struct fetch_ask *a, const struct egress_decision *from,
                    struct err *e)
{
    struct fetch_run *r = f->run;
    const size_t bytes = sizeof *f->waiting + a->url.len + a->fields.texts.len + a->body.len;
    if (r->line_bytes + bytes > LINE_BYTES)
        return refusal(r, e);
    if (!r->turn) {
        r->turn = mem_alloc(sizeof *r->turn);
        r->turn->data = r;
        CHECK(uv_timer_init(r->net->world->loop, r->turn) == 0);
    }
    f->waiting = mem_alloc(sizeof *f->waiting);
    f->waiting->ask = *a;
    f->waiting->bytes = bytes;
    if (from)
        f->waiting->from = *from;
    *a = (struct fetch_ask){0};
    r->line_bytes += bytes;
    list_push_back(&r->line, &f->node);
    if (!uv_is_active((uv_handle_t *)r->turn))
        uv_timer_start(r->turn, on_turn, (uint64_t)config_of(r)->connect_timeout_ms, 0);
    return 0;
}

void fetch_line_leave(struct fetch *f)
{
    list_remove(&f->node);
    f->run->line_bytes -= f->waiting->bytes;
    fetch_ask_free(&f->waiting->ask);
    free(f->waiting);
    f->waiting = NULL;
}

void fetch_line_moves(struct fetch_run *r)
{
    if (r->turn && first(r))
        uv_timer_start(r->turn, on_turn, 0, 0);
}

static void on_turn_closed(uv_handle_t *h)
{
    free(h);
}

void fetch_line_end(struct fetch_run *r)
{
    while (first(r))
        fetch_free(first(r));
    if (r->turn)
        uv_close((uv_handle_t *)r->turn, on_turn_closed);
    r->turn = NULL;
}
