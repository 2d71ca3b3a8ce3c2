/* The options of submit that say how often and when a job runs: --max-attempts, --retry-on,
 * --backoff, --not-before, --deadline, --ttl. */
#pragma once

#include "base/err.h"
#include "cli/options.h"
#include "queue/job/job.h"

struct patience {
    int64_t max_attempts, concurrency_limit; /* 0: not given, here and below */
    const char *retry_on, *backoff, *not_before, *deadline, *ttl, *concurrency_key;
};

void options_add_patience(struct options *o, struct patience *p);

/* Fills *out. ERR_INVALID names option, what was found and what is allowed. */
int patience_read(const struct patience *p, int64_t now_us, struct retry_asked *out, struct err *e);
