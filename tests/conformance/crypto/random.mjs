// Behaviour: getRandomValues fills, randomUUID is version 4
// Spec: Web Cryptography, Crypto
// Covers: crypto, Crypto
// Expect: value [true,true,true]
const a = crypto.getRandomValues(new Uint8Array(32));
export default [a.some((b) => b), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()), crypto instanceof Crypto];
