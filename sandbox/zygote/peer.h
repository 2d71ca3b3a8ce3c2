/* The bare socket of a cell (CELL_FD). When the supervisor has gone, so does the process. All may
 * run in a signal handler. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* All of it; changes v. */
void peer_write(struct iovec *v, int n);

/* Whether something is to be read; false after wait_us (-1: never) or a signal. */
bool peer_readable(int64_t wait_us);

/* What is there, at least a byte; *got grows by as much. */
void peer_read(char *to, size_t cap, size_t *got);
