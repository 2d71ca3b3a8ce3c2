// sodium: box (public-key encryption), sealed box, scalarmult (X25519).
#include "sandbox/engine/sodium/sodium_call.h"

#include <sodium.h>

namespace isolane::sodium
{

namespace
{

constexpr size_t kPublic = crypto_box_PUBLICKEYBYTES;
constexpr size_t kSecret = crypto_box_SECRETKEYBYTES;
constexpr size_t kShared = crypto_box_BEFORENMBYTES;
constexpr size_t kNonce = crypto_box_NONCEBYTES;
constexpr size_t kMac = crypto_box_MACBYTES;
constexpr char kWeakKey[] = "the public key is not acceptable (a point of low order)";

} // namespace

void cryptoBoxKeypair(Call &c)
{
    uint8_t *pk = c.output("publicKey", kPublic), *sk = c.output("secretKey", kSecret);
    if (!c.failed())
        crypto_box_keypair(pk, sk);
}

void cryptoBoxSeedKeypair(Call &c)
{
    Bytes seed = c.bytes(0, crypto_box_SEEDBYTES);
    uint8_t *pk = c.output("publicKey", kPublic), *sk = c.output("secretKey", kSecret);
    if (!c.failed())
        crypto_box_seed_keypair(pk, sk, seed.data);
}

void cryptoBoxEasy(Call &c)
{
    Bytes m = c.bytes(0), n = c.bytes(1, kNonce), pk = c.bytes(2, kPublic),
          sk = c.bytes(3, kSecret);
    uint8_t *out = c.output(m.len + kMac);
    if (out && crypto_box_easy(out, m.data, m.len, n.data, pk.data, sk.data) != 0)
        c.fail(kWeakKey);
}

void cryptoBoxOpenEasy(Call &c)
{
    Bytes in = c.bytes(0, kMac, SIZE_MAX), n = c.bytes(1, kNonce), pk = c.bytes(2, kPublic),
          sk = c.bytes(3, kSecret);
    uint8_t *out = c.output(c.failed() ? 0 : in.len - kMac);
    if (out && crypto_box_open_easy(out, in.data, in.len, n.data, pk.data, sk.data) != 0)
        c.fail(kCannotOpen);
}

void cryptoBoxDetached(Call &c)
{
    Bytes m = c.bytes(0), n = c.bytes(1, kNonce), pk = c.bytes(2, kPublic),
          sk = c.bytes(3, kSecret);
    uint8_t *out = c.output("ciphertext", m.len), *mac = c.output("mac", kMac);
    if (!c.failed() && crypto_box_detached(out, mac, m.data, m.len, n.data, pk.data, sk.data) != 0)
        c.fail(kWeakKey);
}

void cryptoBoxOpenDetached(Call &c)
{
    Bytes in = c.bytes(0), mac = c.bytes(1, kMac), n = c.bytes(2, kNonce), pk = c.bytes(3, kPublic),
          sk = c.bytes(4, kSecret);
    uint8_t *out = c.output(in.len);
    if (out &&
        crypto_box_open_detached(out, in.data, mac.data, in.len, n.data, pk.data, sk.data) != 0)
        c.fail(kCannotOpen);
}

void cryptoBoxBeforenm(Call &c)
{
    Bytes pk = c.bytes(0, kPublic), sk = c.bytes(1, kSecret);
    uint8_t *out = c.output(kShared);
    if (out && crypto_box_beforenm(out, pk.data, sk.data) != 0)
        c.fail(kWeakKey);
}

void cryptoBoxEasyAfternm(Call &c)
{
    Bytes m = c.bytes(0), n = c.bytes(1, kNonce), k = c.bytes(2, kShared);
    if (uint8_t *out = c.output(m.len + kMac))
        crypto_box_easy_afternm(out, m.data, m.len, n.data, k.data);
}

void cryptoBoxOpenEasyAfternm(Call &c)
{
    Bytes in = c.bytes(0, kMac, SIZE_MAX), n = c.bytes(1, kNonce), k = c.bytes(2, kShared);
    uint8_t *out = c.output(c.failed() ? 0 : in.len - kMac);
    if (out && crypto_box_open_easy_afternm(out, in.data, in.len, n.data, k.data) != 0)
        c.fail(kCannotOpen);
}

void cryptoBoxDetachedAfternm(Call &c)
{
    Bytes m = c.bytes(0), n = c.bytes(1, kNonce), k = c.bytes(2, kShared);
    uint8_t *out = c.output("ciphertext", m.len), *mac = c.output("mac", kMac);
    if (!c.failed())
        crypto_box_detached_afternm(out, mac, m.data, m.len, n.data, k.data);
}

void cryptoBoxOpenDetachedAfternm(Call &c)
{
    Bytes in = c.bytes(0), mac = c.bytes(1, kMac), n = c.bytes(2, kNonce), k = c.bytes(3, kShared);
    uint8_t *out = c.output(in.len);
    if (out &&
        crypto_box_open_detached_afternm(out, in.data, mac.data, in.len, n.data, k.data) != 0)
        c.fail(kCannotOpen);
}

void cryptoBoxSeal(Call &c)
{
    Bytes m = c.bytes(0), pk = c.bytes(1, kPublic);
    uint8_t *out = c.output(m.len + crypto_box_SEALBYTES);
    if (out && crypto_box_seal(out, m.data, m.len, pk.data) != 0)
        c.fail(kWeakKey);
}

void cryptoBoxSealOpen(Call &c)
{
    Bytes in = c.bytes(0, crypto_box_SEALBYTES, SIZE_MAX), pk = c.bytes(1, kPublic),
          sk = c.bytes(2, kSecret);
    uint8_t *out = c.output(c.failed() ? 0 : in.len - crypto_box_SEALBYTES);
    if (out && crypto_box_seal_open(out, in.data, in.len, pk.data, sk.data) != 0)
        c.fail("the keys are wrong, or the message was altered");
}

void cryptoScalarmult(Call &c)
{
    Bytes sk = c.bytes(0, crypto_scalarmult_SCALARBYTES), pk = c.bytes(1, crypto_scalarmult_BYTES);
    uint8_t *out = c.output(crypto_scalarmult_BYTES);
    if (out && crypto_scalarmult(out, sk.data, pk.data) != 0)
        c.fail(kWeakKey);
}

void cryptoScalarmultBase(Call &c)
{
    Bytes sk = c.bytes(0, crypto_scalarmult_SCALARBYTES);
    if (uint8_t *out = c.output(crypto_scalarmult_BYTES))
        crypto_scalarmult_base(out, sk.data);
}

} // namespace isolane::sodium
