/* Keys in files: Ed25519 and X25519, PKCS#8 PEM (RFC 5958, RFC 8410) for a secret half, SPKI PEM
 * for a public one, so that openssl reads both. A key is its 32 bytes (the seed of an Ed25519
 * secret key). Errors name the file, what is wrong with it and what to do; no message quotes a
 * secret. Any thread; crypto_init() before. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define KEY_BYTES 32
#define KEYID_LEN 65 /* with the NUL */

enum key_kind { KEY_ED25519_SECRET, KEY_ED25519_PUBLIC, KEY_X25519_SECRET, KEY_X25519_PUBLIC };

/* The public half of a secret key of that kind. */
void key_public_of(enum key_kind secret, const uint8_t sec[KEY_BYTES], uint8_t pub[KEY_BYTES]);

/* What names a public key: hex SHA-256 of its SPKI DER. */
void key_id(enum key_kind public, const uint8_t pub[KEY_BYTES], char out[KEYID_LEN]);
bool key_id_valid(const char *text, size_t len); /* 64 lower-case hex digits */

/* Reads a PEM file. A secret one must not be accessible to others (ERR_DENIED). ERR_NOT_FOUND,
 * ERR_INVALID, ERR_IO. */
int key_file_read(const char *path, enum key_kind kind, uint8_t key[KEY_BYTES], struct err *e);
/* A public key as a person gives it: the base64 of its 32 bytes, else the path of an SPKI PEM file.
 */
int key_public_from(const char *text, enum key_kind kind, uint8_t pub[KEY_BYTES], struct err *e);

/* PEM text; what a secret one passed through is wiped, but not `out` itself. */
void key_pem(enum key_kind kind, const uint8_t key[KEY_BYTES], struct buf *out);

/* Writes a new secret key of that kind (0600); ERR_EXISTS leaves what is there. */
int key_file_make(const char *path, enum key_kind secret, struct err *e);

/* Reads a secret key and writes its public half (0644) beside it when that is missing; makes both
 * at the first use. A public file of another key is ERR_CONFLICT, and so is a missing secret whose
 * public half is there: `lost` says what a new key would mean, and what to move away for one. */
int key_pair_open(const char *secret_path, const char *public_path, enum key_kind secret,
                  const char *lost, uint8_t sec[KEY_BYTES], uint8_t pub[KEY_BYTES], struct err *e);
