// WebAssembly and SharedArrayBuffer as far as a job may use them (sandbox/engine/permits.cc).
//
// How this works: V8 puts both on the global object when a context is made, not when the snapshot is, so
// they are taken at the first permit(), which comes before any guest code. Without `wasm` there is a stand-in
// for WebAssembly, which the part `wasm` makes when a script first looks at it. Without `sab` there is no
// global SharedArrayBuffer; the only other way to one is a WebAssembly memory that is shared, and those do
// not give their buffer away.
import { defineProperty } from './primordials.js';
import { load } from './parts.js';

const global = globalThis;
const { parts } = native;

// V8's own.
let WebAssembly;
let SharedArrayBuffer;
let taken = false;
let shared = false;

// For the part: V8's own, and whether the job may share memory.
export const realWebAssembly = () => WebAssembly;
export const sharedAllowed = () => shared;

function put(name, value) {
  defineProperty(global, name, {
    __proto__: null,
    value,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}

// Called by the engine for each context, and before a job whose permissions differ from what stands.
export function permit(wasm, sab) {
  if (!taken) ({ WebAssembly, SharedArrayBuffer } = global);
  taken = true;
  shared = sab;
  if (sab) put('SharedArrayBuffer', SharedArrayBuffer);
  else delete global.SharedArrayBuffer;
  if (WebAssembly === undefined) return; // jitless
  if (wasm) put('WebAssembly', load('wasm').openWebAssembly());
  else parts.install(global, 'WebAssembly', 'wasm', false);
}
