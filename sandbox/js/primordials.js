// The language as it was before any guest code ran. Built-ins call only what is captured here.
//
// Rules for the other files, because a guest can replace everything it can reach:
// - no method calls on values of the language (`text.slice()`): the captured functions below;
// - no iteration protocol (for-of, spread of arrays, array patterns): it reads Symbol.iterator;
// - lists come from list(), not [], when they are filled by index: an array with no prototype
//   cannot meet a setter that a guest put on Array.prototype;
// - descriptors and options have a null prototype: `{ __proto__: null, value }`;
// - no regular expression methods but regexpExec, which reads no property a guest can replace;
// - `await` and async functions only on undefined: anything else reads `constructor` or `then`.
// Rest parameters, array and object literals, templates over strings and numbers are safe.

const { bind, call } = Function.prototype;
export const uncurry = bind.bind(call);
const { getOwnPropertyDescriptor } = Reflect;
export const getter = (holder, name) => uncurry(getOwnPropertyDescriptor(holder, name).get);

// Constructors and functions of the global object, for use under their own names.
export const {
  Error,
  Int32Array,
  Map,
  Number,
  Object,
  Promise,
  RangeError,
  Set,
  String,
  TypeError,
  Uint32Array,
  Uint8Array,
  WeakSet,
} = globalThis;
export const {
  apply,
  construct,
  defineProperty,
  getPrototypeOf,
  ownKeys,
} = Reflect;
export const {
  create: objectCreate,
  freeze,
  getOwnPropertyNames,
  getOwnPropertySymbols,
  is: objectIs,
  keys: objectKeys,
  setPrototypeOf,
} = Object;
export const hasOwn = Object.hasOwn;
export const isEnumerable = uncurry(Object.prototype.propertyIsEnumerable);
export const objectToString = uncurry(Object.prototype.toString);

export const { isArray } = Array;
export const arrayJoin = uncurry(Array.prototype.join);
export const arrayIndexOf = uncurry(Array.prototype.indexOf);
export const arraySort = uncurry(Array.prototype.sort);
export const arraySplice = uncurry(Array.prototype.splice);

export const { fromCharCode } = String;
const { prototype: string } = String;
export const charCodeAt = uncurry(string.charCodeAt);
export const stringFromCharCode = String.fromCharCode;
export const stringEndsWith = uncurry(string.endsWith);
export const stringIncludes = uncurry(string.includes);
export const stringIndexOf = uncurry(string.indexOf);
export const stringLastIndexOf = uncurry(string.lastIndexOf);
export const stringNormalize = uncurry(string.normalize);
export const stringPadEnd = uncurry(string.padEnd);
export const stringPadStart = uncurry(string.padStart);
export const stringRepeat = uncurry(string.repeat);
export const stringSlice = uncurry(string.slice);
export const stringStartsWith = uncurry(string.startsWith);
export const stringToLowerCase = uncurry(string.toLowerCase);
export const stringToUpperCase = uncurry(string.toUpperCase);
export const stringToWellFormed = uncurry(string.toWellFormed);
export const stringTrim = uncurry(string.trim);
export const stringValueOf = uncurry(string.valueOf);

const { prototype: number } = Number;
export const numberToFixed = uncurry(number.toFixed);
export const numberToString = uncurry(number.toString);
export const numberValueOf = uncurry(number.valueOf);
export const { isFinite, isInteger, isNaN, parseFloat, parseInt } = Number;
export const bigintValueOf = uncurry(BigInt.prototype.valueOf);
export const booleanValueOf = uncurry(Boolean.prototype.valueOf);
export const symbolToString = uncurry(Symbol.prototype.toString);
export const symbolValueOf = uncurry(Symbol.prototype.valueOf);
export const { ceil, clz32, floor, max, min, round, sqrt, trunc } = Math;

export const { asyncIterator, hasInstance, iterator, toPrimitive, toStringTag } = Symbol;
export const customInspect = Symbol.for('nodejs.util.inspect.custom');

export const functionHasInstance = uncurry(Function.prototype[Symbol.hasInstance]);
export const functionToString = uncurry(Function.prototype.toString);
export const errorToString = uncurry(Error.prototype.toString);
export const { captureStackTrace } = Error;
export const regexpExec = uncurry(RegExp.prototype.exec);
const regexpSource = getter(RegExp.prototype, 'source');
const FLAGS = 'dgimsuvy';
const regexpFlags = [
  getter(RegExp.prototype, 'hasIndices'),
  getter(RegExp.prototype, 'global'),
  getter(RegExp.prototype, 'ignoreCase'),
  getter(RegExp.prototype, 'multiline'),
  getter(RegExp.prototype, 'dotAll'),
  getter(RegExp.prototype, 'unicode'),
  getter(RegExp.prototype, 'unicodeSets'),
  getter(RegExp.prototype, 'sticky'),
];
export const dateGetTime = uncurry(Date.prototype.getTime);
export const dateToISOString = uncurry(Date.prototype.toISOString);
export const dateToString = uncurry(Date.prototype.toString);
export const { parse: jsonParse, stringify: jsonStringify } = JSON;

export const weakSetAdd = uncurry(WeakSet.prototype.add);
export const weakSetDelete = uncurry(WeakSet.prototype.delete);
export const weakSetHas = uncurry(WeakSet.prototype.has);

export const mapDelete = uncurry(Map.prototype.delete);
export const mapEntries = uncurry(Map.prototype.entries);
export const mapGet = uncurry(Map.prototype.get);
export const mapHas = uncurry(Map.prototype.has);
export const mapSet = uncurry(Map.prototype.set);
export const mapSize = getter(Map.prototype, 'size');
export const setAdd = uncurry(Set.prototype.add);
export const setDelete = uncurry(Set.prototype.delete);
export const setForEach = uncurry(Set.prototype.forEach);
export const setHas = uncurry(Set.prototype.has);
export const setSize = getter(Set.prototype, 'size');
export const setValues = uncurry(Set.prototype.values);
export const iteratorPrototype = getPrototypeOf(getPrototypeOf(new Map().entries()));
export const mapIteratorNext = uncurry(getPrototypeOf(new Map().entries()).next);
export const setIteratorNext = uncurry(getPrototypeOf(new Set().values()).next);

export const arrayBufferByteLength = getter(ArrayBuffer.prototype, 'byteLength');

const typedArray = getPrototypeOf(Uint8Array.prototype);
export const typedArraySet = uncurry(typedArray.set);
export const typedArrayBuffer = getter(typedArray, 'buffer');
export const typedArrayByteLength = getter(typedArray, 'byteLength');
export const typedArrayByteOffset = getter(typedArray, 'byteOffset');
export const typedArrayLength = getter(typedArray, 'length');
export const typedArrayTag = getter(typedArray, toStringTag);
export const typedArrayIndexOf = uncurry(typedArray.indexOf);
// Parts of Uint8Arrays: these read no `constructor`.
export const typedArraySubarray = (bytes, from, to = typedArrayLength(bytes)) =>
  new Uint8Array(typedArrayBuffer(bytes), typedArrayByteOffset(bytes) + from, to - from);
export function typedArraySlice(bytes, from, to = typedArrayLength(bytes)) {
  const out = new Uint8Array(to - from);
  typedArraySet(out, typedArraySubarray(bytes, from, to), 0);
  return out;
}
export const dataViewBuffer = getter(DataView.prototype, 'buffer');
export const dataViewByteLength = getter(DataView.prototype, 'byteLength');
export const dataViewByteOffset = getter(DataView.prototype, 'byteOffset');

const { isView } = ArrayBuffer;
export const isArrayBufferView = isView;
export function isArrayBuffer(value) {
  try {
    arrayBufferByteLength(value);
    return true;
  } catch {
    return false;
  }
}
const isTyped = (view) => typedArrayTag(view) !== undefined;
export const bufferOf = (view) => (isTyped(view) ? typedArrayBuffer(view) : dataViewBuffer(view));
// BufferSource of Web IDL: an ArrayBuffer or a view of one, no shared one.
export const isBufferSource = (value) => isArrayBuffer(isView(value) ? bufferOf(value) : value);
// Its bytes, not copied.
export function bytesOf(source) {
  if (!isView(source)) return new Uint8Array(source);
  return isTyped(source)
    ? new Uint8Array(typedArrayBuffer(source), typedArrayByteOffset(source), typedArrayByteLength(source))
    : new Uint8Array(dataViewBuffer(source), dataViewByteOffset(source), dataViewByteLength(source));
}

// An own property's descriptor whose missing fields read as undefined, whatever Object.prototype holds.
export function descriptorOf(object, key) {
  const descriptor = getOwnPropertyDescriptor(object, key);
  if (descriptor !== undefined) setPrototypeOf(descriptor, null);
  return descriptor;
}

// A list that no setter on Array.prototype can reach into; filled with push().
export const list = () => setPrototypeOf([], null);
export const push = (to, value) => {
  to[to.length] = value;
};

// A filled list as an array that a script may have.
const arrayPrototype = Array.prototype;
export const toArray = (items) => setPrototypeOf(items, arrayPrototype);

// Text with every `from` replaced by `to`.
export function replaceAll(text, from, to) {
  let at = stringIndexOf(text, from);
  if (at < 0) return text;
  let out = '';
  let last = 0;
  for (; at >= 0; at = stringIndexOf(text, from, last)) {
    out += stringSlice(text, last, at) + to;
    last = at + from.length;
  }
  return out + stringSlice(text, last);
}

// The text of a regular expression; the language's own toString reads what a guest can replace.
export function regexpText(regexp) {
  let out = `/${regexpSource(regexp)}/`;
  for (let i = 0; i < regexpFlags.length; i++)
    if (regexpFlags[i](regexp)) out += FLAGS[i];
  return out;
}

export function join(parts, separator) {
  let out = '';
  for (let i = 0; i < parts.length; i++) out += i === 0 ? parts[i] : separator + parts[i];
  return out;
}

// Puts the members of source on target as an interface has them (Web IDL: methods and accessors
// enumerable) or as the language has them (not enumerable).
export function define(target, source, enumerable) {
  const names = ownKeys(source);
  for (let i = 0; i < names.length; i++) {
    const descriptor = descriptorOf(source, names[i]);
    descriptor.enumerable = enumerable;
    defineProperty(target, names[i], descriptor);
  }
  return target;
}
