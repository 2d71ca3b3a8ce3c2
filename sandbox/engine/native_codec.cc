// native.codec: gzip, deflate (zlib), raw deflate, brotli; zstd for decoding alone.
//   open(format, encode)         a handle; formats as in enum Format
//   step(handle, bytes, at, end) works on bytes from there (undefined: none): [output, at, state].
//     output: Uint8Array of at most kOutBytes; at: up to where bytes are taken; state as in enum
//     State. end: no more bytes come after these. What is no compressed text throws a TypeError.
//   close(handle)                frees it now, not when it is collected
//
// A step's work is bounded by what it may put out and by kInBytes of input, so that a small text
// that becomes a huge one costs its reader alone. What the libraries allocate counts against the
// job's memory.
#include "sandbox/engine/natives.h"
#include "sandbox/engine/node_codecs.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <zlib.h>

namespace isolane
{

namespace
{

using Info = v8::FunctionCallbackInfo<v8::Value>;
using namespace codecs;

enum Format { GZIP, DEFLATE, DEFLATE_RAW, BROTLI, ZSTD, FORMATS };
enum State { WANTS_INPUT, HAS_OUTPUT, ENDED };

constexpr size_t kOutBytes = 64 << 10, kInBytes = 256 << 10;
constexpr v8::ExternalPointerTypeTag kTag = 21;
constexpr int kWindowBits = 15, kGzipBits = 16, kMemLevel = 8;
constexpr uint32_t kBrotliQuality = 6, kBrotliLgwin = 22; // quality 11 costs 50 times as much
constexpr int kZstdWindowLog = 23; // 8 MiB, what RFC 8878 section 3.1.1.1.2 asks of a decoder

struct Codec {
    v8::Global<v8::External> handle;
    Format format;
    bool encode, ended;
    z_stream z;
    bool z_open;
    BrotliDecoderStateStruct *brotli_in;
    BrotliEncoderStateStruct *brotli_out;
    ZSTD_DCtx_s *zstd;
};

uint8_t out_bytes[kOutBytes];
bool refused; // memory, in this call: the script is being ended

// ---- memory
// ---------------------------------------------------------------------------------------------

struct alignas(16) Block {
    size_t size;
};

void *take(void *, size_t size)
{
    v8::Isolate *isolate = v8::Isolate::GetCurrent();
    if (size > SIZE_MAX - sizeof(Block) || !charge_memory(isolate, size + sizeof(Block))) {
        refused = true;
        return nullptr;
    }
    auto *b = static_cast<Block *>(malloc(size + sizeof(Block)));
    if (!b) {
        uncharge_memory(isolate, size + sizeof(Block));
        return nullptr;
    }
    b->size = size + sizeof(Block);
    return b + 1;
}

void give(void *, void *address)
{
    if (!address)
        return;
    Block *b = static_cast<Block *>(address) - 1;
    uncharge_memory(v8::Isolate::GetCurrent(), b->size);
    free(b);
}

void *take_items(void *, uInt items, uInt size)
{
    return take(nullptr, static_cast<size_t>(items) * size);
}

// ---- life
// -----------------------------------------------------------------------------------------------

void release(Codec *c)
{
    if (c->z_open)
        (c->encode ? deflateEnd : inflateEnd)(&c->z);
    if (c->brotli_in)
        BrotliDecoderDestroyInstance(c->brotli_in);
    if (c->brotli_out)
        BrotliEncoderDestroyInstance(c->brotli_out);
    if (c->zstd)
        ZSTD_freeDCtx(c->zstd);
    c->z_open = false;
    c->brotli_in = nullptr;
    c->brotli_out = nullptr;
    c->zstd = nullptr;
    c->ended = true;
}

void collected_now(const v8::WeakCallbackInfo<Codec> &info)
{
    release(info.GetParameter());
    delete info.GetParameter();
}

// V8 allows no more than the reset in the first pass.
void collected(const v8::WeakCallbackInfo<Codec> &info)
{
    info.GetParameter()->handle.Reset();
    info.SetSecondPassCallback(collected_now);
}

bool start_zlib(Codec *c)
{
    int bits = c->format == GZIP ? kWindowBits + kGzipBits
                                 : (c->format == DEFLATE ? kWindowBits : -kWindowBits);
    c->z.zalloc = take_items;
    c->z.zfree = give;
    c->z_open = (c->encode ? deflateInit2(&c->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, bits, kMemLevel,
                                          Z_DEFAULT_STRATEGY)
                           : inflateInit2(&c->z, bits)) == Z_OK;
    return c->z_open;
}

bool start(Codec *c)
{
    switch (c->format) {
    case BROTLI:
        if (!c->encode)
            return (c->brotli_in = BrotliDecoderCreateInstance(take, give, nullptr));
        c->brotli_out = BrotliEncoderCreateInstance(take, give, nullptr);
        return c->brotli_out &&
               BrotliEncoderSetParameter(c->brotli_out, kBrotliParamQuality, kBrotliQuality) &&
               BrotliEncoderSetParameter(c->brotli_out, kBrotliParamLgwin, kBrotliLgwin);
    case ZSTD:
        c->zstd = ZSTD_createDStream_advanced({take, give, nullptr});
        return c->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(c->zstd, kZstdParamWindowLogMax,
                                                               kZstdWindowLog));
    default:
        return start_zlib(c);
    }
}

void open(const Info &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    v8::Local<v8::Context> context = isolate->GetCurrentContext();
    int32_t format = args[0]->Int32Value(context).FromMaybe(-1);
    bool encode = args[1]->BooleanValue(isolate);
    if (format < 0 || format >= FORMATS || (format == ZSTD && encode)) {
        throw_type_error(isolate, "no such compression format");
        return;
    }
    auto *c = new (std::nothrow) Codec{};
    if (!c)
        return;
    c->format = static_cast<Format>(format);
    c->encode = encode;
    refused = false;
    if (!start(c)) {
        release(c);
        delete c;
        if (!refused)
            throw_range_error(isolate, "not enough memory to compress or decompress");
        return;
    }
    v8::Local<v8::External> handle = v8::External::New(isolate, c, kTag);
    c->handle.Reset(isolate, handle);
    c->handle.SetWeak(c, collected, v8::WeakCallbackType::kParameter);
    args.GetReturnValue().Set(handle);
}

Codec *codec_of(const Info &args)
{
    if (args[0]->IsExternal())
        return static_cast<Codec *>(args[0].As<v8::External>()->Value(kTag));
    throw_type_error(args.GetIsolate(), "not a compressor");
    return nullptr;
}

void close(const Info &args)
{
    if (Codec *c = codec_of(args))
        release(c);
}

// ---- work
// -----------------------------------------------------------------------------------------------

struct Step {
    const uint8_t *in;
    size_t in_len;
    bool end; // nothing follows in
    size_t out_len;
};

// False: in is no compressed text, or memory has run out.
bool step_zlib(Codec *c, Step *s, State *state)
{
    c->z.next_in = const_cast<uint8_t *>(s->in);
    c->z.avail_in = static_cast<uInt>(s->in_len);
    c->z.next_out = out_bytes;
    c->z.avail_out = kOutBytes;
    int rc =
        c->encode ? deflate(&c->z, s->end ? Z_FINISH : Z_NO_FLUSH) : inflate(&c->z, Z_NO_FLUSH);
    s->in = c->z.next_in;
    s->in_len = c->z.avail_in;
    s->out_len = kOutBytes - c->z.avail_out;
    *state = rc == Z_STREAM_END ? ENDED : (c->z.avail_out == 0 ? HAS_OUTPUT : WANTS_INPUT);
    return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR;
}

bool step_brotli(Codec *c, Step *s, State *state)
{
    size_t room = kOutBytes;
    uint8_t *out = out_bytes;
    bool fine;
    if (c->encode) {
        fine = BrotliEncoderCompressStream(c->brotli_out, s->end ? BROTLI_FINISH : BROTLI_PROCESS,
                                           &s->in_len, &s->in, &room, &out, nullptr);
        *state = BrotliEncoderIsFinished(c->brotli_out)      ? ENDED
                 : BrotliEncoderHasMoreOutput(c->brotli_out) ? HAS_OUTPUT
                                                             : WANTS_INPUT;
    } else {
        int rc =
            BrotliDecoderDecompressStream(c->brotli_in, &s->in_len, &s->in, &room, &out, nullptr);
        fine = rc != BROTLI_ERROR;
        *state = rc == BROTLI_SUCCESS ? ENDED : rc == BROTLI_MORE_OUTPUT ? HAS_OUTPUT : WANTS_INPUT;
    }
    s->out_len = kOutBytes - room;
    return fine;
}

bool step_zstd(Codec *c, Step *s, State *state)
{
    ZSTD_inBuffer in = {s->in, s->in_len, 0};
    ZSTD_outBuffer out = {out_bytes, kOutBytes, 0};
    size_t rc = ZSTD_decompressStream(c->zstd, &out, &in);
    s->in += in.pos;
    s->in_len -= in.pos;
    s->out_len = out.pos;
    *state = rc == 0 ? ENDED : (out.pos == kOutBytes ? HAS_OUTPUT : WANTS_INPUT);
    return !ZSTD_isError(rc);
}

bool work(Codec *c, Step *s, State *state)
{
    switch (c->format) {
    case BROTLI:
        return step_brotli(c, s, state);
    case ZSTD:
        return step_zstd(c, s, state);
    default:
        return step_zlib(c, s, state);
    }
}

void step(const Info &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    v8::Local<v8::Context> context = isolate->GetCurrentContext();
    Codec *c = codec_of(args);
    const uint8_t *data = nullptr;
    size_t len = 0;
    if (!c)
        return;
    if (c->ended || (!args[1]->IsUndefined() && !bytes_of(args[1], &data, &len))) {
        throw_type_error(isolate, c->ended ? "the compressed text has ended" : "not a buffer");
        return;
    }
    double at = args[2]->NumberValue(context).FromMaybe(0);
    size_t from = at >= 0 && at <= static_cast<double>(len) ? static_cast<size_t>(at) : len;
    size_t n = std::min(len - from, kInBytes);
    Step s = {data ? data + from : out_bytes, n, args[3]->BooleanValue(isolate) && from + n == len,
              0};
    State state = WANTS_INPUT;
    refused = false;
    if (!work(c, &s, &state)) {
        release(c);
        if (!refused)
            throw_type_error(isolate, "the compressed text is malformed");
        return;
    }
    if (state == ENDED)
        release(c); // its memory is wanted elsewhere
    v8::Local<v8::Uint8Array> out;
    if (!make_bytes(isolate, out_bytes, s.out_len).ToLocal(&out))
        return;
    v8::Local<v8::Value> result[] = {
        out,
        v8::Number::New(isolate, static_cast<double>(from + n - s.in_len)),
        v8::Integer::New(isolate, state),
    };
    args.GetReturnValue().Set(v8::Array::New(isolate, result, 3));
}

constexpr NativeFunction functions[] = {
    {"open", open},
    {"step", step},
    {"close", close},
};

} // namespace

const NativeModule native_codec = {"codec", functions, sizeof functions / sizeof *functions,
                                   nullptr};

} // namespace isolane
