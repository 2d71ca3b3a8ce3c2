/* What the artifacts of a run mean for its result. */
#pragma once

#include "base/buf.h"

struct service_run;

/* Appends what the run has put, whole and confirmed, as a JSON array of {"name", "size", "sha256",
 * "type", "object"} in the order in which it was put. Nothing when there is none. */
void artifacts_json(const struct service_run *run, struct buf *out);

/* The run makes the job's result: what it has put stays. Otherwise it is removed with the run. */
void artifacts_keep(struct service_run *run);
