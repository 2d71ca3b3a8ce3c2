/* The variables of the worker's own environment that a job may see. Pure but for getenv(). */
#pragma once

#include "base/buf.h"
#include "queue/job/job.h"

/* The job's `env` with the variables that its permissions name and that are set here; what the job
 * itself gives wins. A value that is not UTF-8 is left out. One JSON object: the job's own text, or
 * one that is made in `made`, which is empty and the caller's to free. */
const char *environment_of(const struct job *j, struct buf *made, size_t *len);
