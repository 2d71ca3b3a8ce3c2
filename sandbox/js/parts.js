// Lazily loaded parts: built-ins that few scripts use lie beside the startup snapshot (sandbox/engine/parts.cc)
// and are evaluated when a script first touches them. README.md says how to write one.
//
// A part's global names are lazy data properties: V8 asks for the value when a script first looks at one,
// and it is an ordinary data property to every eye. What a part exports is kept only when its evaluation
// came to its end: one that met the end of the stack or of memory half way is evaluated anew.
import { apply, list, original, push } from './primordials.js';
import { shared } from 'isolane:shared';

const { parts } = native;

// The language's own constructors as they are before guest code runs, for code that names them freely.
// (tools/bundle_builtins.mjs reads this list.)
const LANGUAGE = [
  'AggregateError', 'Array', 'ArrayBuffer', 'BigInt', 'BigInt64Array', 'BigUint64Array', 'Boolean',
  'DataView', 'Date', 'Error', 'EvalError', 'Float32Array', 'Float64Array', 'Function', 'Int16Array',
  'Int32Array', 'Int8Array', 'JSON', 'Map', 'Math', 'Number', 'Object', 'Promise', 'Proxy', 'RangeError',
  'ReferenceError', 'Reflect', 'RegExp', 'Set', 'String', 'Symbol', 'SyntaxError', 'TypeError', 'URIError',
  'Uint16Array', 'Uint32Array', 'Uint8Array', 'Uint8ClampedArray', 'WeakMap', 'WeakRef', 'WeakSet',
  'decodeURIComponent', 'encodeURIComponent', 'isFinite', 'isNaN', 'parseFloat', 'parseInt',
];
const meant = list(); // by the names above
for (const name of LANGUAGE) push(meant, globalThis[name]);
let language; // name → what it means, made for the first part

function makeLanguage() {
  const made = { __proto__: null }; // may meet the end of the stack
  for (let i = 0; i < LANGUAGE.length; i++) made[LANGUAGE[i]] = meant[i];
  language = made;
}

// Made for the first part: a context without needs none of it.
let loaded; // name → exports
let order; // names of loaded parts
let loading; // name → is it being evaluated?

function beginLoading() {
  makeLanguage();
  order = list(); // may meet the end of the stack
  loading = { __proto__: null };
  loaded = { __proto__: null };
}

// The exports of a part.
export function load(name) {
  if (loaded === undefined) beginLoading();
  const known = loaded[name];
  if (known !== undefined) return known;
  if (loading[name]) throw new language.Error(`the built-in part '${name}' needs itself`);
  const out = { __proto__: null }; // may meet the end of the stack
  try {
    loading[name] = true;
    apply(parts.compile(name), undefined, [native, { __proto__: null, shared, original, load, language, out }]);
  } finally {
    loading[name] = false;
  }
  loaded[name] = out;
  push(order, name);
  return out;
}

// For built-ins that use a part now and then: const url = lazy('url'); later url().URL.
// (A declaration, because modules that the shared ones import come before this file's own statements.)
export function lazy(name) {
  return () => load(name);
}

// The engine's way in: a part's exports, or one of them.
export function part(name, member = undefined) {
  const exports = load(name);
  return member === undefined ? exports : exports[member];
}

// Its exports, if it is loaded: it may be told of something for which nobody waits else.
export const loadedPart = (name) => loaded?.[name];

// An invocation begins; again: the same script is called once more. A part that keeps something of an invocation
// exports begin(again), one that keeps something of a script exports reset().
export function resetParts(again) {
  if (loaded === undefined) return;
  loading = { __proto__: null };
  for (let i = 0; i < order.length; i++) {
    const { begin, reset } = loaded[order[i]];
    if (begin !== undefined) begin(again);
    if (!again && reset !== undefined) reset();
  }
}
