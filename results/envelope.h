/* DSSE envelopes (https://github.com/secure-systems-lab/dsse, v1.0) around in-toto statements v1 whose
 * predicate is the JSON result object. Signed with Ed25519, so that tools which exist can verify it.
 * Pure functions but for the random bytes of a new key; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"
#include "results/record.h"

#define ENVELOPE_PAYLOAD_TYPE "application/vnd.in-toto+json"
#define ENVELOPE_MAX          ((size_t)64 << 20)

struct sign_key {
    uint8_t pub[ED25519_PUBLIC];
    uint8_t sec[ED25519_SECRET]; /* zeros in a key that only verifies */
    char keyid[65];              /* hex SHA-256 of the SPKI DER */
    bool can_sign;
};

/* Reads the worker's secret key (PKCS#8 PEM, must not be readable by others); makes it on first use
 * (0600) with the public key (SPKI PEM) beside it. Errors say what is wrong with the file. */
int sign_key_open(const char *key_path, const char *pub_path, struct sign_key *out, struct err *e);
/* Reads an SPKI PEM public key. */
int sign_key_read_public(const char *path, struct sign_key *out, struct err *e);
/* SPKI PEM of the public half. */
void sign_key_pem(const struct sign_key *k, struct buf *out);
void sign_key_wipe(struct sign_key *k);

/* Statement bytes (the payload) of a result whose seq and prev are set. subject: name
 * "isolane:job:<tenant>/<id>", digest sha256 of the script (of the empty text when there is none). */
void statement_encode(const struct result *r, struct buf *out);

/* Envelope JSON over payload. */
void envelope_sign(const struct sign_key *k, const char *payload, size_t len, struct buf *out);

/* Checks an envelope: JSON shape, payload type, base64, signature by `k` (NULL: shape only). *payload
 * is malloc'd. ERR_INVALID: not an envelope. ERR_CORRUPT: the signature does not hold. ERR_DENIED:
 * signed by another key (the message names both key ids). */
int envelope_open(const char *json, size_t len, const struct sign_key *k, char **payload,
                  size_t *payload_len, struct err *e);

/* The pre-authentication encoding that is signed: "DSSEv1 <n> <type> <n> <payload>". */
void envelope_pae(const char *payload, size_t len, struct buf *out);

/* The predicate (result object) as compact JSON text out of a statement. */
int statement_result(const char *payload, size_t len, struct buf *out, struct err *e);
