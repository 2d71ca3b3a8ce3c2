// WebAssembly and SharedArrayBuffer as far as a job may use them (sandbox/engine/permits.cc).
//
// How this works: V8 puts both on the global object when a context is made, not when the snapshot is, so
// they are captured at the first permit(), which comes in the zygote before any guest code. Without
// `wasm` the global WebAssembly is a stand-in whose every door refuses: the real one is not reachable,
// for no instance of its classes exists. Without `sab` there is no global SharedArrayBuffer; the only
// other way to one is a WebAssembly memory that is shared, and those do not give their buffer away.
import {
  Promise,
  TypeError,
  arrayBufferByteLength,
  construct,
  define,
  defineProperty,
  getter,
  hasOwn,
  isEnumerable,
  ownKeys,
  uncurry,
} from './primordials.js';
import { lazy } from './parts.js';

const global = globalThis;
const streamingPart = lazy('wasm_streaming');
const REFUSED = 'WebAssembly is not allowed for this job';
const PROMISING = { __proto__: null, compile: true, instantiate: true, compileStreaming: true, instantiateStreaming: true };
const NOT_SHARED = 'SharedArrayBuffer is not allowed for this job: a WebAssembly memory must not be shared';

let real; // {WebAssembly, SharedArrayBuffer}
let standIn;
let tools; // what modules (parts/modules/wasm.js) need of it, whatever a script does to WebAssembly
let sharedAllowed = false;

function put(holder, name, value) {
  defineProperty(holder, name, {
    __proto__: null,
    value,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}

// ---- without `wasm` ----

// A function that can be called and constructed, and refuses.
function refusing(name, CompileError) {
  const asynchronous = hasOwn(PROMISING, name);
  const refuse = function () {
    const error = new CompileError(`WebAssembly.${name}(): ${REFUSED}`);
    if (asynchronous) return new Promise((resolve, reject) => reject(error));
    throw error;
  };
  defineProperty(refuse, 'name', { __proto__: null, value: name, configurable: true });
  return refuse;
}

function makeStandIn(WebAssembly) {
  const { CompileError } = WebAssembly;
  const made = {};
  const names = ownKeys(WebAssembly);
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    const value = WebAssembly[name];
    if (typeof name === 'symbol') put(made, name, value); // Symbol.toStringTag
    else if (typeof value !== 'function') continue; // JSTag: an instance of a real class
    else if (hasOwn(value, 'prototype') && value.prototype instanceof Error) put(made, name, value);
    else put(made, name, refusing(name, CompileError));
  }
  return made;
}

// ---- streaming compilation (the Web API), which V8 leaves to its embedder ----

const streaming = {
  compileStreaming(source) {
    return streamingPart().compileStreaming(source);
  },
  instantiateStreaming(source, imports = undefined) {
    return streamingPart().instantiateStreaming(source, imports);
  },
};

// ---- without `sab` ----

function isShared(buffer) {
  try {
    arrayBufferByteLength(buffer);
    return false;
  } catch {
    return true;
  }
}

const unshared = (buffer) => {
  if (!sharedAllowed && isShared(buffer)) throw new TypeError(NOT_SHARED);
  return buffer;
};

function guardMemory(WebAssembly) {
  const RealMemory = WebAssembly.Memory;
  const { prototype } = RealMemory;
  const bufferOf = getter(prototype, 'buffer');
  const Memory = {
    Memory: function (descriptor) {
      if (new.target === undefined)
        throw new TypeError("WebAssembly.Memory must be invoked with 'new'");
      const memory = construct(RealMemory, [descriptor], new.target);
      unshared(bufferOf(memory));
      return memory;
    },
  }.Memory;
  defineProperty(Memory, 'prototype', { __proto__: null, value: prototype, writable: false });
  put(prototype, 'constructor', Memory);
  put(WebAssembly, 'Memory', Memory);
  const access = {
    get buffer() {
      return unshared(bufferOf(this));
    },
  };
  const { get } = Reflect.getOwnPropertyDescriptor(access, 'buffer');
  defineProperty(prototype, 'buffer', { __proto__: null, get });
  for (const name of ['toFixedLengthBuffer', 'toResizableBuffer']) {
    if (!hasOwn(prototype, name)) continue;
    const method = uncurry(prototype[name]);
    const guarded = {
      [name]() {
        unshared(bufferOf(this));
        return method(this);
      },
    };
    defineProperty(prototype, name, { __proto__: null, value: guarded[name] });
  }
}

// ---- both ----

function captureTools(WebAssembly) {
  if (WebAssembly === undefined) return { __proto__: null };
  const { Module, Instance, Global, compile, instantiate } = WebAssembly;
  return {
    __proto__: null,
    Module,
    Instance,
    Global,
    compile,
    instantiate,
    importsOf: Module.imports,
    exportsOf: Module.exports,
    globalValue: getter(Global.prototype, 'value'),
  };
}

export const webAssembly = () => tools;

function capture() {
  const { WebAssembly, SharedArrayBuffer } = global;
  real = { __proto__: null, WebAssembly, SharedArrayBuffer };
  tools = captureTools(WebAssembly);
  if (WebAssembly === undefined) return; // jitless
  define(WebAssembly, streaming, isEnumerable(WebAssembly, 'compile'));
  standIn = makeStandIn(WebAssembly);
  guardMemory(WebAssembly);
}

// Called by the engine in the zygote, and before a job whose permissions differ from what stands.
export function permit(wasm, sab) {
  if (real === undefined) capture();
  sharedAllowed = sab;
  if (sab) put(global, 'SharedArrayBuffer', real.SharedArrayBuffer);
  else delete global.SharedArrayBuffer;
  if (real.WebAssembly !== undefined) put(global, 'WebAssembly', wasm ? real.WebAssembly : standIn);
}
