// native.crypto: RSA keys. What is done with them: crypto_rsa_use.cc.
#include "sandbox/engine/crypto/crypto_call.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

namespace isolane::crypto
{

namespace
{

constexpr uint32_t kBitsLeast = 256; // the shortest that anything can be done with
constexpr uint32_t kBitsMost = OPENSSL_RSA_MAX_MODULUS_BITS;
constexpr size_t kExponentMost = 8; // bytes, of keys made here

constexpr size_t kPublicParts = 2, kParts = 8;
const char *const part_names[kParts] = {
    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,           OSSL_PKEY_PARAM_RSA_D,
    OSSL_PKEY_PARAM_RSA_FACTOR1,   OSSL_PKEY_PARAM_RSA_FACTOR2,     OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
enum Part { N, E, D, P, Q, DP, DQ, QI };

using Builder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;
using Scratch = std::unique_ptr<BN_CTX, Free<BN_CTX_free>>;

Number part_of(const EVP_PKEY *pkey, Part part)
{
    BIGNUM *n = nullptr;
    EVP_PKEY_get_bn_param(pkey, part_names[part], &n);
    return Number(n);
}

Pkey key_of(const Number *parts, size_t count)
{
    Builder builder(OSSL_PARAM_BLD_new());
    for (size_t i = 0; i < count; i++)
        if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), part_names[i], parts[i].get()) != 1)
            return nullptr;
    Params params(OSSL_PARAM_BLD_to_param(builder.get()));
    PkeyContext ctx(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
    EVP_PKEY *pkey = nullptr;
    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx.get()) != 1 ||
        EVP_PKEY_fromdata(ctx.get(), &pkey,
                          count == kParts ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                          params.get()) != 1)
        return nullptr;
    return Pkey(pkey);
}

// x = exponent mod (prime - 1)
bool is_reduced(const BIGNUM *x, const BIGNUM *exponent, const BIGNUM *prime, BN_CTX *scratch)
{
    Number less(BN_dup(prime)), rest(BN_new());
    return less && rest && BN_sub_word(less.get(), 1) && !BN_is_zero(less.get()) &&
           BN_mod(rest.get(), exponent, less.get(), scratch) && BN_cmp(rest.get(), x) == 0;
}

bool private_fits(const EVP_PKEY *pkey, const Number &n)
{
    Number d = part_of(pkey, D), p = part_of(pkey, P), q = part_of(pkey, Q), dp = part_of(pkey, DP),
           dq = part_of(pkey, DQ), qi = part_of(pkey, QI), x(BN_new());
    Scratch scratch(BN_CTX_new());
    if (!d || !p || !q || !dp || !dq || !qi || !x || !scratch)
        return false;
    return BN_mul(x.get(), p.get(), q.get(), scratch.get()) && BN_cmp(x.get(), n.get()) == 0 &&
           is_reduced(dp.get(), d.get(), p.get(), scratch.get()) &&
           is_reduced(dq.get(), d.get(), q.get(), scratch.get()) &&
           BN_mod_mul(x.get(), qi.get(), q.get(), p.get(), scratch.get()) && BN_is_one(x.get());
}

} // namespace

bool rsa_fits(const EVP_PKEY *pkey, bool is_private)
{
    Number n = part_of(pkey, N), e = part_of(pkey, E);
    if (!n || !e || !BN_is_odd(n.get()) || !BN_is_odd(e.get()) || BN_is_one(e.get()) ||
        BN_cmp(e.get(), n.get()) >= 0 || BN_num_bits(n.get()) < static_cast<int>(kBitsLeast) ||
        BN_num_bits(n.get()) > static_cast<int>(kBitsMost))
        return false;
    return !is_private || private_fits(pkey, n);
}

// rsaGenerate(bits, public exponent): [public, private], or null
void rsaGenerate(Call &c)
{
    uint32_t bits = c.number(0);
    Bytes exponent = c.bytes(1);
    if (c.failed() || bits < kBitsLeast || bits > kBitsMost || exponent.len > kExponentMost)
        return;
    start();
    Number e(BN_bin2bn(exponent.data, static_cast<int>(exponent.len), nullptr));
    PkeyContext ctx(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
    EVP_PKEY *made = nullptr;
    if (!e || !ctx || !BN_is_odd(e.get()) || BN_is_one(e.get()) ||
        EVP_PKEY_keygen_init(ctx.get()) != 1 ||
        EVP_PKEY_CTX_set_rsa_keygen_bits(ctx.get(), static_cast<int>(bits)) != 1 ||
        EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx.get(), e.get()) != 1)
        return;
    EVP_PKEY_CTX_set_cb(ctx.get(), go_on);
    if (EVP_PKEY_keygen(ctx.get(), &made) != 1)
        return;
    Pkey pair(made);
    const Number parts[kPublicParts] = {part_of(pair.get(), N), part_of(pair.get(), E)};
    Pkey open = key_of(parts, kPublicParts);
    if (!open)
        return;
    c.push(std::move(open));
    c.push(std::move(pair));
    c.give_list();
}

// rsaImport(n, e) or rsaImport(n, e, d, p, q, dp, dq, qi): a handle, or null
void rsaImport(Call &c)
{
    Number parts[kParts];
    size_t count = c.value(D)->IsUndefined() ? kPublicParts : kParts;
    start();
    for (size_t i = 0; i < count; i++) {
        Bytes b = c.bytes(static_cast<int>(i));
        if (c.failed() || b.len == 0 || b.len > kBitsMost / 8)
            return;
        parts[i].reset(BN_bin2bn(b.data, static_cast<int>(b.len), nullptr));
        if (!parts[i])
            return;
        if (i >= D)
            BN_set_flags(parts[i].get(), BN_FLG_CONSTTIME);
    }
    Pkey pkey = key_of(parts, count);
    if (pkey && rsa_fits(pkey.get(), count == kParts))
        c.give_handle(std::move(pkey));
}

// rsaParts(handle, private too): list of numbers, big-endian, in the order of rsaImport
void rsaParts(Call &c)
{
    const Key *key = c.pkey(0);
    size_t count = c.flag(1) ? kParts : kPublicParts;
    for (size_t i = 0; key && i < count; i++) {
        Number n = part_of(key->pkey.get(), static_cast<Part>(i));
        if (!n)
            return;
        Secret bytes(static_cast<size_t>(BN_num_bytes(n.get())));
        BN_bn2bin(n.get(), bytes.data());
        c.push(bytes.data(), bytes.size());
    }
    c.give_list();
}

} // namespace isolane::crypto
