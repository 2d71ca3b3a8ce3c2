// sodium: secretstream (many messages under one key, in order), and the bare stream ciphers below
// it.
#include "sandbox/engine/sodium/sodium_call.h"

#include <cstring>
#include <sodium.h>

namespace isolane::sodium
{

namespace
{

// ---- secretstream

constexpr char kPush[] = "cryptoSecretstreamXchacha20poly1305InitPush";
constexpr char kPull[] = "cryptoSecretstreamXchacha20poly1305InitPull";
constexpr size_t kHeader = crypto_secretstream_xchacha20poly1305_HEADERBYTES;
constexpr size_t kStreamKey = crypto_secretstream_xchacha20poly1305_KEYBYTES;
constexpr size_t kOverhead = crypto_secretstream_xchacha20poly1305_ABYTES;
using StreamState = crypto_secretstream_xchacha20poly1305_state;

StreamState *stream_of(Call &c, const char *kind)
{
    return reinterpret_cast<StreamState *>(c.state(0, kind, sizeof(StreamState)));
}

// ---- stream ciphers

struct Cipher {
    size_t key, nonce;
    int (*make)(unsigned char *, unsigned long long, const unsigned char *, const unsigned char *);
    int (*mix)(unsigned char *, const unsigned char *, unsigned long long, const unsigned char *,
               const unsigned char *);
};
#define CIPHER(name)                                                                               \
    {                                                                                              \
        crypto_stream_##name##_KEYBYTES, crypto_stream_##name##_NONCEBYTES, crypto_stream_##name,  \
            crypto_stream_##name##_xor                                                             \
    }
const Cipher chacha20 = CIPHER(chacha20), chacha20_ietf = CIPHER(chacha20_ietf),
             xchacha20 = CIPHER(xchacha20), salsa20 = CIPHER(salsa20), xsalsa20 = CIPHER(xsalsa20);
#undef CIPHER

constexpr uint64_t kLengthMax = 1u << 30; // of a result whose length the script names
constexpr size_t kBlock = 64;
constexpr char kTooFar[] = "the counter would pass its end";

void keygen(Call &c, size_t len)
{
    if (uint8_t *out = c.output(len))
        randombytes_buf(out, len);
}

void make(Call &c, const Cipher &cipher)
{
    size_t len = c.integer(0, 0, kLengthMax);
    Bytes n = c.bytes(1, cipher.nonce), k = c.bytes(2, cipher.key);
    if (uint8_t *out = c.output(len))
        cipher.make(out, len, n.data, k.data);
}

void mix(Call &c, const Cipher &cipher)
{
    Bytes m = c.bytes(0), n = c.bytes(1, cipher.nonce), k = c.bytes(2, cipher.key);
    if (uint8_t *out = c.output(m.len))
        cipher.mix(out, m.data, m.len, n.data, k.data);
}

// From a block on. Counter: how libsodium counts, which ends the process when it would pass 2^32.
template <typename Counter>
void mix_from(Call &c, const Cipher &cipher,
              int (*run)(unsigned char *, const unsigned char *, unsigned long long,
                         const unsigned char *, Counter, const unsigned char *))
{
    Bytes m = c.bytes(0), n = c.bytes(1, cipher.nonce);
    uint64_t counter = c.integer(2, 0, static_cast<Counter>(-1));
    Bytes k = c.bytes(3, cipher.key);
    if (!c.failed() && (m.len + kBlock - 1) / kBlock > static_cast<Counter>(-1) - counter)
        c.fail(kTooFar);
    if (uint8_t *out = c.output(m.len))
        run(out, m.data, m.len, n.data, static_cast<Counter>(counter), k.data);
}

void core(Call &c, size_t len, size_t in_len, size_t key_len, size_t constant_len,
          int (*run)(unsigned char *, const unsigned char *, const unsigned char *,
                     const unsigned char *))
{
    Bytes in = c.bytes(0, in_len), k = c.bytes(1, key_len);
    Bytes constant = c.absent(2) ? Bytes{} : c.bytes(2, constant_len);
    if (uint8_t *out = c.output(len))
        run(out, in.data, k.data, constant.data);
}

} // namespace

void cryptoSecretstreamXchacha20poly1305Keygen(Call &c)
{
    keygen(c, kStreamKey);
}

void cryptoSecretstreamXchacha20poly1305InitPush(Call &c)
{
    Bytes k = c.bytes(0, kStreamKey);
    if (c.failed())
        return;
    auto *s = reinterpret_cast<StreamState *>(c.new_state("state", kPush, sizeof(StreamState)));
    uint8_t *header = c.output("header", kHeader);
    if (s && header)
        crypto_secretstream_xchacha20poly1305_init_push(s, header, k.data);
}

void cryptoSecretstreamXchacha20poly1305Push(Call &c)
{
    StreamState *s = stream_of(c, kPush);
    Bytes m = c.bytes(1), ad = c.optional_bytes(2);
    auto tag = static_cast<uint8_t>(c.integer(3, 0, UINT8_MAX));
    if (uint8_t *out = c.output(m.len + kOverhead))
        crypto_secretstream_xchacha20poly1305_push(s, out, nullptr, m.data, m.len, ad.data, ad.len,
                                                   tag);
}

void cryptoSecretstreamXchacha20poly1305InitPull(Call &c)
{
    Bytes header = c.bytes(0, kHeader), k = c.bytes(1, kStreamKey);
    if (c.failed())
        return;
    auto *s = reinterpret_cast<StreamState *>(c.new_state(kPull, sizeof(StreamState)));
    if (s && crypto_secretstream_xchacha20poly1305_init_pull(s, header.data, k.data) != 0)
        c.fail("the header is wrong");
}

void cryptoSecretstreamXchacha20poly1305Pull(Call &c)
{
    StreamState *s = stream_of(c, kPull);
    Bytes in = c.bytes(1, kOverhead, SIZE_MAX), ad = c.optional_bytes(2);
    uint8_t *out = c.output("message", c.failed() ? 0 : in.len - kOverhead), tag = 0;
    if (!out)
        return;
    if (crypto_secretstream_xchacha20poly1305_pull(s, out, nullptr, &tag, in.data, in.len, ad.data,
                                                   ad.len) != 0)
        c.fail("the key is wrong, the message was altered, or it is not the next one");
    else
        c.give_member("tag", tag);
}

void cryptoSecretstreamXchacha20poly1305Rekey(Call &c)
{
    // Both ends of a stream have it.
    StreamState *s = c.has_state(0, kPull) ? stream_of(c, kPull) : stream_of(c, kPush);
    if (s)
        crypto_secretstream_xchacha20poly1305_rekey(s);
}

#define STREAM_FUNCTIONS(Name, cipher)                                                             \
    void cryptoStream##Name##Keygen(Call &c)                                                       \
    {                                                                                              \
        keygen(c, cipher.key);                                                                     \
    }                                                                                              \
    void cryptoStream##Name(Call &c)                                                               \
    {                                                                                              \
        make(c, cipher);                                                                           \
    }                                                                                              \
    void cryptoStream##Name##Xor(Call &c)                                                          \
    {                                                                                              \
        mix(c, cipher);                                                                            \
    }
STREAM_FUNCTIONS(Chacha20, chacha20)
STREAM_FUNCTIONS(Chacha20Ietf, chacha20_ietf)
STREAM_FUNCTIONS(Xchacha20, xchacha20)
STREAM_FUNCTIONS(Salsa20, salsa20)
STREAM_FUNCTIONS(Xsalsa20, xsalsa20)
STREAM_FUNCTIONS(, xsalsa20)
#undef STREAM_FUNCTIONS

void cryptoStreamChacha20XorIc(Call &c)
{
    mix_from<uint64_t>(c, chacha20, crypto_stream_chacha20_xor_ic);
}

void cryptoStreamChacha20IetfXorIc(Call &c)
{
    mix_from<uint32_t>(c, chacha20_ietf, crypto_stream_chacha20_ietf_xor_ic);
}

void cryptoStreamXchacha20XorIc(Call &c)
{
    mix_from<uint64_t>(c, xchacha20, crypto_stream_xchacha20_xor_ic);
}

void cryptoStreamSalsa20XorIc(Call &c)
{
    mix_from<uint64_t>(c, salsa20, crypto_stream_salsa20_xor_ic);
}

void cryptoStreamXsalsa20XorIc(Call &c)
{
    mix_from<uint64_t>(c, xsalsa20, crypto_stream_xsalsa20_xor_ic);
}

void cryptoCoreHchacha20(Call &c)
{
    core(c, crypto_core_hchacha20_OUTPUTBYTES, crypto_core_hchacha20_INPUTBYTES,
         crypto_core_hchacha20_KEYBYTES, crypto_core_hchacha20_CONSTBYTES, crypto_core_hchacha20);
}

void cryptoCoreHsalsa20(Call &c)
{
    core(c, crypto_core_hsalsa20_OUTPUTBYTES, crypto_core_hsalsa20_INPUTBYTES,
         crypto_core_hsalsa20_KEYBYTES, crypto_core_hsalsa20_CONSTBYTES, crypto_core_hsalsa20);
}

} // namespace isolane::sodium
