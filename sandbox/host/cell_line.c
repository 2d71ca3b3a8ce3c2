/* Invocations that wait in a cell behind the one that runs there (frame.h, "Lines").
 *
 * Where one ends and the next begins only the cell knows at once: its DONE carries both clocks. It
 * is believed within bounds: time goes forward and not beyond now, and one thread uses no more CPU
 * time than passes. Behind the last of a line we read the process's clock ourselves, so that all
 * jobs together have exactly what the process used; and the watch compares with that clock too: a
 * cell that says too little of one job has the rest counted to the next. */
#include "base/clock.h"
#include "sandbox/host/cell_inner.h"

bool cell_takes_more(const struct cell *c)
{
    return c->p.state == CELL_RUNNING && c->line_may && c->fd >= 0 && !c->kill_wanted &&
           !c->reaped && !c->lost && c->p.line < FRAME_LINE_MAX;
}

int cell_line_up(struct cell *c, const struct cell_invocation *inv, struct err *e)
{
    size_t len;
    if (!cell_takes_more(c))
        return err_set(e, ERR_UNAVAILABLE, "the cell takes no more");
    int rc = cell_check_invocation(inv, &len, e);
    if (rc)
        return rc;
    if (inv->reuse != FRAME_REUSE_AGAIN || len > FRAME_LINE_BYTES)
        return err_set(e, ERR_LIMIT, "the job is not one that waits in line");
    c->line[(c->line_at + c->p.line++) % FRAME_LINE_MAX] =
        (struct lined){.id = inv->id,
                       .value_bytes = inv->value_bytes,
                       .cpu_us = inv->cpu_us,
                       .wall_us = inv->wall_us};
    cell_cork_for_turn(c); /* jobs come many at a time, and this one has to wait anyway */
    cell_send_invocation(c, inv, len);
    return 0;
}

static int64_t within(uint64_t said, int64_t least, int64_t most)
{
    if (said <= (uint64_t)least)
        return least;
    return said > (uint64_t)most ? most : (int64_t)said;
}

int64_t cell_line_done(struct cell *c, const struct frame_done *d)
{
    int64_t began = c->watched.started_us, now = clock_mono_us();
    int64_t at = within(d->at_us, began, now > began ? now : began);
    c->cpu_at_done_us =
        within(d->cpu_us, c->cpu_at_invoke_us, c->cpu_at_invoke_us + (at - began) + LINE_CLOCK_US);
    return at;
}

int64_t cell_go_on(struct cell *c)
{
    const struct lined *next = &c->line[c->line_at];
    CHECK(c->p.line > 0 && c->p.state == CELL_READY && c->done_at_us > 0);
    c->line_at = (c->line_at + 1) % FRAME_LINE_MAX;
    c->p.line--;
    c->cpu_at_invoke_us = c->cpu_at_done_us;
    protocol_invoke(&c->p, &c->in, next->id, next->value_bytes, true);
    c->watched.cpu_at_start_us = c->cpu_at_invoke_us;
    c->watched.cpu_limit_us = next->cpu_us;
    c->watched.wall_limit_us = next->wall_us;
    watch_begin_at(zygote_watcher(c->z), &c->watched, c->done_at_us);
    return c->done_at_us;
}
