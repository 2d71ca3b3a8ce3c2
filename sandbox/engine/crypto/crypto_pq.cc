// native.crypto: ML-DSA (FIPS 204) and ML-KEM (FIPS 203). Kinds are numbers: 0 to 2 ML-DSA-44, -65,
// -87, 3 to 5 ML-KEM-512, -768, -1024. Private keys are made of their seed and written as their
// seed (RFC 9881, draft-ietf-lamps-kyber-certificates): one that was given in another form alone
// cannot be used.
#include "sandbox/engine/crypto/crypto_call.h"

#include <cstring>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/x509.h>

namespace isolane::crypto
{

namespace
{

constexpr uint32_t kKinds = 6, kFirstKem = 3;
const char *const names[kKinds] = {"ML-DSA-44",  "ML-DSA-65",  "ML-DSA-87",
                                   "ML-KEM-512", "ML-KEM-768", "ML-KEM-1024"};
const int nids[kKinds] = {NID_ML_DSA_44,  NID_ML_DSA_65,  NID_ML_DSA_87,
                          NID_ML_KEM_512, NID_ML_KEM_768, NID_ML_KEM_1024};
constexpr size_t kSeedMost = 64, kPublicMost = 2592, kSignatureMost = 4627, kDerMost = 16 << 10;
constexpr size_t kSecret = 32; // that ML-KEM agrees on
constexpr size_t kContextMost = 255;

using PrivateInfo = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free<PKCS8_PRIV_KEY_INFO_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;

uint32_t kind_of(Call &c, int i)
{
    uint32_t kind = c.number(i);
    if (kind >= kKinds)
        c.fail();
    return kind < kKinds ? kind : 0;
}

size_t seed_len(uint32_t kind)
{
    return kind < kFirstKem ? 32 : 64;
}

Pkey from_seed(uint32_t kind, Bytes seed)
{
    if (seed.len != seed_len(kind))
        return nullptr;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ML_DSA_SEED,
                                                             const_cast<uint8_t *>(seed.data),
                                                             seed.len),
                           OSSL_PARAM_construct_end()};
    PkeyContext ctx(EVP_PKEY_CTX_new_from_name(nullptr, names[kind], nullptr));
    EVP_PKEY *pkey = nullptr;
    if (!ctx || EVP_PKEY_fromdata_init(ctx.get()) != 1 ||
        EVP_PKEY_fromdata(ctx.get(), &pkey, EVP_PKEY_KEYPAIR, params) != 1)
        return nullptr;
    return Pkey(pkey);
}

Pkey from_public(uint32_t kind, Bytes raw)
{
    return Pkey(EVP_PKEY_new_raw_public_key_ex(nullptr, names[kind], nullptr, raw.data, raw.len));
}

Pkey from_pkcs8(uint32_t kind, Bytes der)
{
    const uint8_t *at = der.data;
    PrivateInfo info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.len)));
    const X509_ALGOR *algorithm = nullptr;
    if (!info || at != der.data + der.len ||
        PKCS8_pkey_get0(nullptr, nullptr, nullptr, &algorithm, info.get()) != 1 ||
        OBJ_obj2nid(algorithm->algorithm) != nids[kind])
        return nullptr;
    return Pkey(EVP_PKCS82PKEY(info.get()));
}

Pkey from_spki(uint32_t kind, Bytes der)
{
    const uint8_t *at = der.data;
    Pkey pkey(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.len)));
    return pkey && at == der.data + der.len && EVP_PKEY_is_a(pkey.get(), names[kind]) == 1
               ? std::move(pkey)
               : nullptr;
}

// The seed; its length, 0 when the key has none.
size_t seed_of(const EVP_PKEY *pkey, uint8_t out[kSeedMost])
{
    size_t len = 0;
    return EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_ML_DSA_SEED, out, kSeedMost,
                                           &len) == 1
               ? len
               : 0;
}

} // namespace

// What a key is given as: 0 seed, 1 public key, 2 PrivateKeyInfo, 3 SubjectPublicKeyInfo.
enum Form { SEED, PUBLIC, PKCS8, SPKI };

// pqGenerate(kind): [public, private]
void pqGenerate(Call &c)
{
    uint32_t kind = kind_of(c, 0);
    if (c.failed())
        return;
    start();
    Pkey pair(EVP_PKEY_Q_keygen(nullptr, nullptr, names[kind]));
    uint8_t raw[kPublicMost];
    size_t len = sizeof raw;
    if (!pair || EVP_PKEY_get_raw_public_key(pair.get(), raw, &len) != 1)
        return;
    Pkey open = from_public(kind, {raw, len});
    if (!open)
        return;
    c.push(std::move(open));
    c.push(std::move(pair));
    c.give_list();
}

// pqImport(kind, form, bytes): a handle, or null
void pqImport(Call &c)
{
    uint32_t kind = kind_of(c, 0), form = c.number(1);
    Bytes b = c.bytes(2);
    if (c.failed() || b.len == 0 || b.len > kDerMost)
        return;
    start();
    Pkey pkey = form == SEED     ? from_seed(kind, b)
                : form == PUBLIC ? from_public(kind, b)
                : form == PKCS8  ? from_pkcs8(kind, b)
                                 : from_spki(kind, b);
    if (pkey)
        c.give_handle(std::move(pkey));
}

// pqPublic(handle), pqSeed(handle): bytes; null when there is no seed
void pqPublic(Call &c)
{
    const Key *key = c.pkey(0);
    uint8_t raw[kPublicMost];
    size_t len = sizeof raw;
    if (!key || EVP_PKEY_get_raw_public_key(key->pkey.get(), raw, &len) != 1)
        return;
    if (uint8_t *out = c.output(len))
        memcpy(out, raw, len);
}

void pqSeed(Call &c)
{
    const Key *key = c.pkey(0);
    uint8_t seed[kSeedMost];
    size_t len = key ? seed_of(key->pkey.get(), seed) : 0;
    if (!len)
        return;
    if (uint8_t *out = c.output(len))
        memcpy(out, seed, len);
    OPENSSL_cleanse(seed, sizeof seed);
}

// pqSpki(handle)
void pqSpki(Call &c)
{
    const Key *key = c.pkey(0);
    uint8_t *der = nullptr;
    int len = key ? i2d_PUBKEY(key->pkey.get(), &der) : 0;
    if (len > 0)
        if (uint8_t *out = c.output(static_cast<size_t>(len)))
            memcpy(out, der, static_cast<size_t>(len));
    OPENSSL_free(der);
}

// pqPkcs8(kind, handle): with the seed alone. OpenSSL would write what a configuration says.
void pqPkcs8(Call &c)
{
    uint32_t kind = kind_of(c, 0);
    const Key *key = c.pkey(1);
    uint8_t seed[kSeedMost];
    if (c.failed() || seed_of(key->pkey.get(), seed) != seed_len(kind))
        return;
    // SEQUENCE { INTEGER 0, SEQUENCE { OID 2.16.840.1.101.3.4.(3.17 and on | 4.1 and on) }, OCTET
    // STRING { [0] seed } }
    uint8_t n = static_cast<uint8_t>(seed_len(kind));
    uint8_t family = kind < kFirstKem ? 3 : 4;
    uint8_t member = static_cast<uint8_t>(kind < kFirstKem ? 0x11 + kind : 1 + kind - kFirstKem);
    const uint8_t head[] = {0x30,   static_cast<uint8_t>(n + 20),
                            0x02,   0x01,
                            0x00,   0x30,
                            0x0b,   0x06,
                            0x09,   0x60,
                            0x86,   0x48,
                            0x01,   0x65,
                            0x03,   0x04,
                            family, member,
                            0x04,   static_cast<uint8_t>(n + 2),
                            0x80,   n};
    if (uint8_t *out = c.output(sizeof head + n)) {
        memcpy(out, head, sizeof head);
        memcpy(out + sizeof head, seed, n);
    }
    OPENSSL_cleanse(seed, sizeof seed);
}

// pqSign(private, data, context)
void pqSign(Call &c)
{
    const Key *key = c.pkey(0);
    Bytes data = c.bytes(1), context = c.bytes(2);
    if (c.failed() || context.len > kContextMost)
        return;
    SignatureContext more(context);
    DigestContext ctx(EVP_MD_CTX_new());
    size_t len = kSignatureMost;
    uint8_t *out = c.output(len);
    if (!out)
        return;
    if (!ctx ||
        EVP_DigestSignInit_ex(ctx.get(), nullptr, nullptr, nullptr, nullptr, key->pkey.get(),
                              more.params) != 1 ||
        EVP_DigestSign(ctx.get(), out, &len, data.data, data.len) != 1)
        return c.refuse();
    c.shorten(len);
}

// pqVerify(public, signature, data, context)
void pqVerify(Call &c)
{
    const Key *key = c.pkey(0);
    Bytes signature = c.bytes(1), data = c.bytes(2), context = c.bytes(3);
    if (c.failed() || context.len > kContextMost)
        return;
    SignatureContext more(context);
    DigestContext ctx(EVP_MD_CTX_new());
    c.give(ctx &&
           EVP_DigestVerifyInit_ex(ctx.get(), nullptr, nullptr, nullptr, nullptr, key->pkey.get(),
                                   more.params) == 1 &&
           EVP_DigestVerify(ctx.get(), signature.data, signature.len, data.data, data.len) == 1);
}

// kemEncapsulate(public): [shared secret, ciphertext]
void kemEncapsulate(Call &c)
{
    const Key *key = c.pkey(0);
    if (!key)
        return;
    PkeyContext ctx(EVP_PKEY_CTX_new_from_pkey(nullptr, key->pkey.get(), nullptr));
    size_t len = 0, secret_len = 0;
    if (!ctx || EVP_PKEY_encapsulate_init(ctx.get(), nullptr) != 1 ||
        EVP_PKEY_encapsulate(ctx.get(), nullptr, &len, nullptr, &secret_len) != 1 ||
        secret_len != kSecret)
        return;
    Secret wrapped(len), secret(secret_len);
    if (EVP_PKEY_encapsulate(ctx.get(), wrapped.data(), &len, secret.data(), &secret_len) != 1)
        return;
    c.push(secret.data(), secret_len);
    c.push(wrapped.data(), len);
    c.give_list();
}

// kemDecapsulate(private, ciphertext): the shared secret, or null when the ciphertext has another
// length
void kemDecapsulate(Call &c)
{
    const Key *key = c.pkey(0);
    Bytes wrapped = c.bytes(1);
    if (c.failed())
        return;
    PkeyContext ctx(EVP_PKEY_CTX_new_from_pkey(nullptr, key->pkey.get(), nullptr));
    size_t len = kSecret;
    if (!ctx || EVP_PKEY_decapsulate_init(ctx.get(), nullptr) != 1)
        return;
    uint8_t *out = c.output(len);
    if (out && EVP_PKEY_decapsulate(ctx.get(), out, &len, wrapped.data, wrapped.len) != 1)
        c.refuse();
}

} // namespace isolane::crypto
