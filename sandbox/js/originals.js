// The language as it is before any guest code runs: what primordials.js is made of. Evaluated when the snapshot is
// made, for each context to keep as one list, and by tools/bundle_builtins.mjs for the names.
const getter = (holder, name) => Reflect.getOwnPropertyDescriptor(holder, name).get;

const { prototype: array } = Array;
const { prototype: string } = String;
const { prototype: number } = Number;
const { prototype: regexp } = RegExp;
const { prototype: date } = Date;
const { prototype: map } = Map;
const { prototype: set } = Set;
const { prototype: weakSet } = WeakSet;
const typedArray = Reflect.getPrototypeOf(Uint8Array.prototype);
const mapIterator = Reflect.getPrototypeOf(new Map().entries());
const setIterator = Reflect.getPrototypeOf(new Set().values());

// Functions that want a `this`: as primordials they take it as their first argument.
export const methods = {
  isEnumerable: Object.prototype.propertyIsEnumerable,
  objectToString: Object.prototype.toString,
  arrayJoin: array.join,
  arrayIndexOf: array.indexOf,
  arraySort: array.sort,
  arraySplice: array.splice,
  charCodeAt: string.charCodeAt,
  stringEndsWith: string.endsWith,
  stringIncludes: string.includes,
  stringIndexOf: string.indexOf,
  stringLastIndexOf: string.lastIndexOf,
  stringNormalize: string.normalize,
  stringPadEnd: string.padEnd,
  stringPadStart: string.padStart,
  stringRepeat: string.repeat,
  stringSlice: string.slice,
  stringStartsWith: string.startsWith,
  stringToLowerCase: string.toLowerCase,
  stringToUpperCase: string.toUpperCase,
  stringToWellFormed: string.toWellFormed,
  stringTrim: string.trim,
  stringValueOf: string.valueOf,
  numberToFixed: number.toFixed,
  numberToString: number.toString,
  numberValueOf: number.valueOf,
  bigintValueOf: BigInt.prototype.valueOf,
  booleanValueOf: Boolean.prototype.valueOf,
  symbolToString: Symbol.prototype.toString,
  symbolValueOf: Symbol.prototype.valueOf,
  functionHasInstance: Function.prototype[Symbol.hasInstance],
  functionToString: Function.prototype.toString,
  errorToString: Error.prototype.toString,
  regexpExec: regexp.exec,
  regexpSource: getter(regexp, 'source'),
  regexpHasIndices: getter(regexp, 'hasIndices'),
  regexpGlobal: getter(regexp, 'global'),
  regexpIgnoreCase: getter(regexp, 'ignoreCase'),
  regexpMultiline: getter(regexp, 'multiline'),
  regexpDotAll: getter(regexp, 'dotAll'),
  regexpUnicode: getter(regexp, 'unicode'),
  regexpUnicodeSets: getter(regexp, 'unicodeSets'),
  regexpSticky: getter(regexp, 'sticky'),
  dateGetTime: date.getTime,
  dateToISOString: date.toISOString,
  dateToString: date.toString,
  weakSetAdd: weakSet.add,
  weakSetDelete: weakSet.delete,
  weakSetHas: weakSet.has,
  mapDelete: map.delete,
  mapEntries: map.entries,
  mapGet: map.get,
  mapHas: map.has,
  mapSet: map.set,
  mapSize: getter(map, 'size'),
  mapIteratorNext: mapIterator.next,
  setAdd: set.add,
  setDelete: set.delete,
  setForEach: set.forEach,
  setHas: set.has,
  setSize: getter(set, 'size'),
  setValues: set.values,
  setIteratorNext: setIterator.next,
  arrayBufferByteLength: getter(ArrayBuffer.prototype, 'byteLength'),
  typedArraySet: typedArray.set,
  typedArrayBuffer: getter(typedArray, 'buffer'),
  typedArrayByteLength: getter(typedArray, 'byteLength'),
  typedArrayByteOffset: getter(typedArray, 'byteOffset'),
  typedArrayLength: getter(typedArray, 'length'),
  typedArrayTag: getter(typedArray, Symbol.toStringTag),
  typedArrayIndexOf: typedArray.indexOf,
  dataViewBuffer: getter(DataView.prototype, 'buffer'),
  dataViewByteLength: getter(DataView.prototype, 'byteLength'),
  dataViewByteOffset: getter(DataView.prototype, 'byteOffset'),
};

const { apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
const { create: objectCreate, freeze, getOwnPropertyNames, getOwnPropertySymbols, hasOwn, is: objectIs, keys: objectKeys, setPrototypeOf } = Object;
const { isFinite, isInteger, isNaN, parseFloat, parseInt } = Number;
const { ceil, clz32, floor, max, min, round, sqrt, trunc } = Math;
const { asyncIterator, hasInstance, iterator, toPrimitive, toStringTag } = Symbol;
const { parse: jsonParse, stringify: jsonStringify } = JSON;

export const values = {
  Error, Int32Array, Map, Number, Object, Promise, RangeError, Set, String, TypeError, Uint32Array, Uint8Array, WeakSet,
  apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys,
  objectCreate, freeze, getOwnPropertyNames, getOwnPropertySymbols, hasOwn, objectIs, objectKeys, setPrototypeOf,
  isArray: Array.isArray,
  arrayPrototype: array,
  fromCharCode: String.fromCharCode,
  stringFromCharCode: String.fromCharCode,
  isFinite, isInteger, isNaN, parseFloat, parseInt,
  ceil, clz32, floor, max, min, round, sqrt, trunc,
  asyncIterator, hasInstance, iterator, toPrimitive, toStringTag,
  customInspect: Symbol.for('nodejs.util.inspect.custom'),
  captureStackTrace: Error.captureStackTrace,
  jsonParse, jsonStringify,
  iteratorPrototype: Reflect.getPrototypeOf(mapIterator),
  isArrayBufferView: ArrayBuffer.isView,
};
