/* Ceilings on what tenants use up (queue/rate.h) outlive the worker: its results say what they have
 * used in the last hour. */
#pragma once

#include "config/config.h"
#include "queue/backlog.h"

/* Once, before jobs come. Reads nothing when no tenant has cpu_s_per_hour; a database that cannot
 * be read is logged, and counts as empty. */
void ceilings_restore(const struct config *c, const char *db_path, struct backlog *b);
