/* Sealed secrets by name, as a job or the configuration carries them: for each name one text, or
 * one for each worker's key. Checked in form; opened by the executor alone (base/sealed.h). */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/keyfile.h"
#include "base/sealed.h"

#define SECRETS_MAX       32 /* of a job, and of a tenant */
#define SEALED_EACH_MAX   16 /* texts of one secret */
/* All secrets of a job together, plain: what masking costs grows with it (executor/attempt/mask.h).
 */
#define SECRETS_BYTES_MAX 65536

struct sealed_secret {
    char name[SECRET_NAME_MAX + 1];
    char *text[SEALED_EACH_MAX];
    int n;
};

struct sealed_secrets {
    struct sealed_secret *v;
    int n;
};

/* A new entry without a text; *out lives until the next one is made. ERR_INVALID: the name is none,
 * stands there already, or there are too many. */
int sealed_secrets_new(struct sealed_secrets *list, const char *name, struct sealed_secret **out,
                       struct err *e);
/* Adds a text. ERR_INVALID as sealed_check(); or too many; or two for one key. */
int sealed_secret_add(struct sealed_secret *s, const char *text, size_t len, struct err *e);

const struct sealed_secret *sealed_secrets_find(const struct sealed_secrets *list,
                                                const char *name); /* NULL: not there */
void sealed_secrets_free(struct sealed_secrets *list);             /* and zeroes */
