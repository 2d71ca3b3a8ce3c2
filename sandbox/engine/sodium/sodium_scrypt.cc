// sodium: scrypt (RFC 7914), for what was hashed with it; new passwords are for pwhash (Argon2).
//
// As with pwhash, its memory counts against the job while it runs, and its cost is bounded: nothing
// can interrupt it but the end of the process.
#include "sandbox/engine/sodium/sodium_call.h"

#include <cstring>
#include <sodium.h>

namespace isolane::sodium
{

namespace
{

constexpr uint64_t kMemoryMost = crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE;
constexpr uint64_t kOpsMost = crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE;
constexpr uint64_t kNMost = 1u << 24,
                   kFactorMost = 1u << 16; // of n, and of r and p: the product fits
constexpr size_t kKeyMost = 1 << 20;       // longer results are a mistake

// RFC 7914: the table of N blocks, and what p lanes and the mixing take.
uint64_t memory_of(uint64_t n, uint64_t r, uint64_t p)
{
    return 128 * r * n + 128 * r * p + 256 * r + 64;
}

// What one hash costs, checked and charged. n, r, p: each small enough for their product.
bool affordable(Call &c, int i, uint64_t n, uint64_t r, uint64_t p)
{
    if (c.failed())
        return false;
    if (memory_of(n, r, p) <= 2 * kMemoryMost && 4 * n * r * p <= kOpsMost)
        return true;
    c.fail_range(i,
                 "a cost of at most " + std::to_string(kOpsMost) + " operations and " +
                     std::to_string(2 * kMemoryMost >> 20) + " MiB",
                 std::to_string(4 * n * r * p) + " operations and " +
                     std::to_string(memory_of(n, r, p) >> 20) + " MiB");
    return false;
}

// libsodium's own choice of n, r and p for a pair of limits.
struct Parameters {
    uint64_t n = 2, r = 8, p = 1;
};
Parameters chosen(uint64_t ops, uint64_t memory)
{
    Parameters c;
    ops = ops < 32768 ? 32768 : ops;
    if (ops < memory / 32) {
        while (c.n <= ops / (c.r * 4) / 2)
            c.n *= 2;
        return c;
    }
    while (c.n <= memory / (c.r * 128) / 2)
        c.n *= 2;
    uint64_t rp = ops / 4 / c.n;
    c.p = (rp > 0x3fffffff ? 0x3fffffff : rp) / c.r;
    return c;
}

Parameters limits_of(Call &c, int ops, int mem)
{
    uint64_t memory = c.integer(mem, crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_MIN, kMemoryMost);
    return chosen(c.integer(ops, crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_MIN, kOpsMost),
                  memory);
}

// "$7$", then log2 N in one character, r and p in five each, six bits a character.
uint64_t number_at(const std::string &hashed, size_t at, size_t count)
{
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint64_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const char *digit = strchr(digits, hashed[at + i]);
        n |= static_cast<uint64_t>(digit && *digit ? digit - digits : 0) << (6 * i);
    }
    return n;
}

} // namespace

void cryptoPwhashScryptsalsa208sha256(Call &c)
{
    size_t len = c.integer(0, crypto_pwhash_scryptsalsa208sha256_BYTES_MIN, kKeyMost);
    Bytes password = c.bytes(1), salt = c.bytes(2, crypto_pwhash_scryptsalsa208sha256_SALTBYTES);
    Parameters cost = limits_of(c, 3, 4);
    uint64_t ops = c.integer(3, 0, kOpsMost), memory = c.integer(4, 0, kMemoryMost);
    uint8_t *out = c.output(len);
    if (!out)
        return;
    Charge charge(c, memory_of(cost.n, cost.r, cost.p));
    if (charge &&
        crypto_pwhash_scryptsalsa208sha256(out, len, reinterpret_cast<const char *>(password.data),
                                           password.len, salt.data, ops, memory) != 0)
        c.fail(kNoMemory);
}

void cryptoPwhashScryptsalsa208sha256Ll(Call &c)
{
    Bytes password = c.bytes(0), salt = c.bytes(1);
    Parameters cost;
    cost.n = c.integer(2, 2, kNMost);
    cost.r = c.integer(3, 1, kFactorMost);
    cost.p = c.integer(4, 1, kFactorMost);
    size_t len = c.integer(5, 1, kKeyMost);
    if (!c.failed() && (cost.n & (cost.n - 1)) != 0)
        c.fail_range(2, "a power of two", std::to_string(cost.n));
    if (!affordable(c, 2, cost.n, cost.r, cost.p))
        return;
    uint8_t *out = c.output(len);
    if (!out)
        return;
    Charge charge(c, memory_of(cost.n, cost.r, cost.p));
    if (charge && crypto_pwhash_scryptsalsa208sha256_ll(
                      password.data, password.len, salt.data, salt.len, cost.n,
                      static_cast<uint32_t>(cost.r), static_cast<uint32_t>(cost.p), out, len) != 0)
        c.fail(kNoMemory);
}

void cryptoPwhashScryptsalsa208sha256Str(Call &c)
{
    char out[crypto_pwhash_scryptsalsa208sha256_STRBYTES];
    Bytes password = c.bytes(0);
    Parameters cost = limits_of(c, 1, 2);
    uint64_t ops = c.integer(1, 0, kOpsMost), memory = c.integer(2, 0, kMemoryMost);
    if (c.failed())
        return;
    Charge charge(c, memory_of(cost.n, cost.r, cost.p));
    if (!charge)
        return;
    if (crypto_pwhash_scryptsalsa208sha256_str(out, reinterpret_cast<const char *>(password.data),
                                               password.len, ops, memory) != 0)
        c.fail(kNoMemory);
    else
        c.give(out, strlen(out));
}

void cryptoPwhashScryptsalsa208sha256StrVerify(Call &c)
{
    constexpr size_t kLen = crypto_pwhash_scryptsalsa208sha256_STRBYTES - 1;
    std::string hashed = c.text(0, kLen);
    Bytes password = c.bytes(1);
    if (c.failed())
        return;
    if (hashed.size() != kLen || hashed.compare(0, 3, "$7$") != 0)
        return c.give(false);
    // What it costs stands in the hashed password, which may come from anywhere.
    Parameters cost;
    uint64_t log_n = number_at(hashed, 3, 1);
    cost.n = uint64_t{1} << (log_n < 32 ? log_n : 32);
    cost.r = number_at(hashed, 4, 5);
    cost.p = number_at(hashed, 9, 5);
    if (cost.r == 0 || cost.p == 0 || cost.r > kFactorMost || cost.p > kFactorMost ||
        cost.n > kNMost)
        return c.fail_range(0, "a hash that costs what can be paid",
                            "n " + std::to_string(cost.n) + ", r " + std::to_string(cost.r) +
                                ", p " + std::to_string(cost.p));
    if (!affordable(c, 0, cost.n, cost.r, cost.p))
        return;
    Charge charge(c, memory_of(cost.n, cost.r, cost.p));
    if (charge)
        c.give(crypto_pwhash_scryptsalsa208sha256_str_verify(
                   hashed.c_str(), reinterpret_cast<const char *>(password.data), password.len) ==
               0);
}

void cryptoPwhashScryptsalsa208sha256StrNeedsRehash(Call &c)
{
    std::string hashed = c.text(0, crypto_pwhash_scryptsalsa208sha256_STRBYTES - 1);
    limits_of(c, 1, 2);
    uint64_t ops = c.integer(1, 0, kOpsMost), memory = c.integer(2, 0, kMemoryMost);
    if (c.failed())
        return;
    int needs = crypto_pwhash_scryptsalsa208sha256_str_needs_rehash(hashed.c_str(), ops, memory);
    if (needs < 0)
        c.fail("hashed is not the text of a hashed password");
    else
        c.give(needs == 1);
}

} // namespace isolane::sodium
