/* Which jobs may have a result in a worker's database, without asking the disk: most jobs are new,
 * and a look into the database costs a dozen system calls, twice for each.
 *
 * A Bloom filter of KNOWN_BITS: it never says no of a job that has a result, and seldom yes of one
 * that has none (of a million rows 1 in 400, of five million 1 in 4; more only cost a look into the
 * database as before). Results that retention removes stay in it until the worker starts again. */
#pragma once

#include <stdbool.h>

#include "base/err.h"

#define KNOWN_BITS (1u << 24) /* 2 MiB */

struct known;

/* Begins to read what is there, on a thread of its own; the database exists already. Whoever writes
 * to it calls known_add() from now on. */
int known_open(const char *db_path, struct known **out, struct err *e);
/* That job's result is committed. Any thread; NULL is fine. */
void known_add(struct known *k, const char *tenant, const char *id);
/* Any thread. NULL, and until everything is read: true. A caller sees what was added before
 * something that it waited for (a lock that both took). */
bool known_may_have(const struct known *k, const char *tenant, const char *id);
void known_close(struct known *k); /* NULL is fine */
