/* What the files of the intake share: intake.c (pullers, life), intake_held.c (deliveries),
 * intake_setup.c (streams and consumers). Nobody else includes this. */
#pragma once

#include "base/list.h"
#include "queue/stream/intake.h"
#include "queue/stream/puller.h"
#include "queue/stream/rivals.h"
#include "queue/stream/streams.h"

#define PROGRESS_PART 3 /* in-progress every third of ack_wait */

enum intake_state { SETTING_UP, PULLING, STOPPED };

struct intake {
    uv_loop_t *loop;
    struct link *link;
    const struct config *config;
    struct subjects subjects;
    struct intake_events ev;
    void *arg;
    enum intake_state state;
    struct streams *setup; /* under way; NULL: none */
    bool ready_told, sequences_repeat, paused;
    bool partial;      /* the set-up under way is of consumers alone */
    uint64_t used_seq; /* see intake_open() */
    int setups_unanswered;
    int64_t setup_again_us; /* 0: not planned */
    struct err trouble;     /* last logged */
    int64_t trouble_us;
    int64_t looked_us, look_us;
    struct quota quotas[CLASSES];
    struct list pullers;
    struct puller *by_name; /* hash */
    int puller_count, strays;
    char inbox[48]; /* "_INBOX.<random>" */
    int inboxes;
    bool found;             /* subjects that have no consumer yet */
    struct strays *looking; /* NULL: consumers are by class */
    struct rivals *rivals;  /* under way; NULL: none */
    struct rivals_seen rivals_seen;
    struct list held;
    uv_timer_t watch, progress;
    int handles;
};

/* Trouble is told, not repeated twice a second. */
void intake_tell(struct intake *i, const struct err *why);

/* ---- intake_setup.c ---- */
void intake_set_up(struct intake *i);
/* all: the streams too, and every consumer; else those that nobody has asked for yet. */
void intake_begin_set_up(struct intake *i, bool all);

/* ---- intake_held.c ---- */
/* A puller's job: struct puller_owner. */
void intake_held_take(struct puller *p, struct link_msg *m, const struct ack_facts *facts,
                      void *arg);
/* "I am still at it", for all that would otherwise run out before the next time. */
void intake_held_keep(struct intake *i);
/* Nobody's any more: their owners free them later. */
void intake_held_forget(struct intake *i);
