// native.sodium: libsodium (sodium_*.cc by family). Besides the functions of sodium_table.h:
//   signatures()  "name(parameter, parameter?)" a line
//   constants()   {CRYPTO_…: number, …}
//
// libsodium draws its random bytes through the implementation below: getrandom(2) at each call, no
// state. So cells forked from one zygote draw different bytes, and the cell's system-call filter
// need not allow opening a device. sodium_init() runs when this object is loaded, long before the
// fork: it looks at the processor, which is slow in virtual machines. sodium_malloc and its guarded
// pages are not used.
#include "sandbox/engine/random.h"
#include "sandbox/engine/sodium_call.h"

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

constexpr char kSignatures[] =
#define SODIUM_SIGNATURE(name, parameters) #name "(" parameters ")\n"
    SODIUM_FUNCTIONS(SODIUM_SIGNATURE);

void signatures(const Info &args)
{
    v8::Local<v8::String> text;
    if (v8::String::NewFromUtf8(args.GetIsolate(), kSignatures).ToLocal(&text))
        args.GetReturnValue().Set(text);
}

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
    {"RANDOMBYTES_SEEDBYTES", static_cast<double>(randombytes_SEEDBYTES)},
    {"BASE64_VARIANT_ORIGINAL", sodium_base64_VARIANT_ORIGINAL},
    {"BASE64_VARIANT_ORIGINAL_NO_PADDING", sodium_base64_VARIANT_ORIGINAL_NO_PADDING},
    {"BASE64_VARIANT_URLSAFE", sodium_base64_VARIANT_URLSAFE},
    {"BASE64_VARIANT_URLSAFE_NO_PADDING", sodium_base64_VARIANT_URLSAFE_NO_PADDING},
};
#undef C

void constants(const Info &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    v8::Local<v8::Context> context = isolate->GetCurrentContext();
    v8::Local<v8::Object> all = v8::Object::New(isolate);
    for (const Constant &constant : constants_table) {
        v8::Local<v8::String> name =
            v8::String::NewFromUtf8(isolate, constant.name, v8::NewStringType::kInternalized)
                .ToLocalChecked();
        if (all->CreateDataProperty(context, name, v8::Number::New(isolate, constant.value))
                .IsNothing())
            return;
    }
    args.GetReturnValue().Set(all);
}

const NativeFunction functions[] = {
#define SODIUM_ROW(name, parameters) {#name, call_##name},
    SODIUM_FUNCTIONS(SODIUM_ROW){"signatures", signatures},
    {"constants", constants},
};

} // namespace

const NativeModule native_sodium = {"sodium", functions, sizeof functions / sizeof *functions,
                                    nullptr};

} // namespace isolane
