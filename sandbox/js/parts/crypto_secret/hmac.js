// HMAC (RFC 2104).
import { arrayBufferByteLength, ceil } from '../../primordials.js';
import {
  checkAlg,
  checkJwk,
  data,
  done,
  encode,
  makeKey,
  member,
  natives,
  onlyUsages,
  operation,
  register,
  SIGN,
  toHash,
  toLong,
  VERIFY,
} from '../crypto/index.js';

const usages = SIGN | VERIFY;
const parameters = [['hash', toHash, true], ['length', toLong, false]];
const jwkName = (hash) => (hash.jwk === undefined ? undefined : `HS${hash.jwk}`);

const keyOf = (handle, hash, length, extractable, set) =>
  makeKey('secret', handle, { __proto__: null, name: 'HMAC', length, hash }, extractable, set);

// Bits of the last byte beyond the key's length are nothing.
function cut(bytes, bits) {
  const spare = arrayBufferByteLength(bytes) * 8 - bits;
  if (spare > 0) {
    const view = new Uint8Array(bytes);
    view[(bits - (bits % 8)) / 8] &= 0xff << spare;
  }
  return bytes;
}

const implementation = {
  __proto__: null,
  generateKey({ hash, length = hash.block }, extractable, set) {
    onlyUsages(set, usages);
    if (length === 0) operation('HMAC: length must not be 0');
    const bytes = ceil(length / 8);
    const handle = natives.secretRandom(bytes, bytes * 8 - length);
    return keyOf(done(handle, `HMAC: no key of ${length} bits can be made`), hash, length, extractable, set);
  },
  importKey(format, keyData, { hash, length }, extractable, set) {
    onlyUsages(set, usages);
    let bytes = keyData;
    if (format === 'jwk') {
      checkJwk(keyData, 'oct', 'sig', extractable, set);
      bytes = member(keyData, 'k');
      checkAlg(keyData, jwkName(hash));
    }
    const bits = arrayBufferByteLength(bytes) * 8;
    if (bits === 0) data('HMAC: a key must not be empty');
    if (length !== undefined && (length > bits || length <= bits - 8))
      data(`HMAC: length says ${length} bits, the key has ${bits}`);
    const used = length ?? bits;
    return keyOf(natives.secret(cut(bytes, used)), hash, used, extractable, set);
  },
  exportKey(format, key) {
    const bytes = natives.secretBytes(key.handle);
    if (format === 'raw') return bytes;
    return { __proto__: null, alg: jwkName(key.algorithm.hash), k: encode(bytes), kty: 'oct' };
  },
  rawName: 'raw-secret',
  formats: ['raw', 'jwk'],
  keyLength({ hash, length }) {
    if (length === 0) throw new TypeError('HMAC: length must not be 0');
    return length ?? hash.block;
  },
  sign: (algorithm, key, bytes) =>
    done(natives.hmac(key.algorithm.hash.id, key.handle, bytes), 'HMAC failed'),
  verify: (algorithm, key, signature, bytes) =>
    natives.hmacVerify(key.algorithm.hash.id, key.handle, signature, bytes),
};

register('HMAC', {
  __proto__: null,
  generateKey: parameters,
  importKey: parameters,
  exportKey: [],
  'get key length': parameters,
  sign: [],
  verify: [],
}, implementation);
