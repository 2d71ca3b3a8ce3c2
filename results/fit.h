/* Makes a result fit to be signed: well-formed whatever its author did, and no larger as an
 * envelope than allowed. Pure but for the record it changes; any thread. */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "results/record.h"

/* The least that result_fit() can always keep to: names, hashes and an error without its texts. */
#define FIT_MIN ((size_t)16 << 10)

/* Before it has a place in the chain:
 *  - a value that is not one JSON text (jv_check) is taken out: nothing a cell made may break out
 * of its place in the signed text. The result is then `crashed`, error BadValue;
 *  - error texts are cut to RESULT_TEXT_MAX, an error without a name is called Error. */
void result_mend(struct result *r);

/* Encodes the statement of r into out (cleared first) so that its envelope takes at most max bytes
 * (at least FIT_MIN). What is too large is cut in this order, and r says so afterwards:
 *  1. the value, if the envelope were too large even without any stdout and stderr: value null,
 * outcome `ok` becomes `output_exceeded`, error OutputTooLarge with the sizes;
 *  2. error stack, message and name, likewise only if they alone are too much;
 *  3. stdout and stderr, the longer one halved (at a character's end) until all fits: truncated is
 * set, the true sizes stay. */
void result_fit(struct result *r, size_t max, struct buf *out);
