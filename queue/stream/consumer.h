/* The durable consumers of the jobs stream: what each takes and what it is called. The unit of
 * fairness: JetStream hands out first in first out within a consumer, so jobs that must not wait
 * for one another need consumers of their own. A work-queue stream allows several as long as no
 * subject belongs to two. Pure functions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "link/subjects.h"

/* Of a subject's token for the tenant; longer ones cannot come: the subjects of a stream have no
 * bound of their own, but a job on one that long has no tenant that could be answered. */
#define CONSUMER_TENANT_MAX 255
#define CONSUMER_NAME_MAX   128

struct consumer {
    char tenant[CONSUMER_TENANT_MAX + 1]; /* as in the subject; "": all tenants of the class */
    enum job_class cls;
    int64_t idle_ms; /* the server forgets it when nobody has asked it for that long; 0: never */
    bool made;       /* was made now: nothing waits at it */
};

/* "worker_high"; of one tenant "worker_high_<tenant>"; of a token that is no tenant's name
 * "worker_high_=<hash>". Workers share consumers, so all of them must come to the same name. */
void consumer_name(const struct consumer *c, char out[CONSUMER_NAME_MAX]);
/* out[SUBJECT_MAX] */
void consumer_filter(const struct consumer *c, const struct subjects *s, char *out);
/* isolane.jobs.<token>.<class> → tenant and cls of *out. The token need not be a tenant's name;
 * "*" gives "". False: it is no subject of jobs. */
bool consumer_of_subject(const struct subjects *s, const char *subject, struct consumer *out);
/* False: that name is not one of consumer_name(). */
bool consumer_name_is_ours(const char *name);
