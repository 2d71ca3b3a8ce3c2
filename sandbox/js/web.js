// structuredClone (HTML), crypto.getRandomValues and randomUUID (Web Cryptography), performance.now and
// timeOrigin (High Resolution Time).
import { TypeError, define, isArray, list, push, typedArrayTag } from './primordials.js';
import { typedArrayByteLength } from './primordials.js';
import { DOMException, QuotaExceededError, isDOMException } from './dom_exception.js';
import { park, unpark, whileCloning } from './cloneable.js';
import { installAttribute, installInterface } from './interface.js';
import { lazy } from './parts.js';

const { clone, loop, random } = native;

const subtle = lazy('crypto');

const RANDOM_MAX_BYTES = 65536;

// Classes whose only instance we make ourselves.
let constructing = false;
function only(type) {
  constructing = true;
  const instance = new type();
  constructing = false;
  return instance;
}

// ---- structuredClone --------------------------------------------------------------------------------
const host = {
  __proto__: null,
  // What native.clone asks about objects that are not plain data.
  take: (object) =>
    isDOMException(object) ? [object.name, object.message, object.stack] : park(object),
  make: (name, message, stack) => {
    if (stack === undefined) return unpark(name);
    const error = new DOMException(message, name);
    define(error, { stack }, false);
    return error;
  },
  refuse: (message) => {
    throw new DOMException(message, 'DataCloneError');
  },
};

function addTransfer(to, item) {
  if ((typeof item !== 'object' || item === null) && typeof item !== 'function')
    throw new TypeError('structuredClone: the transfer list must hold objects');
  push(to, item);
}

function transferList(options) {
  if (options === undefined || options === null) return undefined;
  if (typeof options !== 'object' && typeof options !== 'function')
    throw new TypeError(`structuredClone: options must be an object, found ${typeof options}`);
  const { transfer } = options;
  if (transfer === undefined) return undefined;
  const out = list();
  if (isArray(transfer)) for (let i = 0; i < transfer.length; i++) addTransfer(out, transfer[i]);
  else for (const item of transfer) addTransfer(out, item); // by the script's own iterator
  return out;
}

const functions = {
  structuredClone(value, options = undefined) {
    if (arguments.length === 0) throw new TypeError('structuredClone: one argument is needed');
    const transfer = transferList(options);
    return whileCloning(() => clone.clone(value, transfer, host.take, host.make, host.refuse));
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
    if (!isIntegerArray(array))
      throw new DOMException(
        'getRandomValues: the argument must be a typed array of integers',
        'TypeMismatchError',
      );
    const bytes = typedArrayByteLength(array);
    if (bytes > RANDOM_MAX_BYTES)
      throw new QuotaExceededError(
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

class Performance {
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
}

export function resetWeb() {
  timeOrigin = undefined;
}

export function installWeb(global) {
  define(global, functions, true);
  installInterface(global, Crypto);
  installInterface(global, Performance);
  const crypto = only(Crypto);
  const performance = only(Performance);
  installAttribute(global, 'crypto', () => crypto, false);
  installAttribute(global, 'performance', () => performance, true);
}
