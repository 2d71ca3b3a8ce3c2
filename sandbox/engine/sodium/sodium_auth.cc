// sodium: authentication codes: auth (HMAC-SHA512-256), HMAC-SHA-2, onetimeauth (Poly1305).
#include "sandbox/engine/sodium/sodium_call.h"

#include <sodium.h>

namespace isolane::sodium
{

namespace
{

constexpr char kHmac256[] = "cryptoAuthHmacsha256Init";
constexpr char kHmac512[] = "cryptoAuthHmacsha512Init";
constexpr char kHmac512256[] = "cryptoAuthHmacsha512256Init";
constexpr char kOnetime[] = "cryptoOnetimeauthInit";

using Make = int(unsigned char *, const unsigned char *, unsigned long long, const unsigned char *);
using Verify = int(const unsigned char *, const unsigned char *, unsigned long long,
                   const unsigned char *);

void make_tag(Call &c, Make *make, size_t tag_len, size_t key_len)
{
    Bytes m = c.bytes(0), k = c.bytes(1, key_len);
    if (uint8_t *out = c.output(tag_len))
        make(out, m.data, m.len, k.data);
}

void verify_tag(Call &c, Verify *verify, size_t tag_len, size_t key_len)
{
    Bytes tag = c.bytes(0, tag_len), m = c.bytes(1), k = c.bytes(2, key_len);
    if (!c.failed())
        c.give(verify(tag.data, m.data, m.len, k.data) == 0);
}

void keygen(Call &c, void (*make)(unsigned char *), size_t len)
{
    if (uint8_t *out = c.output(len))
        make(out);
}

template <typename State>
void hmac_init(Call &c, const char *kind, int (*init)(State *, const unsigned char *, size_t))
{
    Bytes k = c.bytes(0); // of any length, unlike the one-shot function's
    if (c.failed())
        return;
    if (uint8_t *s = c.new_state(kind, sizeof(State)))
        init(reinterpret_cast<State *>(s), k.data, k.len);
}

template <typename State>
void hmac_update(Call &c, const char *kind,
                 int (*update)(State *, const unsigned char *, unsigned long long))
{
    uint8_t *s = c.state(0, kind, sizeof(State));
    Bytes m = c.bytes(1);
    if (!c.failed())
        update(reinterpret_cast<State *>(s), m.data, m.len);
}

template <typename State>
void hmac_final(Call &c, const char *kind, int (*final)(State *, unsigned char *), size_t len)
{
    uint8_t *s = c.state(0, kind, sizeof(State));
    uint8_t *out = c.output(len);
    if (!out)
        return;
    final(reinterpret_cast<State *>(s), out);
    c.end_state(0, kind);
}

} // namespace

void cryptoAuth(Call &c)
{
    make_tag(c, crypto_auth, crypto_auth_BYTES, crypto_auth_KEYBYTES);
}

void cryptoAuthVerify(Call &c)
{
    verify_tag(c, crypto_auth_verify, crypto_auth_BYTES, crypto_auth_KEYBYTES);
}

void cryptoAuthKeygen(Call &c)
{
    keygen(c, crypto_auth_keygen, crypto_auth_KEYBYTES);
}

void cryptoAuthHmacsha256(Call &c)
{
    make_tag(c, crypto_auth_hmacsha256, crypto_auth_hmacsha256_BYTES,
             crypto_auth_hmacsha256_KEYBYTES);
}

void cryptoAuthHmacsha256Verify(Call &c)
{
    verify_tag(c, crypto_auth_hmacsha256_verify, crypto_auth_hmacsha256_BYTES,
               crypto_auth_hmacsha256_KEYBYTES);
}

void cryptoAuthHmacsha256Keygen(Call &c)
{
    keygen(c, crypto_auth_hmacsha256_keygen, crypto_auth_hmacsha256_KEYBYTES);
}

void cryptoAuthHmacsha256Init(Call &c)
{
    hmac_init(c, kHmac256, crypto_auth_hmacsha256_init);
}

void cryptoAuthHmacsha256Update(Call &c)
{
    hmac_update(c, kHmac256, crypto_auth_hmacsha256_update);
}

void cryptoAuthHmacsha256Final(Call &c)
{
    hmac_final(c, kHmac256, crypto_auth_hmacsha256_final, crypto_auth_hmacsha256_BYTES);
}

void cryptoAuthHmacsha512(Call &c)
{
    make_tag(c, crypto_auth_hmacsha512, crypto_auth_hmacsha512_BYTES,
             crypto_auth_hmacsha512_KEYBYTES);
}

void cryptoAuthHmacsha512Verify(Call &c)
{
    verify_tag(c, crypto_auth_hmacsha512_verify, crypto_auth_hmacsha512_BYTES,
               crypto_auth_hmacsha512_KEYBYTES);
}

void cryptoAuthHmacsha512Keygen(Call &c)
{
    keygen(c, crypto_auth_hmacsha512_keygen, crypto_auth_hmacsha512_KEYBYTES);
}

void cryptoAuthHmacsha512Init(Call &c)
{
    hmac_init(c, kHmac512, crypto_auth_hmacsha512_init);
}

void cryptoAuthHmacsha512Update(Call &c)
{
    hmac_update(c, kHmac512, crypto_auth_hmacsha512_update);
}

void cryptoAuthHmacsha512Final(Call &c)
{
    hmac_final(c, kHmac512, crypto_auth_hmacsha512_final, crypto_auth_hmacsha512_BYTES);
}

void cryptoOnetimeauth(Call &c)
{
    make_tag(c, crypto_onetimeauth, crypto_onetimeauth_BYTES, crypto_onetimeauth_KEYBYTES);
}

void cryptoOnetimeauthVerify(Call &c)
{
    verify_tag(c, crypto_onetimeauth_verify, crypto_onetimeauth_BYTES, crypto_onetimeauth_KEYBYTES);
}

void cryptoOnetimeauthKeygen(Call &c)
{
    keygen(c, crypto_onetimeauth_keygen, crypto_onetimeauth_KEYBYTES);
}

void cryptoOnetimeauthInit(Call &c)
{
    Bytes k = c.bytes(0, crypto_onetimeauth_KEYBYTES);
    if (c.failed())
        return;
    if (uint8_t *s = c.new_state(kOnetime, sizeof(crypto_onetimeauth_state)))
        crypto_onetimeauth_init(reinterpret_cast<crypto_onetimeauth_state *>(s), k.data);
}

void cryptoOnetimeauthUpdate(Call &c)
{
    hmac_update(c, kOnetime, crypto_onetimeauth_update);
}

void cryptoOnetimeauthFinal(Call &c)
{
    hmac_final(c, kOnetime, crypto_onetimeauth_final, crypto_onetimeauth_BYTES);
}

void cryptoAuthHmacsha512256(Call &c)
{
    make_tag(c, crypto_auth_hmacsha512256, crypto_auth_hmacsha512256_BYTES,
             crypto_auth_hmacsha512256_KEYBYTES);
}

void cryptoAuthHmacsha512256Verify(Call &c)
{
    verify_tag(c, crypto_auth_hmacsha512256_verify, crypto_auth_hmacsha512256_BYTES,
               crypto_auth_hmacsha512256_KEYBYTES);
}

void cryptoAuthHmacsha512256Keygen(Call &c)
{
    keygen(c, crypto_auth_hmacsha512256_keygen, crypto_auth_hmacsha512256_KEYBYTES);
}

void cryptoAuthHmacsha512256Init(Call &c)
{
    hmac_init(c, kHmac512256, crypto_auth_hmacsha512256_init);
}

void cryptoAuthHmacsha512256Update(Call &c)
{
    hmac_update(c, kHmac512256, crypto_auth_hmacsha512256_update);
}

void cryptoAuthHmacsha512256Final(Call &c)
{
    hmac_final(c, kHmac512256, crypto_auth_hmacsha512256_final, crypto_auth_hmacsha512256_BYTES);
}

} // namespace isolane::sodium
