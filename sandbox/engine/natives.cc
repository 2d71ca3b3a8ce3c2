// The list of native modules, and what they share.
#include "sandbox/engine/natives.h"

#include <cstring>

namespace isolane
{

// One a line, so that branches which add one do not meet.
// clang-format off
const NativeModule *const native_modules[] = {
    &native_loop,
    &native_output,
    &native_text,
    &native_random,
    &native_clone,
    &native_stream,
    &native_inspect,
    &native_sodium,
    &native_parts,
    &native_codec,
    &native_crypto,
    &native_url,
    &native_import,
    &native_legacy,
};
// clang-format on
const size_t native_module_count = sizeof native_modules / sizeof *native_modules;

namespace
{

using ErrorMaker = v8::Local<v8::Value> (*)(v8::Local<v8::String>, v8::Local<v8::Value>);

void throw_as(v8::Isolate *isolate, ErrorMaker make, const char *message)
{
    v8::Local<v8::String> text;
    if (v8::String::NewFromUtf8(isolate, message).ToLocal(&text))
        isolate->ThrowException(make(text, {}));
}

// View, buffer or shared buffer → its bytes. A detached or zero-length one has no address.
bool locate(v8::Local<v8::Value> v, uint8_t **data, size_t *len)
{
    if (v->IsArrayBufferView()) {
        v8::Local<v8::ArrayBufferView> view = v.As<v8::ArrayBufferView>();
        *len = view->ByteLength();
        uint8_t *base = *len ? static_cast<uint8_t *>(view->Buffer()->Data()) : nullptr;
        *data = base ? base + view->ByteOffset() : nullptr;
        return true;
    }
    if (v->IsArrayBuffer()) {
        *len = v.As<v8::ArrayBuffer>()->ByteLength();
        *data = static_cast<uint8_t *>(v.As<v8::ArrayBuffer>()->Data());
        return true;
    }
    if (v->IsSharedArrayBuffer()) {
        *len = v.As<v8::SharedArrayBuffer>()->ByteLength();
        *data = static_cast<uint8_t *>(v.As<v8::SharedArrayBuffer>()->Data());
        return true;
    }
    return false;
}

} // namespace

void throw_type_error(v8::Isolate *isolate, const char *message)
{
    throw_as(
        isolate, [](auto m, auto o) { return v8::Exception::TypeError(m, o); }, message);
}

void throw_range_error(v8::Isolate *isolate, const char *message)
{
    throw_as(
        isolate, [](auto m, auto o) { return v8::Exception::RangeError(m, o); }, message);
}

void throw_error(v8::Isolate *isolate, const char *message)
{
    throw_as(
        isolate, [](auto m, auto o) { return v8::Exception::Error(m, o); }, message);
}

bool bytes_of(v8::Local<v8::Value> v, const uint8_t **data, size_t *len)
{
    uint8_t *p = nullptr;
    if (!locate(v, &p, len))
        return false;
    *data = p;
    return true;
}

bool writable_bytes_of(v8::Local<v8::Value> v, uint8_t **data, size_t *len)
{
    return locate(v, data, len);
}

v8::MaybeLocal<v8::Uint8Array> make_bytes(v8::Isolate *isolate, const void *data, size_t len)
{
    v8::Local<v8::ArrayBuffer> buffer;
    if (!v8::ArrayBuffer::MaybeNew(isolate, len, v8::BackingStoreInitializationMode::kUninitialized)
             .ToLocal(&buffer))
        return {};
    if (len)
        memcpy(buffer->Data(), data, len);
    return v8::Uint8Array::New(buffer, 0, len);
}

} // namespace isolane
