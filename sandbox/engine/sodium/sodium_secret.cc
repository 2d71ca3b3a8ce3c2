// sodium: secretbox and AEAD (authenticated encryption with a shared key).
#include "sandbox/engine/sodium/sodium_call.h"

#include <sodium.h>

namespace isolane::sodium
{

namespace
{

constexpr size_t kNonce = crypto_secretbox_NONCEBYTES;
constexpr size_t kKey = crypto_secretbox_KEYBYTES;
constexpr size_t kMac = crypto_secretbox_MACBYTES;

// One AEAD construction: libsodium's functions for all have the same shape.
struct Aead {
    size_t key, nonce, mac;
    decltype(&crypto_aead_xchacha20poly1305_ietf_encrypt) encrypt;
    decltype(&crypto_aead_xchacha20poly1305_ietf_decrypt) decrypt;
    decltype(&crypto_aead_xchacha20poly1305_ietf_encrypt_detached) encrypt_detached;
    decltype(&crypto_aead_xchacha20poly1305_ietf_decrypt_detached) decrypt_detached;
};
#define AEAD(name)                                                                                 \
    {                                                                                              \
        crypto_aead_##name##_KEYBYTES, crypto_aead_##name##_NPUBBYTES,                             \
            crypto_aead_##name##_ABYTES, crypto_aead_##name##_encrypt,                             \
            crypto_aead_##name##_decrypt, crypto_aead_##name##_encrypt_detached,                   \
            crypto_aead_##name##_decrypt_detached                                                  \
    }
const Aead xchacha20 = AEAD(xchacha20poly1305_ietf);
const Aead chacha20 = AEAD(chacha20poly1305_ietf);
const Aead chacha20_first = AEAD(chacha20poly1305); // as it was before RFC 8439: 64 bits of nonce
const Aead aes256 = AEAD(aes256gcm);
#undef AEAD

void encrypt(Call &c, const Aead &a)
{
    Bytes m = c.bytes(0), ad = c.optional_bytes(1), n = c.bytes(2, a.nonce), k = c.bytes(3, a.key);
    if (uint8_t *out = c.output(m.len + a.mac))
        a.encrypt(out, nullptr, m.data, m.len, ad.data, ad.len, nullptr, n.data, k.data);
}

void decrypt(Call &c, const Aead &a)
{
    Bytes in = c.bytes(0, a.mac, SIZE_MAX), ad = c.optional_bytes(1), n = c.bytes(2, a.nonce),
          k = c.bytes(3, a.key);
    uint8_t *out = c.output(c.failed() ? 0 : in.len - a.mac);
    if (out &&
        a.decrypt(out, nullptr, nullptr, in.data, in.len, ad.data, ad.len, n.data, k.data) != 0)
        c.fail(kCannotOpen);
}

void encrypt_detached(Call &c, const Aead &a)
{
    Bytes m = c.bytes(0), ad = c.optional_bytes(1), n = c.bytes(2, a.nonce), k = c.bytes(3, a.key);
    uint8_t *out = c.output("ciphertext", m.len), *mac = c.output("mac", a.mac);
    if (!c.failed())
        a.encrypt_detached(out, mac, nullptr, m.data, m.len, ad.data, ad.len, nullptr, n.data,
                           k.data);
}

void decrypt_detached(Call &c, const Aead &a)
{
    Bytes in = c.bytes(0), mac = c.bytes(1, a.mac), ad = c.optional_bytes(2),
          n = c.bytes(3, a.nonce), k = c.bytes(4, a.key);
    uint8_t *out = c.output(in.len);
    if (out && a.decrypt_detached(out, nullptr, in.data, in.len, mac.data, ad.data, ad.len, n.data,
                                  k.data) != 0)
        c.fail(kCannotOpen);
}

} // namespace

void cryptoSecretboxKeygen(Call &c)
{
    if (uint8_t *out = c.output(kKey))
        crypto_secretbox_keygen(out);
}

void cryptoSecretboxEasy(Call &c)
{
    Bytes m = c.bytes(0), n = c.bytes(1, kNonce), k = c.bytes(2, kKey);
    if (uint8_t *out = c.output(m.len + kMac))
        crypto_secretbox_easy(out, m.data, m.len, n.data, k.data);
}

void cryptoSecretboxOpenEasy(Call &c)
{
    Bytes in = c.bytes(0, kMac, SIZE_MAX), n = c.bytes(1, kNonce), k = c.bytes(2, kKey);
    uint8_t *out = c.output(c.failed() ? 0 : in.len - kMac);
    if (out && crypto_secretbox_open_easy(out, in.data, in.len, n.data, k.data) != 0)
        c.fail(kCannotOpen);
}

void cryptoSecretboxDetached(Call &c)
{
    Bytes m = c.bytes(0), n = c.bytes(1, kNonce), k = c.bytes(2, kKey);
    uint8_t *out = c.output("ciphertext", m.len), *mac = c.output("mac", kMac);
    if (!c.failed())
        crypto_secretbox_detached(out, mac, m.data, m.len, n.data, k.data);
}

void cryptoSecretboxOpenDetached(Call &c)
{
    Bytes in = c.bytes(0), mac = c.bytes(1, kMac), n = c.bytes(2, kNonce), k = c.bytes(3, kKey);
    uint8_t *out = c.output(in.len);
    if (out && crypto_secretbox_open_detached(out, in.data, mac.data, in.len, n.data, k.data) != 0)
        c.fail(kCannotOpen);
}

void cryptoAeadXchacha20poly1305IetfKeygen(Call &c)
{
    if (uint8_t *out = c.output(crypto_aead_xchacha20poly1305_ietf_KEYBYTES))
        crypto_aead_xchacha20poly1305_ietf_keygen(out);
}

void cryptoAeadXchacha20poly1305IetfEncrypt(Call &c)
{
    encrypt(c, xchacha20);
}

void cryptoAeadXchacha20poly1305IetfDecrypt(Call &c)
{
    decrypt(c, xchacha20);
}

void cryptoAeadXchacha20poly1305IetfEncryptDetached(Call &c)
{
    encrypt_detached(c, xchacha20);
}

void cryptoAeadXchacha20poly1305IetfDecryptDetached(Call &c)
{
    decrypt_detached(c, xchacha20);
}

void cryptoAeadChacha20poly1305IetfKeygen(Call &c)
{
    if (uint8_t *out = c.output(crypto_aead_chacha20poly1305_ietf_KEYBYTES))
        crypto_aead_chacha20poly1305_ietf_keygen(out);
}

void cryptoAeadChacha20poly1305IetfEncrypt(Call &c)
{
    encrypt(c, chacha20);
}

void cryptoAeadChacha20poly1305IetfDecrypt(Call &c)
{
    decrypt(c, chacha20);
}

void cryptoAeadChacha20poly1305IetfEncryptDetached(Call &c)
{
    encrypt_detached(c, chacha20);
}

void cryptoAeadChacha20poly1305IetfDecryptDetached(Call &c)
{
    decrypt_detached(c, chacha20);
}

void cryptoAeadChacha20poly1305Keygen(Call &c)
{
    if (uint8_t *out = c.output(crypto_aead_chacha20poly1305_KEYBYTES))
        crypto_aead_chacha20poly1305_keygen(out);
}

void cryptoAeadChacha20poly1305Encrypt(Call &c)
{
    encrypt(c, chacha20_first);
}

void cryptoAeadChacha20poly1305Decrypt(Call &c)
{
    decrypt(c, chacha20_first);
}

void cryptoAeadChacha20poly1305EncryptDetached(Call &c)
{
    encrypt_detached(c, chacha20_first);
}

void cryptoAeadChacha20poly1305DecryptDetached(Call &c)
{
    decrypt_detached(c, chacha20_first);
}

// libsodium has it for processors with AES instructions only; crypto.subtle has it for all.
static bool aes_is_there(Call &c)
{
    if (!crypto_aead_aes256gcm_is_available())
        c.fail("this processor has no AES instructions");
    return !c.failed();
}

void cryptoAeadAes256gcmIsAvailable(Call &c)
{
    c.give(crypto_aead_aes256gcm_is_available() == 1);
}

void cryptoAeadAes256gcmKeygen(Call &c)
{
    if (uint8_t *out = c.output(crypto_aead_aes256gcm_KEYBYTES))
        crypto_aead_aes256gcm_keygen(out);
}

void cryptoAeadAes256gcmEncrypt(Call &c)
{
    if (aes_is_there(c))
        encrypt(c, aes256);
}

void cryptoAeadAes256gcmDecrypt(Call &c)
{
    if (aes_is_there(c))
        decrypt(c, aes256);
}

void cryptoAeadAes256gcmEncryptDetached(Call &c)
{
    if (aes_is_there(c))
        encrypt_detached(c, aes256);
}

void cryptoAeadAes256gcmDecryptDetached(Call &c)
{
    if (aes_is_there(c))
        decrypt_detached(c, aes256);
}

} // namespace isolane::sodium
