// Helpers that the base and its parts both have, each in its own bundle. isolane:originals is in the base ../primordials.js, in a
// part the language's own by number (tools/bundle_builtins.mjs).
import { defineProperty, getOwnPropertyDescriptor, ownKeys, setPrototypeOf, stringIndexOf, stringSlice } from 'isolane:originals';

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
