/* Hashes, signatures, random bytes and text encodings: on the supervisor's side the one door to
 * libsodium (crypto.c) and to libcrypto (digest.c). crypto_init() once before anything else here;
 * after that any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

int crypto_init(struct err *e);
const char *crypto_version(void); /* of libsodium: "1.0.18" */

void crypto_random(void *out, size_t len);
void crypto_wipe(void *p, size_t len); /* zeroes, not optimised away */

#define SHA256_LEN 32
#define SHA256_HEX (SHA256_LEN * 2 + 1)
void crypto_sha256(const void *p, size_t len, uint8_t out[SHA256_LEN]);
void crypto_sha256_hex(const void *p, size_t len, char out[SHA256_HEX]);
/* The same in pieces. */
struct sha256 {
    uint64_t state[16];
};
void crypto_sha256_begin(struct sha256 *h);
void crypto_sha256_add(struct sha256 *h, const void *p, size_t len);
void crypto_sha256_end(struct sha256 *h, uint8_t out[SHA256_LEN]);
void crypto_hex(const void *p, size_t len, char *out); /* out: len * 2 + 1 */

/* SipHash-2-4: for tables whose keys strangers choose. */
#define SHORT_HASH_KEY 16
uint64_t crypto_short_hash(const uint8_t key[SHORT_HASH_KEY], const void *p, size_t len);

/* Ed25519 (RFC 8032). A secret key is the 32-byte seed and the public key behind it. */
#define ED25519_PUBLIC 32
#define ED25519_SECRET 64
#define ED25519_SIG    64
#define ED25519_SEED   32
void crypto_ed25519_new(uint8_t pub[ED25519_PUBLIC], uint8_t sec[ED25519_SECRET]);
void crypto_ed25519_from_seed(const uint8_t seed[ED25519_SEED], uint8_t pub[ED25519_PUBLIC],
                              uint8_t sec[ED25519_SECRET]);
void crypto_ed25519_sign(const uint8_t sec[ED25519_SECRET], const void *msg, size_t len,
                         uint8_t sig[ED25519_SIG]);
bool crypto_ed25519_verify(const uint8_t pub[ED25519_PUBLIC], const void *msg, size_t len,
                           const uint8_t sig[ED25519_SIG]);

/* What a detached signature of DSSE signs (its pre-authentication encoding): type and text, each
 * with its length, so that a signature for one type never fits another. Appended to out. */
void crypto_pae(const char *type, const void *text, size_t len, struct buf *out);

/* X25519 sealed boxes (libsodium's crypto_box_seal): anybody seals to a public key, nobody can tell
 * who did, only the holder of the secret key opens. Any 32 bytes are a secret key. */
#define X25519_KEY    32
#define SEAL_OVERHEAD 48 /* bytes that a sealed text is longer than its plain one */
void crypto_x25519_public(const uint8_t sec[X25519_KEY], uint8_t pub[X25519_KEY]);
void crypto_seal(const uint8_t pub[X25519_KEY], const void *plain, size_t len, uint8_t *out);
/* out: len - SEAL_OVERHEAD bytes. False: for another key, or altered. */
bool crypto_seal_open(const uint8_t pub[X25519_KEY], const uint8_t sec[X25519_KEY],
                      const uint8_t *sealed, size_t len, void *out);

/* Memory for plaintext secrets: behind guard pages, not swapped where the lock limit allows, not in
 * core dumps, zeros in a forked child (which must not free it). Not zeroed. Freeing wipes. */
void *crypto_guarded(size_t len);
void crypto_guarded_free(void *p); /* NULL is fine */

/* Standard base64 with padding (RFC 4648 section 4). */
size_t crypto_base64_len(size_t len); /* with the NUL */
void crypto_base64(const void *p, size_t len, char *out, size_t cap);
/* False on anything but strict base64 or when it does not fit. White space is refused. */
bool crypto_unbase64(const char *s, size_t s_len, void *out, size_t cap, size_t *len);
/* The alphabet for URLs and file names, without padding (section 5). */
size_t crypto_base64url_len(size_t len); /* with the NUL */
void crypto_base64url(const void *p, size_t len, char *out, size_t cap);
bool crypto_unbase64url(const char *s, size_t s_len, void *out, size_t cap, size_t *len);
