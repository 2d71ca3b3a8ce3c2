// native.crypto: what crypto.subtle is made of (crypto_*.cc by subject).
//   load()  an object of the functions below
// They are made at the first use in a cell, not for the startup snapshot: most scripts use none,
// and each would cost every zygote some hundred bytes.
#include "sandbox/engine/crypto/crypto_call.h"
#include "sandbox/engine/internal.h"

namespace isolane
{

namespace
{

using crypto::Info;

template <void (*function)(crypto::Call &)> void enter(const Info &args)
{
    crypto::Call c(args);
    args.GetReturnValue().SetNull();
    function(c);
    crypto::drain_errors(); // null says it all; what OpenSSL notes would only grow
}

const NativeFunction crypto_functions[] = {
#define CRYPTO_ROW(name)                                                                           \
    {                                                                                              \
#name, enter < crypto::name>                                                               \
    }
    CRYPTO_ROW(digest),     CRYPTO_ROW(hmac),           CRYPTO_ROW(hmacVerify),
    CRYPTO_ROW(secret),     CRYPTO_ROW(secretBytes),    CRYPTO_ROW(secretRandom),
    CRYPTO_ROW(equal),      CRYPTO_ROW(source),         CRYPTO_ROW(copy),
    CRYPTO_ROW(base64url),  CRYPTO_ROW(unbase64url),    CRYPTO_ROW(aesCbc),
    CRYPTO_ROW(aesCtr),     CRYPTO_ROW(aesGcm),         CRYPTO_ROW(aesKw),
    CRYPTO_ROW(hkdf),       CRYPTO_ROW(pbkdf2),         CRYPTO_ROW(rsaGenerate),
    CRYPTO_ROW(rsaImport),  CRYPTO_ROW(rsaParts),       CRYPTO_ROW(rsaSign),
    CRYPTO_ROW(rsaVerify),  CRYPTO_ROW(rsaEncrypt),     CRYPTO_ROW(rsaDecrypt),
    CRYPTO_ROW(ecGenerate), CRYPTO_ROW(ecImport),       CRYPTO_ROW(ecPoint),
    CRYPTO_ROW(ecParts),    CRYPTO_ROW(ecdsaSign),      CRYPTO_ROW(ecdsaVerify),
    CRYPTO_ROW(ecdh),       CRYPTO_ROW(okpGenerate),    CRYPTO_ROW(okpPublic),
    CRYPTO_ROW(okpSign),    CRYPTO_ROW(okpVerify),      CRYPTO_ROW(okpDerive),
    CRYPTO_ROW(importDer),  CRYPTO_ROW(exportDer),      CRYPTO_ROW(pqGenerate),
    CRYPTO_ROW(pqImport),   CRYPTO_ROW(pqPublic),       CRYPTO_ROW(pqSeed),
    CRYPTO_ROW(pqSpki),     CRYPTO_ROW(pqPkcs8),        CRYPTO_ROW(pqSign),
    CRYPTO_ROW(pqVerify),   CRYPTO_ROW(kemEncapsulate), CRYPTO_ROW(kemDecapsulate),
#undef CRYPTO_ROW
};

void load(const Info &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    v8::Local<v8::Context> context = isolate->GetCurrentContext();
    v8::Local<v8::Object> all = v8::Object::New(isolate);
    for (const NativeFunction &f : crypto_functions) {
        v8::Local<v8::Function> function;
        if (!v8::Function::New(context, f.call, {}, 0, v8::ConstructorBehavior::kThrow)
                 .ToLocal(&function) ||
            all->CreateDataProperty(context, literal(f.name), function).IsNothing())
            return;
    }
    args.GetReturnValue().Set(all);
}

const NativeFunction functions[] = {{"load", load}};

} // namespace

const NativeModule native_crypto = {"crypto", functions, sizeof functions / sizeof *functions,
                                    nullptr};

} // namespace isolane
