/* The keys whose results one believes: worker.pub files of a cluster's workers. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "results/sign_key.h"

#define TRUST_MAX 4096 /* keys */

struct trust {
    struct sign_key *v;
    size_t n, cap;
};

/* A PEM file, or a folder: every *.pub and *.pem in it. ERR_NOT_FOUND: a folder without any.
 * Errors name the file. */
int trust_add_path(struct trust *t, const char *path, struct err *e);
/* A key that is there already does nothing. ERR_LIMIT. */
int trust_add(struct trust *t, const struct sign_key *k, struct err *e);
/* NULL: none by that id (sign_key.h). */
const struct sign_key *trust_find(const struct trust *t, const char *keyid);
void trust_free(struct trust *t);
