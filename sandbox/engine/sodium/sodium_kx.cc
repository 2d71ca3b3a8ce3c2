// sodium: key exchange (kx), and HKDF (RFC 5869), which libsodium has under these names
// since 1.0.19 and which is made of its HMAC here.
#include "sandbox/engine/sodium/sodium_call.h"

#include <algorithm>
#include <cstring>
#include <sodium.h>

namespace isolane::sodium
{

namespace
{

constexpr size_t kPublic = crypto_kx_PUBLICKEYBYTES, kSecret = crypto_kx_SECRETKEYBYTES;
constexpr size_t kSession = crypto_kx_SESSIONKEYBYTES;

using SessionKeys = int(unsigned char *, unsigned char *, const unsigned char *,
                        const unsigned char *, const unsigned char *);

void session_keys(Call &c, SessionKeys *run)
{
    Bytes pk = c.bytes(0, kPublic), sk = c.bytes(1, kSecret), peer = c.bytes(2, kPublic);
    uint8_t *rx = c.output("sharedRx", kSession), *tx = c.output("sharedTx", kSession);
    if (!c.failed() && run(rx, tx, pk.data, sk.data, peer.data) != 0)
        c.fail("the other side's public key is not acceptable (a point of low order)");
}

// HMAC of one of the two hashes.
struct Sha256 {
    static constexpr size_t len = crypto_auth_hmacsha256_BYTES;
    using State = crypto_auth_hmacsha256_state;
    static constexpr auto init = crypto_auth_hmacsha256_init;
    static constexpr auto update = crypto_auth_hmacsha256_update;
    static constexpr auto final = crypto_auth_hmacsha256_final;
};
struct Sha512 {
    static constexpr size_t len = crypto_auth_hmacsha512_BYTES;
    using State = crypto_auth_hmacsha512_state;
    static constexpr auto init = crypto_auth_hmacsha512_init;
    static constexpr auto update = crypto_auth_hmacsha512_update;
    static constexpr auto final = crypto_auth_hmacsha512_final;
};

template <typename H> void keygen(Call &c)
{
    if (uint8_t *out = c.output(H::len))
        randombytes_buf(out, H::len);
}

template <typename H> void extract(Call &c)
{
    Bytes salt = c.optional_bytes(0), ikm = c.bytes(1);
    uint8_t *out = c.output(H::len);
    if (!out)
        return;
    typename H::State s;
    H::init(&s, salt.data, salt.len);
    H::update(&s, ikm.data, ikm.len);
    H::final(&s, out);
    sodium_memzero(&s, sizeof s);
}

template <typename H> void expand(Call &c)
{
    constexpr size_t kMost = 255 * H::len;
    size_t len = c.integer(0, 0, kMost);
    Bytes context = c.optional_bytes(1), key = c.bytes(2, H::len);
    uint8_t *out = c.output(len), t[H::len];
    for (size_t done = 0, n = 1; out && done < len; done += H::len, n++) {
        typename H::State s;
        uint8_t number = static_cast<uint8_t>(n);
        H::init(&s, key.data, key.len);
        if (n > 1)
            H::update(&s, t, H::len);
        H::update(&s, context.data, context.len);
        H::update(&s, &number, 1);
        H::final(&s, t);
        std::memcpy(out + done, t, std::min(H::len, len - done));
        sodium_memzero(&s, sizeof s);
    }
    sodium_memzero(t, sizeof t);
}

} // namespace

void cryptoKxKeypair(Call &c)
{
    uint8_t *pk = c.output("publicKey", kPublic), *sk = c.output("secretKey", kSecret);
    if (!c.failed())
        crypto_kx_keypair(pk, sk);
}

void cryptoKxSeedKeypair(Call &c)
{
    Bytes seed = c.bytes(0, crypto_kx_SEEDBYTES);
    uint8_t *pk = c.output("publicKey", kPublic), *sk = c.output("secretKey", kSecret);
    if (!c.failed())
        crypto_kx_seed_keypair(pk, sk, seed.data);
}

void cryptoKxClientSessionKeys(Call &c)
{
    session_keys(c, crypto_kx_client_session_keys);
}

void cryptoKxServerSessionKeys(Call &c)
{
    session_keys(c, crypto_kx_server_session_keys);
}

void cryptoKdfHkdfSha256Keygen(Call &c)
{
    keygen<Sha256>(c);
}

void cryptoKdfHkdfSha256Extract(Call &c)
{
    extract<Sha256>(c);
}

void cryptoKdfHkdfSha256Expand(Call &c)
{
    expand<Sha256>(c);
}

void cryptoKdfHkdfSha512Keygen(Call &c)
{
    keygen<Sha512>(c);
}

void cryptoKdfHkdfSha512Extract(Call &c)
{
    extract<Sha512>(c);
}

void cryptoKdfHkdfSha512Expand(Call &c)
{
    expand<Sha512>(c);
}

} // namespace isolane::sodium
