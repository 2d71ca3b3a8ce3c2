/* One line on stderr that tells how far a batch is, redrawn in place: bar, done/total, ok and
 * failed, rate, time left. Only where stderr is a terminal; elsewhere every call does nothing. One
 * thread. */
#pragma once

#include <stdint.h>

struct progress;

/* total may grow later through progress_update(). Never NULL. */
struct progress *progress_new(uint64_t total);

/* Redraws at most some ten times a second, and when all is done. */
void progress_update(struct progress *p, uint64_t total, uint64_t ok, uint64_t failed);

/* Takes the line away, so that other text can be printed; the next update draws it again. */
void progress_hide(struct progress *p);

/* Takes the line away and frees. NULL is fine. */
void progress_free(struct progress *p);
