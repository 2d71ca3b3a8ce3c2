#include "base/crypto.h"
#include "base/mem.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CANARY 16 /* bytes that sodium_malloc() checks in front of what it gives */

int crypto_init(struct err *e)
{
    return sodium_init() < 0
               ? err_set(e, ERR_UNAVAILABLE, "libsodium cannot start (no random source?)")
               : 0;
}

const char *crypto_version(void)
{
    return sodium_version_string();
}

void crypto_random(void *out, size_t len)
{
    randombytes_buf(out, len);
}

void crypto_wipe(void *p, size_t len)
{
    sodium_memzero(p, len);
}

void crypto_hex(const void *p, size_t len, char *out)
{
    sodium_bin2hex(out, len * 2 + 1, p, len);
}

uint64_t crypto_short_hash(const uint8_t key[SHORT_HASH_KEY], const void *p, size_t len)
{
    uint64_t hash;
    static_assert(crypto_shorthash_KEYBYTES == SHORT_HASH_KEY, "");
    static_assert(crypto_shorthash_BYTES == sizeof hash, "");
    crypto_shorthash((unsigned char *)&hash, p, len, key);
    return hash;
}

void crypto_ed25519_new(uint8_t pub[ED25519_PUBLIC], uint8_t sec[ED25519_SECRET])
{
    crypto_sign_keypair(pub, sec);
}

void crypto_ed25519_from_seed(const uint8_t seed[ED25519_SEED], uint8_t pub[ED25519_PUBLIC],
                              uint8_t sec[ED25519_SECRET])
{
    crypto_sign_seed_keypair(pub, sec, seed);
}

void crypto_ed25519_sign(const uint8_t sec[ED25519_SECRET], const void *msg, size_t len,
                         uint8_t sig[ED25519_SIG])
{
    crypto_sign_detached(sig, NULL, msg, len, sec);
}

bool crypto_ed25519_verify(const uint8_t pub[ED25519_PUBLIC], const void *msg, size_t len,
                           const uint8_t sig[ED25519_SIG])
{
    return crypto_sign_verify_detached(sig, msg, len, pub) == 0;
}

/* By hand: each result is signed, and printf() is slow. */
static void add_size(struct buf *out, size_t n)
{
    char text[24];
    size_t at = sizeof text;
    do
        text[--at] = (char)('0' + n % 10);
    while (n /= 10);
    buf_add(out, text + at, sizeof text - at);
}

void crypto_pae(const char *type, const void *text, size_t len, struct buf *out)
{
    size_t type_len = strlen(type);
    buf_reserve(out, len + type_len + 64);
    buf_adds(out, "DSSEv1 ");
    add_size(out, type_len);
    buf_addc(out, ' ');
    buf_add(out, type, type_len);
    buf_addc(out, ' ');
    add_size(out, len);
    buf_addc(out, ' ');
    buf_add(out, text, len);
}

void crypto_x25519_public(const uint8_t sec[X25519_KEY], uint8_t pub[X25519_KEY])
{
    CHECK(crypto_scalarmult_base(pub, sec) == 0);
}

void crypto_seal(const uint8_t pub[X25519_KEY], const void *plain, size_t len, uint8_t *out)
{
    static_assert(SEAL_OVERHEAD == crypto_box_SEALBYTES, "as libsodium has it");
    CHECK(crypto_box_seal(out, plain, len, pub) == 0);
}

bool crypto_seal_open(const uint8_t pub[X25519_KEY], const uint8_t sec[X25519_KEY],
                      const uint8_t *sealed, size_t len, void *out)
{
    return len >= SEAL_OVERHEAD && crypto_box_seal_open(out, sealed, len, pub, sec) == 0;
}

void *crypto_guarded(size_t len)
{
    len = len ? len : 1;
    char *p = sodium_malloc(len);
    CHECK(p);
    /* From the page of the canary in front of it to the end of its last one. */
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)p;
    const uintptr_t from = (at - CANARY) & ~(page - 1), to = (at + len + page - 1) & ~(page - 1);
    CHECK(madvise((void *)from, to - from, MADV_WIPEONFORK) == 0);
    return p;
}

void crypto_guarded_free(void *p)
{
    sodium_free(p);
}

size_t crypto_base64url_len(size_t len)
{
    return sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void crypto_base64url(const void *p, size_t len, char *out, size_t cap)
{
    CHECK(cap >= crypto_base64url_len(len));
    sodium_bin2base64(out, cap, p, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool crypto_unbase64url(const char *s, size_t s_len, void *out, size_t cap, size_t *len)
{
    const char *end = NULL;
    return sodium_base642bin(out, cap, s, s_len, NULL, len, &end,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
           end == s + s_len;
}

bool crypto_unbase64(const char *s, size_t s_len, void *out, size_t cap, size_t *len)
{
    const char *end = NULL;
    return sodium_base642bin(out, cap, s, s_len, NULL, len, &end, sodium_base64_VARIANT_ORIGINAL) ==
               0 &&
           end == s + s_len;
}
