// native.crypto: keys of keys (HKDF, RFC 5869) and of passwords (PBKDF2, RFC 8018).
//
// OpenSSL has both, but its PBKDF2 runs for as long as the script says and cannot be stopped.
#include "sandbox/engine/crypto_hash.h"

#include <algorithm>
#include <cstring>

#include <openssl/crypto.h>

namespace isolane::crypto
{

namespace
{

constexpr uint32_t kRoundsBetweenLooks = 512; // each less than a microsecond

// One block of PBKDF2; false when the job is to end.
bool pbkdf2_block(const Hmac &keyed, Bytes salt, uint32_t index, uint32_t rounds, size_t len,
                  uint8_t *out)
{
    const uint8_t number[4] = {static_cast<uint8_t>(index >> 24), static_cast<uint8_t>(index >> 16),
                               static_cast<uint8_t>(index >> 8), static_cast<uint8_t>(index)};
    uint8_t u[kHashMost];
    Hmac first = keyed;
    if (!first.update(salt.data, salt.len))
        return false;
    first.update(number, sizeof number);
    first.finish(u);
    memcpy(out, u, len);
    for (uint32_t i = 1; i < rounds; i++) {
        if (i % kRoundsBetweenLooks == 0 && stopped())
            return false;
        Hmac next = keyed;
        next.update(u, len);
        next.finish(u);
        for (size_t j = 0; j < len; j++)
            out[j] ^= u[j];
    }
    OPENSSL_cleanse(u, sizeof u);
    return true;
}

} // namespace

// hkdf(hash, key, salt, info, length): null when it is longer than HKDF can give
void hkdf(Call &c)
{
    HashId id = hash_of(c, 0);
    const Key *key = c.secret(1);
    Bytes salt = c.bytes(2), info = c.bytes(3);
    size_t len = c.number(4), step = hash_kinds[id].len;
    if (c.failed() || len > 255 * step)
        return;
    uint8_t *out = c.output(len);
    if (!out)
        return;
    uint8_t prk[kHashMost], t[kHashMost];
    Hmac extract(id, salt);
    extract.update(key->raw().data, key->raw().len);
    extract.finish(prk);
    const Hmac keyed(id, {prk, step});
    for (size_t done = 0, n = 1; done < len; done += step, n++) {
        uint8_t number = static_cast<uint8_t>(n);
        Hmac next = keyed;
        if (n > 1)
            next.update(t, step);
        if (!next.update(info.data, info.len))
            break;
        next.update(&number, 1);
        next.finish(t);
        memcpy(out + done, t, std::min(step, len - done));
    }
    OPENSSL_cleanse(prk, sizeof prk);
    OPENSSL_cleanse(t, sizeof t);
}

// pbkdf2(hash, password, salt, iterations, length)
void pbkdf2(Call &c)
{
    HashId id = hash_of(c, 0);
    const Key *password = c.secret(1);
    Bytes salt = c.bytes(2);
    uint32_t rounds = c.number(3);
    size_t len = c.number(4), step = hash_kinds[id].len;
    uint8_t *out = c.output(len);
    if (!out || rounds == 0)
        return c.refuse();
    const Hmac keyed(id, password->raw());
    uint8_t block[kHashMost];
    uint32_t index = 1;
    for (size_t done = 0; done < len; done += step, index++) {
        if (!pbkdf2_block(keyed, salt, index, rounds, step, block))
            break;
        memcpy(out + done, block, std::min(step, len - done));
    }
    OPENSSL_cleanse(block, sizeof block);
}

} // namespace isolane::crypto
