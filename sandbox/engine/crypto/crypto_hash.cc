// native.crypto: digest, HMAC.
#include "sandbox/engine/crypto/crypto_hash.h"

#include <cstring>

#include <openssl/crypto.h>

namespace isolane::crypto
{

const HashKind hash_kinds[HASHES] = {
    {"SHA1", 20, 64},      {"SHA256", 32, 64},    {"SHA384", 48, 128},  {"SHA512", 64, 128},
    {"SHA3-256", 32, 136}, {"SHA3-384", 48, 104}, {"SHA3-512", 64, 72},
};

namespace
{

constexpr size_t kChunk = 128 << 10; // between two looks whether the job is to end

} // namespace

const EVP_MD *evp_hash(HashId id)
{
    static EVP_MD *fetched[HASHES];
    start();
    if (!fetched[id])
        fetched[id] = EVP_MD_fetch(nullptr, hash_kinds[id].name, nullptr);
    return fetched[id];
}

Hash::Hash(HashId id) : id_(id)
{
    switch (id) {
    case SHA1:
        SHA1_Init(&state_.sha1);
        break;
    case SHA256:
        SHA256_Init(&state_.sha256);
        break;
    case SHA384:
        SHA384_Init(&state_.sha512);
        break;
    case SHA512:
        SHA512_Init(&state_.sha512);
        break;
    default:
        start();
        state_.evp = EVP_MD_CTX_new();
        if (!state_.evp || EVP_DigestInit_ex2(state_.evp, evp_hash(id), nullptr) != 1)
            abort();
    }
}

void Hash::copy(const Hash &other)
{
    id_ = other.id_;
    if (id_ < SHA3_256) {
        state_ = other.state_;
        return;
    }
    state_.evp = EVP_MD_CTX_new();
    if (!state_.evp || EVP_MD_CTX_copy_ex(state_.evp, other.state_.evp) != 1)
        abort();
}

void Hash::drop()
{
    if (id_ >= SHA3_256)
        EVP_MD_CTX_free(state_.evp);
    else
        OPENSSL_cleanse(&state_, sizeof state_);
}

Hash::Hash(const Hash &other)
{
    copy(other);
}

Hash &Hash::operator=(const Hash &other)
{
    if (this != &other) {
        drop();
        copy(other);
    }
    return *this;
}

Hash::~Hash()
{
    drop();
}

void Hash::step(const uint8_t *data, size_t len)
{
    switch (id_) {
    case SHA1:
        SHA1_Update(&state_.sha1, data, len);
        break;
    case SHA256:
        SHA256_Update(&state_.sha256, data, len);
        break;
    case SHA384:
    case SHA512:
        SHA512_Update(&state_.sha512, data, len);
        break;
    default:
        EVP_DigestUpdate(state_.evp, data, len);
    }
}

bool Hash::update(const uint8_t *data, size_t len)
{
    while (len > kChunk) {
        step(data, kChunk);
        data += kChunk;
        len -= kChunk;
        if (stopped())
            return false;
    }
    if (len)
        step(data, len);
    return true;
}

void Hash::finish(uint8_t *out)
{
    switch (id_) {
    case SHA1:
        SHA1_Final(out, &state_.sha1);
        break;
    case SHA256:
        SHA256_Final(out, &state_.sha256);
        break;
    case SHA384:
        SHA384_Final(out, &state_.sha512);
        break;
    case SHA512:
        SHA512_Final(out, &state_.sha512);
        break;
    default:
        EVP_DigestFinal_ex(state_.evp, out, nullptr);
    }
}

bool hash_once(HashId id, Bytes data, uint8_t *out)
{
    Hash h(id);
    if (!h.update(data.data, data.len))
        return false;
    h.finish(out);
    return true;
}

HashId hash_of(Call &c, int i)
{
    uint32_t id = c.number(i);
    if (id >= HASHES)
        c.fail();
    return id < HASHES ? static_cast<HashId>(id) : SHA256;
}

Hmac::Hmac(HashId id, Bytes key) : inner_(id), outer_(id)
{
    uint8_t block[kHashBlockMost] = {};
    const size_t len = hash_kinds[id].block;
    if (key.len > len)
        hash_once(id, key, block);
    else if (key.len)
        memcpy(block, key.data, key.len);
    for (size_t i = 0; i < len; i++)
        block[i] ^= 0x36;
    inner_.update(block, len);
    for (size_t i = 0; i < len; i++)
        block[i] ^= 0x36 ^ 0x5c;
    outer_.update(block, len);
    OPENSSL_cleanse(block, sizeof block);
}

void Hmac::finish(uint8_t *out)
{
    uint8_t inside[kHashMost];
    inner_.finish(inside);
    outer_.update(inside, hash_kinds[inner_.id()].len);
    outer_.finish(out);
    OPENSSL_cleanse(inside, sizeof inside);
}

// digest(hash, data)
void digest(Call &c)
{
    HashId id = hash_of(c, 0);
    Bytes data = c.bytes(1);
    uint8_t *out = c.output(hash_kinds[id].len);
    if (out && !hash_once(id, data, out))
        c.refuse();
}

// hmac(hash, key, data)
void hmac(Call &c)
{
    HashId id = hash_of(c, 0);
    const Key *key = c.secret(1);
    Bytes data = c.bytes(2);
    uint8_t *out = c.output(hash_kinds[id].len);
    if (!out)
        return;
    Hmac h(id, key->raw());
    if (!h.update(data.data, data.len))
        return c.refuse();
    h.finish(out);
}

// hmacVerify(hash, key, signature, data)
void hmacVerify(Call &c)
{
    HashId id = hash_of(c, 0);
    const Key *key = c.secret(1);
    Bytes signature = c.bytes(2), data = c.bytes(3);
    if (c.failed())
        return;
    uint8_t want[kHashMost];
    Hmac h(id, key->raw());
    if (!h.update(data.data, data.len))
        return;
    h.finish(want);
    c.give(signature.len == hash_kinds[id].len &&
           CRYPTO_memcmp(want, signature.data, signature.len) == 0);
}

} // namespace isolane::crypto
