// One call of a function of native.crypto: its arguments, its result, and keys.
//
// How this works: sandbox/js/parts/crypto checks what the script gave and speaks the standard's
// errors; the functions here take what it passes on, do one operation and give
//   an ArrayBuffer, a number, true or false, or a handle: it worked;
//   null: it did not (a wrong tag, a key that is none, a length that the algorithm refuses).
// Arguments of a wrong type are a fault of the built-ins: a TypeError.
//
// Keys live here, behind handles: objects without properties that the script never gets. What they
// hold is charged to the job's memory budget, and wiped and given back when the handle is
// collected.
//
// An operation whose time a script chooses asks stopped() at least each millisecond.
#pragma once

#include <memory>
#include <string>
#include <v8.h>
#include <vector>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "sandbox/engine/natives.h"

namespace isolane::crypto
{

using Info = v8::FunctionCallbackInfo<v8::Value>;

struct Bytes {
    const uint8_t *data = nullptr;
    size_t len = 0;
};

// Bytes that are wiped when they are given back.
class Secret
{
  public:
    Secret() = default;
    explicit Secret(size_t len) : bytes_(len)
    {
    }
    Secret(const Secret &) = delete;
    Secret &operator=(const Secret &) = delete;
    ~Secret();
    uint8_t *data()
    {
        return bytes_.data();
    }
    const uint8_t *data() const
    {
        return bytes_.data();
    }
    size_t size() const
    {
        return bytes_.size();
    }

  private:
    std::vector<uint8_t> bytes_;
};

template <auto free_it> struct Free {
    template <typename T> void operator()(T *p) const
    {
        free_it(p);
    }
};
using Pkey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_clear_free>>;

// What a handle stands for: either bytes (secret keys, and keys of the curves 25519 and 448) or a
// key of OpenSSL's (RSA, EC), public or private.
struct Key {
    std::unique_ptr<Secret> bytes;
    Pkey pkey;
    size_t charged = 0;
    v8::Global<v8::Object> handle;

    Bytes raw() const
    {
        return bytes ? Bytes{bytes->data(), bytes->size()} : Bytes{};
    }
};

class Call
{
  public:
    explicit Call(const Info &args) : args_(args)
    {
    }

    // ---- arguments, by position
    v8::Local<v8::Value> value(int i) const
    {
        return args_[i];
    }
    Bytes bytes(int i); // of an ArrayBuffer or a view; undefined: none
    uint32_t number(int i);
    bool flag(int i) const;
    const Key *secret(int i); // a handle of bytes; nullptr after a fault
    const Key *pkey(int i);   // a handle of a key of OpenSSL's; nullptr after a fault
    const Key *key(int i);    // either
    bool failed() const
    {
        return failed_;
    }
    void fail(); // a TypeError: not what the built-ins may pass

    // ---- results. Nothing given is null.
    // A new ArrayBuffer as result, to be filled; nullptr when there is no memory for it.
    uint8_t *output(size_t len);
    void shorten(size_t len); // the output's first bytes are the result
    void refuse();            // after output(): null after all
    void give(bool value);
    void give_number(double value);
    void give_text(const char *latin1, size_t len);
    void give_handle(std::unique_ptr<Secret> bytes);
    void give_handle(Pkey pkey);
    // A list of results, for functions that have more than one.
    void push(std::unique_ptr<Secret> bytes);
    void push(Pkey pkey);
    void push(const uint8_t *data, size_t len);
    void give_list();

    v8::Isolate *isolate() const
    {
        return args_.GetIsolate();
    }

  private:
    const Info &args_;
    bool failed_ = false;
    v8::Local<v8::ArrayBuffer> result_;
    std::vector<v8::Local<v8::Value>> list_;

    v8::MaybeLocal<v8::Object> make_handle(std::unique_ptr<Key> key, size_t bytes);
};

// OpenSSL is ready from here on; the first call in a cell starts it. Never in the zygote.
void start();

// After a call: forgets what OpenSSL noted about faults.
void drain_errors();

// The job is to end: the operation gives up, whatever it returns is not looked at.
bool stopped();

// For what OpenSSL asks now and then whether to go on.
int go_on(EVP_PKEY_CTX *);

// ---- the functions, by file; names and order in native_crypto.cc
// crypto_hash.cc
void digest(Call &c);
void hmac(Call &c);
void hmacVerify(Call &c);
// crypto_key.cc
void secret(Call &c);
void secretBytes(Call &c);
void secretRandom(Call &c);
void equal(Call &c);
// crypto_jwk.cc
void source(Call &c);
void copy(Call &c);
void base64url(Call &c);
void unbase64url(Call &c);
// crypto_aes.cc
void aesCbc(Call &c);
void aesCtr(Call &c);
void aesGcm(Call &c);
void aesKw(Call &c);
// crypto_kdf.cc
void hkdf(Call &c);
void pbkdf2(Call &c);
// crypto_rsa.cc
void rsaGenerate(Call &c);
void rsaImport(Call &c);
void rsaParts(Call &c);
void rsaSign(Call &c);
void rsaVerify(Call &c);
void rsaEncrypt(Call &c);
void rsaDecrypt(Call &c);
// crypto_ec.cc
void ecGenerate(Call &c);
void ecImport(Call &c);
void ecPoint(Call &c);
void ecParts(Call &c);
void ecdsaSign(Call &c);
void ecdsaVerify(Call &c);
void ecdh(Call &c);
// crypto_okp.cc
void okpGenerate(Call &c);
void okpPublic(Call &c);
void okpSign(Call &c);
void okpVerify(Call &c);
void okpDerive(Call &c);
// crypto_der.cc
void importDer(Call &c);
void exportDer(Call &c);

// crypto_pq.cc
void pqGenerate(Call &c);
void pqImport(Call &c);
void pqPublic(Call &c);
void pqSeed(Call &c);
void pqSpki(Call &c);
void pqPkcs8(Call &c);
void pqSign(Call &c);
void pqVerify(Call &c);
void kemEncapsulate(Call &c);
void kemDecapsulate(Call &c);

// ---- shared by files
constexpr size_t kCurves = 3;
extern const char *const curve_names[kCurves]; // OpenSSL's: P-256, P-384, P-521
constexpr size_t kOkps = 4;
enum Okp { ED25519, X25519, ED448, X448 };
struct OkpKind {
    const char *name;
    size_t key_len, signature_len;
};
extern const OkpKind okp_kinds[kOkps];

// Parameters of a signature with a context of at most 255 bytes: Ed448 and ML-DSA.
struct SignatureContext {
    OSSL_PARAM params[2];
    explicit SignatureContext(Bytes context);
};

// Whether the numbers of an RSA key fit each other (the primes are not tested).
bool rsa_fits(const EVP_PKEY *pkey, bool is_private);
// Whether a key is one of this curve, given by name, and its parts fit each other.
bool ec_fits(EVP_PKEY *pkey, const char *curve, bool is_private);

} // namespace isolane::crypto
