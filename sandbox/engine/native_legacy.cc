// native.legacy: the Encoding standard's encodings that are neither UTF-8 nor UTF-16. Encodings of
// one byte by tables that the built-ins bring; those of more bytes by ICU, which the node binary
// carries, with what the standard does not map taken out again. Nothing of ICU's outlives a call:
// what a stream has begun is kept by the built-ins as bytes.
#include "sandbox/engine/internal.h"
#include "sandbox/engine/node_exports.h"

#include <string_view>

namespace isolane
{

namespace
{

constexpr char16_t kReplacement = 0xfffd;
constexpr int kSteps = 1024; // units at a time

struct Legacy {
    const char *label, *converter;
    bool controls, privates; // the standard maps U+0080 to U+009F, the private use area
};
// The converters of ICU that come nearest to the standard's indexes.
constexpr Legacy encodings[] = {
    {"gbk", "gb18030", true, true},
    {"gb18030", "gb18030", true, true},
    {"big5", "Big5-HKSCS", false, false},
    {"euc-jp", "EUC-JP", false, false},
    {"shift_jis", "ibm-943_P15A-2003", true, true},
    {"euc-kr", "windows-949", false, false},
};

const Legacy *find(v8::Local<v8::Value> label)
{
    if (!label->IsString())
        return nullptr;
    std::string name = utf8_of(label.As<v8::String>(), 16);
    for (const Legacy &e : encodings)
        if (name == e.label)
            return &e;
    return nullptr;
}

// UTF-16 that grows, charged against the job's memory.
struct Output {
    v8::Isolate *isolate;
    std::u16string text;
    size_t charged;
    bool ok;

    Output(v8::Isolate *i, size_t units)
        : isolate(i), charged(2 * units), ok(charge_memory(i, charged))
    {
        if (ok)
            text.reserve(units);
    }
    ~Output()
    {
        if (ok)
            uncharge_memory(isolate, charged);
    }
    Output(const Output &) = delete;
    Output &operator=(const Output &) = delete;

    v8::MaybeLocal<v8::String> string()
    {
        if (text.size() > static_cast<size_t>(v8::String::kMaxLength)) {
            throw_range_error(isolate, "the decoded text is longer than a string can be");
            return {};
        }
        return v8::String::NewFromTwoByte(isolate, reinterpret_cast<const uint16_t *>(text.data()),
                                          v8::NewStringType::kNormal,
                                          static_cast<int>(text.size()));
    }
};

// bytes, table (128 characters for 0x80 to 0xff; U+FFFD: none), fatal → text; undefined: malformed.
void map(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    const uint8_t *data;
    size_t len;
    char16_t table[128];
    if (!bytes_of(args[0], &data, &len) || !args[1]->IsString() ||
        args[1].As<v8::String>()->Length() != 128) {
        throw_type_error(isolate, "legacy.map needs bytes and a table");
        return;
    }
    args[1].As<v8::String>()->WriteV2(isolate, 0, 128, reinterpret_cast<uint16_t *>(table));
    bool fatal = args[2]->IsTrue();
    Output out(isolate, len);
    if (!out.ok)
        return;
    for (size_t i = 0; i < len; i++) {
        char16_t unit = data[i] < 0x80 ? data[i] : table[data[i] - 0x80];
        if (unit == kReplacement && fatal)
            return;
        out.text.push_back(unit);
    }
    v8::Local<v8::String> text;
    if (out.string().ToLocal(&text))
        args.GetReturnValue().Set(text);
}

// ---- ICU asks what to do with bytes that it cannot map ----

// The standard has U+0080 in Shift_JIS, ICU has not.
bool own_control(const void *encoding, const char *bytes, int32_t len)
{
    return static_cast<const Legacy *>(encoding)->controls && len == 1 && bytes[0] == '\x80';
}

void put(icu::ToUnicodeArgs *args, char16_t unit, int *status)
{
    *status = icu::kOk;
    ISOLANE_ICU(ucnv_cbToUWriteUChars)(args, &unit, 1, 0, status);
}

void substitute(const void *encoding, icu::ToUnicodeArgs *args, const char *bytes, int32_t len,
                int reason, int *status)
{
    if (reason <= icu::kIrregular)
        put(args, own_control(encoding, bytes, len) ? char16_t{0x80} : kReplacement, status);
}

void stop(const void *encoding, icu::ToUnicodeArgs *args, const char *bytes, int32_t len,
          int reason, int *status)
{
    if (reason <= icu::kIrregular && own_control(encoding, bytes, len))
        put(args, 0x80, status);
}

bool unmapped(const Legacy *encoding, char16_t unit)
{
    return unit == kReplacement || (!encoding->controls && unit >= 0x80 && unit <= 0x9f) ||
           (!encoding->privates && unit >= 0xe000 && unit <= 0xf8ff);
}

// False: malformed, and fatal.
bool run(icu::UConverter *converter, const Legacy *encoding, const char *data, size_t len,
         bool flush, bool fatal, std::u16string *out)
{
    const char *at = data, *end = data + len;
    for (;;) {
        char16_t units[kSteps];
        char16_t *to = units;
        int status = icu::kOk;
        ISOLANE_ICU(ucnv_toUnicode)
        (converter, &to, units + kSteps, &at, end, nullptr, flush, &status);
        for (const char16_t *u = units; u < to; u++) {
            bool bad = unmapped(encoding, *u);
            if (bad && fatal)
                return false;
            out->push_back(bad ? kReplacement : *u);
        }
        if (status != icu::kBufferOverflow)
            return status <= icu::kOk;
    }
}

// label, bytes, flush, fatal → [text, how many bytes at the end have begun a character]; undefined:
// malformed.
void convert(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    const uint8_t *data;
    size_t len;
    const Legacy *encoding = find(args[0]);
    if (!encoding || !bytes_of(args[1], &data, &len)) {
        throw_type_error(isolate, "legacy.convert needs an encoding and bytes");
        return;
    }
    bool flush = args[2]->IsTrue(), fatal = args[3]->IsTrue();
    Output out(isolate, len);
    if (!out.ok)
        return;
    int status = icu::kOk;
    icu::UConverter *converter = ISOLANE_ICU(ucnv_open)(encoding->converter, &status);
    if (!converter) {
        throw_error(isolate, "ICU lacks this encoding");
        return;
    }
    ISOLANE_ICU(ucnv_setToUCallBack)
    (converter, fatal ? stop : substitute, encoding, nullptr, nullptr, &status);
    bool ok = run(converter, encoding, reinterpret_cast<const char *>(data), len, flush, fatal,
                  &out.text);
    int count_status = icu::kOk;
    int32_t pending = flush ? 0 : ISOLANE_ICU(ucnv_toUCountPending)(converter, &count_status);
    ISOLANE_ICU(ucnv_close)(converter);
    v8::Local<v8::String> text;
    if (!ok || !out.string().ToLocal(&text))
        return;
    v8::Local<v8::Value> both[] = {text, v8::Integer::New(isolate, pending)};
    args.GetReturnValue().Set(v8::Array::New(isolate, both, 2));
}

const NativeFunction functions[] = {{"map", map}, {"convert", convert}};

} // namespace

const NativeModule native_legacy = {"legacy", functions, sizeof functions / sizeof *functions,
                                    nullptr};

} // namespace isolane
