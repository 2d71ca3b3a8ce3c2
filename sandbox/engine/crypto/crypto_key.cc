// native.crypto: handles of secret bytes.
#include "sandbox/engine/crypto/crypto_call.h"
#include "sandbox/engine/random.h"

#include <cstring>

#include <openssl/crypto.h>

namespace isolane::crypto
{

namespace
{

constexpr uint32_t kRandomKeyMost = 1u << 20; // bytes of a key that is made here

} // namespace

// secret(bytes): a handle of a copy
void secret(Call &c)
{
    Bytes b = c.bytes(0);
    if (c.failed())
        return;
    auto copy = std::make_unique<Secret>(b.len);
    if (b.len)
        memcpy(copy->data(), b.data, b.len);
    c.give_handle(std::move(copy));
}

// secretBytes(handle)
void secretBytes(Call &c)
{
    const Key *key = c.secret(0);
    if (!key)
        return;
    Bytes raw = key->raw();
    uint8_t *out = c.output(raw.len);
    if (out && raw.len)
        memcpy(out, raw.data, raw.len);
}

// secretRandom(length, unused bits at the end): a handle, or null when that is too long
void secretRandom(Call &c)
{
    uint32_t len = c.number(0), spare = c.number(1);
    if (c.failed() || len == 0 || len > kRandomKeyMost)
        return;
    auto bytes = std::make_unique<Secret>(len);
    random_bytes(bytes->data(), len);
    if (spare > 0 && spare < 8)
        bytes->data()[len - 1] &= static_cast<uint8_t>(0xff << spare);
    c.give_handle(std::move(bytes));
}

// equal(a, b): in a time that depends on the lengths alone
void equal(Call &c)
{
    Bytes a = c.bytes(0), b = c.bytes(1);
    if (!c.failed())
        c.give(a.len == b.len && CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}

} // namespace isolane::crypto
