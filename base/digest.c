/* The part of crypto.h that is libcrypto's: SHA-256 and writing base64. Every result is hashed and
 * encoded once, and libsodium's are portable C: 4.3 and 6.0 us for a result of 1.8 kB, where
 * libcrypto with the processor's SHA instructions takes 0.9 and 0.7. (Its Ed25519 is the slower
 * one, 28 us to 17.) The library is in the process anyway: the NATS client is linked with it.
 *
 * SHA256_Init() and its kin, not EVP: the first EVP_MD_fetch() reads configuration and starts
 * providers, 0.8 ms of every start of the program. */
#define OPENSSL_API_COMPAT 0x10100000L /* they are marked as deprecated since 3.0 */

#include "base/crypto.h"
#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

#define BLOCK ((size_t)3 << 28) /* encoded at once: EVP_EncodeBlock() counts in int */

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct sha256), "room for its state");

static SHA256_CTX *state_of(struct sha256 *h)
{
    return (SHA256_CTX *)(void *)h->state;
}

void crypto_sha256_begin(struct sha256 *h)
{
    CHECK(SHA256_Init(state_of(h)) == 1);
}

void crypto_sha256_add(struct sha256 *h, const void *p, size_t len)
{
    CHECK(len == 0 || SHA256_Update(state_of(h), p, len) == 1);
}

void crypto_sha256_end(struct sha256 *h, uint8_t out[SHA256_LEN])
{
    CHECK(SHA256_Final(out, state_of(h)) == 1);
}

void crypto_sha256(const void *p, size_t len, uint8_t out[SHA256_LEN])
{
    struct sha256 h;
    crypto_sha256_begin(&h);
    crypto_sha256_add(&h, p, len);
    crypto_sha256_end(&h, out);
}

void crypto_sha256_hex(const void *p, size_t len, char out[SHA256_HEX])
{
    uint8_t h[SHA256_LEN];
    crypto_sha256(p, len, h);
    for (size_t i = 0; i < sizeof h;
         i++) { /* no secret: crypto_hex() takes its time over each bit */
        *out++ = "0123456789abcdef"[h[i] >> 4];
        *out++ = "0123456789abcdef"[h[i] & 15];
    }
    *out = 0;
}

size_t crypto_base64_len(size_t len)
{
    return (len + 2) / 3 * 4 + 1;
}

void crypto_base64(const void *p, size_t len, char *out, size_t cap)
{
    const unsigned char *from = p;
    CHECK(cap >= crypto_base64_len(len));
    *out = 0;
    while (len > 0) {
        size_t n = len < BLOCK ? len : BLOCK;
        out += EVP_EncodeBlock((unsigned char *)out, from, (int)n); /* writes a NUL behind */
        from += n;
        len -= n;
    }
}
