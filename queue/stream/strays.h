/* Subjects of the jobs stream that hold jobs: so a worker that takes jobs tenant by tenant notices
 * those of tenants it has no consumer for (tenants that are not configured: their jobs get an
 * answer too). One request at a time. Loop thread only. */
#pragma once

#include "base/err.h"
#include "link/link.h"
#include "queue/stream/consumer.h"

struct strays;

struct strays_events {
    /* A subject with jobs on it: whose consumer would be this (lives for the call). */
    void (*subject)(const struct consumer *c, int64_t jobs, void *arg);
    void (*looked)(void *arg); /* all have been told */
};

struct strays *strays_new(struct link *l, const struct subjects *s, const struct strays_events *ev,
                          void *arg);
/* Asks, unless it is asking already. */
void strays_look(struct strays *t);
void strays_free(struct strays *t); /* NULL is fine; no call any more */
