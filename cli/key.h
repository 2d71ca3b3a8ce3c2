/* The key that results are checked with. */
#pragma once

#include "base/err.h"
#include "cli/options.h"
#include "results/envelope.h"

/* Reads the public key from `pem`, or when that is NULL from worker.pub of the data folder. */
int key_read(const struct settings *s, const char *pem, struct sign_key *out, struct err *e);
