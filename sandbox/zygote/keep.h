/* The source that a zygote compiles before it forks. What a tenant wrote: nothing here is looked at
 * before the zygote is jailed and has its filter. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sandbox/engine/engine.h"

/* fd: a sealed memory file with the payload of an INVOKE frame, of which source, name, script and
 * files count; closed here. The bytes stay mapped. */
int keep_source(int fd, uint64_t heap_bytes, struct err *e);

/* In a cell: the job's source is the kept one. False: there is none. */
bool keep_fill(struct engine_job *job);
