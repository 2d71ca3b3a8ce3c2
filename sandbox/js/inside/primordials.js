// The primordials as parts have them: where one imports ../primordials.js it gets this file, of which its bundle holds
// what it names. The rules stand in ../primordials.js.
//
// isolane:originals (tools/bundle_builtins.mjs): what originals.js names, each made when a part first names it.
import {
  Uint8Array,
  arrayBufferByteLength,
  arrayPrototype,
  dataViewBuffer,
  dataViewByteLength,
  dataViewByteOffset,
  getOwnPropertyDescriptor,
  isArrayBufferView,
  regexpDotAll,
  regexpGlobal,
  regexpHasIndices,
  regexpIgnoreCase,
  regexpMultiline,
  regexpSource,
  regexpSticky,
  regexpUnicode,
  regexpUnicodeSets,
  setPrototypeOf,
  typedArrayBuffer,
  typedArrayByteLength,
  typedArrayByteOffset,
  typedArrayLength,
  typedArraySet,
  typedArrayTag,
  uncurry,
} from 'isolane:originals';

export * from 'isolane:originals';
export * from './plain.js';

export const getter = (holder, name) => uncurry(getOwnPropertyDescriptor(holder, name).get);

// Parts of Uint8Arrays: these read no `constructor`.
export const typedArraySubarray = (bytes, from, to = typedArrayLength(bytes)) =>
  new Uint8Array(typedArrayBuffer(bytes), typedArrayByteOffset(bytes) + from, to - from);
export function typedArraySlice(bytes, from, to = typedArrayLength(bytes)) {
  const out = new Uint8Array(to - from);
  typedArraySet(out, typedArraySubarray(bytes, from, to), 0);
  return out;
}
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
export const isBufferSource = (value) => isArrayBuffer(isArrayBufferView(value) ? bufferOf(value) : value);
// Its bytes, not copied.
export function bytesOf(source) {
  if (!isArrayBufferView(source)) return new Uint8Array(source);
  return isTyped(source)
    ? new Uint8Array(typedArrayBuffer(source), typedArrayByteOffset(source), typedArrayByteLength(source))
    : new Uint8Array(dataViewBuffer(source), dataViewByteOffset(source), dataViewByteLength(source));
}

// A filled list as an array that a script may have.
export const toArray = (items) => setPrototypeOf(items, arrayPrototype);

const FLAGS = 'dgimsuvy';
const regexpFlags = [
  regexpHasIndices, regexpGlobal, regexpIgnoreCase, regexpMultiline, regexpDotAll, regexpUnicode, regexpUnicodeSets, regexpSticky,
];

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
