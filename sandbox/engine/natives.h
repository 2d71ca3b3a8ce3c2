// Native functions that the built-ins (sandbox/js) are given. A native module is one .cc file that
// defines one `const NativeModule native_<name>`; natives.cc lists them all. The list's order is
// part of the startup snapshot (external references are compared by order): snapshot and zygote are
// always built from the same shared object, so adding a row needs nothing else.
//
// The bundle is the body of a function with one parameter, `native`: native.<module>.<function>.
// Guest code never sees that object. Functions run on the engine's one thread; they must check the
// types of their arguments (the built-ins are trusted, but they pass guest values through).
#pragma once

#include <cstddef>
#include <v8.h>

namespace isolane
{

struct NativeFunction {
    const char *name;
    v8::FunctionCallback call;
};

struct NativeModule {
    const char *name;
    const NativeFunction *functions;
    size_t count;
    void (*after_fork)(); // throws away state drawn before the fork (seeds, keys); may be null
};

extern const NativeModule *const native_modules[];
extern const size_t native_module_count;

extern const NativeModule native_loop;    // engine: timers, calls, clock (loop.cc)
extern const NativeModule native_output;  // what the script prints (loop.cc)
extern const NativeModule native_text;    // UTF-8/16 encode and decode, base64
extern const NativeModule native_random;  // bytes from getrandom
extern const NativeModule native_clone;   // structuredClone
extern const NativeModule native_stream;  // bytes to and from the supervisor
extern const NativeModule native_inspect; // what console needs to look inside values
extern const NativeModule native_sodium;  // libsodium
extern const NativeModule native_url;     // URLs
extern const NativeModule native_legacy;  // text in encodings of old
extern const NativeModule native_parts;   // lazily loaded built-ins
extern const NativeModule native_codec;   // gzip, deflate, brotli, zstd
extern const NativeModule native_crypto;  // Web Cryptography
extern const NativeModule native_import;  // modules and the files of the job (native_modules.cc)

// Throws a TypeError / RangeError / Error of that text in the current context.
void throw_type_error(v8::Isolate *isolate, const char *message);
void throw_range_error(v8::Isolate *isolate, const char *message);
void throw_error(v8::Isolate *isolate, const char *message);

// Bytes of an ArrayBuffer, SharedArrayBuffer or view; false (and nothing thrown) when v is none.
bool bytes_of(v8::Local<v8::Value> v, const uint8_t **data, size_t *len);
bool writable_bytes_of(v8::Local<v8::Value> v, uint8_t **data, size_t *len);
// A new Uint8Array holding a copy; empty handle when the memory budget is used up (then
// terminating).
v8::MaybeLocal<v8::Uint8Array> make_bytes(v8::Isolate *isolate, const void *data, size_t len);

// Counts memory that a native takes outside the heap and the array buffers (pwhash) against the
// job's memory budget while it is held. False when the budget does not allow it (then terminating,
// as an array buffer that is too large does); every true is paired with an uncharge of the same
// size.
bool charge_memory(v8::Isolate *isolate, size_t bytes);
void uncharge_memory(v8::Isolate *isolate, size_t bytes);

} // namespace isolane
