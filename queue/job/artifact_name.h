/* What a job's artifacts may be called: by scripts, and as files below a folder. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define ARTIFACTS_MAX     64  /* inputs of a job, and outputs of a run */
#define ARTIFACT_NAME_MAX 100 /* bytes */
#define ARTIFACT_NAME_ALLOWED                                                                      \
    "1 to 100 of the characters A-Z a-z 0-9 . _ -, in parts separated by /, none of them empty "   \
    "or beginning with a dot"

bool artifact_name_valid(const char *name, size_t len);
