// brotli and zstd as the node binary carries and exports them, but without headers (RFC 7932, RFC
// 8878; both libraries keep this part of their interface stable). zlib's header is among Node's.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {
using CodecAlloc = void *(*)(void *opaque, size_t size);
using CodecFree = void (*)(void *opaque, void *address);

struct BrotliDecoderStateStruct;
BrotliDecoderStateStruct *BrotliDecoderCreateInstance(CodecAlloc, CodecFree, void *opaque);
void BrotliDecoderDestroyInstance(BrotliDecoderStateStruct *);
int BrotliDecoderDecompressStream(BrotliDecoderStateStruct *, size_t *available_in,
                                  const uint8_t **next_in, size_t *available_out,
                                  uint8_t **next_out, size_t *total_out);

struct BrotliEncoderStateStruct;
BrotliEncoderStateStruct *BrotliEncoderCreateInstance(CodecAlloc, CodecFree, void *opaque);
void BrotliEncoderDestroyInstance(BrotliEncoderStateStruct *);
int BrotliEncoderSetParameter(BrotliEncoderStateStruct *, int parameter, uint32_t value);
int BrotliEncoderCompressStream(BrotliEncoderStateStruct *, int operation, size_t *available_in,
                                const uint8_t **next_in, size_t *available_out, uint8_t **next_out,
                                size_t *total_out);
int BrotliEncoderIsFinished(BrotliEncoderStateStruct *);
int BrotliEncoderHasMoreOutput(BrotliEncoderStateStruct *);

struct ZSTD_DCtx_s;
struct ZSTD_customMem {
    CodecAlloc alloc;
    CodecFree free;
    void *opaque;
};
struct ZSTD_inBuffer {
    const void *src;
    size_t size, pos;
};
struct ZSTD_outBuffer {
    void *dst;
    size_t size, pos;
};
ZSTD_DCtx_s *ZSTD_createDStream_advanced(ZSTD_customMem);
size_t ZSTD_freeDCtx(ZSTD_DCtx_s *);
size_t ZSTD_DCtx_setParameter(ZSTD_DCtx_s *, int parameter, int value);
size_t ZSTD_decompressStream(ZSTD_DCtx_s *, ZSTD_outBuffer *, ZSTD_inBuffer *);
unsigned ZSTD_isError(size_t code);
}

namespace isolane::codecs
{

enum BrotliDecoderResult { BROTLI_ERROR, BROTLI_SUCCESS, BROTLI_MORE_INPUT, BROTLI_MORE_OUTPUT };
enum BrotliEncoderOperation { BROTLI_PROCESS, BROTLI_FLUSH, BROTLI_FINISH };
inline constexpr int kBrotliParamQuality = 1, kBrotliParamLgwin = 2;
inline constexpr int kZstdParamWindowLogMax = 100;

} // namespace isolane::codecs
