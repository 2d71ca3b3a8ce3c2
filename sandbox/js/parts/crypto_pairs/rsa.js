// RSASSA-PKCS1-v1_5, RSA-PSS, RSA-OAEP (RFC 8017).
import { arrayBufferByteLength, clz32 } from '../../primordials.js';
import {
  access,
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
  needs,
  notSupported,
  onlyUsages,
  operation,
  register,
  SIGN,
  source,
  syntax,
  toBytes,
  toHash,
  toLong,
  UNWRAP,
  VERIFY,
  WRAP,
} from '../crypto/index.js';

const KIND = 0; // of crypto_der.cc
const PKCS1 = 0;
const PSS = 1;
// As native code has them (crypto_rsa.cc).
const BITS_LEAST = 256;
const BITS_MOST = 16384;
const EXPONENT_BITS_MOST = 64;
const partNames = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'];

function toBigInteger(value, what) {
  if (typeof value !== 'object' || natives.source(value) === 0)
    throw new TypeError(`${what} must be a Uint8Array`);
  return toBytes(value, what);
}
const generateParameters = [['modulusLength', toLong, true], ['publicExponent', toBigInteger, true], ['hash', toHash, true]];
const importParameters = [['hash', toHash, true]];

// Bits of a big-endian number, without zeros in front.
function bitsOf(n) {
  const view = new Uint8Array(n);
  const bytes = arrayBufferByteLength(n);
  for (let i = 0; i < bytes; i++) if (view[i] !== 0) return (bytes - i) * 8 - (clz32(view[i]) - 24);
  return 0;
}

// What no key can be made of, known before one is tried: the standard tells this before it looks at usages.
function checkParameters(name, bits, exponent) {
  if (bits < BITS_LEAST || bits > BITS_MOST)
    operation(`${name}: modulusLength must be from ${BITS_LEAST} to ${BITS_MOST}, found ${bits}`);
  const used = bitsOf(exponent);
  const view = new Uint8Array(exponent);
  if (used < 2 || used > EXPONENT_BITS_MOST || !(view[arrayBufferByteLength(exponent) - 1] & 1))
    operation(`${name}: publicExponent must be odd, more than 1, and at most ${EXPONENT_BITS_MOST} bits long`);
}

function keyOf(name, type, handle, hash, extractable, set) {
  const { 0: n, 1: publicExponent } = natives.rsaParts(handle, false);
  const algorithm = { __proto__: null, name, modulusLength: bitsOf(n), publicExponent, hash };
  return makeKey(type, handle, algorithm, extractable, set);
}

function importJwk(jwk, use, alg, extractable, set, publicUsages, privateUsages) {
  const isPrivate = jwk.d !== undefined;
  onlyUsages(set, isPrivate ? privateUsages : publicUsages);
  checkJwk(jwk, 'RSA', use, extractable, set);
  checkAlg(jwk, alg);
  if (jwk.oth !== undefined) notSupported('JSON Web Key: RSA keys with more than two primes are not supported');
  const parts = { __proto__: null };
  const count = isPrivate ? 8 : 2;
  for (let i = 0; i < count; i++) parts[partNames[i]] = member(jwk, partNames[i]);
  const { n, e, d, p, q, dp, dq, qi } = parts;
  return isPrivate ? natives.rsaImport(n, e, d, p, q, dp, dq, qi) : natives.rsaImport(n, e);
}

function rsa(name, use, jwkName, publicUsages, privateUsages, dictionaries, functions) {
  const implementation = {
    __proto__: null,
    generateKey({ modulusLength, publicExponent, hash }, extractable, set) {
      onlyUsages(set, publicUsages | privateUsages);
      checkParameters(name, modulusLength, publicExponent);
      if (!(set & privateUsages)) syntax(`${name}: a private key without usages would be of no use`);
      const pair = natives.rsaGenerate(modulusLength, publicExponent);
      const { 0: open, 1: secret } = done(pair, `${name}: no key of these parameters can be made`);
      return {
        __proto__: null,
        publicKey: keyOf(name, 'public', open, hash, true, set & publicUsages),
        privateKey: keyOf(name, 'private', secret, hash, extractable, set & privateUsages),
      };
    },
    importKey(format, keyData, { hash }, extractable, set) {
      let type = format === 'spki' ? 'public' : 'private';
      let handle;
      if (format === 'jwk') {
        if (keyData.d === undefined) type = 'public';
        handle = importJwk(keyData, use, jwkName(hash), extractable, set, publicUsages, privateUsages);
      } else {
        onlyUsages(set, type === 'public' ? publicUsages : privateUsages);
        handle = natives.importDer(KIND, type === 'private', keyData);
      }
      if (handle === null) data(`${name}: the ${format} is not an RSA key`);
      return keyOf(name, type, handle, hash, extractable, set);
    },
    exportKey(format, key) {
      const isPrivate = key.type === 'private';
      if (format !== 'jwk') {
        if (isPrivate !== (format === 'pkcs8'))
          access(`${name}: a ${key.type} key cannot be exported as ${format}`);
        return done(natives.exportDer(KIND, isPrivate, key.handle), `${name}: the key cannot be exported`);
      }
      const numbers = done(natives.rsaParts(key.handle, isPrivate), `${name}: the key cannot be exported`);
      const jwk = { __proto__: null, alg: jwkName(key.algorithm.hash), kty: 'RSA' };
      for (let i = 0; i < numbers.length; i++) jwk[partNames[i]] = encode(numbers[i]);
      return jwk;
    },
    publicKey(key, set) {
      onlyUsages(set, publicUsages);
      const { 0: n, 1: e } = natives.rsaParts(key.handle, false);
      const handle = done(natives.rsaImport(n, e), `${name}: no public key could be made`);
      return keyOf(name, 'public', handle, key.algorithm.hash, true, set);
    },
    formats: ['spki', 'pkcs8', 'jwk'],
    ...functions,
  };
  const operations = { __proto__: null, generateKey: generateParameters, importKey: importParameters, exportKey: [], ...dictionaries };
  register(name, operations, implementation);
}

const numbered = (prefix) => (hash) => (hash.jwk === undefined ? undefined : `${prefix}${hash.jwk}`);

const signer = (padding) => ({
  sign({ saltLength = 0 }, key, bytes) {
    needs(key, 'private');
    const { name, hash } = key.algorithm;
    return done(natives.rsaSign(key.handle, padding, hash.id, saltLength, bytes), `${name}: signing failed`);
  },
  verify({ saltLength = 0 }, key, signature, bytes) {
    needs(key, 'public');
    return natives.rsaVerify(key.handle, padding, key.algorithm.hash.id, saltLength, signature, bytes);
  },
});
const pss = [['saltLength', toLong, true]];
rsa('RSASSA-PKCS1-v1_5', 'sig', numbered('RS'), VERIFY, SIGN, { sign: [], verify: [] }, signer(PKCS1));
rsa('RSA-PSS', 'sig', numbered('PS'), VERIFY, SIGN, { sign: pss, verify: pss }, signer(PSS));

const oaep = [source('label', false)];
const oaepName = (hash) =>
  hash.jwk === undefined ? undefined : hash.jwk === '1' ? 'RSA-OAEP' : `RSA-OAEP-${hash.jwk}`;
rsa('RSA-OAEP', 'enc', oaepName, ENCRYPT | WRAP, DECRYPT | UNWRAP, { encrypt: oaep, decrypt: oaep }, {
  encrypt({ label }, key, bytes) {
    needs(key, 'public');
    return done(natives.rsaEncrypt(key.handle, key.algorithm.hash.id, label, bytes), 'RSA-OAEP: encrypting failed');
  },
  decrypt({ label }, key, bytes) {
    needs(key, 'private');
    return done(natives.rsaDecrypt(key.handle, key.algorithm.hash.id, label, bytes), 'RSA-OAEP: decrypting failed');
  },
});
