// sodium: arithmetic on points and scalars: ristretto255 (RFC 9496) and edwards25519.
#include "sandbox/engine/sodium/sodium_call.h"

#include <sodium.h>

namespace isolane::sodium
{

namespace
{

constexpr size_t kPoint = 32, kScalar = 32, kWide = 64; // both groups
constexpr char kNoPoint[] = "not a valid point, or the result is the identity";

using Make = void(unsigned char *);
using Map = void(unsigned char *, const unsigned char *);
using Try = int(unsigned char *, const unsigned char *);
using Join = void(unsigned char *, const unsigned char *, const unsigned char *);
using TryJoin = int(unsigned char *, const unsigned char *, const unsigned char *);

void make(Call &c, Make *run, size_t len)
{
    if (uint8_t *out = c.output(len))
        run(out);
}

void map(Call &c, Map *run, size_t in_len)
{
    Bytes in = c.bytes(0, in_len);
    if (uint8_t *out = c.output(kScalar))
        run(out, in.data);
}

void try_map(Call &c, Try *run, size_t in_len, const char *reason)
{
    Bytes in = c.bytes(0, in_len);
    uint8_t *out = c.output(kPoint);
    if (out && run(out, in.data) != 0)
        c.fail(reason);
}

void join(Call &c, Join *run)
{
    Bytes x = c.bytes(0, kScalar), y = c.bytes(1, kScalar);
    if (uint8_t *out = c.output(kScalar))
        run(out, x.data, y.data);
}

// Two points, or a scalar and a point.
void try_join(Call &c, TryJoin *run)
{
    Bytes p = c.bytes(0, kPoint), q = c.bytes(1, kPoint);
    uint8_t *out = c.output(kPoint);
    if (out && run(out, p.data, q.data) != 0)
        c.fail(kNoPoint);
}

void is_point(Call &c, int (*run)(const unsigned char *))
{
    Bytes p = c.bytes(0, kPoint);
    if (!c.failed())
        c.give(run(p.data) == 1);
}

static_assert(crypto_core_ed25519_BYTES == kPoint && crypto_core_ristretto255_BYTES == kPoint &&
              crypto_core_ed25519_SCALARBYTES == kScalar &&
              crypto_core_ed25519_NONREDUCEDSCALARBYTES == kWide &&
              crypto_core_ristretto255_HASHBYTES == kWide);
constexpr char kZero[] = "zero has no inverse";

} // namespace

// What both groups have, under their names.
#define GROUP_FUNCTIONS(Name, name)                                                                \
    void cryptoCore##Name##IsValidPoint(Call &c)                                                   \
    {                                                                                              \
        is_point(c, crypto_core_##name##_is_valid_point);                                          \
    }                                                                                              \
    void cryptoCore##Name##Random(Call &c)                                                         \
    {                                                                                              \
        make(c, crypto_core_##name##_random, kPoint);                                              \
    }                                                                                              \
    void cryptoCore##Name##Add(Call &c)                                                            \
    {                                                                                              \
        try_join(c, crypto_core_##name##_add);                                                     \
    }                                                                                              \
    void cryptoCore##Name##Sub(Call &c)                                                            \
    {                                                                                              \
        try_join(c, crypto_core_##name##_sub);                                                     \
    }                                                                                              \
    void cryptoCore##Name##ScalarRandom(Call &c)                                                   \
    {                                                                                              \
        make(c, crypto_core_##name##_scalar_random, kScalar);                                      \
    }                                                                                              \
    void cryptoCore##Name##ScalarInvert(Call &c)                                                   \
    {                                                                                              \
        try_map(c, crypto_core_##name##_scalar_invert, kScalar, kZero);                            \
    }                                                                                              \
    void cryptoCore##Name##ScalarNegate(Call &c)                                                   \
    {                                                                                              \
        map(c, crypto_core_##name##_scalar_negate, kScalar);                                       \
    }                                                                                              \
    void cryptoCore##Name##ScalarComplement(Call &c)                                               \
    {                                                                                              \
        map(c, crypto_core_##name##_scalar_complement, kScalar);                                   \
    }                                                                                              \
    void cryptoCore##Name##ScalarAdd(Call &c)                                                      \
    {                                                                                              \
        join(c, crypto_core_##name##_scalar_add);                                                  \
    }                                                                                              \
    void cryptoCore##Name##ScalarSub(Call &c)                                                      \
    {                                                                                              \
        join(c, crypto_core_##name##_scalar_sub);                                                  \
    }                                                                                              \
    void cryptoCore##Name##ScalarMul(Call &c)                                                      \
    {                                                                                              \
        join(c, crypto_core_##name##_scalar_mul);                                                  \
    }                                                                                              \
    void cryptoCore##Name##ScalarReduce(Call &c)                                                   \
    {                                                                                              \
        map(c, crypto_core_##name##_scalar_reduce, kWide);                                         \
    }                                                                                              \
    void cryptoScalarmult##Name(Call &c)                                                           \
    {                                                                                              \
        try_join(c, crypto_scalarmult_##name);                                                     \
    }                                                                                              \
    void cryptoScalarmult##Name##Base(Call &c)                                                     \
    {                                                                                              \
        try_map(c, crypto_scalarmult_##name##_base, kScalar, kNoPoint);                            \
    }
GROUP_FUNCTIONS(Ristretto255, ristretto255)
GROUP_FUNCTIONS(Ed25519, ed25519)
#undef GROUP_FUNCTIONS

void cryptoCoreRistretto255FromHash(Call &c)
{
    try_map(c, crypto_core_ristretto255_from_hash, kWide, kNoPoint);
}

void cryptoCoreEd25519FromUniform(Call &c)
{
    try_map(c, crypto_core_ed25519_from_uniform, crypto_core_ed25519_UNIFORMBYTES, kNoPoint);
}

void cryptoScalarmultEd25519Noclamp(Call &c)
{
    try_join(c, crypto_scalarmult_ed25519_noclamp);
}

void cryptoScalarmultEd25519BaseNoclamp(Call &c)
{
    try_map(c, crypto_scalarmult_ed25519_base_noclamp, kScalar, kNoPoint);
}

} // namespace isolane::sodium
