// WebAssembly.compileStreaming and instantiateStreaming (https://webassembly.github.io/spec/web-api/), behind the
// functions of permits.js. All of a response is read first: V8 compiles bytes at hand, with no thread to do so
// while they come.
import { apply, stringToLowerCase } from '../primordials.js';
import { webAssembly } from './wasm.js';
import { bytesOfResponse, factsOf, isResponse, trimmed } from './fetch/index.js';

async function bytesOf(source, where) {
  const response = await source;
  const wrong = (found, allowed) => new TypeError(`WebAssembly.${where}: found ${found}; allowed: ${allowed}`);
  if (!isResponse(response)) throw wrong('no Response', 'a Response, or a promise of one');
  const { type, ok, status, mime } = factsOf(response);
  if (type !== 'basic' && type !== 'cors' && type !== 'default') throw wrong(`a response of type ${type}`, 'basic, cors, default');
  if (!ok) throw wrong(`the status ${status}`, '200 to 299');
  if (mime === null || stringToLowerCase(trimmed(mime)) !== 'application/wasm') throw wrong(`the Content-Type "${mime ?? ''}"`, 'application/wasm');
  return bytesOfResponse(response);
}

export async function compileStreaming(source) {
  const bytes = await bytesOf(source, 'compileStreaming');
  return apply(webAssembly().compile, undefined, [bytes]);
}

export async function instantiateStreaming(source, imports) {
  const bytes = await bytesOf(source, 'instantiateStreaming');
  return apply(webAssembly().instantiate, undefined, [bytes, imports]);
}
