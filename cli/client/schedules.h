/* The schedules of a cluster as commands see them (queue/schedule/schedule.h). Each call runs the
 * client's loop until the answer is there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/client/client.h"
#include "link/kv.h"
#include "queue/schedule/schedule.h"

struct stored_schedule {
    char *key; /* owned, as are the others */
    char *json;
    size_t len;
    uint64_t revision;
    struct schedule s; /* only when `bad` is not set */
    bool bad;
    struct err why; /* of a bad one: what cannot be read; else what is wrong with its job, code 0:
                       nothing, as far as this configuration knows the tenant */
};

struct stored_list {
    struct stored_schedule *v; /* by key */
    int n, cap;
};

/* All, or with `tenant` those of it, or with `name` too that one. No bucket: an empty list. */
int schedules_read(struct client *c, const char *tenant, const char *name, struct stored_list *out,
                   struct err *e);
void schedules_free(struct stored_list *l);

/* revision as in kv_put(); makes the bucket when it is not there. */
int schedules_put(struct client *c, const struct schedule *s, uint64_t revision, struct err *e);
int schedules_delete(struct client *c, const char *key, uint64_t revision, struct err *e);

/* "2026-11-21T10:00:00Z", or "-" for what is negative. */
#define TICK_TEXT 40
const char *tick_text(int64_t at_s, char out[TICK_TEXT]);

/* What is printed of them (schedule_show.c). */
void schedules_print_table(const struct stored_list *l);
void schedules_print_json(const struct stored_list *l);
void schedule_print(const struct stored_schedule *x);
/* The next n ticks after after_s, one a line, in local time with its offset; json: in UTC, as one
 * array. */
void schedule_print_next(const struct schedule *s, int64_t after_s, int64_t n, bool json);
