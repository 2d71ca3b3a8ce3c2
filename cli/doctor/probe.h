/* Asks another program for one line, such as its version. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Runs argv (argv[0] is a path) without stdin, and gives the first line of its stdout. It is killed
 * after timeout_ms (ERR_TIMEOUT); ERR_UNAVAILABLE when it exits otherwise than 0. */
int probe_line(char *const argv[], int timeout_ms, char *out, size_t cap, struct err *e);
