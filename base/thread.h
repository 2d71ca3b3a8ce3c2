/* Threads of ours: started with all signals blocked (they are the main thread's), and waiting by a
 * clock that nobody sets. */
#pragma once

#include <pthread.h>
#include <time.h>

#include "base/err.h"

/* ERR_UNAVAILABLE with the name and the kernel's reason. name: at most 15 characters. */
int thread_start(pthread_t *t, const char *name, void *(*fn)(void *), void *arg, struct err *e);

/* A condition whose timed waits go by CLOCK_MONOTONIC: a clock that is set must not stretch one. */
void thread_cond_init(pthread_cond_t *c);

/* Now and so many milliseconds, for a timed wait on such a condition. */
struct timespec thread_in_ms(double ms);
