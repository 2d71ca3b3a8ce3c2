// sodium: signatures (Ed25519; streaming: Ed25519ph) and their keys as Curve25519 keys.
#include "sandbox/engine/sodium/sodium_call.h"

#include <sodium.h>

namespace isolane::sodium
{

namespace
{

constexpr char kSign[] = "cryptoSignInit";
constexpr size_t kPublic = crypto_sign_PUBLICKEYBYTES;
constexpr size_t kSecret = crypto_sign_SECRETKEYBYTES;

crypto_sign_state *state_of(Call &c)
{
    return reinterpret_cast<crypto_sign_state *>(c.state(0, kSign, sizeof(crypto_sign_state)));
}

} // namespace

void cryptoSignKeypair(Call &c)
{
    uint8_t *pk = c.output("publicKey", kPublic), *sk = c.output("secretKey", kSecret);
    if (!c.failed())
        crypto_sign_keypair(pk, sk);
}

void cryptoSignSeedKeypair(Call &c)
{
    Bytes seed = c.bytes(0, crypto_sign_SEEDBYTES);
    uint8_t *pk = c.output("publicKey", kPublic), *sk = c.output("secretKey", kSecret);
    if (!c.failed())
        crypto_sign_seed_keypair(pk, sk, seed.data);
}

void cryptoSign(Call &c)
{
    Bytes m = c.bytes(0), sk = c.bytes(1, kSecret);
    if (uint8_t *out = c.output(m.len + crypto_sign_BYTES))
        crypto_sign(out, nullptr, m.data, m.len, sk.data);
}

void cryptoSignOpen(Call &c)
{
    Bytes signed_message = c.bytes(0, crypto_sign_BYTES, SIZE_MAX), pk = c.bytes(1, kPublic);
    if (c.failed())
        return;
    uint8_t *out = c.output(signed_message.len - crypto_sign_BYTES);
    if (out &&
        crypto_sign_open(out, nullptr, signed_message.data, signed_message.len, pk.data) != 0)
        c.fail("the signature does not fit the message and the public key");
}

void cryptoSignDetached(Call &c)
{
    Bytes m = c.bytes(0), sk = c.bytes(1, kSecret);
    if (uint8_t *out = c.output(crypto_sign_BYTES))
        crypto_sign_detached(out, nullptr, m.data, m.len, sk.data);
}

void cryptoSignVerifyDetached(Call &c)
{
    Bytes signature = c.bytes(0, crypto_sign_BYTES), m = c.bytes(1), pk = c.bytes(2, kPublic);
    if (!c.failed())
        c.give(crypto_sign_verify_detached(signature.data, m.data, m.len, pk.data) == 0);
}

void cryptoSignInit(Call &c)
{
    if (uint8_t *s = c.new_state(kSign, sizeof(crypto_sign_state)))
        crypto_sign_init(reinterpret_cast<crypto_sign_state *>(s));
}

void cryptoSignUpdate(Call &c)
{
    crypto_sign_state *s = state_of(c);
    Bytes m = c.bytes(1);
    if (!c.failed())
        crypto_sign_update(s, m.data, m.len);
}

void cryptoSignFinalCreate(Call &c)
{
    crypto_sign_state *s = state_of(c);
    Bytes sk = c.bytes(1, kSecret);
    if (uint8_t *out = c.output(crypto_sign_BYTES)) {
        crypto_sign_final_create(s, out, nullptr, sk.data);
        c.end_state(0, kSign);
    }
}

void cryptoSignFinalVerify(Call &c)
{
    crypto_sign_state *s = state_of(c);
    Bytes signature = c.bytes(1, crypto_sign_BYTES), pk = c.bytes(2, kPublic);
    if (c.failed())
        return;
    c.give(crypto_sign_final_verify(s, signature.data, pk.data) == 0);
    c.end_state(0, kSign);
}

void cryptoSignEd25519PkToCurve25519(Call &c)
{
    Bytes pk = c.bytes(0, kPublic);
    uint8_t *out = c.output(crypto_scalarmult_BYTES);
    if (out && crypto_sign_ed25519_pk_to_curve25519(out, pk.data) != 0)
        c.fail("publicKey is not a valid Ed25519 public key");
}

void cryptoSignEd25519SkToCurve25519(Call &c)
{
    Bytes sk = c.bytes(0, kSecret);
    if (uint8_t *out = c.output(crypto_scalarmult_BYTES))
        crypto_sign_ed25519_sk_to_curve25519(out, sk.data);
}

void cryptoSignEd25519SkToPk(Call &c)
{
    Bytes sk = c.bytes(0, kSecret);
    if (uint8_t *out = c.output(kPublic))
        crypto_sign_ed25519_sk_to_pk(out, sk.data);
}

void cryptoSignEd25519SkToSeed(Call &c)
{
    Bytes sk = c.bytes(0, kSecret);
    if (uint8_t *out = c.output(crypto_sign_SEEDBYTES))
        crypto_sign_ed25519_sk_to_seed(out, sk.data);
}

} // namespace isolane::sodium
