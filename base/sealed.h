/* Secrets on their way: the text that a publisher puts into a job or an operator into the
 * configuration, sealed to a worker's public key (docs/protocol.md "Sealed secrets").
 *
 *   sealed:v1:<id of the key, 64 hex digits>:<sealed box, base64url without padding>
 *
 * Inside the box stands what the secret is for, so that a sealed text that is copied by another
 * tenant, under another name or into another script does not open:
 *
 *   isolane-secret-v1\n <tenant>\n <name>\n <SHA-256 of the script, hex, or "-" for any>\n <value>
 *
 * (without the blanks). The value is 6 to 65536 bytes of UTF-8 without NUL: a shorter one could not
 * be masked, since it would be found everywhere. Untrusted input; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/keyfile.h"

#define SECRET_NAME_MAX  64 /* [A-Za-z_][A-Za-z0-9_]{0,63} */
#define SECRET_VALUE_MIN 6
#define SECRET_VALUE_MAX 65536
#define SEALED_PREFIX    "sealed:v1:"
#define SEALED_TEXT_MAX  88000 /* bytes of a sealed text: the longest value with longest names */

struct seal_key {
    uint8_t sec[X25519_KEY], pub[X25519_KEY];
    char keyid[KEYID_LEN];
};

/* What a secret is for. */
struct secret_binding {
    const char *tenant, *name;
    const char *script_sha256; /* hex; NULL or "": any script */
};

bool secret_name_valid(const char *name);
#define SECRET_NAME_ALLOWED "a letter or _, then letters, digits and _, 1 to 64 characters in all"

/* ERR_INVALID says what is wrong with the value, not what it is. */
int secret_value_check(const char *value, size_t len, struct err *e);

/* The form alone: prefix, id of a key, length and alphabet of the box. ERR_INVALID; the text itself
 * is not repeated. */
int sealed_check(const char *text, size_t len, struct err *e);
/* Points at the 64 digits in a text that sealed_check() took. */
const char *sealed_keyid(const char *text);

/* Appends the sealed text. The value was checked. */
void sealed_make(const uint8_t pub[X25519_KEY], const struct secret_binding *b, const char *value,
                 size_t len, struct buf *out);

/* Opens a text that sealed_check() took into guarded memory: *memory is freed by the caller with
 * crypto_guarded_free(), *value points into it. ERR_NOT_FOUND: sealed to another key. ERR_DENIED:
 * made for another tenant, name or script. ERR_CORRUPT: altered. ERR_INVALID: no secret of ours. */
int sealed_open(const struct seal_key *k, const struct secret_binding *b, const char *text,
                size_t len, void **memory, const char **value, size_t *value_len, struct err *e);

/* A worker's key pair, made at the first use (base/keyfile.h). */
int seal_key_open(const char *secret_path, const char *public_path, struct seal_key *out,
                  struct err *e);
