/* What a bench program that opens an executor of its own does with its events: when it is up, the
 * bed's loop stops; a failure die()s; output and progress are not looked at. */
#pragma once

#include "bench/bed.h"
#include "executor/executor.h"

/* The executor's arg must begin with a struct bed. committed: the program's own. */
struct executor_events bench_handlers(void (*committed)(struct attempt *a, const struct result *r,
                                                        const char *envelope, size_t len,
                                                        void *arg));
void bench_failed(const struct err *why, void *arg);
