// native.crypto: base64url as JSON Web Keys have it (RFC 7515: no padding), in constant time; and
// what kind of bytes a value is.
#include "sandbox/engine/crypto/crypto_call.h"

#include <cstring>
#include <sodium.h>

#include <openssl/crypto.h>

namespace isolane::crypto
{

namespace
{

constexpr size_t kTextMost = 1u << 20;

enum Source { NONE, PLAIN, SHARED, RESIZABLE };

Source source_of(v8::Local<v8::Value> v)
{
    v8::Local<v8::ArrayBuffer> buffer;
    if (v->IsSharedArrayBuffer())
        return SHARED;
    if (v->IsArrayBufferView())
        buffer = v.As<v8::ArrayBufferView>()->Buffer();
    else if (v->IsArrayBuffer())
        buffer = v.As<v8::ArrayBuffer>();
    else
        return NONE;
    if (buffer->IsSharedArrayBuffer())
        return SHARED;
    return buffer->IsResizableByUserJavaScript() ? RESIZABLE : PLAIN;
}

} // namespace

// source(value): 0 no bytes, 1 bytes, 2 shared ones, 3 in a buffer that can be resized
void source(Call &c)
{
    c.give_number(source_of(c.value(0)));
}

// copy(bytes): an ArrayBuffer
void copy(Call &c)
{
    Bytes b = c.bytes(0);
    uint8_t *out = c.output(b.len);
    if (out && b.len)
        memcpy(out, b.data, b.len);
}

// base64url(bytes): a string
void base64url(Call &c)
{
    Bytes b = c.bytes(0);
    if (c.failed() || b.len > kTextMost / 2)
        return;
    Secret text(sodium_base64_encoded_len(b.len, sodium_base64_VARIANT_URLSAFE_NO_PADDING));
    sodium_bin2base64(reinterpret_cast<char *>(text.data()), text.size(), b.data, b.len,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    c.give_text(reinterpret_cast<const char *>(text.data()), text.size() - 1);
}

// unbase64url(string): an ArrayBuffer, or null
void unbase64url(Call &c)
{
    v8::Local<v8::Value> v = c.value(0);
    if (!v->IsString() || v.As<v8::String>()->Length() > static_cast<int>(kTextMost) ||
        !v.As<v8::String>()->ContainsOnlyOneByte())
        return;
    size_t len = static_cast<size_t>(v.As<v8::String>()->Length()), made = 0;
    Secret text(len), bytes(len);
    v.As<v8::String>()->WriteOneByteV2(c.isolate(), 0, static_cast<uint32_t>(len), text.data());
    const char *end = nullptr;
    const char *from = reinterpret_cast<const char *>(text.data());
    if (len && (sodium_base642bin(bytes.data(), bytes.size(), from, len, nullptr, &made, &end,
                                  sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
                end != from + len))
        return;
    uint8_t *out = c.output(made);
    if (out && made)
        memcpy(out, bytes.data(), made);
}

} // namespace isolane::crypto
