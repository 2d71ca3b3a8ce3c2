/* A job in the line of a cell that is busy (warm.h): sent, and not begun. */
#include "executor/attempt/attempt_inner.h"

#define SMALL_BYTES (FRAME_LINE_BYTES / 2) /* beside names and what the frame says by numbers */

static void on_begins(int64_t started_us, void *arg)
{
    struct attempt *a = arg;
    uv_timer_stop(&a->timer); /* of a deadline before the start */
    attempt_begin(a, started_us);
    a->owner->begins(a, a->arg);
}

static void on_returned(void *arg)
{
    struct attempt *a = arg;
    attempt_close_secrets(a);
    a->cell = NULL;
    a->stay = NULL;
    attempt_move(a, ATTEMPT_WAITING);
    a->owner->returned(a, a->arg);
}

bool attempt_may_line_up(const struct attempt *a)
{
    const struct job *j = a->job;
    return j->reuse == REUSE_SCRIPT && !*j->concurrency_key && !a->secrets && !j->archive &&
           j->input_len + j->env_len + j->parents_len <= SMALL_BYTES;
}

int attempt_line_up(struct attempt *a, struct warm_cell *stay, struct err *e)
{
    struct buf env = {0}, grants = {0};
    struct cell_invocation inv;
    attempt_invocation(a, stay, FRAME_REUSE_AGAIN, &env, &grants, &inv);
    int rc = cell_line_up(warm_cell(stay), &inv, e);
    buf_free(&env);
    buf_free(&grants);
    if (rc)
        return rc;
    a->cell = warm_cell(stay);
    a->stay = stay;
    a->waiter = (struct warm_waiter){
        .ev = &attempt_cell_events, .begins = on_begins, .returned = on_returned, .arg = a};
    list_init(&a->waiter.node);
    attempt_move(a, ATTEMPT_LINED);
    warm_line_up(stay, &a->waiter);
    return 0;
}

void attempt_leave_line(struct attempt *a)
{
    CHECK(a->state == ATTEMPT_LINED);
    warm_break_line(a->stay);
}
