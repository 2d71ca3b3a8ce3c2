// The language as it was before any guest code ran. Built-ins call only what is captured here. Files of the base have these few,
// parts have all that originals.js names and more (inside/primordials.js).
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

import { list } from './inside/plain.js';
import { methods, values } from './originals.js';

export { define, descriptorOf, list, push, replaceAll } from './inside/plain.js';

const { bind, call } = Function.prototype;
const uncurry = bind.bind(call);

// For parts: what originals.js names, in its order, behind `uncurry` itself. A method is bound when a part first asks for it.
// (tools/bundle_builtins.mjs writes the numbers.)
const METHODS = Object.keys(methods).length;
const originals = Object.setPrototypeOf([...Object.values(methods), uncurry, ...Object.values(values)], null);
let bound;

export function original(number) {
  if (number >= METHODS) return originals[number];
  bound ??= list();
  return (bound[number] ??= uncurry(originals[number]));
}

export const {
  Error, Int32Array, RangeError, TypeError, Uint8Array, apply, customInspect, defineProperty, freeze, getOwnPropertyNames, getPrototypeOf,
  jsonParse, jsonStringify, objectIs, setPrototypeOf, toStringTag,
} = values;
export const errorToString = uncurry(methods.errorToString);
export const functionHasInstance = uncurry(methods.functionHasInstance);
export const numberToString = uncurry(methods.numberToString);
export const regexpExec = uncurry(methods.regexpExec);
export const stringIncludes = uncurry(methods.stringIncludes);
export const stringStartsWith = uncurry(methods.stringStartsWith);
export const stringToWellFormed = uncurry(methods.stringToWellFormed);
export const stringIndexOf = uncurry(methods.stringIndexOf);
export const stringSlice = uncurry(methods.stringSlice);
export const { getOwnPropertyDescriptor, ownKeys } = values;
