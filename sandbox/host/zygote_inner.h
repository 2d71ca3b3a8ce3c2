/* The inside of a zygote's handle: zygote.c (process, cells, epoll, deadlines) and zygote_said.c
 * (what it tells on its control socket). */
#pragma once

#include <uv.h>

#include "base/list.h"
#include "sandbox/host/cell_inner.h"
#include "sandbox/host/claims.h"

#define KEPT_OUTS 4    /* as many cells as often gather frames at once */
#define BUCKETS   256u /* numbers are consecutive: live cells spread evenly */

enum zygote_state { ZYGOTE_STARTING, ZYGOTE_UP, ZYGOTE_ENDING, ZYGOTE_GONE };

struct zygote {
    enum zygote_state state;
    bool freeing;
    int closing; /* handles whose close callback is to come */
    struct zygote_events ev;
    void *arg;
    struct zygote_info info;
    uv_poll_t poll;
    uv_timer_t timer;
    uv_prepare_t turn_done;
    struct list gathering; /* cells that frames are gathered for until the turn is done */
    int epoll, control, pidfd, words;
    bool attends;   /* the control socket wakes the loop */
    bool in_events; /* attend() follows */
    int pressing;   /* cells of which the zygote has something to tell that somebody waits for */
    struct cgroup *cgroup; /* may be NULL */
    int64_t started_us;
    struct claims claims;
    int live;
    struct cell *buckets[BUCKETS];
    struct list waits[WAITS];
    struct watch *watch;
    struct err why;             /* code 0: not known yet */
    struct buf outs[KEPT_OUTS]; /* zygote_keep_out() */
    int out_count;
    char scratch[SCRATCH_SIZE];
};

/* The cell of that number, NULL: it has gone. */
struct cell *zygote_find(const struct zygote *z, uint64_t number);
/* Kills the process; the pidfd tells when it has ended. */
void zygote_end(struct zygote *z);

/* zygote_said.c: takes up to so many messages, if there are any. */
void zygote_hear(struct zygote *z, int most);
