/* Clears up behind a bench that is ended from outside, or by an error of its own: a process of its
 * own sees when this one is gone, ends the worker that it started, and removes its data folder. */
#pragma once

#include <sys/types.h>

/* From now on, for this folder; one at a time. */
void tidy_watch(const char *dir);
/* The folder is removed. */
void tidy_done(void);
/* The worker, as long as it runs; 0: it has ended. */
void tidy_worker(pid_t pid);

/* Removes a folder with all that is in it. 0, or -1 with errno. */
int tidy_remove(const char *dir);
