// The functions of `sodium`: name and parameters, by family. From this one table come the native
// functions (native_sodium.cc), their number of parameters in JavaScript, the names in error
// messages and the table in docs/scripts.md. A parameter with `?` may be left out or null.
//
// Names are libsodium's in camelCase, without the prefix `sodium_`. Parameters are in libsodium's
// order, without those that C needs only to give results and lengths back.
#pragma once

// clang-format off
#define SODIUM_HASH_FUNCTIONS(F) \
    F(cryptoGenerichash, "hashLength, message, key?") \
    F(cryptoGenerichashKeygen, "") \
    F(cryptoGenerichashInit, "key?, hashLength") \
    F(cryptoGenerichashUpdate, "state, message") \
    F(cryptoGenerichashFinal, "state") \
    F(cryptoHash, "message") \
    F(cryptoHashSha256, "message") \
    F(cryptoHashSha256Init, "") \
    F(cryptoHashSha256Update, "state, message") \
    F(cryptoHashSha256Final, "state") \
    F(cryptoHashSha512, "message") \
    F(cryptoHashSha512Init, "") \
    F(cryptoHashSha512Update, "state, message") \
    F(cryptoHashSha512Final, "state") \
    F(cryptoShorthash, "message, key") \
    F(cryptoShorthashKeygen, "")

#define SODIUM_AUTH_FUNCTIONS(F) \
    F(cryptoAuth, "message, key") \
    F(cryptoAuthVerify, "tag, message, key") \
    F(cryptoAuthKeygen, "") \
    F(cryptoAuthHmacsha256, "message, key") \
    F(cryptoAuthHmacsha256Verify, "tag, message, key") \
    F(cryptoAuthHmacsha256Keygen, "") \
    F(cryptoAuthHmacsha256Init, "key") \
    F(cryptoAuthHmacsha256Update, "state, message") \
    F(cryptoAuthHmacsha256Final, "state") \
    F(cryptoAuthHmacsha512, "message, key") \
    F(cryptoAuthHmacsha512Verify, "tag, message, key") \
    F(cryptoAuthHmacsha512Keygen, "") \
    F(cryptoAuthHmacsha512Init, "key") \
    F(cryptoAuthHmacsha512Update, "state, message") \
    F(cryptoAuthHmacsha512Final, "state") \
    F(cryptoOnetimeauth, "message, key") \
    F(cryptoOnetimeauthVerify, "tag, message, key") \
    F(cryptoOnetimeauthKeygen, "")

#define SODIUM_SIGN_FUNCTIONS(F) \
    F(cryptoSignKeypair, "") \
    F(cryptoSignSeedKeypair, "seed") \
    F(cryptoSign, "message, secretKey") \
    F(cryptoSignOpen, "signedMessage, publicKey") \
    F(cryptoSignDetached, "message, secretKey") \
    F(cryptoSignVerifyDetached, "signature, message, publicKey") \
    F(cryptoSignInit, "") \
    F(cryptoSignUpdate, "state, message") \
    F(cryptoSignFinalCreate, "state, secretKey") \
    F(cryptoSignFinalVerify, "state, signature, publicKey") \
    F(cryptoSignEd25519PkToCurve25519, "publicKey") \
    F(cryptoSignEd25519SkToCurve25519, "secretKey") \
    F(cryptoSignEd25519SkToPk, "secretKey") \
    F(cryptoSignEd25519SkToSeed, "secretKey")

#define SODIUM_BOX_FUNCTIONS(F) \
    F(cryptoBoxKeypair, "") \
    F(cryptoBoxSeedKeypair, "seed") \
    F(cryptoBoxEasy, "message, nonce, publicKey, secretKey") \
    F(cryptoBoxOpenEasy, "ciphertext, nonce, publicKey, secretKey") \
    F(cryptoBoxDetached, "message, nonce, publicKey, secretKey") \
    F(cryptoBoxOpenDetached, "ciphertext, mac, nonce, publicKey, secretKey") \
    F(cryptoBoxBeforenm, "publicKey, secretKey") \
    F(cryptoBoxEasyAfternm, "message, nonce, sharedKey") \
    F(cryptoBoxOpenEasyAfternm, "ciphertext, nonce, sharedKey") \
    F(cryptoBoxDetachedAfternm, "message, nonce, sharedKey") \
    F(cryptoBoxOpenDetachedAfternm, "ciphertext, mac, nonce, sharedKey") \
    F(cryptoBoxSeal, "message, publicKey") \
    F(cryptoBoxSealOpen, "ciphertext, publicKey, secretKey") \
    F(cryptoScalarmult, "secretKey, publicKey") \
    F(cryptoScalarmultBase, "secretKey")

#define SODIUM_SECRET_FUNCTIONS(F) \
    F(cryptoSecretboxKeygen, "") \
    F(cryptoSecretboxEasy, "message, nonce, key") \
    F(cryptoSecretboxOpenEasy, "ciphertext, nonce, key") \
    F(cryptoSecretboxDetached, "message, nonce, key") \
    F(cryptoSecretboxOpenDetached, "ciphertext, mac, nonce, key") \
    F(cryptoAeadXchacha20poly1305IetfKeygen, "") \
    F(cryptoAeadXchacha20poly1305IetfEncrypt, "message, additionalData?, nonce, key") \
    F(cryptoAeadXchacha20poly1305IetfDecrypt, "ciphertext, additionalData?, nonce, key") \
    F(cryptoAeadXchacha20poly1305IetfEncryptDetached, "message, additionalData?, nonce, key") \
    F(cryptoAeadXchacha20poly1305IetfDecryptDetached, "ciphertext, mac, additionalData?, nonce, key") \
    F(cryptoAeadChacha20poly1305IetfKeygen, "") \
    F(cryptoAeadChacha20poly1305IetfEncrypt, "message, additionalData?, nonce, key") \
    F(cryptoAeadChacha20poly1305IetfDecrypt, "ciphertext, additionalData?, nonce, key") \
    F(cryptoAeadChacha20poly1305IetfEncryptDetached, "message, additionalData?, nonce, key") \
    F(cryptoAeadChacha20poly1305IetfDecryptDetached, "ciphertext, mac, additionalData?, nonce, key")

#define SODIUM_KEY_FUNCTIONS(F) \
    F(cryptoKdfKeygen, "") \
    F(cryptoKdfDeriveFromKey, "subkeyLength, subkeyId, context, key") \
    F(cryptoPwhash, "keyLength, password, salt, opslimit, memlimit, algorithm") \
    F(cryptoPwhashStr, "password, opslimit, memlimit") \
    F(cryptoPwhashStrVerify, "hashed, password") \
    F(cryptoPwhashStrNeedsRehash, "hashed, opslimit, memlimit")

#define SODIUM_TOOL_FUNCTIONS(F) \
    F(randombytesBuf, "length") \
    F(randombytesUniform, "upperBound") \
    F(randombytesRandom, "") \
    F(randombytesBufDeterministic, "length, seed") \
    F(memcmp, "a, b") \
    F(memzero, "bytes") \
    F(increment, "bytes") \
    F(add, "a, b") \
    F(sub, "a, b") \
    F(compare, "a, b") \
    F(isZero, "bytes") \
    F(bin2hex, "bytes") \
    F(hex2bin, "hex, ignore?") \
    F(bin2base64, "bytes, variant") \
    F(base642bin, "text, variant, ignore?") \
    F(pad, "bytes, blockSize") \
    F(unpad, "bytes, blockSize") \
    F(versionString, "")

#define SODIUM_FUNCTIONS(F) \
    SODIUM_HASH_FUNCTIONS(F) \
    SODIUM_AUTH_FUNCTIONS(F) \
    SODIUM_SIGN_FUNCTIONS(F) \
    SODIUM_BOX_FUNCTIONS(F) \
    SODIUM_SECRET_FUNCTIONS(F) \
    SODIUM_KEY_FUNCTIONS(F) \
    SODIUM_TOOL_FUNCTIONS(F)
// clang-format on
