// expect: memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
sodium.cryptoPwhash(32, new Uint8Array(8), new Uint8Array(16), 1, 2 ** 30, sodium.CRYPTO_PWHASH_ALG_ARGON2ID13)
