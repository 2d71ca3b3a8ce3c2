/* The data folder of a worker: made, claimed by a lock, released. */
#pragma once

#include "base/err.h"
#include "config/paths.h"

/* Makes the folder and takes its lock file (flock): one process at a time writes a results
 * database. *fd holds the lock until it is closed or the process ends. ERR_CONFLICT names the
 * holder's pid. */
int folder_claim(const char *dir, const char *lock_path, int *fd, struct err *e);
