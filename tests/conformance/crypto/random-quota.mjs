// Behaviour: more than 65536 bytes at once are refused
// Spec: Web Cryptography, getRandomValues
// Covers: crypto
// Expect: error QuotaExceededError /./
crypto.getRandomValues(new Uint8Array(65537));
