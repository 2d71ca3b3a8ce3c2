// native.inspect: what console needs to see of values without running guest code.
//   kind(value)               what an object really is, by its internal slots (enum Kind)
//   proxy(proxy)              [target, handler]; both null when it was revoked
//   promise(promise)          [state (0 pending, 1 fulfilled, 2 rejected), result]
//   entries(collection)       [entries, whether they are key, value, key, …] of an iterator or a
//   weak one nonIndexKeys(object, enumerableOnly)  own keys that are no array indexes
//   constructorName(object)   name of the function that made it, as V8 remembers it
//   flavor(function)          1: async, 2: generator
//   bytes(buffer, count)      hex of the first bytes, undefined when it is detached
//   size(buffer)              its bytes
//   width(text)               columns on a terminal
#include "sandbox/engine/natives.h"
#include "sandbox/engine/node_exports.h"

#include <algorithm>
#include <string>

namespace isolane
{

namespace
{

using Info = v8::FunctionCallbackInfo<v8::Value>;

// The order is that of sandbox/js/inspect_kinds.js.
enum Kind {
    OBJECT,
    FUNCTION,
    ARRAY,
    SET,
    MAP,
    TYPED_ARRAY,
    MAP_ITERATOR,
    SET_ITERATOR,
    ARGUMENTS,
    REGEXP,
    DATE,
    NATIVE_ERROR,
    ARRAY_BUFFER,
    SHARED_ARRAY_BUFFER,
    DATA_VIEW,
    PROMISE,
    WEAK_SET,
    WEAK_MAP,
    MODULE,
    NUMBER_OBJECT,
    STRING_OBJECT,
    BOOLEAN_OBJECT,
    BIGINT_OBJECT,
    SYMBOL_OBJECT,
    PROXY
};

struct Test {
    bool (v8::Value::*is)() const;
    Kind kind;
};

// A proxy of a function is a function to V8: PROXY comes first.
const Test tests[] = {
    {&v8::Value::IsProxy, PROXY},
    {&v8::Value::IsFunction, FUNCTION},
    {&v8::Value::IsArray, ARRAY},
    {&v8::Value::IsNativeError, NATIVE_ERROR},
    {&v8::Value::IsMap, MAP},
    {&v8::Value::IsSet, SET},
    {&v8::Value::IsTypedArray, TYPED_ARRAY},
    {&v8::Value::IsDate, DATE},
    {&v8::Value::IsRegExp, REGEXP},
    {&v8::Value::IsPromise, PROMISE},
    {&v8::Value::IsArrayBuffer, ARRAY_BUFFER},
    {&v8::Value::IsSharedArrayBuffer, SHARED_ARRAY_BUFFER},
    {&v8::Value::IsDataView, DATA_VIEW},
    {&v8::Value::IsMapIterator, MAP_ITERATOR},
    {&v8::Value::IsSetIterator, SET_ITERATOR},
    {&v8::Value::IsWeakMap, WEAK_MAP},
    {&v8::Value::IsWeakSet, WEAK_SET},
    {&v8::Value::IsArgumentsObject, ARGUMENTS},
    {&v8::Value::IsModuleNamespaceObject, MODULE},
    {&v8::Value::IsNumberObject, NUMBER_OBJECT},
    {&v8::Value::IsStringObject, STRING_OBJECT},
    {&v8::Value::IsBooleanObject, BOOLEAN_OBJECT},
    {&v8::Value::IsBigIntObject, BIGINT_OBJECT},
    {&v8::Value::IsSymbolObject, SYMBOL_OBJECT},
};

void kind(const Info &args)
{
    v8::Local<v8::Value> v = args[0];
    for (const Test &test : tests) {
        if (((*v)->*test.is)()) {
            args.GetReturnValue().Set(test.kind);
            return;
        }
    }
    args.GetReturnValue().Set(OBJECT);
}

void set_pair(const Info &args, v8::Local<v8::Value> first, v8::Local<v8::Value> second)
{
    v8::Local<v8::Value> both[] = {first, second};
    args.GetReturnValue().Set(v8::Array::New(args.GetIsolate(), both, 2));
}

void proxy(const Info &args)
{
    if (!args[0]->IsProxy())
        return;
    v8::Local<v8::Proxy> p = args[0].As<v8::Proxy>();
    set_pair(args, p->GetTarget(), p->GetHandler());
}

void promise(const Info &args)
{
    if (!args[0]->IsPromise())
        return;
    v8::Local<v8::Promise> p = args[0].As<v8::Promise>();
    v8::Local<v8::Value> result = v8::Undefined(args.GetIsolate());
    if (p->State() != v8::Promise::kPending)
        result = p->Result();
    set_pair(args, v8::Integer::New(args.GetIsolate(), p->State()), result);
}

void entries(const Info &args)
{
    bool keyed = false;
    v8::Local<v8::Array> list;
    if (!args[0]->IsObject() || !args[0].As<v8::Object>()->PreviewEntries(&keyed).ToLocal(&list))
        list = v8::Array::New(args.GetIsolate());
    set_pair(args, list, v8::Boolean::New(args.GetIsolate(), keyed));
}

void non_index_keys(const Info &args)
{
    if (!args[0]->IsObject())
        return;
    v8::Local<v8::Context> context = args.GetIsolate()->GetCurrentContext();
    v8::PropertyFilter filter = args[1]->IsTrue() ? v8::ONLY_ENUMERABLE : v8::ALL_PROPERTIES;
    v8::Local<v8::Array> keys;
    if (args[0]
            .As<v8::Object>()
            ->GetPropertyNames(context, v8::KeyCollectionMode::kOwnOnly, filter,
                               v8::IndexFilter::kSkipIndices)
            .ToLocal(&keys))
        args.GetReturnValue().Set(keys);
}

void constructor_name(const Info &args)
{
    if (args[0]->IsObject())
        args.GetReturnValue().Set(args[0].As<v8::Object>()->GetConstructorName());
}

void flavor(const Info &args)
{
    args.GetReturnValue().Set((args[0]->IsAsyncFunction() ? 1 : 0) |
                              (args[0]->IsGeneratorFunction() ? 2 : 0));
}

void bytes(const Info &args)
{
    static const char hex[] = "0123456789abcdef";
    constexpr size_t kMost = 1 << 20; // of text that anyone would read
    const uint8_t *data = nullptr;
    size_t len = 0;
    if (!bytes_of(args[0], &data, &len) ||
        (args[0]->IsArrayBuffer() && args[0].As<v8::ArrayBuffer>()->WasDetached()))
        return;
    double count = args[1]->IsNumber() ? args[1].As<v8::Number>()->Value() : 0;
    size_t n = std::min({len, kMost, count > 0 ? static_cast<size_t>(std::min(count, 1e9)) : 0});
    std::string text;
    text.reserve(n * 3);
    for (size_t i = 0; i < n; i++) {
        if (i)
            text += ' ';
        text += hex[data[i] >> 4];
        text += hex[data[i] & 15];
    }
    v8::Local<v8::String> result;
    if (v8::String::NewFromUtf8(args.GetIsolate(), text.data(), v8::NewStringType::kNormal,
                                static_cast<int>(text.size()))
            .ToLocal(&result))
        args.GetReturnValue().Set(result);
}

void size(const Info &args)
{
    const uint8_t *data = nullptr;
    size_t len = 0;
    if (bytes_of(args[0], &data, &len))
        args.GetReturnValue().Set(static_cast<double>(len));
}

// Columns of one character, by the rules of Unicode TR 11 with ambiguous characters narrow.
int character_width(int32_t c)
{
    constexpr int32_t kSoftHyphen = 0xad; // a format character that is seen
    if (c != kSoftHyphen && (icu::is_control_or_mark(c) || icu::is_emoji_modifier(c)))
        return 0;
    return icu::is_wide(c) ? 2 : 1;
}

void width(const Info &args)
{
    if (!args[0]->IsString())
        return;
    v8::String::ValueView view(args.GetIsolate(), args[0].As<v8::String>());
    int total = 0;
    for (uint32_t i = 0, n = static_cast<uint32_t>(view.length()); i < n; i++) {
        int32_t c = view.is_one_byte() ? view.data8()[i] : view.data16()[i];
        if (c >= 0xd800 && c < 0xdc00 && i + 1 < n) {
            int32_t low = view.data16()[i + 1];
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                i++;
            }
        }
        total += character_width(c);
    }
    args.GetReturnValue().Set(total);
}

const NativeFunction functions[] = {
    {"kind", kind},
    {"proxy", proxy},
    {"promise", promise},
    {"entries", entries},
    {"nonIndexKeys", non_index_keys},
    {"constructorName", constructor_name},
    {"flavor", flavor},
    {"bytes", bytes},
    {"size", size},
    {"width", width},
};

} // namespace

const NativeModule native_inspect = {"inspect", functions, sizeof functions / sizeof *functions,
                                     nullptr};

} // namespace isolane
