/* What doctor finds out about a folder by writing into it; nothing is left behind. */
#pragma once

#include "base/err.h"

/* A database in WAL mode can be made there, written and closed. */
int disk_try_database(const char *folder, struct err *e);

/* Median time of a 4 kB write and its fdatasync, as each commit makes one. */
int disk_sync_us(const char *folder, double *us, struct err *e);
