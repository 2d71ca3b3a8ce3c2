// Which error crypto.subtle throws for what: as the standard has it, and as Node has it where Node follows the standard.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCases, runNode } from './shell.mjs';
import { prelude } from './subtle_cases.mjs';

const setup = `${prelude}
const raw = new Uint8Array(32).fill(7);
const rsaAlg = { name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) };
const gcm = await subtle.importKey('raw', raw, 'AES-GCM', true, ['encrypt', 'decrypt', 'wrapKey', 'unwrapKey']);
const hidden = await subtle.importKey('raw', raw, 'AES-CBC', false, ['encrypt']);
const cbc = await subtle.importKey('raw', raw, 'AES-CBC', true, ['encrypt', 'decrypt']);
const ctr = await subtle.importKey('raw', raw, 'AES-CTR', true, ['encrypt', 'decrypt']);
const kw = await subtle.importKey('raw', raw, 'AES-KW', true, ['wrapKey', 'unwrapKey']);
const hmac = await subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, true, ['sign', 'verify']);
const hkdf = await subtle.importKey('raw', raw, 'HKDF', false, ['deriveBits', 'deriveKey']);
const pbkdf2 = await subtle.importKey('raw', raw, 'PBKDF2', false, ['deriveBits']);
const rsa = await subtle.generateKey(rsaAlg, true, ['sign', 'verify']);
const oaep = await subtle.generateKey({ ...rsaAlg, name: 'RSA-OAEP' }, true, ['encrypt', 'decrypt']);
const ec = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
const ecdh = await subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits', 'deriveKey']);
const ecdh384 = await subtle.generateKey({ name: 'ECDH', namedCurve: 'P-384' }, true, ['deriveBits', 'deriveKey']);
const ed = await subtle.generateKey('Ed25519', true, ['sign', 'verify']);
const x = await subtle.generateKey('X25519', true, ['deriveBits', 'deriveKey']);
const kem = await subtle.generateKey('ML-KEM-768', true, ['encapsulateBits', 'decapsulateBits']), dsa = await subtle.generateKey('ML-DSA-44', true, ['sign', 'verify']);
const dsaJwk = await subtle.exportKey('jwk', dsa.privateKey), dsaOther = await subtle.exportKey('jwk', (await subtle.generateKey('ML-DSA-44', true, ['sign', 'verify'])).publicKey);
const nonsense = unhex('3082' + '0a14' + '020100' + '300b0609608648016503040311' + '04820a00' + '00'.repeat(2560));
const jwkOf = (key) => subtle.exportKey('jwk', key);
const rsaJwk = await jwkOf(rsa.privateKey), ecJwk = await jwkOf(ec.privateKey), edJwk = await jwkOf(ed.privateKey), aesJwk = await jwkOf(gcm), hmacJwk = await jwkOf(hmac);
const other = await jwkOf((await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])).privateKey);
const spki = new Uint8Array(await subtle.exportKey('spki', ec.publicKey)), pkcs8 = new Uint8Array(await subtle.exportKey('pkcs8', ec.privateKey));
const point = new Uint8Array(await subtle.exportKey('raw', ec.publicKey));
const changed = (bytes, i, x = 1) => { const b = bytes.slice(); b[i < 0 ? b.length + i : i] ^= x; return b; };
const iv = new Uint8Array(12), iv16 = new Uint8Array(16);
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }, es = { name: 'ECDSA', hash: 'SHA-256' };
const results = {};
const attempt = async (name, f) => { try { const v = await f(); results[name] = v === true || v === false ? v : 'fine'; } catch (e) { results[name] = e.name + (e instanceof DOMException ? '' : ' (no DOMException)'); } };
`;

// [what, expression, which error; 'fine' or true or false], in families. `node`: what Node says instead, where it is not the standard's.
const cases = [
  // arguments
  ['no arguments', `subtle.digest()`, 'TypeError'],
  ['one argument of two', `subtle.digest('SHA-256')`, 'TypeError'],
  ['a text as data', `subtle.digest('SHA-256', 'text')`, 'TypeError'],
  ['an array as data', `subtle.digest('SHA-256', [1])`, 'TypeError'],
  ['a DataView as data', `subtle.digest('SHA-256', new DataView(new ArrayBuffer(4), 1))`, 'fine'],
  ['a Float64Array as data', `subtle.digest('SHA-256', new Float64Array(4))`, 'fine'],
  ['a detached buffer', `(() => { const b = new ArrayBuffer(4); structuredClone(b, { transfer: [b] }); return subtle.digest('SHA-1', b); })()`, 'fine'],
  ['a hash that nobody has', `subtle.digest('MD5', raw)`, 'NotSupportedError'],
  ['a hash in small letters', `subtle.digest('sha-256', raw)`, 'fine'],
  ['an algorithm without name', `subtle.digest({}, raw)`, 'TypeError'],
  ['an algorithm that is null', `subtle.digest(null, raw)`, 'NotSupportedError'],
  ['an algorithm that is a symbol', `subtle.digest(Symbol('SHA-256'), raw)`, 'TypeError'],
  ['an algorithm for something else', `subtle.encrypt('HMAC', hmac, raw)`, 'NotSupportedError'],
  ['another this', `subtle.digest.call({}, 'SHA-256', raw)`, 'TypeError'],
  ['a key that is none', `subtle.encrypt({ name: 'AES-GCM', iv }, {}, raw)`, 'TypeError'],
  ['a pair as a key', `subtle.sign(es, ec, raw)`, 'TypeError'],
  ['a format that nobody has', `subtle.exportKey('pem', gcm)`, 'TypeError'],
  ['a usage that nobody has', `subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encode'])`, 'TypeError'],
  ['usages that are no list', `subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, 1)`, 'TypeError'],
  ['usages twice', `subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt', 'encrypt'])`, 'fine'],
  ['usages from an iterator', `subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, new Set(['encrypt']))`, 'fine'],
  ['new SubtleCrypto', `new SubtleCrypto()`, 'TypeError'],
  ['new CryptoKey', `new CryptoKey()`, 'TypeError'],
  ['an attribute of no key', `CryptoKey.prototype.type`, 'TypeError'],
  // generateKey
  ['AES of 100 bits', `subtle.generateKey({ name: 'AES-GCM', length: 100 }, true, ['encrypt'])`, 'OperationError'],
  ['AES of -1 bits', `subtle.generateKey({ name: 'AES-GCM', length: -1 }, true, ['encrypt'])`, 'TypeError'],
  ['AES without length', `subtle.generateKey({ name: 'AES-GCM' }, true, ['encrypt'])`, 'TypeError'],
  ['AES of 2^16 bits', `subtle.generateKey({ name: 'AES-GCM', length: 65536 }, true, ['encrypt'])`, 'TypeError'],
  ['AES to sign', `subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['sign'])`, 'SyntaxError'],
  ['AES for nothing', `subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, [])`, 'SyntaxError'],
  ['HMAC of 0 bits', `subtle.generateKey({ name: 'HMAC', hash: 'SHA-256', length: 0 }, true, ['sign'])`, 'OperationError'],
  ['HMAC without hash', `subtle.generateKey({ name: 'HMAC' }, true, ['sign'])`, 'TypeError'],
  ['HMAC of a hash that nobody has', `subtle.generateKey({ name: 'HMAC', hash: 'MD5' }, true, ['sign'])`, 'NotSupportedError'],
  ['EC on a curve that nobody has', `subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-512' }, true, ['sign'])`, 'NotSupportedError'],
  ['EC whose private key is for nothing', `subtle.generateKey(ecdsa, true, ['verify'])`, 'SyntaxError'],
  ['RSA with an even exponent', `subtle.generateKey({ ...rsaAlg, publicExponent: new Uint8Array([2]) }, true, ['sign'])`, 'OperationError'],
  ['RSA with exponent 1', `subtle.generateKey({ ...rsaAlg, publicExponent: new Uint8Array([1]) }, true, ['sign'])`, 'OperationError'],
  ['RSA of 100 bits', `subtle.generateKey({ ...rsaAlg, modulusLength: 100 }, true, ['sign'])`, 'OperationError'],
  ['RSA whose exponent is an array', `subtle.generateKey({ ...rsaAlg, publicExponent: [1, 0, 1] }, true, ['sign'])`, 'TypeError'],
  ['RSA for nothing', `subtle.generateKey(rsaAlg, true, [])`, 'SyntaxError'],
  // importKey, exportKey
  ['AES of 5 bytes', `subtle.importKey('raw', new Uint8Array(5), 'AES-GCM', true, ['encrypt'])`, 'DataError'],
  ['AES as spki', `subtle.importKey('spki', raw, 'AES-GCM', true, ['encrypt'])`, 'NotSupportedError'],
  ['AES imported for nothing', `subtle.importKey('raw', raw, 'AES-GCM', true, [])`, 'SyntaxError'],
  ['an empty HMAC key', `subtle.importKey('raw', new Uint8Array(0), { name: 'HMAC', hash: 'SHA-1' }, true, ['sign'])`, 'DataError'],
  ['an HMAC key shorter than its length', `subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-1', length: 257 }, true, ['sign'])`, 'DataError'],
  ['HKDF that is extractable', `subtle.importKey('raw', raw, 'HKDF', true, ['deriveBits'])`, 'SyntaxError'],
  ['HKDF to sign', `subtle.importKey('raw', raw, 'HKDF', false, ['sign'])`, 'SyntaxError'],
  ['PBKDF2 as jwk', `subtle.importKey('jwk', aesJwk, 'PBKDF2', false, ['deriveBits'])`, 'NotSupportedError'],
  ['bytes as jwk', `subtle.importKey('jwk', raw, 'AES-GCM', true, ['encrypt'])`, 'TypeError', 'DataError'],
  ['an object as raw', `subtle.importKey('raw', {}, 'AES-GCM', true, ['encrypt'])`, 'TypeError'],
  ['a key that is not extractable', `subtle.exportKey('raw', hidden)`, 'InvalidAccessError'],
  ['HKDF exported', `subtle.exportKey('raw', hkdf)`, 'NotSupportedError'],
  ['a public key as pkcs8', `subtle.exportKey('pkcs8', ec.publicKey)`, 'InvalidAccessError'],
  ['a private key as spki', `subtle.exportKey('spki', ec.privateKey)`, 'InvalidAccessError'],
  ['a private key as raw', `subtle.exportKey('raw', ec.privateKey)`, 'InvalidAccessError', 'NotSupportedError'],
  ['spki cut short', `subtle.importKey('spki', spki.slice(0, -1), ecdsa, true, ['verify'])`, 'DataError'],
  ['spki and more', `subtle.importKey('spki', new Uint8Array([...spki, 0]), ecdsa, true, ['verify'])`, 'DataError', 'fine'],
  ['spki that is empty', `subtle.importKey('spki', new Uint8Array(0), ecdsa, true, ['verify'])`, 'DataError'],
  ['spki of another kind', `subtle.importKey('spki', spki, 'Ed25519', true, ['verify'])`, 'DataError'],
  ['spki on another curve', `subtle.importKey('spki', spki, { ...ecdsa, namedCurve: 'P-384' }, true, ['verify'])`, 'DataError'],
  ['spki whose point is off the curve', `subtle.importKey('spki', changed(spki, -1), ecdsa, true, ['verify'])`, 'DataError'],
  ['pkcs8 whose halves do not fit', `subtle.importKey('pkcs8', changed(pkcs8, -1), ecdsa, true, ['sign'])`, 'DataError'],
  ['pkcs8 as spki', `subtle.importKey('spki', pkcs8, ecdsa, true, ['verify'])`, 'DataError'],
  ['pkcs8 to verify', `subtle.importKey('pkcs8', pkcs8, ecdsa, true, ['verify'])`, 'SyntaxError'],
  ['a point off the curve', `subtle.importKey('raw', changed(point, 5), ecdsa, true, ['verify'])`, 'DataError'],
  ['the point at infinity', `subtle.importKey('raw', new Uint8Array([0]), ecdsa, true, ['verify'])`, 'DataError'],
  ['a point of another length', `subtle.importKey('raw', new Uint8Array(64).fill(4), ecdsa, true, ['verify'])`, 'DataError'],
  ['a compressed point', `subtle.importKey('raw', new Uint8Array([2 + (point[64] & 1), ...point.slice(1, 33)]), ecdsa, true, ['verify'])`, 'fine'],
  ['Ed25519 of 31 bytes', `subtle.importKey('raw', new Uint8Array(31), 'Ed25519', true, ['verify'])`, 'DataError'],
  ['X25519 to verify', `subtle.importKey('raw', raw, 'X25519', true, ['verify'])`, 'SyntaxError'],
  // JSON Web Keys
  ['jwk without kty', `subtle.importKey('jwk', { ...aesJwk, kty: undefined }, 'AES-GCM', true, ['encrypt'])`, 'DataError'],
  ['jwk of another kty', `subtle.importKey('jwk', { ...aesJwk, kty: 'RSA' }, 'AES-GCM', true, ['encrypt'])`, 'DataError'],
  ['jwk without k', `subtle.importKey('jwk', { kty: 'oct' }, 'AES-GCM', true, ['encrypt'])`, 'DataError'],
  ['jwk whose k is no base64url', `subtle.importKey('jwk', { ...aesJwk, k: '!!!!' }, 'AES-GCM', true, ['encrypt'])`, 'DataError'],
  ['jwk of another alg', `subtle.importKey('jwk', { ...aesJwk, alg: 'A256CBC' }, 'AES-GCM', true, ['encrypt'])`, 'DataError'],
  ['jwk without alg', `subtle.importKey('jwk', { ...aesJwk, alg: undefined }, 'AES-GCM', true, ['encrypt'])`, 'fine'],
  ['jwk to sign with', `subtle.importKey('jwk', { ...aesJwk, use: 'sig' }, 'AES-GCM', true, ['encrypt'])`, 'DataError'],
  ['jwk whose key_ops lack the usage', `subtle.importKey('jwk', { ...aesJwk, key_ops: ['decrypt'] }, 'AES-GCM', true, ['encrypt'])`, 'DataError'],
  ['jwk whose key_ops repeat', `subtle.importKey('jwk', { ...aesJwk, key_ops: ['encrypt', 'encrypt'] }, 'AES-GCM', true, ['encrypt'])`, 'DataError'],
  ['jwk whose key_ops are no list', `subtle.importKey('jwk', { ...aesJwk, key_ops: 1 }, 'AES-GCM', true, ['encrypt'])`, 'TypeError'],
  ['jwk that must not be extractable', `subtle.importKey('jwk', { ...aesJwk, ext: false }, 'AES-GCM', true, ['encrypt'])`, 'DataError'],
  ['HMAC jwk of another hash', `subtle.importKey('jwk', hmacJwk, { name: 'HMAC', hash: 'SHA-512' }, true, ['sign'])`, 'DataError'],
  ['RSA jwk without q', `subtle.importKey('jwk', { ...rsaJwk, q: undefined }, rsaAlg, true, ['sign'])`, 'DataError'],
  ['RSA jwk whose d is empty', `subtle.importKey('jwk', { ...rsaJwk, d: '' }, rsaAlg, true, ['sign'])`, 'DataError', 'fine'],
  ['RSA jwk without n', `subtle.importKey('jwk', { ...rsaJwk, n: undefined }, rsaAlg, true, ['sign'])`, 'DataError'],
  ['RSA jwk of another alg', `subtle.importKey('jwk', { ...rsaJwk, alg: 'PS384' }, rsaAlg, true, ['sign'])`, 'DataError'],
  ['RSA jwk whose primes do not fit', `subtle.importKey('jwk', { ...rsaJwk, p: rsaJwk.q, q: rsaJwk.q }, rsaAlg, true, ['sign'])`, 'DataError'],
  ['RSA jwk with even n', `subtle.importKey('jwk', { kty: 'RSA', n: 'gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', e: 'AQAB' }, rsaAlg, true, ['verify'])`, 'DataError', 'fine'],
  ['RSA jwk with n of 1 MB', `subtle.importKey('jwk', { kty: 'RSA', n: 'A'.repeat(1 << 20), e: 'AQAB' }, rsaAlg, true, ['verify'])`, 'DataError', 'fine'],
  ['EC jwk of two keys', `subtle.importKey('jwk', { ...ecJwk, x: other.x, y: other.y }, ecdsa, true, ['sign'])`, 'DataError'],
  ['EC jwk without y', `subtle.importKey('jwk', { ...ecJwk, y: undefined }, ecdsa, true, ['sign'])`, 'DataError'],
  ['EC jwk on another curve', `subtle.importKey('jwk', { ...ecJwk, crv: 'P-384' }, ecdsa, true, ['sign'])`, 'DataError'],
  ['EC jwk whose d is 0', `subtle.importKey('jwk', { ...ecJwk, d: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }, ecdsa, true, ['sign'])`, 'DataError'],
  ['EC jwk whose d is short', `subtle.importKey('jwk', { ...ecJwk, d: 'AQ' }, ecdsa, true, ['sign'])`, 'DataError'],
  ['OKP jwk of two keys', `subtle.importKey('jwk', { ...edJwk, x: hmacJwk.k }, 'Ed25519', true, ['sign'])`, 'DataError'],
  ['OKP jwk of another curve', `subtle.importKey('jwk', { ...edJwk, crv: 'X25519' }, 'Ed25519', true, ['sign'])`, 'DataError'],
  ['OKP jwk of alg EdDSA', `subtle.importKey('jwk', { ...edJwk, alg: 'EdDSA' }, 'Ed25519', true, ['sign'])`, 'fine'],
  ['OKP jwk of another alg', `subtle.importKey('jwk', { ...edJwk, alg: 'ES256' }, 'Ed25519', true, ['sign'])`, 'DataError'],
  // encrypt, decrypt
  ['a key of another algorithm', `subtle.encrypt({ name: 'AES-GCM', iv }, cbc, raw)`, 'InvalidAccessError'],
  ['a key for another use', `subtle.decrypt({ name: 'AES-CBC', iv: iv16 }, hidden, raw)`, 'InvalidAccessError'],
  ['GCM without iv', `subtle.encrypt('AES-GCM', gcm, raw)`, 'TypeError'],
  ['GCM with an odd tag', `subtle.encrypt({ name: 'AES-GCM', iv, tagLength: 100 }, gcm, raw)`, 'OperationError'],
  ['GCM with a tag of 300 bits', `subtle.encrypt({ name: 'AES-GCM', iv, tagLength: 300 }, gcm, raw)`, 'TypeError'],
  ['GCM of less than its tag', `subtle.decrypt({ name: 'AES-GCM', iv }, gcm, new Uint8Array(15))`, 'OperationError'],
  ['GCM that was altered', `subtle.decrypt({ name: 'AES-GCM', iv }, gcm, new Uint8Array(40))`, 'OperationError'],
  ['CBC with an iv of 12', `subtle.encrypt({ name: 'AES-CBC', iv }, cbc, raw)`, 'OperationError'],
  ['CBC of half a block', `subtle.decrypt({ name: 'AES-CBC', iv: iv16 }, cbc, new Uint8Array(8))`, 'OperationError'],
  ['CBC of nothing', `subtle.decrypt({ name: 'AES-CBC', iv: iv16 }, cbc, new Uint8Array(0))`, 'OperationError'],
  ['CBC with wrong padding', `subtle.decrypt({ name: 'AES-CBC', iv: iv16 }, cbc, raw)`, 'OperationError'],
  ['CTR with length 0', `subtle.encrypt({ name: 'AES-CTR', counter: iv16, length: 0 }, ctr, raw)`, 'OperationError'],
  ['CTR with length 129', `subtle.encrypt({ name: 'AES-CTR', counter: iv16, length: 129 }, ctr, raw)`, 'OperationError'],
  ['CTR with a counter of 12', `subtle.encrypt({ name: 'AES-CTR', counter: iv, length: 64 }, ctr, raw)`, 'OperationError'],
  ['CTR whose counter comes round', `subtle.encrypt({ name: 'AES-CTR', counter: iv16, length: 1 }, ctr, new Uint8Array(33))`, 'OperationError'],
  ['CTR of as much as its counter has', `subtle.encrypt({ name: 'AES-CTR', counter: iv16, length: 1 }, ctr, new Uint8Array(32))`, 'fine'],
  ['OAEP of too much', `subtle.encrypt('RSA-OAEP', oaep.publicKey, new Uint8Array(100))`, 'OperationError'],
  ['OAEP of nonsense', `subtle.decrypt('RSA-OAEP', oaep.privateKey, new Uint8Array(128))`, 'OperationError'],
  ['OAEP with the public key', `subtle.decrypt('RSA-OAEP', oaep.publicKey, new Uint8Array(128))`, 'InvalidAccessError'],
  // sign, verify
  ['ECDSA without hash', `subtle.sign('ECDSA', ec.privateKey, raw)`, 'TypeError'],
  ['ECDSA with the public key', `subtle.sign(es, ec.publicKey, raw)`, 'InvalidAccessError'],
  ['ECDSA verified with the private key', `subtle.verify(es, ec.privateKey, raw, raw)`, 'InvalidAccessError'],
  ['an ECDSA signature of another length', `subtle.verify(es, ec.publicKey, new Uint8Array(63), raw)`, false],
  ['an ECDSA signature of zeros', `subtle.verify(es, ec.publicKey, new Uint8Array(64), raw)`, false],
  ['an empty signature', `subtle.verify('Ed25519', ed.publicKey, new Uint8Array(0), raw)`, false],
  ['PSS without salt length', `subtle.sign('RSA-PSS', rsa.privateKey, raw)`, 'TypeError'],
  ['PSS with too much salt', `subtle.sign({ name: 'RSA-PSS', saltLength: 200 }, rsa.privateKey, raw)`, 'OperationError'],
  ['an HMAC of another length', `subtle.verify('HMAC', hmac, new Uint8Array(31), raw)`, false],
  // derive
  ['HKDF without length', `subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: raw, info: raw }, hkdf)`, 'OperationError'],
  ['HKDF of 9 bits', `subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: raw, info: raw }, hkdf, 9)`, 'OperationError'],
  ['HKDF of 0 bits', `subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: raw, info: raw }, hkdf, 0)`, 'fine'],
  ['HKDF of too much', `subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: raw, info: raw }, hkdf, 8 * (255 * 32 + 1))`, 'OperationError'],
  ['HKDF without salt', `subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', info: raw }, hkdf, 8)`, 'TypeError'],
  ['PBKDF2 with no rounds', `subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: raw, iterations: 0 }, pbkdf2, 8)`, 'OperationError'],
  ['PBKDF2 with -1 rounds', `subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: raw, iterations: -1 }, pbkdf2, 8)`, 'TypeError'],
  ['a key from PBKDF2 that is for bits', `subtle.deriveKey({ name: 'PBKDF2', hash: 'SHA-256', salt: raw, iterations: 1 }, pbkdf2, { name: 'AES-GCM', length: 128 }, true, ['encrypt'])`, 'InvalidAccessError'],
  ['a derived key of 100 bits', `subtle.deriveKey({ name: 'HKDF', hash: 'SHA-256', salt: raw, info: raw }, hkdf, { name: 'AES-GCM', length: 100 }, true, ['encrypt'])`, 'OperationError'],
  ['a derived key for nothing', `subtle.deriveKey({ name: 'HKDF', hash: 'SHA-256', salt: raw, info: raw }, hkdf, { name: 'AES-GCM', length: 128 }, true, [])`, 'SyntaxError'],
  ['a derived RSA key', `subtle.deriveKey({ name: 'HKDF', hash: 'SHA-256', salt: raw, info: raw }, hkdf, rsaAlg, true, ['sign'])`, 'NotSupportedError'],
  ['ECDH with a private peer', `subtle.deriveBits({ name: 'ECDH', public: ecdh.privateKey }, ecdh.privateKey, 8)`, 'InvalidAccessError'],
  ['ECDH with another curve', `subtle.deriveBits({ name: 'ECDH', public: ecdh384.publicKey }, ecdh.privateKey, 8)`, 'InvalidAccessError'],
  ['ECDH with a key of ECDSA', `subtle.deriveBits({ name: 'ECDH', public: ec.publicKey }, ecdh.privateKey, 8)`, 'InvalidAccessError'],
  ['ECDH of too much', `subtle.deriveBits({ name: 'ECDH', public: ecdh.publicKey }, ecdh.privateKey, 257)`, 'OperationError'],
  ['ECDH with no key', `subtle.deriveBits({ name: 'ECDH', public: {} }, ecdh.privateKey, 8)`, 'TypeError'],
  ['X25519 with a point of small order', `subtle.importKey('raw', new Uint8Array(32), 'X25519', true, []).then((k) => subtle.deriveBits({ name: 'X25519', public: k }, x.privateKey, 256))`, 'OperationError'],
  ['Ed25519 with a key of small order', `subtle.importKey('raw', new Uint8Array([1, ...new Uint8Array(31)]), 'Ed25519', true, ['verify']).then((k) => subtle.verify('Ed25519', k, new Uint8Array([1, ...new Uint8Array(63)]), raw))`, false],
  // post-quantum keys, public halves
  ['ML-KEM with a ciphertext of another length', `subtle.decapsulateBits('ML-KEM-768', kem.privateKey, raw)`, 'OperationError'],
  ['ML-KEM with a wrong ciphertext gives some secret', `subtle.decapsulateBits('ML-KEM-768', kem.privateKey, new Uint8Array(1088))`, 'fine'],
  ['ML-KEM with the wrong half', `subtle.encapsulateBits('ML-KEM-768', kem.privateKey)`, 'InvalidAccessError'],
  ['ML-KEM of another size', `subtle.encapsulateBits('ML-KEM-512', kem.publicKey)`, 'InvalidAccessError'],
  ['ML-KEM to make a key, for bits', `subtle.encapsulateKey('ML-KEM-768', kem.publicKey, 'AES-GCM', true, ['encrypt'])`, 'InvalidAccessError'],
  ['encapsulating with ECDH', `subtle.encapsulateBits('ECDH', ecdh.publicKey)`, 'NotSupportedError'],
  ['ML-DSA with a long context', `subtle.sign({ name: 'ML-DSA-44', context: new Uint8Array(256) }, dsa.privateKey, raw)`, 'OperationError'],
  ['ML-DSA with a seed of another length', `subtle.importKey('raw-seed', new Uint8Array(31), 'ML-DSA-44', true, ['sign'])`, 'DataError'],
  ['ML-DSA with a public key of another length', `subtle.importKey('raw-public', new Uint8Array(1311), 'ML-DSA-44', true, ['verify'])`, 'DataError'],
  ['ML-DSA as raw', `subtle.exportKey('raw', dsa.publicKey)`, 'NotSupportedError'],
  ['ML-DSA jwk of two keys', `subtle.importKey('jwk', { ...dsaJwk, pub: dsaOther.pub }, 'ML-DSA-44', true, ['sign'])`, 'DataError'],
  ['ML-DSA jwk of another size', `subtle.importKey('jwk', dsaJwk, 'ML-DSA-65', true, ['sign'])`, 'DataError'],
  ['ML-DSA whose private key is nonsense', `subtle.importKey('pkcs8', nonsense, 'ML-DSA-44', true, ['sign'])`, 'DataError'],
  ['the public half of a public key', `subtle.getPublicKey(ec.publicKey, ['verify'])`, 'InvalidAccessError'],
  ['the public half of a secret key', `subtle.getPublicKey(gcm, ['encrypt'])`, 'NotSupportedError'],
  ['a public half to sign with', `subtle.getPublicKey(ec.privateKey, ['sign'])`, 'SyntaxError'],
  // wrap
  ['wrapped with a key that is not for it', `subtle.wrapKey('raw', gcm, cbc, { name: 'AES-CBC', iv: iv16 })`, 'InvalidAccessError'],
  ['a key that is not extractable, wrapped', `subtle.wrapKey('raw', hidden, kw, 'AES-KW')`, 'InvalidAccessError'],
  ['a key of HKDF, wrapped', `subtle.wrapKey('raw', hkdf, kw, 'AES-KW')`, 'NotSupportedError'],
  ['wrapped bytes that are nonsense', `subtle.unwrapKey('raw', new Uint8Array(40), kw, 'AES-KW', 'AES-GCM', true, ['encrypt'])`, 'OperationError'],
  ['wrapped bytes of another length', `subtle.unwrapKey('raw', new Uint8Array(41), kw, 'AES-KW', 'AES-GCM', true, ['encrypt'])`, 'OperationError'],
  ['wrapped text that is no jwk', `subtle.encrypt({ name: 'AES-GCM', iv }, gcm, text('not json')).then((w) => subtle.unwrapKey('jwk', w, gcm, { name: 'AES-GCM', iv }, 'AES-GCM', true, ['encrypt']))`, 'DataError'],
];

const body = cases.map(([name, expression]) => `await attempt(${JSON.stringify(name)}, async () => ${expression});`).join('\n');
const named = (want) => (want === 'TypeError' ? 'TypeError (no DOMException)' : want);
const ours = runCases(`${setup}${body}\nshow('results', results);`).results;

for (const [name, , want] of cases) test(name, () => assert.equal(ours[name], named(want)));

test('Node says the same, but for what it does otherwise', () => {
  const result = runNode(`${setup}${body}\nconsole.log(JSON.stringify(results));`);
  assert.equal(result.status, 0, result.stderr);
  const theirs = JSON.parse(result.stdout);
  const wanted = Object.fromEntries(cases.map(([name, , want, node = want]) => [name, named(node)]));
  assert.deepEqual(theirs, wanted);
});
