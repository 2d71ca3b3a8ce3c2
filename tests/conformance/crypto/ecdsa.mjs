// Behaviour: ECDSA signs and verifies, by JWK
// Spec: Web Cryptography, ECDSA
// Covers: crypto
// Expect: value [true,false,"P-256"]
const a = { name: 'ECDSA', namedCurve: 'P-256' }, s = { name: 'ECDSA', hash: 'SHA-256' }, m = new Uint8Array([1]);
const { publicKey, privateKey } = await crypto.subtle.generateKey(a, true, ['sign', 'verify']); const sig = await crypto.subtle.sign(s, privateKey, m);
const jwk = await crypto.subtle.exportKey('jwk', publicKey), again = await crypto.subtle.importKey('jwk', jwk, a, true, ['verify']);
export default [await crypto.subtle.verify(s, again, sig, m), await crypto.subtle.verify(s, again, sig, new Uint8Array([2])), jwk.crv];
