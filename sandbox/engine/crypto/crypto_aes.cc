// native.crypto: AES. Lengths of keys and of what they are used with are checked by the built-ins
// where the standard names an error of its own; what OpenSSL refuses gives null.
#include "sandbox/engine/crypto/crypto_call.h"

#include <algorithm>
#include <climits>
#include <cstring>

#include <openssl/crypto.h>

namespace isolane::crypto
{

namespace
{

constexpr size_t kBlock = 16;
constexpr size_t kChunk = 256 << 10; // between two looks whether the job is to end

enum Mode { CBC, CTR, GCM, WRAP, MODES };
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>>;

const EVP_CIPHER *cipher_of(Mode mode, size_t key_len)
{
    static const char *const names[MODES][3] = {{"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"},
                                                {"AES-128-CTR", "AES-192-CTR", "AES-256-CTR"},
                                                {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM"},
                                                {"AES-128-WRAP", "AES-192-WRAP", "AES-256-WRAP"}};
    static EVP_CIPHER *fetched[MODES][3];
    if (key_len != 16 && key_len != 24 && key_len != 32)
        return nullptr;
    size_t i = (key_len - 16) / 8;
    start();
    if (!fetched[mode][i])
        fetched[mode][i] = EVP_CIPHER_fetch(nullptr, names[mode][i], nullptr);
    return fetched[mode][i];
}

// A context with its key; iv may come later. Null when OpenSSL refuses.
CipherContext begin(Mode mode, Bytes key, bool encrypt, const uint8_t *iv)
{
    const EVP_CIPHER *cipher = cipher_of(mode, key.len);
    CipherContext ctx(EVP_CIPHER_CTX_new());
    if (!cipher || !ctx ||
        EVP_CipherInit_ex2(ctx.get(), cipher, key.data, iv, encrypt, nullptr) != 1)
        return nullptr;
    return ctx;
}

// Data through a started cipher; how many bytes came out, -1: refused, or the job is to end.
int64_t pass(EVP_CIPHER_CTX *ctx, uint8_t *out, Bytes in)
{
    size_t made = 0;
    while (in.len > 0) {
        size_t n = std::min(in.len, kChunk);
        int got = 0;
        if (EVP_CipherUpdate(ctx, out ? out + made : nullptr, &got, in.data, static_cast<int>(n)) !=
                1 ||
            stopped())
            return -1;
        made += static_cast<size_t>(got);
        in.data += n;
        in.len -= n;
    }
    return static_cast<int64_t>(made);
}

// Blocks until the lower `bits` bits of the counter are all zero again; at least `most` when there
// are that many.
uint64_t blocks_to_wrap(const uint8_t *counter, uint32_t bits, uint64_t most)
{
    uint64_t left = 0; // 2^bits - counter, held at most + 1
    unsigned __int128 value = 0;
    for (size_t i = 0; i < kBlock; i++)
        value = value << 8 | counter[i];
    unsigned __int128 mask = bits == 128 ? ~static_cast<unsigned __int128>(0)
                                         : (static_cast<unsigned __int128>(1) << bits) - 1;
    unsigned __int128 rest = mask - (value & mask); // one block less than there are
    left = rest >= most ? most : static_cast<uint64_t>(rest) + 1;
    return left;
}

void zero_low_bits(uint8_t *counter, uint32_t bits)
{
    for (size_t i = kBlock; i-- > 0 && bits > 0;) {
        uint32_t n = std::min<uint32_t>(bits, 8);
        counter[i] &= static_cast<uint8_t>(0xff << n);
        bits -= n;
    }
}

} // namespace

// aesCbc(encrypt, key, iv, data)
void aesCbc(Call &c)
{
    bool encrypt = c.flag(0);
    const Key *key = c.secret(1);
    Bytes iv = c.bytes(2), in = c.bytes(3);
    if (c.failed() || iv.len != kBlock || (!encrypt && (in.len == 0 || in.len % kBlock)))
        return;
    CipherContext ctx = begin(CBC, key->raw(), encrypt, iv.data);
    uint8_t *out = ctx ? c.output(in.len + (encrypt ? kBlock : 0)) : nullptr;
    if (!out)
        return;
    // An EVP cipher that decrypts may write a block beyond what it reports while it holds one back.
    int64_t made = pass(ctx.get(), out, in);
    int last = 0;
    uint8_t tail[2 * kBlock];
    if (made < 0 || EVP_CipherFinal_ex(ctx.get(), tail, &last) != 1)
        return c.refuse();
    memcpy(out + made, tail, static_cast<size_t>(last));
    c.shorten(static_cast<size_t>(made) + static_cast<size_t>(last));
    OPENSSL_cleanse(tail, sizeof tail);
}

// aesCtr(key, counter, bits of it that count, data): the same both ways
void aesCtr(Call &c)
{
    const Key *key = c.secret(0);
    Bytes counter = c.bytes(1);
    uint32_t bits = c.number(2);
    Bytes in = c.bytes(3);
    if (c.failed() || counter.len != kBlock || bits == 0 || bits > 128)
        return;
    uint64_t blocks = (in.len + kBlock - 1) / kBlock;
    if (bits < 64 && blocks > uint64_t{1} << bits) // a counter would be used twice
        return;
    uint8_t iv[kBlock];
    memcpy(iv, counter.data, kBlock);
    CipherContext ctx = begin(CTR, key->raw(), true, iv);
    uint8_t *out = ctx ? c.output(in.len) : nullptr;
    if (!out)
        return;
    // OpenSSL counts with all 128 bits; here the upper ones stay.
    size_t first = blocks_to_wrap(iv, bits, blocks) * kBlock;
    if (first >= in.len) {
        if (pass(ctx.get(), out, in) < 0)
            c.refuse();
        return;
    }
    zero_low_bits(iv, bits);
    if (pass(ctx.get(), out, {in.data, first}) < 0 ||
        EVP_CipherInit_ex2(ctx.get(), nullptr, nullptr, iv, 1, nullptr) != 1 ||
        pass(ctx.get(), out + first, {in.data + first, in.len - first}) < 0)
        c.refuse();
}

// aesGcm(encrypt, key, iv, additional data, bytes of the tag, data)
void aesGcm(Call &c)
{
    bool encrypt = c.flag(0);
    const Key *key = c.secret(1);
    Bytes iv = c.bytes(2), more = c.bytes(3);
    size_t tag = c.number(4);
    Bytes in = c.bytes(5);
    if (c.failed() || tag > kBlock || iv.len == 0 || iv.len > INT_MAX || (!encrypt && in.len < tag))
        return;
    CipherContext ctx = begin(GCM, key->raw(), encrypt, nullptr);
    if (!ctx ||
        EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(iv.len),
                            nullptr) != 1 ||
        EVP_CipherInit_ex2(ctx.get(), nullptr, nullptr, iv.data, encrypt, nullptr) != 1)
        return;
    size_t text = encrypt ? in.len : in.len - tag;
    uint8_t *out = c.output(encrypt ? in.len + tag : text);
    if (!out)
        return;
    int last = 0;
    uint8_t nothing[kBlock], expected[kBlock];
    if (!encrypt) {
        memcpy(expected, in.data + text, tag);
        if (EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag),
                                expected) != 1)
            return c.refuse();
    }
    if (pass(ctx.get(), nullptr, more) < 0 || pass(ctx.get(), out, {in.data, text}) < 0 ||
        EVP_CipherFinal_ex(ctx.get(), nothing, &last) != 1 ||
        (encrypt && EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag),
                                        out + text) != 1))
        c.refuse();
}

// aesKw(wrap, key, data): RFC 3394
void aesKw(Call &c)
{
    bool wrap = c.flag(0);
    const Key *key = c.secret(1);
    Bytes in = c.bytes(2);
    if (c.failed() || in.len % 8 || in.len < (wrap ? 16 : 24) || in.len > kChunk)
        return;
    CipherContext ctx = begin(WRAP, key->raw(), wrap, nullptr);
    uint8_t *out = ctx ? c.output(wrap ? in.len + 8 : in.len) : nullptr;
    if (!out)
        return;
    int made = 0, last = 0;
    uint8_t nothing[kBlock];
    if (EVP_CipherUpdate(ctx.get(), out, &made, in.data, static_cast<int>(in.len)) != 1 ||
        EVP_CipherFinal_ex(ctx.get(), nothing, &last) != 1)
        return c.refuse();
    c.shorten(static_cast<size_t>(made));
}

} // namespace isolane::crypto
