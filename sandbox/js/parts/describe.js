// What was thrown, as text, at a job's end.
import { Error, functionHasInstance } from '../primordials.js';
import { inspect } from '../inspect.js';
import { ERROR, PROXY } from '../inspect_kinds.js';

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
