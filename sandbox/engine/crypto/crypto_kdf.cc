// native.crypto: keys of keys (HKDF, RFC 5869) and of passwords (PBKDF2, RFC 8018).
//
// OpenSSL has both, but its PBKDF2 runs for as long as the script says and cannot be stopped.
#include "sandbox/engine/crypto/crypto_hash.h"

#include <algorithm>
#include <cstring>

#include <openssl/crypto.h>

namespace isolane::crypto
{

namespace
{

constexpr uint32_t kRoundsBetweenLooks = 1024; // each about a tenth of a microsecond

// The rounds after the first: u = HMAC(u), and all u together by exclusive or in out. False when
// the job is to end.
using Rounds = bool(const Hmac &keyed, uint32_t rounds, uint8_t *u, uint8_t *out);

// With any hash.
bool plain_rounds(const Hmac &keyed, uint32_t rounds, uint8_t *u, uint8_t *out)
{
    const size_t len = keyed.len();
    for (uint32_t i = 1; i < rounds; i++) {
        if (i % kRoundsBetweenLooks == 0 && stopped())
            return false;
        Hmac next = keyed;
        next.update(u, len);
        next.finish(u);
        for (size_t j = 0; j < len; j++)
            out[j] ^= u[j];
    }
    return true;
}

// The hashes of which OpenSSL gives the compression function. Both messages of a round, a hash
// behind a block of key, have one block with always the same padding: two compressions a round,
// nothing else.
struct Sha1 {
    using State = SHA_CTX;
    using Word = uint32_t;
    static constexpr size_t words = 5, block = 64;
    static constexpr auto compress = SHA1_Transform;
    static const State &state(const Hash &h)
    {
        return h.sha1();
    }
    static Word *at(State &s, size_t i)
    {
        static constexpr Word State::*all[] = {&State::h0, &State::h1, &State::h2, &State::h3,
                                               &State::h4};
        return &(s.*all[i]);
    }
};
struct Sha256 {
    using State = SHA256_CTX;
    using Word = uint32_t;
    static constexpr size_t words = 8, block = 64;
    static constexpr auto compress = SHA256_Transform;
    static const State &state(const Hash &h)
    {
        return h.sha256();
    }
    static Word *at(State &s, size_t i)
    {
        return &s.h[i];
    }
};
template <size_t count> struct Sha512 {
    using State = SHA512_CTX;
    using Word = SHA_LONG64;
    static constexpr size_t words = count, block = 128;
    static constexpr auto compress = SHA512_Transform;
    static const State &state(const Hash &h)
    {
        return h.sha512();
    }
    static Word *at(State &s, size_t i)
    {
        return &s.h[i];
    }
};

template <typename H> void put(uint8_t *out, typename H::State &s)
{
    using Word = typename H::Word;
    for (size_t i = 0; i < H::words; i++)
        for (size_t b = 0; b < sizeof(Word); b++)
            out[i * sizeof(Word) + b] =
                static_cast<uint8_t>(*H::at(s, i) >> (8 * (sizeof(Word) - 1 - b)));
}

template <typename H> bool fast_rounds(const Hmac &keyed, uint32_t rounds, uint8_t *u, uint8_t *out)
{
    constexpr size_t len = H::words * sizeof(typename H::Word), bits = 8 * (H::block + len);
    uint8_t message[H::block] = {};
    message[len] = 0x80;
    message[H::block - 2] = bits >> 8;
    message[H::block - 1] = bits & 0xff;
    memcpy(message, u, len);
    typename H::State s;
    for (uint32_t i = 1; i < rounds; i++) {
        if (i % kRoundsBetweenLooks == 0 && stopped())
            return false;
        s = H::state(keyed.inner());
        H::compress(&s, message);
        put<H>(message, s);
        s = H::state(keyed.outer());
        H::compress(&s, message);
        put<H>(message, s);
        for (size_t j = 0; j < len; j++)
            out[j] ^= message[j];
    }
    OPENSSL_cleanse(message, sizeof message);
    OPENSSL_cleanse(&s, sizeof s);
    return true;
}

Rounds *rounds_of(HashId id)
{
    return id == SHA1     ? fast_rounds<Sha1>
           : id == SHA256 ? fast_rounds<Sha256>
           : id == SHA384 ? fast_rounds<Sha512<6>>
           : id == SHA512 ? fast_rounds<Sha512<8>>
                          : plain_rounds;
}

// One block of PBKDF2; false when the job is to end.
bool pbkdf2_block(const Hmac &keyed, Bytes salt, uint32_t index, uint32_t rounds, uint8_t *out)
{
    const uint8_t number[4] = {static_cast<uint8_t>(index >> 24), static_cast<uint8_t>(index >> 16),
                               static_cast<uint8_t>(index >> 8), static_cast<uint8_t>(index)};
    uint8_t u[kHashMost];
    Hmac first = keyed;
    if (!first.update(salt.data, salt.len))
        return false;
    first.update(number, sizeof number);
    first.finish(u);
    memcpy(out, u, keyed.len());
    bool whole = rounds_of(keyed.inner().id())(keyed, rounds, u, out);
    OPENSSL_cleanse(u, sizeof u);
    return whole;
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
        if (!next.update(info.data, info.len)) {
            c.refuse();
            break;
        }
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
        if (!pbkdf2_block(keyed, salt, index, rounds, block)) {
            c.refuse();
            break;
        }
        memcpy(out + done, block, std::min(step, len - done));
    }
    OPENSSL_cleanse(block, sizeof block);
}

} // namespace isolane::crypto
