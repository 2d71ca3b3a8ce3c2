// Behaviour: SHA-256 of "abc"
// Spec: Web Cryptography, digest; FIPS 180-4
// Covers: crypto
// Expect: value "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
const d = await crypto.subtle.digest('SHA-256', new TextEncoder().encode('abc'));
export default new Uint8Array(d).toHex();
