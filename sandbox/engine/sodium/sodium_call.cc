// Arguments, results and errors of `sodium` functions; see sodium_call.h.
#include "sandbox/engine/sodium/sodium_call.h"

#include <cstring>

namespace isolane::sodium
{

namespace
{

constexpr size_t kStateAlign = 64; // BLAKE2b's state asks for this

std::string kind_of(v8::Isolate *isolate, v8::Local<v8::Value> v)
{
    if (v->IsNull())
        return "null";
    v8::Local<v8::String> name = v->IsObject() && !v->IsFunction()
                                     ? v.As<v8::Object>()->GetConstructorName()
                                     : v->TypeOf(isolate);
    char text[64];
    size_t n =
        name->WriteUtf8V2(isolate, text, sizeof text, v8::String::WriteFlags::kReplaceInvalidUtf8);
    return std::string(text, n);
}

std::string count_of(size_t n)
{
    return std::to_string(n) + (n == 1 ? " byte" : " bytes");
}

v8::Local<v8::Private> state_key(v8::Isolate *isolate, const char *kind)
{
    return v8::Private::ForApi(
        isolate,
        v8::String::NewFromUtf8(isolate, kind, v8::NewStringType::kInternalized).ToLocalChecked());
}

} // namespace

std::string Call::prefix() const
{
    return std::string("sodium.") + function_ + ": ";
}

std::string Call::parameter(int i) const
{
    const char *p = parameters_;
    for (; i > 0 && p; i--)
        p = strchr(p, ',') ? strchr(p, ',') + 2 : nullptr;
    return p ? std::string(p, strcspn(p, ",?")) : "argument";
}

void Call::fail(const char *reason)
{
    if (!failed_)
        throw_error(isolate(), (prefix() + reason).c_str());
    failed_ = true;
}

void Call::fail_type(int i, const char *wanted)
{
    if (!failed_)
        throw_type_error(isolate(), (prefix() + parameter(i) + " must be " + wanted + ", found " +
                                     kind_of(isolate(), args_[i]))
                                        .c_str());
    failed_ = true;
}

void Call::fail_range(int i, const std::string &wanted, const std::string &found)
{
    if (!failed_)
        throw_range_error(
            isolate(),
            (prefix() + parameter(i) + " must be " + wanted + ", found " + found).c_str());
    failed_ = true;
}

bool Call::absent(int i) const
{
    return args_[i]->IsNullOrUndefined();
}

Bytes Call::bytes(int i)
{
    Bytes b;
    if (failed_)
        return b;
    if (!args_[i]->IsUint8Array() || !bytes_of(args_[i], &b.data, &b.len)) {
        fail_type(i, args_[i]->IsString() ? "a Uint8Array (TextEncoder makes one of a string)"
                                          : "a Uint8Array");
        return {};
    }
    v8::Local<v8::ArrayBuffer> buffer = args_[i].As<v8::Uint8Array>()->Buffer();
    if (!buffer->IsSharedArrayBuffer() && buffer->WasDetached()) {
        fail_type(i, "a Uint8Array whose buffer is not detached");
        return {};
    }
    return b;
}

Bytes Call::bytes(int i, size_t min, size_t max)
{
    Bytes b = bytes(i);
    if (failed_ || (b.len >= min && b.len <= max))
        return b;
    std::string wanted = min == max        ? count_of(min)
                         : max == SIZE_MAX ? "at least " + count_of(min)
                                           : std::to_string(min) + " to " + count_of(max);
    fail_range(i, wanted, std::to_string(b.len));
    return {};
}

Bytes Call::bytes(int i, size_t len)
{
    return bytes(i, len, len);
}

Bytes Call::optional_bytes(int i)
{
    return absent(i) ? Bytes{} : bytes(i);
}

uint8_t *Call::in_place(int i, size_t *len)
{
    Bytes b = bytes(i);
    *len = b.len;
    if (!failed_) {
        v8::Local<v8::ArrayBuffer> buffer = args_[i].As<v8::Uint8Array>()->Buffer();
        if (!buffer->IsSharedArrayBuffer() && buffer->IsImmutable())
            fail_type(i, "a Uint8Array that can be changed");
    }
    return failed_ ? nullptr : const_cast<uint8_t *>(b.data);
}

std::string Call::text(int i, size_t max)
{
    if (failed_)
        return {};
    if (!args_[i]->IsString()) {
        fail_type(i, "a string");
        return {};
    }
    v8::Local<v8::String> s = args_[i].As<v8::String>();
    size_t len = s->Utf8LengthV2(isolate());
    if (len > max) {
        fail_range(i, "at most " + count_of(max) + " of UTF-8", std::to_string(len));
        return {};
    }
    std::string out(len, '\0');
    s->WriteUtf8V2(isolate(), out.data(), len, v8::String::WriteFlags::kReplaceInvalidUtf8);
    return out;
}

uint64_t Call::integer(int i, uint64_t min, uint64_t max)
{
    if (failed_)
        return min;
    std::string wanted = "an integer from " + std::to_string(min) + " to " + std::to_string(max);
    if (args_[i]->IsBigInt()) {
        bool exact = false;
        uint64_t n = args_[i].As<v8::BigInt>()->Uint64Value(&exact);
        if (exact && n >= min && n <= max)
            return n;
        fail_range(i, wanted, exact ? std::to_string(n) : "a BigInt out of range");
        return min;
    }
    if (!args_[i]->IsNumber()) {
        fail_type(i, wanted.c_str());
        return min;
    }
    constexpr double kLargestInteger = 9007199254740991.0;
    double n = args_[i].As<v8::Number>()->Value();
    if (n >= 0 && n <= kLargestInteger && n == static_cast<double>(static_cast<uint64_t>(n)) &&
        static_cast<uint64_t>(n) >= min && static_cast<uint64_t>(n) <= max)
        return static_cast<uint64_t>(n);
    char found[32];
    snprintf(found, sizeof found, "%.17g", n);
    fail_range(i, wanted, found);
    return min;
}

uint8_t *Call::make(size_t len, v8::Local<v8::Uint8Array> *out)
{
    // One byte more than none, so that an empty result has an address too.
    static uint8_t nothing;
    v8::Local<v8::ArrayBuffer> buffer;
    if (failed_)
        return nullptr;
    if (len > v8::TypedArray::kMaxByteLength ||
        !v8::ArrayBuffer::MaybeNew(isolate(), len,
                                   v8::BackingStoreInitializationMode::kUninitialized)
             .ToLocal(&buffer)) {
        throw_range_error(
            isolate(), (prefix() + "not enough memory for a result of " + count_of(len)).c_str());
        failed_ = true;
        return nullptr;
    }
    *out = v8::Uint8Array::New(buffer, 0, len);
    return len ? static_cast<uint8_t *>(buffer->Data()) : &nothing;
}

uint8_t *Call::output(size_t len)
{
    uint8_t *data = make(len, &result_);
    if (data)
        args_.GetReturnValue().Set(result_);
    return data;
}

bool Call::add(const char *member, v8::Local<v8::Value> value)
{
    if (members_.IsEmpty())
        members_ = v8::Object::New(isolate());
    v8::Local<v8::String> name =
        v8::String::NewFromUtf8(isolate(), member, v8::NewStringType::kInternalized)
            .ToLocalChecked();
    if (members_->CreateDataProperty(isolate()->GetCurrentContext(), name, value).IsNothing()) {
        failed_ = true;
        return false;
    }
    args_.GetReturnValue().Set(members_);
    return true;
}

uint8_t *Call::output(const char *member, size_t len)
{
    v8::Local<v8::Uint8Array> array;
    uint8_t *data = make(len, &array);
    return data && add(member, array) ? data : nullptr;
}

void Call::shorten(size_t len)
{
    if (failed_ || len == result_->ByteLength())
        return;
    v8::Local<v8::Uint8Array> whole = result_;
    if (uint8_t *data = output(len))
        std::memcpy(data, whole->Buffer()->Data(), len);
}

void Call::give(bool value)
{
    args_.GetReturnValue().Set(value);
}

void Call::give(double value)
{
    args_.GetReturnValue().Set(value);
}

void Call::give_member(const char *member, double value)
{
    if (!failed_)
        add(member, v8::Number::New(isolate(), value));
}

void Call::give(const char *latin1, size_t len)
{
    v8::Local<v8::String> text;
    if (len > static_cast<size_t>(v8::String::kMaxLength)) {
        throw_range_error(isolate(), (prefix() + "the text is too long").c_str());
        failed_ = true;
    } else if (v8::String::NewFromOneByte(isolate(), reinterpret_cast<const uint8_t *>(latin1),
                                          v8::NewStringType::kNormal, static_cast<int>(len))
                   .ToLocal(&text)) {
        args_.GetReturnValue().Set(text);
    }
}

// The state's bytes hide behind a private symbol of an empty object: a script can neither read,
// change nor detach them. The aligned start inside the buffer is the same each time, as a buffer
// never moves.
uint8_t *Call::make_state(const char *kind, size_t len, v8::Local<v8::Object> *out)
{
    v8::Local<v8::Uint8Array> array;
    uint8_t *data = make(len + kStateAlign, &array);
    *out = v8::Object::New(isolate());
    if (!data || (*out)
                     ->SetPrivate(isolate()->GetCurrentContext(), state_key(isolate(), kind), array)
                     .IsNothing())
        return nullptr;
    return reinterpret_cast<uint8_t *>((reinterpret_cast<uintptr_t>(data) + kStateAlign - 1) &
                                       ~(kStateAlign - 1));
}

uint8_t *Call::new_state(const char *kind, size_t len)
{
    v8::Local<v8::Object> object;
    uint8_t *data = make_state(kind, len, &object);
    if (data)
        args_.GetReturnValue().Set(object);
    return data;
}

uint8_t *Call::new_state(const char *member, const char *kind, size_t len)
{
    v8::Local<v8::Object> object;
    uint8_t *data = make_state(kind, len, &object);
    return data && add(member, object) ? data : nullptr;
}

v8::MaybeLocal<v8::Value> Call::hidden(int i, const char *kind) const
{
    if (!args_[i]->IsObject() || args_[i]->IsProxy())
        return {};
    return args_[i].As<v8::Object>()->GetPrivate(isolate()->GetCurrentContext(),
                                                 state_key(isolate(), kind));
}

bool Call::has_state(int i, const char *kind) const
{
    v8::Local<v8::Value> state;
    return hidden(i, kind).ToLocal(&state) && state->IsUint8Array();
}

uint8_t *Call::state(int i, const char *kind, size_t len)
{
    v8::Local<v8::Value> state;
    if (failed_)
        return nullptr;
    if (!hidden(i, kind).ToLocal(&state) || !state->IsUint8Array() ||
        state.As<v8::Uint8Array>()->ByteLength() != len + kStateAlign) {
        fail_type(i, (std::string("a state made by ") + kind + " and not finished yet").c_str());
        return nullptr;
    }
    uintptr_t data = reinterpret_cast<uintptr_t>(state.As<v8::Uint8Array>()->Buffer()->Data());
    return reinterpret_cast<uint8_t *>((data + kStateAlign - 1) & ~(kStateAlign - 1));
}

void Call::end_state(int i, const char *kind)
{
    (void)args_[i].As<v8::Object>()->DeletePrivate(isolate()->GetCurrentContext(),
                                                   state_key(isolate(), kind));
}

} // namespace isolane::sodium
