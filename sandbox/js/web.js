// structuredClone (HTML; the part cloneable does it), crypto.getRandomValues and randomUUID (Web Cryptography), performance.now and
// timeOrigin (High Resolution Time).
import { TypeError, define, typedArrayTag } from './primordials.js';
import { typedArrayByteLength } from './primordials.js';
import { installAttribute, installInterface, needArguments } from './interface.js';
import { lazy } from './parts.js';

const { loop, random } = native;

const subtle = lazy('crypto');
const exceptions = lazy('dom_exception');
const cloning = lazy('cloneable');

const RANDOM_MAX_BYTES = 65536;

// Classes whose only instance we make ourselves.
let constructing = false;
function only(type) {
  constructing = true;
  const instance = new type();
  constructing = false;
  return instance;
}

const functions = {
  __proto__: null,
  structuredClone(value, options = undefined) {
    if (arguments.length === 0) throw new TypeError('structuredClone: one argument is needed');
    const { copy, transferListOf } = cloning();
    return copy(value, transferListOf(options, 'structuredClone')).value;
  },
};

// ---- crypto -------------------------------------------------------------------------------------------
function isIntegerArray(view) {
  switch (typedArrayTag(view)) {
    case 'Int8Array':
    case 'Uint8Array':
    case 'Uint8ClampedArray':
    case 'Int16Array':
    case 'Uint16Array':
    case 'Int32Array':
    case 'Uint32Array':
    case 'BigInt64Array':
    case 'BigUint64Array':
      return true;
    default:
      return false;
  }
}

class Crypto {
  #brand;
  constructor() {
    if (!constructing) throw new TypeError('Illegal constructor');
  }
  getRandomValues(array) {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    needArguments(arguments.length, 1, 'getRandomValues');
    if (!isIntegerArray(array))
      throw new (exceptions().DOMException)(
        'getRandomValues: the argument must be a typed array of integers',
        'TypeMismatchError',
      );
    const bytes = typedArrayByteLength(array);
    if (bytes > RANDOM_MAX_BYTES)
      throw new (exceptions().QuotaExceededError)(
        `getRandomValues: the array has ${bytes} bytes; at most ${RANDOM_MAX_BYTES} are allowed`,
        { __proto__: null, quota: RANDOM_MAX_BYTES, requested: bytes },
      );
    random.fill(array);
    return array;
  }
  randomUUID() {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    return random.uuid();
  }
  get subtle() {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    return subtle().subtle;
  }
}

// ---- performance ----------------------------------------------------------------------------------------
let timeOrigin; // ms since 1970 when the job began

function originOf() {
  timeOrigin ??= loop.time() - loop.now() / 1000;
  return timeOrigin;
}

const timeline = lazy('performance');
const user = lazy('navigator');

export class Performance {
  #brand;
  constructor() {
    if (!constructing) throw new TypeError('Illegal constructor');
  }
  now() {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    return loop.now() / 1000;
  }
  get timeOrigin() {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    return originOf();
  }
  toJSON() {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    return { timeOrigin: originOf() };
  }
  mark(name, options = undefined) {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    needArguments(arguments.length, 1, 'mark');
    return timeline().mark(name, options);
  }
  measure(name, start = undefined, end = undefined) {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    needArguments(arguments.length, 1, 'measure');
    return timeline().measure(name, start, end);
  }
  clearMarks(name = undefined) {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    timeline().clearMarks(name);
  }
  clearMeasures(name = undefined) {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    timeline().clearMeasures(name);
  }
  getEntries() {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    return timeline().getEntries();
  }
  getEntriesByType(type) {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    needArguments(arguments.length, 1, 'getEntriesByType');
    return timeline().getEntriesByType(type);
  }
  getEntriesByName(name, type = undefined) {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    needArguments(arguments.length, 1, 'getEntriesByName');
    return timeline().getEntriesByName(name, type);
  }
}
export const performance = only(Performance);

export function resetWeb() {
  timeOrigin = undefined;
}

export function installWeb(global) {
  define(global, functions, true);
  installInterface(global, Crypto);
  installInterface(global, Performance);
  const crypto = only(Crypto);
  installAttribute(global, 'crypto', () => crypto, false);
  installAttribute(global, 'performance', () => performance, true);
  installAttribute(global, 'navigator', () => user().navigator, true);
}
