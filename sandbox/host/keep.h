/* A source on its way to a zygote that is to compile it before it forks (sandbox/zygote/keep.h): a
 * sealed file in memory, which nobody can change any more. */
#pragma once

#include <stddef.h>

#include "base/err.h"

/* source: enum frame_source. files as a job has them (base/pack.h), or empty. The descriptor, or <0
 * with e. */
int keep_make(int source, const char *name, const char *script, size_t script_len,
              const char *files, size_t files_len, struct err *e);
