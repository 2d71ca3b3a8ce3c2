// Behaviour: a key that is not extractable stays
// Spec: Web Cryptography, exportKey
// Covers: crypto
// Expect: error InvalidAccessError /./
const key = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
await crypto.subtle.exportKey('raw', key);
