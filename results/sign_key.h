/* The worker's Ed25519 key and its files: PKCS#8 PEM (RFC 8410) for the secret, SPKI PEM for the
 * public half, so that openssl reads both. Any thread; crypto_init() is done inside. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/keyfile.h"

struct sign_key {
    uint8_t pub[ED25519_PUBLIC];
    uint8_t sec[ED25519_SECRET]; /* zeros in a key that only verifies */
    char keyid[KEYID_LEN];       /* hex SHA-256 of the SPKI DER */
    bool can_sign;
};

/* Reads the worker's secret key (PKCS#8 PEM, must not be accessible to others); makes it on first
 * use (0600) with the public key (SPKI PEM, 0644) beside it. A public file that is missing is
 * written again; one that belongs to another key is an error. Errors name the file, what is wrong
 * with it and what to do. */
int sign_key_open(const char *key_path, const char *pub_path, struct sign_key *out, struct err *e);
/* Reads an SPKI PEM public key. */
int sign_key_read_public(const char *path, struct sign_key *out, struct err *e);
/* The same of its 32 bytes. */
void sign_key_from_public(const uint8_t pub[ED25519_PUBLIC], struct sign_key *out);
/* SPKI PEM of the public half. */
void sign_key_pem(const struct sign_key *k, struct buf *out);
void sign_key_wipe(struct sign_key *k);
