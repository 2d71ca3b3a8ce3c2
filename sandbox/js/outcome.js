// How a job ends, as text: its value as JSON, or what was thrown as name, message and stack.
import {
  Error,
  TypeError,
  apply,
  descriptorOf,
  errorToString,
  functionHasInstance,
  getPrototypeOf,
  jsonStringify,
  list,
  push,
  setPrototypeOf,
  stringStartsWith,
} from './primordials.js';
import { inspect } from './inspect.js';
import { ERROR, PROXY } from './inspect_kinds.js';
import { lazy } from './parts.js';

const sourceMaps = lazy('source_maps');

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

// A property as text; the fallback when it is missing, throws or is no string.
function textOf(object, key, fallback) {
  try {
    const value = object[key];
    return typeof value === 'string' ? value : fallback;
  } catch {
    return fallback;
  }
}

function inspected(value) {
  try {
    return inspect(value);
  } catch {
    // Custom inspection or a class's name threw.
  }
  try {
    return inspect(value, { __proto__: null, customInspect: false });
  } catch {
    return '[value that cannot be shown]';
  }
}

const isErrorObject = (value) =>
  typeof value === 'object' &&
  value !== null &&
  native.inspect.kind(value) !== PROXY &&
  (native.inspect.kind(value) === ERROR || functionHasInstance(Error, value));

// Name, message and stack of whatever was thrown. The stack is what console.error would print, with the
// causes. Never throws, except when the stack of calls is used up.
export function describe(thrown) {
  const shown = inspected(thrown);
  let isError = false;
  try {
    isError = isErrorObject(thrown);
  } catch {
    // A proxy far up its prototype chain threw.
  }
  if (!isError) return { __proto__: null, name: 'Error', message: `Uncaught ${shown}`, stack: '' };
  return {
    __proto__: null,
    name: textOf(thrown, 'name', 'Error'),
    message: textOf(thrown, 'message', ''),
    stack: shown,
  };
}

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
    return sourceMaps().mappedFrame(text, name, lineOf(site), columnOf(site));
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
