// AES-CTR, AES-CBC, AES-GCM, AES-KW (SP 800-38A, 38D, 38F; RFC 3394).
import { arrayBufferByteLength } from '../../primordials.js';
import {
  checkAlg,
  checkJwk,
  data,
  DECRYPT,
  done,
  encode,
  ENCRYPT,
  makeKey,
  member,
  natives,
  onlyUsages,
  operation,
  register,
  source,
  toOctet,
  toShort,
  UNWRAP,
  WRAP,
} from '../crypto/index.js';

const BLOCK = 16;
const length = [['length', toShort, true]];

function checkLength(bits) {
  if (bits !== 128 && bits !== 192 && bits !== 256)
    operation(`AES: length must be 128, 192 or 256, found ${bits}`);
  return bits;
}

function aes(name, jwkName, usages, dictionaries, functions) {
  const keyOf = (handle, bits, extractable, set) =>
    makeKey('secret', handle, { __proto__: null, name, length: bits }, extractable, set);
  const implementation = {
    __proto__: null,
    generateKey(algorithm, extractable, set) {
      onlyUsages(set, usages);
      const bits = checkLength(algorithm.length);
      const handle = natives.secretRandom(bits / 8, 0);
      return keyOf(done(handle, `${name}: no key could be made`), bits, extractable, set);
    },
    importKey(format, keyData, algorithm, extractable, set) {
      onlyUsages(set, usages);
      const bytes = format === 'jwk' ? fromJwk(keyData, jwkName, extractable, set) : keyData;
      const bits = arrayBufferByteLength(bytes) * 8;
      if (bits !== 128 && bits !== 192 && bits !== 256)
        data(`${name}: a key must have 128, 192 or 256 bits, found ${bits}`);
      if (format === 'jwk') checkAlg(keyData, `A${bits}${jwkName}`);
      return keyOf(natives.secret(bytes), bits, extractable, set);
    },
    exportKey(format, key) {
      const bytes = natives.secretBytes(key.handle);
      if (format === 'raw') return bytes;
      const alg = `A${key.algorithm.length}${jwkName}`;
      return { __proto__: null, alg, k: encode(bytes), kty: 'oct' };
    },
    rawName: 'raw-secret',
    formats: ['raw', 'jwk'],
    keyLength: (algorithm) => checkLength(algorithm.length),
    ...functions,
  };
  const operations = { __proto__: null, generateKey: length, importKey: [], exportKey: [], 'get key length': length, ...dictionaries };
  register(name, operations, implementation);
}

function fromJwk(jwk, jwkName, extractable, set) {
  checkJwk(jwk, 'oct', 'enc', extractable, set);
  return member(jwk, 'k');
}

const wrapping = WRAP | UNWRAP;
const crypting = ENCRYPT | DECRYPT | wrapping;
const failed = (name) => `${name}: the operation failed`;

// ---- AES-CTR
const ctr = [source('counter'), ['length', toOctet, true]];
function ctrBoth({ counter, length: bits }, key, bytes) {
  if (arrayBufferByteLength(counter) !== BLOCK) operation('AES-CTR: counter must be 16 bytes');
  if (bits === 0 || bits > 128) operation('AES-CTR: length must be from 1 to 128');
  return done(natives.aesCtr(key.handle, counter, bits, bytes), failed('AES-CTR'));
}
aes('AES-CTR', 'CTR', crypting, { encrypt: ctr, decrypt: ctr }, { encrypt: ctrBoth, decrypt: ctrBoth });

// ---- AES-CBC
const cbc = [source('iv')];
const cbcOne = (encrypt) => ({ iv }, key, bytes) => {
  if (arrayBufferByteLength(iv) !== BLOCK) operation('AES-CBC: iv must be 16 bytes');
  return done(natives.aesCbc(encrypt, key.handle, iv, bytes), failed('AES-CBC'));
};
aes('AES-CBC', 'CBC', crypting, { encrypt: cbc, decrypt: cbc }, { encrypt: cbcOne(true), decrypt: cbcOne(false) });

// ---- AES-GCM
const gcm = [source('additionalData', false), source('iv'), ['tagLength', toOctet, false]];
function tagBytes(bits = 128) {
  if (bits === 32 || bits === 64 || (bits >= 96 && bits <= 128 && bits % 8 === 0)) return bits / 8;
  return operation(`AES-GCM: tagLength must be 32, 64, 96, 104, 112, 120 or 128, found ${bits}`);
}
const gcmOne = (encrypt) => ({ iv, additionalData, tagLength }, key, bytes) =>
  done(natives.aesGcm(encrypt, key.handle, iv, additionalData, tagBytes(tagLength), bytes), failed('AES-GCM'));
aes('AES-GCM', 'GCM', crypting, { encrypt: gcm, decrypt: gcm }, { encrypt: gcmOne(true), decrypt: gcmOne(false) });

// ---- AES-KW
aes('AES-KW', 'KW', wrapping, { wrapKey: [], unwrapKey: [] }, {
  wrapKey: (algorithm, key, bytes) => done(natives.aesKw(true, key.handle, bytes), failed('AES-KW')),
  unwrapKey: (algorithm, key, bytes) => done(natives.aesKw(false, key.handle, bytes), failed('AES-KW')),
});
