// expect: cpu_exceeded
// limits: cpu_ms=150 heap_mb=256 memory_mb=512 wall_ms=20000
console.log("before");
sodium.cryptoPwhash(32, new Uint8Array(8), new Uint8Array(16), 64, 6e7, sodium.CRYPTO_PWHASH_ALG_ARGON2ID13)
