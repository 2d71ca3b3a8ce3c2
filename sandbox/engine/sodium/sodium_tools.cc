// sodium: random bytes, comparing and counting in constant time, hex, base64, padding.
#include "sandbox/engine/sodium/sodium_call.h"

#include <cstring>
#include <sodium.h>

namespace isolane::sodium
{

namespace
{

constexpr uint64_t kLengthMax = 1u << 30; // of a result whose length the script names
constexpr uint64_t kBlockMax = 1u << 20;  // of padding
constexpr size_t kTextMax = 1u << 29;     // V8's longest string
constexpr size_t kIgnoreMax = 256;

// Two byte strings of one length.
void two(Call &c, Bytes *a, Bytes *b)
{
    *a = c.bytes(0);
    *b = c.bytes(1);
    if (!c.failed() && a->len != b->len)
        c.fail_range(1, "as long as a (" + std::to_string(a->len) + " bytes)",
                     std::to_string(b->len));
}

// The first is changed by the second.
uint8_t *two_in_place(Call &c, Bytes *b)
{
    Bytes a;
    size_t len;
    uint8_t *changed = c.in_place(0, &len);
    two(c, &a, b);
    return c.failed() ? nullptr : changed;
}

int variant_of(Call &c, int i)
{
    int variant = static_cast<int>(
        c.integer(i, sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_URLSAFE_NO_PADDING));
    // libsodium ends the process when it does not know the variant.
    if (!c.failed() && variant % 2 == 0)
        c.fail_range(i, "one of sodium.BASE64_VARIANT_…", std::to_string(variant));
    return variant;
}

} // namespace

void randombytesBuf(Call &c)
{
    size_t len = c.integer(0, 0, kLengthMax);
    if (uint8_t *out = c.output(len))
        randombytes_buf(out, len);
}

void randombytesBufDeterministic(Call &c)
{
    size_t len = c.integer(0, 0, kLengthMax);
    Bytes seed = c.bytes(1, randombytes_SEEDBYTES);
    if (uint8_t *out = c.output(len))
        randombytes_buf_deterministic(out, len, seed.data);
}

void randombytesUniform(Call &c)
{
    uint32_t bound = static_cast<uint32_t>(c.integer(0, 0, UINT32_MAX));
    if (!c.failed())
        c.give(static_cast<double>(randombytes_uniform(bound)));
}

void randombytesRandom(Call &c)
{
    c.give(static_cast<double>(randombytes_random()));
}

void memcmp(Call &c)
{
    Bytes a, b;
    two(c, &a, &b);
    if (!c.failed())
        c.give(a.len == 0 || sodium_memcmp(a.data, b.data, a.len) == 0);
}

void memzero(Call &c)
{
    size_t len;
    uint8_t *bytes = c.in_place(0, &len);
    if (!c.failed() && len)
        sodium_memzero(bytes, len);
}

void increment(Call &c)
{
    size_t len;
    uint8_t *bytes = c.in_place(0, &len);
    if (!c.failed())
        sodium_increment(bytes, len);
}

void add(Call &c)
{
    Bytes b;
    if (uint8_t *a = two_in_place(c, &b))
        sodium_add(a, b.data, b.len);
}

void sub(Call &c)
{
    Bytes b;
    if (uint8_t *a = two_in_place(c, &b))
        sodium_sub(a, b.data, b.len);
}

void compare(Call &c)
{
    Bytes a, b;
    two(c, &a, &b);
    if (!c.failed())
        c.give(static_cast<double>(sodium_compare(a.data, b.data, a.len)));
}

void isZero(Call &c)
{
    Bytes a = c.bytes(0);
    if (!c.failed())
        c.give(sodium_is_zero(a.data, a.len) != 0);
}

void bin2hex(Call &c)
{
    Bytes b = c.bytes(0);
    if (c.failed())
        return;
    if (b.len > kTextMax / 2)
        return c.fail_range(0, "at most " + std::to_string(kTextMax / 2) + " bytes",
                            std::to_string(b.len));
    std::string text(b.len * 2 + 1, '\0');
    sodium_bin2hex(text.data(), text.size(), b.data, b.len);
    c.give(text.data(), b.len * 2);
}

void hex2bin(Call &c)
{
    std::string hex = c.text(0, kTextMax);
    std::string ignore = c.absent(1) ? "" : c.text(1, kIgnoreMax);
    size_t len = 0;
    uint8_t *out = c.output(hex.size() / 2);
    if (!out)
        return;
    if (sodium_hex2bin(out, hex.size() / 2, hex.data(), hex.size(), ignore.c_str(), &len,
                       nullptr) != 0)
        c.fail(
            "hex must be pairs of hexadecimal digits, and nothing else but characters to ignore");
    c.shorten(len);
}

void bin2base64(Call &c)
{
    Bytes b = c.bytes(0);
    int variant = variant_of(c, 1);
    if (c.failed())
        return;
    if (b.len > kTextMax / 2)
        return c.fail_range(0, "at most " + std::to_string(kTextMax / 2) + " bytes",
                            std::to_string(b.len));
    std::string text(sodium_base64_encoded_len(b.len, variant), '\0');
    sodium_bin2base64(text.data(), text.size(), b.data, b.len, variant);
    c.give(text.data(), strlen(text.c_str()));
}

void base642bin(Call &c)
{
    std::string text = c.text(0, kTextMax);
    int variant = variant_of(c, 1);
    std::string ignore = c.absent(2) ? "" : c.text(2, kIgnoreMax);
    size_t len = 0, room = text.size() / 4 * 3 + 3;
    uint8_t *out = c.output(room);
    if (!out)
        return;
    if (sodium_base642bin(out, room, text.data(), text.size(), ignore.c_str(), &len, nullptr,
                          variant) != 0)
        c.fail("text is not base64 of that variant");
    c.shorten(len);
}

void pad(Call &c)
{
    Bytes b = c.bytes(0);
    size_t block = c.integer(1, 1, kBlockMax), padded = b.len + block - b.len % block, len = 0;
    uint8_t *out = c.output(padded);
    if (!out)
        return;
    if (b.len)
        std::memcpy(out, b.data, b.len);
    sodium_pad(&len, out, b.len, block, padded);
}

void unpad(Call &c)
{
    Bytes b = c.bytes(0);
    size_t block = c.integer(1, 1, kBlockMax), len = 0;
    if (c.failed())
        return;
    if (b.len < block || sodium_unpad(&len, b.data, b.len, block) != 0)
        return c.fail("the bytes do not end in padding of that block size");
    uint8_t *out = c.output(len);
    if (out && len)
        std::memcpy(out, b.data, len);
}

void versionString(Call &c)
{
    const char *version = sodium_version_string();
    c.give(version, strlen(version));
}

} // namespace isolane::sodium
