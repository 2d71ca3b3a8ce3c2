// native.text: UTF-8 and UTF-16 between strings and bytes (Encoding standard), base64 (HTML).
//   utf8Length(text)            bytes of UTF-8; halves of surrogate pairs count as U+FFFD
//   encode(text)                Uint8Array of UTF-8
//   encodeInto(text, bytes)     [UTF-16 units read, bytes written]
//   decode(encoding, bytes, flags, state)  string; throws a TypeError with FATAL
//   atob(text), btoa(text)      undefined when the text cannot be converted
//   base64(bytes), unbase64(text)  the same with bytes
//
// Decoding a stream: `state` is a Uint8Array of STATE_BYTES that belongs to the decoder. It keeps
// the bytes of a character that was cut (at most three) and whether the start of the stream, where
// a byte order mark may stand, is over. A piece is decoded as kept bytes + new bytes − the cut
// character at its end.
#include "sandbox/engine/natives.h"
#include "sandbox/engine/node_exports.h"

#include <cstdlib>
#include <cstring>
#include <memory>

namespace isolane
{

namespace
{

using Info = v8::FunctionCallbackInfo<v8::Value>;

enum Encoding { UTF_8, UTF_16LE, UTF_16BE };
enum Flags { FATAL = 1, KEEP_BOM = 2, STREAM = 4 };
enum State { KEPT, BYTE_0, BYTE_1, BYTE_2, STARTED, STATE_BYTES };

constexpr char kTooLong[] = "the text is too long";

struct Free {
    void operator()(void *p) const
    {
        free(p);
    }
};
template <typename T> using Memory = std::unique_ptr<T[], Free>;

// Memory that a malicious length must not turn into a crash; throws when there is none.
template <typename T> Memory<T> allocate(v8::Isolate *isolate, size_t count)
{
    Memory<T> memory(static_cast<T *>(malloc(count * sizeof(T) + 1)));
    if (!memory)
        throw_range_error(isolate, "not enough memory for the text");
    return memory;
}

// ---- strings to UTF-8
// ---------------------------------------------------------------------------------

void utf8_length(const Info &args)
{
    if (args[0]->IsString())
        args.GetReturnValue().Set(
            static_cast<double>(args[0].As<v8::String>()->Utf8LengthV2(args.GetIsolate())));
}

void encode(const Info &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    if (!args[0]->IsString())
        return throw_type_error(isolate, "encode: a string is needed");
    v8::Local<v8::String> text = args[0].As<v8::String>();
    size_t len = text->Utf8LengthV2(isolate);
    v8::Local<v8::ArrayBuffer> buffer;
    if (!v8::ArrayBuffer::MaybeNew(isolate, len, v8::BackingStoreInitializationMode::kUninitialized)
             .ToLocal(&buffer))
        return throw_range_error(isolate, "not enough memory for the encoded text");
    if (len)
        text->WriteUtf8V2(isolate, static_cast<char *>(buffer->Data()), len,
                          v8::String::WriteFlags::kReplaceInvalidUtf8);
    args.GetReturnValue().Set(v8::Uint8Array::New(buffer, 0, len));
}

void encode_into(const Info &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    uint8_t *data = nullptr;
    size_t len = 0, read = 0, written = 0;
    if (!args[0]->IsString())
        return throw_type_error(isolate, "encodeInto: a string is needed");
    if (!args[1]->IsUint8Array() || !writable_bytes_of(args[1], &data, &len))
        return throw_type_error(isolate, "encodeInto: the destination must be a Uint8Array");
    if (len)
        written = args[0].As<v8::String>()->WriteUtf8V2(
            isolate, reinterpret_cast<char *>(data), len,
            v8::String::WriteFlags::kReplaceInvalidUtf8, &read);
    v8::Local<v8::Value> counts[] = {v8::Number::New(isolate, static_cast<double>(read)),
                                     v8::Number::New(isolate, static_cast<double>(written))};
    args.GetReturnValue().Set(v8::Array::New(isolate, counts, 2));
}

// ---- bytes to strings
// -----------------------------------------------------------------------------------

// Bytes at the end of UTF-8 that begin a character which more bytes could complete.
size_t cut_utf8(const uint8_t *p, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        uint8_t lead = p[len - back];
        if ((lead & 0xc0) == 0x80)
            continue; // a continuation byte: its lead is further left
        size_t needed = lead >= 0xf0 && lead <= 0xf4  ? 4
                        : lead >= 0xe0 && lead < 0xf0 ? 3
                        : lead >= 0xc2 && lead < 0xe0 ? 2
                                                      : 1;
        if (needed <= back)
            return 0;
        if (back >= 2) { // overlong forms, surrogates, beyond U+10FFFF: no byte can complete these
            uint8_t second = p[len - back + 1];
            if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
                return 0;
        }
        return back;
    }
    return 0;
}

uint16_t unit_at(const uint8_t *p, bool big)
{
    return static_cast<uint16_t>(big ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

// The same for UTF-16: half a unit, or the first half of a surrogate pair.
size_t cut_utf16(const uint8_t *p, size_t len, bool big)
{
    size_t odd = len % 2;
    if (len - odd >= 2) {
        uint16_t last = unit_at(p + len - odd - 2, big);
        if (last >= 0xd800 && last < 0xdc00)
            return odd + 2;
    }
    return odd;
}

struct Piece {
    const uint8_t *data;
    size_t len;
    Memory<uint8_t> joined; // owns data when bytes were kept from the piece before
};

// Puts the kept bytes before the new ones. False when it threw.
bool join_kept(v8::Isolate *isolate, const uint8_t *state, Piece *piece)
{
    size_t kept = state ? state[KEPT] : 0;
    if (!kept)
        return true;
    piece->joined = allocate<uint8_t>(isolate, kept + piece->len);
    if (!piece->joined)
        return false;
    memcpy(piece->joined.get(), state + BYTE_0, kept);
    if (piece->len)
        memcpy(piece->joined.get() + kept, piece->data, piece->len);
    piece->data = piece->joined.get();
    piece->len += kept;
    return true;
}

// Takes the cut character off the end of the piece and keeps it.
void keep_cut(Encoding encoding, uint8_t *state, Piece *piece)
{
    size_t cut = encoding == UTF_8 ? cut_utf8(piece->data, piece->len)
                                   : cut_utf16(piece->data, piece->len, encoding == UTF_16BE);
    piece->len -= cut;
    state[KEPT] = static_cast<uint8_t>(cut);
    if (cut)
        memcpy(state + BYTE_0, piece->data + piece->len, cut);
}

void skip_bom(Encoding encoding, Piece *piece)
{
    static const uint8_t marks[][3] = {{0xef, 0xbb, 0xbf}, {0xff, 0xfe, 0}, {0xfe, 0xff, 0}};
    size_t n = encoding == UTF_8 ? 3 : 2;
    if (piece->len >= n && memcmp(piece->data, marks[encoding], n) == 0) {
        piece->data += n;
        piece->len -= n;
    }
}

v8::MaybeLocal<v8::String> decode_utf8(v8::Isolate *isolate, const Piece &piece, bool fatal)
{
    const char *text = reinterpret_cast<const char *>(piece.data);
    if (fatal && !simdutf::validate_utf8(text, piece.len)) {
        throw_type_error(isolate, "TextDecoder: the bytes are not valid utf-8");
        return {};
    }
    // V8 replaces malformed sequences as the standard says: one U+FFFD for each maximal part.
    return v8::String::NewFromUtf8(isolate, text, v8::NewStringType::kNormal,
                                   static_cast<int>(piece.len));
}

v8::MaybeLocal<v8::String> decode_utf16(v8::Isolate *isolate, const Piece &piece, bool big,
                                        bool fatal)
{
    size_t units = piece.len / 2;
    bool odd = piece.len % 2;
    Memory<uint16_t> text = allocate<uint16_t>(isolate, units + 1);
    if (!text)
        return {};
    for (size_t i = 0; i < units; i++)
        text[i] = unit_at(piece.data + 2 * i, big);
    char16_t *utf16 = reinterpret_cast<char16_t *>(text.get());
    if (fatal && (odd || !simdutf::validate_utf16(utf16, units))) {
        throw_type_error(isolate, big ? "TextDecoder: the bytes are not valid utf-16be"
                                      : "TextDecoder: the bytes are not valid utf-16le");
        return {};
    }
    // Half a pair and half a unit, both cut off by the end, are one error (Encoding, 10.2.1).
    bool cut_pair = units > 0 && (text[units - 1] & 0xfc00) == 0xd800;
    simdutf::to_well_formed_utf16(utf16, units, utf16);
    if (odd && !cut_pair)
        text[units++] = 0xfffd;
    return v8::String::NewFromTwoByte(isolate, text.get(), v8::NewStringType::kNormal,
                                      static_cast<int>(units));
}

// The decoder's state among the arguments; nullptr when there is none.
bool state_of(v8::Local<v8::Value> value, uint8_t **state)
{
    size_t len = 0;
    *state = nullptr;
    if (value->IsUndefined())
        return true;
    return value->IsUint8Array() && writable_bytes_of(value, state, &len) && len == STATE_BYTES &&
           (*state)[KEPT] <= 3;
}

void decode(const Info &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    Piece piece = {nullptr, 0, nullptr};
    uint8_t *state = nullptr;
    if (!args[0]->IsInt32() || !args[2]->IsInt32() || !state_of(args[3], &state))
        return throw_type_error(isolate, "decode: encoding, bytes, flags and state are needed");
    if (!args[1]->IsUndefined() && !bytes_of(args[1], &piece.data, &piece.len))
        return throw_type_error(isolate,
                                "decode: the input must be an ArrayBuffer or a view of one");
    Encoding encoding = static_cast<Encoding>(args[0].As<v8::Int32>()->Value());
    int flags = args[2].As<v8::Int32>()->Value();
    if (!join_kept(isolate, state, &piece))
        return;
    bool started = state && state[STARTED];
    if (state) {
        state[KEPT] = 0;
        if (flags & STREAM)
            keep_cut(encoding, state, &piece);
        if (piece.len)
            state[STARTED] = 1;
    }
    if (!started && !(flags & KEEP_BOM))
        skip_bom(encoding, &piece);
    if (piece.len > static_cast<size_t>(v8::String::kMaxLength))
        return throw_range_error(isolate, kTooLong);
    v8::Local<v8::String> text;
    bool fatal = flags & FATAL;
    if ((encoding == UTF_8 ? decode_utf8(isolate, piece, fatal)
                           : decode_utf16(isolate, piece, encoding == UTF_16BE, fatal))
            .ToLocal(&text))
        args.GetReturnValue().Set(text);
}

// ---- base64
// -----------------------------------------------------------------------------------------------

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
enum Digit { INVALID = -1, SPACE = -2, PADDING = -3 };

int digit_of(uint32_t c)
{
    if (c >= 'A' && c <= 'Z')
        return static_cast<int>(c - 'A');
    if (c >= 'a' && c <= 'z')
        return static_cast<int>(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return static_cast<int>(c - '0' + 52);
    switch (c) {
    case '+':
        return 62;
    case '/':
        return 63;
    case '=':
        return PADDING;
    case ' ':
    case '\t':
    case '\n':
    case '\f':
    case '\r':
        return SPACE;
    default:
        return INVALID;
    }
}

// Forgiving base64 decode (Infra standard). Bytes written, or -1 when the text is not base64. out
// has room for three quarters of len, rounded up.
int64_t decode_base64(const v8::String::ValueView &text, size_t len, uint8_t *out)
{
    uint32_t bits = 0;
    size_t digits = 0, padding = 0, n = 0;
    for (size_t i = 0; i < len; i++) {
        int digit = digit_of(text.is_one_byte() ? text.data8()[i] : text.data16()[i]);
        if (digit == SPACE)
            continue;
        if (digit == PADDING) {
            padding++;
            continue;
        }
        if (digit == INVALID || padding)
            return -1;
        bits = bits << 6 | static_cast<uint32_t>(digit);
        if (++digits % 4 == 0) {
            out[n++] = static_cast<uint8_t>(bits >> 16);
            out[n++] = static_cast<uint8_t>(bits >> 8);
            out[n++] = static_cast<uint8_t>(bits);
        }
    }
    // Padding is optional; where it stands, it must complete a group of four.
    if (padding > 2 || (padding && (digits + padding) % 4 != 0) || digits % 4 == 1)
        return -1;
    if (digits % 4 == 2)
        out[n++] = static_cast<uint8_t>(bits >> 4);
    if (digits % 4 == 3) {
        out[n++] = static_cast<uint8_t>(bits >> 10);
        out[n++] = static_cast<uint8_t>(bits >> 2);
    }
    return static_cast<int64_t>(n);
}

void give_latin1(const Info &args, const uint8_t *data, size_t len)
{
    v8::Local<v8::String> text;
    if (len > static_cast<size_t>(v8::String::kMaxLength))
        return throw_range_error(args.GetIsolate(), kTooLong);
    if (v8::String::NewFromOneByte(args.GetIsolate(), data, v8::NewStringType::kNormal,
                                   static_cast<int>(len))
            .ToLocal(&text))
        args.GetReturnValue().Set(text);
}

// The bytes of base64 text, as `give` wants them; nothing when it is none.
void decode_text(const Info &args, void (*give)(const Info &, const uint8_t *, size_t))
{
    if (!args[0]->IsString())
        return;
    v8::Local<v8::String> text = args[0].As<v8::String>();
    size_t len = static_cast<size_t>(text->Length());
    Memory<uint8_t> out = allocate<uint8_t>(args.GetIsolate(), len / 4 * 3 + 3);
    if (!out)
        return;
    int64_t n = decode_base64(v8::String::ValueView(args.GetIsolate(), text), len, out.get());
    if (n >= 0)
        give(args, out.get(), static_cast<size_t>(n));
}

void give_bytes(const Info &args, const uint8_t *data, size_t len)
{
    v8::Local<v8::Uint8Array> bytes;
    if (make_bytes(args.GetIsolate(), data, len).ToLocal(&bytes))
        args.GetReturnValue().Set(bytes);
}

void atob(const Info &args)
{
    decode_text(args, give_latin1);
}

void unbase64(const Info &args)
{
    decode_text(args, give_bytes);
}

void encode_bytes(const Info &args, const uint8_t *in, size_t len)
{
    size_t n = 0;
    Memory<uint8_t> out = allocate<uint8_t>(args.GetIsolate(), (len + 2) / 3 * 4);
    if (!out)
        return;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t bits = static_cast<uint32_t>(in[i]) << 16;
        bits |= left > 1 ? static_cast<uint32_t>(in[i + 1]) << 8 : 0;
        bits |= left > 2 ? in[i + 2] : 0u;
        out[n++] = static_cast<uint8_t>(kAlphabet[bits >> 18]);
        out[n++] = static_cast<uint8_t>(kAlphabet[bits >> 12 & 63]);
        out[n++] = static_cast<uint8_t>(left > 1 ? kAlphabet[bits >> 6 & 63] : '=');
        out[n++] = static_cast<uint8_t>(left > 2 ? kAlphabet[bits & 63] : '=');
    }
    give_latin1(args, out.get(), n);
}

void btoa(const Info &args)
{
    if (!args[0]->IsString() || !args[0].As<v8::String>()->ContainsOnlyOneByte())
        return;
    v8::Local<v8::String> text = args[0].As<v8::String>();
    size_t len = static_cast<size_t>(text->Length());
    Memory<uint8_t> in = allocate<uint8_t>(args.GetIsolate(), len);
    if (!in)
        return;
    text->WriteOneByteV2(args.GetIsolate(), 0, static_cast<uint32_t>(len), in.get());
    encode_bytes(args, in.get(), len);
}

void base64(const Info &args)
{
    const uint8_t *data = nullptr;
    size_t len = 0;
    if (bytes_of(args[0], &data, &len))
        encode_bytes(args, data, len);
}

const NativeFunction functions[] = {
    {"utf8Length", utf8_length}, {"encode", encode},     {"encodeInto", encode_into},
    {"decode", decode},          {"atob", atob},         {"btoa", btoa},
    {"base64", base64},          {"unbase64", unbase64},
};

} // namespace

const NativeModule native_text = {"text", functions, sizeof functions / sizeof *functions, nullptr};

} // namespace isolane
