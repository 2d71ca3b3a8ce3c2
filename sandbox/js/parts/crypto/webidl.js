// What Web IDL does to arguments before the standard's own steps, and how the standard's errors are made.
import { floor, isArray, isFinite, list, push } from '../../primordials.js';
import { DOMException } from '../dom_exception.js';

export const natives = native.crypto.load();
const { source, copy } = natives;

export const fail = (name, message) => {
  throw new DOMException(message, name);
};
export const notSupported = (message) => fail('NotSupportedError', message);
export const operation = (message) => fail('OperationError', message);
export const data = (message) => fail('DataError', message);
export const access = (message) => fail('InvalidAccessError', message);
export const syntax = (message) => fail('SyntaxError', message);

// What a native gave, or an OperationError: null says that it could not.
export const done = (result, message) => (result === null ? operation(message) : result);

export const isObject = (value) =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

// ---- conversions: (value, what it is) → value -------------------------------------------------------
export function toText(value, what) {
  if (typeof value === 'string') return value;
  if (typeof value === 'symbol') throw new TypeError(`${what} must be a string, found a symbol`);
  return `${value}`;
}

// [EnforceRange], up to a largest number.
const integer = (most) => (value, what) => {
  const number = +value; // a BigInt or a symbol throws here, as it must
  if (!isFinite(number)) throw new TypeError(`${what} must be a finite number, found ${number}`);
  const whole = number < 0 ? -floor(-number) : floor(number);
  if (whole < 0 || whole > most)
    throw new TypeError(`${what} must be an integer from 0 to ${most}, found ${number}`);
  return whole + 0; // no negative zero
};
export const toOctet = integer(0xff);
export const toShort = integer(0xffff);
export const toLong = integer(0xffffffff);

// A BufferSource: the value itself. Its bytes are taken with bytesOf() at the step that says so.
export function toSource(value, what) {
  switch (source(value)) {
    case 1:
      return value;
    case 2:
      throw new TypeError(`${what} must not be shared memory`);
    case 3:
      throw new TypeError(`${what} must not be in a buffer that can be resized`);
    default:
      throw new TypeError(`${what} must be an ArrayBuffer, a typed array or a DataView`);
  }
}

// A copy of the bytes, that no script sees: ArrayBuffer.
export const bytesOf = copy;
export const toBytes = (value, what) => copy(toSource(value, what));

// sequence<DOMString-like>
export function toSequence(value, what, convert) {
  if (!isObject(value)) throw new TypeError(`${what} must be a list`);
  const out = list();
  if (isArray(value)) {
    for (let i = 0; i < value.length; i++) push(out, convert(value[i], what));
    return out;
  }
  for (const item of value) push(out, convert(item, what)); // by the script's own iterator
  return out;
}

// A dictionary's members in the order in which Web IDL reads them. members: list of [name, convert, required].
export function toDictionary(value, members, what, out = { __proto__: null }) {
  if (value !== undefined && value !== null && !isObject(value))
    throw new TypeError(`${what} must be an object`);
  for (let i = 0; i < members.length; i++) {
    const { 0: name, 1: convert, 2: required } = members[i];
    const member = value === undefined || value === null ? undefined : value[name];
    if (member !== undefined) out[name] = convert(member, `${what}: ${name}`);
    else if (required) throw new TypeError(`${what}: ${name} is missing`);
  }
  return out;
}

// A promise of what f gives or throws.
export const promised = (f) =>
  new Promise((resolve, reject) => {
    let result;
    try {
      result = f();
    } catch (error) {
      reject(error);
      return;
    }
    resolve(result);
  });
