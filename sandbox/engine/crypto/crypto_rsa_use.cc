// native.crypto: signing and encrypting with RSA. Messages are hashed here first, so that a long
// one can be stopped.
#include "sandbox/engine/crypto/crypto_hash.h"

#include <cstring>

#include <openssl/rsa.h>

namespace isolane::crypto
{

namespace
{

enum Padding { PKCS1, PSS };

PkeyContext context_of(const Key *key)
{
    return PkeyContext(EVP_PKEY_CTX_new_from_pkey(nullptr, key->pkey.get(), nullptr));
}

bool set_padding(EVP_PKEY_CTX *ctx, uint32_t padding, HashId hash, uint32_t salt_len)
{
    if (EVP_PKEY_CTX_set_rsa_padding(ctx, padding == PSS ? RSA_PKCS1_PSS_PADDING
                                                         : RSA_PKCS1_PADDING) != 1 ||
        EVP_PKEY_CTX_set_signature_md(ctx, evp_hash(hash)) != 1)
        return false;
    return padding != PSS ||
           (salt_len <= INT32_MAX && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, evp_hash(hash)) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, static_cast<int>(salt_len)) == 1);
}

bool set_oaep(EVP_PKEY_CTX *ctx, HashId hash, Bytes label)
{
    if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, evp_hash(hash)) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, evp_hash(hash)) != 1)
        return false;
    if (label.len == 0)
        return true;
    void *copy = OPENSSL_memdup(label.data, label.len); // the context's from then on
    if (copy && EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, static_cast<int>(label.len)) == 1)
        return true;
    OPENSSL_free(copy);
    return false;
}

constexpr size_t kLabelMost = 1u << 20;

using Start = int(EVP_PKEY_CTX *);
using Crypt = int(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);

void crypt(Call &c, Start *init, Crypt *run)
{
    const Key *key = c.pkey(0);
    HashId hash = hash_of(c, 1);
    Bytes label = c.bytes(2), in = c.bytes(3);
    if (c.failed() || label.len > kLabelMost)
        return;
    PkeyContext ctx = context_of(key);
    size_t len = static_cast<size_t>(EVP_PKEY_get_size(key->pkey.get()));
    if (!ctx || init(ctx.get()) != 1 || !set_oaep(ctx.get(), hash, label))
        return;
    uint8_t *out = c.output(len);
    if (!out)
        return;
    static const uint8_t nothing = 0; // OpenSSL takes a null pointer for a question
    if (run(ctx.get(), out, &len, in.data ? in.data : &nothing, in.len) != 1)
        return c.refuse();
    c.shorten(len);
}

} // namespace

// rsaSign(key, padding, hash, length of the salt, data)
void rsaSign(Call &c)
{
    const Key *key = c.pkey(0);
    uint32_t padding = c.number(1);
    HashId hash = hash_of(c, 2);
    uint32_t salt_len = c.number(3);
    Bytes data = c.bytes(4);
    uint8_t sum[kHashMost];
    if (c.failed() || !hash_once(hash, data, sum))
        return;
    PkeyContext ctx = context_of(key);
    size_t len = static_cast<size_t>(EVP_PKEY_get_size(key->pkey.get()));
    if (!ctx || EVP_PKEY_sign_init(ctx.get()) != 1 ||
        !set_padding(ctx.get(), padding, hash, salt_len))
        return;
    uint8_t *out = c.output(len);
    if (!out)
        return;
    if (EVP_PKEY_sign(ctx.get(), out, &len, sum, hash_kinds[hash].len) != 1)
        return c.refuse();
    c.shorten(len);
}

// rsaVerify(key, padding, hash, length of the salt, signature, data)
void rsaVerify(Call &c)
{
    const Key *key = c.pkey(0);
    uint32_t padding = c.number(1);
    HashId hash = hash_of(c, 2);
    uint32_t salt_len = c.number(3);
    Bytes signature = c.bytes(4), data = c.bytes(5);
    uint8_t sum[kHashMost];
    if (c.failed() || !hash_once(hash, data, sum))
        return;
    PkeyContext ctx = context_of(key);
    if (!ctx || EVP_PKEY_verify_init(ctx.get()) != 1 ||
        !set_padding(ctx.get(), padding, hash, salt_len))
        return c.give(false);
    c.give(EVP_PKEY_verify(ctx.get(), signature.data, signature.len, sum, hash_kinds[hash].len) ==
           1);
}

// rsaEncrypt(key, hash, label, data)
void rsaEncrypt(Call &c)
{
    crypt(c, EVP_PKEY_encrypt_init, EVP_PKEY_encrypt);
}

// rsaDecrypt(key, hash, label, data)
void rsaDecrypt(Call &c)
{
    crypt(c, EVP_PKEY_decrypt_init, EVP_PKEY_decrypt);
}

} // namespace isolane::crypto
