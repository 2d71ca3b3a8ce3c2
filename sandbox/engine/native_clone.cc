// native.clone: structuredClone (HTML) through V8's own serializer.
//   clone(value, transfer, take, make, refuse)
//     transfer        list of ArrayBuffers that move to the copy, or undefined
//     take(object)    list of strings for an object that the built-ins copy themselves, else
//     undefined make(…strings)  makes the copy of such an object refuse(message) throws the
//     DataCloneError
//
// How this works: the value is written to a byte buffer and read back. Transferred buffers and
// shared buffers do not go through the bytes: they are named by number. A transferred buffer is
// detached only after all could be written, so that a value which cannot be cloned changes nothing.
#include "sandbox/engine/natives.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace isolane
{

namespace
{

using Info = v8::FunctionCallbackInfo<v8::Value>;

constexpr uint32_t kMostTransfers = 10000;
constexpr uint32_t kMostHostStrings = 8;

struct Hooks {
    v8::Local<v8::Function> take, make, refuse;
};

class Writer final : public v8::ValueSerializer::Delegate
{
  public:
    Writer(v8::Isolate *isolate, const Hooks &hooks) : isolate_(isolate), hooks_(hooks)
    {
    }
    ~Writer() override
    {
        if (charged_)
            uncharge_memory(isolate_, charged_);
    }

    v8::ValueSerializer *out = nullptr;
    // Not handles: V8 asks in a handle scope of its own, which ends before the copy is read.
    std::vector<std::shared_ptr<v8::BackingStore>> shared;

    void ThrowDataCloneError(v8::Local<v8::String> message) override
    {
        v8::Local<v8::Value> arg = message;
        bool threw =
            hooks_.refuse->Call(isolate_->GetCurrentContext(), v8::Undefined(isolate_), 1, &arg)
                .IsEmpty();
        (void)threw; // always: that is what it is for
    }
    void refuse(const char *fault)
    {
        v8::Local<v8::String> text;
        if (v8::String::NewFromUtf8(isolate_, fault).ToLocal(&text))
            ThrowDataCloneError(text);
    }
    bool HasCustomHostObject(v8::Isolate *) override
    {
        return true;
    }
    v8::Maybe<bool> IsHostObject(v8::Isolate *, v8::Local<v8::Object> object) override
    {
        v8::Local<v8::Value> taken;
        if (!take(object).ToLocal(&taken))
            return v8::Nothing<bool>();
        return v8::Just(taken->IsArray());
    }
    v8::Maybe<bool> WriteHostObject(v8::Isolate *, v8::Local<v8::Object> object) override
    {
        v8::Local<v8::Value> taken;
        if (!take(object).ToLocal(&taken) || !taken->IsArray())
            return v8::Nothing<bool>();
        v8::Local<v8::Context> context = isolate_->GetCurrentContext();
        v8::Local<v8::Array> strings = taken.As<v8::Array>();
        out->WriteUint32(strings->Length());
        for (uint32_t i = 0; i < strings->Length(); i++) {
            v8::Local<v8::Value> item;
            v8::Local<v8::String> text;
            if (!strings->Get(context, i).ToLocal(&item) || !item->ToString(context).ToLocal(&text))
                return v8::Nothing<bool>();
            std::vector<uint16_t> units(static_cast<size_t>(text->Length()));
            text->WriteV2(isolate_, 0, static_cast<uint32_t>(units.size()), units.data());
            out->WriteUint32(static_cast<uint32_t>(units.size()));
            out->WriteRawBytes(units.data(), units.size() * sizeof(uint16_t));
        }
        return v8::Just(true);
    }
    v8::Maybe<uint32_t> GetSharedArrayBufferId(v8::Isolate *,
                                               v8::Local<v8::SharedArrayBuffer> buffer) override
    {
        // Once for each buffer: V8 itself knows an object that it has met before.
        shared.push_back(buffer->GetBackingStore());
        return v8::Just(static_cast<uint32_t>(shared.size() - 1));
    }
    // The bytes in between are memory of the job too.
    void *ReallocateBufferMemory(void *old, size_t size, size_t *actual) override
    {
        if (size > charged_) {
            if (!charge_memory(isolate_, size - charged_))
                return nullptr;
            charged_ = size;
        }
        *actual = size;
        return realloc(old, size);
    }
    void FreeBufferMemory(void *buffer) override
    {
        free(buffer);
    }

  private:
    v8::Isolate *isolate_;
    const Hooks &hooks_;
    size_t charged_ = 0;

    v8::MaybeLocal<v8::Value> take(v8::Local<v8::Object> object)
    {
        v8::Local<v8::Value> arg = object;
        return hooks_.take->Call(isolate_->GetCurrentContext(), v8::Undefined(isolate_), 1, &arg);
    }
};

class Reader final : public v8::ValueDeserializer::Delegate
{
  public:
    Reader(v8::Isolate *isolate, const Hooks &hooks, const Writer &writer)
        : isolate_(isolate), hooks_(hooks), writer_(writer)
    {
    }

    v8::ValueDeserializer *in = nullptr;

    v8::MaybeLocal<v8::Object> ReadHostObject(v8::Isolate *) override
    {
        v8::Local<v8::Value> strings[kMostHostStrings], made;
        uint32_t n = 0;
        if (!in->ReadUint32(&n) || n > kMostHostStrings)
            return {};
        for (uint32_t i = 0; i < n; i++) {
            v8::Local<v8::String> text;
            if (!read_string().ToLocal(&text))
                return {};
            strings[i] = text;
        }
        // V8 forbids JavaScript while the graph of objects is half made; make() runs none of a
        // guest.
        v8::Isolate::AllowJavascriptExecutionScope trusted(isolate_);
        if (!hooks_.make
                 ->Call(isolate_->GetCurrentContext(), v8::Undefined(isolate_), static_cast<int>(n),
                        strings)
                 .ToLocal(&made) ||
            !made->IsObject())
            return {};
        return made.As<v8::Object>();
    }
    v8::MaybeLocal<v8::SharedArrayBuffer> GetSharedArrayBufferFromId(v8::Isolate *,
                                                                     uint32_t id) override
    {
        if (id >= writer_.shared.size())
            return {};
        return v8::SharedArrayBuffer::New(isolate_, writer_.shared[id]);
    }

  private:
    v8::Isolate *isolate_;
    const Hooks &hooks_;
    const Writer &writer_;

    v8::MaybeLocal<v8::String> read_string()
    {
        uint32_t len = 0;
        const void *data = nullptr;
        if (!in->ReadUint32(&len) || !in->ReadRawBytes(len * sizeof(uint16_t), &data))
            return {};
        // The bytes need not lie where 16-bit units may be read.
        std::vector<uint16_t> units(len);
        if (len)
            memcpy(units.data(), data, len * sizeof(uint16_t));
        return v8::String::NewFromTwoByte(isolate_, units.data(), v8::NewStringType::kNormal,
                                          static_cast<int>(len));
    }
};

using Buffers = std::vector<v8::Local<v8::ArrayBuffer>>;

// The reason why a value cannot be transferred, or nullptr.
const char *transfer_fault(v8::Local<v8::Value> item, const Buffers &before)
{
    if (!item->IsArrayBuffer())
        return "A value in the transfer list is not an ArrayBuffer and could not be transferred.";
    v8::Local<v8::ArrayBuffer> buffer = item.As<v8::ArrayBuffer>();
    if (buffer->WasDetached())
        return "An ArrayBuffer is detached and could not be cloned.";
    if (!buffer->IsDetachable() || buffer->IsImmutable())
        return "An ArrayBuffer in the transfer list cannot be detached.";
    for (const v8::Local<v8::ArrayBuffer> &other : before)
        if (other == buffer)
            return "An ArrayBuffer occurs twice in the transfer list.";
    return nullptr;
}

// False when it threw.
bool read_transfers(v8::Isolate *isolate, v8::Local<v8::Value> list, Writer *writer, Buffers *out)
{
    if (list->IsUndefined())
        return true;
    v8::Local<v8::Context> context = isolate->GetCurrentContext();
    v8::Local<v8::Array> items = list.As<v8::Array>();
    if (items->Length() > kMostTransfers) {
        throw_range_error(isolate, "structuredClone: at most 10000 buffers can be transferred");
        return false;
    }
    for (uint32_t i = 0; i < items->Length(); i++) {
        v8::Local<v8::Value> item;
        if (!items->Get(context, i).ToLocal(&item))
            return false;
        if (const char *fault = transfer_fault(item, *out)) {
            writer->refuse(fault);
            return false;
        }
        out->push_back(item.As<v8::ArrayBuffer>());
    }
    return true;
}

// Moves the buffers' memory to new ones. False when it threw: a getter of the value may have
// detached one meanwhile.
bool transfer(v8::Isolate *isolate, const Buffers &buffers, Writer *writer,
              v8::ValueDeserializer *in)
{
    for (const v8::Local<v8::ArrayBuffer> &buffer : buffers) {
        if (const char *fault = transfer_fault(buffer, {})) {
            writer->refuse(fault);
            return false;
        }
    }
    for (size_t i = 0; i < buffers.size(); i++) {
        std::shared_ptr<v8::BackingStore> store = buffers[i]->GetBackingStore();
        if (buffers[i]->Detach(v8::Local<v8::Value>()).IsNothing())
            return false;
        in->TransferArrayBuffer(static_cast<uint32_t>(i), v8::ArrayBuffer::New(isolate, store));
    }
    return true;
}

struct Bytes {
    uint8_t *data = nullptr;
    size_t len = 0;
    ~Bytes()
    {
        free(data);
    }
};

void clone(const Info &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    v8::Local<v8::Context> context = isolate->GetCurrentContext();
    if (!(args[1]->IsUndefined() || args[1]->IsArray()) || !args[2]->IsFunction() ||
        !args[3]->IsFunction() || !args[4]->IsFunction())
        return throw_type_error(isolate, "clone: a value, a list and three functions are needed");
    Hooks hooks = {args[2].As<v8::Function>(), args[3].As<v8::Function>(),
                   args[4].As<v8::Function>()};
    Writer writer(isolate, hooks);
    Buffers buffers;
    Bytes bytes;
    if (!read_transfers(isolate, args[1], &writer, &buffers))
        return;
    {
        v8::ValueSerializer out(isolate, &writer);
        writer.out = &out;
        for (size_t i = 0; i < buffers.size(); i++)
            out.TransferArrayBuffer(static_cast<uint32_t>(i), buffers[i]);
        out.WriteHeader();
        if (out.WriteValue(context, args[0]).IsNothing())
            return;
        auto released = out.Release();
        bytes.data = released.first;
        bytes.len = released.second;
    }
    Reader reader(isolate, hooks, writer);
    v8::ValueDeserializer in(isolate, bytes.data, bytes.len, &reader);
    reader.in = &in;
    v8::Local<v8::Value> copy;
    if (transfer(isolate, buffers, &writer, &in) && in.ReadHeader(context).FromMaybe(false) &&
        in.ReadValue(context).ToLocal(&copy))
        args.GetReturnValue().Set(copy);
}

const NativeFunction functions[] = {{"clone", clone}};

} // namespace

const NativeModule native_clone = {"clone", functions, sizeof functions / sizeof *functions,
                                   nullptr};

} // namespace isolane
