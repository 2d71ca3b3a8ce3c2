// crypto.getRandomValues, randomUUID and the way to crypto.subtle (Web Cryptography). What crypto.subtle does is in the part `crypto`.
import { TypeError, typedArrayByteLength, typedArrayTag } from '../primordials.js';
import { lazy } from '../parts.js';
import { needArguments, shapeInterface } from './interface.js';

const { random } = native;

const subtle = lazy('crypto');
const exceptions = lazy('dom_exception');

const RANDOM_MAX_BYTES = 65536;

let constructing = false;

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

export class Crypto {
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
shapeInterface(Crypto);

constructing = true;
export const crypto = new Crypto();
constructing = false;
