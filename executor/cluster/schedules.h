/* The schedules of the cluster, ticking: every worker watches the bucket ISOLANE_SCHEDULES and
 * starts what is due by publishing the tick's job to the queue, so that each tick is started
 * exactly once however many workers there are (schedules.c says why). Loop thread only. A bad entry
 * is logged once and left alone; nothing here ends the worker. */
#pragma once

#include <uv.h>

#include "base/clock.h"
#include "base/err.h"
#include "config/config.h"
#include "link/link.h"
#include "link/subjects.h"

struct schedules;

struct schedules_options {
    uv_loop_t *loop;
    const struct config *config;     /* kept */
    const struct subjects *subjects; /* kept */
    struct link *link;
    int64_t (*now_us)(void); /* NULL: clock_real_us */
};

/* The jobs stream should be there. */
struct schedules *schedules_open(const struct schedules_options *o);
/* No tick is started any more; what is under way ends. NULL is fine. */
void schedules_stop(struct schedules *s);
/* Before link_close(). The memory goes with the last answer that is under way. NULL is fine. */
void schedules_close(struct schedules *s);
