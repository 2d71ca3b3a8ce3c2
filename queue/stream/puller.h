/* One consumer's pulls: how many jobs this worker asks it for, and when. Loop thread only; owned by
 * the intake. What all pullers of a class hold together is bounded by their struct quota. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "base/list.h"
#include "config/config.h"
#include "link/acksubject.h"
#include "link/link.h"
#include "queue/stream/consumer.h"

/* What the pullers of one class share. want (B) is what a tenant that is alone may hold; all
 * together hold at most 2 B and what their waiting probes bring (B, or one a puller if there are
 * more of those). Tenants with ceilings of their own stand outside: their jobs may wait here for an
 * hour, and must not take the others' places (their bytes count like all). */
struct quota {
    int want;
    int64_t weight_all, weight_active; /* sums: of all pullers; of those that have work */
    int held;
    int64_t held_bytes;
    int promised; /* jobs that pulls beyond the probes may still bring */
};

struct puller;

struct puller_owner {
    bool (*pulling)(void *arg); /* streams and consumers are there */
    void (*job)(struct puller *p, struct link_msg *m, const struct ack_facts *facts, void *arg);
    void (*trouble)(const struct err *why, void *arg);
    void (*gone)(struct puller *p, void *arg); /* its consumer is not there any more */
};

struct puller {
    const struct puller_owner *owner;
    void *arg;
    struct link *link;
    struct quota *quota;
    struct consumer consumer;
    struct list node;             /* the owner's */
    UT_hash_handle hh;            /* the owner's, by name */
    char name[CONSUMER_NAME_MAX]; /* of the consumer */
    int64_t weight;
    int limited; /* its tenant has ceilings: it holds at most so many that do not run, and takes
                  * nothing of what the others share; 0: it has none */
    int kept;    /* the owner's: deliveries that name this puller, set aside or not */
    bool stray;  /* the owner's: of a tenant that is not configured */
    bool ready;  /* its consumer is there */
    struct link_sub *sub;
    char inbox[80];
    char pull_subject[SUBJECT_MAX];
    int held;
    int64_t held_bytes;
    int64_t used_us; /* when it last held something */

    /* inside */
    uint64_t pulls; /* number of the present pull: last token of its reply subject */
    bool waiting;   /* a pull is at the server */
    bool active;    /* counted in quota.weight_active */
    int left;       /* jobs the pull may still bring */
    int promised;   /* counted in quota.promised */
    int brought;
    int64_t sent_us, heard_us, expires_us, not_before_us;
    int64_t heartbeat_us;
};

/* inbox: a prefix nobody else has. */
int puller_open(struct puller *p, const char *inbox, const struct subjects *s, struct err *e);
void puller_close(struct puller *p); /* not its memory; repeating does no harm */

/* Sends a pull when one is due. */
void puller_go_on(struct puller *p);
/* The server does not know its pull any more. */
void puller_forget(struct puller *p);
/* From time to time: notices a pull that is lost. heartbeat_us: for the pulls to come. */
void puller_watch(struct puller *p, int64_t now_us, int64_t heartbeat_us);
/* Takes no more: what comes all the same goes to the owner. */
void puller_stop(struct puller *p, const struct subjects *s);

/* The owner took a job (true) or it was the owner's no longer. */
void puller_took(struct puller *p, int64_t bytes);
void puller_gave(struct puller *p, int64_t bytes);
/* More than it may hold, with one job more: of a pull that was given up as lost. */
bool puller_is_full(const struct puller *p);
