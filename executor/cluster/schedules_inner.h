/* What the table of schedules (schedules.c) and one tick on its way (schedule_tick.c) share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "base/list.h"
#include "executor/cluster/schedules.h"
#include "link/kv.h"
#include "queue/schedule/schedule.h"

struct entry {
    UT_hash_handle hh;
    char key[SCHEDULE_KEY_MAX + 1];
    struct schedule s; /* without its job */
    uint64_t revision;
    int64_t started_s;     /* newest tick whose job the stream has confirmed to us */
    int64_t at_us;         /* when it is to be looked at, real time; INT64_MAX: never */
    int64_t not_before_us; /* monotonic: after a failure */
    int64_t behind_us;     /* others go first */
    bool busy, bad;
    char said[SCHEDULE_ERROR_MAX]; /* what was logged about it */
};

/* One tick on its way. It outlives its entry: by key it is found again, or not. */
struct tick {
    struct list node;
    struct schedules *o; /* NULL: closed, only the answer is waited for */
    char key[SCHEDULE_KEY_MAX + 1];
    struct schedule s; /* as read, with its job */
    uint64_t revision;
    int64_t tick_s;
    bool through_kv; /* the answer that is waited for: kv_free() takes it away */
    char id[JOB_ID_MAX + 1], unique[TENANT_NAME_MAX + 1 + JOB_ID_MAX + 1];
    uint64_t queue_seq;
    int looks;
    bool later_seen;   /* not in the stream of jobs that wait */
    int64_t looked_us; /* when looking began, monotonic; 0: there was no need */
};

enum bucket_state { BUCKET_MAKING, BUCKET_WATCHED };

struct schedules {
    struct schedules_options o;
    int64_t late_ms;
    struct kv *kv;
    struct kv_watch *watch;
    enum bucket_state state;
    uv_timer_t timer;
    struct entry *by_key;
    struct list ticks;
    int under_way;
    bool stopped, closed, timer_closed, full_told, failed_told;
};

struct entry *schedules_find(struct schedules *o, const char *key);
/* When the entry is to be looked at next. */
void schedules_set_at(struct schedules *o, struct entry *n);
/* Begins what is due and sets the timer. */
void schedules_wake(struct schedules *o);

/* Starts what is due of an entry that is not busy; it is until that is done. */
void tick_begin(struct schedules *o, struct entry *n);
/* At the end, taken out of the list: frees it now, or when its answer comes. */
void tick_abandon(struct tick *t);
