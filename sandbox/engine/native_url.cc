// native.url: the URL standard by ada, which the node binary carries. Nothing of ada's outlives a
// call: the built-ins keep a URL as its text and the places of its components in it.
#include "sandbox/engine/internal.h"
#include "sandbox/engine/node_exports.h"

#include <cstring>
#include <string_view>

namespace isolane
{

namespace
{

// ada copies its input some times, percent-encoding triples it.
constexpr size_t kWorkFactor = 8;
constexpr size_t kComponents = 8;

// Text of an argument as UTF-8, charged with what ada will take beside it, for one call.
struct Input {
    v8::Isolate *isolate;
    std::string text;
    size_t charged = 0;
    bool ok = false;

    Input(v8::Isolate *i, v8::Local<v8::Value> v) : isolate(i)
    {
        if (!v->IsString()) {
            throw_type_error(i, "url: a string is needed");
            return;
        }
        v8::Local<v8::String> s = v.As<v8::String>();
        size_t len = s->Utf8LengthV2(i);
        if (!charge_memory(i, len * kWorkFactor))
            return;
        charged = len * kWorkFactor;
        text = utf8_of(s, len);
        ok = true;
    }
    ~Input()
    {
        if (charged)
            uncharge_memory(isolate, charged);
    }
    Input(const Input &) = delete;
    Input &operator=(const Input &) = delete;
};

v8::MaybeLocal<v8::String> ascii(v8::Isolate *isolate, const char *data, size_t len)
{
    if (len > static_cast<size_t>(v8::String::kMaxLength)) {
        throw_range_error(isolate, "the URL is too long");
        return {};
    }
    return v8::String::NewFromOneByte(isolate, reinterpret_cast<const uint8_t *>(data),
                                      v8::NewStringType::kNormal, static_cast<int>(len));
}

// The text is the result; the components go into the Uint32Array `out`. Frees the URL.
void give(const v8::FunctionCallbackInfo<v8::Value> &args, ada_url url, v8::Local<v8::Value> out)
{
    uint8_t *bytes;
    size_t len;
    const ada_url_components *c = ada_get_components(url);
    ada_string href = ada_get_href(url);
    v8::Local<v8::String> text;
    if (!writable_bytes_of(out, &bytes, &len) || len < kComponents * sizeof(uint32_t)) {
        throw_type_error(args.GetIsolate(), "url: eight numbers of room are needed");
    } else if (ascii(args.GetIsolate(), href.data, href.length).ToLocal(&text)) {
        memcpy(bytes, c, kComponents * sizeof(uint32_t));
        args.GetReturnValue().Set(text);
    }
    ada_free(url);
}

// input, base or undefined, out → href, undefined when it is no URL.
void parse(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    Input input(args.GetIsolate(), args[0]);
    if (!input.ok)
        return;
    ada_url url;
    if (args[1]->IsUndefined()) {
        url = ada_parse(input.text.data(), input.text.size());
    } else {
        Input base(args.GetIsolate(), args[1]);
        if (!base.ok)
            return;
        url = ada_parse_with_base(input.text.data(), input.text.size(), base.text.data(),
                                  base.text.size());
    }
    if (ada_is_valid(url))
        give(args, url, args[2]);
    else
        ada_free(url);
}

enum Member { HREF, PROTOCOL, USERNAME, PASSWORD, HOST, HOSTNAME, PORT, PATHNAME, SEARCH, HASH };

void change_member(ada_url url, int member, const std::string &value)
{
    const char *data = value.data();
    size_t len = value.size();
    switch (member) {
    case PROTOCOL:
        ada_set_protocol(url, data, len);
        break;
    case USERNAME:
        ada_set_username(url, data, len);
        break;
    case PASSWORD:
        ada_set_password(url, data, len);
        break;
    case HOST:
        ada_set_host(url, data, len);
        break;
    case HOSTNAME:
        ada_set_hostname(url, data, len);
        break;
    case PORT:
        ada_set_port(url, data, len);
        break;
    case PATHNAME:
        ada_set_pathname(url, data, len);
        break;
    case SEARCH:
        ada_set_search(url, data, len);
        break;
    case HASH:
        ada_set_hash(url, data, len);
        break;
    default:
        break;
    }
}

// href, member, value, out → the new href
void change(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    Input href(args.GetIsolate(), args[0]), value(args.GetIsolate(), args[2]);
    if (!href.ok || !value.ok || !args[1]->IsInt32())
        return;
    ada_url url = ada_parse(href.text.data(), href.text.size());
    if (!ada_is_valid(url)) {
        ada_free(url);
        throw_error(args.GetIsolate(), "url: the href is no URL");
        return;
    }
    change_member(url, args[1].As<v8::Int32>()->Value(), value.text);
    give(args, url, args[3]);
}

// application/x-www-form-urlencoded text (a "?" before it is dropped) → [name, value, name, value
// …]
void query(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    v8::Local<v8::Context> context = isolate->GetCurrentContext();
    Input input(isolate, args[0]);
    if (!input.ok)
        return;
    ada_url_search_params params = ada_parse_search_params(input.text.data(), input.text.size());
    ada_url_search_params_entries_iter entries = ada_search_params_get_entries(params);
    v8::Local<v8::Array> out = v8::Array::New(isolate);
    uint32_t n = 0;
    bool ok = true;
    while (ok && ada_search_params_entries_iter_has_next(entries)) {
        ada_string_pair pair = ada_search_params_entries_iter_next(entries);
        v8::Local<v8::String> key, value;
        ok = text_of(pair.key.data, pair.key.length).ToLocal(&key) &&
             text_of(pair.value.data, pair.value.length).ToLocal(&value) &&
             out->CreateDataProperty(context, n, key).FromMaybe(false) &&
             out->CreateDataProperty(context, n + 1, value).FromMaybe(false);
        n += 2;
    }
    ada_free_search_params_entries_iter(entries);
    ada_free_search_params(params);
    if (ok)
        args.GetReturnValue().Set(out);
}

bool unreserved(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '*' ||
           c == '-' || c == '.' || c == '_';
}

// One name or value → as application/x-www-form-urlencoded has it.
void encode(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    Input input(args.GetIsolate(), args[0]);
    if (!input.ok)
        return;
    constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(input.text.size());
    for (char byte : input.text) {
        auto c = static_cast<unsigned char>(byte);
        if (unreserved(c)) {
            out += byte;
        } else if (c == ' ') {
            out += '+';
        } else {
            out += '%';
            out += kHex[c >> 4];
            out += kHex[c & 15];
        }
    }
    v8::Local<v8::String> text;
    if (ascii(args.GetIsolate(), out.data(), out.size()).ToLocal(&text))
        args.GetReturnValue().Set(text);
}

const NativeFunction functions[] = {
    {"parse", parse},
    {"change", change},
    {"query", query},
    {"encode", encode},
};

} // namespace

const NativeModule native_url = {"url", functions, sizeof functions / sizeof *functions, nullptr};

} // namespace isolane
