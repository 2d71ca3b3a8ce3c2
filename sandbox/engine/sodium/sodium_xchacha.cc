// sodium: box and secretbox over XChaCha20-Poly1305 instead of XSalsa20-Poly1305.
#include "sandbox/engine/sodium/sodium_call.h"

#include <sodium.h>

namespace isolane::sodium
{

namespace
{

constexpr size_t kPublic = crypto_box_curve25519xchacha20poly1305_PUBLICKEYBYTES;
constexpr size_t kSecret = crypto_box_curve25519xchacha20poly1305_SECRETKEYBYTES;
constexpr size_t kShared = crypto_box_curve25519xchacha20poly1305_BEFORENMBYTES;
constexpr size_t kNonce = crypto_box_curve25519xchacha20poly1305_NONCEBYTES;
constexpr size_t kMac = crypto_box_curve25519xchacha20poly1305_MACBYTES;
constexpr size_t kSeal = crypto_box_curve25519xchacha20poly1305_SEALBYTES;
constexpr char kWeakKey[] = "the public key is not acceptable (a point of low order)";

// A secretbox and a box with a shared key are the same to the caller.
using Lock = int(unsigned char *, const unsigned char *, unsigned long long, const unsigned char *,
                 const unsigned char *);
using LockDetached = int(unsigned char *, unsigned char *, const unsigned char *,
                         unsigned long long, const unsigned char *, const unsigned char *);
using OpenDetached = int(unsigned char *, const unsigned char *, const unsigned char *,
                         unsigned long long, const unsigned char *, const unsigned char *);

void lock(Call &c, Lock *run)
{
    Bytes m = c.bytes(0), n = c.bytes(1, kNonce), k = c.bytes(2, kShared);
    if (uint8_t *out = c.output(m.len + kMac))
        run(out, m.data, m.len, n.data, k.data);
}

void open(Call &c, Lock *run)
{
    Bytes in = c.bytes(0, kMac, SIZE_MAX), n = c.bytes(1, kNonce), k = c.bytes(2, kShared);
    uint8_t *out = c.output(c.failed() ? 0 : in.len - kMac);
    if (out && run(out, in.data, in.len, n.data, k.data) != 0)
        c.fail(kCannotOpen);
}

void lock_detached(Call &c, LockDetached *run)
{
    Bytes m = c.bytes(0), n = c.bytes(1, kNonce), k = c.bytes(2, kShared);
    uint8_t *out = c.output("ciphertext", m.len), *mac = c.output("mac", kMac);
    if (!c.failed())
        run(out, mac, m.data, m.len, n.data, k.data);
}

void open_detached(Call &c, OpenDetached *run)
{
    Bytes in = c.bytes(0), mac = c.bytes(1, kMac), n = c.bytes(2, kNonce), k = c.bytes(3, kShared);
    uint8_t *out = c.output(in.len);
    if (out && run(out, in.data, mac.data, in.len, n.data, k.data) != 0)
        c.fail(kCannotOpen);
}

} // namespace

void cryptoSecretboxXchacha20poly1305Easy(Call &c)
{
    lock(c, crypto_secretbox_xchacha20poly1305_easy);
}

void cryptoSecretboxXchacha20poly1305OpenEasy(Call &c)
{
    open(c, crypto_secretbox_xchacha20poly1305_open_easy);
}

void cryptoSecretboxXchacha20poly1305Detached(Call &c)
{
    lock_detached(c, crypto_secretbox_xchacha20poly1305_detached);
}

void cryptoSecretboxXchacha20poly1305OpenDetached(Call &c)
{
    open_detached(c, crypto_secretbox_xchacha20poly1305_open_detached);
}

void cryptoBoxCurve25519xchacha20poly1305Keypair(Call &c)
{
    uint8_t *pk = c.output("publicKey", kPublic), *sk = c.output("secretKey", kSecret);
    if (!c.failed())
        crypto_box_curve25519xchacha20poly1305_keypair(pk, sk);
}

void cryptoBoxCurve25519xchacha20poly1305SeedKeypair(Call &c)
{
    Bytes seed = c.bytes(0, crypto_box_curve25519xchacha20poly1305_SEEDBYTES);
    uint8_t *pk = c.output("publicKey", kPublic), *sk = c.output("secretKey", kSecret);
    if (!c.failed())
        crypto_box_curve25519xchacha20poly1305_seed_keypair(pk, sk, seed.data);
}

void cryptoBoxCurve25519xchacha20poly1305Beforenm(Call &c)
{
    Bytes pk = c.bytes(0, kPublic), sk = c.bytes(1, kSecret);
    uint8_t *out = c.output(kShared);
    if (out && crypto_box_curve25519xchacha20poly1305_beforenm(out, pk.data, sk.data) != 0)
        c.fail(kWeakKey);
}

void cryptoBoxCurve25519xchacha20poly1305EasyAfternm(Call &c)
{
    lock(c, crypto_box_curve25519xchacha20poly1305_easy_afternm);
}

void cryptoBoxCurve25519xchacha20poly1305OpenEasyAfternm(Call &c)
{
    open(c, crypto_box_curve25519xchacha20poly1305_open_easy_afternm);
}

void cryptoBoxCurve25519xchacha20poly1305DetachedAfternm(Call &c)
{
    lock_detached(c, crypto_box_curve25519xchacha20poly1305_detached_afternm);
}

void cryptoBoxCurve25519xchacha20poly1305OpenDetachedAfternm(Call &c)
{
    open_detached(c, crypto_box_curve25519xchacha20poly1305_open_detached_afternm);
}

void cryptoBoxCurve25519xchacha20poly1305Easy(Call &c)
{
    Bytes m = c.bytes(0), n = c.bytes(1, kNonce), pk = c.bytes(2, kPublic),
          sk = c.bytes(3, kSecret);
    uint8_t *out = c.output(m.len + kMac);
    if (out && crypto_box_curve25519xchacha20poly1305_easy(out, m.data, m.len, n.data, pk.data,
                                                           sk.data) != 0)
        c.fail(kWeakKey);
}

void cryptoBoxCurve25519xchacha20poly1305OpenEasy(Call &c)
{
    Bytes in = c.bytes(0, kMac, SIZE_MAX), n = c.bytes(1, kNonce), pk = c.bytes(2, kPublic),
          sk = c.bytes(3, kSecret);
    uint8_t *out = c.output(c.failed() ? 0 : in.len - kMac);
    if (out && crypto_box_curve25519xchacha20poly1305_open_easy(out, in.data, in.len, n.data,
                                                                pk.data, sk.data) != 0)
        c.fail(kCannotOpen);
}

void cryptoBoxCurve25519xchacha20poly1305Detached(Call &c)
{
    Bytes m = c.bytes(0), n = c.bytes(1, kNonce), pk = c.bytes(2, kPublic),
          sk = c.bytes(3, kSecret);
    uint8_t *out = c.output("ciphertext", m.len), *mac = c.output("mac", kMac);
    if (!c.failed() && crypto_box_curve25519xchacha20poly1305_detached(
                           out, mac, m.data, m.len, n.data, pk.data, sk.data) != 0)
        c.fail(kWeakKey);
}

void cryptoBoxCurve25519xchacha20poly1305OpenDetached(Call &c)
{
    Bytes in = c.bytes(0), mac = c.bytes(1, kMac), n = c.bytes(2, kNonce), pk = c.bytes(3, kPublic),
          sk = c.bytes(4, kSecret);
    uint8_t *out = c.output(in.len);
    if (out && crypto_box_curve25519xchacha20poly1305_open_detached(out, in.data, mac.data, in.len,
                                                                    n.data, pk.data, sk.data) != 0)
        c.fail(kCannotOpen);
}

void cryptoBoxCurve25519xchacha20poly1305Seal(Call &c)
{
    Bytes m = c.bytes(0), pk = c.bytes(1, kPublic);
    uint8_t *out = c.output(m.len + kSeal);
    if (out && crypto_box_curve25519xchacha20poly1305_seal(out, m.data, m.len, pk.data) != 0)
        c.fail(kWeakKey);
}

void cryptoBoxCurve25519xchacha20poly1305SealOpen(Call &c)
{
    Bytes in = c.bytes(0, kSeal, SIZE_MAX), pk = c.bytes(1, kPublic), sk = c.bytes(2, kSecret);
    uint8_t *out = c.output(c.failed() ? 0 : in.len - kSeal);
    if (out && crypto_box_curve25519xchacha20poly1305_seal_open(out, in.data, in.len, pk.data,
                                                                sk.data) != 0)
        c.fail("the keys are wrong, or the message was altered");
}

} // namespace isolane::sodium
