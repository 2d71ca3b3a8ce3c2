// WebAssembly as far as a job may use it: what ../permits.js puts on the global object.
//
// How this works: without `wasm` the global WebAssembly is a stand-in whose every door refuses: the real one is
// not reachable, for no instance of its classes exists. With it, it is the real one (openWebAssembly), with
// the Web's streaming functions, and with a Memory that gives no shared buffer to a job that may have none.
import {
  Error,
  Promise,
  TypeError,
  arrayBufferByteLength,
  construct,
  define,
  defineProperty,
  descriptorOf,
  functionHasInstance,
  getter,
  hasOwn,
  isEnumerable,
  ownKeys,
  uncurry,
} from '../primordials.js';
import { lazy } from '../parts.js';
import { realWebAssembly, sharedAllowed } from '../permits.js';

const streamingPart = lazy('wasm_streaming');
const REFUSED = 'WebAssembly is not allowed for this job';
const PROMISING = { __proto__: null, compile: true, instantiate: true, compileStreaming: true, instantiateStreaming: true };
const NOT_SHARED = 'SharedArrayBuffer is not allowed for this job: a WebAssembly memory must not be shared';

function put(holder, name, value) {
  defineProperty(holder, name, {
    __proto__: null,
    value,
    writable: true,
    enumerable: false,
    configurable: true,
  });
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
    else if (hasOwn(value, 'prototype') && functionHasInstance(Error, value.prototype)) put(made, name, value);
    else put(made, name, refusing(name, CompileError));
  }
  const more = ownKeys(streaming);
  for (let i = 0; i < more.length; i++) put(made, more[i], refusing(more[i], CompileError));
  return made;
}

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
  if (!sharedAllowed() && isShared(buffer)) throw new TypeError(NOT_SHARED);
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
  const { get } = descriptorOf(access, 'buffer');
  defineProperty(prototype, 'buffer', { __proto__: null, get });
  const names = { toFixedLengthBuffer: true, toResizableBuffer: true };
  const keys = ownKeys(names);
  for (let i = 0; i < keys.length; i++) {
    const name = keys[i];
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

function toolsOf(WebAssembly) {
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

const real = realWebAssembly();
const none = { __proto__: null };
const tools = real === undefined ? none : toolsOf(real);

// What other parts need of it, whatever a script does to WebAssembly. Nothing in the profile `jitless`.
export const webAssembly = () => tools;

// The stand-in: what a script without the permission sees under this name.
export const WebAssembly = real === undefined ? undefined : makeStandIn(real);

let open = false;
export function openWebAssembly() {
  if (open) return real;
  define(real, streaming, isEnumerable(real, 'compile'));
  guardMemory(real);
  open = true;
  return real;
}
