#include "link/nkey.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

#define PREFIX_SEED  (18 << 3) /* 'S' */
#define PUBLIC_BYTES (1 + ED25519_PUBLIC + 2)
#define SEED_BYTES   (2 + ED25519_SEED + 2)

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; /* RFC 4648 section 6 */

/* CRC-16/XMODEM: polynomial 0x1021, start 0. */
static uint16_t crc16(const uint8_t *p, size_t len)
{
    unsigned crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned)p[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
    }
    return (uint16_t)crc;
}

/* Without padding: nkeys do not pad. */
static void base32(const uint8_t *p, size_t len, char *out)
{
    unsigned bits = 0, have = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | p[i];
        for (have += 8; have >= 5; have -= 5)
            *out++ = alphabet[bits >> (have - 5) & 31];
    }
    if (have)
        *out++ = alphabet[bits << (5 - have) & 31];
    *out = 0;
}

/* Exactly len bytes from the n characters. */
static bool unbase32(const char *s, size_t n, uint8_t *out, size_t len)
{
    unsigned bits = 0, have = 0;
    size_t made = 0;
    for (size_t i = 0; i < n; i++) {
        const char *at = s[i] ? strchr(alphabet, s[i]) : NULL;
        if (!at)
            return false;
        bits = bits << 5 | (unsigned)(at - alphabet);
        have += 5;
        if (have >= 8) {
            if (made == len)
                return false;
            have -= 8;
            out[made++] = (uint8_t)(bits >> have);
        }
    }
    return made == len;
}

static void add_crc(uint8_t *p, size_t len)
{
    uint16_t crc = crc16(p, len);
    p[len] = (uint8_t)crc;
    p[len + 1] = (uint8_t)(crc >> 8);
}

void nkey_public_text(enum nkey_kind kind, const uint8_t pub[ED25519_PUBLIC],
                      char out[NKEY_PUBLIC_TEXT])
{
    uint8_t raw[PUBLIC_BYTES];
    raw[0] = (uint8_t)kind;
    memcpy(raw + 1, pub, ED25519_PUBLIC);
    add_crc(raw, sizeof raw - 2);
    base32(raw, sizeof raw, out);
}

/* The prefix of a seed is two values of five bits: "this is a seed", and of what. */
void nkey_seed_text(enum nkey_kind kind, const uint8_t seed[ED25519_SEED], char out[NKEY_SEED_TEXT])
{
    uint8_t raw[SEED_BYTES];
    raw[0] = (uint8_t)(PREFIX_SEED | (unsigned)kind >> 5);
    raw[1] = (uint8_t)(((unsigned)kind & 31) << 3);
    memcpy(raw + 2, seed, ED25519_SEED);
    add_crc(raw, sizeof raw - 2);
    base32(raw, sizeof raw, out);
    crypto_wipe(raw, sizeof raw);
}

static bool decode_seed(const char *s, size_t n, uint8_t seed[ED25519_SEED])
{
    uint8_t raw[SEED_BYTES];
    bool ok = n == NKEY_SEED_TEXT - 1 && unbase32(s, n, raw, sizeof raw);
    if (ok) {
        unsigned crc = raw[SEED_BYTES - 2] | (unsigned)raw[SEED_BYTES - 1] << 8;
        unsigned kind = (raw[0] & 7u) << 5 | (raw[1] & 0xf8u) >> 3;
        ok = (raw[0] & 0xf8) == PREFIX_SEED && kind == NKEY_USER &&
             crc16(raw, SEED_BYTES - 2) == crc;
    }
    if (ok)
        memcpy(seed, raw + 2, ED25519_SEED);
    crypto_wipe(raw, sizeof raw);
    return ok;
}

int nkey_find_user_seed(const char *text, size_t len, uint8_t seed[ED25519_SEED],
                        char pub[NKEY_PUBLIC_TEXT], struct err *e)
{
    for (size_t at = 0; at < len;) {
        const char *line = text + at, *end = memchr(line, '\n', len - at);
        size_t n = end ? (size_t)(end - line) : len - at;
        at += n + 1;
        while (n && (line[n - 1] == '\r' || line[n - 1] == ' ' || line[n - 1] == '\t'))
            n--;
        for (; n && (*line == ' ' || *line == '\t'); line++)
            n--;
        if (n < 2 || memcmp(line, "SU", 2) != 0)
            continue;
        if (!decode_seed(line, n, seed))
            return err_set(
                e, ERR_INVALID,
                "the line that begins with SU is no valid seed (%zu characters; a user's "
                "seed has %d and a checksum)",
                n, NKEY_SEED_TEXT - 1);
        uint8_t key[ED25519_PUBLIC], secret[ED25519_SECRET];
        crypto_ed25519_from_seed(seed, key, secret);
        crypto_wipe(secret, sizeof secret);
        nkey_public_text(NKEY_USER, key, pub);
        return 0;
    }
    return err_set(
        e, ERR_INVALID,
        "no user seed in it; allowed: a line of %d characters that begins with SU (made by "
        "`nk -gen user` or `nsc generate nkey --user`)",
        NKEY_SEED_TEXT - 1);
}
