// sodium: generichash (BLAKE2b), SHA-2, shorthash (SipHash-2-4, SipHashx-2-4).
#include "sandbox/engine/sodium/sodium_call.h"

#include <sodium.h>

namespace isolane::sodium
{

void cryptoGenerichash(Call &c)
{
    size_t len = c.integer(0, crypto_generichash_BYTES_MIN, crypto_generichash_BYTES_MAX);
    Bytes m = c.bytes(1), k = c.absent(2) ? Bytes{}
                                          : c.bytes(2, crypto_generichash_KEYBYTES_MIN,
                                                    crypto_generichash_KEYBYTES_MAX);
    if (uint8_t *out = c.output(len))
        crypto_generichash(out, len, m.data, m.len, k.data, k.len);
}

void cryptoGenerichashKeygen(Call &c)
{
    if (uint8_t *out = c.output(crypto_generichash_KEYBYTES))
        crypto_generichash_keygen(out);
}

namespace
{

// libsodium's state does not remember the length of the hash.
struct GenerichashState {
    crypto_generichash_state state;
    size_t len;
};
constexpr char kGenerichash[] = "cryptoGenerichashInit";
constexpr char kSha256[] = "cryptoHashSha256Init";
constexpr char kSha512[] = "cryptoHashSha512Init";

template <typename State> State *state_of(Call &c, const char *kind)
{
    return reinterpret_cast<State *>(c.state(0, kind, sizeof(State)));
}

template <typename State> State *new_state(Call &c, const char *kind)
{
    return reinterpret_cast<State *>(c.new_state(kind, sizeof(State)));
}

} // namespace

void cryptoGenerichashInit(Call &c)
{
    Bytes k = c.absent(0)
                  ? Bytes{}
                  : c.bytes(0, crypto_generichash_KEYBYTES_MIN, crypto_generichash_KEYBYTES_MAX);
    size_t len = c.integer(1, crypto_generichash_BYTES_MIN, crypto_generichash_BYTES_MAX);
    if (c.failed())
        return;
    if (auto *s = new_state<GenerichashState>(c, kGenerichash)) {
        s->len = len;
        crypto_generichash_init(&s->state, k.data, k.len, len);
    }
}

void cryptoGenerichashUpdate(Call &c)
{
    auto *s = state_of<GenerichashState>(c, kGenerichash);
    Bytes m = c.bytes(1);
    if (!c.failed())
        crypto_generichash_update(&s->state, m.data, m.len);
}

void cryptoGenerichashFinal(Call &c)
{
    auto *s = state_of<GenerichashState>(c, kGenerichash);
    uint8_t *out = c.output(s ? s->len : 0);
    if (!out)
        return;
    crypto_generichash_final(&s->state, out, s->len);
    c.end_state(0, kGenerichash);
}

void cryptoHash(Call &c)
{
    Bytes m = c.bytes(0);
    if (uint8_t *out = c.output(crypto_hash_BYTES))
        crypto_hash(out, m.data, m.len);
}

void cryptoHashSha256(Call &c)
{
    Bytes m = c.bytes(0);
    if (uint8_t *out = c.output(crypto_hash_sha256_BYTES))
        crypto_hash_sha256(out, m.data, m.len);
}

void cryptoHashSha256Init(Call &c)
{
    if (auto *s = new_state<crypto_hash_sha256_state>(c, kSha256))
        crypto_hash_sha256_init(s);
}

void cryptoHashSha256Update(Call &c)
{
    auto *s = state_of<crypto_hash_sha256_state>(c, kSha256);
    Bytes m = c.bytes(1);
    if (!c.failed())
        crypto_hash_sha256_update(s, m.data, m.len);
}

void cryptoHashSha256Final(Call &c)
{
    auto *s = state_of<crypto_hash_sha256_state>(c, kSha256);
    if (uint8_t *out = c.output(crypto_hash_sha256_BYTES)) {
        crypto_hash_sha256_final(s, out);
        c.end_state(0, kSha256);
    }
}

void cryptoHashSha512(Call &c)
{
    Bytes m = c.bytes(0);
    if (uint8_t *out = c.output(crypto_hash_sha512_BYTES))
        crypto_hash_sha512(out, m.data, m.len);
}

void cryptoHashSha512Init(Call &c)
{
    if (auto *s = new_state<crypto_hash_sha512_state>(c, kSha512))
        crypto_hash_sha512_init(s);
}

void cryptoHashSha512Update(Call &c)
{
    auto *s = state_of<crypto_hash_sha512_state>(c, kSha512);
    Bytes m = c.bytes(1);
    if (!c.failed())
        crypto_hash_sha512_update(s, m.data, m.len);
}

void cryptoHashSha512Final(Call &c)
{
    auto *s = state_of<crypto_hash_sha512_state>(c, kSha512);
    if (uint8_t *out = c.output(crypto_hash_sha512_BYTES)) {
        crypto_hash_sha512_final(s, out);
        c.end_state(0, kSha512);
    }
}

void cryptoShorthash(Call &c)
{
    Bytes m = c.bytes(0), k = c.bytes(1, crypto_shorthash_KEYBYTES);
    if (uint8_t *out = c.output(crypto_shorthash_BYTES))
        crypto_shorthash(out, m.data, m.len, k.data);
}

void cryptoShorthashKeygen(Call &c)
{
    if (uint8_t *out = c.output(crypto_shorthash_KEYBYTES))
        crypto_shorthash_keygen(out);
}

void cryptoShorthashSiphashx24(Call &c)
{
    Bytes m = c.bytes(0), k = c.bytes(1, crypto_shorthash_siphashx24_KEYBYTES);
    if (uint8_t *out = c.output(crypto_shorthash_siphashx24_BYTES))
        crypto_shorthash_siphashx24(out, m.data, m.len, k.data);
}

void cryptoShorthashSiphashx24Keygen(Call &c)
{
    if (uint8_t *out = c.output(crypto_shorthash_siphashx24_KEYBYTES))
        randombytes_buf(out, crypto_shorthash_siphashx24_KEYBYTES);
}

void cryptoGenerichashBlake2bSaltPersonal(Call &c)
{
    size_t len =
        c.integer(0, crypto_generichash_blake2b_BYTES_MIN, crypto_generichash_blake2b_BYTES_MAX);
    Bytes m = c.bytes(1), k = c.absent(2) ? Bytes{}
                                          : c.bytes(2, crypto_generichash_blake2b_KEYBYTES_MIN,
                                                    crypto_generichash_blake2b_KEYBYTES_MAX);
    Bytes salt = c.bytes(3, crypto_generichash_blake2b_SALTBYTES),
          personal = c.bytes(4, crypto_generichash_blake2b_PERSONALBYTES);
    if (uint8_t *out = c.output(len))
        crypto_generichash_blake2b_salt_personal(out, len, m.data, m.len, k.data, k.len, salt.data,
                                                 personal.data);
}

} // namespace isolane::sodium
