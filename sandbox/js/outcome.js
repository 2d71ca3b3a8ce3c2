// How a job ends, as text: its value as JSON, or what was thrown as name, message and stack.
import {
  Error,
  TypeError,
  apply,
  descriptorOf,
  errorToString,
  getPrototypeOf,
  jsonStringify,
  list,
  push,
  setPrototypeOf,
  stringStartsWith,
} from './primordials.js';
import { load } from './parts.js';

// Script names of the built-ins begin so (sandbox/engine).
const INTERNAL = 'isolane:';
const arrayPrototype = Array.prototype;

// The value as JSON text; undefined for values that JSON does not have (functions, symbols, undefined).
export function serialize(value) {
  let text;
  try {
    text = jsonStringify(value);
  } catch (error) {
    const reason = describe(error).message;
    throw new TypeError(`the job's value cannot be written as JSON: ${reason}`, { cause: error });
  }
  return text;
}

// Name, message and stack of whatever was thrown (the part says how).
export const describe = (thrown) => load('describe').describe(thrown);

// ---- stacks -----------------------------------------------------------------------------------------------
// The class of frames is found by making one; a guest can reach its prototype later, so take it now.
// While the snapshot is made, V8 has not set Error.stackTraceLimit yet, and wants to do that itself.
const { fileNameOf, frameText, lineOf, columnOf } = (() => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 1;
  Error.prepareStackTrace = (_error, sites) => sites[0];
  const frame = getPrototypeOf(new Error().stack);
  delete Error.prepareStackTrace;
  delete Error.stackTraceLimit;
  if (stackTraceLimit !== undefined) Error.stackTraceLimit = stackTraceLimit;
  const { call } = Function.prototype;
  return {
    fileNameOf: call.bind(frame.getScriptNameOrSourceURL),
    frameText: call.bind(frame.toString),
    lineOf: call.bind(frame.getLineNumber),
    columnOf: call.bind(frame.getColumnNumber),
  };
})();

function headerOf(error) {
  try {
    return errorToString(error);
  } catch {
    return '<error>';
  }
}

// A frame's text, with the place in the original where the file has a source map; undefined: it has none there.
function shownFrame(site, name) {
  const text = frameText(site);
  if (typeof name !== 'string' || !native.modules.mapped(name)) return text;
  try {
    return load('source_maps').mappedFrame(text, name, lineOf(site), columnOf(site));
  } catch {
    return text; // the end of the stack of calls
  }
}

// Called by the engine when error.stack is first read, with V8's CallSite objects.
export function prepareStack(error, sites) {
  const shown = list();
  let text = '';
  for (let i = 0; i < sites.length; i++) {
    const name = fileNameOf(sites[i]);
    if (typeof name === 'string' && stringStartsWith(name, INTERNAL)) continue;
    push(shown, sites[i]);
    const frame = shownFrame(sites[i], name);
    if (frame !== undefined) text += `\n    at ${frame}`;
  }
  const own = descriptorOf(Error, 'prepareStackTrace')?.value;
  if (typeof own === 'function')
    return apply(own, Error, [error, setPrototypeOf(shown, arrayPrototype)]);
  return headerOf(error) + text;
}
