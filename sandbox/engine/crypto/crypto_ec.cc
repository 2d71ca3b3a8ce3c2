// native.crypto: keys on the NIST curves, ECDSA, ECDH. Curves are numbers: 0 P-256, 1 P-384, 2
// P-521.
#include "sandbox/engine/crypto/crypto_hash.h"

#include <cstring>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

namespace isolane::crypto
{

const char *const curve_names[kCurves] = {"P-256", "P-384", "P-521"};

namespace
{

constexpr size_t kFieldMost = 66;                 // bytes of a coordinate of P-521
constexpr size_t kPointMost = 1 + 2 * kFieldMost; // of a point that is not compressed
constexpr size_t kDerMost = 2 * kFieldMost + 16;  // of a signature as OpenSSL has it

using Builder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;

const char *curve_of(Call &c, int i)
{
    uint32_t id = c.number(i);
    if (id >= kCurves)
        c.fail();
    return curve_names[id < kCurves ? id : 0];
}

size_t field_len(const EVP_PKEY *pkey)
{
    return (static_cast<size_t>(EVP_PKEY_get_bits(pkey)) + 7) / 8;
}

// point: encoded; d: null for a public key.
Pkey key_of(const char *curve, Bytes point, const BIGNUM *d)
{
    Builder builder(OSSL_PARAM_BLD_new());
    if (!builder ||
        OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data,
                                         point.len) != 1 ||
        (d && OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, d) != 1))
        return nullptr;
    Params params(OSSL_PARAM_BLD_to_param(builder.get()));
    PkeyContext ctx(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    EVP_PKEY *pkey = nullptr;
    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx.get()) != 1 ||
        EVP_PKEY_fromdata(ctx.get(), &pkey, d ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                          params.get()) != 1)
        return nullptr;
    return Pkey(pkey);
}

// The public point, not compressed; its length, 0 when there is none.
size_t point_of(EVP_PKEY *pkey, uint8_t out[kPointMost])
{
    size_t n = field_len(pkey);
    BIGNUM *x = nullptr, *y = nullptr;
    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, &x);
    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &y);
    Number own_x(x), own_y(y);
    out[0] = POINT_CONVERSION_UNCOMPRESSED;
    if (!x || !y || n > kFieldMost || BN_bn2binpad(x, out + 1, static_cast<int>(n)) < 0 ||
        BN_bn2binpad(y, out + 1 + n, static_cast<int>(n)) < 0)
        return 0;
    return 1 + 2 * n;
}

PkeyContext context_of(const Key *key)
{
    return PkeyContext(EVP_PKEY_CTX_new_from_pkey(nullptr, key->pkey.get(), nullptr));
}

} // namespace

bool ec_fits(EVP_PKEY *pkey, const char *curve, bool is_private)
{
    char text[64];
    size_t len = 0;
    if (EVP_PKEY_get_group_name(pkey, text, sizeof text, &len) != 1 ||
        OBJ_txt2nid(text) != EC_curve_nist2nid(curve) ||
        EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_ENCODING, text, sizeof text,
                                       &len) != 1 ||
        strcmp(text, OSSL_PKEY_EC_ENCODING_GROUP) != 0) // parameters that only look like the curve
        return false;
    EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                   OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED);
    PkeyContext ctx(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey, nullptr));
    return ctx && (is_private ? EVP_PKEY_private_check(ctx.get()) == 1 &&
                                    EVP_PKEY_pairwise_check(ctx.get()) == 1
                              : EVP_PKEY_public_check_quick(ctx.get()) == 1);
}

// ecGenerate(curve): [public, private]
void ecGenerate(Call &c)
{
    const char *curve = curve_of(c, 0);
    if (c.failed())
        return;
    start();
    Pkey pair(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
    uint8_t point[kPointMost];
    size_t len = pair ? point_of(pair.get(), point) : 0;
    Pkey open = len ? key_of(curve, {point, len}, nullptr) : nullptr;
    if (!open)
        return;
    c.push(std::move(open));
    c.push(std::move(pair));
    c.give_list();
}

// ecImport(curve, point, d or undefined): a handle, or null
void ecImport(Call &c)
{
    const char *curve = curve_of(c, 0);
    Bytes point = c.bytes(1), secret = c.bytes(2);
    if (c.failed() || point.len < 2 || point.len > kPointMost || secret.len > kFieldMost)
        return;
    start();
    Number d;
    if (!c.value(2)->IsUndefined()) {
        d.reset(BN_new());
        if (!d || !BN_bin2bn(secret.data, static_cast<int>(secret.len), d.get()))
            return;
        BN_set_flags(d.get(), BN_FLG_CONSTTIME);
    }
    Pkey pkey = key_of(curve, point, d.get());
    if (pkey && ec_fits(pkey.get(), curve, d != nullptr))
        c.give_handle(std::move(pkey));
}

// ecPoint(handle): the public key as a point that is not compressed
void ecPoint(Call &c)
{
    const Key *key = c.pkey(0);
    uint8_t point[kPointMost];
    size_t len = key ? point_of(key->pkey.get(), point) : 0;
    uint8_t *out = len ? c.output(len) : nullptr;
    if (out)
        memcpy(out, point, len);
}

// ecParts(handle, private too): [x, y] or [x, y, d]
void ecParts(Call &c)
{
    const Key *key = c.pkey(0);
    uint8_t point[kPointMost];
    size_t len = key ? point_of(key->pkey.get(), point) : 0, n = len / 2;
    if (!len)
        return;
    c.push(point + 1, n);
    c.push(point + 1 + n, n);
    if (c.flag(1)) {
        BIGNUM *d = nullptr;
        Secret bytes(n);
        EVP_PKEY_get_bn_param(key->pkey.get(), OSSL_PKEY_PARAM_PRIV_KEY, &d);
        Number own(d);
        if (!d || BN_bn2binpad(d, bytes.data(), static_cast<int>(n)) < 0)
            return;
        c.push(bytes.data(), n);
    }
    c.give_list();
}

// ecdsaSign(key, hash, data): r and s, each as long as a coordinate
void ecdsaSign(Call &c)
{
    const Key *key = c.pkey(0);
    HashId hash = hash_of(c, 1);
    Bytes data = c.bytes(2);
    uint8_t sum[kHashMost], der[kDerMost];
    size_t len = sizeof der;
    if (c.failed() || !hash_once(hash, data, sum))
        return;
    start();
    PkeyContext ctx = context_of(key);
    if (!ctx || EVP_PKEY_sign_init(ctx.get()) != 1 ||
        EVP_PKEY_sign(ctx.get(), der, &len, sum, hash_kinds[hash].len) != 1)
        return;
    const uint8_t *at = der;
    Signature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(len)));
    size_t n = field_len(key->pkey.get());
    uint8_t *out = signature ? c.output(2 * n) : nullptr;
    if (!out)
        return;
    if (BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, static_cast<int>(n)) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + n, static_cast<int>(n)) < 0)
        c.refuse();
}

// ecdsaVerify(key, hash, signature, data)
void ecdsaVerify(Call &c)
{
    const Key *key = c.pkey(0);
    HashId hash = hash_of(c, 1);
    Bytes given = c.bytes(2), data = c.bytes(3);
    uint8_t sum[kHashMost], der[kDerMost];
    if (c.failed() || !hash_once(hash, data, sum))
        return;
    start();
    size_t n = field_len(key->pkey.get());
    if (given.len != 2 * n || n > kFieldMost)
        return c.give(false);
    Signature signature(ECDSA_SIG_new());
    Number r(BN_bin2bn(given.data, static_cast<int>(n), nullptr)),
        s(BN_bin2bn(given.data + n, static_cast<int>(n), nullptr));
    if (!signature || !r || !s || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1)
        return;
    r.release(); // the signature's now
    s.release();
    uint8_t *at = der;
    int len = i2d_ECDSA_SIG(signature.get(), nullptr);
    if (len <= 0 || static_cast<size_t>(len) > sizeof der ||
        i2d_ECDSA_SIG(signature.get(), &at) != len)
        return c.give(false);
    PkeyContext ctx = context_of(key);
    c.give(ctx && EVP_PKEY_verify_init(ctx.get()) == 1 &&
           EVP_PKEY_verify(ctx.get(), der, static_cast<size_t>(len), sum, hash_kinds[hash].len) ==
               1);
}

// ecdh(private, public): the shared coordinate
void ecdh(Call &c)
{
    const Key *own = c.pkey(0), *peer = c.pkey(1);
    if (c.failed())
        return;
    start();
    PkeyContext ctx = context_of(own);
    size_t len = field_len(own->pkey.get());
    if (!ctx || EVP_PKEY_derive_init(ctx.get()) != 1 ||
        EVP_PKEY_derive_set_peer_ex(ctx.get(), peer->pkey.get(), 0) != 1)
        return;
    uint8_t *out = c.output(len);
    if (!out)
        return;
    if (EVP_PKEY_derive(ctx.get(), out, &len) != 1)
        return c.refuse();
    c.shorten(len);
}

} // namespace isolane::crypto
