/* Jobs that wait in this worker: weighted deficit round robin over tenants inside each class,
 * classes in the ratio 8:4:1 so that low is never starved, ceilings on what a tenant runs at once.
 * Bounded by the intake's prefetch. Loop thread only.
 *
 * An entry is intrusive: the executor embeds struct backlog_entry in what it queues. */
#pragma once

#include <stdbool.h>

#include "base/list.h"
#include "config/config.h"
#include "link/subjects.h"

struct backlog;

struct backlog_entry {
    struct list node;            /* backlog's */
    const struct tenant *tenant; /* set by the caller before adding */
    enum job_class cls;          /* likewise */
    bool queued;
};

struct backlog *backlog_new(const struct config *c);
void backlog_free(struct backlog *b); /* must be empty */

void backlog_add(struct backlog *b, struct backlog_entry *x);
/* In front of its tenant's queue: a job that lost its cell through no fault of its own. */
void backlog_add_front(struct backlog *b, struct backlog_entry *x);
void backlog_remove(struct backlog *b, struct backlog_entry *x); /* cancelled while waiting */

/* The next job that may run, taken out; NULL when there is none (or every tenant with one is at its
 * max_running). Counts it as running for its tenant. */
struct backlog_entry *backlog_next(struct backlog *b);
/* The attempt of that tenant ended. */
void backlog_ended(struct backlog *b, const struct tenant *t);

int backlog_count(const struct backlog *b);
