// native.crypto: Ed25519, X25519 (libsodium), Ed448, X448 (OpenSSL). Kinds are numbers: 0 Ed25519,
// 1 X25519, 2 Ed448, 3 X448. Their keys are handles of the bytes that RFC 7748 and RFC 8032 call
// the private key, or of the public key.
//
// libsodium's Ed25519 refuses public keys and points R of small order, as Web Cryptography wants
// it.
#include "sandbox/engine/crypto/crypto_call.h"
#include "sandbox/engine/random.h"

#include <cstring>
#include <sodium.h>

#include <openssl/crypto.h>

namespace isolane::crypto
{

const OkpKind okp_kinds[kOkps] = {
    {"ED25519", 32, 64}, {"X25519", 32, 0}, {"ED448", 57, 114}, {"X448", 56, 0}};

namespace
{

constexpr size_t kKeyMost = 57;

uint32_t kind_of(Call &c, int i)
{
    uint32_t kind = c.number(i);
    if (kind >= kOkps)
        c.fail();
    return kind < kOkps ? kind : 0;
}

// The bytes of a key of that kind; nullptr after a fault.
const uint8_t *key_of(Call &c, uint32_t kind, int i)
{
    const Key *key = c.secret(i);
    if (!key)
        return nullptr;
    if (key->raw().len != okp_kinds[kind].key_len)
        c.fail();
    return c.failed() ? nullptr : key->raw().data;
}

Pkey private_of(uint32_t kind, const uint8_t *raw)
{
    start();
    return Pkey(EVP_PKEY_new_raw_private_key_ex(nullptr, okp_kinds[kind].name, nullptr, raw,
                                                okp_kinds[kind].key_len));
}

Pkey public_of(uint32_t kind, const uint8_t *raw)
{
    start();
    return Pkey(EVP_PKEY_new_raw_public_key_ex(nullptr, okp_kinds[kind].name, nullptr, raw,
                                               okp_kinds[kind].key_len));
}

bool make_public(uint32_t kind, const uint8_t *secret, uint8_t *out)
{
    if (kind == X25519)
        return crypto_scalarmult_base(out, secret) == 0;
    if (kind == ED25519) {
        uint8_t whole[crypto_sign_SECRETKEYBYTES];
        bool ok = crypto_sign_seed_keypair(out, whole, secret) == 0;
        OPENSSL_cleanse(whole, sizeof whole);
        return ok;
    }
    Pkey pkey = private_of(kind, secret);
    size_t len = okp_kinds[kind].key_len;
    return pkey && EVP_PKEY_get_raw_public_key(pkey.get(), out, &len) == 1;
}

bool sign_448(const uint8_t *secret, Bytes data, Bytes context, uint8_t *out)
{
    SignatureContext more(context);
    Pkey pkey = private_of(ED448, secret);
    std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>> ctx(EVP_MD_CTX_new());
    size_t len = okp_kinds[ED448].signature_len;
    return pkey && ctx &&
           EVP_DigestSignInit_ex(ctx.get(), nullptr, nullptr, nullptr, nullptr, pkey.get(),
                                 more.params) == 1 &&
           EVP_DigestSign(ctx.get(), out, &len, data.data, data.len) == 1;
}

bool verify_448(const uint8_t *open, Bytes signature, Bytes data, Bytes context)
{
    SignatureContext more(context);
    Pkey pkey = public_of(ED448, open);
    std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>> ctx(EVP_MD_CTX_new());
    return pkey && ctx &&
           EVP_DigestVerifyInit_ex(ctx.get(), nullptr, nullptr, nullptr, nullptr, pkey.get(),
                                   more.params) == 1 &&
           EVP_DigestVerify(ctx.get(), signature.data, signature.len, data.data, data.len) == 1;
}

bool derive_448(const uint8_t *secret, const uint8_t *open, uint8_t *out)
{
    Pkey own = private_of(X448, secret), peer = public_of(X448, open);
    PkeyContext ctx(own ? EVP_PKEY_CTX_new_from_pkey(nullptr, own.get(), nullptr) : nullptr);
    size_t len = okp_kinds[X448].key_len;
    return peer && ctx && EVP_PKEY_derive_init(ctx.get()) == 1 &&
           EVP_PKEY_derive_set_peer(ctx.get(), peer.get()) == 1 &&
           EVP_PKEY_derive(ctx.get(), out, &len) == 1;
}

} // namespace

// okpGenerate(kind): [public, private]
void okpGenerate(Call &c)
{
    uint32_t kind = kind_of(c, 0);
    size_t len = okp_kinds[kind].key_len;
    auto secret = std::make_unique<Secret>(len), open = std::make_unique<Secret>(len);
    if (c.failed())
        return;
    random_bytes(secret->data(), len);
    if (!make_public(kind, secret->data(), open->data()))
        return;
    c.push(std::move(open));
    c.push(std::move(secret));
    c.give_list();
}

// okpPublic(kind, private): the public key's bytes
void okpPublic(Call &c)
{
    uint32_t kind = kind_of(c, 0);
    const uint8_t *secret = key_of(c, kind, 1);
    uint8_t *out = c.output(okp_kinds[kind].key_len);
    if (out && !make_public(kind, secret, out))
        c.refuse();
}

// okpSign(kind, private, data, context of Ed448)
void okpSign(Call &c)
{
    uint32_t kind = kind_of(c, 0);
    const uint8_t *secret = key_of(c, kind, 1);
    Bytes data = c.bytes(2);
    uint8_t *out = c.output(okp_kinds[kind].signature_len);
    if (!out)
        return;
    if (kind == ED448) {
        if (!sign_448(secret, data, c.bytes(3), out))
            c.refuse();
        return;
    }
    uint8_t open[crypto_sign_PUBLICKEYBYTES], whole[crypto_sign_SECRETKEYBYTES];
    crypto_sign_seed_keypair(open, whole, secret);
    if (kind != ED25519 || crypto_sign_detached(out, nullptr, data.data, data.len, whole) != 0)
        c.refuse();
    OPENSSL_cleanse(whole, sizeof whole);
}

// okpVerify(kind, public, signature, data, context of Ed448)
void okpVerify(Call &c)
{
    uint32_t kind = kind_of(c, 0);
    const uint8_t *open = key_of(c, kind, 1);
    Bytes signature = c.bytes(2), data = c.bytes(3);
    if (c.failed())
        return;
    if (signature.len != okp_kinds[kind].signature_len || signature.len == 0)
        c.give(false);
    else if (kind == ED448)
        c.give(verify_448(open, signature, data, c.bytes(4)));
    else
        c.give(crypto_sign_verify_detached(signature.data, data.data, data.len, open) == 0);
}

// okpDerive(kind, private, public): null when the result would be zero
void okpDerive(Call &c)
{
    uint32_t kind = kind_of(c, 0);
    const uint8_t *secret = key_of(c, kind, 1), *open = key_of(c, kind, 2);
    uint8_t *out = c.output(okp_kinds[kind].key_len);
    if (!out)
        return;
    bool ok = kind == X448 ? derive_448(secret, open, out)
                           : kind == X25519 && crypto_scalarmult(out, secret, open) == 0;
    if (!ok)
        c.refuse();
}

} // namespace isolane::crypto
