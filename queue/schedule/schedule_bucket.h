/* The bucket that schedules are kept in (ISOLANE_SCHEDULES), the same to workers and to the command
 * line. */
#pragma once

#include "config/config.h"
#include "link/kv.h"
#include "link/subjects.h"

/* As kv_new(): no traffic yet. Caller frees with kv_free(). */
struct kv *schedule_bucket(uv_loop_t *loop, struct link *l, const struct config *c,
                           const struct subjects *s);
