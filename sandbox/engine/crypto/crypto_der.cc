// native.crypto: keys in DER: SubjectPublicKeyInfo (RFC 5280) and PrivateKeyInfo (RFC 5958).
//
// Kinds are numbers: 0 RSA, 1 to 3 the curves of crypto_ec.cc, 4 to 7 those of crypto_okp.cc.
#include "sandbox/engine/crypto/crypto_call.h"

#include <cstring>

#include <openssl/crypto.h>
#include <openssl/x509.h>

namespace isolane::crypto
{

namespace
{

constexpr size_t kDerMost = 64 << 10; // the longest RSA key has a sixth of it
constexpr uint32_t kFirstCurve = 1, kFirstOkp = 4, kKinds = 8;

using PrivateInfo = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free<PKCS8_PRIV_KEY_INFO_free>>;

struct Made { // bytes that OpenSSL has allocated
    uint8_t *data = nullptr;
    int len = 0;
    ~Made()
    {
        OPENSSL_clear_free(data, len > 0 ? static_cast<size_t>(len) : 0);
    }
};

uint32_t kind_of(Call &c, int i)
{
    uint32_t kind = c.number(i);
    if (kind >= kKinds)
        c.fail();
    return kind < kKinds ? kind : 0;
}

const char *name_of(uint32_t kind)
{
    return kind == 0 ? "RSA" : kind < kFirstOkp ? "EC" : okp_kinds[kind - kFirstOkp].name;
}

int nid_of(uint32_t kind)
{
    static const int okp[kOkps] = {NID_ED25519, NID_X25519, NID_ED448, NID_X448};
    return kind == 0          ? NID_rsaEncryption
           : kind < kFirstOkp ? NID_X9_62_id_ecPublicKey
                              : okp[kind - kFirstOkp];
}

Pkey read_private(uint32_t kind, Bytes der)
{
    const uint8_t *at = der.data;
    PrivateInfo info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.len)));
    const X509_ALGOR *algorithm = nullptr;
    if (!info || at != der.data + der.len ||
        PKCS8_pkey_get0(nullptr, nullptr, nullptr, &algorithm, info.get()) != 1 ||
        OBJ_obj2nid(algorithm->algorithm) != nid_of(kind))
        return nullptr;
    return Pkey(EVP_PKCS82PKEY(info.get()));
}

Pkey read_public(Bytes der)
{
    const uint8_t *at = der.data;
    Pkey pkey(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.len)));
    return at == der.data + der.len ? std::move(pkey) : nullptr;
}

void give_okp(Call &c, const EVP_PKEY *pkey, uint32_t kind, bool is_private)
{
    size_t len = okp_kinds[kind - kFirstOkp].key_len;
    auto raw = std::make_unique<Secret>(len);
    if ((is_private ? EVP_PKEY_get_raw_private_key(pkey, raw->data(), &len)
                    : EVP_PKEY_get_raw_public_key(pkey, raw->data(), &len)) == 1 &&
        len == raw->size())
        c.give_handle(std::move(raw));
}

bool write_private(const EVP_PKEY *pkey, Made *out)
{
    PrivateInfo info(EVP_PKEY2PKCS8(pkey));
    out->len = info ? i2d_PKCS8_PRIV_KEY_INFO(info.get(), &out->data) : -1;
    return out->len > 0;
}

} // namespace

// importDer(kind, private, der): a handle, or null
void importDer(Call &c)
{
    uint32_t kind = kind_of(c, 0);
    bool is_private = c.flag(1);
    Bytes der = c.bytes(2);
    if (c.failed() || der.len == 0 || der.len > kDerMost)
        return;
    start();
    Pkey pkey = is_private ? read_private(kind, der) : read_public(der);
    if (!pkey || EVP_PKEY_is_a(pkey.get(), name_of(kind)) != 1)
        return;
    if (kind >= kFirstOkp)
        give_okp(c, pkey.get(), kind, is_private);
    else if (kind == 0 ? rsa_fits(pkey.get(), is_private)
                       : ec_fits(pkey.get(), curve_names[kind - kFirstCurve], is_private))
        c.give_handle(std::move(pkey));
}

// exportDer(kind, private, handle)
void exportDer(Call &c)
{
    uint32_t kind = kind_of(c, 0);
    bool is_private = c.flag(1);
    const Key *key = c.key(2);
    if (c.failed())
        return;
    start();
    Pkey made;
    if (kind >= kFirstOkp) {
        const OkpKind &okp = okp_kinds[kind - kFirstOkp];
        Bytes raw = key->raw();
        made.reset(
            is_private
                ? EVP_PKEY_new_raw_private_key_ex(nullptr, okp.name, nullptr, raw.data, raw.len)
                : EVP_PKEY_new_raw_public_key_ex(nullptr, okp.name, nullptr, raw.data, raw.len));
    }
    const EVP_PKEY *pkey = kind >= kFirstOkp ? made.get() : key->pkey.get();
    Made der;
    if (!pkey ||
        !(is_private ? write_private(pkey, &der) : (der.len = i2d_PUBKEY(pkey, &der.data)) > 0))
        return;
    uint8_t *out = c.output(static_cast<size_t>(der.len));
    if (out)
        memcpy(out, der.data, static_cast<size_t>(der.len));
}

} // namespace isolane::crypto
