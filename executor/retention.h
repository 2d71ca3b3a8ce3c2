/* The configuration's retention, as the results' janitor wants it. */
#pragma once

#include <uv.h>

#include "config/config.h"
#include "results/janitor.h"

/* NULL when everything is kept. */
struct janitor *retention_open(uv_loop_t *loop, const struct config *c, const char *db_path,
                               const char *worker, struct recorder *rec);
