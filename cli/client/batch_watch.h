/* How far a batch is, and its result: what `isolane batch` and `isolane submit --batch --wait`
 * show. One thread; runs the client's loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/client/client.h"

/* wait_s: -1: shows how it stands now; 0: waits as long as it takes; else so many seconds. Returns
 * the exit code: EXIT_JOB_OK when all jobs ended ok. */
int batch_watch(struct client *c, const char *tenant, const char *id, int64_t wait_s, bool json);
