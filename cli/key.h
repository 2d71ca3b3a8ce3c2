/* The keys of a worker that others need: the one that results are checked with, the one that
 * secrets are sealed to. */
#pragma once

#include "base/err.h"
#include "cli/options.h"
#include "results/envelope.h"

/* Reads the public key from `pem`, or when that is NULL from worker.pub of the data folder. */
int key_read(const struct settings *s, const char *pem, struct sign_key *out, struct err *e);
/* Reads seal.pub of the data folder. */
int seal_key_read(const struct settings *s, uint8_t pub[KEY_BYTES], struct err *e);
