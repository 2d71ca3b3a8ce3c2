// Arguments and results of native.crypto; see crypto_call.h.
#include "sandbox/engine/crypto/crypto_call.h"

#include <cstring>

#include <openssl/core_names.h>
#include <openssl/crypto.h>

namespace isolane::crypto
{

namespace
{

// What a handle costs beside the bytes it holds: the object, allocations, caches of the key.
constexpr size_t kHandleBytes = 256;
constexpr size_t kPkeyBytes = 4096;

constexpr v8::EmbedderDataTypeTag kTag = v8::kEmbedderDataTypeTagDefault;

// In a pass of the collector: only native memory may be touched.
void forget(const v8::WeakCallbackInfo<Key> &info)
{
    Key *key = info.GetParameter();
    key->handle.Reset();
    uncharge_memory(info.GetIsolate(), key->charged);
    delete key;
}

v8::Local<v8::ObjectTemplate> handle_template(v8::Isolate *isolate)
{
    static v8::Global<v8::ObjectTemplate> made;
    if (made.IsEmpty()) {
        v8::Local<v8::ObjectTemplate> fresh = v8::ObjectTemplate::New(isolate);
        fresh->SetInternalFieldCount(1);
        made.Reset(isolate, fresh);
    }
    return made.Get(isolate);
}

} // namespace

Secret::~Secret()
{
    OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

SignatureContext::SignatureContext(Bytes context)
    : params{OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()}
{
    if (context.len)
        params[0] = OSSL_PARAM_construct_octet_string(
            OSSL_SIGNATURE_PARAM_CONTEXT_STRING, const_cast<uint8_t *>(context.data), context.len);
}

void Call::fail()
{
    if (!failed_)
        throw_type_error(isolate(), "crypto: not an argument that native code takes");
    failed_ = true;
}

Bytes Call::bytes(int i)
{
    Bytes b;
    if (!args_[i]->IsUndefined() && !bytes_of(args_[i], &b.data, &b.len))
        fail();
    return b;
}

uint32_t Call::number(int i)
{
    if (!args_[i]->IsUint32()) {
        fail();
        return 0;
    }
    return args_[i].As<v8::Uint32>()->Value();
}

bool Call::flag(int i) const
{
    return args_[i]->IsTrue();
}

const Key *Call::key(int i)
{
    if (failed_ || !args_[i]->IsObject() || args_[i].As<v8::Object>()->InternalFieldCount() != 1) {
        fail();
        return nullptr;
    }
    return static_cast<const Key *>(
        args_[i].As<v8::Object>()->GetAlignedPointerFromInternalField(isolate(), 0, kTag));
}

const Key *Call::secret(int i)
{
    const Key *k = key(i);
    if (k && !k->bytes)
        fail();
    return failed_ ? nullptr : k;
}

const Key *Call::pkey(int i)
{
    const Key *k = key(i);
    if (k && !k->pkey)
        fail();
    return failed_ ? nullptr : k;
}

uint8_t *Call::output(size_t len)
{
    static uint8_t nothing; // an empty result has an address too
    if (failed_)
        return nullptr;
    if (len > v8::TypedArray::kMaxByteLength ||
        !v8::ArrayBuffer::MaybeNew(isolate(), len,
                                   v8::BackingStoreInitializationMode::kUninitialized)
             .ToLocal(&result_)) {
        throw_range_error(isolate(), "crypto: not enough memory for the result");
        failed_ = true;
        return nullptr;
    }
    args_.GetReturnValue().Set(result_);
    return len ? static_cast<uint8_t *>(result_->Data()) : &nothing;
}

void Call::shorten(size_t len)
{
    v8::Local<v8::ArrayBuffer> whole = result_;
    if (failed_ || len >= whole->ByteLength())
        return;
    uint8_t *data = output(len);
    if (data && len)
        memcpy(data, whole->Data(), len);
    OPENSSL_cleanse(whole->Data(), whole->ByteLength());
}

void Call::refuse()
{
    if (!result_.IsEmpty() && result_->ByteLength())
        OPENSSL_cleanse(result_->Data(), result_->ByteLength());
    args_.GetReturnValue().SetNull();
}

void Call::give(bool value)
{
    args_.GetReturnValue().Set(value);
}

void Call::give_number(double value)
{
    args_.GetReturnValue().Set(value);
}

void Call::give_text(const char *latin1, size_t len)
{
    v8::Local<v8::String> text;
    if (v8::String::NewFromOneByte(isolate(), reinterpret_cast<const uint8_t *>(latin1),
                                   v8::NewStringType::kNormal, static_cast<int>(len))
            .ToLocal(&text))
        args_.GetReturnValue().Set(text);
}

v8::MaybeLocal<v8::Object> Call::make_handle(std::unique_ptr<Key> key, size_t bytes)
{
    v8::Local<v8::Object> handle;
    if (!charge_memory(isolate(), bytes + kHandleBytes)) { // the job is being stopped
        throw_range_error(isolate(), "crypto: not enough memory for the key");
        failed_ = true;
        return {};
    }
    key->charged = bytes + kHandleBytes;
    if (!handle_template(isolate())->NewInstance(isolate()->GetCurrentContext()).ToLocal(&handle)) {
        uncharge_memory(isolate(), key->charged);
        failed_ = true;
        return {};
    }
    Key *owned = key.release();
    handle->SetAlignedPointerInInternalField(0, owned, kTag);
    owned->handle.Reset(isolate(), handle);
    owned->handle.SetWeak(owned, forget, v8::WeakCallbackType::kParameter);
    return handle;
}

void Call::push(std::unique_ptr<Secret> bytes)
{
    auto key = std::make_unique<Key>();
    size_t len = bytes->size();
    key->bytes = std::move(bytes);
    v8::Local<v8::Object> handle;
    if (!failed_ && make_handle(std::move(key), len).ToLocal(&handle))
        list_.push_back(handle);
}

void Call::push(Pkey pkey)
{
    auto key = std::make_unique<Key>();
    // RSA: the number, its primes, exponents and what is computed from them once.
    size_t len = kPkeyBytes + static_cast<size_t>(EVP_PKEY_get_bits(pkey.get()));
    key->pkey = std::move(pkey);
    v8::Local<v8::Object> handle;
    if (!failed_ && make_handle(std::move(key), len).ToLocal(&handle))
        list_.push_back(handle);
}

void Call::push(const uint8_t *data, size_t len)
{
    if (uint8_t *out = output(len)) {
        if (len)
            memcpy(out, data, len);
        list_.push_back(result_);
    }
}

void Call::give_list()
{
    if (!failed_)
        args_.GetReturnValue().Set(v8::Array::New(isolate(), list_.data(), list_.size()));
}

void Call::give_handle(std::unique_ptr<Secret> bytes)
{
    push(std::move(bytes));
    if (!failed_)
        args_.GetReturnValue().Set(list_.back());
}

void Call::give_handle(Pkey pkey)
{
    push(std::move(pkey));
    if (!failed_)
        args_.GetReturnValue().Set(list_.back());
}

} // namespace isolane::crypto
