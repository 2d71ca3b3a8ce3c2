// Hashes and HMAC over OpenSSL's own functions for them, which need none of its providers: a cell
// that only hashes does not start OpenSSL, and a state is copied by copying bytes. SHA-3 has no
// such functions and goes through EVP.
#pragma once
#define OPENSSL_SUPPRESS_DEPRECATED // SHA256_Init() and its kin

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "sandbox/engine/crypto/crypto_call.h"

namespace isolane::crypto
{

// The numbers that the built-ins use (sandbox/js/parts/crypto/hashes.js).
enum HashId { SHA1, SHA256, SHA384, SHA512, SHA3_256, SHA3_384, SHA3_512, HASHES };
inline constexpr size_t kHashMost = 64;       // bytes of the longest result
inline constexpr size_t kHashBlockMost = 144; // and of the longest block

struct HashKind {
    const char *name; // OpenSSL's
    size_t len, block;
};
extern const HashKind hash_kinds[HASHES];

class Hash
{
  public:
    explicit Hash(HashId id);
    Hash(const Hash &other);
    Hash &operator=(const Hash &other);
    ~Hash();
    // False when the job is to end.
    bool update(const uint8_t *data, size_t len);
    void finish(uint8_t *out); // hash_kinds[id].len bytes
    HashId id() const
    {
        return id_;
    }
    // OpenSSL's state; for the hashes that have this one.
    const SHA_CTX &sha1() const
    {
        return state_.sha1;
    }
    const SHA256_CTX &sha256() const
    {
        return state_.sha256;
    }
    const SHA512_CTX &sha512() const
    {
        return state_.sha512;
    }

  private:
    HashId id_;
    union {
        SHA_CTX sha1;
        SHA256_CTX sha256;
        SHA512_CTX sha512;
        EVP_MD_CTX *evp;
    } state_;

    void step(const uint8_t *data, size_t len);
    void copy(const Hash &other);
    void drop();
};

// HMAC (RFC 2104). A started one is copied for each message.
class Hmac
{
  public:
    Hmac(HashId id, Bytes key);
    bool update(const uint8_t *data, size_t len)
    {
        return inner_.update(data, len);
    }
    void finish(uint8_t *out);
    size_t len() const
    {
        return hash_kinds[inner_.id()].len;
    }
    const Hash &inner() const
    {
        return inner_;
    }
    const Hash &outer() const
    {
        return outer_;
    }

  private:
    Hash inner_, outer_;
};

// Argument i of a call is the number of a hash.
HashId hash_of(Call &c, int i);
// The same for EVP; owned by this file.
const EVP_MD *evp_hash(HashId id);
// The hash of data, into out; false when the job is to end.
bool hash_once(HashId id, Bytes data, uint8_t *out);

} // namespace isolane::crypto
