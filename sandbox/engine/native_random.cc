// native.random: bytes from getrandom(2).
//   fill(view)  fills a view over an ArrayBuffer
//   uuid()      text of a version 4 UUID (RFC 9562)
#include "sandbox/engine/natives.h"
#include "sandbox/engine/random.h"

#include <cerrno>
#include <cstdlib>
#include <sys/random.h>

namespace isolane
{

void random_bytes(void *out, size_t n)
{
    char *p = static_cast<char *>(out);
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno != EINTR)
            abort();
        if (got > 0) {
            p += got;
            n -= static_cast<size_t>(got);
        }
    }
}

namespace
{

constexpr size_t kUuidBytes = 16;
constexpr size_t kUuidText = 36;

void fill(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    uint8_t *data = nullptr;
    size_t len = 0;
    if (args[0]->IsArrayBufferView() &&
        args[0].As<v8::ArrayBufferView>()->Buffer()->IsSharedArrayBuffer()) {
        throw_type_error(args.GetIsolate(), "a view over a SharedArrayBuffer cannot be filled");
        return;
    }
    if (!writable_bytes_of(args[0], &data, &len)) {
        throw_type_error(args.GetIsolate(), "a writable typed array is needed");
        return;
    }
    random_bytes(data, len);
}

void uuid(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t bytes[kUuidBytes];
    char text[kUuidText];
    size_t n = 0;
    random_bytes(bytes, sizeof bytes);
    bytes[6] = static_cast<uint8_t>(0x40 | (bytes[6] & 0x0f)); // version 4
    bytes[8] = static_cast<uint8_t>(0x80 | (bytes[8] & 0x3f)); // variant of RFC 9562
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[n++] = '-';
        text[n++] = hex[bytes[i] >> 4];
        text[n++] = hex[bytes[i] & 15];
    }
    v8::Local<v8::String> result;
    if (v8::String::NewFromOneByte(args.GetIsolate(), reinterpret_cast<const uint8_t *>(text),
                                   v8::NewStringType::kNormal, static_cast<int>(n))
            .ToLocal(&result))
        args.GetReturnValue().Set(result);
}

const NativeFunction functions[] = {{"fill", fill}, {"uuid", uuid}};

} // namespace

const NativeModule native_random = {"random", functions, sizeof functions / sizeof *functions,
                                    nullptr};

} // namespace isolane
