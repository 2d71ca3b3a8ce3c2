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
    F(cryptoShorthashKeygen, "") \
    F(cryptoShorthashSiphashx24, "message, key") \
    F(cryptoShorthashSiphashx24Keygen, "") \
    F(cryptoGenerichashBlake2bSaltPersonal, "hashLength, message, key?, salt, personal")

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
    F(cryptoOnetimeauthKeygen, "") \
    F(cryptoOnetimeauthInit, "key") \
    F(cryptoOnetimeauthUpdate, "state, message") \
    F(cryptoOnetimeauthFinal, "state") \
    F(cryptoAuthHmacsha512256, "message, key") \
    F(cryptoAuthHmacsha512256Verify, "tag, message, key") \
    F(cryptoAuthHmacsha512256Keygen, "") \
    F(cryptoAuthHmacsha512256Init, "key") \
    F(cryptoAuthHmacsha512256Update, "state, message") \
    F(cryptoAuthHmacsha512256Final, "state")

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
    F(cryptoAeadChacha20poly1305IetfDecryptDetached, "ciphertext, mac, additionalData?, nonce, key") \
    F(cryptoAeadChacha20poly1305Keygen, "") \
    F(cryptoAeadChacha20poly1305Encrypt, "message, additionalData?, nonce, key") \
    F(cryptoAeadChacha20poly1305Decrypt, "ciphertext, additionalData?, nonce, key") \
    F(cryptoAeadChacha20poly1305EncryptDetached, "message, additionalData?, nonce, key") \
    F(cryptoAeadChacha20poly1305DecryptDetached, "ciphertext, mac, additionalData?, nonce, key") \
    F(cryptoAeadAes256gcmIsAvailable, "") \
    F(cryptoAeadAes256gcmKeygen, "") \
    F(cryptoAeadAes256gcmEncrypt, "message, additionalData?, nonce, key") \
    F(cryptoAeadAes256gcmDecrypt, "ciphertext, additionalData?, nonce, key") \
    F(cryptoAeadAes256gcmEncryptDetached, "message, additionalData?, nonce, key") \
    F(cryptoAeadAes256gcmDecryptDetached, "ciphertext, mac, additionalData?, nonce, key")

#define SODIUM_KEY_FUNCTIONS(F) \
    F(cryptoKdfKeygen, "") \
    F(cryptoKdfDeriveFromKey, "subkeyLength, subkeyId, context, key") \
    F(cryptoPwhash, "keyLength, password, salt, opslimit, memlimit, algorithm") \
    F(cryptoPwhashStr, "password, opslimit, memlimit") \
    F(cryptoPwhashStrVerify, "hashed, password") \
    F(cryptoPwhashStrNeedsRehash, "hashed, opslimit, memlimit")

#define SODIUM_SCRYPT_FUNCTIONS(F) \
    F(cryptoPwhashScryptsalsa208sha256, "keyLength, password, salt, opslimit, memlimit") \
    F(cryptoPwhashScryptsalsa208sha256Ll, "password, salt, n, r, p, keyLength") \
    F(cryptoPwhashScryptsalsa208sha256Str, "password, opslimit, memlimit") \
    F(cryptoPwhashScryptsalsa208sha256StrVerify, "hashed, password") \
    F(cryptoPwhashScryptsalsa208sha256StrNeedsRehash, "hashed, opslimit, memlimit")

#define SODIUM_HKDF_FUNCTIONS(F) \
    F(cryptoKdfHkdfSha256Keygen, "") \
    F(cryptoKdfHkdfSha256Extract, "salt?, ikm") \
    F(cryptoKdfHkdfSha256Expand, "length, context?, key") \
    F(cryptoKdfHkdfSha512Keygen, "") \
    F(cryptoKdfHkdfSha512Extract, "salt?, ikm") \
    F(cryptoKdfHkdfSha512Expand, "length, context?, key")

#define SODIUM_KX_FUNCTIONS(F) \
    F(cryptoKxKeypair, "") \
    F(cryptoKxSeedKeypair, "seed") \
    F(cryptoKxClientSessionKeys, "clientPublicKey, clientSecretKey, serverPublicKey") \
    F(cryptoKxServerSessionKeys, "serverPublicKey, serverSecretKey, clientPublicKey")

#define SODIUM_SECRETSTREAM_FUNCTIONS(F) \
    F(cryptoSecretstreamXchacha20poly1305Keygen, "") \
    F(cryptoSecretstreamXchacha20poly1305InitPush, "key") \
    F(cryptoSecretstreamXchacha20poly1305Push, "state, message, additionalData?, tag") \
    F(cryptoSecretstreamXchacha20poly1305InitPull, "header, key") \
    F(cryptoSecretstreamXchacha20poly1305Pull, "state, ciphertext, additionalData?") \
    F(cryptoSecretstreamXchacha20poly1305Rekey, "state")

#define SODIUM_XCHACHA_FUNCTIONS(F) \
    F(cryptoBoxCurve25519xchacha20poly1305Keypair, "") \
    F(cryptoBoxCurve25519xchacha20poly1305SeedKeypair, "seed") \
    F(cryptoBoxCurve25519xchacha20poly1305Easy, "message, nonce, publicKey, secretKey") \
    F(cryptoBoxCurve25519xchacha20poly1305OpenEasy, "ciphertext, nonce, publicKey, secretKey") \
    F(cryptoBoxCurve25519xchacha20poly1305Detached, "message, nonce, publicKey, secretKey") \
    F(cryptoBoxCurve25519xchacha20poly1305OpenDetached, "ciphertext, mac, nonce, publicKey, secretKey") \
    F(cryptoBoxCurve25519xchacha20poly1305Beforenm, "publicKey, secretKey") \
    F(cryptoBoxCurve25519xchacha20poly1305EasyAfternm, "message, nonce, sharedKey") \
    F(cryptoBoxCurve25519xchacha20poly1305OpenEasyAfternm, "ciphertext, nonce, sharedKey") \
    F(cryptoBoxCurve25519xchacha20poly1305DetachedAfternm, "message, nonce, sharedKey") \
    F(cryptoBoxCurve25519xchacha20poly1305OpenDetachedAfternm, "ciphertext, mac, nonce, sharedKey") \
    F(cryptoBoxCurve25519xchacha20poly1305Seal, "message, publicKey") \
    F(cryptoBoxCurve25519xchacha20poly1305SealOpen, "ciphertext, publicKey, secretKey") \
    F(cryptoSecretboxXchacha20poly1305Easy, "message, nonce, key") \
    F(cryptoSecretboxXchacha20poly1305OpenEasy, "ciphertext, nonce, key") \
    F(cryptoSecretboxXchacha20poly1305Detached, "message, nonce, key") \
    F(cryptoSecretboxXchacha20poly1305OpenDetached, "ciphertext, mac, nonce, key")

#define SODIUM_STREAM_FUNCTIONS(F) \
    F(cryptoStreamChacha20Keygen, "") \
    F(cryptoStreamChacha20, "length, nonce, key") \
    F(cryptoStreamChacha20Xor, "message, nonce, key") \
    F(cryptoStreamChacha20XorIc, "message, nonce, counter, key") \
    F(cryptoStreamChacha20IetfKeygen, "") \
    F(cryptoStreamChacha20Ietf, "length, nonce, key") \
    F(cryptoStreamChacha20IetfXor, "message, nonce, key") \
    F(cryptoStreamChacha20IetfXorIc, "message, nonce, counter, key") \
    F(cryptoStreamXchacha20Keygen, "") \
    F(cryptoStreamXchacha20, "length, nonce, key") \
    F(cryptoStreamXchacha20Xor, "message, nonce, key") \
    F(cryptoStreamXchacha20XorIc, "message, nonce, counter, key") \
    F(cryptoStreamSalsa20Keygen, "") \
    F(cryptoStreamSalsa20, "length, nonce, key") \
    F(cryptoStreamSalsa20Xor, "message, nonce, key") \
    F(cryptoStreamSalsa20XorIc, "message, nonce, counter, key") \
    F(cryptoStreamXsalsa20Keygen, "") \
    F(cryptoStreamXsalsa20, "length, nonce, key") \
    F(cryptoStreamXsalsa20Xor, "message, nonce, key") \
    F(cryptoStreamXsalsa20XorIc, "message, nonce, counter, key") \
    F(cryptoStreamKeygen, "") \
    F(cryptoStream, "length, nonce, key") \
    F(cryptoStreamXor, "message, nonce, key") \
    F(cryptoCoreHchacha20, "input, key, constant?") \
    F(cryptoCoreHsalsa20, "input, key, constant?")

#define SODIUM_GROUP_FUNCTIONS(F) \
    F(cryptoCoreRistretto255IsValidPoint, "point") \
    F(cryptoCoreRistretto255Random, "") \
    F(cryptoCoreRistretto255FromHash, "hash") \
    F(cryptoCoreRistretto255Add, "p, q") \
    F(cryptoCoreRistretto255Sub, "p, q") \
    F(cryptoCoreRistretto255ScalarRandom, "") \
    F(cryptoCoreRistretto255ScalarInvert, "scalar") \
    F(cryptoCoreRistretto255ScalarNegate, "scalar") \
    F(cryptoCoreRistretto255ScalarComplement, "scalar") \
    F(cryptoCoreRistretto255ScalarAdd, "x, y") \
    F(cryptoCoreRistretto255ScalarSub, "x, y") \
    F(cryptoCoreRistretto255ScalarMul, "x, y") \
    F(cryptoCoreRistretto255ScalarReduce, "scalar") \
    F(cryptoScalarmultRistretto255, "scalar, point") \
    F(cryptoScalarmultRistretto255Base, "scalar") \
    F(cryptoCoreEd25519IsValidPoint, "point") \
    F(cryptoCoreEd25519Random, "") \
    F(cryptoCoreEd25519FromUniform, "uniform") \
    F(cryptoCoreEd25519Add, "p, q") \
    F(cryptoCoreEd25519Sub, "p, q") \
    F(cryptoCoreEd25519ScalarRandom, "") \
    F(cryptoCoreEd25519ScalarInvert, "scalar") \
    F(cryptoCoreEd25519ScalarNegate, "scalar") \
    F(cryptoCoreEd25519ScalarComplement, "scalar") \
    F(cryptoCoreEd25519ScalarAdd, "x, y") \
    F(cryptoCoreEd25519ScalarSub, "x, y") \
    F(cryptoCoreEd25519ScalarMul, "x, y") \
    F(cryptoCoreEd25519ScalarReduce, "scalar") \
    F(cryptoScalarmultEd25519, "scalar, point") \
    F(cryptoScalarmultEd25519Base, "scalar") \
    F(cryptoScalarmultEd25519Noclamp, "scalar, point") \
    F(cryptoScalarmultEd25519BaseNoclamp, "scalar")

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
    SODIUM_SCRYPT_FUNCTIONS(F) \
    SODIUM_HKDF_FUNCTIONS(F) \
    SODIUM_KX_FUNCTIONS(F) \
    SODIUM_SECRETSTREAM_FUNCTIONS(F) \
    SODIUM_XCHACHA_FUNCTIONS(F) \
    SODIUM_STREAM_FUNCTIONS(F) \
    SODIUM_GROUP_FUNCTIONS(F) \
    SODIUM_TOOL_FUNCTIONS(F)
// clang-format on
