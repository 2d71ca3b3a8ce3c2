/* NKeys, as far as a client needs them: the public key of a user's seed
 * (https://docs.nats.io/running-a-nats-service/nats_admin/security/jwt, the text form is base32 of
 * a prefix, the key and a CRC-16). Pure functions, any thread; crypto_init() first. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/err.h"

#define NKEY_PUBLIC_TEXT 57 /* "U" + 55 characters and the NUL */
#define NKEY_SEED_TEXT   59 /* "SU" + 56 characters and the NUL */

enum nkey_kind {
    NKEY_OPERATOR = 14 << 3, /* 'O' */
    NKEY_ACCOUNT = 0,        /* 'A' */
    NKEY_USER = 20 << 3,     /* 'U' */
};

/* Finds the user seed in the text of a file (a line that begins with "SU"; comments and the
 * "-----BEGIN USER NKEY SEED-----" frame around it are fine) and gives seed and public key.
 * ERR_INVALID says what is wrong, without the seed. */
int nkey_find_user_seed(const char *text, size_t len, uint8_t seed[ED25519_SEED],
                        char pub[NKEY_PUBLIC_TEXT], struct err *e);

void nkey_public_text(enum nkey_kind kind, const uint8_t pub[ED25519_PUBLIC],
                      char out[NKEY_PUBLIC_TEXT]);
void nkey_seed_text(enum nkey_kind kind, const uint8_t seed[ED25519_SEED],
                    char out[NKEY_SEED_TEXT]);
