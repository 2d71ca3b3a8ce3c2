/* The result of a small job that printed two lines: what signing, storing and sending results is
 * measured with. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "results/record.h"
#include "results/sign_key.h"

/* The caller's, result_free(). serial: makes its id. */
struct result *small_result(int64_t serial);
/* Its signed envelope; replaces what out holds. */
void small_envelope(const struct sign_key *key, struct buf *out);
/* Bytes of all columns of its row. */
size_t small_row_size(const struct sign_key *key);
