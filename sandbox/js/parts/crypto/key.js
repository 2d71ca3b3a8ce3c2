// CryptoKey and the sets of usages. A key's bytes are native (sandbox/engine/crypto/crypto_call.h): the handle in its
// slots is never given to a script.
import { arrayIndexOf, customInspect, defineProperty, list, push } from '../../primordials.js';
import { cloneable } from '../cloneable.js';
import { shapeInterface } from '../interface.js';
import { access, isObject, syntax } from './webidl.js';

// Usages in the order in which they are told; a set of them is a number with one bit for each.
const usageNames = [
  'encrypt', 'decrypt', 'sign', 'verify', 'deriveKey', 'deriveBits', 'wrapKey', 'unwrapKey',
  'encapsulateKey', 'encapsulateBits', 'decapsulateKey', 'decapsulateBits',
];
export const ENCRYPT = 1;
export const DECRYPT = 2;
export const SIGN = 4;
export const VERIFY = 8;
export const DERIVE_KEY = 16;
export const DERIVE_BITS = 32;
export const WRAP = 64;
export const UNWRAP = 128;
export const ENCAPSULATE_KEY = 256;
export const ENCAPSULATE_BITS = 512;
export const DECAPSULATE_KEY = 1024;
export const DECAPSULATE_BITS = 2048;

export function usageBit(name, what) {
  const i = arrayIndexOf(usageNames, name);
  if (i < 0) throw new TypeError(`${what}: '${name}' is not a usage of keys`);
  return 1 << i;
}

export function usageNamesOf(set) {
  const names = list();
  for (let i = 0; i < usageNames.length; i++) if (set & (1 << i)) push(names, usageNames[i]);
  return names;
}

// The same as an array for the script.
export const usageList = (set) => arrayOf(usageNamesOf(set));

// An ordinary array that no setter on Array.prototype has met.
export function arrayOf(items) {
  const out = [];
  for (let i = 0; i < items.length; i++) {
    const item = { __proto__: null, value: items[i], writable: true, enumerable: true, configurable: true };
    defineProperty(out, i, item);
  }
  return out;
}

export function onlyUsages(set, allowed) {
  if (set & ~allowed) {
    const names = usageList(set & ~allowed);
    syntax(`a key of this kind cannot have the usage '${names[0]}'`);
  }
}

let making = false;
let known = false; // to structuredClone
let isKey;
let slotsOf;

export class CryptoKey {
  #slots;
  #algorithm; // what the script sees; made when it looks
  #usages;

  constructor(slots) {
    if (!making) throw new TypeError('Illegal constructor');
    this.#slots = slots;
  }
  get type() {
    return this.#slots.type;
  }
  get extractable() {
    return this.#slots.extractable;
  }
  get algorithm() {
    this.#algorithm ??= shown(this.#slots.algorithm);
    return this.#algorithm;
  }
  get usages() {
    this.#usages ??= usageList(this.#slots.usages);
    return this.#usages;
  }
  static {
    isKey = (value) => isObject(value) && #slots in value;
    slotsOf = (key) => key.#slots;
  }
}
shapeInterface(CryptoKey, 'CryptoKey');
defineProperty(CryptoKey, 'length', { __proto__: null, value: 0 });
defineProperty(CryptoKey, 'name', { __proto__: null, value: 'CryptoKey' });
defineProperty(CryptoKey.prototype, customInspect, {
  __proto__: null,
  value: function (depth, options, inspect) {
    if (!isKey(this)) return this;
    const { type, extractable, algorithm, usages } = this;
    return `CryptoKey ${inspect({ type, extractable, algorithm, usages }, options)}`;
  },
});

// The algorithm of a key as an object of the script's own.
function shown(algorithm) {
  const { name, length, modulusLength, publicExponent, namedCurve, hash } = algorithm;
  const out = { name };
  if (length !== undefined) out.length = length;
  if (modulusLength !== undefined) {
    out.modulusLength = modulusLength;
    out.publicExponent = new Uint8Array(publicExponent);
  }
  if (namedCurve !== undefined) out.namedCurve = namedCurve;
  if (hash !== undefined) out.hash = { name: hash.name };
  return out;
}

// algorithm: {name, and what the kind of key adds} without prototype; hash: of hashes.js.
export function makeKey(type, handle, algorithm, extractable, usages) {
  if (!known) cloneable({ __proto__: null, is: isKey, take: slotsOf, make: keyOf });
  known = true;
  return keyOf({ __proto__: null, type, handle, algorithm, extractable, usages });
}

function keyOf(own) {
  making = true;
  try {
    return new CryptoKey(own);
  } finally {
    making = false;
  }
}

export const isCryptoKey = (value) => isKey(value);
// {type, handle, algorithm, extractable, usages (a set)}
export const slots = (key) => slotsOf(key);

export function toKey(value, what) {
  if (!isKey(value)) throw new TypeError(`${what} must be a CryptoKey`);
  return value;
}

export function needs(key, type) {
  if (key.type !== type) access(`this operation needs a ${type} key, found a ${key.type} one`);
}
