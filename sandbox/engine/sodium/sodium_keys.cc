// sodium: keys made of keys (kdf) and of passwords (pwhash: Argon2).
//
// pwhash is made to cost memory and time, inside one native call that nothing can interrupt but the
// end of the process. So its memory counts against the job's budget while it runs, and passes ×
// memory is bounded by libsodium's own "sensitive" setting, some seconds on a usual machine.
#include "sandbox/engine/sodium/sodium_call.h"

#include <cstring>
#include <sodium.h>

namespace isolane::sodium
{

namespace
{

constexpr uint64_t kCostMax =
    uint64_t{crypto_pwhash_OPSLIMIT_SENSITIVE} * crypto_pwhash_MEMLIMIT_SENSITIVE;
constexpr size_t kKeyMax = 1 << 20; // longer results are a mistake

struct Cost {
    uint64_t passes, memory;
};

// Takes opslimit and memlimit and checks them together.
Cost cost_of(Call &c, int ops, int mem, uint64_t min_passes)
{
    uint64_t memory = c.integer(mem, crypto_pwhash_MEMLIMIT_MIN, crypto_pwhash_MEMLIMIT_SENSITIVE);
    uint64_t passes = c.integer(ops, min_passes, kCostMax / memory);
    return {passes, memory};
}

// The number after ",<name>=" or "$<name>=" in a hashed password; 0 when it is not there.
uint64_t number_in(const std::string &hashed, char name)
{
    for (size_t i = 1; i + 2 < hashed.size(); i++) {
        if ((hashed[i - 1] != '$' && hashed[i - 1] != ',') || hashed[i] != name ||
            hashed[i + 1] != '=')
            continue;
        uint64_t n = 0;
        for (size_t j = i + 2; j < hashed.size() && hashed[j] >= '0' && hashed[j] <= '9'; j++) {
            if (n > UINT32_MAX)
                return n;
            n = n * 10 + static_cast<uint64_t>(hashed[j] - '0');
        }
        return n;
    }
    return 0;
}

} // namespace

void cryptoKdfKeygen(Call &c)
{
    if (uint8_t *out = c.output(crypto_kdf_KEYBYTES))
        crypto_kdf_keygen(out);
}

void cryptoKdfDeriveFromKey(Call &c)
{
    size_t len = c.integer(0, crypto_kdf_BYTES_MIN, crypto_kdf_BYTES_MAX);
    uint64_t id = c.integer(1, 0, UINT64_MAX);
    Bytes context = c.bytes(2, crypto_kdf_CONTEXTBYTES), k = c.bytes(3, crypto_kdf_KEYBYTES);
    if (uint8_t *out = c.output(len))
        crypto_kdf_derive_from_key(out, len, id, reinterpret_cast<const char *>(context.data),
                                   k.data);
}

void cryptoPwhash(Call &c)
{
    size_t len = c.integer(0, crypto_pwhash_BYTES_MIN, kKeyMax);
    Bytes password = c.bytes(1), salt = c.bytes(2, crypto_pwhash_SALTBYTES);
    int algorithm =
        static_cast<int>(c.integer(5, crypto_pwhash_ALG_ARGON2I13, crypto_pwhash_ALG_ARGON2ID13));
    Cost cost =
        cost_of(c, 3, 4,
                algorithm == crypto_pwhash_ALG_ARGON2I13 ? crypto_pwhash_argon2i_OPSLIMIT_MIN
                                                         : crypto_pwhash_OPSLIMIT_MIN);
    uint8_t *out = c.output(len);
    if (!out)
        return;
    Charge charge(c, cost.memory);
    if (charge && crypto_pwhash(out, len, reinterpret_cast<const char *>(password.data),
                                password.len, salt.data, cost.passes, cost.memory, algorithm) != 0)
        c.fail(kNoMemory);
}

void cryptoPwhashStr(Call &c)
{
    char out[crypto_pwhash_STRBYTES];
    Bytes password = c.bytes(0);
    Cost cost = cost_of(c, 1, 2, crypto_pwhash_OPSLIMIT_MIN);
    if (c.failed())
        return;
    Charge charge(c, cost.memory);
    if (!charge)
        return;
    if (crypto_pwhash_str(out, reinterpret_cast<const char *>(password.data), password.len,
                          cost.passes, cost.memory) != 0)
        c.fail(kNoMemory);
    else
        c.give(out, strlen(out));
}

void cryptoPwhashStrVerify(Call &c)
{
    std::string hashed = c.text(0, crypto_pwhash_STRBYTES - 1);
    Bytes password = c.bytes(1);
    if (c.failed())
        return;
    // What it costs stands in the hashed password, which may come from anywhere.
    uint64_t memory = number_in(hashed, 'm') * 1024, passes = number_in(hashed, 't');
    if (memory > crypto_pwhash_MEMLIMIT_SENSITIVE || passes > kCostMax / (memory ? memory : 1)) {
        c.fail_range(0, "a hash of at most " + std::to_string(kCostMax >> 30) + " GiB × passes",
                     std::to_string(memory >> 10) + " KiB × " + std::to_string(passes));
        return;
    }
    Charge charge(c, memory);
    if (charge)
        c.give(crypto_pwhash_str_verify(hashed.c_str(),
                                        reinterpret_cast<const char *>(password.data),
                                        password.len) == 0);
}

void cryptoPwhashStrNeedsRehash(Call &c)
{
    std::string hashed = c.text(0, crypto_pwhash_STRBYTES - 1);
    Cost cost = cost_of(c, 1, 2, crypto_pwhash_OPSLIMIT_MIN);
    if (c.failed())
        return;
    int needs = crypto_pwhash_str_needs_rehash(hashed.c_str(), cost.passes, cost.memory);
    if (needs < 0)
        c.fail("hashed is not the text of a hashed password");
    else
        c.give(needs != 0);
}

} // namespace isolane::sodium
