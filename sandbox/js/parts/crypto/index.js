// crypto.subtle (Web Cryptography): the methods. Kinds of keys and operations are one file each, which
// register themselves with normalize.js.
//
// How this works: everything happens in the call, so an argument that changes later changes nothing, and what
// comes of it settles a promise. The order of checks is the standard's, for which error is thrown shows it.
// Where the standard says "get a copy of the bytes" none is made: from there on no code of the script's runs until
// the operation is done (reading the algorithm, which may run some, comes before).
import { arrayIndexOf } from '../../primordials.js';
import { shapeInterface } from '../interface.js';
import './sha.js';
import { jwkObject, jwkOf, jwkText, parseJwk, toJwk } from './jwk.js';
import {
  CryptoKey,
  DECAPSULATE_BITS,
  DECAPSULATE_KEY,
  DECRYPT,
  DERIVE_BITS,
  DERIVE_KEY,
  ENCAPSULATE_BITS,
  ENCAPSULATE_KEY,
  ENCRYPT,
  SIGN,
  UNWRAP,
  VERIFY,
  WRAP,
  isCryptoKey,
  slots,
  toKey,
  usageBit,
} from './key.js';
import { normalize, rowOf } from './normalize.js';
import {
  access,
  bytesOf,
  isObject,
  natives,
  notSupported,
  promised,
  syntax,
  toLong,
  toSequence,
  toSource,
  toText,
} from './webidl.js';

const formats = ['raw', 'spki', 'pkcs8', 'jwk', 'raw-public', 'raw-seed', 'raw-secret'];

function toFormat(value) {
  const format = toText(value, 'format');
  if (arrayIndexOf(formats, format) < 0)
    throw new TypeError(
      `format must be raw, raw-public, raw-seed, raw-secret, spki, pkcs8 or jwk, found '${format}'`,
    );
  return format;
}

function toUsages(value) {
  const bits = toSequence(value, 'keyUsages', (item, what) => usageBit(toText(item, what), what));
  let set = 0;
  for (let i = 0; i < bits.length; i++) set |= bits[i];
  return set;
}

const toAlgorithm = (value, what) => (isObject(value) ? value : toText(value, what));

// The slots of a key that this algorithm and this use are for.
function keyFor(key, algorithm, usage, name) {
  const own = slots(key);
  if (own.algorithm.name !== algorithm.name)
    access(`the key is one of ${own.algorithm.name}, not of ${algorithm.name}`);
  if (!(own.usages & usage)) access(`the key must not be used for ${name}`);
  return own;
}

function crypt(operation, usage, algorithm, key, value) {
  toKey(key, 'key');
  toSource(value, 'data');
  const normalized = normalize(algorithm, operation);
  return normalized.row[operation](normalized, keyFor(key, normalized, usage, operation), value);
}

function needsUsages(key) {
  const { type, usages } = slots(key);
  if (type !== 'public' && usages === 0)
    syntax(`a ${type} key without usages would be of no use`);
  return key;
}

// The format by the name that the row has for it: raw is also called for what kind of key it is.
function formatOf(row, format, name) {
  const known = format === row.rawName ? 'raw' : format;
  if (arrayIndexOf(row.formats, known) < 0) notSupported(`keys of ${name} have no format '${format}'`);
  return known;
}

function importAny(format, bytes, normalized, extractable, usages) {
  const known = formatOf(normalized.row, format, normalized.name);
  return needsUsages(normalized.row.importKey(known, bytes, normalized, extractable, usages));
}

// The key as bytes, or what jwkOf() gives.
function exportAny(format, key) {
  const row = rowOf(key);
  if (row.exportKey === undefined) notSupported(`keys of ${key.algorithm.name} cannot be exported`);
  if (!key.extractable) access('the key is not extractable');
  const made = row.exportKey(formatOf(row, format, key.algorithm.name), key);
  return format === 'jwk' ? jwkOf(made, key) : made;
}

function encapsulate(algorithm, key, usage, name) {
  const normalized = normalize(algorithm, 'encapsulate');
  return normalized.row.encapsulate(normalized, keyFor(key, normalized, usage, name));
}

function decapsulate(algorithm, key, ciphertext, usage, name) {
  const normalized = normalize(algorithm, 'decapsulate');
  return normalized.row.decapsulate(normalized, keyFor(key, normalized, usage, name), ciphertext);
}

function derived(normalized, baseKey, usage, name, length) {
  const key = keyFor(baseKey, normalized, usage, name);
  return normalized.row.deriveBits(normalized, key, length);
}

// For wrapping: the operation of its own if the algorithm has one, else the one for data.
function normalizeEither(algorithm, first, second) {
  let error;
  try {
    return { __proto__: null, operation: first, normalized: normalize(algorithm, first) };
  } catch (e) {
    error = e;
  }
  try {
    return { __proto__: null, operation: second, normalized: normalize(algorithm, second) };
  } catch {
    throw error;
  }
}

let constructing = false;

let isSubtle;

// One method: a promise of what f gives.
const run = (subtle, given, needed, method, f) =>
  promised(() => {
    if (!isSubtle(subtle)) throw new TypeError('Illegal invocation');
    if (given < needed)
      throw new TypeError(`${method}: ${needed} arguments are needed, found ${given}`);
    return f();
  });

export class SubtleCrypto {
  #brand;
  constructor() {
    if (!constructing) throw new TypeError('Illegal constructor');
  }
  static {
    isSubtle = (value) => isObject(value) && #brand in value;
  }
  encrypt(algorithm, key, data) {
    return run(this, arguments.length, 3, 'encrypt', () =>
      crypt('encrypt', ENCRYPT, toAlgorithm(algorithm, 'algorithm'), key, data));
  }
  decrypt(algorithm, key, data) {
    return run(this, arguments.length, 3, 'decrypt', () =>
      crypt('decrypt', DECRYPT, toAlgorithm(algorithm, 'algorithm'), key, data));
  }
  sign(algorithm, key, data) {
    return run(this, arguments.length, 3, 'sign', () =>
      crypt('sign', SIGN, toAlgorithm(algorithm, 'algorithm'), key, data));
  }
  verify(algorithm, key, signature, data) {
    return run(this, arguments.length, 4, 'verify', () => {
      const named = toAlgorithm(algorithm, 'algorithm');
      toKey(key, 'key');
      toSource(signature, 'signature');
      toSource(data, 'data');
      const normalized = normalize(named, 'verify');
      return normalized.row.verify(normalized, keyFor(key, normalized, VERIFY, 'verify'), signature, data);
    });
  }
  digest(algorithm, data) {
    return run(this, arguments.length, 2, 'digest', () => {
      const named = toAlgorithm(algorithm, 'algorithm');
      toSource(data, 'data');
      const normalized = normalize(named, 'digest');
      return normalized.row.digest(normalized, data);
    });
  }
  generateKey(algorithm, extractable, keyUsages) {
    return run(this, arguments.length, 3, 'generateKey', () => {
      const named = toAlgorithm(algorithm, 'algorithm');
      const usages = toUsages(keyUsages);
      const normalized = normalize(named, 'generateKey');
      const made = normalized.row.generateKey(normalized, !!extractable, usages);
      if (isCryptoKey(made)) return needsUsages(made);
      needsUsages(made.privateKey);
      return { publicKey: made.publicKey, privateKey: made.privateKey };
    });
  }
  deriveKey(algorithm, baseKey, derivedKeyType, extractable, keyUsages) {
    return run(this, arguments.length, 5, 'deriveKey', () => {
      const named = toAlgorithm(algorithm, 'algorithm');
      toKey(baseKey, 'baseKey');
      const wanted = toAlgorithm(derivedKeyType, 'derivedKeyType');
      const usages = toUsages(keyUsages);
      const normalized = normalize(named, 'deriveBits');
      const target = normalize(wanted, 'importKey');
      const lengthOf = normalize(wanted, 'get key length');
      const key = keyFor(baseKey, normalized, DERIVE_KEY, 'deriveKey');
      const length = lengthOf.row.keyLength(lengthOf);
      const secret = normalized.row.deriveBits(normalized, key, length);
      return importAny('raw', secret, target, !!extractable, usages);
    });
  }
  deriveBits(algorithm, baseKey, length = null) {
    return run(this, arguments.length, 2, 'deriveBits', () => {
      const named = toAlgorithm(algorithm, 'algorithm');
      toKey(baseKey, 'baseKey');
      const bits = length === null ? null : toLong(length, 'length');
      return derived(normalize(named, 'deriveBits'), baseKey, DERIVE_BITS, 'deriveBits', bits);
    });
  }
  importKey(format, keyData, algorithm, extractable, keyUsages) {
    return run(this, arguments.length, 5, 'importKey', () => {
      const kind = toFormat(format);
      const isBytes = natives.source(keyData) !== 0;
      const given = isBytes ? toSource(keyData, 'keyData') : toJwk(keyData, 'keyData');
      const named = toAlgorithm(algorithm, 'algorithm');
      const usages = toUsages(keyUsages);
      if (isBytes === (kind === 'jwk'))
        throw new TypeError(`keyData must be ${isBytes ? 'a JSON Web Key' : 'bytes'} for the format '${kind}'`);
      const normalized = normalize(named, 'importKey');
      return importAny(kind, isBytes ? bytesOf(given) : given, normalized, !!extractable, usages);
    });
  }
  exportKey(format, key) {
    return run(this, arguments.length, 2, 'exportKey', () => {
      const kind = toFormat(format);
      const made = exportAny(kind, slots(toKey(key, 'key')));
      return kind === 'jwk' ? jwkObject(made) : made;
    });
  }
  wrapKey(format, key, wrappingKey, wrapAlgorithm) {
    return run(this, arguments.length, 4, 'wrapKey', () => {
      const kind = toFormat(format);
      toKey(key, 'key');
      toKey(wrappingKey, 'wrappingKey');
      const named = toAlgorithm(wrapAlgorithm, 'wrapAlgorithm');
      const { normalized, operation } = normalizeEither(named, 'wrapKey', 'encrypt');
      const wrapping = keyFor(wrappingKey, normalized, WRAP, 'wrapKey');
      const made = exportAny(kind, slots(key));
      return normalized.row[operation](normalized, wrapping, kind === 'jwk' ? jwkText(made) : made);
    });
  }
  unwrapKey(format, wrappedKey, unwrappingKey, unwrapAlgorithm, unwrappedKeyAlgorithm, extractable, keyUsages) {
    return run(this, arguments.length, 7, 'unwrapKey', () => {
      const kind = toFormat(format);
      toSource(wrappedKey, 'wrappedKey');
      toKey(unwrappingKey, 'unwrappingKey');
      const named = toAlgorithm(unwrapAlgorithm, 'unwrapAlgorithm');
      const wanted = toAlgorithm(unwrappedKeyAlgorithm, 'unwrappedKeyAlgorithm');
      const usages = toUsages(keyUsages);
      const { normalized, operation } = normalizeEither(named, 'unwrapKey', 'decrypt');
      const target = normalize(wanted, 'importKey');
      const unwrapping = keyFor(unwrappingKey, normalized, UNWRAP, 'unwrapKey');
      const bytes = normalized.row[operation](normalized, unwrapping, wrappedKey);
      return importAny(kind, kind === 'jwk' ? parseJwk(bytes, 'key') : bytes, target, !!extractable, usages);
    });
  }
  getPublicKey(key, keyUsages) {
    return run(this, arguments.length, 2, 'getPublicKey', () => {
      const own = slots(toKey(key, 'key'));
      const usages = toUsages(keyUsages);
      const row = rowOf(own);
      if (row.publicKey === undefined) notSupported(`keys of ${own.algorithm.name} have no public half`);
      if (own.type !== 'private') access(`a private key is needed, found a ${own.type} one`);
      return row.publicKey(own, usages);
    });
  }
  encapsulateKey(encapsulationAlgorithm, encapsulationKey, sharedKeyAlgorithm, extractable, keyUsages) {
    return run(this, arguments.length, 5, 'encapsulateKey', () => {
      const named = toAlgorithm(encapsulationAlgorithm, 'encapsulationAlgorithm');
      toKey(encapsulationKey, 'encapsulationKey');
      const wanted = toAlgorithm(sharedKeyAlgorithm, 'sharedKeyAlgorithm');
      const usages = toUsages(keyUsages);
      const target = normalize(wanted, 'importKey');
      const made = encapsulate(named, encapsulationKey, ENCAPSULATE_KEY, 'encapsulateKey');
      const sharedKey = importAny('raw-secret', made.sharedKey, target, !!extractable, usages);
      return { sharedKey, ciphertext: made.ciphertext };
    });
  }
  encapsulateBits(encapsulationAlgorithm, encapsulationKey) {
    return run(this, arguments.length, 2, 'encapsulateBits', () => {
      const named = toAlgorithm(encapsulationAlgorithm, 'encapsulationAlgorithm');
      toKey(encapsulationKey, 'encapsulationKey');
      const made = encapsulate(named, encapsulationKey, ENCAPSULATE_BITS, 'encapsulateBits');
      return { sharedKey: made.sharedKey, ciphertext: made.ciphertext };
    });
  }
  decapsulateKey(decapsulationAlgorithm, decapsulationKey, ciphertext, sharedKeyAlgorithm, extractable, keyUsages) {
    return run(this, arguments.length, 6, 'decapsulateKey', () => {
      const named = toAlgorithm(decapsulationAlgorithm, 'decapsulationAlgorithm');
      toKey(decapsulationKey, 'decapsulationKey');
      toSource(ciphertext, 'ciphertext');
      const wanted = toAlgorithm(sharedKeyAlgorithm, 'sharedKeyAlgorithm');
      const usages = toUsages(keyUsages);
      const target = normalize(wanted, 'importKey');
      const secret = decapsulate(named, decapsulationKey, ciphertext, DECAPSULATE_KEY, 'decapsulateKey');
      return importAny('raw-secret', secret, target, !!extractable, usages);
    });
  }
  decapsulateBits(decapsulationAlgorithm, decapsulationKey, ciphertext) {
    return run(this, arguments.length, 3, 'decapsulateBits', () => {
      const named = toAlgorithm(decapsulationAlgorithm, 'decapsulationAlgorithm');
      toKey(decapsulationKey, 'decapsulationKey');
      toSource(ciphertext, 'ciphertext');
      return decapsulate(named, decapsulationKey, ciphertext, DECAPSULATE_BITS, 'decapsulateBits');
    });
  }
}
shapeInterface(SubtleCrypto, 'SubtleCrypto');

function only() {
  constructing = true;
  try {
    return new SubtleCrypto();
  } finally {
    constructing = false;
  }
}
export const subtle = only();
export { CryptoKey };

export function rehearse() {
  subtle.digest('SHA-256', new Uint8Array(3));
}

// For the parts with the kinds of keys.
export { checkAlg, checkJwk, encode, member } from './jwk.js';
export { makeKey, needs, onlyUsages, slots, toKey } from './key.js';
export { ENCRYPT, DECRYPT, SIGN, VERIFY, DERIVE_KEY, DERIVE_BITS, WRAP, UNWRAP } from './key.js';
export { ENCAPSULATE_KEY, ENCAPSULATE_BITS, DECAPSULATE_KEY, DECAPSULATE_BITS } from './key.js';
export { register, source, toHash } from './normalize.js';
export { access, data, done, natives, notSupported, operation, syntax } from './webidl.js';
export { toBytes, toLong, toOctet, toShort, toText } from './webidl.js';
