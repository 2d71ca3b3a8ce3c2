// native.sodium: libsodium (sodium_*.cc by family).
//   load()  the object `sodium`: the functions of sodium_table.h, and constants
// Its members are made when a script first looks at each: there are several hundred, and a job uses
// a few.
//
// libsodium draws its random bytes through the implementation below: getrandom(2) at each call, no
// state. So cells forked from one zygote draw different bytes, and the cell's system-call filter
// need not allow opening a device. sodium_init() runs when this object is loaded, long before the
// fork: it looks at the processor, which is slow in virtual machines. sodium_malloc and its guarded
// pages are not used.
#include "sandbox/engine/random.h"
#include "sandbox/engine/sodium/sodium_call.h"

#include <sodium.h>

namespace isolane
{

namespace
{

using Info = v8::FunctionCallbackInfo<v8::Value>;

const char *random_name()
{
    return "getrandom";
}

uint32_t random_number()
{
    uint32_t n;
    random_bytes(&n, sizeof n);
    return n;
}

void random_fill(void *const out, const size_t n)
{
    random_bytes(out, n);
}

[[gnu::constructor]] void start_libsodium()
{
    static randombytes_implementation ours = {random_name, random_number, nullptr,
                                              nullptr,     random_fill,   nullptr};
    if (randombytes_set_implementation(&ours) != 0 || sodium_init() < 0)
        abort();
}

// One trampoline a function: the V8 callback that makes the Call.
#define SODIUM_TRAMPOLINE(name, parameters)                                                        \
    void call_##name(const Info &args)                                                             \
    {                                                                                              \
        sodium::Call c(args, #name, parameters);                                                   \
        sodium::name(c);                                                                           \
    }
SODIUM_FUNCTIONS(SODIUM_TRAMPOLINE)

struct Constant {
    const char *name;
    double value;
};

#define C(NAME, value)                                                                             \
    {                                                                                              \
        "CRYPTO_" NAME, static_cast<double>(value)                                                 \
    }
const Constant constants_table[] = {
    C("GENERICHASH_BYTES", crypto_generichash_BYTES),
    C("GENERICHASH_BYTES_MIN", crypto_generichash_BYTES_MIN),
    C("GENERICHASH_BYTES_MAX", crypto_generichash_BYTES_MAX),
    C("GENERICHASH_KEYBYTES", crypto_generichash_KEYBYTES),
    C("GENERICHASH_KEYBYTES_MIN", crypto_generichash_KEYBYTES_MIN),
    C("GENERICHASH_KEYBYTES_MAX", crypto_generichash_KEYBYTES_MAX),
    C("HASH_BYTES", crypto_hash_BYTES),
    C("HASH_SHA256_BYTES", crypto_hash_sha256_BYTES),
    C("HASH_SHA512_BYTES", crypto_hash_sha512_BYTES),
    C("SHORTHASH_BYTES", crypto_shorthash_BYTES),
    C("SHORTHASH_KEYBYTES", crypto_shorthash_KEYBYTES),
    C("AUTH_BYTES", crypto_auth_BYTES),
    C("AUTH_KEYBYTES", crypto_auth_KEYBYTES),
    C("AUTH_HMACSHA256_BYTES", crypto_auth_hmacsha256_BYTES),
    C("AUTH_HMACSHA256_KEYBYTES", crypto_auth_hmacsha256_KEYBYTES),
    C("AUTH_HMACSHA512_BYTES", crypto_auth_hmacsha512_BYTES),
    C("AUTH_HMACSHA512_KEYBYTES", crypto_auth_hmacsha512_KEYBYTES),
    C("ONETIMEAUTH_BYTES", crypto_onetimeauth_BYTES),
    C("ONETIMEAUTH_KEYBYTES", crypto_onetimeauth_KEYBYTES),
    C("SIGN_BYTES", crypto_sign_BYTES),
    C("SIGN_SEEDBYTES", crypto_sign_SEEDBYTES),
    C("SIGN_PUBLICKEYBYTES", crypto_sign_PUBLICKEYBYTES),
    C("SIGN_SECRETKEYBYTES", crypto_sign_SECRETKEYBYTES),
    C("BOX_SEEDBYTES", crypto_box_SEEDBYTES),
    C("BOX_PUBLICKEYBYTES", crypto_box_PUBLICKEYBYTES),
    C("BOX_SECRETKEYBYTES", crypto_box_SECRETKEYBYTES),
    C("BOX_BEFORENMBYTES", crypto_box_BEFORENMBYTES),
    C("BOX_NONCEBYTES", crypto_box_NONCEBYTES),
    C("BOX_MACBYTES", crypto_box_MACBYTES),
    C("BOX_SEALBYTES", crypto_box_SEALBYTES),
    C("SCALARMULT_BYTES", crypto_scalarmult_BYTES),
    C("SCALARMULT_SCALARBYTES", crypto_scalarmult_SCALARBYTES),
    C("SECRETBOX_KEYBYTES", crypto_secretbox_KEYBYTES),
    C("SECRETBOX_NONCEBYTES", crypto_secretbox_NONCEBYTES),
    C("SECRETBOX_MACBYTES", crypto_secretbox_MACBYTES),
    C("AEAD_XCHACHA20POLY1305_IETF_KEYBYTES", crypto_aead_xchacha20poly1305_ietf_KEYBYTES),
    C("AEAD_XCHACHA20POLY1305_IETF_NPUBBYTES", crypto_aead_xchacha20poly1305_ietf_NPUBBYTES),
    C("AEAD_XCHACHA20POLY1305_IETF_ABYTES", crypto_aead_xchacha20poly1305_ietf_ABYTES),
    C("AEAD_CHACHA20POLY1305_IETF_KEYBYTES", crypto_aead_chacha20poly1305_ietf_KEYBYTES),
    C("AEAD_CHACHA20POLY1305_IETF_NPUBBYTES", crypto_aead_chacha20poly1305_ietf_NPUBBYTES),
    C("AEAD_CHACHA20POLY1305_IETF_ABYTES", crypto_aead_chacha20poly1305_ietf_ABYTES),
    C("KDF_KEYBYTES", crypto_kdf_KEYBYTES),
    C("KDF_CONTEXTBYTES", crypto_kdf_CONTEXTBYTES),
    C("KDF_BYTES_MIN", crypto_kdf_BYTES_MIN),
    C("KDF_BYTES_MAX", crypto_kdf_BYTES_MAX),
    C("PWHASH_SALTBYTES", crypto_pwhash_SALTBYTES),
    C("PWHASH_STRBYTES", crypto_pwhash_STRBYTES),
    C("PWHASH_ALG_ARGON2I13", crypto_pwhash_ALG_ARGON2I13),
    C("PWHASH_ALG_ARGON2ID13", crypto_pwhash_ALG_ARGON2ID13),
    C("PWHASH_ALG_DEFAULT", crypto_pwhash_ALG_DEFAULT),
    C("PWHASH_BYTES_MIN", crypto_pwhash_BYTES_MIN),
    C("PWHASH_OPSLIMIT_MIN", crypto_pwhash_OPSLIMIT_MIN),
    C("PWHASH_OPSLIMIT_INTERACTIVE", crypto_pwhash_OPSLIMIT_INTERACTIVE),
    C("PWHASH_OPSLIMIT_MODERATE", crypto_pwhash_OPSLIMIT_MODERATE),
    C("PWHASH_OPSLIMIT_SENSITIVE", crypto_pwhash_OPSLIMIT_SENSITIVE),
    C("PWHASH_MEMLIMIT_MIN", crypto_pwhash_MEMLIMIT_MIN),
    C("PWHASH_MEMLIMIT_INTERACTIVE", crypto_pwhash_MEMLIMIT_INTERACTIVE),
    C("PWHASH_MEMLIMIT_MODERATE", crypto_pwhash_MEMLIMIT_MODERATE),
    C("PWHASH_MEMLIMIT_SENSITIVE", crypto_pwhash_MEMLIMIT_SENSITIVE),
    C("AUTH_HMACSHA512256_BYTES", crypto_auth_hmacsha512256_BYTES),
    C("AUTH_HMACSHA512256_KEYBYTES", crypto_auth_hmacsha512256_KEYBYTES),
    C("SHORTHASH_SIPHASHX24_BYTES", crypto_shorthash_siphashx24_BYTES),
    C("SHORTHASH_SIPHASHX24_KEYBYTES", crypto_shorthash_siphashx24_KEYBYTES),
    C("GENERICHASH_BLAKE2B_SALTBYTES", crypto_generichash_blake2b_SALTBYTES),
    C("GENERICHASH_BLAKE2B_PERSONALBYTES", crypto_generichash_blake2b_PERSONALBYTES),
    C("AEAD_CHACHA20POLY1305_KEYBYTES", crypto_aead_chacha20poly1305_KEYBYTES),
    C("AEAD_CHACHA20POLY1305_NPUBBYTES", crypto_aead_chacha20poly1305_NPUBBYTES),
    C("AEAD_CHACHA20POLY1305_ABYTES", crypto_aead_chacha20poly1305_ABYTES),
    C("AEAD_AES256GCM_KEYBYTES", crypto_aead_aes256gcm_KEYBYTES),
    C("AEAD_AES256GCM_NPUBBYTES", crypto_aead_aes256gcm_NPUBBYTES),
    C("AEAD_AES256GCM_ABYTES", crypto_aead_aes256gcm_ABYTES),
    C("KX_SEEDBYTES", crypto_kx_SEEDBYTES),
    C("KX_PUBLICKEYBYTES", crypto_kx_PUBLICKEYBYTES),
    C("KX_SECRETKEYBYTES", crypto_kx_SECRETKEYBYTES),
    C("KX_SESSIONKEYBYTES", crypto_kx_SESSIONKEYBYTES),
    C("KDF_HKDF_SHA256_KEYBYTES", crypto_auth_hmacsha256_BYTES),
    C("KDF_HKDF_SHA256_BYTES_MIN", 0),
    C("KDF_HKDF_SHA256_BYTES_MAX", 255 * crypto_auth_hmacsha256_BYTES),
    C("KDF_HKDF_SHA512_KEYBYTES", crypto_auth_hmacsha512_BYTES),
    C("KDF_HKDF_SHA512_BYTES_MIN", 0),
    C("KDF_HKDF_SHA512_BYTES_MAX", 255 * crypto_auth_hmacsha512_BYTES),
    C("SECRETSTREAM_XCHACHA20POLY1305_ABYTES", crypto_secretstream_xchacha20poly1305_ABYTES),
    C("SECRETSTREAM_XCHACHA20POLY1305_HEADERBYTES",
      crypto_secretstream_xchacha20poly1305_HEADERBYTES),
    C("SECRETSTREAM_XCHACHA20POLY1305_KEYBYTES", crypto_secretstream_xchacha20poly1305_KEYBYTES),
    C("SECRETSTREAM_XCHACHA20POLY1305_TAG_MESSAGE",
      crypto_secretstream_xchacha20poly1305_TAG_MESSAGE),
    C("SECRETSTREAM_XCHACHA20POLY1305_TAG_PUSH", crypto_secretstream_xchacha20poly1305_TAG_PUSH),
    C("SECRETSTREAM_XCHACHA20POLY1305_TAG_REKEY", crypto_secretstream_xchacha20poly1305_TAG_REKEY),
    C("SECRETSTREAM_XCHACHA20POLY1305_TAG_FINAL", crypto_secretstream_xchacha20poly1305_TAG_FINAL),
    C("BOX_CURVE25519XCHACHA20POLY1305_SEEDBYTES",
      crypto_box_curve25519xchacha20poly1305_SEEDBYTES),
    C("BOX_CURVE25519XCHACHA20POLY1305_PUBLICKEYBYTES",
      crypto_box_curve25519xchacha20poly1305_PUBLICKEYBYTES),
    C("BOX_CURVE25519XCHACHA20POLY1305_SECRETKEYBYTES",
      crypto_box_curve25519xchacha20poly1305_SECRETKEYBYTES),
    C("BOX_CURVE25519XCHACHA20POLY1305_BEFORENMBYTES",
      crypto_box_curve25519xchacha20poly1305_BEFORENMBYTES),
    C("BOX_CURVE25519XCHACHA20POLY1305_NONCEBYTES",
      crypto_box_curve25519xchacha20poly1305_NONCEBYTES),
    C("BOX_CURVE25519XCHACHA20POLY1305_MACBYTES", crypto_box_curve25519xchacha20poly1305_MACBYTES),
    C("BOX_CURVE25519XCHACHA20POLY1305_SEALBYTES",
      crypto_box_curve25519xchacha20poly1305_SEALBYTES),
    C("SECRETBOX_XCHACHA20POLY1305_KEYBYTES", crypto_secretbox_xchacha20poly1305_KEYBYTES),
    C("SECRETBOX_XCHACHA20POLY1305_NONCEBYTES", crypto_secretbox_xchacha20poly1305_NONCEBYTES),
    C("SECRETBOX_XCHACHA20POLY1305_MACBYTES", crypto_secretbox_xchacha20poly1305_MACBYTES),
    C("STREAM_KEYBYTES", crypto_stream_KEYBYTES),
    C("STREAM_NONCEBYTES", crypto_stream_NONCEBYTES),
    C("STREAM_CHACHA20_KEYBYTES", crypto_stream_chacha20_KEYBYTES),
    C("STREAM_CHACHA20_NONCEBYTES", crypto_stream_chacha20_NONCEBYTES),
    C("STREAM_CHACHA20_IETF_KEYBYTES", crypto_stream_chacha20_ietf_KEYBYTES),
    C("STREAM_CHACHA20_IETF_NONCEBYTES", crypto_stream_chacha20_ietf_NONCEBYTES),
    C("STREAM_XCHACHA20_KEYBYTES", crypto_stream_xchacha20_KEYBYTES),
    C("STREAM_XCHACHA20_NONCEBYTES", crypto_stream_xchacha20_NONCEBYTES),
    C("STREAM_SALSA20_KEYBYTES", crypto_stream_salsa20_KEYBYTES),
    C("STREAM_SALSA20_NONCEBYTES", crypto_stream_salsa20_NONCEBYTES),
    C("STREAM_XSALSA20_KEYBYTES", crypto_stream_xsalsa20_KEYBYTES),
    C("STREAM_XSALSA20_NONCEBYTES", crypto_stream_xsalsa20_NONCEBYTES),
    C("CORE_HCHACHA20_OUTPUTBYTES", crypto_core_hchacha20_OUTPUTBYTES),
    C("CORE_HCHACHA20_INPUTBYTES", crypto_core_hchacha20_INPUTBYTES),
    C("CORE_HCHACHA20_KEYBYTES", crypto_core_hchacha20_KEYBYTES),
    C("CORE_HCHACHA20_CONSTBYTES", crypto_core_hchacha20_CONSTBYTES),
    C("CORE_HSALSA20_OUTPUTBYTES", crypto_core_hsalsa20_OUTPUTBYTES),
    C("CORE_HSALSA20_INPUTBYTES", crypto_core_hsalsa20_INPUTBYTES),
    C("CORE_HSALSA20_KEYBYTES", crypto_core_hsalsa20_KEYBYTES),
    C("CORE_HSALSA20_CONSTBYTES", crypto_core_hsalsa20_CONSTBYTES),
    C("CORE_RISTRETTO255_BYTES", crypto_core_ristretto255_BYTES),
    C("CORE_RISTRETTO255_HASHBYTES", crypto_core_ristretto255_HASHBYTES),
    C("CORE_RISTRETTO255_SCALARBYTES", crypto_core_ristretto255_SCALARBYTES),
    C("CORE_RISTRETTO255_NONREDUCEDSCALARBYTES", crypto_core_ristretto255_NONREDUCEDSCALARBYTES),
    C("CORE_ED25519_BYTES", crypto_core_ed25519_BYTES),
    C("CORE_ED25519_UNIFORMBYTES", crypto_core_ed25519_UNIFORMBYTES),
    C("CORE_ED25519_SCALARBYTES", crypto_core_ed25519_SCALARBYTES),
    C("CORE_ED25519_NONREDUCEDSCALARBYTES", crypto_core_ed25519_NONREDUCEDSCALARBYTES),
    C("SCALARMULT_RISTRETTO255_BYTES", crypto_scalarmult_ristretto255_BYTES),
    C("SCALARMULT_RISTRETTO255_SCALARBYTES", crypto_scalarmult_ristretto255_SCALARBYTES),
    C("SCALARMULT_ED25519_BYTES", crypto_scalarmult_ed25519_BYTES),
    C("SCALARMULT_ED25519_SCALARBYTES", crypto_scalarmult_ed25519_SCALARBYTES),
    C("PWHASH_SCRYPTSALSA208SHA256_BYTES_MIN", crypto_pwhash_scryptsalsa208sha256_BYTES_MIN),
    C("PWHASH_SCRYPTSALSA208SHA256_SALTBYTES", crypto_pwhash_scryptsalsa208sha256_SALTBYTES),
    C("PWHASH_SCRYPTSALSA208SHA256_STRBYTES", crypto_pwhash_scryptsalsa208sha256_STRBYTES),
    C("PWHASH_SCRYPTSALSA208SHA256_OPSLIMIT_MIN", crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_MIN),
    C("PWHASH_SCRYPTSALSA208SHA256_OPSLIMIT_INTERACTIVE",
      crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_INTERACTIVE),
    C("PWHASH_SCRYPTSALSA208SHA256_OPSLIMIT_SENSITIVE",
      crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE),
    C("PWHASH_SCRYPTSALSA208SHA256_MEMLIMIT_MIN", crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_MIN),
    C("PWHASH_SCRYPTSALSA208SHA256_MEMLIMIT_INTERACTIVE",
      crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_INTERACTIVE),
    C("PWHASH_SCRYPTSALSA208SHA256_MEMLIMIT_SENSITIVE",
      crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE),
    {"RANDOMBYTES_SEEDBYTES", static_cast<double>(randombytes_SEEDBYTES)},
    {"BASE64_VARIANT_ORIGINAL", sodium_base64_VARIANT_ORIGINAL},
    {"BASE64_VARIANT_ORIGINAL_NO_PADDING", sodium_base64_VARIANT_ORIGINAL_NO_PADDING},
    {"BASE64_VARIANT_URLSAFE", sodium_base64_VARIANT_URLSAFE},
    {"BASE64_VARIANT_URLSAFE_NO_PADDING", sodium_base64_VARIANT_URLSAFE_NO_PADDING},
};
#undef C

struct Row {
    const char *name, *parameters;
    v8::FunctionCallback call;
};
const Row rows[] = {
#define SODIUM_ROW(name, parameters) {#name, parameters, call_##name},
    SODIUM_FUNCTIONS(SODIUM_ROW)
#undef SODIUM_ROW
};
constexpr uint32_t kRows = sizeof rows / sizeof *rows;

// Parameters that must be given; those with `?` need not.
int needed(const char *parameters)
{
    int n = *parameters ? 1 : 0;
    for (const char *p = parameters; *p; p++)
        n += *p == ',' ? 1 : *p == '?' ? -1 : 0;
    return n;
}

// A script looks at a function for the first time: from then on it is an ordinary property.
void first_look(v8::Local<v8::Name> name, const v8::PropertyCallbackInfo<v8::Value> &info)
{
    uint32_t i = info.Data().As<v8::Uint32>()->Value();
    v8::Local<v8::Function> function;
    if (!v8::Function::New(info.GetIsolate()->GetCurrentContext(), rows[i].call, {},
                           needed(rows[i].parameters), v8::ConstructorBehavior::kThrow)
             .ToLocal(&function))
        return;
    function->SetName(name.As<v8::String>());
    info.GetReturnValue().Set(function);
}

v8::Local<v8::String> name_of(v8::Isolate *isolate, const char *name)
{
    return v8::String::NewFromUtf8(isolate, name, v8::NewStringType::kInternalized)
        .ToLocalChecked();
}

void load(const Info &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    v8::Local<v8::Context> context = isolate->GetCurrentContext();
    // Made this way an object keeps its properties in a table; the usual one would be rebuilt for
    // each.
    v8::Local<v8::Object> all =
        v8::Object::New(isolate, v8::Object::New(isolate)->GetPrototypeV2(), nullptr, nullptr, 0);
    for (uint32_t i = 0; i < kRows; i++)
        if (all->SetLazyDataProperty(context, name_of(isolate, rows[i].name), first_look,
                                     v8::Integer::NewFromUnsigned(isolate, i))
                .IsNothing())
            return;
    constexpr auto fixed = static_cast<v8::PropertyAttribute>(v8::ReadOnly | v8::DontDelete);
    for (const Constant &constant : constants_table)
        if (all->DefineOwnProperty(context, name_of(isolate, constant.name),
                                   v8::Number::New(isolate, constant.value), fixed)
                .IsNothing())
            return;
    args.GetReturnValue().Set(all);
}

const NativeFunction functions[] = {{"load", load}};

} // namespace

const NativeModule native_sodium = {"sodium", functions, sizeof functions / sizeof *functions,
                                    nullptr};

} // namespace isolane
