/* The plain secrets of one job, from just before it runs to its end: in guarded memory, wiped when
 * freed, with the mask that keeps them out of what the job says. Loop thread only. */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sealed.h"
#include "config/config.h"
#include "executor/attempt/mask.h"
#include "queue/job/job.h"

struct secrets;

struct plain_secret {
    char name[SECRET_NAME_MAX + 1];
    const char *value;
    size_t len; /* SECRET_VALUE_MIN to SECRET_VALUE_MAX */
};

/* Opens what the job's permissions name: what it carries itself, else what the configuration gives
 * its tenant. *out is NULL when it names none. ERR_INVALID names the secret and says why it cannot
 * be had, never what it is. key: NULL: this process opens none (isolane run). */
int secrets_open(const struct seal_key *key, const struct tenant *t, const struct job *j,
                 struct secrets **out, struct err *e);

/* The same of values that are plain already (isolane run --secret); copies them. NULL for none.
 * ERR_INVALID: too much in all. */
int secrets_of(const struct plain_secret *given, int n, struct secrets **out, struct err *e);

void secrets_free(struct secrets *s); /* wipes; NULL is fine */

/* NULL: there is none of that name; s may be NULL. Lives as long as s. */
const char *secrets_find(const struct secrets *s, const char *name, size_t *len);
const struct mask *secrets_mask(const struct secrets *s); /* NULL for NULL */

/* What the cell is told: {"secrets":["A","B"]}. */
void secrets_grants(const struct secrets *s, struct buf *out);

/* Once at start, before anything secret is in memory: no core dumps of this process, and no
 * debugger of the same user (PR_SET_DUMPABLE). */
void secrets_guard_process(void);
