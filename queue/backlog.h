/* Jobs that wait in this worker: weighted deficit round robin over tenants inside each class,
 * classes in the ratio 8:4:1 so that low is never starved, ceilings on what a tenant runs at once,
 * begins in a second and uses up in an hour.
 * A job waits for a cell of its profile; jobs of the others pass it meanwhile.
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
    enum profile profile;        /* likewise */
    bool reuse;                  /* likewise: a cell that stayed behind a job will do, too */
    bool queued;
    int64_t order; /* of its lane */
};

/* now_us here and below: of a clock that does not go back. */
struct backlog *backlog_new(const struct config *c, int64_t now_us);
void backlog_free(struct backlog *b); /* must be empty */

void backlog_add(struct backlog *b, struct backlog_entry *x);
/* In front of its tenant's queue: a job that lost its cell through no fault of its own. */
void backlog_add_front(struct backlog *b, struct backlog_entry *x);
void backlog_remove(struct backlog *b, struct backlog_entry *x); /* cancelled while waiting */

/* What there are cells for: sets of profiles (1 << enum profile) for any job, and for jobs with
 * `reuse`. */
#define BACKLOG_CELLS(any, reuse) ((any) | ((any) | (reuse)) << PROFILES)
#define BACKLOG_ALL               BACKLOG_CELLS((1u << PROFILES) - 1, 0)

/* The next job that may run, taken out, of those that there are cells for (BACKLOG_CELLS); NULL
 * when there is none (or every tenant with one is at a ceiling). Counts it as running and begun for
 * its tenant. */
struct backlog_entry *backlog_next(struct backlog *b, unsigned cells, int64_t now_us);
/* After backlog_next() gave NULL: when a tenant that is held up by jobs_per_s or cpu_s_per_hour may
 * begin its next job; INT64_MAX: none is. */
int64_t backlog_wake_us(const struct backlog *b);
/* The attempt of that tenant ended. */
void backlog_ended(struct backlog *b, const struct tenant *t);
/* Instead: it did not begin after all. */
void backlog_not_begun(struct backlog *b, const struct tenant *t);
/* It was given to a cell that is busy, behind the job that runs there: begun, but it runs from
 * backlog_leaves_line() on. That with began false: it comes back, and did not begin. */
void backlog_lines_up(struct backlog *b, const struct tenant *t);
void backlog_leaves_line(struct backlog *b, const struct tenant *t, bool began);
/* CPU time that its jobs used, at_us at the latest. */
void backlog_used(struct backlog *b, const struct tenant *t, int64_t cpu_us, int64_t at_us,
                  int64_t now_us);

int backlog_count(const struct backlog *b);
int backlog_count_of(const struct backlog *b, enum profile p);
/* Any job of that profile, whatever its tenant runs, taken out; NULL: none waits. It does not count
 * as running. For jobs that will not be run. */
struct backlog_entry *backlog_withdraw(struct backlog *b, enum profile p);
