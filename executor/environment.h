/* The variables of the worker's own environment that a job may see. Pure but for getenv(). */
#pragma once

#include "base/buf.h"
#include "queue/job.h"

/* Appends the job's `env` with the variables that its permissions name and that are set here; what
 * the job itself gives wins. A value that is not UTF-8 is left out. One JSON object. */
void environment_of(const struct job *j, struct buf *out);
